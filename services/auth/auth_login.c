/*
 * auth.login and auth.logout: who somebody is, and the token that stands for a login.
 *
 * A login is two steps: finding the account, which settles all but what a password's hash decides,
 * and that hash.
 */
#include <sodium.h>
#include <string.h>

#include "common/log.h"
#include "common/loop.h"
#include "services/auth/auth.h"
#include "services/auth/auth_sql.h"

#define DAY_MS ((uint64_t)86400000)
/* While the account is changed under the login's hands: by the operator, or by another login that
 * makes the password's hash anew. */
#define LOGIN_ATTEMPTS 3

struct account {
    uint64_t number; /* 0: there is none */
    struct slice id, name, password;
    bool disabled;
};

void auth_hash_token(struct slice token, char hash_r[AUTH_TOKEN_HASH_BYTES]) {
    crypto_generichash((unsigned char *)hash_r, AUTH_TOKEN_HASH_BYTES,
                       (const unsigned char *)token.data, token.length, NULL, 0);
}

uint64_t auth_token_ms(const struct auth *auth) { return auth->settings.token_days * DAY_MS; }

/* A value of the row that outlives it; false without memory: an account that lost its password
 * that way would stand open. */
static bool keep(const struct db_rows *rows, enum auth_account_column column,
                 struct record_arena *arena, struct slice *value_r) {
    struct slice value = db_rows_slice(rows, column);
    *value_r = record_arena_copy(arena, value);
    return value_r->length == value.length;
}

static enum err find(struct db *db, const struct db_statement *statement, struct slice key,
                     struct record_arena *arena, struct account *account_r) {
    struct db_rows *rows;
    enum err err = db_query(db, statement, DB_ARGS(db_text(key)), &rows);
    if (err == ERR_OK && db_rows_next(rows)) {
        account_r->number = db_rows_u64(rows, AUTH_ACCOUNT_NUMBER);
        account_r->disabled = db_rows_u64(rows, AUTH_ACCOUNT_DISABLED) != 0;
        if (!keep(rows, AUTH_ACCOUNT_ID, arena, &account_r->id) ||
            !keep(rows, AUTH_ACCOUNT_NAME, arena, &account_r->name) ||
            !keep(rows, AUTH_ACCOUNT_PASSWORD, arena, &account_r->password))
            err = ERR_OVERLOADED;
    }
    db_rows_destroy(&rows);
    return err;
}

/*
 * A number's decimal form is its account's id, so ids and numbers are one lookup. An id may look
 * like somebody else's e-mail address: then each dialect takes the name that it knows first, so
 * that nobody can stand in another's way by choosing it.
 */
static enum err find_login(struct db *db, const struct auth_login *ask, struct record_arena *arena,
                           struct account *account_r) {
    bool may_be_email =
        ask->login.length > 0 && memchr(ask->login.data, '@', ask->login.length) != NULL;
    struct slice email = auth_fold_email(arena, ask->login);
    enum err err = email.length == ask->login.length ? ERR_OK : ERR_OVERLOADED;
    *account_r = (struct account){0};
    if (may_be_email && !ask->open)
        err = find(db, &auth_sql_find_by_email, email, arena, account_r);
    if (err == ERR_OK && account_r->number == 0)
        err = find(db, &auth_sql_find_by_id, ask->login, arena, account_r);
    if (err == ERR_OK && account_r->number == 0 && may_be_email && ask->open)
        err = find(db, &auth_sql_find_by_email, email, arena, account_r);
    return err;
}

/* Whether a password's hash decides on this login: also where there is no such account, so that
 * time does not tell. */
static bool needs_hash(const struct auth *auth, const struct auth_login *ask,
                       const struct account *account) {
    if (ask->password.length == 0 && ask->open)
        return false;
    bool open = ask->open && auth->settings.youim_open_login;
    return account->number == 0 || account->password.length > 0 || !open;
}

/* Whether this login may enter the account, which may be nobody's. */
static enum err check(const struct auth *auth, const struct auth_login *ask,
                      const struct account *account) {
    if (needs_hash(auth, ask, account)) {
        if (!password_verify(&auth->passwords, account->password, ask->password))
            return ERR_BAD_LOGIN;
    } else if (ask->password.length == 0) {
        /* Where open logins are off, this says nothing of what accounts there are. */
        if (!auth->settings.youim_open_login || account->password.length > 0)
            return ERR_PASSWORD_NEEDED;
        if (account->number == 0)
            return ERR_BAD_LOGIN;
    }
    return account->disabled ? ERR_DISABLED : ERR_OK;
}

/* Makes the hash, in `hash`, anew where it was made at another cost. The login does not fail with
 * it. */
static void renew_password(const struct auth *auth, struct db *db, const struct auth_login *ask,
                           struct account *account, char hash[PASSWORD_HASH_BYTES]) {
    if (account->password.length == 0 ||
        !password_is_outdated(&auth->passwords, account->password) ||
        password_hash(&auth->passwords, ask->password, hash) != ERR_OK)
        return;
    if (db_query(
            db, &auth_sql_replace_password,
            DB_ARGS(db_text(slice_text(hash)), db_u64(account->number), db_text(account->password)),
            NULL) != ERR_OK)
        log_warn("password_not_renewed", "account=%llu", (unsigned long long)account->number);
    else if (db_affected(db) == 1)
        account->password = slice_text(hash);
}

/* `token_r` is empty when the account was changed since it was read. */
static enum err issue_token(const struct auth *auth, struct db *db, const struct account *account,
                            struct record_arena *arena, struct slice *token_r) {
    unsigned char secret[AUTH_TOKEN_BYTES];
    char
        text[sodium_base64_ENCODED_LEN(AUTH_TOKEN_BYTES, sodium_base64_VARIANT_URLSAFE_NO_PADDING)];
    char hash[AUTH_TOKEN_HASH_BYTES];
    uint64_t now_ms = (uint64_t)loop_wall_ms();
    randombytes_buf(secret, sizeof secret);
    sodium_bin2base64(text, sizeof text, secret, sizeof secret,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    *token_r = record_arena_copy(arena, slice_text(text));
    if (token_r->length == 0)
        return ERR_OVERLOADED;
    auth_hash_token(*token_r, hash);
    enum err err = db_query(db, &auth_sql_remove_expired,
                            DB_ARGS(db_u64(account->number), db_u64(now_ms)), NULL);
    if (err == ERR_OK)
        err = db_query(
            db, &auth_sql_add_token,
            DB_ARGS(db_bytes(slice_make(hash, sizeof hash)), db_u64(now_ms),
                    db_u64(now_ms + auth_token_ms(auth)), db_u64(account->number),
                    account->password.length == 0 ? db_null() : db_text(account->password)),
            NULL);
    if (err == ERR_OK && db_affected(db) == 0)
        *token_r = slice_make(NULL, 0);
    return err;
}

/* An account has one count, by whichever of its names it is tried. */
static struct slice throttled_name(const struct auth_login *ask, const struct account *account) {
    return account->number != 0 ? account->id : ask->login;
}

static bool allows(const struct auth *auth, const struct auth_login *ask,
                   const struct account *account) {
    return throttle_allows(auth->throttle, throttled_name(ask, account), ask->address,
                           loop_now_ms());
}

static enum err find_epoch(struct db *db, uint64_t *epoch_r) {
    struct db_rows *rows;
    enum err err = db_query(db, &auth_sql_find_epoch, DB_NO_ARGS, &rows);
    if (err == ERR_OK && db_rows_next(rows))
        *epoch_r = db_rows_u64(rows, 0);
    db_rows_destroy(&rows);
    return err;
}

/* ERR_OK without a token: the account was changed meanwhile. */
static enum err log_in(const struct auth *auth, struct db *db, struct record_arena *arena,
                       const struct auth_login *ask, struct account *account,
                       struct auth_login_reply *reply) {
    char renewed[PASSWORD_HASH_BYTES];
    struct slice name = throttled_name(ask, account);
    /* Right before the hash: many guesses may have waited for theirs side by side. */
    if (!allows(auth, ask, account))
        return ERR_THROTTLED;
    enum err err = check(auth, ask, account);
    if (err == ERR_BAD_LOGIN)
        throttle_failed(auth->throttle, name, ask->address, loop_now_ms());
    if (err != ERR_OK)
        return err;
    throttle_passed(auth->throttle, name);
    renew_password(auth, db, ask, account, renewed);
    reply->account = account->number;
    reply->id = account->id;
    reply->name = account->name;
    err = find_epoch(db, &reply->epoch);
    return err == ERR_OK ? issue_token(auth, db, account, arena, &reply->token) : err;
}

enum err auth_begin_login(void *context, struct db *db, struct record_arena *arena,
                          const void *body, void **rest_r, void *reply_r) {
    const struct auth *auth = context;
    const struct auth_login *ask = body;
    struct auth_login_reply *reply = reply_r;
    struct account *account = record_arena_alloc(arena, sizeof *account);
    if (account == NULL)
        return ERR_OVERLOADED;
    if (!text_is_plain(ask->login))
        return ERR_BAD_LOGIN;
    for (int i = 0; i < LOGIN_ATTEMPTS; i++) {
        enum err err = find_login(db, ask, arena, account);
        if (err == ERR_OK && needs_hash(auth, ask, account)) {
            *rest_r = account;
            return allows(auth, ask, account) ? ERR_OK : ERR_THROTTLED;
        }
        if (err == ERR_OK)
            err = log_in(auth, db, arena, ask, account, reply);
        if (err != ERR_OK || reply->token.length > 0)
            return err;
    }
    return ERR_UNAVAILABLE;
}

enum err auth_end_login(void *context, struct db *db, struct record_arena *arena, const void *body,
                        void *rest, void *reply_r) {
    struct account *account = rest;
    struct auth_login_reply *reply = reply_r;
    for (int i = 0; i < LOGIN_ATTEMPTS; i++) {
        enum err err = i == 0 ? ERR_OK : find_login(db, body, arena, account);
        if (err == ERR_OK)
            err = log_in(context, db, arena, body, account, reply);
        if (err != ERR_OK || reply->token.length > 0)
            return err;
    }
    return ERR_UNAVAILABLE;
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
        db_query(db, &auth_sql_remove_token,
                 DB_ARGS(db_bytes(slice_make(hash, sizeof hash)), db_u64(ask->account)), NULL);
    reply->repeat = err == ERR_OK && db_affected(db) == 0;
    return err;
}
