/* auth.set_password and auth.set_disabled: what the operator may change of an account. */
#include "services/auth/auth.h"
#include "services/auth/auth_sql.h"

/* Runs one change of an account and ends its logins' tokens. */
static enum err change(struct db *db, uint64_t account, const struct db_statement *statement,
                       struct db_value value) {
    struct db_rows *rows;
    enum err err = db_query(db, &auth_sql_account_exists, DB_ARGS(db_u64(account)), &rows);
    bool exists = err == ERR_OK && db_rows_next(rows);
    db_rows_destroy(&rows);
    if (err == ERR_OK && !exists)
        err = ERR_NO_ACCOUNT;
    if (err == ERR_OK)
        err = db_query(db, statement, DB_ARGS(value, db_u64(account)), NULL);
    if (err == ERR_OK)
        err = db_query(db, &auth_sql_remove_tokens, DB_ARGS(db_u64(account)), NULL);
    return err;
}

enum err auth_handle_set_password(void *context, struct db *db, struct record_arena *arena,
                                  const void *body, void *reply_r) {
    (void)arena;
    (void)reply_r;
    const struct auth *auth = context;
    const struct auth_set_password *ask = body;
    char hash[PASSWORD_HASH_BYTES];
    if (ask->password.length == 0)
        return change(db, ask->account, &auth_sql_set_password, db_null());
    enum err err = password_hash(&auth->passwords, ask->password, hash);
    if (err != ERR_OK)
        return err;
    return change(db, ask->account, &auth_sql_set_password, db_text(slice_text(hash)));
}

enum err auth_handle_set_disabled(void *context, struct db *db, struct record_arena *arena,
                                  const void *body, void *reply_r) {
    (void)context;
    (void)arena;
    (void)reply_r;
    const struct auth_set_disabled *ask = body;
    return change(db, ask->account, &auth_sql_set_disabled, db_u64(ask->disabled));
}
