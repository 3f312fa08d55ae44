/* The changes made under each nonce; see group_done.h. */
#include "services/group/group_done.h"

#include <sodium.h>
#include <string.h>

#include "services/group/group_sql.h"

/*
 * limit: delivery | a request whose digest is kept | {ASK_MAX_BYTES} packed | `internal`; its
 * fields' bounds come first
 */
/* A packed request of group's; the longest holds two texts of some 300 bytes. */
#define ASK_MAX_BYTES 4096

enum err group_done_prepare(struct group_done *self, const struct message_desc *message,
                            const void *ask, uint64_t account, struct slice nonce) {
    *self = (struct group_done){.account = account, .nonce = nonce};
    if (nonce.length == 0)
        return ERR_OK;
    if (nonce.length != NONCE_BYTES)
        return ERR_BAD_REQUEST;
    struct buffer packed = buffer_make(ASK_MAX_BYTES);
    /* With its 0, so that name and body cannot run into each other. */
    buffer_add(&packed, message->name, strlen(message->name) + 1);
    record_pack(message->body, ask, &packed);
    bool failed = packed.failed;
    if (!failed)
        crypto_generichash(self->digest, sizeof self->digest, (const unsigned char *)packed.data,
                           packed.length, NULL, 0);
    buffer_free(&packed);
    return failed ? ERR_INTERNAL : ERR_OK;
}

enum err group_done_add(const struct group_done *self, struct db *db, uint64_t result) {
    if (self->nonce.length == 0)
        return ERR_OK;
    struct slice digest = slice_make((const char *)self->digest, sizeof self->digest);
    enum err err = db_query(
        db, &group_sql_add_done,
        DB_ARGS(db_u64(self->account), db_bytes(self->nonce), db_bytes(digest), db_u64(result)),
        NULL);
    return err == ERR_TAKEN ? ERR_REF_USED : err;
}

static enum err find(const struct group_done *self, struct db *db, bool *found_r, bool *same_r,
                     uint64_t *result_r) {
    struct db_rows *rows;
    enum err err = db_query(db, &group_sql_find_done,
                            DB_ARGS(db_u64(self->account), db_bytes(self->nonce)), &rows);
    *found_r = err == ERR_OK && db_rows_next(rows);
    if (*found_r) {
        struct slice digest = slice_make((const char *)self->digest, sizeof self->digest);
        *same_r = slice_equal(db_rows_slice(rows, 0), digest);
        *result_r = db_rows_u64(rows, 1);
    }
    db_rows_destroy(&rows);
    return err;
}

enum err group_done_settle(const struct group_done *self, struct db *db, enum err err,
                           bool *repeat_r, uint64_t *result_r) {
    bool found, same = false;
    *repeat_r = false;
    /* After a failure that may pass, the next attempt finds out. */
    if (err == ERR_OK || err == ERR_UNAVAILABLE || self->nonce.length == 0)
        return err;
    enum err failure = find(self, db, &found, &same, result_r);
    if (failure != ERR_OK)
        return failure;
    /* It was old, and was removed just now: the next attempt does not meet it. */
    if (!found)
        return err == ERR_REF_USED ? ERR_UNAVAILABLE : err;
    *repeat_r = same;
    return same ? ERR_OK : ERR_REF_USED;
}
