/*
 * Signatures as Standard Webhooks has them (github.com/standard-webhooks/standard-webhooks):
 * `v1,` and the base64 of HMAC-SHA256 over `ID.SECONDS.BODY`, under the bytes that a secret
 * `whsec_...` is the base64 of.
 */
#ifndef PARLEY_HOOKS_SIGNATURE_H
#define PARLEY_HOOKS_SIGNATURE_H

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

/* Whether `secret` is one: `whsec_` and the base64 of SIGNATURE_SECRET_MIN to _MAX bytes. */
bool signature_secret_is_valid(struct slice secret);
/* A new one, at random. */
void signature_secret_make(char out[SIGNATURE_SECRET_ROOM]);
/* `secret` is a valid one. */
void signature_make(struct slice secret, const char *id, int64_t seconds, struct slice body,
                    char out[SIGNATURE_ROOM]);

#endif
