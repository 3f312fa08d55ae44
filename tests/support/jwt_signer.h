/*
 * Who signs JWTs, for C tests: keys of every kind, and tokens that are good or bad in whatever way.
 *
 *     struct jwt_signer *signer = jwt_signer_new(JWT_ES256, "k1");
 *     const char *file = jwt_signer_file(test_text("{\"keys\":[%s]}", jwt_signer_jwk(signer)));
 *     const char *token = jwt_signer_token(signer, "{\"sub\":\"anna\",\"exp\":4000000000}");
 *     jwt_signer_destroy(&signer);
 *
 * Texts live as test_text's do.
 */
#ifndef PARLEY_TESTS_JWT_SIGNER_H
#define PARLEY_TESTS_JWT_SIGNER_H

#include "services/jwt/jwt_key.h"

struct jwt_signer;

/* `id`: its `kid`; "": none. */
struct jwt_signer *jwt_signer_new(enum jwt_algorithm algorithm, const char *id);
void jwt_signer_destroy(struct jwt_signer **self);

const char *jwt_signer_word(enum jwt_algorithm algorithm);
/* Its public key, or its secret. */
const char *jwt_signer_jwk(const struct jwt_signer *self);
/* The public key in PEM; of HS256 the secret as it is. */
const char *jwt_signer_pem(const struct jwt_signer *self);

/* A token with the header that belongs to the key, or with this one. */
const char *jwt_signer_token(const struct jwt_signer *self, const char *claims);
const char *jwt_signer_token_as(const struct jwt_signer *self, const char *header,
                                const char *claims);
/* base64url of bytes. */
const char *jwt_signer_base64(const void *bytes, size_t length);

/* Writes a file, new or over the one of before by renaming; its path. */
const char *jwt_signer_file(const char *content);
void jwt_signer_replace(const char *path, const char *content);

#endif
