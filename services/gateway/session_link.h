/*
 * The links to instances of session: what they push, for main.c to hand to peers.h.
 *
 * The pushes of a link are numbered. A gap, or a ping's answer that tells of more than have come,
 * sends the clients that are bound under it back to the log.
 */
#ifndef PARLEY_GATEWAY_SESSION_LINK_H
#define PARLEY_GATEWAY_SESSION_LINK_H

#include "common/peers.h"

#define SESSION_LINK_EVENTS 4
extern const struct peers_event session_link_events[SESSION_LINK_EVENTS];
void session_link_pong(void *context, struct peer *peer, const struct service_pong *pong);

#endif
