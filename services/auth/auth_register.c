/*
 * auth.register: makes an account, once for each nonce.
 *
 * With a password it is two steps: whatever can be refused without the password's hash is refused
 * before it.
 */
#include <stdio.h>
#include <string.h>

#include "common/loop.h"
#include "services/auth/auth.h"
#include "services/auth/auth_sql.h"

#define NUMBER_TEXT_BYTES 24

/* What becomes the row, apart from number and id. */
struct account_draft {
    struct slice email, name, password, nonce;
};

/* The account that a nonce has registered. */
struct registered {
    uint64_t number; /* 0: there is none */
    struct slice id, email, password;
};

/* What the second step goes on from. */
struct registration {
    struct account_draft draft;
    struct registered before;
    enum err taken; /* of something that is taken */
    char hash[PASSWORD_HASH_BYTES];
};

struct slice auth_fold_email(struct record_arena *arena, struct slice email) {
    char *folded = record_arena_alloc(arena, email.length);
    if (folded == NULL)
        return slice_make(NULL, 0);
    for (size_t i = 0; i < email.length; i++) {
        char c = email.data[i];
        folded[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    return slice_make(folded, email.length);
}

/* Only what tells an address from another login name; nobody sends mail to it. */
static bool email_is_acceptable(struct slice email) {
    const char *at = memchr(email.data, '@', email.length);
    if (at == NULL || at == email.data || at + 1 == email.data + email.length)
        return false;
    return memchr(email.data, ' ', email.length) == NULL && text_is_plain(email);
}

/* One attempt. ERR_TAKEN: db_fault_key says whether it is the number or the id that is. */
static enum err add_account(struct db *db, uint64_t number, struct slice id,
                            const struct account_draft *draft) {
    struct slice name = draft->name.length > 0 ? draft->name : id;
    enum err err =
        db_query(db, &auth_sql_add_account,
                 DB_ARGS(db_u64(number), db_text(id), db_text_or_null(draft->email), db_text(name),
                         db_text_or_null(draft->password), db_u64((uint64_t)loop_wall_ms()),
                         draft->nonce.length > 0 ? db_bytes(draft->nonce) : db_null()),
                 NULL);
    if (err == ERR_TAKEN && db_fault_key(db, AUTH_KEY_EMAIL))
        return ERR_EMAIL_TAKEN;
    if (err == ERR_TAKEN && db_fault_key(db, AUTH_KEY_NONCE))
        return ERR_REF_USED;
    return err;
}

static enum err next_number(struct db *db, uint64_t *number_r) {
    struct db_rows *rows;
    enum err err = db_query(db, &auth_sql_next_number, DB_NO_ARGS, &rows);
    if (err == ERR_OK && !db_rows_next(rows))
        err = ERR_INTERNAL;
    if (err == ERR_OK)
        *number_r = db_rows_u64(rows, 0);
    db_rows_destroy(&rows);
    return err;
}

/*
 * An account whose number the server chooses; `id` is empty when the id is to be the number's
 * decimal form. A number may be taken by somebody who chose it as an id, and then so is its
 * decimal form: the next one is tried.
 */
static enum err add_numbered(struct db *db, struct slice id, const struct account_draft *draft,
                             struct record_arena *arena, struct auth_register_reply *reply) {
    for (int i = 0; i < AUTH_NUMBER_TRIES; i++) {
        char decimal[NUMBER_TEXT_BYTES];
        enum err err = next_number(db, &reply->account);
        if (err != ERR_OK)
            return err;
        snprintf(decimal, sizeof decimal, "%llu", (unsigned long long)reply->account);
        reply->id = id.length > 0 ? id : record_arena_copy(arena, slice_text(decimal));
        if (reply->id.length == 0)
            return ERR_OVERLOADED;
        err = add_account(db, reply->account, reply->id, draft);
        bool number_taken =
            err == ERR_TAKEN && (id.length == 0 || db_fault_key(db, AUTH_KEY_NUMBER));
        if (!number_taken)
            return err;
    }
    return ERR_UNAVAILABLE;
}

static bool is_acceptable(const struct auth_register *body) {
    return (body->id.length == 0 || id_is_acceptable(body->id)) &&
           (body->name.length == 0 || name_is_acceptable(body->name)) &&
           (body->email.length == 0 || email_is_acceptable(body->email)) &&
           (body->nonce.length == 0 || body->nonce.length == NONCE_BYTES);
}

static enum err add(struct db *db, const struct auth_register *ask,
                    const struct account_draft *draft, struct record_arena *arena,
                    struct auth_register_reply *reply) {
    if (!id_is_decimal(ask->id, &reply->account))
        return add_numbered(db, ask->id, draft, arena, reply);
    reply->id = ask->id;
    return add_account(db, reply->account, reply->id, draft);
}

/* --- registrations that come again ---------------------------------------------------------- */

/* Whether whoever asks knows the account's password. A wrong one counts as at a login, so that it
 * cannot be guessed here instead. */
static bool knows_password(const struct auth *auth, struct slice id, struct slice hash,
                           struct slice password) {
    const struct slice nowhere = slice_make(NULL, 0);
    if (hash.length == 0 || password.length == 0)
        return hash.length == 0 && password.length == 0;
    if (!throttle_allows(auth->throttle, id, nowhere, loop_now_ms()))
        return false;
    bool knows = password_verify(&auth->passwords, hash, password);
    if (!knows)
        throttle_failed(auth->throttle, id, nowhere, loop_now_ms());
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
 * with the same nonce, id, address and password, the first answer again. */
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

/* Adds the account; what is taken by then may be so by this registration itself. */
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

/* What adding the account would find taken, as far as reading can tell: its id, its address, and
 * then its nonce, so that one that the same request takes meanwhile is found with it. */
static enum err find_taken(struct db *db, struct record_arena *arena,
                           const struct auth_register *ask, struct registration *self) {
    uint64_t number;
    bool taken = false;
    enum err err = ERR_OK;
    if (ask->id.length > 0)
        err = exists(db, &auth_sql_find_by_id, db_text(ask->id), &taken);
    if (err == ERR_OK && !taken && id_is_decimal(ask->id, &number))
        err = exists(db, &auth_sql_account_exists, db_u64(number), &taken);
    if (err == ERR_OK && taken)
        self->taken = ERR_TAKEN;
    if (err == ERR_OK && !taken && self->draft.email.length > 0) {
        err = exists(db, &auth_sql_find_by_email, db_text(self->draft.email), &taken);
        if (err == ERR_OK && taken)
            self->taken = ERR_EMAIL_TAKEN;
    }
    if (err == ERR_OK)
        err = find_registered(db, ask->nonce, arena, &self->before);
    if (self->taken == ERR_OK && self->before.number != 0)
        self->taken = ERR_REF_USED;
    return err;
}

enum err auth_begin_register(void *context, struct db *db, struct record_arena *arena,
                             const void *body, void **rest_r, void *reply_r) {
    const struct auth_register *ask = body;
    struct registration *self = record_arena_alloc(arena, sizeof *self);
    if (!is_acceptable(ask))
        return ERR_BAD_REQUEST;
    if (self == NULL)
        return ERR_OVERLOADED;
    *self = (struct registration){.draft = {.email = auth_fold_email(arena, ask->email),
                                            .name = ask->name,
                                            .nonce = ask->nonce}};
    if (self->draft.email.length != ask->email.length)
        return ERR_OVERLOADED;
    if (ask->password.length == 0)
        return add_or_repeat(context, db, arena, ask, self, reply_r);
    enum err err = find_taken(db, arena, ask, self);
    if (err == ERR_OK && self->taken != ERR_OK && !is_repeat(ask, self))
        err = self->taken;
    *rest_r = self;
    return err;
}

enum err auth_end_register(void *context, struct db *db, struct record_arena *arena,
                           const void *body, void *rest, void *reply_r) {
    const struct auth *auth = context;
    const struct auth_register *ask = body;
    struct registration *self = rest;
    if (self->taken != ERR_OK)
        return repeat(auth, ask, self, reply_r);
    enum err err = password_hash(&auth->passwords, ask->password, self->hash);
    self->draft.password = slice_text(self->hash);
    return err == ERR_OK ? add_or_repeat(auth, db, arena, ask, self, reply_r) : err;
}
