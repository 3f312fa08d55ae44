/* Where the backlog of a login is cut off that wants the newest of each conversation alone. */
#ifndef PARLEY_DELIVERY_BACKLOG_H
#define PARLEY_DELIVERY_BACKLOG_H

#include "services/delivery/delivery_sql.h"

/* What is left out of a conversation is counted up to here. */
#define BACKLOG_MOST_COUNTED 999

/* Of each part that holds more than the `newest` that are wanted, finds `last` and `count`. */
enum err backlog_cut(struct db *db, uint64_t account, struct unread_part *parts, size_t count,
                     uint64_t newest) __attribute__((warn_unused_result));

#endif
