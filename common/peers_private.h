/* What peers.c (instances), peers_ask.c (requests) and peers_dns.c (addresses) share. */
#ifndef PARLEY_COMMON_PEERS_PRIVATE_H
#define PARLEY_COMMON_PEERS_PRIVATE_H

#include <czmq.h>

#include "common/loop.h"
#include "common/peers.h"

/* `tcp://host:port` with a numeric host, also of IPv6. */
#define PEERS_ADDRESS_BYTES 96

/* A request in progress. */
struct pending {
    uint64_t id;
    const struct message_desc *message;
    peers_done *done;
    void *argument;
    uint64_t trace;
    struct histogram *seconds;
    int64_t asked_us, deadline_ms;
    struct pending *prev, *next; /* in the order of asking */
};

/*
 * DOWN: not heard of, or not ready. LIVE: asked. DRAINING: it said that it is no longer ready; it
 * is asked nothing more, what it was asked before may still be answered.
 */
enum peer_state { PEER_STATE_DOWN, PEER_STATE_LIVE, PEER_STATE_DRAINING };

struct peer {
    struct peers *owner;
    char address[PEERS_ADDRESS_BYTES];
    uint64_t hash; /* of the address */
    zsock_t *dealer;
    struct loop_socket *input;
    void *monitor; /* PAIR: tells when the connection breaks */
    struct loop_socket *monitor_input;
    int64_t dialed_ms, redial_ms; /* when the socket was made, and how long it may take to answer */
    enum peer_state state;
    bool listed; /* the addresses still name it */
    uint64_t instance, link, numbers[2];
    int64_t heard_ms;
    uint64_t last_id;
    struct pending *first, *last;
    size_t pending_count;
    struct pending *window[PEERS_MAX_PENDING]; /* by id modulo its size */
};

struct peers_resolver;

/* Round trips of one kind of request. */
struct peers_kind {
    const struct message_desc *message;
    struct histogram *seconds;
};

struct peers {
    struct service *service;
    struct peers_options options;
    char routing_id[SERVICE_CALLER_BYTES];
    struct peer *peers[PEERS_MAX];
    size_t count, turn;
    struct buffer scratch;
    struct peers_kind kinds[PEERS_MAX_KINDS];
    size_t kind_count;
    char queue_name[32];
    struct metric *failed[ERR_COUNT];
    ev_timer heartbeat, sweep;
    struct peers_resolver *resolver;
};

/* Sends `scratch`; false when the socket's queue is full. */
bool peer_send_scratch(struct peer *peer);
/* Ends every request in progress with `err`. */
void peer_end_pending(struct peer *peer, enum err err);
/* Ends those whose time is over. */
void peer_sweep(struct peer *peer, int64_t now_ms);
/* Hands a reply or an error to the request that waits for it. */
void peer_take_answer(struct peer *peer, const struct envelope *envelope);

/* Makes the list of instances equal to `addresses`; those that went are kept while they are live.
 */
void peers_set_addresses(struct peers *self, char addresses[][PEERS_ADDRESS_BYTES], size_t count);

/* Tells peers_set_addresses what `list` stands for: its numeric addresses at once; those behind its
 * names too, on the loop, as a thread looks them up every second. ZeroMQ never gets a name: it
 * would look it up on the thread that serves all sockets. NULL: the list makes no sense, or no
 * thread can be had. */
struct peers_resolver *peers_resolver_new(struct peers *peers, const char *list);
/* Does not wait long for a lookup that is under way. */
void peers_resolver_destroy(struct peers_resolver **self);

#endif
