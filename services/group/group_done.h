/*
 * Requests that may be repeated: a change under a nonce is made once.
 *
 *     struct group_done done;
 *     err = group_done_prepare(&done, &message_GROUP_LEAVE, ask, ask->account, ask->nonce);
 *     ... begin, lock whatever the change needs; then, before anything else is written:
 *     err = group_done_add(&done, db, result);
 *     ... the change, commit, rollback after an error; then, in either case:
 *     err = group_done_settle(&done, db, err, &repeat, &result);
 *
 * A row of the table `done` is written in the transaction of the change, so there is one if and
 * only if the change was made. Of two requests with one nonce, even at two instances at once, the
 * primary key lets one write it; the other waits for that one's end, and then finds the row. A
 * request that fails leaves no row: when it is repeated, it is checked anew.
 *
 * There are no deadlocks on these rows: a change takes all its other locks before it writes one.
 * Under an empty nonce none of this happens.
 */
#ifndef PARLEY_GROUP_DONE_H
#define PARLEY_GROUP_DONE_H

#include "services/group/group.h"

#define GROUP_DIGEST_BYTES 16

struct group_done {
    uint64_t account;
    struct slice nonce;                       /* borrowed; empty: the request is never repeated */
    unsigned char digest[GROUP_DIGEST_BYTES]; /* of the kind of request and all that it says */
};

/* `ask` is the body of a `message`, `account` its sender (0: the operator). ERR_BAD_REQUEST for a
 * nonce that is neither empty nor NONCE_BYTES long; ERR_INTERNAL. */
enum err group_done_prepare(struct group_done *self, const struct message_desc *message,
                            const void *ask, uint64_t account, struct slice nonce)
    __attribute__((warn_unused_result));

/* Within the transaction. ERR_REF_USED: the row is there already, roll back and settle. */
enum err group_done_add(const struct group_done *self, struct db *db, uint64_t result)
    __attribute__((warn_unused_result));

/*
 * The result of a request that ended with `err`; outside a transaction. A request that had been
 * done before: ERR_OK with `repeat_r` true and the first result. One whose nonce is that of another
 * request: ERR_REF_USED. Else `err`, or an error of the database.
 */
enum err group_done_settle(const struct group_done *self, struct db *db, enum err err,
                           bool *repeat_r, uint64_t *result_r) __attribute__((warn_unused_result));

#endif
