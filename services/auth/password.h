/*
 * Passwords: kept only as Argon2id hashes, in libsodium's text form, which names its own cost.
 *
 *     struct passwords passwords;
 *     if (passwords_prepare(&passwords, ops, memory_kib) != 0) ...
 *     char hash[PASSWORD_HASH_BYTES];
 *     if (password_hash(&passwords, password, hash) != ERR_OK) ...
 *     if (password_verify(&passwords, stored, password)) ...
 *
 * The password is hashed in NFC. One that is not in NFC is verified as it is given, too, which
 * costs as much again.
 *
 * Hashing and verifying take tens of milliseconds and the configured memory: they belong on a
 * worker. After passwords_prepare a struct passwords is only read, so workers share it.
 */
#ifndef PARLEY_AUTH_PASSWORD_H
#define PARLEY_AUTH_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/metrics.h"
#include "common/record.h"

/* With the 0 at its end; as crypto_pwhash_STRBYTES. */
#define PASSWORD_HASH_BYTES 128

/* In place of a hash: the password is not kept here, the operator's own backend vouches for logins.
 */
#define PASSWORD_ELSEWHERE "!"
/* Whether there is a password whose hash this is. */
bool password_is_here(struct slice hash);

struct passwords {
    uint64_t ops;
    size_t memory_bytes;
    char decoy[PASSWORD_HASH_BYTES]; /* a hash that no password is known for */
    int64_t first_us;                /* how long that one took */
    struct histogram *seconds;       /* of each one; the owner's to set; NULL: not observed */
};

/* Starts libsodium. 0, or -1 when this cost can't be had (too little memory). */
int passwords_prepare(struct passwords *self, uint64_t ops, uint64_t memory_kib)
    __attribute__((warn_unused_result));

/* ERR_OK, or ERR_OVERLOADED without memory. */
enum err password_hash(const struct passwords *self, struct slice password,
                       char hash_r[PASSWORD_HASH_BYTES]) __attribute__((warn_unused_result));

/*
 * Whether `password` belongs to `hash`. For one that is not here it is false after the same
 * work, so that the time it takes doesn't show which accounts there are.
 */
bool password_verify(const struct passwords *self, struct slice hash, struct slice password);

/* Whether `hash` was made at another cost than today's. */
bool password_is_outdated(const struct passwords *self, struct slice hash);

#endif
