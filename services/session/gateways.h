/*
 * The gateways that are heard: one record per caller, by its routing id.
 *
 *     struct gateway *gateway = gateways_hear(gateways, call_caller(call), loop_now_ms());
 *     ... gateway_index(gateways, gateway) is its number in the directory
 *     while ((gateway = gateways_silent(gateways, loop_now_ms() - timeout_ms)) != NULL) {
 *         ... take what it had bound out of the directory
 *         gateways_forget(gateways, gateway);
 *     }
 *
 * Deliveries and groups ping as gateways do, so a caller becomes known by its first sign of life
 * and is a gateway from its first bind on. Always: `link` is random and not 0, so a caller that
 * was forgotten and comes again has another; whoever sees its link change binds again. A record
 * keeps its number until it is forgotten. Not for several threads.
 */
#ifndef PARLEY_SESSION_GATEWAYS_H
#define PARLEY_SESSION_GATEWAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/record.h"
#include "common/service.h"

/* Forgotten gateways that are known again when they return. */
#define GATEWAYS_REMEMBERED 64
/* Gateways at once. */
#define GATEWAYS_MAX 256
/* Callers at once: gateways, and the deliveries and groups that ping as well. */
#define GATEWAYS_SLOTS (GATEWAYS_MAX + 256)

struct gateway {
    char id[SERVICE_CALLER_BYTES];
    size_t id_length; /* 0: the record is free */
    bool binds;       /* set by gateways_set_binds */
    bool returned;    /* it was forgotten while it had bindings, and came back */
    int64_t since_ms; /* the record's first sign of life */
    uint64_t link;
    uint64_t seq; /* of the last push or other event that was sent to it */
    int64_t heard_ms;
};

struct gateways;

/* NULL without memory. */
struct gateways *gateways_new(void) __attribute__((warn_unused_result));
void gateways_destroy(struct gateways **self);

/* The caller's record, made when there is none, with `now_ms` as its last sign of life. NULL when
 * there are GATEWAYS_SLOTS already. */
struct gateway *gateways_hear(struct gateways *self, struct slice id, int64_t now_ms);
/* The same for a caller that is known; NULL for one that is not. */
struct gateway *gateways_hear_known(struct gateways *self, struct slice id, int64_t now_ms);

/* Makes it a gateway. False when it is none and there are GATEWAYS_MAX already. */
bool gateways_set_binds(struct gateways *self, struct gateway *gateway)
    __attribute__((warn_unused_result));

/* One that has not been heard since `since_ms`; NULL when there is none. */
struct gateway *gateways_silent(struct gateways *self, int64_t since_ms);
/* Moves every last sign of life forward: for time in which this process did not listen itself. */
void gateways_excuse(struct gateways *self, int64_t by_ms);
void gateways_forget(struct gateways *self, struct gateway *gateway);

/* Numbers are below GATEWAYS_SLOTS; gateways_at is NULL for a number of nobody. */
uint16_t gateway_index(const struct gateways *self, const struct gateway *gateway);
struct gateway *gateways_at(struct gateways *self, uint16_t index);
struct slice gateway_id(const struct gateway *gateway);

/* How many bind. */
size_t gateways_count(const struct gateways *self);

#endif
