/*
 * auth.login: whether a login with a password, or an open one, is right.
 *
 * A login is two steps: finding the account, which settles all but what a password's hash decides,
 * and that hash.
 */
#include <string.h>

#include "common/log.h"
#include "common/loop.h"
#include "proto/ids.h"
#include "services/auth/auth.h"
#include "services/auth/auth_sql.h"
#include "services/auth/auth_token.h"
#include "services/auth/vouched.h"

/* limit: client | attempts of a login whose account is being changed | {LOGIN_ATTEMPTS} |
 * `unavailable` */
/* While the account is changed under the login's hands: by the operator, or by another login that
 * makes the password's hash anew. */
#define LOGIN_ATTEMPTS 3

struct account {
    uint64_t number; /* 0: there is none */
    struct slice id, name, password;
    bool disabled;
    struct auth_try attempt;
    bool outside; /* its password is not ours to check: the operator's own backend is asked */
};

/* A value of the row that outlives it; false without memory: an account that lost its password
 * that way would stand open. */
static bool keep(const struct db_rows *rows, enum auth_account_column column,
                 struct record_arena *arena, struct slice *value_r) {
    struct slice value = db_rows_slice(rows, column);
    *value_r = record_arena_copy(arena, value);
    return value_r->length == value.length;
}

static enum err take(const struct db_rows *rows, struct record_arena *arena,
                     struct account *account_r) {
    account_r->number = db_rows_u64(rows, AUTH_ACCOUNT_NUMBER);
    account_r->disabled = db_rows_u64(rows, AUTH_ACCOUNT_DISABLED) != 0;
    return keep(rows, AUTH_ACCOUNT_ID, arena, &account_r->id) &&
                   keep(rows, AUTH_ACCOUNT_NAME, arena, &account_r->name) &&
                   keep(rows, AUTH_ACCOUNT_PASSWORD, arena, &account_r->password)
               ? ERR_OK
               : ERR_OVERLOADED;
}

/* Of several accounts, the one whose id is exactly as given, else the one whose form is first. */
static enum err find_by_id(struct db *db, struct slice login, struct record_arena *arena,
                           struct account *account_r) {
    struct id_forms forms;
    struct db_rows *rows;
    id_forms_of(login, &forms);
    enum err err = auth_find_by_id(db, &forms, &rows);
    size_t best = forms.count;
    while (err == ERR_OK && db_rows_next(rows))
        for (size_t i = 0; err == ERR_OK && i < best; i++)
            if (slice_equal(forms.items[i], db_rows_slice(rows, AUTH_ACCOUNT_ID))) {
                best = i;
                err = take(rows, arena, account_r);
            }
    db_rows_destroy(&rows);
    return err;
}

/* Addresses that were registered before differ from today's in characters outside ASCII: those as
 * they are. */
static enum err find_by_email(struct db *db, struct slice login, struct record_arena *arena,
                              struct account *account_r) {
    char room[EMAIL_ROOM], former[EMAIL_MAX_BYTES];
    struct slice email = email_normal(login, room);
    struct db_rows *rows;
    if (login.length > EMAIL_MAX_BYTES)
        return ERR_OK;
    for (size_t i = 0; i < login.length; i++) {
        char c = login.data[i];
        former[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    enum err err =
        db_query(db, &auth_sql_find_by_email,
                 DB_ARGS(db_text(slice_make(former, login.length)), db_text(email)), &rows);
    if (err == ERR_OK && db_rows_next(rows))
        err = take(rows, arena, account_r);
    db_rows_destroy(&rows);
    return err;
}

/* The account that has this address, in whatever case it is written. */
static enum err find_by_address(struct db *db, struct slice login, struct record_arena *arena,
                                struct account *account_r) {
    char room[EMAIL_ROOM];
    struct slice address = email_normal(login, room);
    struct db_rows *rows;
    enum err err = db_query(db, &auth_sql_find_by_address, DB_ARGS(db_text(address)), &rows);
    if (err == ERR_OK && db_rows_next(rows))
        err = take(rows, arena, account_r);
    db_rows_destroy(&rows);
    return err;
}

/* Whether a password's hash decides on this login: also where there is no such account, or none
 * that has a password, so that the time it takes shows nothing. A login with a password is only for
 * an account that has one: an account without, under a likely id, must not receive others' logins.
 */
static bool needs_hash(const struct auth_login *ask) {
    return ask->password.length > 0 || !ask->open;
}

static bool may_be_email(const struct auth_login *ask) {
    return ask->login.length > 0 && memchr(ask->login.data, '@', ask->login.length) != NULL;
}

/* An account has one count, by whichever of its names it is tried; so has a name that nobody has,
 * in whichever form it is written. */
static enum err begin_try(struct db *db, const struct auth_login *ask, struct record_arena *arena,
                          struct account *account) {
    char room[EMAIL_ROOM], id_room[ID_ROOM];
    struct slice name = account->id;
    if (account->number == 0) {
        name = may_be_email(ask) ? email_normal(ask->login, room) : id_normal(ask->login, id_room);
        name = record_arena_copy(arena, name.length > 0 ? name : ask->login);
        if (name.length == 0 && ask->login.length > 0)
            return ERR_OVERLOADED; /* it would not be counted */
    }
    return auth_try_begin(db, account->number, name, ask->address, &account->attempt);
}

/*
 * A number's decimal form is its account's id, so ids and numbers are one lookup. An id that was
 * chosen before the two were one namespace may be somebody else's e-mail address: with a password
 * it means the address, so that choosing such an id doesn't catch another's logins. Without one it
 * means the id alone: nobody learns that way which addresses have accounts.
 */
static enum err find_login(const struct auth *auth, struct db *db, const struct auth_login *ask,
                           struct record_arena *arena, struct account *account_r) {
    bool by_email = may_be_email(ask) && needs_hash(ask);
    enum err err = ERR_OK;
    *account_r = (struct account){0};
    if (by_email)
        err = find_by_email(db, ask->login, arena, account_r);
    if (err == ERR_OK && account_r->number == 0)
        err = find_by_id(db, ask->login, arena, account_r);
    if (err == ERR_OK && account_r->number == 0 && may_be_email(ask))
        err = find_by_address(db, ask->login, arena, account_r);
    if (may_be_email(ask) && !by_email && !id_same(account_r->id, ask->login))
        *account_r = (struct account){0};
    account_r->outside = auth->callback != NULL && ask->password.length > 0 &&
                         !password_is_here(account_r->password);
    return err == ERR_OK ? begin_try(db, ask, arena, account_r) : err;
}

/* Whether this login may enter the account; its number is 0 where there is none. */
static enum err check(const struct auth *auth, const struct auth_login *ask,
                      const struct account *account) {
    if (needs_hash(ask)) {
        if (!password_verify(&auth->passwords, account->password, ask->password))
            return ERR_BAD_LOGIN;
    } else if (ask->password.length == 0) {
        /* Where open logins are off, this doesn't show which accounts there are, and never which
         * e-mail addresses have one. */
        if (!auth->settings.youim_open_login || account->password.length > 0 ||
            (account->number == 0 && may_be_email(ask)))
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
    if (!password_is_here(account->password) ||
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

/* ERR_OK without a token: the account was changed meanwhile. */
static enum err log_in(const struct auth *auth, struct db *db, struct record_arena *arena,
                       const struct auth_login *ask, struct account *account,
                       struct auth_login_reply *reply) {
    char renewed[PASSWORD_HASH_BYTES];
    const struct throttle_try *attempt = &account->attempt.counted;
    /* Right before the hash: one that is never made is no failure. */
    if (!throttle_take(auth->throttle, attempt, loop_now_ms()))
        return ERR_THROTTLED;
    enum err err = check(auth, ask, account);
    if (err != ERR_BAD_LOGIN)
        throttle_give_back(auth->throttle, attempt, err == ERR_OK, loop_now_ms());
    if (err != ERR_OK)
        return err;
    renew_password(auth, db, ask, account, renewed);
    reply->account = account->number;
    reply->id = account->id;
    reply->name = account->name;
    const struct auth_login_made made = {.account = account->number,
                                         .password = account->password,
                                         .tokens = account->attempt.tokens,
                                         .device = ask->device,
                                         .transport = ask->transport,
                                         .address = ask->address};
    return auth_token_issue(auth, db, &made, arena, reply);
}

void auth_note_refusal(const struct auth *auth, struct db *db, enum err err, uint64_t account,
                       struct slice address, struct slice login) {
    bool throttled = err == ERR_THROTTLED;
    bool jwt = err >= ERR_JWT_MALFORMED && err <= ERR_OWN_LOGIN;
    if (!throttled && !jwt && err != ERR_BAD_LOGIN && err != ERR_PASSWORD_NEEDED &&
        err != ERR_DISABLED && err != ERR_BAD_TOKEN)
        return;
    if (audit_allows(auth->refusals, loop_now_ms()))
        audit_note(db, &(struct audit_entry){.event = throttled ? AUDIT_LOGIN_THROTTLED
                                                                : AUDIT_LOGIN_REFUSED,
                                             .account = account,
                                             .address = address,
                                             .detail = login});
}

/* `rest_r` stays NULL where no hash decides. */
static enum err begin_login(const struct auth *auth, struct db *db, struct record_arena *arena,
                            const struct auth_login *ask, struct account *account, void **rest_r,
                            struct auth_login_reply *reply) {
    if (!text_is_plain(ask->login))
        return ERR_BAD_LOGIN;
    for (int i = 0; i < LOGIN_ATTEMPTS; i++) {
        enum err err = find_login(auth, db, ask, arena, account);
        if (err == ERR_OK && needs_hash(ask)) {
            *rest_r = account;
            return throttle_allows(auth->throttle, &account->attempt.counted, loop_now_ms())
                       ? ERR_OK
                       : ERR_THROTTLED;
        }
        if (err == ERR_OK)
            err = log_in(auth, db, arena, ask, account, reply);
        if (err != ERR_OK || reply->token.length > 0)
            return err;
    }
    return ERR_UNAVAILABLE;
}

enum err auth_begin_login(void *context, struct db *db, struct record_arena *arena,
                          const void *body, void **rest_r, void *reply_r) {
    const struct auth_login *ask = body;
    struct account *account = record_arena_alloc(arena, sizeof *account);
    if (account == NULL)
        return ERR_OVERLOADED;
    enum err err = begin_login(context, db, arena, ask, account, rest_r, reply_r);
    auth_note_refusal(context, db, err, account->number, ask->address, ask->login);
    return err;
}

size_t auth_login_pool(const void *rest) {
    const struct account *account = rest;
    return account->outside ? AUTH_POOL_CALLBACK : AUTH_POOL_HASHES;
}

/* A password that the operator's own backend knows. */
static enum err log_in_outside(const struct auth *auth, struct db *db, struct record_arena *arena,
                               const struct auth_login *ask, struct account *account,
                               struct auth_login_reply *reply) {
    const struct throttle_try *attempt = &account->attempt.counted;
    const struct callback_question question = {
        .user = ask->login, .password = ask->password, .address = ask->address};
    struct vouched who = {
        .device = ask->device, .address = ask->address, .transport = ask->transport};
    if (!throttle_take(auth->throttle, attempt, loop_now_ms()))
        return ERR_THROTTLED;
    enum err err = callback_ask(auth->callback, &question, arena, &who.id, &who.name);
    if (err != ERR_BAD_LOGIN)
        throttle_give_back(auth->throttle, attempt, err == ERR_OK, loop_now_ms());
    return err == ERR_OK ? vouched_enter_answered(auth, db, arena, &who, reply) : err;
}

static enum err end_login(const struct auth *auth, struct db *db, struct record_arena *arena,
                          const struct auth_login *ask, struct account *account,
                          struct auth_login_reply *reply) {
    if (account->outside)
        return log_in_outside(auth, db, arena, ask, account, reply);
    for (int i = 0; i < LOGIN_ATTEMPTS; i++) {
        enum err err = i == 0 ? ERR_OK : find_login(auth, db, ask, arena, account);
        if (err == ERR_OK)
            err = log_in(auth, db, arena, ask, account, reply);
        if (err != ERR_OK || reply->token.length > 0)
            return err;
    }
    return ERR_UNAVAILABLE;
}

enum err auth_end_login(void *context, struct db *db, struct record_arena *arena, const void *body,
                        void *rest, void *reply_r) {
    const struct auth_login *ask = body;
    struct account *account = rest;
    enum err err = end_login(context, db, arena, ask, account, reply_r);
    auth_note_refusal(context, db, err, account->number, ask->address, ask->login);
    return err;
}
