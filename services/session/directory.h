/*
 * The directory: on which connections of which gateways an account is.
 *
 *     struct directory *directory = directory_new(1000000, GATEWAY_INSTANCES_SLOTS);
 *     enum err err = directory_bind(directory, account, gateway, connection);
 *     for (DIRECTORY_EACH(directory, account, b)) ...
 *     directory_unbind(directory, account, gateway, connection);
 *     directory_drop_gateway(directory, gateway, false, NULL, NULL);
 *
 * Always: a connection of a gateway belongs to one account at most. At most `max_bindings` are
 * held, and DIRECTORY_MAX_PER_ACCOUNT of one account; memory grows with them by doubling (56 bytes
 * a binding and 11 to 22 bytes for each of two hash tables) and is kept when they go. Not for
 * several threads.
 */
#ifndef PARLEY_SESSION_DIRECTORY_H
#define PARLEY_SESSION_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/*
 * limit: client | connections of one account, with those that are being ended |
 * {DIRECTORY_MAX_PER_ACCOUNT} | the login fails: state 2, or a reason
 */
/* Connections of one account at once: those that it may have, and as many that have to end. */
#define DIRECTORY_MAX_PER_ACCOUNT 128

struct directory;

/* The fields that room.c keeps with each binding; 0 at first. */
struct stay {
    int64_t heard_ms;       /* when its client was heard, as far as that is known */
    uint64_t login;         /* which it belongs to */
    uint32_t resumed_stamp; /* when that was resumed on it */
    uint8_t turns;          /* how often it was too soon, up to then */
    bool asked;             /* its gateway is asked when it was heard */
    bool leaving;           /* its gateway has to end it */
};

/* Owned by the directory; valid until the next change of it. The last three are its own. */
struct binding {
    uint64_t account, connection;
    struct stay stay;
    uint16_t gateway;
    bool unconfirmed; /* since directory_unconfirm: its gateway may have it elsewhere by now */
    uint32_t account_next;
    uint32_t gateway_next, gateway_previous;
};

/* Gateways are numbers below `gateways`; max_bindings is below 2^30. NULL without memory. */
struct directory *directory_new(size_t max_bindings, size_t gateways)
    __attribute__((warn_unused_result));
void directory_destroy(struct directory **self);

/*
 * Says that `connection` of `gateway` is `account`'s. One that is there already stays; one of
 * another account is taken from that account, whatever happens then: it is no longer theirs. It is
 * confirmed from then on. ERR_TOO_MANY at either limit, ERR_UNAVAILABLE without memory: the
 * connection is then unbound.
 */
enum err directory_bind(struct directory *self, uint64_t account, uint16_t gateway,
                        uint64_t connection) __attribute__((warn_unused_result));

/* False, and no change, when there is no such binding. */
bool directory_unbind(struct directory *self, uint64_t account, uint16_t gateway,
                      uint64_t connection);

/* The binding; NULL when there is none. */
const struct binding *directory_find(const struct directory *self, uint64_t account,
                                     uint16_t gateway, uint64_t connection);

/* The fields kept with a binding, to be changed. */
struct stay *directory_stay(struct directory *self, const struct binding *binding);

/* From here on each binding of `gateway` is unconfirmed until it is bound again. */
void directory_unconfirm(struct directory *self, uint16_t gateway);
/* Removes every binding of `gateway`, or those alone that still are unconfirmed; how many they
 * were. `gone` (may be NULL) is called for each account that has none any more, unless the last one
 * was unconfirmed. */
size_t directory_drop_gateway(struct directory *self, uint16_t gateway, bool unconfirmed_only,
                              void (*gone)(void *argument, uint64_t account), void *argument);

/* The bindings of an account, in no order; NULL when there are no more. */
const struct binding *directory_first(const struct directory *self, uint64_t account);
const struct binding *directory_next(const struct directory *self, const struct binding *binding);
#define DIRECTORY_EACH(directory_, account_, name_)                                                \
    const struct binding *name_ = directory_first(directory_, account_);                           \
    (name_) != NULL;                                                                               \
    (name_) = directory_next(directory_, name_)

/* All bindings, in no order: start with *position 0; NULL when there are no more. Any change of the
 * directory ends the walk. */
const struct binding *directory_walk(const struct directory *self, uint64_t *position);

/* Bindings held. */
size_t directory_count(const struct directory *self);

#endif
