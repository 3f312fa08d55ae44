/*
 * TLS of the edge: its certificate and key, how libwebsockets' SSL_CTX is set up, and what the
 * transports need of OpenSSL besides.
 *
 *     edge_tls_start(&tls, ev, certificate, key);      reads both; 0, or -1 with one logged line
 *     edge_tls_set_up(&tls, context);                  libwebsockets has made its SSL_CTX
 *     edge_tls_renew(&tls);                            from the same files, at any time
 *     edge_tls_stop(&tls);
 *
 * Both files are PEM: the server's certificate with those of its issuers behind it (Let's Encrypt's
 * fullchain.pem), and its private key without a passphrase. They are tried out before they are
 * taken: faulty ones change nothing. A connection keeps the certificate that it began with.
 *
 * TLS 1.2 with ECDHE and AEAD, and 1.3; no renegotiation, no compression, no early data.
 */
#ifndef PARLEY_GATEWAY_EDGE_TLS_H
#define PARLEY_GATEWAY_EDGE_TLS_H

#include <ev.h>
#include <libwebsockets.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What a record holds at most: none of it can be read before all of it has arrived. */
#define EDGE_TLS_RECORD_BYTES ((size_t)16384)

struct edge_tls_pair {
    X509 *certificate;
    STACK_OF(X509) * issuers;
    EVP_PKEY *key;
};

struct edge_tls {
    struct ev_loop *ev;
    const char *certificate, *key; /* paths; borrowed */
    struct edge_tls_pair pair;     /* in force */
    SSL_CTX *context;              /* libwebsockets'; NULL until it is set up */
    int64_t expires_s;             /* Unix time at which the certificate does */
    ev_timer timer;                /* looks at that once a day */
};

int edge_tls_start(struct edge_tls *self, struct ev_loop *ev, const char *certificate,
                   const char *key) __attribute__((warn_unused_result));
/* 0, or -1 with a logged line. */
int edge_tls_set_up(struct edge_tls *self, SSL_CTX *context) __attribute__((warn_unused_result));
/* false, and one logged line: the old ones stay in force. */
bool edge_tls_renew(struct edge_tls *self);
void edge_tls_stop(struct edge_tls *self);

/* As recv on a socket that doesn't block, of a socket with TLS: 0 at the client's end, be it said
 * by TLS or TCP; -1 with errno, EAGAIN where nothing is there. */
ssize_t edge_tls_read(struct lws *wsi, void *bytes, size_t length);
/* The same, and the bytes stay to be read. */
ssize_t edge_tls_peek(struct lws *wsi, void *bytes, size_t length);
/* From now on reading fails, within a call of OpenSSL as well. */
void edge_tls_stop_reading(struct lws *wsi);
/* Whether a part of a record is left to read, which the kernel knows nothing of. */
bool edge_tls_has_more(struct lws *wsi);
/* Tells the client that no more follows. false: not yet, for want of room in the kernel's buffer.
 */
bool edge_tls_end_output(struct lws *wsi);
/* What the kernel was given, less these bytes: what TLS has added to them. */
uint64_t edge_tls_added_bytes(struct lws *wsi, uint64_t written);

#endif
