/*
 * The keys that a file holds, by what it begins with:
 *
 * - `{`: a JWKS (RFC 7517): {"keys":[...]}. Keys of other kinds and for other uses are left out.
 * - `-----BEGIN`: public keys in PEM, one after the other. They have no `kid`.
 * - anything else: the secret of HS256, all bytes but a newline at the end. It has no `kid`.
 */
#ifndef PARLEY_JWT_KEY_FILE_H
#define PARLEY_JWT_KEY_FILE_H

#include "services/jwt/jwt_key.h"

/* limit: service | the file with keys for JWTs; keys in it | {JWT_KEY_FILE_BYTES};
 * {JWT_KEYS_MAX} | refused at the start; later the keys of before stay in use, and a line of the
 * log says why */
#define JWT_KEY_FILE_BYTES 65536
#define JWT_KEYS_MAX 32

struct jwt_key_set {
    size_t count;
    struct jwt_key keys[JWT_KEYS_MAX];
};

/* NULL: no key can be used, and why, static. The caller destroys it. */
struct jwt_key_set *jwt_key_file_read(struct slice content, const char **fault_r)
    __attribute__((warn_unused_result));
void jwt_key_set_destroy(struct jwt_key_set **set);

#endif
