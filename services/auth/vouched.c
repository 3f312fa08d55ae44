/* Logins that the operator's own backend vouches for; see vouched.h. */
#include "services/auth/vouched.h"

#include "proto/ids.h"
#include "services/auth/auth_sql.h"
#include "services/auth/auth_token.h"

/* limit: client | attempts of a login by JWT whose account is being made or changed |
 * {VOUCHED_ATTEMPTS} | `unavailable` */
#define VOUCHED_ATTEMPTS 3

const struct config_option vouched_options[] = {
    CONFIG_STRING(
        struct vouched_settings, jwt_keys, "",
        "file with the keys of the JWTs that log users in: a JWKS, public keys in PEM, or "
        "the secret of HS256; read again when it changes; empty: no JWT is taken"),
    CONFIG_STRING(struct vouched_settings, jwt_issuer, "",
                  "the JWTs' `iss` has to be this; empty: it is not looked at"),
    CONFIG_STRING(struct vouched_settings, jwt_audience, "",
                  "the JWTs' `aud` has to be this, or hold it; empty: they may have none"),
    CONFIG_U64(struct vouched_settings, jwt_skew_s, 30, 0, 300, "seconds",
               "how far the clocks of who signs JWTs and of auth may be apart"),
    CONFIG_BOOL(struct vouched_settings, jwt_create, true,
                "make an account for the user of a JWT who has none, whatever registration says"),
    CONFIG_BOOL(struct vouched_settings, jwt_existing, false,
                "let JWTs enter accounts that were registered here, too: only safe where nobody "
                "but the operator could register another's id"),
    CONFIG_INCLUDE(struct vouched_settings, callback, callback_options),
    CONFIG_END};

struct found {
    uint64_t number; /* 0: there is none */
    bool disabled;
    struct slice name, password;
};

/* The account with exactly this id: another form of it may be another user of the backend's. */
static enum err find(struct db *db, struct slice id, struct record_arena *arena,
                     struct found *found_r) {
    const struct id_forms forms = {.items = {id}, .count = 1};
    struct db_rows *rows;
    *found_r = (struct found){0};
    enum err err = auth_find_by_id(db, &forms, &rows);
    while (err == ERR_OK && db_rows_next(rows)) {
        if (!slice_equal(db_rows_slice(rows, AUTH_ACCOUNT_ID), id))
            continue;
        struct slice password = db_rows_slice(rows, AUTH_ACCOUNT_PASSWORD);
        found_r->number = db_rows_u64(rows, AUTH_ACCOUNT_NUMBER);
        found_r->disabled = db_rows_u64(rows, AUTH_ACCOUNT_DISABLED) != 0;
        found_r->name = record_arena_copy(arena, db_rows_slice(rows, AUTH_ACCOUNT_NAME));
        found_r->password = record_arena_copy(arena, password);
        if (found_r->password.length != password.length)
            err = ERR_OVERLOADED; /* without it the account would stand open */
    }
    db_rows_destroy(&rows);
    return err;
}

static enum err make(const struct auth *auth, struct db *db, struct record_arena *arena,
                     const struct vouched *who, struct found *found_r) {
    const struct auth_register ask = {.id = who->id, .name = who->name, .address = who->address};
    struct auth_register_reply made = {0};
    if (!auth->settings.vouched.jwt_create)
        return ERR_NO_ACCOUNT;
    enum err err = auth_register_vouched(db, arena, &ask, &made);
    /* Taken: maybe by another login of the same user, at this moment. */
    return err == ERR_OK || err == ERR_TAKEN ? find(db, who->id, arena, found_r) : err;
}

static enum err find_or_make(const struct auth *auth, struct db *db, struct record_arena *arena,
                             const struct vouched *who, struct found *found_r) {
    if (who->id.length > ID_MAX_BYTES || !id_may_exist(who->id))
        return ERR_BAD_REQUEST;
    enum err err = find(db, who->id, arena, found_r);
    if (err == ERR_OK && found_r->number == 0)
        err = make(auth, db, arena, who, found_r);
    if (err != ERR_OK)
        return err;
    if (found_r->number == 0)
        return ERR_TAKEN;
    if (found_r->disabled)
        return ERR_DISABLED;
    return auth->settings.vouched.jwt_existing ||
                   slice_equal(found_r->password, slice_text(PASSWORD_ELSEWHERE))
               ? ERR_OK
               : ERR_OWN_LOGIN;
}

static enum err issue(const struct auth *auth, struct db *db, struct record_arena *arena,
                      const struct vouched *who, const struct found *account,
                      struct auth_login_reply *reply_r) {
    struct auth_try attempt;
    enum err err = auth_try_begin(db, account->number, who->id, who->address, &attempt);
    if (err != ERR_OK)
        return err;
    const struct auth_login_made login = {.account = account->number,
                                          .password = account->password,
                                          .tokens = attempt.tokens,
                                          .device = who->device,
                                          .address = who->address,
                                          .transport = who->transport};
    reply_r->account = account->number;
    reply_r->id = who->id;
    reply_r->name = account->name;
    return auth_token_issue(auth, db, &login, arena, reply_r);
}

enum err vouched_enter(const struct auth *auth, struct db *db, struct record_arena *arena,
                       const struct vouched *who, struct auth_login_reply *reply_r) {
    for (int i = 0; i < VOUCHED_ATTEMPTS; i++) {
        struct found account;
        enum err err = find_or_make(auth, db, arena, who, &account);
        if (err == ERR_OK)
            err = issue(auth, db, arena, who, &account, reply_r);
        if (err != ERR_OK || reply_r->token.length > 0)
            return err;
    }
    return ERR_UNAVAILABLE;
}

enum err vouched_enter_answered(const struct auth *auth, struct db *db, struct record_arena *arena,
                                const struct vouched *who, struct auth_login_reply *reply_r) {
    enum err err = vouched_enter(auth, db, arena, who, reply_r);
    if (err != ERR_BAD_REQUEST && err != ERR_TAKEN)
        return err;
    callback_failed(auth->callback, "the id or the name cannot be one here");
    return ERR_NO_BACKEND;
}
