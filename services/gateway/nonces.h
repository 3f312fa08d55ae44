/* Nonces: what makes a request that is sent twice, by the client or by us, one request. */
#ifndef PARLEY_GATEWAY_NONCES_H
#define PARLEY_GATEWAY_NONCES_H

#include "proto/messages.h"
#include "services/gateway/dialect/dialect.h"

struct gateway;

/* The same for each request of an account with the same `ref`, and for a registration with the same
 * ref, id and e-mail address; without a ref a new one each time. */
void nonce_make(struct gateway *gateway, uint64_t account, const struct dialect_request *request,
                unsigned char nonce_r[NONCE_BYTES]);
/* The same of a call of the HTTP API, by the number of its API key and its Idempotency-Key. */
void nonce_make_of_key(struct gateway *gateway, uint64_t key, struct slice ref,
                       unsigned char nonce_r[NONCE_BYTES]);

#endif
