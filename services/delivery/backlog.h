/* Cuts a backlog where a login wants only the newest entries of each conversation. */
#ifndef PARLEY_DELIVERY_BACKLOG_H
#define PARLEY_DELIVERY_BACKLOG_H

#include "services/delivery/delivery_sql.h"

/* Entries of a conversation that are left out are counted up to this number. */
#define BACKLOG_MOST_COUNTED 999

/* Sets `last` and `count` of each part that holds more than the `newest` entries. */
enum err backlog_cut(struct db *db, uint64_t account, struct unread_part *parts, size_t count,
                     uint64_t newest) __attribute__((warn_unused_result));

#endif
