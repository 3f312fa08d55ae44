/* Signatures of what is posted; see signature.h. */
#include "services/webhook/signature.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/base64.h"
#include "common/loop.h"

#define PREFIX "whsec_"
#define PREFIX_LENGTH (sizeof PREFIX - 1)
/* `ID.SECONDS.` */
#define HEAD_BYTES 160

static bool read_secret(struct slice secret, unsigned char *bytes, size_t *length_r) {
    return secret.length > PREFIX_LENGTH && memcmp(secret.data, PREFIX, PREFIX_LENGTH) == 0 &&
           base64_read(slice_make(secret.data + PREFIX_LENGTH, secret.length - PREFIX_LENGTH),
                       sodium_base64_VARIANT_ORIGINAL, bytes, SIGNATURE_SECRET_MAX, length_r);
}

bool signature_secret_is_valid(struct slice secret) {
    unsigned char bytes[SIGNATURE_SECRET_MAX];
    size_t length = 0;
    bool valid = read_secret(secret, bytes, &length) && length >= SIGNATURE_SECRET_MIN;
    sodium_memzero(bytes, sizeof bytes);
    return valid;
}

void signature_secret_make(char out[SIGNATURE_SECRET_ROOM]) {
    unsigned char bytes[SIGNATURE_SECRET_MADE];
    randombytes_buf(bytes, sizeof bytes);
    memcpy(out, PREFIX, PREFIX_LENGTH);
    sodium_bin2base64(out + PREFIX_LENGTH, SIGNATURE_SECRET_ROOM - PREFIX_LENGTH, bytes,
                      sizeof bytes, sodium_base64_VARIANT_ORIGINAL);
    sodium_memzero(bytes, sizeof bytes);
}

void signature_make(struct slice secret, const char *id, int64_t seconds, struct slice body,
                    char out[SIGNATURE_ROOM]) {
    unsigned char bytes[SIGNATURE_SECRET_MAX], mac[crypto_auth_hmacsha256_BYTES];
    char head[HEAD_BYTES];
    size_t length = 0;
    crypto_auth_hmacsha256_state state;
    (void)read_secret(secret, bytes, &length);
    snprintf(head, sizeof head, "%s.%" PRId64 ".", id, seconds);
    crypto_auth_hmacsha256_init(&state, bytes, length);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)head, strlen(head));
    if (body.length > 0)
        crypto_auth_hmacsha256_update(&state, (const unsigned char *)body.data, body.length);
    crypto_auth_hmacsha256_final(&state, mac);
    memcpy(out, "v1,", 3);
    sodium_bin2base64(out + 3, SIGNATURE_ROOM - 3, mac, sizeof mac, sodium_base64_VARIANT_ORIGINAL);
    sodium_memzero(bytes, sizeof bytes);
}

void signature_headers_make(struct slice secret, const char *id, struct slice body,
                            struct signature_headers *headers_r) {
    const int64_t seconds = loop_wall_ms() / 1000;
    char made[SIGNATURE_ROOM];
    signature_make(secret, id, seconds, body, made);
    snprintf(headers_r->id, sizeof headers_r->id, "webhook-id: %s", id);
    snprintf(headers_r->time, sizeof headers_r->time, "webhook-timestamp: %" PRId64, seconds);
    snprintf(headers_r->signature, sizeof headers_r->signature, "webhook-signature: %s", made);
    /* Without `Expect:` libcurl asks first whether it may send a large body. */
    const char *const lines[] = {"Content-Type: application/json",
                                 "Expect:",
                                 headers_r->id,
                                 headers_r->time,
                                 headers_r->signature,
                                 NULL};
    memcpy(headers_r->lines, lines, sizeof lines);
}
