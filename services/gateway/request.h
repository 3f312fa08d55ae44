/* The request that a connection has in progress: one at a time, but for texts. */
#ifndef PARLEY_GATEWAY_REQUEST_H
#define PARLEY_GATEWAY_REQUEST_H

#include "proto/messages.h"
#include "services/gateway/dialect/dialect.h"
#include "services/gateway/patience.h"

struct client;
struct errand;

struct client_request {
    struct dialect_request request; /* while busy */
    bool busy;                      /* `request` is being carried out, or waits for the texts */
    bool started;                   /* it is being carried out */
    struct patience patience;       /* with the request in progress, from its look-ups on */
    unsigned char nonce[NONCE_BYTES];
    void (*again)(struct client *client); /* asks for it again; NULL: it is tried once */
    struct errand *errand;                /* that is on its way for it; NULL: none */
    bool awaits_retry;                    /* in gateway->retry_queue */
    struct client *next_retry, *prev_retry;
};

#endif
