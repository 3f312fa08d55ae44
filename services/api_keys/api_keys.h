/*
 * API keys, as services with a database look them up: in the table, for each message that shows
 * one.
 *
 *     static const struct service_definition definition = {..., .credentials = &api_keys};
 *
 *     err = api_keys_find(db, credential, &rows);       its row, in the columns below
 *     err = api_keys_check(db, credential, message, &key);
 *     ... do it
 *     if (message->noted) api_keys_note(db, &key, message, body);
 *
 * A key is looked up by its SHA-256 in an index: it is random, so no more is needed. One that is
 * bound to an account is good for no message here but logins of that account: whatever else it does
 * as the account needs no key.
 */
#ifndef PARLEY_API_KEYS_H
#define PARLEY_API_KEYS_H

#include "common/db.h"
#include "common/service.h"

#define API_KEY_HASH_BYTES 32

enum api_key_column {
    API_KEY_NUMBER,
    API_KEY_NAME,
    API_KEY_SCOPES, /* words */
    API_KEY_ADDRESSES,
    API_KEY_ACCOUNT,
    API_KEY_PER_MINUTE
};

void api_keys_hash(struct slice credential, char hash_r[API_KEY_HASH_BYTES]);
/* ERR_BAD_API_KEY: there is none, it has expired, or its account may not log in. Else `rows_r` is
 * at its row, for the caller to destroy. */
enum err api_keys_find(struct db *db, struct slice credential, struct db_rows **rows_r)
    __attribute__((warn_unused_result));

/* As struct service_credentials has them. */
enum err api_keys_check(struct db *db, struct slice credential, const struct message_desc *message,
                        const void *body, struct service_key *key_r)
    __attribute__((warn_unused_result));
/* The same; `account`: whom the message is about. */
enum err api_keys_check_of(struct db *db, struct slice credential,
                           const struct message_desc *message, uint64_t account,
                           struct service_key *key_r) __attribute__((warn_unused_result));
void api_keys_note(struct db *db, const struct service_key *key, const struct message_desc *message,
                   const void *body);
/* The same; `subject`: the account or group that it was done to. */
void api_keys_note_of(struct db *db, const struct service_key *key,
                      const struct message_desc *message, uint64_t subject);
extern const struct service_credentials api_keys;

#endif
