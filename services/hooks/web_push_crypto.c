/* Cryptography of Web Push; see web_push_crypto.h. */
#include "services/hooks/web_push_crypto.h"

#include <inttypes.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define CURVE "prime256v1"
#define MAC_BYTES crypto_auth_hmacsha256_BYTES
#define KEY_BYTES 16
#define IV_BYTES 12
#define TAG_BYTES 16
#define RECORD_BYTES 4096
/* salt, size of a record, length of a key, the key */
#define HEAD_BYTES (WEB_PUSH_SALT_BYTES + 4 + 1 + WEB_PUSH_PUBLIC_BYTES)
/* r and s of a signature */
#define HALF_BYTES 32
/* no limit: DER of a signature of P-256 */
#define DER_BYTES 80
/* limit: hooks | the parts of a JWT of VAPID | {CLAIMS_BYTES} | the message is not sent */
#define CLAIMS_BYTES 640
#define PART_ROOM 896

/* --- keys of P-256 --------------------------------------------------------------------------- */

/* The public key of a private one, by the curve's base point. */
bool web_push_key_public(const unsigned char secret[WEB_PUSH_SECRET_BYTES],
                         unsigned char public_r[WEB_PUSH_PUBLIC_BYTES]) {
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    BIGNUM *number = BN_bin2bn(secret, WEB_PUSH_SECRET_BYTES, NULL);
    EC_POINT *point = group == NULL ? NULL : EC_POINT_new(group);
    bool done = number != NULL && point != NULL && !BN_is_zero(number) &&
                BN_cmp(number, EC_GROUP_get0_order(group)) < 0 &&
                EC_POINT_mul(group, point, number, NULL, NULL, NULL) == 1 &&
                EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, public_r,
                                   WEB_PUSH_PUBLIC_BYTES, NULL) == WEB_PUSH_PUBLIC_BYTES;
    EC_POINT_free(point);
    BN_clear_free(number);
    EC_GROUP_free(group);
    return done;
}

bool web_push_key_is_valid(const unsigned char public[WEB_PUSH_PUBLIC_BYTES]) {
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    EC_POINT *point = group == NULL ? NULL : EC_POINT_new(group);
    bool valid = point != NULL && public[0] == POINT_CONVERSION_UNCOMPRESSED &&
                 EC_POINT_oct2point(group, point, public, WEB_PUSH_PUBLIC_BYTES, NULL) == 1;
    EC_POINT_free(point);
    EC_GROUP_free(group);
    return valid;
}

/* A random number below the curve's order, whose chance to be none is 2^-32. */
bool web_push_key_make(unsigned char secret_r[WEB_PUSH_SECRET_BYTES]) {
    unsigned char public[WEB_PUSH_PUBLIC_BYTES];
    randombytes_buf(secret_r, WEB_PUSH_SECRET_BYTES);
    return web_push_key_public(secret_r, public);
}

/* NULL: it is no key. `secret` NULL: of somebody else. */
static EVP_PKEY *load_key(const unsigned char *secret,
                          const unsigned char public[WEB_PUSH_PUBLIC_BYTES]) {
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    BIGNUM *number = secret == NULL ? NULL : BN_bin2bn(secret, WEB_PUSH_SECRET_BYTES, NULL);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    OSSL_PARAM *params = NULL;
    EVP_PKEY *key = NULL;
    bool built =
        builder != NULL && (secret == NULL || number != NULL) &&
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, CURVE, 0) &&
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, public,
                                         WEB_PUSH_PUBLIC_BYTES) &&
        (number == NULL || OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, number));
    if (built)
        params = OSSL_PARAM_BLD_to_param(builder);
    if (params == NULL || context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, number == NULL ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEYPAIR,
                          params) != 1)
        key = NULL;
    OSSL_PARAM_free(params);
    EVP_PKEY_CTX_free(context);
    BN_clear_free(number);
    OSSL_PARAM_BLD_free(builder);
    return key;
}

/* The secret that the two have in common. */
static bool agree(EVP_PKEY *own, EVP_PKEY *theirs, unsigned char shared_r[WEB_PUSH_SECRET_BYTES]) {
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(own, NULL);
    size_t length = WEB_PUSH_SECRET_BYTES;
    bool done = context != NULL && EVP_PKEY_derive_init(context) == 1 &&
                EVP_PKEY_derive_set_peer(context, theirs) == 1 &&
                EVP_PKEY_derive(context, shared_r, &length) == 1 && length == WEB_PUSH_SECRET_BYTES;
    EVP_PKEY_CTX_free(context);
    return done;
}

/* --- a message (RFC 8291, RFC 8188) ---------------------------------------------------------- */

static void mac(const unsigned char *key, size_t key_length, const unsigned char *data,
                size_t length, unsigned char out[MAC_BYTES]) {
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, key, key_length);
    crypto_auth_hmacsha256_update(&state, data, length);
    crypto_auth_hmacsha256_final(&state, out);
}

/* The first block of HKDF's second step; `info` has its 0 at the end, and then the 1. */
static void expand(const unsigned char prk[MAC_BYTES], const char *info, size_t length,
                   unsigned char out[MAC_BYTES]) {
    unsigned char data[64];
    memcpy(data, info, length);
    data[length] = 1;
    mac(prk, MAC_BYTES, data, length + 1, out);
}

struct message_keys {
    unsigned char key[MAC_BYTES], iv[MAC_BYTES]; /* the first KEY_BYTES and IV_BYTES of each */
};

static void derive(const unsigned char shared[WEB_PUSH_SECRET_BYTES],
                   const struct web_push_keys *keys,
                   const unsigned char public[WEB_PUSH_PUBLIC_BYTES],
                   const unsigned char salt[WEB_PUSH_SALT_BYTES], struct message_keys *keys_r) {
    static const char info[] = "WebPush: info";
    unsigned char data[sizeof info + 2 * WEB_PUSH_PUBLIC_BYTES + 1], prk[MAC_BYTES], ikm[MAC_BYTES];
    memcpy(data, info, sizeof info);
    memcpy(data + sizeof info, keys->p256dh, WEB_PUSH_PUBLIC_BYTES);
    memcpy(data + sizeof info + WEB_PUSH_PUBLIC_BYTES, public, WEB_PUSH_PUBLIC_BYTES);
    data[sizeof data - 1] = 1;
    mac(keys->auth, WEB_PUSH_AUTH_BYTES, shared, WEB_PUSH_SECRET_BYTES, prk);
    mac(prk, sizeof prk, data, sizeof data, ikm);
    mac(salt, WEB_PUSH_SALT_BYTES, ikm, sizeof ikm, prk);
    expand(prk, "Content-Encoding: aes128gcm", sizeof "Content-Encoding: aes128gcm", keys_r->key);
    expand(prk, "Content-Encoding: nonce", sizeof "Content-Encoding: nonce", keys_r->iv);
    sodium_memzero(prk, sizeof prk);
    sodium_memzero(ikm, sizeof ikm);
}

/* One record, the last: behind the text stands a 2. */
static bool seal(const struct message_keys *keys, struct slice text, unsigned char *out) {
    static const unsigned char mark = 2;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int length = 0, more = 0, none = 0;
    bool done =
        context != NULL &&
        EVP_EncryptInit_ex(context, EVP_aes_128_gcm(), NULL, keys->key, keys->iv) == 1 &&
        EVP_EncryptUpdate(context, out, &length, (const unsigned char *)text.data,
                          (int)text.length) == 1 &&
        EVP_EncryptUpdate(context, out + length, &more, &mark, 1) == 1 &&
        EVP_EncryptFinal_ex(context, out + length + more, &none) == 1 &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, out + length + more) == 1;
    EVP_CIPHER_CTX_free(context);
    return done;
}

static void write_head(const unsigned char salt[WEB_PUSH_SALT_BYTES],
                       const unsigned char public[WEB_PUSH_PUBLIC_BYTES], unsigned char *out) {
    static const unsigned char size[] = {0, 0, RECORD_BYTES >> 8, RECORD_BYTES & 0xff};
    memcpy(out, salt, WEB_PUSH_SALT_BYTES);
    memcpy(out + WEB_PUSH_SALT_BYTES, size, sizeof size);
    out[WEB_PUSH_SALT_BYTES + sizeof size] = WEB_PUSH_PUBLIC_BYTES;
    memcpy(out + HEAD_BYTES - WEB_PUSH_PUBLIC_BYTES, public, WEB_PUSH_PUBLIC_BYTES);
}

bool web_push_encrypt_as(const struct web_push_keys *keys, struct slice text,
                         const unsigned char secret[WEB_PUSH_SECRET_BYTES],
                         const unsigned char salt[WEB_PUSH_SALT_BYTES],
                         unsigned char out[WEB_PUSH_MESSAGE_MAX], size_t *length_r) {
    unsigned char public[WEB_PUSH_PUBLIC_BYTES], shared[WEB_PUSH_SECRET_BYTES];
    struct message_keys made;
    if (text.length > WEB_PUSH_TEXT_MAX || !web_push_key_public(secret, public))
        return false;
    EVP_PKEY *own = load_key(secret, public), *theirs = load_key(NULL, keys->p256dh);
    bool done = own != NULL && theirs != NULL && agree(own, theirs, shared);
    if (done) {
        derive(shared, keys, public, salt, &made);
        write_head(salt, public, out);
        done = seal(&made, text, out + HEAD_BYTES);
        *length_r = HEAD_BYTES + text.length + 1 + TAG_BYTES;
        sodium_memzero(&made, sizeof made);
    }
    sodium_memzero(shared, sizeof shared);
    EVP_PKEY_free(own);
    EVP_PKEY_free(theirs);
    return done;
}

bool web_push_encrypt(const struct web_push_keys *keys, struct slice text,
                      unsigned char out[WEB_PUSH_MESSAGE_MAX], size_t *length_r) {
    unsigned char secret[WEB_PUSH_SECRET_BYTES], salt[WEB_PUSH_SALT_BYTES];
    randombytes_buf(salt, sizeof salt);
    bool done =
        web_push_key_make(secret) && web_push_encrypt_as(keys, text, secret, salt, out, length_r);
    sodium_memzero(secret, sizeof secret);
    return done;
}

/* --- who sends it (RFC 8292) ----------------------------------------------------------------- */

/* r and s, 32 bytes each, of the signature's DER. */
static bool flatten(const unsigned char *der, size_t length, unsigned char out[2 * HALF_BYTES]) {
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)length);
    bool done =
        signature != NULL &&
        BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, HALF_BYTES) == HALF_BYTES &&
        BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + HALF_BYTES, HALF_BYTES) == HALF_BYTES;
    ECDSA_SIG_free(signature);
    return done;
}

static bool sign(EVP_PKEY *key, const char *text, unsigned char out[2 * HALF_BYTES]) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char der[DER_BYTES];
    size_t length = sizeof der;
    bool done =
        context != NULL && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
        EVP_DigestSign(context, der, &length, (const unsigned char *)text, strlen(text)) == 1 &&
        flatten(der, length, out);
    EVP_MD_CTX_free(context);
    return done;
}

static void encode(const void *bytes, size_t length, char *out, size_t room) {
    sodium_bin2base64(out, room, bytes, length, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

/* `contact` and `origin` hold nothing that JSON quotes. false: they are too long. */
static bool write_claims(const char *origin, const char *contact, uint64_t expires_s, char *part) {
    static const char header[] = "{\"typ\":\"JWT\",\"alg\":\"ES256\"}";
    char claims[CLAIMS_BYTES];
    int length = snprintf(claims, sizeof claims, "{\"aud\":\"%s\",\"exp\":%" PRIu64 "%s%s%s}",
                          origin, expires_s, contact[0] == '\0' ? "" : ",\"sub\":\"", contact,
                          contact[0] == '\0' ? "" : "\"");
    if (length < 0 || (size_t)length >= sizeof claims)
        return false;
    encode(header, sizeof header - 1, part, PART_ROOM);
    size_t written = strlen(part);
    part[written++] = '.';
    encode(claims, (size_t)length, part + written, PART_ROOM - written);
    return true;
}

bool web_push_authorization(const unsigned char secret[WEB_PUSH_SECRET_BYTES], const char *origin,
                            const char *contact, uint64_t expires_s,
                            char out[WEB_PUSH_AUTHORIZATION_ROOM]) {
    unsigned char public[WEB_PUSH_PUBLIC_BYTES], signature[2 * HALF_BYTES];
    char part[PART_ROOM], signed_as[HALF_BYTES * 3], key[WEB_PUSH_PUBLIC_ROOM];
    if (strpbrk(contact, "\"\\") != NULL || strpbrk(origin, "\"\\") != NULL ||
        !web_push_key_public(secret, public) || !write_claims(origin, contact, expires_s, part))
        return false;
    EVP_PKEY *own = load_key(secret, public);
    bool done = own != NULL && sign(own, part, signature);
    EVP_PKEY_free(own);
    if (!done)
        return false;
    encode(signature, sizeof signature, signed_as, sizeof signed_as);
    encode(public, sizeof public, key, sizeof key);
    snprintf(out, WEB_PUSH_AUTHORIZATION_ROOM, "vapid t=%s.%s, k=%s", part, signed_as, key);
    return true;
}
