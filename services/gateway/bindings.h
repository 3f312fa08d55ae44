/*
 * Reports to session which connections are logged in at this gateway.
 *
 *     bindings_bind(client, false, done);     a login; `done` is called once
 *     bindings_unbind(client, logged_out);    its end
 *
 * Every logged-in client is bound at the session instance that has its account, under the link that
 * this instance gave the gateway. Always: when instances are found, lost or forget, each client is
 * bound where it belongs, then reads the message log again, since pushes may have been missed; and
 * each instance knows soon which clients are bound at it and which no longer are.
 */
#ifndef PARLEY_GATEWAY_BINDINGS_H
#define PARLEY_GATEWAY_BINDINGS_H

#include "common/peers.h"

struct bindings;
struct client;
struct gateway;
struct session_bind_reply;

struct bindings *bindings_new(struct gateway *gateway);
void bindings_destroy(struct bindings **self);

/* Reports to session that the client is logged in; `done` is called once, unless the client is
 * gone. `reply` is there when `err` is ERR_OK. With its `wait_ms` it is not bound, and may be only
 * after that, as one that has `waited`. */
typedef void bindings_done(struct client *client, enum err err,
                           const struct session_bind_reply *reply);
void bindings_bind(struct client *client, bool waited, bindings_done *done);
/* Reports that it no longer is, now or once an instance is there. `logged_out`: its account counts
 * as gone at once. */
void bindings_unbind(struct client *client, bool logged_out);

/* Called by peers.h when an instance is found or lost. */
void bindings_change(void *context, struct peer *peer, enum peer_change change);
/* The link that `peer` has given this gateway, as every reply to a ping has it. */
void bindings_set_link(struct gateway *gateway, struct peer *peer, uint64_t link);

/* Connections that ended and are remembered, ENDED_MAX at most. */
size_t bindings_waiting(const struct bindings *self);
/* Session knows of all that have ended, or there is none. */
bool bindings_idle(const struct bindings *self);

#endif
