/*
 * Pushes: from entries for accounts to events for gateways.
 *
 *     struct pusher *pusher = pusher_new(service, directory, gateways);
 *     pusher_route(pusher, route);            one gateway.push per gateway concerned
 *     pusher_dirty(pusher, reason);           gateway.dirty to every gateway
 *     pusher_kick(pusher, account, 0, kick);  gateway.kick to those that have the account
 *
 * A gateway gets the items that concern it in the order of the route, as one message unless that
 * would pass a limit of gateway.push, ENVELOPE_MAX_BYTES, or PUSHER_MAX_COPIES copies for all
 * gateways together; then as several. Each message counts its gateway's seq up by one, whether or
 * not the link takes it: what the link drops shows as a gap.
 *
 * All memory is taken at the start, some 5 MB; nothing is allocated per message here.
 */
#ifndef PARLEY_SESSION_PUSH_H
#define PARLEY_SESSION_PUSH_H

#include "common/service.h"
#include "proto/messages.h"
#include "services/session/directory.h"
#include "services/session/gateway_instances.h"

/*
 * limit: session | copies (entry, connection) collected before they are sent |
 * {PUSHER_MAX_COPIES} | several pushes
 */
/* Copies (an entry for one connection) that are collected before they are sent. */
#define PUSHER_MAX_COPIES 131072

struct pusher;

/* Borrows its arguments. NULL without memory. */
struct pusher *pusher_new(struct service *service, struct directory *directory,
                          struct gateway_instances *gateways) __attribute__((warn_unused_result));
void pusher_destroy(struct pusher **self);

void pusher_route(struct pusher *self, const struct session_route *route);
void pusher_dirty(struct pusher *self, struct slice reason);
/* Has the account's connections closed, or those of one `login` alone; how many they are. `kick`
 * says why. */
size_t pusher_kick(struct pusher *self, uint64_t account, uint64_t login, struct gateway_kick kick);

#endif
