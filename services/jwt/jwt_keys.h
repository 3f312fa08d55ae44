/*
 * The keys in use: those of a file, which is looked at whenever a JWT comes, and read again once it
 * has changed. So keys are changed while everything runs, without a signal.
 *
 *     struct jwt_keys *keys = jwt_keys_new(path, fault);
 *     enum err err = jwt_keys_verify(keys, &named, text, signature);
 *     jwt_keys_destroy(&keys);
 *
 * A file that has become bad or can't be read leaves the keys of before in use, and a line of the
 * log. Write a new one beside it and rename it, so that no half of it is read. Thread-safe.
 */
#ifndef PARLEY_JWT_KEYS_H
#define PARLEY_JWT_KEYS_H

#include "common/error.h"
#include "services/jwt/jwt_key_file.h"

struct jwt_keys;

/* NULL: no key can be used, and why. `path` is borrowed. */
#define JWT_KEYS_FAULT_BYTES 256
struct jwt_keys *jwt_keys_new(const char *path, char fault_r[JWT_KEYS_FAULT_BYTES])
    __attribute__((warn_unused_result));
void jwt_keys_destroy(struct jwt_keys **self);

/* What a token says of its key. */
struct jwt_named {
    enum jwt_algorithm algorithm;
    bool has_id;
    struct slice id; /* its `kid` */
};

/*
 * ERR_OK: a key that may be meant has made the signature. A key with another `kid` than the token's
 * is not meant, one without a `kid` may be; where the token has none, all may be.
 * ERR_JWT_KEY: none is meant. ERR_JWT_ALGORITHM: none of those is for the token's algorithm.
 * ERR_JWT_SIGNATURE: none has made it.
 */
enum err jwt_keys_verify(struct jwt_keys *self, const struct jwt_named *named, struct slice text,
                         struct slice signature) __attribute__((warn_unused_result));

#endif
