/* Peers: instances come, live, are lost and go. */
#include "common/peers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/peers_private.h"

/* Messages read from one peer per turn. */
#define PEERS_BUDGET 256
/* How often requests whose time is over are looked for. */
#define SWEEP_SECONDS 0.05
/* How long the first attempt to reach an instance may take before there is another; then twice as
 * long each time, up to peer_timeout_ms. One that was refused is made again after this long. */
#define REDIAL_FIRST_MS 100
/* After how long a socket would connect again by itself. A socket is closed long before that; with
 * reconnecting switched off, ZeroMQ drops what was received but not read when a connection ends. */
#define NEVER_MS (24 * 3600 * 1000)

uint64_t peers_hash(uint64_t a, uint64_t b) {
    /* The finalizer of SplitMix64, over both numbers. */
    uint64_t x = a + UINT64_C(0x9e3779b97f4a7c15) * (b + 1);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static uint64_t hash_text(const char *text) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return hash;
}

static const struct service_settings *settings_of(const struct peers *self) {
    return service_common(self->service);
}

/* --- the one function that changes a peer's state ------------------------------------------- */

static void on_input(void *argument, void *socket);
static void on_monitor(void *argument, void *socket);
static void ping(struct peer *peer);

/*
 * A socket connects once: reconnecting by itself would lose what was on the way and deliver what
 * was sent behind it. So whatever an instance has received is a prefix of what it was sent. When
 * the connection breaks or is refused, the monitor tells at once; a dead host is found out by
 * silence.
 */
static int watch_connection(struct peer *peer) {
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "inproc://monitor-%" PRIx64 "-%p-%" PRId64,
             service_instance(peer->owner->service), (void *)peer, peer->dialed_ms);
    if (zmq_socket_monitor(zsock_resolve(peer->dealer), endpoint,
                           ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CONNECT_RETRIED) != 0)
        return -1;
    peer->monitor = zmq_socket(zsys_init(), ZMQ_PAIR);
    if (peer->monitor == NULL || zmq_connect(peer->monitor, endpoint) != 0)
        return -1;
    peer->monitor_input =
        loop_socket_new(service_loop(peer->owner->service), peer->monitor, on_monitor, peer);
    return peer->monitor_input == NULL ? -1 : 0;
}

static void peer_close(struct peer *peer) {
    loop_socket_destroy(&peer->input);
    loop_socket_destroy(&peer->monitor_input);
    if (peer->dealer != NULL)
        (void)zmq_socket_monitor(zsock_resolve(peer->dealer), NULL, 0);
    if (peer->monitor != NULL)
        zmq_close(peer->monitor);
    peer->monitor = NULL;
    zsock_destroy(&peer->dealer);
}

static int peer_open(struct peer *peer) {
    peer->dialed_ms = loop_now_ms();
    peer->dealer = zsock_new(ZMQ_DEALER);
    if (peer->dealer == NULL)
        return -1;
    zsock_set_identity(peer->dealer, peer->owner->routing_id);
    zsock_set_sndhwm(peer->dealer, SERVICE_SOCKET_HWM);
    zsock_set_rcvhwm(peer->dealer, SERVICE_SOCKET_HWM);
    zsock_set_maxmsgsize(peer->dealer, ENVELOPE_MAX_BYTES);
    zsock_set_linger(peer->dealer, 0);
    zsock_set_ipv6(peer->dealer, 1);
    zsock_set_reconnect_ivl(peer->dealer, NEVER_MS);
    if (watch_connection(peer) == 0 && zsock_connect(peer->dealer, "%s", peer->address) == 0)
        peer->input = loop_socket_new(service_loop(peer->owner->service),
                                      zsock_resolve(peer->dealer), on_input, peer);
    if (peer->input != NULL)
        return 0;
    peer_close(peer);
    return -1;
}

static void tell(struct peer *peer, enum peer_change change) {
    const struct peers_options *options = &peer->owner->options;
    if (options->change != NULL)
        options->change(options->context, peer, change);
}

static void peer_set_state(struct peer *peer, enum peer_state state) {
    static const char *const names[] = {"down", "live", "draining"};
    enum peer_state before = peer->state;
    if (before == state)
        return;
    peer->state = state;
    log_info("peer", "peers=%s address=%s state=%s", peer->owner->options.name, peer->address,
             names[state]);
    if (state == PEER_STATE_LIVE) {
        tell(peer, PEER_LIVE);
    } else if (state == PEER_STATE_DOWN) {
        /* A new socket, so that nothing that waited in the old one reaches a later instance. */
        peer_close(peer);
        peer->instance = peer->link = 0;
        peer_end_pending(peer, ERR_UNAVAILABLE);
        tell(peer, PEER_LOST);
        peer->numbers[0] = peer->numbers[1] = 0;
        peer->redial_ms = REDIAL_FIRST_MS;
    }
}

/* --- hearing from a peer --------------------------------------------------------------------- */

static void take_pong(struct peer *peer, const struct service_pong *pong) {
    const struct peers_options *options = &peer->owner->options;
    if (peer->instance != 0 && peer->instance != pong->instance) {
        peer_set_state(peer, PEER_STATE_DOWN); /* restarted; its next pong makes it live */
        return;
    }
    if (!pong->ready) {
        peer->redial_ms = REDIAL_FIRST_MS; /* it is there, and will be ready soon */
        if (peer->state == PEER_STATE_LIVE)
            peer_set_state(peer, PEER_STATE_DRAINING);
        return;
    }
    bool relinked = peer->state == PEER_STATE_LIVE && peer->link != pong->link;
    peer->instance = pong->instance;
    peer->link = pong->link;
    peer_set_state(peer, PEER_STATE_LIVE);
    if (relinked)
        tell(peer, PEER_RELINKED);
    if (options->pong != NULL)
        options->pong(options->context, peer, pong);
}

static void take_event(struct peer *peer, const struct envelope *envelope) {
    const struct peers_options *options = &peer->owner->options;
    for (size_t i = 0; i < options->event_count; i++) {
        const struct peers_event *event = &options->events[i];
        if (!slice_equal(slice_text(event->message->name), envelope->name))
            continue;
        struct record_arena arena = {0};
        const char *fault;
        void *body = record_arena_alloc(&arena, event->message->body->size);
        if (body != NULL &&
            record_unpack(event->message->body, envelope->body, &arena, body, &fault) == 0)
            event->handle(options->context, peer, body);
        else
            log_warn("bad_event", "message=%s address=%s", event->message->name, peer->address);
        record_arena_free(&arena);
        return;
    }
}

static void take_message(struct peer *peer, struct slice frame) {
    struct envelope envelope;
    if (envelope_unpack(frame, &envelope) != 0 || envelope.kind == ENVELOPE_REQUEST)
        return; /* callers are not asked */
    if (envelope.kind == ENVELOPE_EVENT) {
        take_event(peer, &envelope);
    } else if (envelope.id != 0) {
        peer_take_answer(peer, &envelope);
    } else if (envelope.kind == ENVELOPE_REPLY) {
        struct record_arena arena = {0};
        struct service_pong pong;
        const char *fault;
        if (record_unpack(&service_pong_desc, envelope.body, &arena, &pong, &fault) == 0)
            take_pong(peer, &pong);
        record_arena_free(&arena);
    }
}

/* Reads up to PEERS_BUDGET messages; whether there may be more. */
static bool read_some(struct peer *peer) {
    zsock_t *dealer = peer->dealer;
    void *socket = zsock_resolve(dealer);
    /* A message may cost the peer its socket; what is left in that one is gone with it. */
    for (int i = 0; i < PEERS_BUDGET && peer->dealer == dealer; i++) {
        zmq_msg_t frame;
        zmq_msg_init(&frame);
        bool got = zmq_msg_recv(&frame, socket, ZMQ_DONTWAIT) >= 0;
        if (got)
            take_message(peer, slice_make(zmq_msg_data(&frame), zmq_msg_size(&frame)));
        zmq_msg_close(&frame);
        if (!got)
            return false;
    }
    return peer->dealer == dealer;
}

static void on_input(void *argument, void *socket) {
    (void)socket;
    struct peer *peer = argument;
    peer->heard_ms = loop_now_ms();
    (void)read_some(peer);
}

/* --- heartbeats ------------------------------------------------------------------------------ */

static void ping(struct peer *peer) {
    struct peers *self = peer->owner;
    struct service_ping body = {.instance = service_instance(self->service)};
    buffer_clear(&self->scratch);
    envelope_pack(ENVELOPE_REQUEST, 0, message_SERVICE_PING.name, &service_ping_desc, &body,
                  &self->scratch);
    (void)peer_send_scratch(peer); /* a full queue is silence, and is found out as that */
}

static void peer_destroy(struct peer **peer_p) {
    peer_close(*peer_p);
    free(*peer_p);
    *peer_p = NULL;
}

static void on_monitor(void *argument, void *socket) {
    struct peer *peer = argument;
    zmq_msg_t part;
    bool told = false;
    for (zmq_msg_init(&part); zmq_msg_recv(&part, socket, ZMQ_DONTWAIT) >= 0; told = true)
        ;
    zmq_msg_close(&part);
    if (!told)
        return;
    if (peer->state == PEER_STATE_DOWN) {
        peer->redial_ms = REDIAL_FIRST_MS;
        return;
    }
    /* What it sent before its end has arrived, and is no more than a queue holds: an instance that
     * stops in order has answered all that it was asked. */
    while (read_some(peer))
        ;
    if (peer->state != PEER_STATE_DOWN)
        peer_set_state(peer, PEER_STATE_DOWN);
}

/* An instance that does not answer is tried again and again, ever more slowly. One that is refused
 * is not running and may be at any moment: all who call it should find it at about the same time.
 */
static void redial(struct peer *peer, int64_t now_ms) {
    if (peer->state != PEER_STATE_DOWN || now_ms - peer->dialed_ms < peer->redial_ms)
        return;
    int64_t limit_ms = (int64_t)settings_of(peer->owner)->peer_timeout_ms;
    peer->redial_ms = peer->redial_ms * 2 < limit_ms ? peer->redial_ms * 2 : limit_ms;
    peer_close(peer);
    if (peer_open(peer) == 0)
        ping(peer);
    else
        log_error("peer_open_failed", "address=%s", peer->address);
}

static void drop_unlisted(struct peers *self) {
    for (size_t i = 0; i < self->count;) {
        if (self->peers[i]->listed || self->peers[i]->state != PEER_STATE_DOWN) {
            i++;
            continue;
        }
        peer_destroy(&self->peers[i]);
        self->peers[i] = self->peers[--self->count];
    }
}

static void on_heartbeat(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    struct peers *self = timer->data;
    int64_t limit_ms = (int64_t)settings_of(self)->peer_timeout_ms;
    int64_t now_ms = loop_now_ms();
    for (size_t i = 0; i < self->count; i++) {
        struct peer *peer = self->peers[i];
        if (peer->state != PEER_STATE_DOWN && now_ms - peer->heard_ms > limit_ms)
            peer_set_state(peer, PEER_STATE_DOWN);
        if (peer->state != PEER_STATE_DOWN)
            ping(peer);
    }
    drop_unlisted(self);
}

static void on_sweep(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    struct peers *self = timer->data;
    int64_t now_ms = loop_now_ms();
    for (size_t i = 0; i < self->count; i++) {
        peer_sweep(self->peers[i], now_ms);
        redial(self->peers[i], now_ms);
    }
}

/* --- the list -------------------------------------------------------------------------------- */

static void add_peer(struct peers *self, const char *address) {
    if (self->count == PEERS_MAX) {
        log_warn("too_many_peers", "peers=%s address=%s limit=%d", self->options.name, address,
                 PEERS_MAX);
        return;
    }
    struct peer *peer = calloc(1, sizeof *peer);
    if (peer == NULL)
        return;
    peer->owner = self;
    peer->hash = hash_text(address);
    peer->listed = true;
    peer->redial_ms = REDIAL_FIRST_MS;
    snprintf(peer->address, sizeof peer->address, "%s", address);
    self->peers[self->count++] = peer;
    if (peer_open(peer) == 0)
        ping(peer);
}

void peers_set_addresses(struct peers *self, char addresses[][PEERS_ADDRESS_BYTES], size_t count) {
    for (size_t i = 0; i < self->count; i++)
        self->peers[i]->listed = false;
    for (size_t n = 0; n < count; n++) {
        struct peer *known = NULL;
        for (size_t i = 0; i < self->count; i++)
            if (strcmp(self->peers[i]->address, addresses[n]) == 0)
                known = self->peers[i];
        if (known != NULL)
            known->listed = true;
        else
            add_peer(self, addresses[n]);
    }
}

static size_t depth_of_fullest(const void *argument) {
    const struct peers *self = argument;
    size_t most = 0;
    for (size_t i = 0; i < self->count; i++)
        if (self->peers[i]->pending_count > most)
            most = self->peers[i]->pending_count;
    return most;
}

static void prepare_metrics(struct peers *self) {
    snprintf(self->queue_name, sizeof self->queue_name, "to_%s", self->options.name);
    service_add_queue(self->service, self->queue_name, depth_of_fullest, self, PEERS_MAX_PENDING);
    metrics_errors(service_metrics(self->service), "asks_failed_total",
                   "Requests to other services that ended with an error.", self->failed);
}

struct peers *peers_new(struct service *service, const struct peers_options *options) {
    struct peers *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->service = service;
    self->options = *options;
    self->scratch = buffer_make(ENVELOPE_MAX_BYTES);
    snprintf(self->routing_id, sizeof self->routing_id, "%s-%016" PRIx64, service_name(service),
             service_instance(service));
    prepare_metrics(self);
    double beat = (double)settings_of(self)->heartbeat_ms / 1000.0;
    ev_timer_init(&self->heartbeat, on_heartbeat, beat, beat);
    ev_timer_init(&self->sweep, on_sweep, SWEEP_SECONDS, SWEEP_SECONDS);
    self->heartbeat.data = self->sweep.data = self;
    ev_timer_start(service_loop(service), &self->heartbeat);
    ev_timer_start(service_loop(service), &self->sweep);
    self->resolver = peers_resolver_new(self, options->addresses);
    if (self->resolver == NULL) {
        log_error("start_failed",
                  "reason=\"%s_peers is no list of tcp://host:port and dns:name:port\"",
                  options->name);
        peers_destroy(&self);
    }
    return self;
}

void peers_destroy(struct peers **self_p) {
    struct peers *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    service_remove_queue(self->service, self);
    peers_resolver_destroy(&self->resolver);
    ev_timer_stop(service_loop(self->service), &self->heartbeat);
    ev_timer_stop(service_loop(self->service), &self->sweep);
    for (size_t i = 0; i < self->count; i++)
        self->peers[i]->state = PEER_STATE_DOWN; /* so that nothing is asked again */
    for (size_t i = 0; i < self->count; i++) {
        peer_end_pending(self->peers[i], ERR_UNAVAILABLE);
        peer_destroy(&self->peers[i]);
    }
    buffer_free(&self->scratch);
    free(self);
}

/* --- choosing -------------------------------------------------------------------------------- */

struct peer *peers_by_key(const struct peers *self, uint64_t key) {
    struct peer *best = NULL;
    uint64_t best_score = 0;
    for (size_t i = 0; i < self->count; i++) {
        if (self->peers[i]->state != PEER_STATE_LIVE)
            continue;
        uint64_t score = peers_hash(key, self->peers[i]->hash);
        if (best == NULL || score > best_score) {
            best = self->peers[i];
            best_score = score;
        }
    }
    return best;
}

struct peer *peers_next(struct peers *self) {
    for (size_t n = 0; n < self->count; n++) {
        struct peer *peer = self->peers[++self->turn % self->count];
        if (peer->state == PEER_STATE_LIVE)
            return peer;
    }
    return NULL;
}

struct peer *peers_live(const struct peers *self, size_t index) {
    for (size_t i = 0; i < self->count; i++)
        if (self->peers[i]->state == PEER_STATE_LIVE && index-- == 0)
            return self->peers[i];
    return NULL;
}

size_t peers_live_count(const struct peers *self) {
    size_t count = 0;
    for (size_t i = 0; i < self->count; i++)
        count += self->peers[i]->state == PEER_STATE_LIVE;
    return count;
}

bool peer_is_live(const struct peer *peer) { return peer->state == PEER_STATE_LIVE; }

const char *peer_address(const struct peer *peer) { return peer->address; }

uint64_t *peer_numbers(struct peer *peer) { return peer->numbers; }

size_t peer_pending(const struct peer *peer) { return peer->pending_count; }
