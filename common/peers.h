/*
 * Peers: the instances of another service, as a caller sees them.
 *
 *     struct peers *peers = peers_new(service, &(struct peers_options){
 *         .name = "session", .addresses = settings->session_peers, ...});
 *     struct peer *peer = peers_by_key(peers, account);
 *     peers_ask(peers, peer, &(struct peers_request){
 *         .message = &message_SESSION_BIND, .body = &bind, .done = bound, .argument = connection});
 *
 * `addresses` is a list of `tcp://host:port` and `dns:name:port` (peers_addresses.h): each address
 * behind a name is an instance. A DEALER is held to each. A peer is pinged every heartbeat_ms; it
 * is live from its first ready reply until its connection breaks or it has been silent for
 * peer_timeout_ms, then lost: its socket is closed with all that waits in it, every request in
 * progress ends with ERR_UNAVAILABLE, and a new socket tries again. An instance that was restarted
 * counts as lost and found. So the messages that an instance has received are always a prefix of
 * those sent to it, in that order.
 *
 * The fullest link is the service's queue `to_<name>`; requests' round trips are the histogram
 * ask_seconds by message, those that end with an error are counted in asks_failed_total.
 *
 * Always: `done` is called exactly once for each request that peers_ask took, from the loop, never
 * from within peers_ask. A struct peer lives until its `change` to
 * PEER_LOST at least; do not keep it longer.
 */
#ifndef PARLEY_COMMON_PEERS_H
#define PARLEY_COMMON_PEERS_H

#include "common/peers_addresses.h"
#include "common/peers_pending.h"
#include "common/service.h"

/* limit: peer | kinds of requests that are timed | {PEERS_MAX_KINDS} | further ones are not */
/* Kinds of requests that are timed; further ones are not. */
#define PEERS_MAX_KINDS 32

struct peers;
struct peer;

enum peer_change {
    PEER_LIVE,    /* can be asked from now on */
    PEER_LOST,    /* cannot; its requests have ended */
    PEER_RELINKED /* live all the same, but its `link` changed: it forgot our bindings */
};

struct peers_event {
    const struct message_desc *message;
    void (*handle)(void *context, struct peer *peer, const void *body);
};

struct peers_options {
    const char *name;                 /* for logs and metrics; a literal */
    const char *addresses;            /* borrowed */
    const struct peers_event *events; /* events that peers may send unasked; may be NULL */
    size_t event_count;
    void *context; /* of events, change and pong */
    void (*change)(void *context, struct peer *peer, enum peer_change change); /* may be NULL */
    void (*pong)(void *context, struct peer *peer,
                 const struct service_pong *pong); /* may be NULL */
};

/* NULL after a logged line (addresses that make no sense). */
struct peers *peers_new(struct service *service, const struct peers_options *options);
/* Requests in progress end with ERR_UNAVAILABLE. */
void peers_destroy(struct peers **self);

/* The live peer for `key` by rendezvous hash: the same for every caller that sees the same
 * instances, and only 1/n of the keys move when an instance is added or lost. NULL when none is
 * live. */
struct peer *peers_by_key(const struct peers *self, uint64_t key);
/* Live peers in turn; NULL when none is live. */
struct peer *peers_next(struct peers *self);
/* Live peers: peers_live(self, 0), 1, ... until NULL. */
struct peer *peers_live(const struct peers *self, size_t index);
size_t peers_live_count(const struct peers *self);

bool peer_is_live(const struct peer *peer);
const char *peer_address(const struct peer *peer);
/* Two numbers for the caller's own use, 0 at first and after the peer was lost. */
uint64_t *peer_numbers(struct peer *peer);
size_t peer_pending(const struct peer *peer);

/* A request in progress, for peers_cancel. */
struct peers_ticket {
    struct peer *peer;
    uint64_t id;
};

struct peers_request {
    const struct message_desc *message;
    const void *body;        /* packed before peers_ask returns */
    uint64_t timeout_ms;     /* 0: request_timeout_ms; after it ERR_TIMEOUT */
    uint64_t trace;          /* of the client's request behind it (log.h); `done` has it again */
    struct slice credential; /* the API key for which it is sent; empty: none */
    peers_done *done;
    void *argument;
    struct peers_ticket *ticket_r; /* may be NULL */
};

/* ERR_OK: taken. Else `done` is not called: ERR_UNAVAILABLE (peer NULL or not live),
 * ERR_OVERLOADED (PEERS_MAX_PENDING wait for a reply of this peer). */
enum err peers_ask(struct peers *self, struct peer *peer, const struct peers_request *request)
    __attribute__((warn_unused_result));

/* The reply is needed no more: a request that waits at the instance in a queue of costly work is
 * dropped. Only until `done` is called, which it is all the same. */
void peers_cancel(const struct peers_ticket *ticket);

/* A 64-bit hash that spreads consecutive numbers; also for keys of peers_by_key. */
uint64_t peers_hash(uint64_t a, uint64_t b);

#endif
