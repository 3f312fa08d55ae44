/*
 * auth.forget, auth.remove: the end of an account. Its row stays, so that nobody gets its id; from
 * the commit on nobody can log in to it. The row of `ending` has group remove what is not auth's.
 */
#include "common/loop.h"
#include "services/audit/audit.h"
#include "services/auth/auth.h"
#include "services/auth/auth_sql.h"

struct forgotten {
    bool deleted;
    struct slice id, email, password;
    struct auth_try attempt;
};

static enum err find(struct db *db, uint64_t account, struct record_arena *arena,
                     struct forgotten *found) {
    struct db_rows *rows;
    enum err err = db_query(db, &auth_sql_find_to_forget, DB_ARGS(db_u64(account)), &rows);
    if (err == ERR_OK && !db_rows_next(rows)) {
        err = ERR_NO_ACCOUNT;
    } else if (err == ERR_OK) {
        struct slice password = db_rows_slice(rows, 2);
        found->id = record_arena_copy(arena, db_rows_slice(rows, 0));
        found->email = record_arena_copy(arena, db_rows_slice(rows, 1));
        found->password = record_arena_copy(arena, password);
        found->deleted = db_rows_u64(rows, 3) != 0;
        if (found->password.length != password.length)
            err = ERR_OVERLOADED; /* without it the account would stand open */
    }
    db_rows_destroy(&rows);
    return err;
}

/* `by`: 0 for the operator. */
static enum err end(struct db *db, const struct auth_forget *ask, uint64_t by,
                    const struct forgotten *found) {
    const struct db_value account = db_u64(ask->account), email = db_text(found->email);
    const struct audit_entry entry = {.event = AUDIT_ACCOUNT_DELETED,
                                      .account = by,
                                      .subject = ask->account,
                                      .address = ask->address};
    enum err err = db_begin(db);
    if (err == ERR_OK)
        err = db_query(db, &auth_sql_forget, DB_ARGS(account), NULL);
    if (err == ERR_OK)
        err = db_query(db, &auth_sql_remove_tokens, DB_ARGS(account), NULL);
    if (err == ERR_OK && found->email.length > 0)
        err = db_query(db, &auth_sql_remove_address,
                       DB_ARGS(email, email, account, db_text(found->id)), NULL);
    if (err == ERR_OK)
        err = db_query(db, &auth_sql_add_ending, DB_ARGS(account, db_u64(ask->blank)), NULL);
    if (err == ERR_OK)
        err = audit_add(db, &entry);
    if (err == ERR_OK)
        err = db_commit(db);
    if (err == ERR_OK)
        audit_log(&entry);
    db_rollback(db); /* nothing after a commit */
    return err;
}

enum err auth_begin_forget(void *context, struct db *db, struct record_arena *arena,
                           const void *body, void **rest_r, void *reply_r) {
    const struct auth *auth = context;
    const struct auth_forget *ask = body;
    struct done *reply = reply_r;
    struct forgotten *found = record_arena_alloc(arena, sizeof *found);
    enum err err = found == NULL ? ERR_OVERLOADED : find(db, ask->account, arena, found);
    if (err != ERR_OK)
        return err;
    reply->repeat = found->deleted;
    if (found->deleted)
        return ERR_OK;
    if (!password_is_here(found->password))
        return ask->confirm ? end(db, ask, ask->account, found) : ERR_BAD_LOGIN;
    if (ask->password.length == 0)
        return ERR_PASSWORD_NEEDED;
    err = auth_try_begin(db, ask->account, found->id, ask->address, &found->attempt);
    *rest_r = found;
    if (err == ERR_OK && !throttle_allows(auth->throttle, &found->attempt.counted, loop_now_ms()))
        err = ERR_THROTTLED;
    return err;
}

enum err auth_end_forget(void *context, struct db *db, struct record_arena *arena, const void *body,
                         void *rest, void *reply_r) {
    (void)arena;
    (void)reply_r;
    const struct auth *auth = context;
    const struct auth_forget *ask = body;
    const struct forgotten *found = rest;
    if (!throttle_take(auth->throttle, &found->attempt.counted, loop_now_ms()))
        return ERR_THROTTLED;
    if (password_verify(&auth->passwords, found->password, ask->password)) {
        throttle_give_back(auth->throttle, &found->attempt.counted, true, loop_now_ms());
        return end(db, ask, ask->account, found);
    }
    auth_note_refusal(auth, db, ERR_BAD_LOGIN, ask->account, ask->address,
                      slice_text("to end the account"));
    return ERR_BAD_LOGIN;
}

enum err auth_handle_remove(void *context, struct db *db, struct record_arena *arena,
                            const void *body, void *reply_r) {
    (void)context;
    const struct auth_remove *remove = body;
    const struct auth_forget ask = {.account = remove->account, .blank = remove->blank};
    struct done *reply = reply_r;
    struct forgotten found = {0};
    enum err err = find(db, ask.account, arena, &found);
    reply->repeat = err == ERR_OK && found.deleted;
    return err != ERR_OK || found.deleted ? err : end(db, &ask, 0, &found);
}
