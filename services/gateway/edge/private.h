/*
 * What the files of the edge share. Nothing outside of edge*.c includes this.
 *
 *   edge.c             life of the edge: libwebsockets, timers, silent clients, the orderly end
 *   edge_listen.c      the ports, and whom they let in
 *   edge_proxy.c       what a proxy says in front of a client's bytes
 *   edge_connection.c  one connection: its queue, pausing, faults, closing
 *   edge_websocket.c   WebSocket and HTTP, as libwebsockets calls them
 *   edge_tcp.c         raw TCP likewise, and its marks
 *   edge_pace.c        one text at a time, for clients that cannot take more
 *   edge_youim.c       YouIM's binary framing on TCP
 *   edge_json.c        framing
 *
 * Nothing is done to libwebsockets from within a call of the owner's: such calls only note what is
 * wanted and put the connection on the list `working`, which is served at the end of the loop's
 * turn (watcher `work`, at the lowest priority, so behind everything else that was pending). There,
 * and in libwebsockets' own callbacks, things happen.
 */
#ifndef PARLEY_GATEWAY_EDGE_PRIVATE_H
#define PARLEY_GATEWAY_EDGE_PRIVATE_H

#include <libwebsockets.h>
#include <netinet/in.h>
#include <sys/queue.h>

#include "common/listen.h"
#include "services/gateway/edge/edge.h"
#include "services/gateway/edge/json.h"
#include "services/gateway/edge/proxy.h"

/* From edge_close to the cut, however much is still queued. */
#define EDGE_CLOSE_MS 5000
/* Handed to libwebsockets at once: what the kernel doesn't take of it, libwebsockets copies. */
#define EDGE_WRITE_BYTES ((size_t)65536)
/* Sockets beyond `max_connections`: to be told 1013, health checks, connections being closed. */
#define EDGE_SPARE_SOCKETS 128
/* An address with its port. */
#define EDGE_ADDRESS_BYTES (INET6_ADDRSTRLEN + 8)
/* The longest offered subprotocol that libwebsockets takes, with its 0. */
#define EDGE_SUBPROTOCOL_BYTES 64

enum edge_state {
    EDGE_OPEN,
    EDGE_CLOSING, /* edge_close was called: the queue is being written, input is dropped */
    EDGE_ENDING,  /* nothing more is written but the close frame (the FIN); awaiting the client's */
    EDGE_GONE     /* to be cut at once */
};

TAILQ_HEAD(edge_queue, edge_connection);
TAILQ_HEAD(edge_arrivals, edge_arrival);
LIST_HEAD(edge_list, edge_connection);

struct edge_listener {
    struct listener *listener;
    struct edge *edge;
    enum edge_transport transport;
};

struct edge_connection {
    struct edge *edge;
    struct lws *wsi; /* NULL: gone, and what was read is still carried out */
    void *owner;
    uint64_t id;
    TAILQ_ENTRY(edge_connection) all;
    TAILQ_ENTRY(edge_connection) work;
    LIST_ENTRY(edge_connection) marks; /* TCP and YouIM, while `marked` */
    enum edge_transport transport;
    enum edge_state state;
    bool working; /* is on the list */
    bool paused;
    bool blocked; /* libwebsockets holds a part of what it was given last */
    bool deaf;    /* the socket is not read */
    bool marked;
    bool ended;    /* nothing more is taken from the client: it has closed, or we stop */
    bool end_told; /* the owner has all that was read, and knows */
    bool eof;      /* TCP and YouIM: its FIN was read */
    bool mute;     /* nothing more can be written */
    ev_io input;   /* TCP and YouIM */
    unsigned faults;
    uint64_t mark; /* WebSocket: the ping's number. Else: the byte that is to be acknowledged. */

    struct buffer out; /* frames or lines to write, from `out_head` on */
    size_t out_head;
    size_t in_flight; /* while blocked: bytes of the last write, which may be with the kernel */
    uint64_t given;   /* bytes handed to libwebsockets, ever */

    uint64_t pace_ms; /* TCP: behind each text; 0: not paced */
    ev_timer pace;    /* while it is active, nothing further is written */
    bool pace_known;  /* the text is acknowledged, and since when was looked at */

    struct edge_json json; /* TCP */
    struct buffer message; /* WebSocket: the fragments so far. YouIM: the incomplete frame. */
    struct buffer waiting; /* what was read but must not be handed over yet: bytes; WebSocket:
                            * messages, each behind its length (uint32_t) */

    int64_t check_ms;    /* WebSocket: when to look whether it is silent */
    unsigned pings;      /* that were sent since a silent one was last heard of */
    int64_t pinged_ms;   /* the last of them */
    uint64_t acked;      /* bytes that the client's kernel had acknowledged when last looked at */
    int64_t deadline_ms; /* when to cut it, once it isn't open */
    unsigned close_status;
    char *close_reason; /* may be NULL */
    struct edge_remote remote;
    char address[EDGE_ADDRESS_BYTES];
};

struct edge {
    struct ev_loop *ev;
    const struct edge_settings *settings;
    const struct edge_handlers *handlers;
    void *argument;
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct lws_protocols protocols[EDGE_TRANSPORT_COUNT + 1]; /* by enum edge_transport; an end */
    char subprotocol[EDGE_SUBPROTOCOL_BYTES]; /* protocols[0]'s name, see edge_websocket.c */
    struct edge_listener listeners[EDGE_TRANSPORT_COUNT]; /* by enum edge_transport */
    bool stopping;                                        /* edge_close_all was called */
    bool destroying;
    ev_prepare work; /* never started, only fed */
    ev_timer sweep, mark_timer;
    struct edge_queue connections, working;
    struct edge_list marked;
    struct buffer scratch;         /* the object that is being handed over */
    struct edge_arrivals arrivals; /* oldest first; see edge_proxy.c */
    size_t arrival_count;
    struct edge_remote *adopted; /* given to libwebsockets with a socket, and not taken yet */
    uint64_t last_id;
    size_t count;   /* connections */
    size_t sockets; /* those, and others of libwebsockets that clients opened */
    size_t open;    /* of the connections those that are EDGE_OPEN */
    size_t limit;   /* of connections */
    uint64_t queued_bytes;
};

/* --- edge_listen.c --- */

/* 0, or -1 with a logged line. */
int edge_listen(struct edge *edge) __attribute__((warn_unused_result));
void edge_listen_stop(struct edge *edge);
/* Gives a socket to libwebsockets, or closes it where there are too many. `remote` (malloc'ed,
 * taken over): whose it is; NULL for whoever it is connected to. */
void edge_let_in(struct edge *edge, enum edge_transport transport, int fd,
                 struct edge_remote *remote);
/* Tells the owner and the log that a client on this port is turned away. */
void edge_refused(struct edge *edge, enum edge_transport transport);

/* --- edge_proxy.c --- */

/* Waits for the proxy's line, then lets the socket in. */
void edge_proxy_await(struct edge *edge, enum edge_transport transport, int fd);
/* Cuts those that have been waited for in vain; all of them. */
void edge_proxy_sweep(struct edge *edge, int64_t now_ms);
void edge_proxy_stop(struct edge *edge);
/* Frees what libwebsockets was given with a socket that ends. */
void edge_proxy_forget(struct edge *edge, struct lws *wsi);

/* --- edge_connection.c --- */

/* Makes the connection of a socket and tells the owner; NULL without memory. */
struct edge_connection *edge_connection_new(struct edge *edge, struct lws *wsi,
                                            enum edge_transport transport);
/* The socket is gone: what was read of an open connection is still handed over (on_end), any other
 * is finished. */
void edge_lost(struct edge_connection *connection);
/* on_close, and frees. */
void edge_connection_finish(struct edge_connection *connection);
void edge_set_state(struct edge_connection *connection, enum edge_state state);
/* Cuts the connection in the next turn. */
void edge_kill(struct edge_connection *connection);
/* Nothing more is taken from the client. What was read is still handed over, then on_end tells. */
void edge_end(struct edge_connection *connection);
/* The client, or libwebsockets, has begun to close: nor can anything be written. */
void edge_abandon(struct edge_connection *connection);
/* The socket is broken: closes it, and comes to edge_lost. */
void edge_break(struct edge_connection *connection);
/* Serves the connection at the end of this turn. */
void edge_work(struct edge_connection *connection);
void edge_on_work(struct ev_loop *ev, ev_prepare *watcher, int revents);
/* libwebsockets' word that it can write. Nonzero: close now. */
int edge_writeable(struct edge_connection *connection);
/* Appends these pieces to the queue whatever its length; 0, or -1 without memory. */
int edge_queue(struct edge_connection *connection, const struct slice *pieces, size_t count)
    __attribute__((warn_unused_result));
/* Whether input must wait, for the owner's sake or behind other input that does. */
bool edge_must_wait(const struct edge_connection *connection);

/* --- edge_websocket.c --- */

int edge_websocket_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                            size_t length);
/* Hands over what waits, until paused again. */
void edge_websocket_resume(struct edge_connection *connection, struct slice waiting);
#define EDGE_FRAME_HEAD_BYTES 10
/* A server's frame head for a text (1) or ping (9) of that length; its length. */
size_t edge_frame_head(unsigned char head[EDGE_FRAME_HEAD_BYTES], unsigned opcode, size_t length);
/* A ping with the number of the last mark; for a new one. */
int edge_websocket_ping(struct edge_connection *connection) __attribute__((warn_unused_result));
int edge_websocket_mark(struct edge_connection *connection) __attribute__((warn_unused_result));

/* --- edge_tcp.c --- */

int edge_tcp_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                      size_t length);
/* Makes the connection of a socket that libwebsockets has taken; 0, or -1 without memory. */
int edge_tcp_adopt(struct edge *edge, struct lws *wsi, enum edge_transport transport)
    __attribute__((warn_unused_result));
void edge_tcp_set_reading(struct edge_connection *connection, bool reading);
void edge_tcp_resume(struct edge_connection *connection, struct slice waiting);
void edge_tcp_mark(struct edge_connection *connection);
void edge_on_mark_timer(struct ev_loop *ev, ev_timer *watcher, int revents);
/* How many of the bytes given to libwebsockets the client's kernel has acknowledged, at least. */
uint64_t edge_tcp_acknowledged(const struct edge_connection *connection);

/* --- edge_pace.c --- */

void edge_pace_init(struct edge_connection *connection);
void edge_pace_stop(struct edge_connection *connection);
/* How much of what is queued may be written now. */
size_t edge_pace_limit(const struct edge_connection *connection, struct slice queued);
/* These bytes were written. */
void edge_pace_wrote(struct edge_connection *connection, struct slice bytes);

/* --- edge_youim.c --- */

int edge_youim_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                        size_t length);
void edge_youim_resume(struct edge_connection *connection, struct slice waiting);
#define EDGE_YOUIM_HEAD_BYTES 5
/* The head of the frame for a text, and its body as two parts of the text: all of that but its
 * msgType. false: it has none, or one above 255. */
bool edge_youim_frame(struct slice text, unsigned char head[EDGE_YOUIM_HEAD_BYTES],
                      struct slice *before_r, struct slice *after_r);

#endif
