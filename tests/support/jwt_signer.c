/* Who signs JWTs; see jwt_signer.h. */
#include "tests/support/jwt_signer.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/service_process.h"
#include "tests/support/test_folder.h"
#include "tests/support/test_list.h"

#define ROOM 16384
#define HALF 32

struct jwt_signer {
    enum jwt_algorithm algorithm;
    char id[JWT_KEY_ID_BYTES + 1];
    EVP_PKEY *key;
    char secret[41];
};

const char *jwt_signer_word(enum jwt_algorithm algorithm) {
    static const char *const words[] = {
        [JWT_HS256] = "HS256", [JWT_RS256] = "RS256", [JWT_ES256] = "ES256", [JWT_EDDSA] = "EdDSA"};
    return words[algorithm];
}

struct jwt_signer *jwt_signer_new(enum jwt_algorithm algorithm, const char *id) {
    struct jwt_signer *self = calloc(1, sizeof *self);
    assert_non_null(self);
    self->algorithm = algorithm;
    snprintf(self->id, sizeof self->id, "%s", id);
    if (algorithm == JWT_HS256) {
        unsigned char bytes[(sizeof self->secret - 1) / 2];
        randombytes_buf(bytes, sizeof bytes);
        sodium_bin2hex(self->secret, sizeof self->secret, bytes, sizeof bytes);
    } else {
        self->key = algorithm == JWT_RS256   ? EVP_RSA_gen(2048)
                    : algorithm == JWT_ES256 ? EVP_EC_gen("P-256")
                                             : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        assert_non_null(self->key);
    }
    return self;
}

void jwt_signer_destroy(struct jwt_signer **self) {
    if (*self != NULL)
        EVP_PKEY_free((*self)->key);
    free(*self);
    *self = NULL;
}

const char *jwt_signer_base64(const void *bytes, size_t length) {
    char text[ROOM];
    assert_true(length < ROOM / 2);
    sodium_bin2base64(text, sizeof text, length == 0 ? (const void *)"" : bytes, length,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return test_text("%s", text);
}

/* --- keys ----------------------------------------------------------------------------------- */

static const char *number(const struct jwt_signer *self, const char *name, int length) {
    unsigned char bytes[1024];
    BIGNUM *value = NULL;
    assert_int_equal(EVP_PKEY_get_bn_param(self->key, name, &value), 1);
    length = length == 0 ? BN_num_bytes(value) : length;
    assert_int_equal(BN_bn2binpad(value, bytes, length), length);
    BN_free(value);
    return jwt_signer_base64(bytes, (size_t)length);
}

static const char *parameters(const struct jwt_signer *self) {
    unsigned char raw[HALF];
    size_t length = sizeof raw;
    switch (self->algorithm) {
    case JWT_HS256:
        return test_text("\"kty\":\"oct\",\"k\":\"%s\"",
                         jwt_signer_base64(self->secret, strlen(self->secret)));
    case JWT_RS256:
        return test_text("\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"",
                         number(self, OSSL_PKEY_PARAM_RSA_N, 0),
                         number(self, OSSL_PKEY_PARAM_RSA_E, 0));
    case JWT_ES256:
        return test_text("\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\"",
                         number(self, OSSL_PKEY_PARAM_EC_PUB_X, HALF),
                         number(self, OSSL_PKEY_PARAM_EC_PUB_Y, HALF));
    default:
        assert_int_equal(EVP_PKEY_get_raw_public_key(self->key, raw, &length), 1);
        return test_text("\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%s\"",
                         jwt_signer_base64(raw, length));
    }
}

const char *jwt_signer_jwk(const struct jwt_signer *self) {
    const char *id = self->id[0] == '\0' ? "" : test_text(",\"kid\":\"%s\"", self->id);
    return test_text("{%s,\"alg\":\"%s\"%s}", parameters(self), jwt_signer_word(self->algorithm),
                     id);
}

const char *jwt_signer_pem(const struct jwt_signer *self) {
    char *bytes;
    if (self->algorithm == JWT_HS256)
        return self->secret;
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PUBKEY(bio, self->key), 1);
    long length = BIO_get_mem_data(bio, &bytes);
    const char *text = test_text("%.*s", (int)length, bytes);
    BIO_free(bio);
    return text;
}

/* --- tokens --------------------------------------------------------------------------------- */

static size_t sign_by_key(const struct jwt_signer *self, const char *text,
                          unsigned char signature[1024]) {
    size_t length = 1024;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const EVP_MD *hash = self->algorithm == JWT_EDDSA ? NULL : EVP_sha256();
    assert_int_equal(EVP_DigestSignInit(context, NULL, hash, NULL, self->key), 1);
    assert_int_equal(
        EVP_DigestSign(context, signature, &length, (const unsigned char *)text, strlen(text)), 1);
    EVP_MD_CTX_free(context);
    if (self->algorithm != JWT_ES256)
        return length;
    const unsigned char *at = signature;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)length);
    assert_non_null(pair);
    BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, HALF);
    BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + HALF, HALF);
    ECDSA_SIG_free(pair);
    return 2 * (size_t)HALF;
}

const char *jwt_signer_token_as(const struct jwt_signer *self, const char *header,
                                const char *claims) {
    unsigned char signature[1024];
    unsigned length = sizeof signature;
    const char *text = test_text("%s.%s", jwt_signer_base64(header, strlen(header)),
                                 jwt_signer_base64(claims, strlen(claims)));
    if (self->algorithm == JWT_HS256)
        HMAC(EVP_sha256(), self->secret, (int)strlen(self->secret), (const unsigned char *)text,
             strlen(text), signature, &length);
    else
        length = (unsigned)sign_by_key(self, text, signature);
    return test_text("%s.%s", text, jwt_signer_base64(signature, length));
}

const char *jwt_signer_token(const struct jwt_signer *self, const char *claims) {
    const char *id = self->id[0] == '\0' ? "" : test_text(",\"kid\":\"%s\"", self->id);
    return jwt_signer_token_as(
        self, test_text("{\"typ\":\"JWT\",\"alg\":\"%s\"%s}", jwt_signer_word(self->algorithm), id),
        claims);
}

/* --- files ---------------------------------------------------------------------------------- */

void jwt_signer_replace(const char *path, const char *content) {
    const char *beside = test_text("%s.new", path);
    FILE *file = fopen(beside, "w");
    assert_non_null(file);
    assert_true(fwrite(content, 1, strlen(content), file) == strlen(content));
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(beside, path), 0);
}

const char *jwt_signer_file(const char *content) {
    const char *path = test_text("%s/keys", test_folder());
    jwt_signer_replace(path, content);
    return path;
}
