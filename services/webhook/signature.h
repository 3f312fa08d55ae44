/*
 * Signatures as Standard Webhooks has them (github.com/standard-webhooks/standard-webhooks):
 * `v1,` and the base64 of HMAC-SHA256 over `ID.SECONDS.BODY`, under the bytes that a secret
 * `whsec_...` is the base64 of.
 */
#ifndef PARLEY_WEBHOOK_SIGNATURE_H
#define PARLEY_WEBHOOK_SIGNATURE_H

#include <stdbool.h>

#include "common/record.h"

/* no limit: bytes of a secret before it is written as base64, as messages.def says */
#define SIGNATURE_SECRET_MIN 24
/* no limit: as above */
#define SIGNATURE_SECRET_MAX 64
#define SIGNATURE_SECRET_MADE 32
/* `v1,` and the base64 of 32 bytes, with the 0 at the end. */
#define SIGNATURE_ROOM 48
/* Of a secret as text, with the 0 at the end. */
#define SIGNATURE_SECRET_ROOM 128

/* The headers of a request, NULL-terminated as poster.h takes them: `lines` points into the rest.
 */
#define SIGNATURE_HEADER_BYTES 192
struct signature_headers {
    char id[SIGNATURE_HEADER_BYTES], time[SIGNATURE_HEADER_BYTES];
    char signature[SIGNATURE_HEADER_BYTES];
    const char *lines[6];
};

/* Whether `secret` is one: `whsec_` and the base64 of SIGNATURE_SECRET_MIN to _MAX bytes. */
bool signature_secret_is_valid(struct slice secret);
/* A new one, at random. */
void signature_secret_make(char out[SIGNATURE_SECRET_ROOM]);
/* `secret` is a valid one. */
void signature_make(struct slice secret, const char *id, int64_t seconds, struct slice body,
                    char out[SIGNATURE_ROOM]);
/* Of a request with this `body` of JSON, which is made now. */
void signature_headers_make(struct slice secret, const char *id, struct slice body,
                            struct signature_headers *headers_r);

#endif
