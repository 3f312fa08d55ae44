/*
 * A client's texts on their way to the message log.
 *
 * They stand in a list in the order in which they were read. Those to one recipient travel
 * together: while a request with some of them is at delivery, later ones gather behind it and leave
 * in one request when the reply is there. So they can never overtake each other, whatever fails,
 * and each is stored once: a request without a reply is sent again, to whichever instance has the
 * conversation then, with the same nonces.
 *
 * Delivery refuses a request as a whole. When one with several texts is refused, each of these is
 * sent again alone, in order, for a verdict of its own: an earlier request, whose reply was lost,
 * may have stored it, or only its neighbour may be at fault.
 */
#ifndef PARLEY_GATEWAY_OUTBOX_H
#define PARLEY_GATEWAY_OUTBOX_H

#include <ev.h>
#include <stddef.h>
#include <stdint.h>

#include "services/gateway/dialect/dialect.h"

/*
 * limit: gateway | texts of a connection that wait to be stored | {OUTBOX_MAX} | nothing more
 * is read from it until one is done
 */
/* Texts of a connection that may wait to be stored; beyond it nothing more is read. */
#define OUTBOX_MAX 64

struct client;
struct gateway;
struct outgoing;

struct client_outbox {
    struct outgoing *texts; /* in the order in which they were read */
    size_t count;
    int64_t stored_ms; /* when the last was; 0: none, or its copy is written */
    ev_timer timer;    /* of the texts that wait, no later than the first is due */
};

/* Of a new client. */
void outbox_init(struct client *client);
/* Takes the request over and stores its text; the numbers of its recipient (0: there is none) and
 * of those whom it mentions are known; answers when that is done, or has failed until `until_ms`.
 */
void outbox_add(struct client *client, struct dialect_request *request, int64_t until_ms);
/* An instance of delivery or group was found or lost: sends the texts that may be sent now. */
void outbox_send_all(struct gateway *gateway);
/* The client is gone: texts that no delivery has are dropped. */
void outbox_stop(struct client *client);

#endif
