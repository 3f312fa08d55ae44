/*
 * The service auth: accounts, and the tokens of logins.
 *
 * Its handlers run on workers, side by side; they share a struct auth that does not change after
 * the start, but for the throttle, which is thread-safe. All that lasts is in the database, so any
 * number of instances may run.
 *
 * Passwords are hashed on threads of their own (the `costly` steps), so nothing that needs no hash
 * waits behind one.
 */
#ifndef PARLEY_AUTH_H
#define PARLEY_AUTH_H

#include "common/address_key.h"
#include "common/service.h"
#include "proto/ids.h"
#include "proto/messages.h"
#include "proto/shared_options.h"
#include "services/audit/audit.h"
#include "services/auth/callback.h"
#include "services/auth/password.h"
#include "services/auth/throttle.h"
#include "services/jwt/jwt.h"

/*
 * limit: client | numbers, at random, tried for a new account or group | {AUTH_NUMBER_TRIES}
 * {GROUP_NUMBER_TRIES:} | `unavailable`
 */
/* Numbers that a registration tries before it gives up; that all are taken is as good as never. */
#define AUTH_NUMBER_TRIES 100
/* Bytes of a token before it is written as base64url, and of its stored form: the BLAKE2b hash of
 * that text. */
#define AUTH_TOKEN_BYTES 32
#define AUTH_TOKEN_HASH_BYTES 32

/*
 * limit: client | logins of an account: tokens, with those that ended within the day |
 * {AUTH_TOKENS_MAX} | the one that was used least recently is void
 */
#define AUTH_TOKENS_MAX 64
/* Tokens of an account that a login looks at: of before there was that limit, too. */
#define AUTH_TOKENS_LOOK 1024

/* Logins that the operator's own backend vouches for (vouched.h). */
struct vouched_settings {
    char *jwt_keys, *jwt_issuer, *jwt_audience;
    uint64_t jwt_skew_s;
    bool jwt_create, jwt_existing;
    struct callback_settings callback;
};

struct auth_settings {
    struct service_settings service;
    struct db_settings db;
    uint64_t auth_port, auth_metrics_port;
    uint64_t password_ops, password_memory_kib, password_hashers;
    uint64_t token_days;
    uint64_t login_failures, login_failures_per_account, login_failures_per_address;
    uint64_t registration; /* an enum registration_rule */
    bool youim_open_login;
    struct vouched_settings vouched;
};

struct auth {
    struct auth_settings settings;
    struct passwords passwords;
    struct throttle *throttle;
    struct expired *expired;     /* NULL until the service has its pool */
    struct audit_rate *refusals; /* how many the audit has taken; changes */
    struct jwt_keys *jwt_keys;   /* NULL: no JWT is taken; thread-safe */
    struct callback *callback;   /* NULL: nobody is asked; thread-safe */
};

/* What the operator's accounts have that are made without a password: where the operator's own
 * backend vouches for logins it does so for theirs, too. */
static inline struct slice auth_no_password(const struct auth *auth) {
    bool vouched = auth->jwt_keys != NULL || auth->callback != NULL;
    return slice_text(vouched ? PASSWORD_ELSEWHERE : "");
}

/* The accounts that have one of these forms as their id: the columns of enum auth_account_column.
 */
enum err auth_find_by_id(struct db *db, const struct id_forms *forms, struct db_rows **rows_r)
    __attribute__((warn_unused_result));

/* A try at an account with a password; it must stay where it is. */
struct auth_try {
    struct throttle_try counted;
    struct address_key key;
    size_t tokens; /* that the account has, up to AUTH_TOKENS_LOOK */
};

/* `account`: its number, 0 where there is none; `name`: under which its failures are counted, as
 * long as the try lasts; `address`: the client's. */
enum err auth_try_begin(struct db *db, uint64_t account, struct slice name, struct slice address,
                        struct auth_try *try_r) __attribute__((warn_unused_result));

/* Makes the account of somebody whom the operator's own backend vouches for: `id`, `name` and
 * `address` of `given`, whatever `registration` says. ERR_BAD_REQUEST: they can't be an id, in its
 * normal form, or a nickname. ERR_TAKEN: the id is, in this form or another. */
enum err auth_register_vouched(struct db *db, struct record_arena *arena,
                               const struct auth_register *given,
                               struct auth_register_reply *reply_r)
    __attribute__((warn_unused_result));

/* A try of an address alone: no account belongs to it. `key_r` must stay where it is. */
struct throttle_try auth_try_of_address(struct slice address, struct address_key *key_r);

/* Asks auth_url about a token, which counts for `attempt`, and enters the account that it names.
 * ERR_BAD_LOGIN: the backend says no, or names another account than the client does. */
enum err auth_enter_by_asking(const struct auth *auth, struct db *db, struct record_arena *arena,
                              const struct auth_enter *ask, struct throttle_try *attempt,
                              struct auth_login_reply *reply_r) __attribute__((warn_unused_result));

/* Takes a login that was refused into the audit; any other outcome is none of it. */
void auth_note_refusal(const struct auth *auth, struct db *db, enum err err, uint64_t account,
                       struct slice address, struct slice login);

/* The stored form of a token. */
void auth_hash_token(struct slice token, char hash_r[AUTH_TOKEN_HASH_BYTES]);
/* How long a token is good for from now on, or from when it was last renewed. */
uint64_t auth_token_ms(const struct auth *auth);

service_pool_handler auth_handle_logout, auth_handle_resolve, auth_handle_set_disabled,
    auth_handle_devices, auth_handle_end_device, auth_handle_audit, auth_handle_remove,
    auth_handle_make_registration_token, auth_handle_revoke_registration_token,
    auth_handle_make_api_key, auth_handle_remove_api_key, auth_handle_find_api_key,
    auth_handle_admit, auth_handle_show, auth_handle_list, auth_handle_list_audit,
    auth_handle_make_login;
service_first_handler auth_begin_register, auth_begin_add, auth_begin_login,
    auth_begin_set_password, auth_begin_forget, auth_begin_enter, auth_begin_resume;
service_costly_handler auth_end_register, auth_end_login, auth_end_set_password, auth_end_forget,
    auth_end_enter, auth_end_resume;

/* The pools for the costly steps. */
enum auth_pool { AUTH_POOL_HASHES, AUTH_POOL_CALLBACK };
/* Which of them goes on with a login. */
size_t auth_login_pool(const void *rest);
size_t auth_enter_pool(const void *rest);

#endif
