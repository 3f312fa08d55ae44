/*
 * TLS of the connection: bytes of the network in, plain bytes out, and the other way round; it has
 * no socket. The server must have a certificate of a trusted issuer for the name that was asked
 * for, as with curl.
 *
 *     struct chat_tls_trust *trust = chat_tls_trust_new(issuers, verify, reason);
 *     struct chat_tls *tls = chat_tls_new(trust, "chat.example.org");
 *     chat_tls_take(tls, bytes);                 what the network brought
 *     chat_tls_shake(tls, reason);               until it is open
 *     chat_tls_read(tls, room, size, reason);    until it has no more
 *     chat_tls_write(tls, bytes, length);
 *     chat_tls_give(tls, &out);                  behind each of these: what the network is to get
 */
#ifndef PARLEY_CTL_CHAT_TLS_H
#define PARLEY_CTL_CHAT_TLS_H

#include <stdbool.h>

#include "common/buffer.h"
#include "common/record.h"

#define CHAT_TLS_REASON_BYTES 200

struct chat_tls_trust;
struct chat_tls;

enum chat_tls_result {
    CHAT_TLS_MORE, /* the network must bring more */
    CHAT_TLS_DONE,
    CHAT_TLS_ENDED, /* the server has said that no more follows */
    CHAT_TLS_FAILED /* reason_r says why */
};

/* `issuers`: a file of certificates (PEM), in place of the system's; "": those. NULL: reason_r says
 * why. */
struct chat_tls_trust *chat_tls_trust_new(const char *issuers, bool verify,
                                          char reason_r[CHAT_TLS_REASON_BYTES]);
void chat_tls_trust_destroy(struct chat_tls_trust **self);

/* `host`: a name or a numeric address. The trust is borrowed. NULL without memory. */
struct chat_tls *chat_tls_new(struct chat_tls_trust *trust, const char *host);
void chat_tls_destroy(struct chat_tls **self);

void chat_tls_take(struct chat_tls *self, struct slice bytes);
enum chat_tls_result chat_tls_shake(struct chat_tls *self, char reason_r[CHAT_TLS_REASON_BYTES]);
/* CHAT_TLS_DONE: `size_r` bytes were read; before, what there is room for. */
enum chat_tls_result chat_tls_read(struct chat_tls *self, char *bytes, size_t *size_r,
                                   char reason_r[CHAT_TLS_REASON_BYTES]);
/* false: it is broken, which reading reports, too. */
bool chat_tls_write(struct chat_tls *self, const char *bytes, size_t length);
void chat_tls_give(struct chat_tls *self, struct buffer *out);

#endif
