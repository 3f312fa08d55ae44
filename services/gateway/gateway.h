/*
 * What the parts of the gateway share: its context, and a client's connection.
 *
 *     edge*.c       sockets and framing            dialect*.c   JSON <-> requests and entries
 *     client.c      a connection's life            operations*.c what a request does
 *     reasons.c     why it was refused, for people
 *     sends.c       texts on their way to the log  feed.c       the log on its way to the client
 *     bindings*.c   who is here, told to session   cursors.c    what has arrived, told to delivery
 *     received.c    what a client says has arrived pairs.c      the conversations of two accounts
 *     marks.c       what has reached a client, and how much more it may be sent
 *     names.c       string ids to numbers
 *     nonces.c      what is never done twice       watch.c      queues and counters, for the
 * operator
 *
 * A callback of a request to another service gets the client's id, never its pointer, and finds it
 * with gateway_client: a client may be gone by then.
 */
#ifndef PARLEY_GATEWAY_H
#define PARLEY_GATEWAY_H

#include "common/hash.h"
#include "common/loop.h"
#include "common/peers.h"
#include "services/gateway/dialect/dialect.h"
#include "services/gateway/edge/edge.h"
#include "services/gateway/patience.h"
#include "services/gateway/positions.h"

/* Texts per connection that may wait to be stored; beyond it nothing more is read. */
#define CLIENT_MAX_SENDS 64
/* Pulls in progress at once; further clients wait their turn. */
#define GATEWAY_MAX_PULLS 64
/* What a paced client may have unwritten when a further entry is queued for it. So little, because
 * answers wait behind it, and what was not written all comes again at the next login. */
#define GATEWAY_PACED_BYTES ((size_t)2048)
/* Room for the JSON of one entry: its text escaped to six times its length. */
#define GATEWAY_TEXT_BYTES ((size_t)512 << 10)
#define GATEWAY_TICK_MS 50

struct gateway_settings {
    struct service_settings service;
    uint64_t gateway_port, gateway_metrics_port, http_port, tcp_port, youim_port;
    uint64_t ping_interval_ms, vanished_timeout_ms, login_timeout_ms, send_timeout_ms;
    uint64_t max_connections, send_queue_bytes, send_queues_bytes, waiting_texts_bytes;
    uint64_t reach_interval_ms, cursor_flush_ms, ourchat_tcp_pace_ms;
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
    uint64_t id; /* the edge's */
    struct gateway *gateway;
    struct edge_connection *edge;
    UT_hash_handle hh;
    enum client_state state;
    enum dialect dialect;
    bool ext;
    bool confirms; /* only what it says it has received moves cursors */
    int64_t login_by_ms;
    bool awaits_login;
    struct client *next_login, *prev_login;

    /* the account, from LOGGING_IN's success on */
    uint64_t account;
    char account_id[ID_MAX_BYTES + 1];
    uint64_t epoch; /* of the log, as the login told it */
    char token[CLIENT_TOKEN_BYTES + 1];
    uint64_t login;      /* a number that session knows the token by, wherever it is resumed */
    uint64_t binding;    /* what session knows this login by, never used again; 0: not at all */
    uint64_t bound_link; /* of the session instance that it is bound at; 0: none */
    UT_hash_handle by_binding;

    /* requests: one at a time, but for texts */
    struct dialect_request request; /* while busy */
    bool ended;                     /* it has said all that it will: it has closed, or we stop */
    int64_t stored_ms;              /* when its last text was; 0: none, or its copy is written */
    bool busy;                      /* `request` is being carried out, or waits for the texts */
    bool started;                   /* it is being carried out */
    struct patience patience;       /* with the request in progress, from its look-ups on */
    unsigned char nonce[NONCE_BYTES];
    void (*again)(struct client *client); /* asks for it again; NULL: it is tried once */
    struct errand *errand;                /* that is on its way for it; NULL: none */
    bool awaits_retry;                    /* in gateway->retry_queue */
    struct client *next_retry, *prev_retry;
    struct send *sends; /* in the order in which they were read */
    size_t send_count;

    /* the feed */
    struct positions positions;
    uint64_t reading;       /* changes when a page that is on its way is of no use any more */
    uint64_t backlog;       /* until then: entries that are wanted of a conversation; 0: all */
    bool placed;            /* delivery has told where the account stands */
    bool whole;             /* `positions` hold all conversations: one that is missing is new */
    bool full;              /* each of `positions` waits for a 301: nothing else is read */
    struct positions early; /* while not: behind what the first push of a conversation comes */
    bool dirty;             /* something was pushed since the last page was asked for */
    bool pulling;           /* a page is asked for */
    bool queued;            /* waits in gateway->pull_queue */
    bool wait_reached;      /* the next page waits until the client has taken the last */
    uint64_t after_moves;   /* the first page waits until so many cursors' moves are stored */
    bool await_moves;
    int64_t pull_at_ms; /* the next page: not before */
    struct client *next_pull, *prev_pull;

    /* marks: what has reached the client */
    struct written *marking; /* covered by the mark that is outstanding; NULL: none is */
    size_t marking_count;
    struct written *left; /* of an account that logged out: for the next mark */
    size_t left_count;
    bool mark_listed;
    int64_t mark_at_ms;
    struct client *next_mark, *prev_mark;
    uint64_t marked_bytes, reached_bytes; /* of all that was ever sent: up to the mark that is
                                           * outstanding, and up to the last that was answered */
    uint64_t marked_flight;               /* how much was on its way then */
    int64_t marked_ms;                    /* when that one was asked for */
    size_t window;                        /* bytes that may be on their way; 0: not known yet */
    bool slow;                            /* it has taken long for what it was sent */

    /* what it confirms */
    bool awaits_stored; /* `request` is answered when so many cursors' moves are stored */
    uint64_t stored_after;
    int64_t stored_by_ms;
    struct client *next_stored, *prev_stored;
};

struct names;
struct cursors;
struct bindings;
struct pairs;
struct entry_texts;

struct gateway {
    struct gateway_settings settings;
    struct service *service;
    struct edge_settings edge_settings;
    struct edge *edge;
    struct peers *auth, *group, *session, *delivery;
    struct client *clients; /* by id */
    struct client *bound;   /* by binding */
    uint64_t last_binding;
    struct client *pull_queue, *mark_queue, *login_queue, *retry_queue, *stored_queue;
    int64_t look_for_left_ms;   /* operations_ask.c: next at */
    size_t pulls, queued_pulls; /* on their way; in pull_queue */
    struct names *names;
    struct cursors *cursors;
    struct bindings *bindings;
    struct pairs *pairs;
    struct entry_texts *texts; /* scratch of the entry that is being written */
    struct buffer scratch;     /* one answer at a time */
    uint64_t nonce_counter;
    size_t waiting_sends; /* texts that are not on their way */
    size_t send_bytes;    /* what all texts take that are not stored yet */
    ev_timer tick;
    bool stopping;
    int64_t catch_up_at_ms; /* once more after a writer was lost; 0: no */
    uint64_t last_trace;    /* that was given to a client's request */
    struct metric *connections, *accepted, *turned_away, *stored, *refused, *written;
    struct metric *caught_up, *gaps;
    struct metric *refused_by[ERR_COUNT];
    struct histogram *send_seconds, *push_seconds;
};

struct client *gateway_client(struct gateway *self, uint64_t id); /* NULL: gone */

/* --- client.c ------------------------------------------------------------------------------ */

extern const struct edge_handlers client_handlers;
void client_set_state(struct client *client, enum client_state state);
/* Its dialect or `ext` changed. */
void client_set_pace(struct client *client);
bool client_is_in(const struct client *client); /* logged in: CATCHING_UP or LIVE */
struct dialect_account client_account(const struct client *client);
/* Answers `request`, with the time and, where the result has none, a reason. */
void client_answer(struct client *client, const struct dialect_request *request,
                   const struct dialect_result *result);
/* Ends the request in progress: answers it, frees it, and lets the next one in. */
void client_finish(struct client *client, const struct dialect_result *result);
void client_fail(struct client *client, enum err err, const char *reason);
/* Closes the connection, having told it that the operator wants it so, and why. */
void client_kick(struct client *client, struct slice reason);
/* Closes it in favour of another of its account, having told it why: from here on nothing is read
 * for the account, and nobody counts it. */
void client_give_way(struct client *client, const char *reason);
/* Reads on, if nothing holds it. */
void client_continue(struct client *client);
/* The time for logging in starts, and is over. */
void client_await_login(struct client *client);
void client_end_login(struct client *client);
/* Every 50 ms: closes who took too long. */
void client_tick(struct gateway *gateway, int64_t now_ms);

/* --- watch.c --------------------------------------------------------------------------------- */

/* At start: before anything counts; and once the edge is there. */
void watch_metrics(struct gateway *self);
void watch_queues(struct gateway *self);

/* --- reasons.c ------------------------------------------------------------------------------- */

/* A sentence with the request's own ids ("group ccc does not exist"), in `out`; empty where
 * err_text(err) says enough. */
struct slice reason_of(const struct dialect_request *request, enum err err,
                       char out[DIALECT_FAULT_BYTES]);

/* --- operations.c ---------------------------------------------------------------------------- */

/* Carries out client->request (busy); ends with client_finish, now or later. */
void operation_start(struct client *client);
/* operations_ask.c: asks again what is to be asked again by now. */
void operation_tick(struct gateway *gateway, int64_t now_ms);
/* The client is gone. */
void operation_drop(struct client *client);

/* --- nonces.c -------------------------------------------------------------------------------- */

/* The same for each request of an account with the same `ref`, and for a registration with the same
 * ref, id and e-mail address; without a ref another one each time. */
void client_nonce(const struct client *client, const struct dialect_request *request,
                  unsigned char nonce_r[NONCE_BYTES]);

/* --- sends.c --------------------------------------------------------------------------------- */

/* Takes the request over and stores its text; answers when that is done. `to`: the number. */
void send_start(struct client *client, struct dialect_request *request, uint64_t to);
/* Texts that wait go to a delivery, in order; those whose time is over fail. */
void send_tick(struct gateway *gateway, int64_t now_ms);
/* The client is gone: what no delivery has is dropped. */
void send_drop_all(struct client *client);

/* --- feed.c ---------------------------------------------------------------------------------- */

int feed_open(struct gateway *gateway) __attribute__((warn_unused_result));
void feed_close(struct gateway *gateway);
/* From login on. */
void feed_start(struct client *client);
/* A page that is on its way may hold what must not be written any more: it is read again. */
void feed_reread(struct client *client);
/* Back to reading the log: something may have been missed. */
void feed_catch_up(struct client *client);
void feed_catch_up_all(struct gateway *gateway, const char *reason);
/* One entry that was pushed, to these connections. */
void feed_push(struct gateway *gateway, struct slice packed, const struct u64_list *connections);
void feed_tick(struct gateway *gateway, int64_t now_ms);
void feed_reached(struct client *client);
/* From now on the client confirms; what was written before moves cursors as it did. */
void feed_confirms(struct client *client);
/* Something that could not be written before others were confirmed can be now. */
void feed_confirmed(struct client *client);
/* The account logs out; what was written for it may still be confirmed. */
void feed_leave(struct client *client);
/* The connection is gone. */
void feed_stop(struct client *client);

/* --- marks.c --------------------------------------------------------------------------------- */

/* Notes for the next mark that this was written. */
void marks_note(struct client *client, const struct written *written);
/* A mark is to be sent by then, or sooner if one is to be already. */
void marks_list(struct client *client, int64_t delay_ms);
void marks_unlist(struct client *client);
/* Sends one now, unless one is outstanding: then its answer lists the next. */
void marks_send(struct client *client);
/* Notes how far each conversation was written since the last mark. */
void marks_collect(struct client *client);
/* Whether something was written that no mark covers. */
bool marks_lack(const struct client *client);
/* The one that was outstanding is answered: what it covers moves cursors. */
void marks_answered(struct client *client);
/* Whether so many bytes more may be on their way to the client: as many as it has shown to take
 * within some tenths of a second, so that an answer never waits for long behind them. */
bool marks_have_room(struct client *client, size_t bytes);
/* Whether so much is on its way that it is time to ask how far the client is. */
bool marks_are_due(const struct client *client);
void marks_tick(struct gateway *gateway, int64_t now_ms);
/* The connection is gone. */
void marks_stop(struct client *client);

/* --- bindings.c ------------------------------------------------------------------------------ */

struct bindings *bindings_new(struct gateway *gateway);
void bindings_destroy(struct bindings **self);
/* Whose number of a login session has named; NULL: it has logged out. */
struct client *bindings_client(const struct gateway *gateway, uint64_t binding);
/* Tells session that the client is here; `done` is called once, unless the client is gone. With
 * `wait_ms` it is not bound, and may be only after that, as one that has `waited`. */
typedef void bindings_done(struct client *client, enum err err, uint64_t wait_ms);
void bindings_bind(struct client *client, bool waited, bindings_done *done);
/* Tells session that it is not; remembered until session has answered or forgotten it anyway. */
void bindings_unbind(struct client *client);
void bindings_tick(struct gateway *gateway);
void bindings_change(void *context, struct peer *peer, enum peer_change change);
/* Connections that left and that session has not heard of yet. */
size_t bindings_waiting(const struct bindings *self);
#define BINDINGS_WAITING_MAX 65536
void bindings_pong(void *context, struct peer *peer, const struct service_pong *pong);
#define BINDINGS_EVENTS 4
extern const struct peers_event bindings_events[BINDINGS_EVENTS];

/* --- cursors.c ------------------------------------------------------------------------------- */

struct cursors *cursors_new(struct gateway *gateway);
void cursors_destroy(struct cursors **self);
/* false: too many wait; the cursor stays, and what it stays behind is repeated some day. */
bool cursors_add(struct gateway *gateway, const struct written *written);
/* Sends what there is now rather than in a while. */
void cursors_flush(struct gateway *gateway);
/* How many moves were ever added, and how many of these, in that order, are stored. */
uint64_t cursors_added(const struct gateway *gateway);
uint64_t cursors_stored(const struct gateway *gateway);
/* Nothing waits and nothing is on its way. */
bool cursors_idle(const struct gateway *gateway);
/* Moves that are not stored yet, and how many there may be at most. */
size_t cursors_waiting(const struct cursors *self);
#define CURSORS_WAITING_MAX ((size_t)2 * 65536)
void cursors_tick(struct gateway *gateway, int64_t now_ms);

/* --- received.c ------------------------------------------------------------------------------ */

/* A stored entry of a conversation that has a position went to a client that confirms, or would
 * have if its dialect had a message for it (`shown`). */
void received_wrote(struct client *client, const struct entry *entry, bool shown);
/* Whether a conversation has POSITIONS_MAX_UNCONFIRMED entries that wait to be confirmed: what
 * follows there is sent behind a 301. */
bool received_is_full(const struct position *position);
/* 301, whose group and person have their numbers; ends with client_finish, now or later. */
void received_start(struct client *client);
/* Answers those whose cursors are stored, and those who have waited too long. */
void received_tick(struct gateway *gateway, int64_t now_ms);
/* The connection is gone. */
void received_stop(struct client *client);

/* --- pairs.c --------------------------------------------------------------------------------- */

struct pairs *pairs_new(void) __attribute__((warn_unused_result));
void pairs_destroy(struct pairs **self);
/* Remembers the conversation of two accounts, which never changes, as far as there is room. */
void pairs_keep(struct pairs *self, uint64_t a, uint64_t b, uint64_t conversation);
/* 0: not remembered. */
uint64_t pairs_find(const struct pairs *self, uint64_t a, uint64_t b);

/* --- names.c --------------------------------------------------------------------------------- */

struct names *names_new(struct gateway *gateway);
void names_destroy(struct names **self);
/*
 * The number of an account or group. true: `number_r` is it (0: there is none). false: the service
 * is asked, again and again while it is away and the client's patience lasts, and `done` is called
 * once with the number, or with an error, unless the client is gone.
 */
bool names_find(struct client *client, enum recipient_kind kind, const struct dialect_id *id,
                uint64_t *number_r,
                void (*done)(struct client *client, enum err err, uint64_t number));
void names_tick(struct gateway *gateway, int64_t now_ms);

#endif
