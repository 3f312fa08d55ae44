/* Argon2id hashes of passwords, by libsodium; see password.h. */
#include "services/auth/password.h"

#include <sodium.h>
#include <string.h>

#include "common/loop.h"
#include "common/unicode.h"
#include "proto/messages.h"

#define NOBODY_BYTES 32
#define PASSWORD_ROOM UNICODE_ROOM(PASSWORD_MAX_BYTES)

_Static_assert(PASSWORD_HASH_BYTES == crypto_pwhash_STRBYTES, "the size of libsodium's hashes");

/* libsodium wants an address, also of no bytes. */
static const char *bytes_of(struct slice password) {
    return password.length > 0 ? password.data : "";
}

/* Keyboards give the same password in different forms of Unicode. */
static struct slice nfc_of(struct slice password, char room[PASSWORD_ROOM]) {
    struct slice nfc = unicode_convert(password, UNICODE_NFC, room, PASSWORD_ROOM);
    return nfc.length > 0 ? nfc : password;
}

int passwords_prepare(struct passwords *self, uint64_t ops, uint64_t memory_kib) {
    char secret[NOBODY_BYTES];
    *self = (struct passwords){.ops = ops, .memory_bytes = (size_t)memory_kib * 1024};
    if (sodium_init() < 0)
        return -1;
    randombytes_buf(secret, sizeof secret);
    int64_t began_us = loop_now_us();
    enum err err = password_hash(self, slice_make(secret, sizeof secret), self->decoy);
    self->first_us = loop_now_us() - began_us;
    return err == ERR_OK ? 0 : -1;
}

bool password_is_here(struct slice hash) {
    return hash.length > 0 && !slice_equal(hash, slice_text(PASSWORD_ELSEWHERE));
}

static void observe(const struct passwords *self, int64_t began_us) {
    if (self->seconds != NULL)
        histogram_observe(self->seconds, (uint64_t)(loop_now_us() - began_us));
}

enum err password_hash(const struct passwords *self, struct slice password,
                       char hash_r[PASSWORD_HASH_BYTES]) {
    char room[PASSWORD_ROOM];
    password = nfc_of(password, room);
    int64_t began_us = loop_now_us();
    int failed = crypto_pwhash_str_alg(hash_r, bytes_of(password), password.length, self->ops,
                                       self->memory_bytes, crypto_pwhash_ALG_ARGON2ID13);
    observe(self, began_us);
    return failed == 0 ? ERR_OK : ERR_OVERLOADED;
}

/* libsodium reads a text with a 0 at its end. False for a text that can't be a hash. */
static bool as_text(struct slice hash, char text_r[PASSWORD_HASH_BYTES]) {
    if (hash.length >= PASSWORD_HASH_BYTES)
        return false;
    memset(text_r, 0, PASSWORD_HASH_BYTES);
    memcpy(text_r, hash.data, hash.length);
    return true;
}

bool password_verify(const struct passwords *self, struct slice hash, struct slice password) {
    char text[PASSWORD_HASH_BYTES];
    char room[PASSWORD_ROOM];
    struct slice nfc = nfc_of(password, room);
    bool exists = password_is_here(hash);
    if (!as_text(exists ? hash : slice_text(self->decoy), text))
        return false;
    int64_t began_us = loop_now_us();
    bool right = crypto_pwhash_str_verify(text, bytes_of(nfc), nfc.length) == 0;
    observe(self, began_us);
    if (!right && !slice_equal(nfc, password)) /* a hash of before there was NFC here */
        right = crypto_pwhash_str_verify(text, bytes_of(password), password.length) == 0;
    return right && exists;
}

bool password_is_outdated(const struct passwords *self, struct slice hash) {
    char text[PASSWORD_HASH_BYTES];
    return !as_text(hash, text) ||
           crypto_pwhash_str_needs_rehash(text, self->ops, self->memory_bytes) != 0;
}
