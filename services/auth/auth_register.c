/*
 * auth.register: makes an account, once for each nonce, where `registration` lets whoever asks.
 * auth.add: the same wherever the operator asks. And the account of somebody whom the operator's
 * own backend vouches for.
 *
 * With a password it is two steps: whatever can be refused without the password's hash is refused
 * before it.
 */
#include <stdio.h>
#include <string.h>

#include "common/loop.h"
#include "proto/ids.h"
#include "services/audit/audit.h"
#include "services/auth/auth.h"
#include "services/auth/auth_registration.h"
#include "services/auth/auth_sql.h"

#define NUMBER_TEXT_BYTES 24
/* For the normal form of an id, a name or an address. */
#define ROOM (NAME_ROOM > EMAIL_ROOM ? NAME_ROOM : EMAIL_ROOM)

/* The fields of the row, apart from number and id. */
struct account_draft {
    const struct auth *gate; /* whose `registration` it has to pass; NULL: the operator's */
    struct slice token;      /* for that */
    struct slice host;       /* the client's, for the audit */
    struct slice email, name, password, nonce;
};

/* The account that a nonce has registered. */
struct registered {
    uint64_t number; /* 0: there is none */
    struct slice id, email, password;
};

/* The results of the first step, for the second. */
struct registration {
    struct auth_register ask; /* with its texts as they are kept */
    struct account_draft draft;
    struct registered before;
    enum err taken; /* of something that is taken */
    char hash[PASSWORD_HASH_BYTES];
};

/* --- what is asked for, in its normal form ---------------------------------------------------- */

static struct slice keep_normal(struct record_arena *arena, struct slice given,
                                struct slice (*normal)(struct slice text, char *room),
                                const char *(*fault_of)(struct slice text), enum err *err) {
    char room[ROOM];
    if (given.length == 0 || *err != ERR_OK)
        return slice_make(NULL, 0);
    struct slice text = normal(given, room);
    if (fault_of(text) != NULL)
        *err = ERR_BAD_REQUEST;
    struct slice kept = record_arena_copy(arena, text);
    if (*err == ERR_OK && kept.length == 0)
        *err = ERR_OVERLOADED;
    return kept;
}

/* The request with its texts as they are kept. */
static enum err normalize(const struct auth_register *given, struct record_arena *arena,
                          struct auth_register *ask_r) {
    enum err err =
        given->nonce.length == 0 || given->nonce.length == NONCE_BYTES ? ERR_OK : ERR_BAD_REQUEST;
    *ask_r = *given;
    ask_r->id = keep_normal(arena, given->id, id_normal, id_fault, &err);
    ask_r->name = keep_normal(arena, given->name, name_normal, name_fault, &err);
    ask_r->email = keep_normal(arena, given->email, email_normal, email_fault, &err);
    return err;
}

/* Whether an account has the id in a form in which it can't be chosen any more. */
static enum err check_old_forms(struct db *db, struct slice given) {
    struct id_forms forms;
    struct db_rows *rows;
    id_forms_of(given, &forms);
    if (forms.count <= 1)
        return ERR_OK;
    enum err err = auth_find_by_id(db, &forms, &rows);
    if (err == ERR_OK && db_rows_next(rows))
        err = ERR_TAKEN;
    db_rows_destroy(&rows);
    return err;
}

/* --- the rows ------------------------------------------------------------------------------ */

/* ERR_TAKEN when it is another account's. */
static enum err add_address(struct db *db, uint64_t number, struct slice address) {
    const struct db_value text = db_text(address), account = db_u64(number);
    enum err err = db_query(db, &auth_sql_add_address,
                            DB_ARGS(text, account, text, account, text, account), NULL);
    return err == ERR_OK && db_affected(db) == 0 ? ERR_TAKEN : err;
}

/* The account's row. ERR_TAKEN: `number_taken_r`: it is the number that is. */
static enum err add_row(struct db *db, uint64_t number, struct slice id,
                        const struct account_draft *draft, bool *number_taken_r) {
    struct slice name = draft->name.length > 0 ? draft->name : id;
    enum err err = db_query(db, &auth_sql_add_account,
                            DB_ARGS(db_u64(number), db_text(id), db_text_or_null(draft->email),
                                    db_text(name), db_text_or_null(draft->password),
                                    draft->nonce.length > 0 ? db_bytes(draft->nonce) : db_null()),
                            NULL);
    if (err == ERR_TAKEN && db_fault_key(db, AUTH_KEY_EMAIL))
        return ERR_EMAIL_TAKEN;
    if (err == ERR_TAKEN && db_fault_key(db, AUTH_KEY_NONCE))
        return ERR_REF_USED;
    *number_taken_r = err == ERR_TAKEN && db_fault_key(db, AUTH_KEY_NUMBER);
    return err;
}

/* One attempt, of which all is kept or nothing. */
static enum err add_account(struct db *db, uint64_t number, struct slice id,
                            const struct account_draft *draft, bool *number_taken_r) {
    char room[ID_ROOM];
    struct slice address = id_address(id, room);
    const struct audit_entry made = {
        .event = AUDIT_ACCOUNT_MADE, .account = number, .address = draft->host, .detail = id};
    *number_taken_r = false;
    enum err err = db_begin(db);
    if (err == ERR_OK)
        err = add_row(db, number, id, draft, number_taken_r);
    if (err == ERR_OK && address.length > 0)
        err = add_address(db, number, address);
    if (err == ERR_OK && draft->email.length > 0 && !slice_equal(draft->email, address)) {
        err = add_address(db, number, draft->email);
        if (err == ERR_TAKEN)
            err = ERR_EMAIL_TAKEN;
    }
    /* The last of what may fail for the account's sake: others wait for the token's row until the
     * commit. */
    if (err == ERR_OK && draft->gate != NULL)
        err = auth_registration_use(draft->gate, db, draft->token);
    if (err == ERR_OK)
        err = audit_add(db, &made);
    if (err == ERR_OK)
        err = db_commit(db);
    if (err == ERR_OK)
        audit_log(&made);
    else
        db_rollback(db);
    return err;
}

/*
 * An account whose number the server chooses; `id` is empty when the id is to be the number's
 * decimal form. A number that is taken is an account's number, or its decimal form an id that
 * was chosen by another account, which is the same: another number is tried.
 */
static enum err add_numbered(struct db *db, struct slice id, const struct account_draft *draft,
                             struct record_arena *arena, struct auth_register_reply *reply) {
    for (int i = 0; i < AUTH_NUMBER_TRIES; i++) {
        char decimal[NUMBER_TEXT_BYTES];
        bool number_taken;
        reply->account = number_allocate();
        snprintf(decimal, sizeof decimal, "%llu", (unsigned long long)reply->account);
        reply->id = id.length > 0 ? id : record_arena_copy(arena, slice_text(decimal));
        if (reply->id.length == 0)
            return ERR_OVERLOADED;
        enum err err = add_account(db, reply->account, reply->id, draft, &number_taken);
        if (!number_taken)
            return err;
    }
    return ERR_UNAVAILABLE;
}

static enum err add(struct db *db, const struct auth_register *ask,
                    const struct account_draft *draft, struct record_arena *arena,
                    struct auth_register_reply *reply) {
    bool number_taken;
    if (!id_is_decimal(ask->id, &reply->account))
        return add_numbered(db, ask->id, draft, arena, reply);
    reply->id = ask->id;
    return add_account(db, reply->account, reply->id, draft, &number_taken);
}

/* --- repeated registrations ----------------------------------------------------------------- */

/* Whether the request has the account's password. A wrong one counts as at a login, so that it
 * cannot be guessed here instead. */
static bool knows_password(const struct auth *auth, struct slice id, struct slice hash,
                           struct slice password) {
    const struct throttle_try attempt = {.account = id};
    if (!password_is_here(hash) || password.length == 0)
        return !password_is_here(hash) && password.length == 0;
    if (!throttle_take(auth->throttle, &attempt, loop_now_ms()))
        return false;
    bool knows = password_verify(&auth->passwords, hash, password);
    if (knows)
        throttle_give_back(auth->throttle, &attempt, true, loop_now_ms());
    return knows;
}

static enum err find_registered(struct db *db, struct slice nonce, struct record_arena *arena,
                                struct registered *found_r) {
    struct db_rows *rows;
    *found_r = (struct registered){0};
    if (nonce.length == 0)
        return ERR_OK;
    enum err err = db_query(db, &auth_sql_find_registered, DB_ARGS(db_bytes(nonce)), &rows);
    if (err == ERR_OK && db_rows_next(rows)) {
        static const unsigned columns[] = {AUTH_ACCOUNT_ID, AUTH_ACCOUNT_EMAIL,
                                           AUTH_ACCOUNT_PASSWORD};
        struct slice *const values[] = {&found_r->id, &found_r->email, &found_r->password};
        found_r->number = db_rows_u64(rows, AUTH_ACCOUNT_NUMBER);
        for (size_t i = 0; i < 3; i++) {
            *values[i] = record_arena_copy(arena, db_rows_slice(rows, columns[i]));
            if (values[i]->length != db_rows_slice(rows, columns[i]).length)
                err = ERR_OVERLOADED;
        }
    }
    db_rows_destroy(&rows);
    return err;
}

static bool is_repeat(const struct auth_register *ask, const struct registration *self) {
    const struct registered *before = &self->before;
    return before->number != 0 && (ask->id.length == 0 || slice_equal(before->id, ask->id)) &&
           slice_equal(before->email, self->draft.email);
}

/* For a registration that found something taken: where that is by an account that was registered
 * with the same nonce, id, address and password, the first reply again. */
static enum err repeat(const struct auth *auth, const struct auth_register *ask,
                       const struct registration *self, struct auth_register_reply *reply) {
    const struct registered *before = &self->before;
    if (!is_repeat(ask, self) || !knows_password(auth, before->id, before->password, ask->password))
        return self->taken;
    reply->account = before->number;
    reply->id = before->id;
    return ERR_OK;
}

static bool is_taken(enum err err) {
    return err == ERR_TAKEN || err == ERR_EMAIL_TAKEN || err == ERR_REF_USED;
}

/* Adds the account; an id or address that is taken by then may be taken by this registration
 * itself. */
static enum err add_or_repeat(const struct auth *auth, struct db *db, struct record_arena *arena,
                              const struct auth_register *ask, struct registration *self,
                              struct auth_register_reply *reply) {
    enum err err = add(db, ask, &self->draft, arena, reply);
    if (!is_taken(err))
        return err;
    self->taken = err;
    err = find_registered(db, ask->nonce, arena, &self->before);
    return err == ERR_OK ? repeat(auth, ask, self, reply) : err;
}

/* --- the two steps -------------------------------------------------------------------------- */

static enum err exists(struct db *db, const struct db_statement *statement, struct db_value key,
                       bool *exists_r) {
    struct db_rows *rows;
    enum err err = db_query(db, statement, DB_ARGS(key), &rows);
    *exists_r = err == ERR_OK && db_rows_next(rows);
    db_rows_destroy(&rows);
    return err;
}

/* Finds, as far as reading shows it, the fields that are taken: the id, the address, and then its
 * nonce, so that one that the same request takes meanwhile is found with it. */
static enum err find_taken(struct db *db, struct record_arena *arena,
                           const struct auth_register *ask, struct registration *self) {
    uint64_t number;
    bool taken = false;
    enum err err = ERR_OK;
    if (ask->id.length > 0)
        err = exists(db, &auth_sql_id_exists, db_text(ask->id), &taken);
    if (err == ERR_OK && !taken && id_is_decimal(ask->id, &number))
        err = exists(db, &auth_sql_account_exists, db_u64(number), &taken);
    if (err == ERR_OK && taken)
        self->taken = ERR_TAKEN;
    if (err == ERR_OK && !taken && self->draft.email.length > 0) {
        err = exists(db, &auth_sql_email_exists, db_text(self->draft.email), &taken);
        if (err == ERR_OK && taken)
            self->taken = ERR_EMAIL_TAKEN;
    }
    if (err == ERR_OK)
        err = find_registered(db, ask->nonce, arena, &self->before);
    if (self->taken == ERR_OK && self->before.number != 0)
        self->taken = ERR_REF_USED;
    return err;
}

/*
 * Whether it may make an account at all, which is found out before anything that shows what is
 * taken. A request that made its account before gets its reply again, whatever holds by now.
 */
static enum err check_allowed(struct db *db, struct record_arena *arena,
                              const struct auth_register *ask, struct registration *self) {
    const struct account_draft *draft = &self->draft;
    enum err err = auth_registration_check(draft->gate, db, draft->token, draft->host);
    if (err != ERR_REGISTRATION_CLOSED && err != ERR_REGISTRATION_TOKEN)
        return err;
    enum err found = find_registered(db, ask->nonce, arena, &self->before);
    if (found != ERR_OK || is_repeat(ask, self)) {
        auth_registration_forgive(draft->gate, err, draft->host);
        return found;
    }
    return err;
}

static enum err begin(const struct auth *auth, bool is_operators, struct db *db,
                      struct record_arena *arena, const struct auth_register *given, void **rest_r,
                      struct auth_register_reply *reply) {
    struct registration *self = record_arena_alloc(arena, sizeof *self);
    if (self == NULL)
        return ERR_OVERLOADED;
    enum err err = normalize(given, arena, &self->ask);
    if (err != ERR_OK)
        return err;
    const struct auth_register *ask = &self->ask;
    self->draft = (struct account_draft){.gate = is_operators ? NULL : auth,
                                         .token = ask->registration_token,
                                         .email = ask->email,
                                         .name = ask->name,
                                         .nonce = ask->nonce,
                                         .host = ask->address};
    err = is_operators ? ERR_OK : check_allowed(db, arena, ask, self);
    if (err == ERR_OK)
        err = check_old_forms(db, given->id);
    if (err != ERR_OK && err != ERR_TAKEN)
        return err;
    self->taken = err;
    if (is_operators && ask->password.length == 0)
        self->draft.password = auth_no_password(auth);
    reply->vouched = self->draft.password.length > 0;
    if (ask->password.length == 0 && err == ERR_OK)
        return add_or_repeat(auth, db, arena, ask, self, reply);
    err = find_taken(db, arena, ask, self);
    if (err == ERR_OK && self->taken != ERR_OK && !is_repeat(ask, self))
        err = self->taken;
    *rest_r = self;
    return err;
}

enum err auth_register_vouched(struct db *db, struct record_arena *arena,
                               const struct auth_register *given,
                               struct auth_register_reply *reply_r) {
    struct auth_register ask;
    enum err err = normalize(given, arena, &ask);
    if (err == ERR_OK && !slice_equal(ask.id, given->id))
        err = ERR_BAD_REQUEST;
    if (err == ERR_OK)
        err = check_old_forms(db, given->id);
    const struct account_draft draft = {
        .name = ask.name, .password = slice_text(PASSWORD_ELSEWHERE), .host = ask.address};
    return err == ERR_OK ? add(db, &ask, &draft, arena, reply_r) : err;
}

enum err auth_begin_register(void *context, struct db *db, struct record_arena *arena,
                             const void *body, void **rest_r, void *reply_r) {
    return begin(context, false, db, arena, body, rest_r, reply_r);
}

enum err auth_begin_add(void *context, struct db *db, struct record_arena *arena, const void *body,
                        void **rest_r, void *reply_r) {
    return begin(context, true, db, arena, body, rest_r, reply_r);
}

enum err auth_end_register(void *context, struct db *db, struct record_arena *arena,
                           const void *body, void *rest, void *reply_r) {
    (void)body;
    const struct auth *auth = context;
    struct registration *self = rest;
    const struct auth_register *ask = &self->ask;
    if (self->taken != ERR_OK)
        return repeat(auth, ask, self, reply_r);
    enum err err = password_hash(&auth->passwords, ask->password, self->hash);
    self->draft.password = slice_text(self->hash);
    return err == ERR_OK ? add_or_repeat(auth, db, arena, ask, self, reply_r) : err;
}
