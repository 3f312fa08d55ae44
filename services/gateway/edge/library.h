/*
 * libwebsockets: its context on our loop, the sockets that it is given, and their end.
 *
 *     edge_library_start(&library, ev, protocols, handshake_timeout_ms, user);
 *     edge_library_adopt(&library, EDGE_TCP, fd, remote);
 *     edge_library_stop(&library);          closes every socket, with their callbacks
 *
 * Its protocols are the transports, in the order of `protocols`; a transport's callback gets `user`
 * from lws_context_user. The first one takes HTTP and WebSockets. Each socket carries its `remote`
 * as lws_get_opaque_user_data.
 *
 * libwebsockets looks at its own timers (of unfinished handshakes) only after an event. So it gets
 * one every second, while it has a socket without a connection and no longer.
 */
#ifndef PARLEY_GATEWAY_EDGE_LIBRARY_H
#define PARLEY_GATEWAY_EDGE_LIBRARY_H

#include <ev.h>
#include <libwebsockets.h>
#include <stddef.h>
#include <stdint.h>

#include "services/gateway/edge/remote.h"

/* limit: gateway | written to a socket at once | {EDGE_WRITE_BYTES} | the rest in the next turn */
/* Handed to libwebsockets at once: what the kernel doesn't take of it, libwebsockets copies. */
#define EDGE_WRITE_BYTES ((size_t)65536)
#define EDGE_LIBRARY_PROTOCOLS 3
/* The longest offered subprotocol that libwebsockets takes, with its 0. */
#define EDGE_SUBPROTOCOL_BYTES 64

struct edge_library {
    struct ev_loop *ev;
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct lws_protocols protocols[EDGE_LIBRARY_PROTOCOLS + 1]; /* and an end */
    char subprotocol[EDGE_SUBPROTOCOL_BYTES]; /* protocols[0]'s name, see http.c */
    struct edge_remote *adopted;              /* given with a socket, and not taken over yet */
    size_t sockets;                           /* that clients opened */
    size_t connected;                         /* those of them that have a connection */
    ev_timer timer;                           /* while others are there */
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
                       uint64_t handshake_timeout_ms, void *user)
    __attribute__((warn_unused_result));
void edge_library_stop(struct edge_library *self);

/* Takes the socket (closed when that fails) and `remote` (malloc'ed; NULL: see the socket). */
void edge_library_adopt(struct edge_library *self, size_t protocol, int fd,
                        struct edge_remote *remote);
/* A socket of whatever transport begins (LWS_CALLBACK_WSI_CREATE) and ends (.._DESTROY). */
void edge_library_created(struct edge_library *self);
void edge_library_destroyed(struct edge_library *self, struct lws *wsi);

/* Closes a socket in the next turn of the loop. */
void edge_library_close(struct lws *wsi);

#endif
