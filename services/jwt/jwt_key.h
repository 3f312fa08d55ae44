/*
 * A key that JWTs are checked with. It is for one algorithm, which its kind decides: so a token
 * can't have an RSA key taken for an HMAC's secret.
 *
 *     struct jwt_key key;
 *     if (jwt_key_of_jwk(json, &key, &fault) == 1) ...
 *     if (jwt_key_verify(&key, signed_bytes, signature)) ...
 *     jwt_key_clear(&key);
 *
 * A key is only read after it was made, so threads share it.
 */
#ifndef PARLEY_JWT_KEY_H
#define PARLEY_JWT_KEY_H

#include <cjson/cJSON.h>
#include <openssl/types.h>
#include <stdbool.h>

#include "common/record.h"

/* limit: service | a JWT's `kid`, and that of a key | {JWT_KEY_ID_BYTES} bytes | no key has it; the
 * file is refused */
#define JWT_KEY_ID_BYTES 256
/* limit: service | an RSA key for JWTs; a secret | {JWT_RSA_LEAST_BITS} to {JWT_RSA_MOST_BITS}
 * bits; {JWT_SECRET_LEAST_BYTES} to {JWT_SECRET_MOST_BYTES} bytes | the file is refused */
#define JWT_RSA_LEAST_BITS 2048
#define JWT_RSA_MOST_BITS 8192
/* RFC 7518, 3.2: as long as the hash at least. */
#define JWT_SECRET_LEAST_BYTES 32
#define JWT_SECRET_MOST_BYTES 1024

/* Why a file is refused that holds one. */
#define JWT_KEY_PRIVATE "it holds a private key: give the server the public one alone"

enum jwt_algorithm { JWT_HS256, JWT_RS256, JWT_ES256, JWT_EDDSA };

/* The algorithm of a JWT's `alg`; false for all others, `none` among them. */
bool jwt_algorithm_find(struct slice word, enum jwt_algorithm *algorithm_r);

struct jwt_key {
    enum jwt_algorithm algorithm;
    char id[JWT_KEY_ID_BYTES + 1]; /* its `kid`; "": it has none */
    EVP_PKEY *public_key;          /* NULL: HS256 */
    size_t secret_length;
    unsigned char secret[JWT_SECRET_MOST_BYTES];
};

/* Each: 1: a key, which the caller clears; 0: a key for something else, or of an algorithm that is
 * none of these; -1: a bad one, and why, static. */
int jwt_key_of_jwk(const cJSON *jwk, struct jwt_key *key_r, const char **fault_r);
/* Takes the key over. */
int jwt_key_of_public(EVP_PKEY **public_key, struct jwt_key *key_r, const char **fault_r);
int jwt_key_of_secret(struct slice secret, struct jwt_key *key_r, const char **fault_r);
void jwt_key_clear(struct jwt_key *key);

/* Whether `signature` is that of `text` by the key. */
bool jwt_key_verify(const struct jwt_key *key, struct slice text, struct slice signature)
    __attribute__((warn_unused_result));

#endif
