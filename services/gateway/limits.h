/*
 * How much of what creates or costs something an account, or a client's address, may ask for in a
 * minute: each limit is an option, 0 is none. Only this gateway's clients are counted.
 *
 *     account = limits_enter(limits, number);                at a login; NULL without memory
 *     if (limits_refuse(limits, &who, operation, now_us, reason)) ... `throttled`, for that reason
 *     limits_leave(limits, &account, now_us);                at a log-out, and the connection's end
 *
 * All connections of an account share its buckets. A bucket is remembered while it is not full,
 * also of an account that is away, and of an address: up to LIMITS_REMEMBERED_MAX of each.
 */
#ifndef PARLEY_GATEWAY_LIMITS_H
#define PARLEY_GATEWAY_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "services/gateway/dialect/dialect.h"
#include "services/gateway/gateway.h"

/*
 * limit: client | accounts that have left, and addresses that have registered accounts, whose
 * limits per minute are remembered | {LIMITS_REMEMBERED_MAX} of each; some 20 MiB together | that
 * of the one that is longest away is forgotten: it may do as much as a new one
 */
#define LIMITS_REMEMBERED_MAX 65536

/* Those that are kept per account come first; the last ones are the edge's, and only counted here.
 */
enum limit {
    LIMIT_TEXTS,
    LIMIT_GROUPS,
    LIMIT_INVITATIONS,
    LIMIT_HISTORY,
    LIMIT_SEARCHES,
    LIMIT_UPLOADS,
    LIMIT_REQUESTS,
    LIMIT_REGISTRATIONS,
    LIMIT_CONNECTIONS,
    LIMIT_INPUT,
    LIMIT_COUNT
};

struct limits;
struct counted;

/* Who asks. */
struct limits_who {
    struct counted *account; /* NULL: not logged in */
    const char *host;        /* edge_host */
};

/* NULL without memory. */
struct limits *limits_new(const struct gateway_settings *settings, struct metrics *metrics)
    __attribute__((warn_unused_result));
void limits_destroy(struct limits **self);

struct counted *limits_enter(struct limits *self, uint64_t account);
/* NULL is fine. */
void limits_leave(struct limits *self, struct counted **account, int64_t now_us);

/* Counts a request; true: it is one too many, `reason_r` names the limit and says when to try
 * again. */
bool limits_refuse(struct limits *self, const struct limits_who *who, enum operation operation,
                   int64_t now_us, char reason_r[DIALECT_FAULT_BYTES]);

/* Something was refused or closed at one of the edge's limits. */
void limits_count(const struct limits *self, enum limit limit);

/* How many accounts and addresses are remembered beside those that are logged in. */
size_t limits_remembered(const struct limits *self);

#endif
