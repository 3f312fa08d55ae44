/*
 * auth.resume: a login goes on under its token, on a new connection.
 *
 * One read by the key, and no password's hash: thousands of clients reconnect at once when a
 * gateway is restarted. A token is written only when less than half of its time is left, and once
 * an hour for the list of devices. Failures are not counted: nobody can guess a token, and whoever
 * has a good one gets in, whatever others do at the same address.
 *
 * A token that was never issued here may be one of the operator's own backend. Its tokens may look
 * like ours, so auth_url is asked, as by auth.enter, once there is no such token here.
 */
#include "common/log.h"
#include "common/loop.h"
#include "proto/login_number.h"
#include "services/auth/auth.h"
#include "services/auth/auth_sql.h"

/* The stored fields of a token, beside its account. */
struct known {
    uint64_t left_ms; /* it is valid for */
    bool noted;       /* it was used within the hour, from the same address */
};

static enum err find(struct db *db, struct slice hash, const struct auth_resume *ask,
                     struct record_arena *arena, struct auth_login_reply *reply,
                     struct known *known_r) {
    struct db_rows *rows;
    enum err err = db_query(db, &auth_sql_find_token, DB_ARGS(db_bytes(hash)), &rows);
    if (err == ERR_OK && !db_rows_next(rows)) {
        err = ERR_BAD_TOKEN;
    } else if (err == ERR_OK) {
        struct slice id = db_rows_slice(rows, 1);
        reply->account = db_rows_u64(rows, 0);
        reply->id = record_arena_copy(arena, id);
        reply->name = record_arena_copy(arena, db_rows_slice(rows, 2));
        known_r->left_ms = db_rows_u64(rows, 4);
        known_r->noted =
            db_rows_u64(rows, 6) != 0 && slice_equal(db_rows_slice(rows, 7), ask->address);
        reply->epoch = db_rows_u64(rows, 5);
        if (known_r->left_ms == 0)
            err = ERR_BAD_TOKEN;
        else if (db_rows_u64(rows, 3) != 0)
            err = ERR_DISABLED;
        else if (reply->id.length != id.length)
            err = ERR_OVERLOADED;
    }
    db_rows_destroy(&rows);
    return err;
}

/* The resuming does not fail with it. */
static void renew(const struct auth *auth, struct db *db, struct slice hash, uint64_t account,
                  uint64_t left_ms) {
    uint64_t whole_ms = auth_token_ms(auth);
    if (left_ms >= whole_ms / 2)
        return;
    if (db_query(db, &auth_sql_renew_token, DB_ARGS(db_u64(whole_ms), db_bytes(hash)), NULL) !=
        ERR_OK)
        log_warn("token_not_renewed", "account=%llu", (unsigned long long)account);
}

/* Stores the address of the login's new connection. Resuming goes on if that fails. */
static void note(struct db *db, struct slice hash, const struct auth_resume *ask,
                 uint64_t account) {
    if (db_query(db, &auth_sql_note_device,
                 DB_ARGS(db_u64(login_number(ask->token)), db_text_or_null(ask->device),
                         db_u64(ask->transport), db_text_or_null(ask->address), db_bytes(hash)),
                 NULL) != ERR_OK)
        log_warn("device_not_noted", "account=%llu", (unsigned long long)account);
}

static enum err resume(const struct auth *auth, struct db *db, struct record_arena *arena,
                       const struct auth_resume *ask, struct auth_login_reply *reply) {
    char bytes[AUTH_TOKEN_HASH_BYTES];
    struct known known = {0};
    auth_hash_token(ask->token, bytes);
    const struct slice hash = slice_make(bytes, sizeof bytes);
    enum err err = find(db, hash, ask, arena, reply, &known);
    if (err != ERR_OK)
        return err;
    renew(auth, db, hash, reply->account, known.left_ms);
    if (!known.noted)
        note(db, hash, ask, reply->account);
    reply->token = ask->token;
    return ERR_OK;
}

enum err auth_begin_resume(void *context, struct db *db, struct record_arena *arena,
                           const void *body, void **rest_r, void *reply_r) {
    const struct auth *auth = context;
    const struct auth_resume *ask = body;
    const struct auth_login_reply *reply = reply_r;
    enum err err = resume(auth, db, arena, ask, reply_r);
    if (err == ERR_BAD_TOKEN && reply->account == 0 && ask->outside && auth->callback != NULL) {
        *rest_r = record_arena_alloc(arena, sizeof(struct throttle_try));
        return *rest_r == NULL ? ERR_OVERLOADED : ERR_OK;
    }
    auth_note_refusal(auth, db, err, reply->account, ask->address, slice_text("by its token"));
    return err;
}

enum err auth_end_resume(void *context, struct db *db, struct record_arena *arena, const void *body,
                         void *rest, void *reply_r) {
    const struct auth_resume *ask = body;
    const struct auth_login_reply *reply = reply_r;
    const struct auth_enter enter = {.token = ask->token,
                                     .address = ask->address,
                                     .device = ask->device,
                                     .transport = ask->transport};
    enum err err = auth_enter_by_asking(context, db, arena, &enter, rest, reply_r);
    if (err == ERR_BAD_LOGIN)
        err = ERR_BAD_TOKEN;
    auth_note_refusal(context, db, err, reply->account, ask->address, slice_text("by a token"));
    return err;
}
