/* Keys for JWTs, by OpenSSL; see jwt_key.h. */
#include "services/jwt/jwt_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <string.h>

#include "common/base64.h"

#define HASH_BYTES 32
/* A coordinate of P-256, a half of its signatures. */
#define EC_BYTES 32
#define ED25519_BYTES 32
#define ED25519_SIGNATURE_BYTES 64
#define DER_BYTES 80
#define RSA_MODULUS_BYTES (JWT_RSA_MOST_BITS / 8)
#define RSA_EXPONENT_BYTES 8

static const char *const words[] = {
    [JWT_HS256] = "HS256", [JWT_RS256] = "RS256", [JWT_ES256] = "ES256", [JWT_EDDSA] = "EdDSA"};

bool jwt_algorithm_find(struct slice word, enum jwt_algorithm *algorithm_r) {
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (slice_equal(word, slice_text(words[i]))) {
            *algorithm_r = (enum jwt_algorithm)i;
            return true;
        }
    return false;
}

void jwt_key_clear(struct jwt_key *key) {
    EVP_PKEY_free(key->public_key);
    OPENSSL_cleanse(key, sizeof *key);
}

static int refuse(const char *fault, const char **fault_r) {
    *fault_r = fault;
    return -1;
}

/* --- one key ------------------------------------------------------------------------------- */

int jwt_key_of_secret(struct slice secret, struct jwt_key *key_r, const char **fault_r) {
    if (secret.length < JWT_SECRET_LEAST_BYTES)
        return refuse("a secret for HS256 has less than 32 bytes", fault_r);
    if (secret.length > JWT_SECRET_MOST_BYTES)
        return refuse("a secret for HS256 has more than 1024 bytes", fault_r);
    *key_r = (struct jwt_key){.algorithm = JWT_HS256, .secret_length = secret.length};
    memcpy(key_r->secret, secret.data, secret.length);
    return 1;
}

/* Whether it is what its numbers say: a point of its curve, an odd modulus. */
static bool is_sound(EVP_PKEY *public_key) {
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, public_key, NULL);
    bool sound = context != NULL && EVP_PKEY_public_check(context) == 1;
    EVP_PKEY_CTX_free(context);
    return sound;
}

static bool is_p256(const EVP_PKEY *public_key) {
    char name[32];
    size_t length;
    return EVP_PKEY_is_a(public_key, "EC") &&
           EVP_PKEY_get_utf8_string_param(public_key, OSSL_PKEY_PARAM_GROUP_NAME, name, sizeof name,
                                          &length) == 1 &&
           strcmp(name, "prime256v1") == 0;
}

/* 1, and the algorithm; or as jwt_key_of_public. */
static int classify(EVP_PKEY *public_key, enum jwt_algorithm *algorithm_r, const char **fault_r) {
    if (EVP_PKEY_is_a(public_key, "ED25519")) {
        *algorithm_r = JWT_EDDSA;
        return 1;
    }
    if (EVP_PKEY_is_a(public_key, "RSA")) {
        int bits = EVP_PKEY_get_bits(public_key);
        if (bits < JWT_RSA_LEAST_BITS || bits > JWT_RSA_MOST_BITS)
            return refuse("an RSA key has less than 2048 or more than 8192 bits", fault_r);
        *algorithm_r = JWT_RS256;
    } else if (is_p256(public_key)) {
        *algorithm_r = JWT_ES256;
    } else {
        return 0;
    }
    return is_sound(public_key) ? 1 : refuse("a public key is not sound", fault_r);
}

int jwt_key_of_public(EVP_PKEY **public_key, struct jwt_key *key_r, const char **fault_r) {
    enum jwt_algorithm algorithm = JWT_HS256;
    int result = classify(*public_key, &algorithm, fault_r);
    if (result == 1)
        *key_r = (struct jwt_key){.algorithm = algorithm, .public_key = *public_key};
    else
        EVP_PKEY_free(*public_key);
    *public_key = NULL;
    return result;
}

/* --- a JWK --------------------------------------------------------------------------------- */

static struct slice member(const cJSON *jwk, const char *name) {
    return slice_text(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(jwk, name)));
}

/* The bytes of a member in base64url; 0: there are none, or more than there is room for. */
static size_t member_bytes(const cJSON *jwk, const char *name, unsigned char *room,
                           size_t room_bytes) {
    size_t length;
    return base64_read(member(jwk, name), sodium_base64_VARIANT_URLSAFE_NO_PADDING, room,
                       room_bytes, &length)
               ? length
               : 0;
}

static EVP_PKEY *build(const char *type, OSSL_PARAM_BLD *builder) {
    EVP_PKEY *public_key = NULL;
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (parameters == NULL || context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &public_key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
        public_key = NULL;
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(parameters);
    return public_key;
}

static EVP_PKEY *rsa_of(const cJSON *jwk) {
    unsigned char modulus[RSA_MODULUS_BYTES], exponent[RSA_EXPONENT_BYTES];
    size_t modulus_length = member_bytes(jwk, "n", modulus, sizeof modulus),
           exponent_length = member_bytes(jwk, "e", exponent, sizeof exponent);
    if (modulus_length == 0 || exponent_length == 0)
        return NULL;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    BIGNUM *n = BN_bin2bn(modulus, (int)modulus_length, NULL),
           *e = BN_bin2bn(exponent, (int)exponent_length, NULL);
    EVP_PKEY *public_key = NULL;
    if (builder != NULL && n != NULL && e != NULL &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1)
        public_key = build("RSA", builder);
    BN_free(n);
    BN_free(e);
    OSSL_PARAM_BLD_free(builder);
    return public_key;
}

static EVP_PKEY *ec_of(const cJSON *jwk) {
    unsigned char point[1 + 2 * EC_BYTES] = {POINT_CONVERSION_UNCOMPRESSED};
    if (member_bytes(jwk, "x", point + 1, EC_BYTES) != EC_BYTES ||
        member_bytes(jwk, "y", point + 1 + EC_BYTES, EC_BYTES) != EC_BYTES)
        return NULL;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY *public_key = NULL;
    if (builder != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) ==
            1 &&
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) ==
            1)
        public_key = build("EC", builder);
    OSSL_PARAM_BLD_free(builder);
    return public_key;
}

static EVP_PKEY *ed25519_of(const cJSON *jwk) {
    unsigned char bytes[ED25519_BYTES];
    if (member_bytes(jwk, "x", bytes, sizeof bytes) != sizeof bytes)
        return NULL;
    return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, bytes, sizeof bytes);
}

static int secret_of(const cJSON *jwk, struct jwt_key *key_r, const char **fault_r) {
    unsigned char secret[JWT_SECRET_MOST_BYTES];
    size_t length = member_bytes(jwk, "k", secret, sizeof secret);
    int result = jwt_key_of_secret(slice_make((const char *)secret, length), key_r, fault_r);
    OPENSSL_cleanse(secret, sizeof secret);
    return result;
}

/* Whether the key says of itself that it is for signatures, or nothing of what it is for. */
static bool is_for_signatures(const cJSON *jwk) {
    const cJSON *use = cJSON_GetObjectItemCaseSensitive(jwk, "use"),
                *operations = cJSON_GetObjectItemCaseSensitive(jwk, "key_ops"), *operation;
    if (use != NULL && !slice_equal(member(jwk, "use"), slice_text("sig")))
        return false;
    cJSON_ArrayForEach(operation, operations) {
        if (slice_equal(slice_text(cJSON_GetStringValue(operation)), slice_text("verify")))
            return true;
    }
    return operations == NULL;
}

/* The key that `kty` says, without its name. */
static int read_jwk(const cJSON *jwk, struct jwt_key *key_r, const char **fault_r) {
    struct slice type = member(jwk, "kty"), curve = member(jwk, "crv");
    EVP_PKEY *public_key;
    if (slice_equal(type, slice_text("oct")))
        return secret_of(jwk, key_r, fault_r);
    if (slice_equal(type, slice_text("RSA")))
        public_key = rsa_of(jwk);
    else if (slice_equal(type, slice_text("EC")) && slice_equal(curve, slice_text("P-256")))
        public_key = ec_of(jwk);
    else if (slice_equal(type, slice_text("OKP")) && slice_equal(curve, slice_text("Ed25519")))
        public_key = ed25519_of(jwk);
    else
        return 0;
    if (public_key == NULL)
        return refuse("a key's numbers are missing or malformed", fault_r);
    return jwt_key_of_public(&public_key, key_r, fault_r);
}

int jwt_key_of_jwk(const cJSON *jwk, struct jwt_key *key_r, const char **fault_r) {
    struct slice algorithm = member(jwk, "alg"), id = member(jwk, "kid");
    enum jwt_algorithm wanted = JWT_HS256;
    if (!cJSON_IsObject(jwk))
        return refuse("a key is no object", fault_r);
    if (cJSON_GetObjectItemCaseSensitive(jwk, "d") != NULL)
        return refuse(JWT_KEY_PRIVATE, fault_r);
    bool named = cJSON_GetObjectItemCaseSensitive(jwk, "alg") != NULL;
    if (!is_for_signatures(jwk) || (named && !jwt_algorithm_find(algorithm, &wanted)))
        return 0;
    if (id.length > JWT_KEY_ID_BYTES)
        return refuse("a key's kid is longer than 256 bytes", fault_r);
    int result = read_jwk(jwk, key_r, fault_r);
    if (result != 1)
        return result;
    if (named && key_r->algorithm != wanted) {
        jwt_key_clear(key_r);
        return refuse("a key's alg is not one that its kty is for", fault_r);
    }
    memcpy(key_r->id, id.data == NULL ? "" : id.data, id.length);
    return 1;
}

/* --- signatures ---------------------------------------------------------------------------- */

static const unsigned char *bytes_of(struct slice text) { return (const unsigned char *)text.data; }

static bool verify_hmac(const struct jwt_key *key, struct slice text, struct slice signature) {
    unsigned char hash[HASH_BYTES];
    unsigned length = sizeof hash;
    return signature.length == sizeof hash &&
           HMAC(EVP_sha256(), key->secret, (int)key->secret_length, bytes_of(text), text.length,
                hash, &length) != NULL &&
           CRYPTO_memcmp(hash, signature.data, sizeof hash) == 0;
}

static bool verify_public(const struct jwt_key *key, const EVP_MD *hash, struct slice text,
                          struct slice signature) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool right = context != NULL &&
                 EVP_DigestVerifyInit(context, NULL, hash, NULL, key->public_key) == 1 &&
                 EVP_DigestVerify(context, bytes_of(signature), signature.length, bytes_of(text),
                                  text.length) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error(); /* the thread's connection to the database looks there, too */
    return right;
}

/* A JWT has the two numbers one behind the other, OpenSSL wants them in DER. */
static bool verify_ecdsa(const struct jwt_key *key, struct slice text, struct slice signature) {
    unsigned char der[DER_BYTES], *at = der;
    if (signature.length != (size_t)2 * EC_BYTES)
        return false;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(bytes_of(signature), EC_BYTES, NULL),
           *s = BN_bin2bn(bytes_of(signature) + EC_BYTES, EC_BYTES, NULL);
    if (pair == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(pair, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        ECDSA_SIG_free(pair);
        return false;
    }
    int length = i2d_ECDSA_SIG(pair, NULL);
    bool fits = length > 0 && length <= DER_BYTES && i2d_ECDSA_SIG(pair, &at) == length;
    ECDSA_SIG_free(pair);
    return fits &&
           verify_public(key, EVP_sha256(), text, slice_make((const char *)der, (size_t)length));
}

bool jwt_key_verify(const struct jwt_key *key, struct slice text, struct slice signature) {
    switch (key->algorithm) {
    case JWT_HS256:
        return verify_hmac(key, text, signature);
    case JWT_RS256:
        return signature.length == (size_t)EVP_PKEY_get_size(key->public_key) &&
               verify_public(key, EVP_sha256(), text, signature);
    case JWT_ES256:
        return verify_ecdsa(key, text, signature);
    case JWT_EDDSA:
        return signature.length == ED25519_SIGNATURE_BYTES &&
               verify_public(key, NULL, text, signature);
    default:
        return false;
    }
}
