/*
 * The connection to the server: whole lines out of it, bytes into it.
 *
 *     struct chat_wire *wire = chat_wire_new(ev, "127.0.0.1", "54088", NULL, &events, argument);
 *     chat_wire_connect(wire);              then `opened`, or `closed` with the reason
 *     chat_wire_send(wire, bytes, length);
 *
 * After `closed` it may be connected again. No event is called from within connect and send.
 * An event may close the connection, not destroy it.
 */
#ifndef PARLEY_CTL_CHAT_WIRE_H
#define PARLEY_CTL_CHAT_WIRE_H

#include <ev.h>
#include <stdbool.h>

#include "common/record.h"
#include "services/ctl/chat/tls.h"

struct chat_wire;

struct chat_wire_events {
    void (*opened)(void *argument);
    void (*line)(void *argument, struct slice line); /* without its end; lives during the call */
    void (*drained)(void *argument);                 /* all that was to be sent was taken */
    void (*closed)(void *argument, const char *reason);
};

/* `trust`: NULL without TLS. It, `events` and the texts are borrowed. NULL without memory. */
struct chat_wire *chat_wire_new(struct ev_loop *ev, const char *host, const char *port,
                                struct chat_tls_trust *trust, const struct chat_wire_events *events,
                                void *argument);
void chat_wire_destroy(struct chat_wire **self);

/* Looks the name up, which may block, and tries its addresses one after the other. */
void chat_wire_connect(struct chat_wire *self);
/* Ends the connection without an event. */
void chat_wire_close(struct chat_wire *self);
bool chat_wire_is_open(const struct chat_wire *self);
/* Whether one more object of the protocol's size can be sent now. */
bool chat_wire_has_room(const struct chat_wire *self);
/* Only while it has room, and is open. */
void chat_wire_send(struct chat_wire *self, const char *bytes, size_t length);

#endif
