/*
 * A connection as its transport and the edge see it; an owner sees connection.h alone.
 *
 *     connection = edge_connection_new(shared, wsi, &transport);     a socket has its connection
 *     ... edge_connection_hand_over, _keep, edge_count_fault ...         input
 *     edge_connection_writeable(connection);                         the library can write again
 *     edge_connection_end_input / _end_output / _cut ...             it is over
 *     edge_connection_socket_closed(connection);                     libwebsockets' last word
 *
 * The connection knows its transport as a table of functions, and calls those alone.
 *
 * Nothing is done to libwebsockets from within a call of the owner's: such calls only note the
 * request and put the connection on the list `scheduled`, which is served at the end of the loop's
 * turn (watcher `work`, at the lowest priority, so behind everything else that was pending). There,
 * and in libwebsockets' own callbacks, things happen.
 *
 * A connection's timer runs only while something is due: a transport's check (the next ping) while
 * it is open, the cut while it is closing. Times are rounded up to `timer_grid_ms`, so that what is
 * due at about the same time takes one turn of the loop.
 */
#ifndef PARLEY_GATEWAY_EDGE_CONNECTION_PRIVATE_H
#define PARLEY_GATEWAY_EDGE_CONNECTION_PRIVATE_H

#include <ev.h>
#include <libwebsockets.h>
#include <sys/queue.h>

#include "services/gateway/edge/connection.h"
#include "services/gateway/edge/frame.h"
#include "services/gateway/edge/held.h"
#include "services/gateway/edge/json.h"
#include "services/gateway/edge/library.h"
#include "services/gateway/edge/pace.h"
#include "services/gateway/edge/queue.h"
#include "services/gateway/edge/remote.h"
#include "services/gateway/edge/settings.h"
#include "services/gateway/edge/tls.h"
#include "services/gateway/edge/turns.h"
#include "services/gateway/edge/youim.h"

enum edge_state {
    EDGE_OPEN,
    EDGE_CLOSING, /* edge_close was called: the queue is being written, input is dropped */
    EDGE_ENDING,  /* nothing more is written but the close frame (the FIN); awaiting the client's */
    EDGE_GONE     /* to be cut at once */
};

/* A text in its frame: the pieces to queue, in this order. */
#define EDGE_PIECES 3
struct edge_pieces {
    unsigned char head[EDGE_FRAME_HEAD_BYTES];
    struct slice piece[EDGE_PIECES];
    size_t count;
};

struct edge_transport_calls {
    enum edge_transport transport;
    const char *name;
    bool closes_both_halves; /* so does a client that closes one: nothing is sent any more */
    bool reads_to_the_end;   /* `receive` is called for what arrives once it isn't open, too */
    void (*start)(struct edge_connection *connection);   /* a new connection's input */
    void (*release)(struct edge_connection *connection); /* all of it; the connection is freed */
    /* Memory of the object that has not arrived in whole. */
    struct buffer *(*incomplete)(struct edge_connection *connection);
    /* Hands over objects of this input until the owner pauses or closes; the rest waits. */
    void (*receive)(struct edge_connection *connection, struct slice input);
    void (*set_reading)(struct edge_connection *connection, bool reading);
    /* Nothing that the socket still brings matters. */
    void (*stop_reading)(struct edge_connection *connection);
    /* false: the text can't be framed. */
    bool (*frame)(struct slice text, struct edge_pieces *pieces_r);
    bool (*mark)(struct edge_connection *connection);                  /* false: no memory */
    void (*check)(struct edge_connection *connection, int64_t now_ms); /* NULL: there is none */
    /* The queue is written: begins the polite end. */
    void (*end)(struct edge_connection *connection);
    /* libwebsockets can write, and the polite end has begun. Nonzero: close now. */
    int (*write_end)(struct edge_connection *connection);
};

TAILQ_HEAD(edge_connection_list, edge_connection);
LIST_HEAD(edge_mark_list, edge_connection);

/* Shared by the connections of an edge; libwebsockets' callbacks get it as the context's user. */
struct edge_shared {
    struct ev_loop *ev;
    const struct edge_settings *settings;
    const struct edge_handlers *handlers;
    void *argument; /* of the handlers */
    struct edge_library library;
    struct edge_tls tls;         /* zero: no port has TLS */
    struct edge_site *site;      /* NULL: no page is served */
    size_t exchanges;            /* that are under way, see exchange.h */
    struct edge_turns turns;     /* theirs */
    struct edge_turns transfers; /* of those that stand back behind texts */
    struct edge_budget budget;   /* theirs */
    size_t downloads;            /* bodies over HTTP of which a part waits for its client */
    size_t endings; /* sockets of HTTP that are answered for the last time, and still read */
    struct edge_connection_list all, scheduled;
    ev_prepare work;              /* never started, only fed */
    struct edge_mark_list marked; /* see tcp.c */
    ev_timer mark_timer;
    struct buffer scratch; /* the object that is being handed over */
    struct edge_held_all held;
    int64_t timer_grid_ms;
    bool stopping; /* edge_close_all was called */
    bool destroying;
    uint64_t last_id;
    size_t count; /* connections */
    size_t open;  /* of these, those that are EDGE_OPEN */
    size_t limit; /* of connections */
    uint64_t queued_bytes;
};

struct edge_connection {
    struct edge_shared *shared;
    const struct edge_transport_calls *transport;
    struct lws *wsi; /* NULL: closed, and what was read is still carried out */
    void *owner;
    uint64_t id;
    TAILQ_ENTRY(edge_connection) all;
    TAILQ_ENTRY(edge_connection) work;
    LIST_ENTRY(edge_connection) marks; /* TCP and YouIM, while `marked` */
    enum edge_state state;
    bool is_scheduled;
    bool paused;
    bool trusted;
    bool tls;
    bool reading; /* the socket is read */
    bool marked;
    bool input_ended;  /* nothing more is taken from the client: it has closed, or we stop */
    bool end_reported; /* on_end was called for that */
    bool output_ended; /* nothing more can be written */
    bool fin_read;
    bool input_lost; /* some was dropped: where a frame begins is not known any more */
    unsigned faults;
    uint64_t mark; /* WebSocket: the ping's number. Else: the byte that is to be acknowledged. */
    struct edge_queue queue;
    struct edge_pace pace;
    union {
        struct edge_json json;     /* TCP */
        struct edge_youim youim;   /* YouIM */
        struct edge_frames frames; /* WebSocket */
    } input;
    struct buffer waiting; /* what was read but must not be handed over yet */
    struct edge_held held; /* `waiting` and the incomplete object, unless it is trusted */
    ev_io readable;
    struct {
        unsigned count;  /* of pings, sent since anything was last heard */
        int64_t last_ms; /* when the last of them was sent */
        uint64_t taken;  /* bytes that the client's kernel had acknowledged by then */
    } pings;             /* WebSocket's */
    bool close_sent;     /* WebSocket's close frame */
    bool written_whole;  /* the last write ended where a frame does */
    ev_timer timer;
    int64_t check_ms;    /* when the transport's check is due */
    int64_t deadline_ms; /* when to cut it, once it isn't open */
    unsigned close_status;
    char *close_reason; /* may be NULL */
    struct edge_remote remote;
    char address[EDGE_ADDRESS_BYTES];
};

void edge_shared_init(struct edge_shared *self, struct ev_loop *ev,
                      const struct edge_settings *settings, const struct edge_handlers *handlers,
                      void *argument);
/* Behind edge_library_stop: ends the connections that have no socket any more. */
void edge_shared_free(struct edge_shared *self);

/* Makes the connection of a socket and calls on_open; NULL without memory. */
struct edge_connection *edge_connection_new(struct edge_shared *shared, struct lws *wsi,
                                            const struct edge_transport_calls *transport);
/* LWS_CALLBACK_SSL_INFO: on_handshake, once it is done. */
void edge_connection_shakes(struct edge_shared *shared, struct lws *wsi,
                            const struct lws_ssl_info *info);
/* Whether there may be no further connection, or none of this address: the owner is told, and the
 * client is to be told the reason. */
bool edge_connection_is_refused(struct edge_shared *shared, struct lws *wsi, const char *transport,
                                const char **reason_r);
/* A client on this port is turned away: on_refused, and the log. */
void edge_connection_refused(struct edge_shared *shared, const char *transport);

/* Serves the connection at the end of this turn: waiting objects are handed over, queued texts are
 * written. */
void edge_connection_schedule(struct edge_connection *connection);
/* The transport's check is due an interval from now. */
void edge_connection_await_check(struct edge_connection *connection);

/* Whether input must wait, for the owner's sake or behind other input that does; keeps it then. */
bool edge_connection_must_wait(const struct edge_connection *connection);
void edge_connection_keep(struct edge_connection *connection, struct slice input);
void edge_connection_hand_over(struct edge_connection *connection, struct slice text);
/* Behind whatever takes in input, when none of it is in use any more: counts what it has left in
 * memory, and closes connections if that is too much. */
void edge_connection_count_input(struct edge_connection *connection);
/* Everything sent before the mark has reached the client. */
void edge_connection_reached(struct edge_connection *connection);

/* Appends these pieces to the queue, whatever there is room for; 0, or -1 without memory. */
int edge_connection_queue(struct edge_connection *connection, const struct slice *pieces,
                          size_t count) __attribute__((warn_unused_result));
/* libwebsockets can write. Nonzero: close now. */
int edge_connection_writeable(struct edge_connection *connection);

/* Nothing more is taken from the client. Objects that were read are still handed over, then
 * on_end. */
void edge_connection_end_input(struct edge_connection *connection);
/* The client, or libwebsockets, has begun to close: nor can anything be written. */
void edge_connection_end_output(struct edge_connection *connection);
/* The socket is broken: so too, and it is closed. */
void edge_connection_fail(struct edge_connection *connection);
/* Closes the connection in the next turn, whatever is under way. */
void edge_connection_cut(struct edge_connection *connection);
/* libwebsockets has closed the socket: what was read of an open connection is still handed over
 * (on_end), any other is freed. */
void edge_connection_socket_closed(struct edge_connection *connection);

#endif
