/*
 * What is pushed to those who are online and stored nowhere: how far an account has received and
 * read, and that it is typing. An entry of it has no cid, and what is lost of it is lost.
 */
#ifndef PARLEY_DELIVERY_LIVE_H
#define PARLEY_DELIVERY_LIVE_H

#include "services/delivery/delivery.h"

/* Adds to the entry when it is, its trace, and the string ids of its `from` and, by the
 * conversation's kind, its `to`; pushes it to these accounts. */
void live_push(const struct delivery *self, struct db *db, struct entry *entry,
               const uint64_t *accounts, size_t count);
/* Empty for the decimal form of a number; else what was given. */
struct slice live_id(struct slice id);

#endif
