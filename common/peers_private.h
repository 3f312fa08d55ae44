/* The structs of peers, for peers.c and its tests. */
#ifndef PARLEY_COMMON_PEERS_PRIVATE_H
#define PARLEY_COMMON_PEERS_PRIVATE_H

#include "common/dealer.h"
#include "common/peers.h"

/*
 * DOWN: it has not replied, or is not ready. LIVE: it takes requests. DRAINING: it replied that
 * it is no longer ready; it gets no further requests, and may still reply to earlier ones.
 */
enum peer_state { PEER_STATE_DOWN, PEER_STATE_LIVE, PEER_STATE_DRAINING };

struct peer {
    struct peers *owner;
    char address[PEERS_ADDRESS_BYTES];
    uint64_t hash;                /* of the address */
    struct dealer *dealer;        /* NULL: none could be had, or the last one has ended */
    size_t turn;                  /* which of the service's keys is tried */
    int64_t dialed_ms, redial_ms; /* when the dealer was made, and how long it may take to reply */
    enum peer_state state;
    bool listed; /* the addresses still name it */
    uint64_t instance, link, numbers[2];
    int64_t heard_ms;
    struct peers_pending pending;
};

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
    ev_timer heartbeat;
    ev_timer due;   /* the end of a request's time, or of a wait before dialling again */
    int64_t due_ms; /* when it fires; INT64_MAX: it does not run */
    struct peers_addresses *addresses;
};

/* Makes the instances those of `list`; the ones it no longer names are kept while they are live. */
peers_addresses_changed peers_set_addresses; /* `argument`: the peers */

#endif
