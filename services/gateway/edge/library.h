/*
 * libwebsockets: its context on our loop, the sockets that it is given, and their end.
 *
 *     edge_library_start(&library, ev, protocols, settings, tls, user);
 *     edge_library_adopt(&library, EDGE_TCP, tls, fd, remote);
 *     edge_library_stop(&library);          closes every socket, with their callbacks
 *
 * Its protocols are the transports, in the order of `protocols`; a transport's callback gets `user`
 * from lws_context_user. The first one takes HTTP and WebSockets. All are raw sockets to
 * libwebsockets: it shakes hands, writes and closes, and we read. A socket carries what is known of
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
#include <sys/queue.h>

#include "services/gateway/edge/addresses.h"
#include "services/gateway/edge/remote.h"
#include "services/gateway/edge/settings.h"

/* limit: gateway | written to a socket at once | {EDGE_WRITE_BYTES} | the rest in the next turn */
/* Handed to libwebsockets at once: what the kernel doesn't take of it, libwebsockets copies. */
#define EDGE_WRITE_BYTES ((size_t)65536)
#define EDGE_LIBRARY_PROTOCOLS 3

struct edge_http_socket;
struct edge_exchange;
LIST_HEAD(edge_socket_list, edge_socket);

struct edge_library {
    struct ev_loop *ev;
    struct lws_context *context;
    struct lws_vhost *plain, *tls; /* `tls`: NULL where there is no certificate */
    struct lws_protocols protocols[EDGE_LIBRARY_PROTOCOLS + 1]; /* and an end */
    struct edge_socket *adopted;     /* given with a socket, and not taken over yet */
    struct edge_addresses addresses; /* `max` is the owner's to set, before the start */
    size_t sockets;                  /* that clients opened */
    size_t connected;                /* those of them that have a connection */
    ev_timer timer;                  /* while others are there */
    struct edge_socket_list closing;
    ev_prepare closer; /* never started, only fed */
};

struct edge_socket {
    struct edge_remote remote;
    struct edge_http_socket *http;  /* while it is that, and no connection */
    struct edge_exchange *exchange; /* while it is at one, and not that */
    unsigned exchanges;             /* that it had, with this one */
    bool tls;
    bool shaken;     /* the handshake is done */
    bool taken;      /* a raw transport has made its connection */
    unsigned later;  /* messages of the handshake's kind, and alerts, since it was done */
    int alert;       /* TLS' last one, 0: none */
    struct lws *wsi; /* once it is to be closed */
    LIST_ENTRY(edge_socket) closing;
};

struct edge_library_protocol {
    const char *name;
    lws_callback_function *callback;
};

/* 0, or -1 with a logged line. */
int edge_library_start(struct edge_library *self, struct ev_loop *ev,
                       const struct edge_library_protocol protocols[EDGE_LIBRARY_PROTOCOLS],
                       const struct edge_settings *settings, bool tls, void *user)
    __attribute__((warn_unused_result));
void edge_library_stop(struct edge_library *self);

/* Takes the socket (closed when that fails). `remote` is copied; its address is released at the
 * socket's end. */
void edge_library_adopt(struct edge_library *self, size_t protocol, bool tls, int fd,
                        const struct edge_remote *remote);
/* A socket of whatever transport begins (LWS_CALLBACK_WSI_CREATE) and ends (.._DESTROY). */
void edge_library_created(struct edge_library *self);
void edge_library_destroyed(struct edge_library *self, struct lws *wsi);

/* For libwebsockets' timers: whole ones, at least 1 and at most `most`. */
unsigned edge_library_seconds(uint64_t ms, unsigned most);

/* LWS_CALLBACK_SSL_INFO. true, once: the handshake is done. */
bool edge_library_shakes(struct edge_library *self, struct lws *wsi,
                         const struct lws_ssl_info *info);
/* true, once: a raw transport is to make the connection now, behind the handshake. */
bool edge_library_take(struct lws *wsi);
/* For the end of a socket with TLS whose handshake was never done: says so in the log. */
bool edge_library_failed_to_shake(struct lws *wsi);

/* Closes a socket at the end of this turn of the loop, however busy it is: libwebsockets' own
 * timers run only when there is nothing else to do. */
void edge_library_close(struct edge_library *self, struct lws *wsi);

#endif
