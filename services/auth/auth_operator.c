/* auth.set_password and auth.set_disabled, the operator's changes of an account; auth.audit. */
#include "services/auth/auth.h"
#include "services/auth/auth_sql.h"

static enum err find(struct db *db, uint64_t account) {
    struct db_rows *rows;
    enum err err = db_query(db, &auth_sql_find_operable, DB_ARGS(db_u64(account)), &rows);
    if (err == ERR_OK && !db_rows_next(rows))
        err = ERR_NO_ACCOUNT;
    db_rows_destroy(&rows);
    return err;
}

/* Runs one change of an account and ends its logins' tokens. */
static enum err change(struct db *db, uint64_t account, const struct db_statement *statement,
                       struct db_value value, enum audit_event event) {
    const struct audit_entry entry = {.event = event, .subject = account};
    enum err err = db_begin(db);
    if (err == ERR_OK)
        err = db_query(db, statement, DB_ARGS(value, db_u64(account)), NULL);
    if (err == ERR_OK)
        err = db_query(db, &auth_sql_remove_tokens, DB_ARGS(db_u64(account)), NULL);
    if (err == ERR_OK)
        err = audit_add(db, &entry);
    if (err == ERR_OK)
        err = db_commit(db);
    if (err == ERR_OK)
        audit_log(&entry);
    else
        db_rollback(db);
    return err;
}

enum err auth_begin_set_password(void *context, struct db *db, struct record_arena *arena,
                                 const void *body, void **rest_r, void *reply_r) {
    (void)reply_r;
    const struct auth_set_password *ask = body;
    enum err err = find(db, ask->account);
    if (err == ERR_OK && ask->password.length == 0)
        return change(db, ask->account, &auth_sql_set_password,
                      db_text_or_null(auth_no_password(context)), AUDIT_PASSWORD_CHANGED);
    *rest_r = record_arena_alloc(arena, PASSWORD_HASH_BYTES);
    return err == ERR_OK && *rest_r == NULL ? ERR_OVERLOADED : err;
}

enum err auth_end_set_password(void *context, struct db *db, struct record_arena *arena,
                               const void *body, void *rest, void *reply_r) {
    (void)arena;
    (void)reply_r;
    const struct auth *auth = context;
    const struct auth_set_password *ask = body;
    char *hash = rest;
    enum err err = password_hash(&auth->passwords, ask->password, hash);
    if (err != ERR_OK)
        return err;
    return change(db, ask->account, &auth_sql_set_password, db_text(slice_text(hash)),
                  AUDIT_PASSWORD_CHANGED);
}

enum err auth_handle_set_disabled(void *context, struct db *db, struct record_arena *arena,
                                  const void *body, void *reply_r) {
    (void)context;
    (void)arena;
    (void)reply_r;
    const struct auth_set_disabled *ask = body;
    enum err err = find(db, ask->account);
    return err == ERR_OK ? change(db, ask->account, &auth_sql_set_disabled, db_u64(ask->disabled),
                                  ask->disabled ? AUDIT_ACCOUNT_DISABLED : AUDIT_ACCOUNT_ENABLED)
                         : err;
}

enum err auth_handle_audit(void *context, struct db *db, struct record_arena *arena,
                           const void *body, void *reply_r) {
    const struct auth_audit *ask = body;
    const struct audit_entry entry = {
        .event = AUDIT_OPERATOR, .subject = ask->subject, .detail = ask->detail};
    (void)context;
    (void)arena;
    (void)reply_r;
    enum err err = audit_add(db, &entry);
    if (err == ERR_OK)
        audit_log(&entry);
    return err;
}
