/* API keys as services look them up; see api_keys.h. */
#include "services/api_keys/api_keys.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/scope.h"
#include "services/audit/audit.h"

_Static_assert(crypto_hash_sha256_BYTES == API_KEY_HASH_BYTES, "there is room for the hash");

/* In the order of enum api_key_column. */
static const struct db_statement find_key = {
    "find_api_key",
    "SELECT k.number, k.name, k.scopes, k.addresses, k.account, k.per_minute FROM api_key k"
    " LEFT JOIN account a ON a.number = k.account WHERE k.hash = ?"
    " AND (k.expires_ms IS NULL OR k.expires_ms > " DB_NOW_MS ")"
    " AND (k.account = 0 OR a.disabled = FALSE)"};

void api_keys_hash(struct slice credential, char hash_r[API_KEY_HASH_BYTES]) {
    crypto_hash_sha256((unsigned char *)hash_r, (const unsigned char *)credential.data,
                       credential.length);
}

enum err api_keys_find(struct db *db, struct slice credential, struct db_rows **rows_r) {
    char hash[API_KEY_HASH_BYTES];
    *rows_r = NULL;
    if (credential.length == 0)
        return ERR_BAD_API_KEY;
    api_keys_hash(credential, hash);
    enum err err =
        db_query(db, &find_key, DB_ARGS(db_bytes(slice_make(hash, sizeof hash))), rows_r);
    if (err == ERR_OK && !db_rows_next(*rows_r)) {
        db_rows_destroy(rows_r);
        return ERR_BAD_API_KEY;
    }
    return err;
}

/* The number under this key of a body; 0: it has none. */
static uint64_t number_in(const struct record_desc *desc, const void *body, const char *name) {
    for (size_t i = 0; i < desc->field_count; i++) {
        const struct record_field *field = &desc->fields[i];
        if (field->type == RECORD_U64 && strcmp(field->name, name) == 0)
            return *(const uint64_t *)((const char *)body + field->offset);
    }
    return 0;
}

static bool may(const struct db_rows *rows, const struct message_desc *message, uint64_t account) {
    struct slice words = db_rows_slice(rows, API_KEY_SCOPES);
    uint64_t own = db_rows_u64(rows, API_KEY_ACCOUNT);
    if ((scopes_of_words(words.data, words.length) & message->scope) == 0)
        return false;
    return own == 0 || (message->scope == SCOPE_BIT_LOGINS && own == account);
}

enum err api_keys_check_of(struct db *db, struct slice credential,
                           const struct message_desc *message, uint64_t account,
                           struct service_key *key_r) {
    struct db_rows *rows;
    enum err err = api_keys_find(db, credential, &rows);
    if (err != ERR_OK)
        return err == ERR_BAD_API_KEY ? ERR_FORBIDDEN : err;
    struct slice name = db_rows_slice(rows, API_KEY_NAME);
    if (!may(rows, message, account))
        err = ERR_FORBIDDEN;
    key_r->number = db_rows_u64(rows, API_KEY_NUMBER);
    snprintf(key_r->name, sizeof key_r->name, "%.*s", (int)name.length, name.data);
    db_rows_destroy(&rows);
    return err;
}

enum err api_keys_check(struct db *db, struct slice credential, const struct message_desc *message,
                        const void *body, struct service_key *key_r) {
    return api_keys_check_of(db, credential, message, number_in(message->body, body, "account"),
                             key_r);
}

/* The text under this key of a body; empty: it has none. */
static struct slice text_in(const struct record_desc *desc, const void *body, const char *name) {
    for (size_t i = 0; i < desc->field_count; i++) {
        const struct record_field *field = &desc->fields[i];
        if (field->type == RECORD_TEXT && strcmp(field->name, name) == 0)
            return *(const struct slice *)((const char *)body + field->offset);
    }
    return slice_make(NULL, 0);
}

static void note(struct db *db, const struct service_key *key, const struct message_desc *message,
                 uint64_t subject, const char *more) {
    char detail[AUDIT_DETAIL_BYTES + 1];
    snprintf(detail, sizeof detail, "API key %s: %s%s", key->name, message->name, more);
    const struct audit_entry entry = {
        .event = AUDIT_API_KEY, .subject = subject, .detail = slice_text(detail)};
    audit_note(db, &entry);
}

void api_keys_note_of(struct db *db, const struct service_key *key,
                      const struct message_desc *message, uint64_t subject) {
    note(db, key, message, subject, "");
}

/* To a group: the account in it. To what has no number, or none yet: its name or id. */
static void describe(const struct record_desc *desc, const void *body, uint64_t subject,
                     char more_r[AUDIT_DETAIL_BYTES]) {
    uint64_t account = number_in(desc, body, "account");
    struct slice name = text_in(desc, body, "id");
    if (name.length == 0)
        name = text_in(desc, body, "name");
    more_r[0] = '\0';
    if (subject == 0 && name.length > 0)
        snprintf(more_r, AUDIT_DETAIL_BYTES, " %.*s", (int)name.length, name.data);
    else if (account != 0 && account != subject)
        snprintf(more_r, AUDIT_DETAIL_BYTES, " account %llu", (unsigned long long)account);
}

void api_keys_note(struct db *db, const struct service_key *key, const struct message_desc *message,
                   const void *body) {
    static const char *const subjects[] = {"group", "to_group", "account", "to_account"};
    const struct record_desc *desc = message->body;
    char more[AUDIT_DETAIL_BYTES];
    uint64_t subject = 0;
    for (size_t i = 0; subject == 0 && i < sizeof subjects / sizeof subjects[0]; i++)
        subject = number_in(desc, body, subjects[i]);
    describe(desc, body, subject, more);
    note(db, key, message, subject, more);
}

const struct service_credentials api_keys = {.check = api_keys_check, .note = api_keys_note};
