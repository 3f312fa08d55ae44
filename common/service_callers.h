/*
 * The connections to a service's ROUTER: counts them, and closes one when there are too many.
 *
 * ZeroMQ accepts every connection, and spins when it has no descriptor for the next one. So each
 * connection is counted when ZeroMQ's monitor reports it, and while there are more than `limit`, or
 * fewer descriptors than CALLERS_SPARE_FILES are left for the rest of the process, one is closed:
 * the oldest that has never sent a ping, or the newest when all have. Services ping every second,
 * so they stay connected and find room at once, whatever else is connected.
 */
#ifndef PARLEY_COMMON_SERVICE_CALLERS_H
#define PARLEY_COMMON_SERVICE_CALLERS_H

#include <ev.h>
#include <stddef.h>
#include <stdint.h>

/* Left to the process besides its callers; an eighth of the limit of open files where that is
 * less. */
#define CALLERS_SPARE_FILES 64
/* How often it is logged that there are too many. */
#define CALLERS_LOG_MS 10000

struct callers;
struct metric;

struct callers_options {
    uint16_t port; /* of the ROUTER */
    size_t limit;
    struct metric *refused; /* counts the connections that it closes */
    struct metric *denied;  /* counts the ones that ZeroMQ closes: they don't speak as they must */
};

/* `router` is a ZeroMQ socket of `context` that is not bound yet, and outlives this. NULL without
 * memory or descriptors. */
struct callers *callers_new(struct ev_loop *ev, void *context, void *router,
                            const struct callers_options *options);
/* Before the ROUTER is closed. */
void callers_destroy(struct callers **self);
/* A ping has arrived on this descriptor. */
void callers_heard(struct callers *self, int fd);
/* Whoever is connected there may be so no longer: the connection is closed. */
void callers_end(struct callers *self, int fd);
/* As of now; a depth for service_add_queue. */
size_t callers_count(const void *self);

#endif
