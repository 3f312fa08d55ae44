/* auth.register: makes an account, once for each nonce. */
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

/*
 * For a registration that failed with `err`, something being taken: where that is by an account
 * that was registered with the same nonce, id, address and password, the first answer again.
 */
static enum err find_registered(const struct auth *auth, struct db *db, enum err err,
                                const struct auth_register *ask, struct slice email,
                                struct record_arena *arena, struct auth_register_reply *reply) {
    struct db_rows *rows;
    enum err failure =
        db_query(db, &auth_sql_find_registered, DB_ARGS(db_bytes(ask->nonce)), &rows);
    if (failure == ERR_OK && db_rows_next(rows)) {
        struct slice id = db_rows_slice(rows, AUTH_ACCOUNT_ID);
        struct slice hash = db_rows_slice(rows, AUTH_ACCOUNT_PASSWORD);
        if ((ask->id.length == 0 || slice_equal(id, ask->id)) &&
            slice_equal(db_rows_slice(rows, AUTH_ACCOUNT_EMAIL), email) &&
            knows_password(auth, id, hash, ask->password)) {
            reply->account = db_rows_u64(rows, AUTH_ACCOUNT_NUMBER);
            reply->id = record_arena_copy(arena, id);
            err = reply->id.length > 0 ? ERR_OK : ERR_OVERLOADED;
        }
    }
    db_rows_destroy(&rows);
    return failure == ERR_OK ? err : failure;
}

static bool is_taken(enum err err) {
    return err == ERR_TAKEN || err == ERR_EMAIL_TAKEN || err == ERR_REF_USED;
}

enum err auth_handle_register(void *context, struct db *db, struct record_arena *arena,
                              const void *body, void *reply_r) {
    const struct auth *auth = context;
    const struct auth_register *ask = body;
    struct auth_register_reply *reply = reply_r;
    char hash[PASSWORD_HASH_BYTES] = "";
    if (!is_acceptable(ask))
        return ERR_BAD_REQUEST;
    if (ask->password.length > 0) {
        enum err err = password_hash(&auth->passwords, ask->password, hash);
        if (err != ERR_OK)
            return err;
    }
    const struct account_draft draft = {.email = auth_fold_email(arena, ask->email),
                                        .name = ask->name,
                                        .password = slice_text(hash),
                                        .nonce = ask->nonce};
    if (draft.email.length != ask->email.length)
        return ERR_OVERLOADED;
    enum err err = add(db, ask, &draft, arena, reply);
    if (is_taken(err) && ask->nonce.length > 0)
        err = find_registered(auth, db, err, ask, draft.email, arena, reply);
    return err;
}
