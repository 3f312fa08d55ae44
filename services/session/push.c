/*
 * Pushes. A route is walked once: each copy (item, connection) goes into one shared array, in a
 * chain per gateway. Then each gateway that has a chain gets its messages, made from that chain;
 * gateways that are not concerned cost nothing. When the array is full in the middle of a route,
 * its content is sent and the walk goes on.
 */
#include "services/session/push.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

/* The most bytes that msgpack needs (sizes from its specification): a number; an item besides its
 * entry and connections (a map, two names, two headers of 5 bytes); a message besides its items
 * (the envelope's header, the body's map, seq and the header of items). */
#define NUMBER_BYTES 9
#define ITEM_BYTES (1 + sizeof "connections" + 5 + sizeof "entry" + 5)
#define MESSAGE_BYTES 128

/* Index 0 of `copies` is never used: it stands for none. */
#define NONE 0

struct copy {
    uint64_t connection;
    uint32_t item; /* index in the route */
    uint32_t next; /* in the chain of its gateway */
};

struct chain {
    uint32_t first, last;
};

struct pusher {
    struct service *service;
    struct directory *directory;
    struct gateway_instances *gateways;
    struct copy *copies; /* PUSHER_MAX_COPIES + 1 */
    uint32_t copy_count;
    uint64_t collected; /* copies, since the start */
    struct chain chains[GATEWAY_INSTANCES_SLOTS];
    uint16_t touched[GATEWAY_INSTANCES_SLOTS]; /* gateways whose chain is not empty */
    size_t touched_count;
    /* The message in the making. */
    struct push_item *items;
    uint64_t *connections; /* of all its items, one after the other */
    size_t item_count, connection_count, bytes;
    struct metric *routed, *pushes, *pushed, *unheard;
};

/* --- messages ------------------------------------------------------------------------------ */

static void start_message(struct pusher *self) {
    self->item_count = 0;
    self->connection_count = 0;
    self->bytes = MESSAGE_BYTES;
}

static void send_message(struct pusher *self, struct gateway_instance *gateway) {
    struct gateway_push push = {.seq = ++gateway->seq,
                                .items = {.items = self->items, .count = self->item_count}};
    service_send(self->service, gateway_instance_id(gateway), &message_GATEWAY_PUSH, &push);
    metric_add(self->pushes, 1);
    metric_add(self->pushed, self->connection_count);
    start_message(self);
}

static void start_item(struct pusher *self, struct slice entry) {
    self->items[self->item_count++] = (struct push_item){
        .connections = {.items = self->connections + self->connection_count}, .entry = entry};
    self->bytes += ITEM_BYTES + entry.length;
}

/* Turns one gateway's chain into messages and sends them. */
static void send_chain(struct pusher *self, struct gateway_instance *gateway, struct chain chain,
                       const struct route_item *route) {
    uint32_t item = UINT32_MAX; /* of the route, that the last of self->items stands for */
    start_message(self);
    for (uint32_t at = chain.first; at != NONE; at = self->copies[at].next) {
        const struct copy *copy = &self->copies[at];
        struct slice entry = route[copy->item].entry;
        bool fresh = copy->item != item ||
                     self->items[self->item_count - 1].connections.count == PUSH_MAX_CONNECTIONS;
        size_t more = NUMBER_BYTES + (fresh ? ITEM_BYTES + entry.length : 0);
        if (self->bytes + more > ENVELOPE_MAX_BYTES ||
            (fresh && self->item_count == PUSH_MAX_ITEMS)) {
            send_message(self, gateway);
            fresh = true;
        }
        if (fresh)
            start_item(self, entry);
        item = copy->item;
        self->connections[self->connection_count++] = copy->connection;
        self->items[self->item_count - 1].connections.count++;
        self->bytes += NUMBER_BYTES;
    }
    send_message(self, gateway);
}

static void send_collected(struct pusher *self, const struct route_item *route) {
    for (size_t i = 0; i < self->touched_count; i++) {
        uint16_t index = self->touched[i];
        struct gateway_instance *gateway = gateway_instances_at(self->gateways, index);
        assert(gateway != NULL); /* a forgotten one has no bindings */
        send_chain(self, gateway, self->chains[index], route);
        self->chains[index] = (struct chain){NONE, NONE};
    }
    self->touched_count = 0;
    self->copy_count = 0;
}

/* --- the walk ------------------------------------------------------------------------------ */

static void collect(struct pusher *self, const struct binding *binding, uint32_t item,
                    const struct route_item *items) {
    if (self->copy_count == PUSHER_MAX_COPIES)
        send_collected(self, items);
    uint32_t at = ++self->copy_count;
    self->collected++;
    self->copies[at] = (struct copy){binding->connection, item, NONE};
    struct chain *chain = &self->chains[binding->gateway];
    if (chain->first == NONE) {
        chain->first = at;
        self->touched[self->touched_count++] = binding->gateway;
    } else {
        self->copies[chain->last].next = at;
    }
    chain->last = at;
}

/* Whether anybody is connected whom the item is for. */
static bool collect_item(struct pusher *self, const struct route_item *items, uint32_t i) {
    const struct binding *walked;
    uint64_t position = 0, before = self->collected;
    while (items[i].everyone && (walked = directory_walk(self->directory, &position)) != NULL)
        collect(self, walked, i, items);
    for (size_t j = 0; !items[i].everyone && j < items[i].accounts.count; j++)
        for (DIRECTORY_EACH(self->directory, items[i].accounts.items[j], b))
            collect(self, b, i, items);
    return self->collected > before;
}

/* Only for this is an entry looked into here. */
static void note_routed(const struct route_item *item, bool heard) {
    struct record_arena arena = {0};
    struct entry entry;
    const char *fault;
    if (record_unpack(&entry_desc, item->entry, &arena, &entry, &fault) == 0) {
        uint64_t before = log_trace_begin(entry.trace);
        log_debug("routed", "cid=%llu conversation=%llu accounts=%zu everyone=%s heard=%s",
                  (unsigned long long)entry.cid, (unsigned long long)entry.conversation,
                  item->accounts.count, item->everyone ? "yes" : "no", heard ? "yes" : "no");
        log_trace_end(before);
    }
    record_arena_free(&arena);
}

void pusher_route(struct pusher *self, const struct session_route *route) {
    const struct route_item *items = route->items.items;
    uint64_t unheard = 0;
    for (uint32_t i = 0; i < route->items.count; i++) {
        bool heard = collect_item(self, items, i);
        unheard += !heard;
        if (log_enabled(LOG_LEVEL_DEBUG))
            note_routed(&items[i], heard);
    }
    send_collected(self, items);
    metric_add(self->routed, route->items.count);
    metric_add(self->unheard, unheard);
}

size_t pusher_kick(struct pusher *self, uint64_t account, uint64_t login,
                   struct gateway_kick kick) {
    size_t kicked = 0;
    for (DIRECTORY_EACH(self->directory, account, b)) {
        if (login != 0 && b->stay.login != login)
            continue;
        gateway_instances_kick(self->gateways, self->service, b->gateway, b->connection, kick);
        kicked++;
    }
    return kicked;
}

void pusher_dirty(struct pusher *self, struct slice reason) {
    for (uint16_t i = 0; i < GATEWAY_INSTANCES_SLOTS; i++) {
        struct gateway_instance *gateway = gateway_instances_at(self->gateways, i);
        if (gateway == NULL || !gateway->binds)
            continue;
        struct gateway_dirty dirty = {.seq = ++gateway->seq, .reason = reason};
        service_send(self->service, gateway_instance_id(gateway), &message_GATEWAY_DIRTY, &dirty);
    }
}

/* --- life ---------------------------------------------------------------------------------- */

struct pusher *pusher_new(struct service *service, struct directory *directory,
                          struct gateway_instances *gateways) {
    struct pusher *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    struct metrics *metrics = service_metrics(service);
    self->service = service;
    self->directory = directory;
    self->gateways = gateways;
    self->routed = metrics_counter(metrics, "routed_items_total", "", "Entries to be pushed.");
    self->unheard = metrics_counter(metrics, "routed_items_unheard_total", "",
                                    "Entries none of whose readers was connected.");
    self->pushes = metrics_counter(metrics, "pushes_total", "", "Push messages to gateways.");
    self->pushed = metrics_counter(metrics, "pushed_copies_total", "",
                                   "Entries in pushes, counted once per connection.");
    self->copies = calloc(PUSHER_MAX_COPIES + 1, sizeof *self->copies);
    self->connections = calloc(PUSHER_MAX_COPIES, sizeof *self->connections);
    self->items = calloc(PUSH_MAX_ITEMS, sizeof *self->items);
    if (self->copies == NULL || self->connections == NULL || self->items == NULL)
        pusher_destroy(&self);
    return self;
}

void pusher_destroy(struct pusher **self_p) {
    struct pusher *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    free(self->copies);
    free(self->connections);
    free(self->items);
    free(self);
}
