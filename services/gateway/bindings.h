/* Logged-in connections as session knows them; see bindings.c. */
#ifndef PARLEY_GATEWAY_BINDINGS_H
#define PARLEY_GATEWAY_BINDINGS_H

#include "common/peers.h"

struct bindings;
struct client;
struct gateway;

struct bindings *bindings_new(struct gateway *gateway);
void bindings_destroy(struct bindings **self);
/* Whose number of a login session has named; NULL: it has logged out. */
struct client *bindings_client(const struct gateway *gateway, uint64_t binding);
/* Tells session that the client is here; `done` is called once, unless the client is gone. With
 * `wait_ms` it is not bound, and may be only after that, as one that has `waited`. */
typedef void bindings_done(struct client *client, enum err err, uint64_t wait_ms);
void bindings_bind(struct client *client, bool waited, bindings_done *done);
/* Tells session that it is not; remembered until session has answered or forgotten it anyway. */
void bindings_unbind(struct client *client);
void bindings_tick(struct gateway *gateway);
void bindings_change(void *context, struct peer *peer, enum peer_change change);
/* Connections that left and that session has not heard of yet. */
size_t bindings_waiting(const struct bindings *self);
#define BINDINGS_WAITING_MAX 65536
void bindings_pong(void *context, struct peer *peer, const struct service_pong *pong);
#define BINDINGS_EVENTS 4
extern const struct peers_event bindings_events[BINDINGS_EVENTS];

#endif
