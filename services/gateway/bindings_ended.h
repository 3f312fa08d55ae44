/*
 * Reports connections that ended, until an instance of session has counted their accounts as gone.
 *
 *     struct ended *ended = ended_new(look_in, bindings);
 *     ended_add(ended, &(struct ended_binding){.account = ..., .link = client->bound_link, ...});
 *     if (!ended_report(ended, session, changing)) ... it must be tried again
 *     ended_link_lost(ended, link);      reports anew the ends that it has not counted
 *
 * The instance that has the account now receives the report. It may not know the connection, when
 * that was bound at an instance that was lost since: then it is bound first, so that there is
 * something to end. A report that fails is repeated. Each connection is remembered until
 * `until_ms`: an instance that is lost before may not have reported that the account has gone.
 */
#ifndef PARLEY_GATEWAY_BINDINGS_ENDED_H
#define PARLEY_GATEWAY_BINDINGS_ENDED_H

#include "common/peers.h"

/*
 * limit: gateway | ended connections that are remembered: until session knows, then for
 * `presence_grace_ms` | {ENDED_MAX} | the one that was reported longest ago is forgotten; where
 * none was reported the new one is, `unbind_dropped`: session forgets it with the next list, and
 * nobody gets news of it
 */
/* Connections that are remembered; beyond it the one that was reported longest ago is forgotten. */
#define ENDED_MAX 65536

struct ended;

struct ended_binding {
    uint64_t account, connection;
    uint64_t link;    /* under which it was bound */
    bool logged_out;  /* its account goes at once */
    int64_t until_ms; /* as loop_now_ms */
    /* Its own: the link of the instance that received the report, and where it stands. */
    uint64_t reported_link;
    struct ended *ended;
    struct ended_binding *next, *prev;
};

/* The link that an instance of session gave this gateway; 0: it has not replied to a ping yet. */
static inline uint64_t *link_of(struct peer *peer) { return &peer_numbers(peer)[0]; }

/* `look_in` is called when ended_report is to be called after `delay_ms`. NULL without memory. */
struct ended *ended_new(void (*look_in)(void *argument, int64_t delay_ms), void *argument)
    __attribute__((warn_unused_result));
void ended_destroy(struct ended **self);

/* Copies it. false: there is no room for it. */
bool ended_add(struct ended *self, const struct ended_binding *binding)
    __attribute__((warn_unused_result));
/* Reports all that ended, and forgets those whose time is over. false: no instance is there, or its
 * queue is full. `changing`: instances were found or lost a moment ago, so another gateway may have
 * to bind the account elsewhere. */
bool ended_report(struct ended *self, struct peers *session, bool changing);
void ended_link_lost(struct ended *self, uint64_t link);

/* How many are remembered; and whether all have been reported. */
size_t ended_count(const struct ended *self);
bool ended_are_reported(const struct ended *self);

#endif
