/*
 * The instances of the gateway that bind: one record each, by its routing id as a caller.
 *
 *     struct gateway_instance *gateway =
 *         gateway_instances_hear_binding(instances, call_caller(call), loop_now_ms());
 *     ... gateway->index is its number in the directory
 *     while ((gateway = gateway_instances_silent(instances, loop_now_ms() - timeout_ms)) != NULL) {
 *         ... take what it had bound out of the directory
 *         gateway_instances_drop(instances, gateway);
 *     }
 *
 * A caller is a gateway from its first bind on. Before, and for good where it is a delivery or a
 * group, it has a link and no record. Always: a link is not 0 and nobody can guess it, and a
 * gateway that was dropped and returns has another one; a gateway whose link changes binds again. A
 * gateway that was dropped keeps its record until another needs it. Not for several threads.
 */
#ifndef PARLEY_SESSION_GATEWAY_INSTANCES_H
#define PARLEY_SESSION_GATEWAY_INSTANCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/record.h"
#include "common/service.h"
#include "proto/messages.h"

/*
 * limit: session | gateways; with those that were dropped, of which session remembers that their
 * accounts have gone | {GATEWAY_INSTANCES_MAX}; {GATEWAY_INSTANCES_SLOTS} | `too_many`; the one
 * that was dropped longest ago is forgotten: nobody gets news when its clients are bound again
 */
/* Gateways at once. */
#define GATEWAY_INSTANCES_MAX 256
/* Records: those, and of gateways that were dropped. */
#define GATEWAY_INSTANCES_SLOTS (GATEWAY_INSTANCES_MAX + 256)

struct gateway_instance {
    uint16_t index; /* below GATEWAY_INSTANCES_SLOTS */
    char id[SERVICE_CALLER_BYTES];
    size_t id_length;
    bool binds;   /* it is heard; otherwise it was dropped */
    bool dropped; /* it fell silent as a gateway, and has not bound all of its clients since */
    uint64_t link;
    uint64_t seq; /* of the last push or other event that was sent to it */
    int64_t heard_ms;
};

struct gateway_instances;

/* NULL without memory. */
struct gateway_instances *gateway_instances_new(void) __attribute__((warn_unused_result));
void gateway_instances_destroy(struct gateway_instances **self);

/* The record of a gateway, with `now_ms` as its last sign of life; NULL for any other caller. */
struct gateway_instance *gateway_instances_hear(struct gateway_instances *self, struct slice id,
                                                int64_t now_ms);
/* The same, and it binds from here on. NULL when there are GATEWAY_INSTANCES_MAX others. */
struct gateway_instance *gateway_instances_hear_binding(struct gateway_instances *self,
                                                        struct slice id, int64_t now_ms);
/* The link of a caller that has no record, and the one that it starts with when it gets one. */
uint64_t gateway_instances_link(const struct gateway_instances *self, struct slice id);

/* One that has not been heard since `since_ms`; NULL when there is none. */
struct gateway_instance *gateway_instances_silent(struct gateway_instances *self, int64_t since_ms);
/* Moves every last sign of life forward: for time in which this process did not listen itself. */
void gateway_instances_excuse(struct gateway_instances *self, int64_t by_ms);
void gateway_instances_drop(struct gateway_instances *self, struct gateway_instance *gateway);

/* The one with this index; NULL: there is none. */
struct gateway_instance *gateway_instances_at(struct gateway_instances *self, uint16_t index);
struct slice gateway_instance_id(const struct gateway_instance *gateway);

/* Has a connection of the gateway with that index closed. */
void gateway_instances_kick(struct gateway_instances *self, struct service *service, uint16_t index,
                            uint64_t connection, struct gateway_kick kick);

/* How many bind. */
size_t gateway_instances_count(const struct gateway_instances *self);

#endif
