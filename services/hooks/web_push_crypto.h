/*
 * Cryptography of Web Push, by OpenSSL; pure.
 *
 *     web_push_key_make(secret);                       the server's key, once and for all
 *     web_push_key_public(secret, public)              what browsers subscribe with
 *     web_push_encrypt(&subscription, text, &out)      a message, RFC 8291 (aes128gcm)
 *     web_push_authorization(secret, ...)              who sends it, RFC 8292 (VAPID)
 *
 * false: what was given is no key, or OpenSSL failed.
 */
#ifndef PARLEY_HOOKS_WEB_PUSH_CRYPTO_H
#define PARLEY_HOOKS_WEB_PUSH_CRYPTO_H

#include <stdbool.h>

#include "common/record.h"

/* Of P-256: a private key, and a public one, uncompressed. */
#define WEB_PUSH_SECRET_BYTES 32
#define WEB_PUSH_PUBLIC_BYTES 65
#define WEB_PUSH_AUTH_BYTES 16
#define WEB_PUSH_SALT_BYTES 16
/* As base64url, with the 0 at the end. */
#define WEB_PUSH_PUBLIC_ROOM 88
/* limit: hooks | a message of Web Push before it is encrypted | {WEB_PUSH_TEXT_MAX}; its text is
 * cut | - */
/* Services take 4,096 bytes; 86 are the head, 17 the mark of the end and the tag. */
#define WEB_PUSH_TEXT_MAX 3993
/* no limit: with its head and tag */
#define WEB_PUSH_MESSAGE_MAX 4096

/* As a browser has given it. */
struct web_push_keys {
    unsigned char p256dh[WEB_PUSH_PUBLIC_BYTES];
    unsigned char auth[WEB_PUSH_AUTH_BYTES];
};

bool web_push_key_make(unsigned char secret_r[WEB_PUSH_SECRET_BYTES]);
bool web_push_key_public(const unsigned char secret[WEB_PUSH_SECRET_BYTES],
                         unsigned char public_r[WEB_PUSH_PUBLIC_BYTES]);
/* Whether it is a point of the curve. */
bool web_push_key_is_valid(const unsigned char public[WEB_PUSH_PUBLIC_BYTES]);

/* `text` has at most WEB_PUSH_TEXT_MAX bytes. */
bool web_push_encrypt(const struct web_push_keys *keys, struct slice text,
                      unsigned char out[WEB_PUSH_MESSAGE_MAX], size_t *length_r);
/* The same with a key of the message and a salt that are not made at random, for the example of the
 * RFC. */
bool web_push_encrypt_as(const struct web_push_keys *keys, struct slice text,
                         const unsigned char secret[WEB_PUSH_SECRET_BYTES],
                         const unsigned char salt[WEB_PUSH_SALT_BYTES],
                         unsigned char out[WEB_PUSH_MESSAGE_MAX], size_t *length_r);

/* `vapid t=..., k=...`, for a request to this origin, until `expires_s`. `contact`: whom its
 * service can reach, mailto: or https:; empty: nobody. */
#define WEB_PUSH_AUTHORIZATION_ROOM 1536
bool web_push_authorization(const unsigned char secret[WEB_PUSH_SECRET_BYTES], const char *origin,
                            const char *contact, uint64_t expires_s,
                            char out[WEB_PUSH_AUTHORIZATION_ROOM]);

#endif
