/*
 * The gateways that are heard. There are few and they call about once a second (binds come in
 * bulk), so a caller is found by looking at all; the push path knows them by number.
 */
#include "services/session/gateway_instances.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct gateway_instances {
    size_t used;  /* records from here on were never used */
    size_t count; /* that bind */
    struct gateway_instance records[GATEWAY_INSTANCES_SLOTS];
};

static struct gateway_instance *find(struct gateway_instances *self, struct slice id) {
    for (size_t i = 0; i < self->used; i++)
        if (id.length > 0 && slice_equal(gateway_instance_id(&self->records[i]), id))
            return &self->records[i];
    return NULL;
}

static bool is_awaited(const struct gateway_instance *gateway) {
    return gateway->id_length > 0 && (gateway->binds || !gateway->dropped);
}

/* Where all are taken, the record of a gateway that was dropped longest ago. */
static struct gateway_instance *find_free(struct gateway_instances *self) {
    struct gateway_instance *oldest = NULL;
    for (size_t i = 0; i < self->used; i++) {
        struct gateway_instance *gateway = &self->records[i];
        if (gateway->id_length == 0)
            return gateway;
        if (!is_awaited(gateway) && (oldest == NULL || gateway->heard_ms < oldest->heard_ms))
            oldest = gateway;
    }
    return self->used < GATEWAY_INSTANCES_SLOTS ? &self->records[self->used++] : oldest;
}

static uint64_t random_link(void) {
    uint64_t link = 0;
    while (link == 0)
        if (getrandom(&link, sizeof link, 0) != (ssize_t)sizeof link)
            link = 0; /* a signal came before the kernel had any: again */
    return link;
}

struct gateway_instance *gateway_instances_hear(struct gateway_instances *self, struct slice id,
                                                int64_t now_ms) {
    struct gateway_instance *gateway = gateway_instances_hear_known(self, id, now_ms);
    if (gateway != NULL || id.length == 0 || id.length > sizeof gateway->id)
        return gateway;
    gateway = find_free(self);
    if (gateway == NULL)
        return NULL;
    *gateway = (struct gateway_instance){
        .id_length = id.length, .link = random_link(), .heard_ms = now_ms};
    memcpy(gateway->id, id.data, id.length);
    return gateway;
}

struct gateway_instance *gateway_instances_hear_known(struct gateway_instances *self,
                                                      struct slice id, int64_t now_ms) {
    struct gateway_instance *gateway = find(self, id);
    if (gateway != NULL)
        gateway->heard_ms = now_ms;
    return gateway;
}

bool gateway_instances_set_binds(struct gateway_instances *self, struct gateway_instance *gateway) {
    if (gateway->binds)
        return true;
    if (self->count >= GATEWAY_INSTANCES_MAX)
        return false;
    gateway->binds = true;
    self->count++;
    return true;
}

struct gateway_instance *gateway_instances_silent(struct gateway_instances *self,
                                                  int64_t since_ms) {
    for (size_t i = 0; i < self->used; i++)
        if (is_awaited(&self->records[i]) && self->records[i].heard_ms < since_ms)
            return &self->records[i];
    return NULL;
}

void gateway_instances_excuse(struct gateway_instances *self, int64_t by_ms) {
    for (size_t i = 0; i < self->used; i++)
        self->records[i].heard_ms += by_ms;
}

void gateway_instances_drop(struct gateway_instances *self, struct gateway_instance *gateway) {
    if (!gateway->binds) {
        *gateway = (struct gateway_instance){0};
        return;
    }
    self->count--;
    gateway->binds = false;
    gateway->dropped = true;
    gateway->link = random_link();
    gateway->seq = 0;
}

uint16_t gateway_instance_index(const struct gateway_instances *self,
                                const struct gateway_instance *gateway) {
    return (uint16_t)(gateway - self->records);
}

struct gateway_instance *gateway_instances_at(struct gateway_instances *self, uint16_t index) {
    return index < self->used && self->records[index].id_length > 0 ? &self->records[index] : NULL;
}

struct slice gateway_instance_id(const struct gateway_instance *gateway) {
    return slice_make(gateway->id, gateway->id_length);
}

size_t gateway_instances_count(const struct gateway_instances *self) { return self->count; }

struct gateway_instances *gateway_instances_new(void) {
    return calloc(1, sizeof(struct gateway_instances));
}

void gateway_instances_destroy(struct gateway_instances **self) {
    free(*self);
    *self = NULL;
}
