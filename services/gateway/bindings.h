/*
 * Reports to session which connections are logged in at this gateway.
 *
 *     bindings_bind(client, false, done);     a login
 *     bindings_bound(client, must_wait);      in `done`, with session's reply
 *     bindings_unbind(client, logged_out);    its end
 *
 * Every logged-in client is bound at the session instance that has its account, under the link that
 * this instance gave the gateway. Always: when instances are found, lost or forget, each client is
 * bound where it belongs, then reads the message log again, since pushes may have been missed; and
 * each instance knows soon which clients are bound at it and which no longer are.
 */
#ifndef PARLEY_GATEWAY_BINDINGS_H
#define PARLEY_GATEWAY_BINDINGS_H

#include "services/gateway/request.h"

/*
 * limit: gateway | ended connections that are remembered: until session knows, then for
 * `presence_grace_ms` | {ENDED_MAX} | the oldest one is forgotten; where session does not know that
 * one, the new one is, `unbind_dropped`: session forgets it with the next list, and nobody gets
 * news of it
 */
/* Ended connections that are remembered. */
#define ENDED_MAX 65536

struct bindings;
struct client;
struct gateway;

struct bindings *bindings_new(struct gateway *gateway);
void bindings_destroy(struct bindings **self);

/* Reports to session that the client is logged in: the request in progress asks this. The reply is
 * a session_bind_reply. */
void bindings_bind(struct client *client, bool waited, request_done *done);
/* `done` got that reply. `must_wait`: it is not bound, and may be only after its `wait_ms`, as one
 * that has `waited`. */
void bindings_bound(struct client *client, bool must_wait);
/* Reports that it no longer is, now or once an instance is there. `logged_out`: its account counts
 * as gone at once. Until `presence_grace_ms` have passed an instance that is lost may not have
 * reported that the account has gone: then the next one receives the report, too. */
void bindings_unbind(struct client *client, bool logged_out);

/* The link that an instance of session gave this gateway; 0: it has not replied to a ping yet. */
static inline uint64_t *link_of(struct peer *peer) { return &peer_numbers(peer)[0]; }

/* Called by peers.h when an instance is found or lost. */
void bindings_change(void *context, struct peer *peer, enum peer_change change);
/* The link that `peer` has given this gateway, as every reply to a ping has it. */
void bindings_set_link(struct gateway *gateway, struct peer *peer, uint64_t link);

/* Connections that ended and are remembered, ENDED_MAX at most. */
size_t bindings_waiting(const struct bindings *self);
/* Session knows of all that have ended, or there is none. */
bool bindings_idle(const struct bindings *self);

#endif
