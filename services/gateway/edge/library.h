/*
 * libwebsockets: its context on our loop, the sockets that it is given, and their end.
 *
 *     edge_library_start(&library, ev, protocols, settings, tls, user);
 *     edge_library_adopt(&library, EDGE_TCP, tls, fd, remote);
 *     edge_library_stop(&library);          closes every socket, with their callbacks
 *
 * Its protocols are the transports, in the order of `protocols`; a transport's callback gets `user`
 * from lws_context_user. The first one takes HTTP and WebSockets. A socket carries what is known of
 * it (struct edge_socket) as lws_get_opaque_user_data.
 *
 * With TLS a transport's callback gets LWS_CALLBACK_SSL_INFO, which goes to edge_library_shakes.
 * The raw ones are told that the socket is there (RAW_ADOPT) before the handshake, and of its end
 * by RAW_WRITEABLE alone: edge_library_take says when it is time for the connection.
 *
 * libwebsockets looks at its own timers (of unfinished handshakes) only after an event. So it gets
 * one every second, while it has a socket without a connection and no longer.
 */
#ifndef PARLEY_GATEWAY_EDGE_LIBRARY_H
#define PARLEY_GATEWAY_EDGE_LIBRARY_H

#include <ev.h>
#include <libwebsockets.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "services/gateway/edge/addresses.h"
#include "services/gateway/edge/heads.h"
#include "services/gateway/edge/remote.h"
#include "services/gateway/edge/settings.h"

/* limit: gateway | written to a socket at once | {EDGE_WRITE_BYTES} | the rest in the next turn */
/* Handed to libwebsockets at once: what the kernel doesn't take of it, libwebsockets copies. */
#define EDGE_WRITE_BYTES ((size_t)65536)
#define EDGE_LIBRARY_PROTOCOLS 3
/* limit: client | requests over one HTTP socket | {EDGE_REQUESTS_MAX} | closed behind the answer */
#define EDGE_REQUESTS_MAX 100
/* The longest offered subprotocol that libwebsockets takes, with its 0. */
#define EDGE_SUBPROTOCOL_BYTES 64

struct edge_library {
    struct ev_loop *ev;
    struct lws_context *context;
    struct lws_vhost *plain, *tls; /* `tls`: NULL where there is no certificate */
    struct lws_protocols protocols[EDGE_LIBRARY_PROTOCOLS + 1]; /* and an end */
    char subprotocol[EDGE_SUBPROTOCOL_BYTES]; /* protocols[0]'s name, see http.c */
    struct edge_socket *adopted;              /* given with a socket, and not taken over yet */
    struct edge_addresses addresses;          /* `max` is the owner's to set, before the start */
    size_t sockets;                           /* that clients opened */
    size_t connected;                         /* those of them that have a connection */
    struct edge_heads heads;                  /* counted in `sockets` */
    ev_timer timer;                           /* while others are there */
};

struct edge_socket {
    struct edge_remote remote;
    unsigned requests; /* over HTTP, with the one that is being answered */
    bool tls;
    bool shaken;    /* the handshake is done */
    bool taken;     /* a raw transport has made its connection */
    unsigned later; /* messages of the handshake's kind since it was done */
    int alert;      /* TLS' last one, 0: none */
};

/* Names are such that no client can offer them as a subprotocol: those have no spaces. */
struct edge_library_protocol {
    const char *name; /* NULL: the first one's */
    lws_callback_function *callback;
    size_t read_bytes; /* read in one go, held per connection; 0: the transport reads itself */
};

/* 0, or -1 with a logged line. */
int edge_library_start(struct edge_library *self, struct ev_loop *ev,
                       const struct edge_library_protocol protocols[EDGE_LIBRARY_PROTOCOLS],
                       const struct edge_settings *settings, bool tls, void *user)
    __attribute__((warn_unused_result));
void edge_library_stop(struct edge_library *self);

/* Takes the socket (closed when that fails); libwebsockets gets one of plain HTTP with the head of
 * its first request. `remote` is copied; its address is released at the
 * socket's end. */
void edge_library_adopt(struct edge_library *self, size_t protocol, bool tls, int fd,
                        const struct edge_remote *remote);
/* A socket of whatever transport begins (LWS_CALLBACK_WSI_CREATE) and ends (.._DESTROY). */
void edge_library_created(struct edge_library *self);
void edge_library_destroyed(struct edge_library *self, struct lws *wsi);

/* Counts a request over HTTP; true: it is the last one that its socket may bring. */
bool edge_library_is_last_request(struct lws *wsi);

/* LWS_CALLBACK_SSL_INFO. true, once: the handshake is done. */
bool edge_library_shakes(struct lws *wsi, const struct lws_ssl_info *info);
/* true, once: a raw transport is to make the connection now, behind the handshake. */
bool edge_library_take(struct lws *wsi);
/* For the end of a socket with TLS whose handshake was never done: says so in the log. */
bool edge_library_failed_to_shake(struct lws *wsi);

/* Closes a socket in the next turn of the loop. */
void edge_library_close(struct lws *wsi);

#endif
