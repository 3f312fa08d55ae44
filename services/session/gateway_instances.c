/*
 * The gateways that are heard. There are few and they call about once a second (binds arrive in
 * bulk), so a caller is found by looking at all; the push path knows them by number.
 */
#include "services/session/gateway_instances.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/hash.h"

struct gateway_instances {
    uint64_t secret; /* random, another one after each drop: links are made of it */
    size_t used;     /* records from here on were never used */
    size_t count;    /* that bind */
    struct gateway_instance records[GATEWAY_INSTANCES_SLOTS];
};

static void renew_secret(struct gateway_instances *self) {
    while (getrandom(&self->secret, sizeof self->secret, 0) != (ssize_t)sizeof self->secret)
        ; /* a signal came before the kernel had any: again */
}

uint64_t gateway_instances_link(const struct gateway_instances *self, struct slice id) {
    return (self->secret + hash_bytes(id.data, id.length)) | 1;
}

struct gateway_instance *gateway_instances_hear(struct gateway_instances *self, struct slice id,
                                                int64_t now_ms) {
    for (size_t i = 0; i < self->used; i++) {
        struct gateway_instance *gateway = &self->records[i];
        if (slice_equal(gateway_instance_id(gateway), id)) {
            gateway->heard_ms = now_ms;
            return gateway;
        }
    }
    return NULL;
}

/* Where all are taken, the record of a gateway that was dropped longest ago. */
static struct gateway_instance *find_free(struct gateway_instances *self) {
    struct gateway_instance *oldest = NULL;
    if (self->used < GATEWAY_INSTANCES_SLOTS)
        return &self->records[self->used++];
    for (size_t i = 0; i < self->used; i++) {
        struct gateway_instance *gateway = &self->records[i];
        if (!gateway->binds && (oldest == NULL || gateway->heard_ms < oldest->heard_ms))
            oldest = gateway;
    }
    return oldest;
}

struct gateway_instance *gateway_instances_hear_binding(struct gateway_instances *self,
                                                        struct slice id, int64_t now_ms) {
    struct gateway_instance *gateway = gateway_instances_hear(self, id, now_ms);
    if (gateway != NULL && gateway->binds)
        return gateway;
    if (self->count == GATEWAY_INSTANCES_MAX || id.length == 0 || id.length > sizeof gateway->id)
        return NULL;
    if (gateway == NULL) {
        gateway = find_free(self);
        *gateway = (struct gateway_instance){.index = (uint16_t)(gateway - self->records),
                                             .id_length = id.length,
                                             .link = gateway_instances_link(self, id),
                                             .heard_ms = now_ms};
        memcpy(gateway->id, id.data, id.length);
    }
    gateway->binds = true;
    self->count++;
    return gateway;
}

struct gateway_instance *gateway_instances_silent(struct gateway_instances *self,
                                                  int64_t since_ms) {
    for (size_t i = 0; i < self->used; i++)
        if (self->records[i].binds && self->records[i].heard_ms < since_ms)
            return &self->records[i];
    return NULL;
}

void gateway_instances_excuse(struct gateway_instances *self, int64_t by_ms) {
    for (size_t i = 0; i < self->used; i++)
        self->records[i].heard_ms += by_ms;
}

void gateway_instances_drop(struct gateway_instances *self, struct gateway_instance *gateway) {
    self->count--;
    renew_secret(self);
    gateway->binds = false;
    gateway->dropped = true;
    gateway->link = gateway_instances_link(self, gateway_instance_id(gateway));
    gateway->seq = 0;
}

struct gateway_instance *gateway_instances_at(struct gateway_instances *self, uint16_t index) {
    return index < self->used ? &self->records[index] : NULL;
}

struct slice gateway_instance_id(const struct gateway_instance *gateway) {
    return slice_make(gateway->id, gateway->id_length);
}

void gateway_instances_kick(struct gateway_instances *self, struct service *service, uint16_t index,
                            uint64_t connection, struct gateway_kick kick) {
    kick.connections = (struct u64_list){&connection, 1};
    service_send(service, gateway_instance_id(gateway_instances_at(self, index)),
                 &message_GATEWAY_KICK, &kick);
}

size_t gateway_instances_count(const struct gateway_instances *self) { return self->count; }

struct gateway_instances *gateway_instances_new(void) {
    struct gateway_instances *self = calloc(1, sizeof *self);
    if (self != NULL)
        renew_secret(self);
    return self;
}

void gateway_instances_destroy(struct gateway_instances **self) {
    free(*self);
    *self = NULL;
}
