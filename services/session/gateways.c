/*
 * The gateways that are heard. There are few and they call about once a second (binds come in
 * bulk), so a caller is found by looking at all; the push path knows them by number.
 */
#include "services/session/gateways.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct gateways {
    size_t used;  /* records from here on were never used */
    size_t count; /* that bind */
    struct gateway records[GATEWAYS_SLOTS];
    struct gateway gone[GATEWAYS_REMEMBERED]; /* the last that were forgotten, in a ring */
    size_t gone_next;
};

static bool was_forgotten(const struct gateways *self, struct slice id) {
    for (size_t i = 0; i < GATEWAYS_REMEMBERED; i++)
        if (slice_equal(gateway_id(&self->gone[i]), id))
            return true;
    return false;
}

static struct gateway *find(struct gateways *self, struct slice id) {
    for (size_t i = 0; i < self->used; i++)
        if (id.length > 0 && slice_equal(gateway_id(&self->records[i]), id))
            return &self->records[i];
    return NULL;
}

static struct gateway *find_free(struct gateways *self) {
    for (size_t i = 0; i < self->used; i++)
        if (self->records[i].id_length == 0)
            return &self->records[i];
    return self->used < GATEWAYS_SLOTS ? &self->records[self->used++] : NULL;
}

static uint64_t random_link(void) {
    uint64_t link = 0;
    while (link == 0)
        if (getrandom(&link, sizeof link, 0) != (ssize_t)sizeof link)
            link = 0; /* a signal came before the kernel had any: again */
    return link;
}

struct gateway *gateways_hear(struct gateways *self, struct slice id, int64_t now_ms) {
    struct gateway *gateway = gateways_hear_known(self, id, now_ms);
    if (gateway != NULL || id.length == 0 || id.length > sizeof gateway->id)
        return gateway;
    gateway = find_free(self);
    if (gateway == NULL)
        return NULL;
    *gateway = (struct gateway){.id_length = id.length,
                                .link = random_link(),
                                .heard_ms = now_ms,
                                .since_ms = now_ms,
                                .returned = was_forgotten(self, id)};
    memcpy(gateway->id, id.data, id.length);
    return gateway;
}

struct gateway *gateways_hear_known(struct gateways *self, struct slice id, int64_t now_ms) {
    struct gateway *gateway = find(self, id);
    if (gateway != NULL)
        gateway->heard_ms = now_ms;
    return gateway;
}

bool gateways_set_binds(struct gateways *self, struct gateway *gateway) {
    if (gateway->binds)
        return true;
    if (self->count >= GATEWAYS_MAX)
        return false;
    gateway->binds = true;
    self->count++;
    return true;
}

struct gateway *gateways_silent(struct gateways *self, int64_t since_ms) {
    for (size_t i = 0; i < self->used; i++)
        if (self->records[i].id_length > 0 && self->records[i].heard_ms < since_ms)
            return &self->records[i];
    return NULL;
}

void gateways_excuse(struct gateways *self, int64_t by_ms) {
    for (size_t i = 0; i < self->used; i++)
        self->records[i].heard_ms += by_ms;
}

void gateways_forget(struct gateways *self, struct gateway *gateway) {
    if (gateway->binds) {
        self->count--;
        self->gone[self->gone_next++ % GATEWAYS_REMEMBERED] = *gateway;
    }
    *gateway = (struct gateway){0};
}

uint16_t gateway_index(const struct gateways *self, const struct gateway *gateway) {
    return (uint16_t)(gateway - self->records);
}

struct gateway *gateways_at(struct gateways *self, uint16_t index) {
    return index < self->used && self->records[index].id_length > 0 ? &self->records[index] : NULL;
}

struct slice gateway_id(const struct gateway *gateway) {
    return slice_make(gateway->id, gateway->id_length);
}

size_t gateways_count(const struct gateways *self) { return self->count; }

struct gateways *gateways_new(void) {
    return calloc(1, sizeof(struct gateways));
}

void gateways_destroy(struct gateways **self) {
    free(*self);
    *self = NULL;
}
