/* API keys: making and removing them, describing one to a gateway, and whether one may be used. */
#include <sodium.h>
#include <string.h>

#include "common/address_ranges.h"
#include "common/loop.h"
#include "common/scope.h"
#include "services/api_keys/api_keys.h"
#include "services/auth/auth.h"
#include "services/auth/auth_sql.h"

/* How an API key begins, so that people and programs that look for secrets know it. */
#define KEY_BEGIN "parley_"
/* Random bytes of a key. */
#define KEY_BYTES 32
/* limit: tool | API keys | {API_KEYS} | `too_many`: remove some */
#define API_KEYS 1000
#define DAY_MS ((uint64_t)86400000)

static bool is_good(const struct auth_make_api_key *ask) {
    struct slice wrong;
    unsigned scopes = scopes_of_words(ask->scopes.data, ask->scopes.length);
    return ask->name.length > 0 && name_fault(ask->name) == NULL && scopes != 0 &&
           (ask->account == 0 || (scopes & ~(unsigned)SCOPES_OF_ACCOUNT) == 0) &&
           (ask->addresses.length == 0 || address_ranges_are_good(ask->addresses, &wrong)) &&
           ask->per_minute > 0 && ask->per_minute <= API_KEY_PER_MINUTE_MAX &&
           ask->days <= API_KEY_DAYS_MAX;
}

static enum err find_account(struct db *db, uint64_t account) {
    struct db_rows *rows;
    enum err err = db_query(db, &auth_sql_find_operable, DB_ARGS(db_u64(account)), &rows);
    if (err == ERR_OK && !db_rows_next(rows))
        err = ERR_NO_ACCOUNT;
    db_rows_destroy(&rows);
    return err;
}

enum err auth_handle_make_api_key(void *context, struct db *db, struct record_arena *arena,
                                  const void *body, void *reply_r) {
    (void)context;
    const struct auth_make_api_key *ask = body;
    struct auth_make_api_key_reply *reply = reply_r;
    unsigned char secret[KEY_BYTES];
    char text[API_KEY_MAX_BYTES + 1] = KEY_BEGIN, hash[API_KEY_HASH_BYTES];
    if (!is_good(ask))
        return ERR_BAD_REQUEST;
    enum err err = ask->account == 0 ? ERR_OK : find_account(db, ask->account);
    if (err != ERR_OK)
        return err;
    randombytes_buf(secret, sizeof secret);
    sodium_bin2base64(text + strlen(KEY_BEGIN), sizeof text - strlen(KEY_BEGIN), secret,
                      sizeof secret, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    reply->key = record_arena_copy(arena, slice_text(text));
    if (reply->key.length == 0)
        return ERR_OVERLOADED;
    api_keys_hash(reply->key, hash);
    err = db_query(
        db, &auth_sql_add_api_key,
        DB_ARGS(db_bytes(slice_make(hash, sizeof hash)), db_text(ask->name), db_text(ask->scopes),
                db_text(ask->addresses), db_u64(ask->account), db_u64(ask->per_minute),
                ask->days == 0 ? db_null() : db_u64(ask->days * DAY_MS), db_u64(API_KEYS)),
        NULL);
    if (err == ERR_TAKEN || (err == ERR_OK && db_affected(db) == 0))
        return err == ERR_OK ? ERR_TOO_MANY : err;
    reply->number = db_insert_id(db);
    return err;
}

enum err auth_handle_remove_api_key(void *context, struct db *db, struct record_arena *arena,
                                    const void *body, void *reply_r) {
    (void)context;
    (void)arena;
    const struct auth_remove_api_key *ask = body;
    struct done *reply = reply_r;
    enum err err = db_query(db, &auth_sql_remove_api_key, DB_ARGS(db_text(ask->name)), NULL);
    reply->repeat = err == ERR_OK && db_affected(db) == 0;
    return err;
}

/* A wrong key counts as a failed login of its address, which waits at the limit; a key that was
 * good lately does not wait with it. */
static enum err find_for(const struct auth *auth, struct db *db,
                         const struct auth_find_api_key *ask, struct db_rows **rows_r) {
    struct address_key key;
    struct throttle_try attempt = auth_try_of_address(ask->address, &key);
    attempt.known = ask->known;
    if (!throttle_take(auth->throttle, &attempt, loop_now_ms()))
        return ERR_THROTTLED;
    enum err err = api_keys_find(db, ask->key, rows_r);
    if (err != ERR_BAD_API_KEY)
        throttle_give_back(auth->throttle, &attempt, false, loop_now_ms());
    return err;
}

enum err auth_handle_find_api_key(void *context, struct db *db, struct record_arena *arena,
                                  const void *body, void *reply_r) {
    const struct auth_find_api_key *ask = body;
    struct auth_find_api_key_reply *reply = reply_r;
    struct db_rows *rows;
    enum err err = find_for(context, db, ask, &rows);
    if (err != ERR_OK)
        return err;
    struct slice words = db_rows_slice(rows, API_KEY_SCOPES);
    struct slice addresses = db_rows_slice(rows, API_KEY_ADDRESSES);
    reply->number = db_rows_u64(rows, API_KEY_NUMBER);
    reply->name = record_arena_copy(arena, db_rows_slice(rows, API_KEY_NAME));
    reply->scopes = scopes_of_words(words.data, words.length);
    reply->addresses = record_arena_copy(arena, addresses);
    reply->account = db_rows_u64(rows, API_KEY_ACCOUNT);
    reply->per_minute = db_rows_u64(rows, API_KEY_PER_MINUTE);
    /* Without its networks a key would be good anywhere. */
    if (reply->name.length == 0 || reply->addresses.length != addresses.length)
        err = ERR_OVERLOADED;
    db_rows_destroy(&rows);
    return err;
}

static const struct message_desc *find_message(struct slice name) {
    for (size_t i = 0; i < proto_messages_count; i++)
        if (slice_equal(name, slice_text(proto_messages[i]->name)))
            return proto_messages[i];
    return NULL;
}

enum err auth_handle_admit(void *context, struct db *db, struct record_arena *arena,
                           const void *body, void *reply_r) {
    (void)context;
    (void)arena;
    (void)reply_r;
    const struct auth_admit *ask = body;
    const struct message_desc *message = find_message(ask->message);
    struct service_key key;
    if (message == NULL || message->scope == 0)
        return ERR_FORBIDDEN;
    enum err err = api_keys_check_of(db, ask->key, message, ask->account, &key);
    if (err == ERR_OK && message->noted)
        api_keys_note_of(db, &key, message, ask->account);
    return err;
}
