/*
 * Entries that are pushed to accounts that are online, and stored nowhere: how far an account has
 * received and read, and that it is typing. Such an entry has no cid, and is not sent again if it
 * is lost.
 */
#ifndef PARLEY_DELIVERY_LIVE_H
#define PARLEY_DELIVERY_LIVE_H

#include "services/delivery/delivery.h"

/* Adds to the entry when it is, its trace, and the string ids of its `from` and, by the
 * conversation's kind, its `to`; pushes it to these accounts. */
void live_push(const struct delivery *self, struct db *db, struct entry *entry,
               const uint64_t *accounts, size_t count);

#endif
