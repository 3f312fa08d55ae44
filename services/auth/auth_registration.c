/* The option `registration` and its tokens: checking, using, making and revoking them. */
#include "services/auth/auth_registration.h"

#include <sodium.h>

#include "common/loop.h"
#include "services/auth/auth_sql.h"

/* Bytes of a token for registrations, which people pass on: hexadecimal digits, twice as many. */
#define TOKEN_BYTES 16
/* limit: tool | tokens for registrations | {REGISTRATION_TOKENS} | `too_many`: revoke some; those
 * that expired a day ago are removed when one is made */
#define REGISTRATION_TOKENS 1000
#define DAY_MS ((uint64_t)86400000)

/* --- registering --------------------------------------------------------------------------- */

static enum err find(struct db *db, struct slice token) {
    char hash[AUTH_TOKEN_HASH_BYTES];
    struct db_rows *rows;
    if (token.length == 0)
        return ERR_REGISTRATION_TOKEN;
    auth_hash_token(token, hash);
    enum err err = db_query(db, &auth_sql_find_registration_token,
                            DB_ARGS(db_bytes(slice_make(hash, sizeof hash))), &rows);
    if (err == ERR_OK && !db_rows_next(rows))
        err = ERR_REGISTRATION_TOKEN;
    db_rows_destroy(&rows);
    return err;
}

enum err auth_registration_check(const struct auth *auth, struct db *db, struct slice token,
                                 struct slice address) {
    if (auth->settings.registration == REGISTRATION_OPEN)
        return ERR_OK;
    if (auth->settings.registration == REGISTRATION_CLOSED)
        return ERR_REGISTRATION_CLOSED;
    struct address_key key;
    const struct throttle_try attempt = auth_try_of_address(address, &key);
    if (!throttle_take(auth->throttle, &attempt, loop_now_ms()))
        return ERR_THROTTLED;
    enum err err = find(db, token);
    if (err != ERR_REGISTRATION_TOKEN)
        throttle_give_back(auth->throttle, &attempt, false, loop_now_ms());
    return err;
}

void auth_registration_forgive(const struct auth *auth, enum err err, struct slice address) {
    struct address_key key;
    const struct throttle_try attempt = auth_try_of_address(address, &key);
    if (err == ERR_REGISTRATION_TOKEN)
        throttle_give_back(auth->throttle, &attempt, false, loop_now_ms());
}

enum err auth_registration_use(const struct auth *auth, struct db *db, struct slice token) {
    char hash[AUTH_TOKEN_HASH_BYTES];
    if (auth->settings.registration == REGISTRATION_OPEN)
        return ERR_OK;
    if (auth->settings.registration == REGISTRATION_CLOSED)
        return ERR_REGISTRATION_CLOSED;
    auth_hash_token(token, hash);
    enum err err = db_query(db, &auth_sql_use_registration_token,
                            DB_ARGS(db_bytes(slice_make(hash, sizeof hash))), NULL);
    return err == ERR_OK && db_affected(db) == 0 ? ERR_REGISTRATION_TOKEN : err;
}

/* --- the operator's messages --------------------------------------------------------------- */

enum err auth_handle_make_registration_token(void *context, struct db *db,
                                             struct record_arena *arena, const void *body,
                                             void *reply_r) {
    (void)context;
    const struct auth_make_registration_token *ask = body;
    struct auth_make_registration_token_reply *reply = reply_r;
    unsigned char secret[TOKEN_BYTES];
    char text[2 * TOKEN_BYTES + 1], hash[AUTH_TOKEN_HASH_BYTES];
    if (ask->uses == 0 || ask->uses > REGISTRATION_TOKEN_MAX_USES || ask->days == 0 ||
        ask->days > REGISTRATION_TOKEN_MAX_DAYS)
        return ERR_BAD_REQUEST;
    randombytes_buf(secret, sizeof secret);
    sodium_bin2hex(text, sizeof text, secret, sizeof secret);
    reply->token = record_arena_copy(arena, slice_text(text));
    if (reply->token.length == 0)
        return ERR_OVERLOADED;
    auth_hash_token(reply->token, hash);
    enum err err = db_query(db, &auth_sql_remove_registration_tokens, NULL, 0, NULL);
    if (err == ERR_OK)
        err = db_query(db, &auth_sql_add_registration_token,
                       DB_ARGS(db_bytes(slice_make(hash, sizeof hash)), db_u64(ask->uses),
                               db_u64(ask->days * DAY_MS), db_u64(REGISTRATION_TOKENS)),
                       NULL);
    if (err == ERR_OK && db_affected(db) == 0)
        err = ERR_TOO_MANY;
    reply->number = db_insert_id(db);
    return err;
}

enum err auth_handle_revoke_registration_token(void *context, struct db *db,
                                               struct record_arena *arena, const void *body,
                                               void *reply_r) {
    (void)context;
    (void)arena;
    const struct auth_revoke_registration_token *ask = body;
    struct done *reply = reply_r;
    enum err err =
        db_query(db, &auth_sql_revoke_registration_token, DB_ARGS(db_u64(ask->number)), NULL);
    reply->repeat = err == ERR_OK && db_affected(db) == 0;
    return err;
}
