/* Peers: each instance has a dealer (dealer.h) and a state; see peers.h. */
#include "common/peers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/loop.h"
#include "common/peers_private.h"

/* Messages read from one peer per turn. */
#define PEERS_BUDGET 256
/*
 * limit: peer | first attempt to reach an instance again | {REDIAL_FIRST_MS}, then twice as
 * long up to `peer_timeout_ms`; 100 ms after one that was refused | tried for ever
 */
/* How long the first attempt to reach an instance may take before there is another; then twice as
 * long each time, up to peer_timeout_ms. One that was refused is made again after this long. */
#define REDIAL_FIRST_MS 100

static uint64_t hash_text(const char *text) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return hash;
}

static const struct service_settings *settings_of(const struct peers *self) {
    return service_common(self->service);
}

/* --- when something is due ------------------------------------------------------------------ */

/* The timer runs for the request that is due first. */
static void plan(struct peers *self, int64_t at_ms) {
    if (at_ms >= self->due_ms)
        return;
    self->due_ms = at_ms;
    loop_timer_start(service_loop(self->service), &self->due, at_ms - loop_now_ms());
}

static int64_t redial_at_ms(const struct peer *peer) { return peer->dialed_ms + peer->redial_ms; }

static void set_redial(struct peer *peer, int64_t redial_ms) {
    peer->redial_ms = redial_ms;
    if (peer->state == PEER_STATE_DOWN)
        plan(peer->owner, redial_at_ms(peer));
}

/* --- the one function that changes a peer's state ------------------------------------------- */

static bool send_scratch(struct peer *peer) {
    return peer->dealer != NULL && dealer_send(peer->dealer, &peer->owner->scratch);
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
        dealer_destroy(&peer->dealer);
        peer->instance = peer->link = 0;
        peers_pending_end_all(&peer->pending, ERR_UNAVAILABLE);
        tell(peer, PEER_LOST);
        peer->numbers[0] = peer->numbers[1] = 0;
        set_redial(peer, REDIAL_FIRST_MS);
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
        set_redial(peer, REDIAL_FIRST_MS); /* it is there, and will be ready soon */
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
        peers_pending_reply(&peer->pending, &envelope, peer->address);
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
    /* A message may cost the peer its dealer; the messages left in that one are lost with it. */
    for (int i = 0; i < PEERS_BUDGET && peer->dealer != NULL; i++) {
        zmq_msg_t frame;
        zmq_msg_init(&frame);
        bool got = dealer_receive(peer->dealer, &frame);
        if (got)
            take_message(peer, slice_make(zmq_msg_data(&frame), zmq_msg_size(&frame)));
        zmq_msg_close(&frame);
        if (!got)
            return false;
    }
    return peer->dealer != NULL;
}

static void on_input(void *argument) {
    struct peer *peer = argument;
    peer->heard_ms = loop_now_ms();
    (void)read_some(peer);
}

/* The connection was refused, or broke. */
static void on_ended(void *argument) {
    struct peer *peer = argument;
    if (peer->state == PEER_STATE_DOWN) {
        peer->turn++; /* perhaps it has another key of its service */
        set_redial(peer, REDIAL_FIRST_MS);
        return;
    }
    /* Messages that it sent before its end have arrived, and are no more than a queue holds: an
     * instance that stops in order has replied to all that it was asked. */
    while (read_some(peer))
        ;
    if (peer->state != PEER_STATE_DOWN)
        peer_set_state(peer, PEER_STATE_DOWN);
}

/* --- heartbeats ------------------------------------------------------------------------------ */

static void ping(struct peer *peer) {
    struct peers *self = peer->owner;
    struct service_ping body = {.instance = service_instance(self->service)};
    buffer_clear(&self->scratch);
    envelope_pack(ENVELOPE_REQUEST, 0, message_SERVICE_PING.name, &service_ping_desc, &body,
                  &self->scratch);
    (void)send_scratch(peer); /* a full queue is silence, and is found out as that */
}

static void peer_destroy(struct peer **peer_p) {
    dealer_destroy(&(*peer_p)->dealer);
    free(*peer_p);
    *peer_p = NULL;
}

static void dial(struct peer *peer) {
    static const struct dealer_handlers handlers = {.input = on_input, .ended = on_ended};
    const struct peers *self = peer->owner;
    dealer_destroy(&peer->dealer);
    peer->dialed_ms = loop_now_ms();
    const struct dealer_to to = {.address = peer->address,
                                 .routing_id = self->routing_id,
                                 .keys = service_keys(self->service),
                                 .program = self->options.name,
                                 .turn = peer->turn};
    peer->dealer = dealer_new(service_loop(self->service), &to, &handlers, peer);
    if (peer->dealer != NULL)
        ping(peer);
    else
        log_error("peer_open_failed", "address=%s reason=\"%s\"", peer->address,
                  errno == ENOENT ? "no key of it is trusted" : zmq_strerror(errno));
}

/* An instance that does not reply is tried again and again, ever more slowly. One that
 * refuses the connection is not running but may start at any moment, and all its callers should
 * find it at about the same time. When to look again; INT64_MAX: it is there. */
static int64_t redial(struct peer *peer, int64_t now_ms) {
    if (peer->state != PEER_STATE_DOWN)
        return INT64_MAX;
    if (redial_at_ms(peer) <= now_ms) {
        int64_t limit_ms = (int64_t)settings_of(peer->owner)->peer_timeout_ms;
        peer->redial_ms = peer->redial_ms * 2 < limit_ms ? peer->redial_ms * 2 : limit_ms;
        dial(peer);
    }
    return redial_at_ms(peer);
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

static void on_due(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    struct peers *self = timer->data;
    int64_t now_ms = loop_now_ms();
    self->due_ms = INT64_MAX; /* a `done` may ask again, and plan that */
    for (size_t i = 0; i < self->count; i++) {
        plan(self, peers_pending_sweep(&self->peers[i]->pending, now_ms));
        plan(self, redial(self->peers[i], now_ms));
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
    peer->pending.failed = self->failed;
    snprintf(peer->address, sizeof peer->address, "%s", address);
    self->peers[self->count++] = peer;
    dial(peer);
    set_redial(peer, REDIAL_FIRST_MS);
}

void peers_set_addresses(void *argument, const struct peers_address_list *list) {
    struct peers *self = argument;
    for (size_t i = 0; i < self->count; i++)
        self->peers[i]->listed = false;
    for (size_t n = 0; n < list->count; n++) {
        struct peer *known = NULL;
        for (size_t i = 0; i < self->count; i++)
            if (strcmp(self->peers[i]->address, list->addresses[n]) == 0)
                known = self->peers[i];
        if (known != NULL)
            known->listed = true;
        else
            add_peer(self, list->addresses[n]);
    }
}

static size_t depth_of_fullest(const void *argument) {
    const struct peers *self = argument;
    size_t most = 0;
    for (size_t i = 0; i < self->count; i++)
        if (self->peers[i]->pending.count > most)
            most = self->peers[i]->pending.count;
    return most;
}

static void prepare_metrics(struct peers *self) {
    snprintf(self->queue_name, sizeof self->queue_name, "to_%s", self->options.name);
    service_add_queue(self->service, self->queue_name, depth_of_fullest, self, PEERS_MAX_PENDING);
    metrics_errors(service_metrics(self->service), "asks_failed_total",
                   "Requests to other services that ended with an error.", self->failed);
}

/* NULL after a logged line. */
static struct peers_addresses *find_addresses(struct peers *self) {
    struct peers_list list;
    char fault[PEERS_REASON_BYTES] = "no memory, or no thread", reason[2 * PEERS_REASON_BYTES];
    char quoted[LOG_QUOTED_BYTES];
    struct peers_addresses *addresses = NULL;
    if (peers_list_read(self->options.addresses, &list, fault))
        addresses =
            peers_addresses_new(service_loop(self->service), &list, peers_set_addresses, self);
    if (addresses != NULL)
        return addresses;
    int length = snprintf(reason, sizeof reason, "%s_peers: %s", self->options.name, fault);
    log_error("start_failed", "reason=%s", log_quote(quoted, reason, (size_t)length));
    return NULL;
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
    ev_timer_init(&self->due, on_due, 0, 0);
    self->due_ms = INT64_MAX;
    self->heartbeat.data = self->due.data = self;
    ev_timer_start(service_loop(service), &self->heartbeat);
    self->addresses = find_addresses(self);
    if (self->addresses == NULL)
        peers_destroy(&self);
    return self;
}

void peers_destroy(struct peers **self_p) {
    struct peers *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    service_remove_queue(self->service, self);
    peers_addresses_destroy(&self->addresses);
    ev_timer_stop(service_loop(self->service), &self->heartbeat);
    ev_timer_stop(service_loop(self->service), &self->due);
    for (size_t i = 0; i < self->count; i++)
        self->peers[i]->state = PEER_STATE_DOWN; /* so that nothing is asked again */
    for (size_t i = 0; i < self->count; i++) {
        peers_pending_end_all(&self->peers[i]->pending, ERR_UNAVAILABLE);
        peer_destroy(&self->peers[i]);
    }
    buffer_free(&self->scratch);
    free(self);
}

bool peer_is_live(const struct peer *peer) { return peer->state == PEER_STATE_LIVE; }

const char *peer_address(const struct peer *peer) { return peer->address; }

uint64_t *peer_numbers(struct peer *peer) { return peer->numbers; }

size_t peer_pending(const struct peer *peer) { return peer->pending.count; }

/* --- asking ---------------------------------------------------------------------------------- */

/* NULL for a kind too many. */
static struct histogram *seconds_of(struct peers *self, const struct message_desc *message) {
    for (size_t i = 0; i < self->kind_count; i++)
        if (self->kinds[i].message == message)
            return self->kinds[i].seconds;
    if (self->kind_count == PEERS_MAX_KINDS)
        return NULL;
    char labels[ENVELOPE_MAX_NAME + 16];
    snprintf(labels, sizeof labels, "message=\"%s\"", message->name);
    struct peers_kind *kind = &self->kinds[self->kind_count++];
    *kind = (struct peers_kind){
        message,
        metrics_histogram(service_metrics(self->service), "ask_seconds", labels, HISTOGRAM_SECONDS,
                          "Time from asking another service to its reply.")};
    return kind->seconds;
}

static enum err ask(struct peers *self, struct peer *peer, const struct peers_request *request) {
    if (peer == NULL || peer->state != PEER_STATE_LIVE)
        return ERR_UNAVAILABLE;
    uint64_t timeout_ms =
        request->timeout_ms != 0 ? request->timeout_ms : settings_of(self)->request_timeout_ms;
    int64_t now_us = loop_now_us();
    const struct peers_asked asked = {.message = request->message,
                                      .done = request->done,
                                      .argument = request->argument,
                                      .trace = request->trace,
                                      .seconds = seconds_of(self, request->message),
                                      .asked_us = now_us,
                                      .deadline_ms = now_us / 1000 + (int64_t)timeout_ms};
    uint64_t id = peers_pending_add(&peer->pending, &asked);
    if (id == 0)
        return ERR_OVERLOADED;
    buffer_clear(&self->scratch);
    envelope_pack_request(&(struct envelope){.id = id,
                                             .name = slice_text(request->message->name),
                                             .trace = request->trace,
                                             .wait_ms = timeout_ms,
                                             .credential = request->credential},
                          request->message->body, request->body, &self->scratch);
    if (!send_scratch(peer)) {
        peers_pending_undo(&peer->pending, id);
        return ERR_OVERLOADED;
    }
    plan(self, asked.deadline_ms);
    if (request->ticket_r != NULL)
        *request->ticket_r = (struct peers_ticket){peer, id};
    return ERR_OK;
}

enum err peers_ask(struct peers *self, struct peer *peer, const struct peers_request *request) {
    enum err err = ask(self, peer, request);
    if (err != ERR_OK)
        metric_add(self->failed[err], 1);
    return err;
}

void peers_cancel(const struct peers_ticket *ticket) {
    struct buffer *out = &ticket->peer->owner->scratch;
    buffer_clear(out);
    envelope_pack(ENVELOPE_EVENT, 0, message_SERVICE_CANCEL.name, message_SERVICE_CANCEL.body,
                  &(struct service_cancel){.id = ticket->id}, out);
    /* When the queue is full, the instance does work whose result is not needed; no more is lost.
     */
    (void)send_scratch(ticket->peer);
}
