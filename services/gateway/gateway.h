/*
 * What the parts of the gateway share: its context, and a client's connection.
 *
 *     edge*.c       sockets and framing            dialect*.c   JSON <-> requests and entries
 *     client.c      a connection's life            operations*.c what a request does
 *     reasons.c     why it was refused, for people
 *     sends.c       texts on their way to the log  feed.c       the log on its way to the client
 *     bindings.c    who is here, told to session   cursors.c    what has arrived, told to delivery
 *     names.c       string ids to numbers
 *
 * A callback of a request to another service gets the client's id, never its pointer, and finds it
 * with gateway_client: a client may be gone by then.
 */
#ifndef PARLEY_GATEWAY_H
#define PARLEY_GATEWAY_H

#include <uthash.h>

#include "common/loop.h"
#include "common/peers.h"
#include "services/gateway/dialect.h"
#include "services/gateway/edge.h"
#include "services/gateway/positions.h"

/* Texts per connection that may wait to be stored; beyond it nothing more is read. */
#define CLIENT_MAX_SENDS 64
/* Longest token that auth gives. */
#define CLIENT_TOKEN_BYTES 64
/* Pulls in progress at once; further clients wait their turn. */
#define GATEWAY_MAX_PULLS 64
/* What a page may leave unwritten in a connection's queue before the next is pulled. */
#define GATEWAY_PULL_QUEUED_BYTES ((size_t)128 << 10)
/* Room for the JSON of one entry: its text escaped to six times its length. */
#define GATEWAY_TEXT_BYTES ((size_t)512 << 10)
#define GATEWAY_TICK_MS 50

struct gateway_settings {
    struct service_settings service;
    uint64_t gateway_port, http_port, tcp_port, youim_port;
    uint64_t idle_timeout_ms, login_timeout_ms, send_timeout_ms;
    uint64_t max_connections, send_queue_bytes, reach_interval_ms, cursor_flush_ms;
    bool proxy_protocol;
    char *auth_peers, *group_peers, *session_peers, *delivery_peers;
};

/*
 * A client's state, changed by client_set_state alone.
 *   NEW          not logged in
 *   LOGGING_IN   auth, then session, are asked
 *   CATCHING_UP  reads the log; a push only marks it dirty
 *   LIVE         pushes go straight out
 */
enum client_state { CLIENT_NEW, CLIENT_LOGGING_IN, CLIENT_CATCHING_UP, CLIENT_LIVE };

struct client;
struct send;

/* What was written to a client: up to `cid` of a conversation, for an account. */
struct written {
    uint64_t account, conversation, cid;
};

struct client {
    uint64_t id; /* the edge's, and what session knows the connection by */
    struct gateway *gateway;
    struct edge_connection *edge;
    UT_hash_handle hh;
    enum client_state state;
    enum dialect dialect;
    bool ext;
    int64_t login_by_ms;
    bool awaits_login;
    struct client *next_login, *prev_login;

    /* the account, from LOGGING_IN's success on */
    uint64_t account;
    char account_id[ID_MAX_BYTES + 1];
    char token[CLIENT_TOKEN_BYTES + 1];
    uint64_t bound_link; /* of the session instance that knows this connection; 0: none */

    /* requests: one at a time, but for texts */
    struct client_request request; /* while busy */
    bool busy;                     /* `request` is being carried out, or waits for the texts */
    bool started;                  /* it is being carried out */
    struct send *sends;            /* in the order in which they were read */
    size_t send_count;

    /* the feed */
    struct positions positions;
    uint64_t login;       /* counts logins, so that a page of an earlier one is told apart */
    bool whole;           /* `positions` hold all conversations: one that is missing is new */
    bool dirty;           /* something was pushed since the last page was asked for */
    bool pulling;         /* a page is asked for */
    bool queued;          /* waits in gateway->pull_queue */
    bool wait_reached;    /* the next page waits until the client has taken the last */
    uint64_t after_moves; /* the first page waits until so many cursors' moves are stored */
    bool await_moves;
    bool overflow;      /* something was written without a position: the cursor must move first */
    int64_t pull_at_ms; /* after a failed pull: not before */
    struct client *next_pull, *prev_pull;

    /* marks: what has reached the client */
    struct written *marking; /* covered by the mark that is outstanding; NULL: none is */
    size_t marking_count;
    struct written *left; /* of an account that logged out: for the next mark */
    size_t left_count;
    bool mark_listed;
    int64_t mark_at_ms;
    struct client *next_mark, *prev_mark;
};

struct names;
struct cursors;
struct bindings;
struct entry_texts;

struct gateway {
    struct gateway_settings settings;
    struct service *service;
    struct edge_settings edge_settings;
    struct edge *edge;
    struct peers *auth, *group, *session, *delivery;
    struct client *clients; /* by id */
    struct client *pull_queue, *mark_queue, *login_queue;
    size_t pulls;
    struct names *names;
    struct cursors *cursors;
    struct bindings *bindings;
    struct entry_texts *texts; /* scratch of the entry that is being written */
    struct buffer scratch;     /* one answer at a time */
    uint64_t nonce_counter;
    size_t waiting_sends; /* texts that are not on their way */
    ev_timer tick;
    bool stopping;
    struct metric *connections, *accepted, *stored, *refused, *written, *caught_up, *gaps;
};

struct client *gateway_client(struct gateway *self, uint64_t id); /* NULL: gone */

/* --- client.c ------------------------------------------------------------------------------ */

extern const struct edge_handlers client_handlers;
void client_set_state(struct client *client, enum client_state state);
bool client_is_in(const struct client *client); /* logged in: CATCHING_UP or LIVE */
struct client_account client_account(const struct client *client);
/* Answers `request`, with the time and, where the result has none, a reason. */
void client_answer(struct client *client, const struct client_request *request,
                   const struct client_result *result);
/* Ends the request in progress: answers it, frees it, and lets the next one in. */
void client_finish(struct client *client, const struct client_result *result);
void client_fail(struct client *client, enum err err, const char *reason);
/* Closes the connection, having told it that the operator wants it so, and why. */
void client_kick(struct client *client, struct slice reason);
/* Reads on, if nothing holds it. */
void client_continue(struct client *client);
/* The time for logging in starts, and is over. */
void client_await_login(struct client *client);
void client_end_login(struct client *client);
/* Every 50 ms: closes who took too long. */
void client_tick(struct gateway *gateway, int64_t now_ms);

/* --- reasons.c ------------------------------------------------------------------------------- */

/* A sentence with the request's own ids ("group ccc does not exist"), in `out`; empty where
 * err_text(err) says enough. */
struct slice reason_of(const struct client_request *request, enum err err,
                       char out[DIALECT_FAULT_BYTES]);

/* --- operations.c ---------------------------------------------------------------------------- */

/* Carries out client->request (busy); ends with client_finish, now or later. */
void operation_start(struct client *client);

/* --- sends.c --------------------------------------------------------------------------------- */

/* Takes the request over and stores its text; answers when that is done. `to`: the number. */
void send_start(struct client *client, struct client_request *request, uint64_t to);
/* Texts that wait go to a delivery, in order; those whose time is over fail. */
void send_tick(struct gateway *gateway, int64_t now_ms);
/* The client is gone: what no delivery has is dropped. */
void send_drop_all(struct client *client);

/* --- feed.c ---------------------------------------------------------------------------------- */

int feed_open(struct gateway *gateway) __attribute__((warn_unused_result));
void feed_close(struct gateway *gateway);
/* From login on. */
void feed_start(struct client *client);
/* Back to reading the log: something may have been missed. */
void feed_catch_up(struct client *client);
void feed_catch_up_all(struct gateway *gateway, const char *reason);
/* One entry that was pushed, to these connections. */
void feed_push(struct gateway *gateway, struct slice packed, const struct u64_list *connections);
void feed_tick(struct gateway *gateway, int64_t now_ms);
void feed_reached(struct client *client);
/* The account logs out; what was written for it may still be confirmed. */
void feed_leave(struct client *client);
/* The connection is gone. */
void feed_stop(struct client *client);

/* --- bindings.c ------------------------------------------------------------------------------ */

struct bindings *bindings_new(struct gateway *gateway);
void bindings_destroy(struct bindings **self);
/* Tells session that the client is here; `done` is called once, unless the client is gone. */
void bindings_bind(struct client *client, void (*done)(struct client *client, enum err err));
/* Tells session that it is not; remembered until session has answered or forgotten it anyway. */
void bindings_unbind(struct client *client);
void bindings_tick(struct gateway *gateway);
void bindings_change(void *context, struct peer *peer, enum peer_change change);
void bindings_pong(void *context, struct peer *peer, const struct service_pong *pong);
#define BINDINGS_EVENTS 3
extern const struct peers_event bindings_events[BINDINGS_EVENTS];

/* --- cursors.c ------------------------------------------------------------------------------- */

struct cursors *cursors_new(struct gateway *gateway);
void cursors_destroy(struct cursors **self);
void cursors_add(struct gateway *gateway, const struct written *written);
/* Sends what there is now rather than in a while. */
void cursors_flush(struct gateway *gateway);
/* How many moves were ever added, and how many of these, in that order, are stored. */
uint64_t cursors_added(const struct gateway *gateway);
uint64_t cursors_stored(const struct gateway *gateway);
/* Nothing waits and nothing is on its way. */
bool cursors_idle(const struct gateway *gateway);
void cursors_tick(struct gateway *gateway, int64_t now_ms);

/* --- names.c --------------------------------------------------------------------------------- */

struct names *names_new(struct gateway *gateway);
void names_destroy(struct names **self);
/*
 * The number of an account or group. true: `number_r` is it (0: there is none). false: the service
 * is asked, and `done` is called once with it, or with an error, unless the client is gone.
 */
bool names_find(struct client *client, enum peer_kind kind, const struct client_id *id,
                uint64_t *number_r,
                void (*done)(struct client *client, enum err err, uint64_t number));

#endif
