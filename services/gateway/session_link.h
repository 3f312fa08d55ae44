/*
 * The links to instances of session: handlers of their pushes, which main.c hands to peers.h.
 *
 * The pushes of a link are numbered. After a gap, or a ping's answer with a higher number than has
 * arrived, the clients that are bound under it read the message log again.
 */
#ifndef PARLEY_GATEWAY_SESSION_LINK_H
#define PARLEY_GATEWAY_SESSION_LINK_H

#include "common/peers.h"

#define SESSION_LINK_EVENTS 4
extern const struct peers_event session_link_events[SESSION_LINK_EVENTS];
void session_link_pong(void *context, struct peer *peer, const struct service_pong *pong);

#endif
