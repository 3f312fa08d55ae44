/* The keys of a file; see jwt_key_file.h. */
#include "services/jwt/jwt_key_file.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "common/json_tree.h"

/* {"keys":[{"key_ops":[...]}]}, and a certificate's chain or two. */
#define JWKS_DEPTH 8

static const char no_key[] = "it holds no key for HS256, RS256, ES256 or EdDSA";
static const char malformed[] = "a public key in PEM is malformed";
static const char too_many[] = "it holds more than 32 keys";

void jwt_key_set_destroy(struct jwt_key_set **set) {
    if (*set == NULL)
        return;
    for (size_t i = 0; i < (*set)->count; i++)
        jwt_key_clear(&(*set)->keys[i]);
    free(*set);
    *set = NULL;
}

/* NULL, or the fault. */
static const char *read_jwks(struct slice content, struct jwt_key_set *set) {
    cJSON *json = json_tree_object(content, JWKS_DEPTH);
    const cJSON *keys = cJSON_GetObjectItemCaseSensitive(json, "keys"), *jwk;
    const char *fault = json == NULL           ? "it is no JSON object, or has a key twice"
                        : !cJSON_IsArray(keys) ? "it is no JWKS: `keys` is no list"
                                               : NULL;
    cJSON_ArrayForEach(jwk, keys) {
        struct jwt_key key;
        const char *bad = NULL;
        int result = fault == NULL ? jwt_key_of_jwk(jwk, &key, &bad) : 0;
        if (result < 0)
            fault = bad;
        if (result == 1 && set->count == JWT_KEYS_MAX) {
            jwt_key_clear(&key);
            fault = too_many;
        } else if (result == 1) {
            set->keys[set->count++] = key;
            OPENSSL_cleanse(&key, sizeof key);
        }
    }
    cJSON_Delete(json);
    ERR_clear_error();
    return fault;
}

/* A block of another kind is left out. */
static const char *take_block(const char *name, const unsigned char *data, long length,
                              struct jwt_key_set *set) {
    struct jwt_key key;
    const char *fault = NULL;
    if (strcmp(name, PEM_STRING_PUBLIC) != 0)
        return NULL;
    EVP_PKEY *public_key = d2i_PUBKEY(NULL, &data, length);
    if (public_key == NULL)
        return malformed;
    int result = jwt_key_of_public(&public_key, &key, &fault);
    if (result != 1)
        return fault;
    if (set->count == JWT_KEYS_MAX) {
        jwt_key_clear(&key);
        return too_many;
    }
    set->keys[set->count++] = key;
    return NULL;
}

/* False: there is no further one. */
static bool read_block(BIO *bio, struct jwt_key_set *set, const char **fault_r) {
    char *name = NULL, *header = NULL;
    unsigned char *data = NULL;
    long length = 0;
    if (PEM_read_bio(bio, &name, &header, &data, &length) != 1) {
        if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
            *fault_r = malformed;
        return false;
    }
    *fault_r = take_block(name, data, length, set);
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(data);
    return true;
}

static const char *read_pem(struct slice content, struct jwt_key_set *set) {
    if (memmem(content.data, content.length, "PRIVATE KEY-", strlen("PRIVATE KEY-")) != NULL)
        return JWT_KEY_PRIVATE;
    BIO *bio = BIO_new_mem_buf(content.data, (int)content.length);
    const char *fault = bio == NULL ? "out of memory" : NULL;
    while (fault == NULL && read_block(bio, set, &fault))
        ;
    ERR_clear_error();
    BIO_free(bio);
    return fault;
}

static const char *read_secret(struct slice content, struct jwt_key_set *set) {
    const char *fault = NULL;
    if (content.length > 0 && content.data[content.length - 1] == '\n')
        content.length--;
    if (content.length > 0 && content.data[content.length - 1] == '\r')
        content.length--;
    if (jwt_key_of_secret(content, &set->keys[0], &fault) == 1)
        set->count = 1;
    return fault;
}

static bool begins(struct slice content, const char *with) {
    size_t length = strlen(with);
    return content.length >= length && memcmp(content.data, with, length) == 0;
}

struct jwt_key_set *jwt_key_file_read(struct slice content, const char **fault_r) {
    struct jwt_key_set *set = calloc(1, sizeof *set);
    *fault_r = "out of memory";
    if (set == NULL)
        return NULL;
    size_t skip = 0;
    while (skip < content.length && memchr(" \t\r\n", content.data[skip], 4) != NULL)
        skip++;
    struct slice text = slice_make(content.data + skip, content.length - skip);
    const char *fault = content.length == 0          ? "it is empty"
                        : begins(text, "{")          ? read_jwks(text, set)
                        : begins(text, "-----BEGIN") ? read_pem(text, set)
                                                     : read_secret(content, set);
    if (fault == NULL && set->count == 0)
        fault = no_key;
    *fault_r = fault;
    if (fault != NULL)
        jwt_key_set_destroy(&set);
    return set;
}
