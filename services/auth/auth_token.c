/* Tokens of logins, and auth.logout; see auth_token.h. */
#include "services/auth/auth_token.h"

#include <sodium.h>

#include "proto/login_number.h"
#include "services/auth/auth_sql.h"

#define DAY_MS ((uint64_t)86400000)

void auth_hash_token(struct slice token, char hash_r[AUTH_TOKEN_HASH_BYTES]) {
    crypto_generichash((unsigned char *)hash_r, AUTH_TOKEN_HASH_BYTES,
                       (const unsigned char *)token.data, token.length, NULL, 0);
}

uint64_t auth_token_ms(const struct auth *auth) { return auth->settings.token_days * DAY_MS; }

/* For one more token. Logins side by side may leave some too many, for the next one to remove. */
static enum err make_room(struct db *db, const struct auth_login_made *login) {
    if (login->tokens < AUTH_TOKENS_MAX)
        return ERR_OK;
    return db_query(db, &auth_sql_remove_oldest,
                    DB_ARGS(db_u64(login->account), db_u64(login->tokens - AUTH_TOKENS_MAX + 1)),
                    NULL);
}

static enum err find_epoch(struct db *db, uint64_t *epoch_r) {
    struct db_rows *rows;
    enum err err = db_query(db, &auth_sql_find_epoch, DB_NO_ARGS, &rows);
    if (err == ERR_OK && db_rows_next(rows))
        *epoch_r = db_rows_u64(rows, 0);
    db_rows_destroy(&rows);
    return err;
}

enum err auth_token_issue(const struct auth *auth, struct db *db,
                          const struct auth_login_made *login, struct record_arena *arena,
                          struct auth_login_reply *reply_r) {
    unsigned char secret[AUTH_TOKEN_BYTES];
    char
        text[sodium_base64_ENCODED_LEN(AUTH_TOKEN_BYTES, sodium_base64_VARIANT_URLSAFE_NO_PADDING)];
    char hash[AUTH_TOKEN_HASH_BYTES];
    randombytes_buf(secret, sizeof secret);
    sodium_bin2base64(text, sizeof text, secret, sizeof secret,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    struct slice token = record_arena_copy(arena, slice_text(text));
    if (token.length == 0)
        return ERR_OVERLOADED;
    auth_hash_token(token, hash);
    enum err err = find_epoch(db, &reply_r->epoch);
    if (err == ERR_OK)
        err = make_room(db, login);
    if (err == ERR_OK)
        err = db_query(db, &auth_sql_add_token,
                       DB_ARGS(db_bytes(slice_make(hash, sizeof hash)), db_u64(login_number(token)),
                               db_text_or_null(login->device), db_u64(login->transport),
                               db_text_or_null(login->address), db_u64(auth_token_ms(auth)),
                               db_u64(login->account), db_text_or_null(login->password)),
                       NULL);
    if (err == ERR_OK && db_affected(db) == 1)
        reply_r->token = token;
    return err;
}

enum err auth_handle_logout(void *context, struct db *db, struct record_arena *arena,
                            const void *body, void *reply_r) {
    (void)context;
    (void)arena;
    const struct auth_logout *ask = body;
    struct done *reply = reply_r;
    char hash[AUTH_TOKEN_HASH_BYTES];
    auth_hash_token(ask->token, hash);
    enum err err =
        db_query(db, &auth_sql_end_token,
                 DB_ARGS(db_bytes(slice_make(hash, sizeof hash)), db_u64(ask->account)), NULL);
    reply->repeat = err == ERR_OK && db_affected(db) == 0;
    return err;
}
