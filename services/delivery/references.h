/*
 * References of texts: the message that each replies to, and the accounts that it mentions. Texts
 * that refer to nothing cost nothing here.
 */
#ifndef PARLEY_DELIVERY_REFERENCES_H
#define PARLEY_DELIVERY_REFERENCES_H

#include "common/db.h"
#include "proto/messages.h"
#include "services/entries/entry.h"

/* Whether the lists of a request fit its texts. */
bool references_fit(const struct delivery_send *body);
/* The reference of its `i`-th text; 0, or empty: none. */
uint64_t references_reply(const struct delivery_send *body, size_t i);
struct slice references_mentions(const struct delivery_send *body, size_t i);

/*
 * Whether the sender may refer to all that its texts do, as of the transaction that has locked the
 * head: to messages of the conversation that it may read, to those who are in it, and, as an
 * administrator, to all. `refused_r` is ERR_OK, or why not; the result is the database's.
 */
enum err references_check(struct db *db, struct record_arena *arena, const struct entry_head *head,
                          const struct delivery_send *body, enum err *refused_r)
    __attribute__((warn_unused_result));

/* Accounts with their string ids, ascending by number. */
struct mentioned {
    struct mentioned_account {
        uint64_t number;
        struct slice id; /* empty where it is the decimal form */
    } * items;
    size_t count;
};
/* Those that any of these lists mentions. */
enum err references_find_ids(struct db *db, struct record_arena *arena, const struct slice *lists,
                             size_t count, struct mentioned *mentioned_r)
    __attribute__((warn_unused_result));
/* Sets an entry's mentions and their string ids. */
enum err references_show(const struct mentioned *mentioned, struct record_arena *arena,
                         struct slice mentions, struct entry *entry)
    __attribute__((warn_unused_result));

#endif
