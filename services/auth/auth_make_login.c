/* auth.make_login: a login's token for somebody whom the app's own backend has let in. */
#include <sodium.h>

#include "proto/login_number.h"
#include "services/auth/auth.h"
#include "services/auth/auth_sql.h"

#define TEXT_BYTES                                                                                 \
    sodium_base64_ENCODED_LEN(AUTH_TOKEN_BYTES, sodium_base64_VARIANT_URLSAFE_NO_PADDING)

/* The account, which must be one that may log in. */
static enum err find(struct db *db, uint64_t account, struct record_arena *arena,
                     struct auth_login_reply *reply) {
    struct db_rows *rows;
    enum err err = db_query(db, &auth_sql_find_to_log_in, DB_ARGS(db_u64(account)), &rows);
    if (err == ERR_OK && !db_rows_next(rows))
        err = ERR_NO_ACCOUNT;
    if (err == ERR_OK && db_rows_u64(rows, 2) != 0)
        err = ERR_DISABLED;
    if (err == ERR_OK) {
        reply->account = account;
        reply->id = record_arena_copy(arena, db_rows_slice(rows, 0));
        reply->name = record_arena_copy(arena, db_rows_slice(rows, 1));
        reply->epoch = db_rows_u64(rows, 3);
        uint64_t tokens = db_rows_u64(rows, 4);
        if (reply->id.length == 0)
            err = ERR_OVERLOADED;
        else if (tokens >= AUTH_TOKENS_MAX)
            err = db_query(db, &auth_sql_remove_oldest,
                           DB_ARGS(db_u64(account), db_u64(tokens - AUTH_TOKENS_MAX + 1)), NULL);
    }
    db_rows_destroy(&rows);
    return err;
}

enum err auth_handle_make_login(void *context, struct db *db, struct record_arena *arena,
                                const void *body, void *reply_r) {
    const struct auth_make_login *ask = body;
    struct auth_login_reply *reply = reply_r;
    unsigned char secret[AUTH_TOKEN_BYTES];
    char text[TEXT_BYTES], hash[AUTH_TOKEN_HASH_BYTES];
    enum err err = find(db, ask->account, arena, reply);
    if (err != ERR_OK)
        return err;
    randombytes_buf(secret, sizeof secret);
    sodium_bin2base64(text, sizeof text, secret, sizeof secret,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    reply->token = record_arena_copy(arena, slice_text(text));
    if (reply->token.length == 0)
        return ERR_OVERLOADED;
    auth_hash_token(reply->token, hash);
    err = db_query(db, &auth_sql_make_token,
                   DB_ARGS(db_bytes(slice_make(hash, sizeof hash)),
                           db_u64(login_number(reply->token)), db_text_or_null(ask->device),
                           db_u64(auth_token_ms(context)), db_u64(ask->account)),
                   NULL);
    return err == ERR_OK && db_affected(db) == 0 ? ERR_DISABLED : err;
}
