/* A subscription to Web Push as a client has sent it. Pure. */
#ifndef PARLEY_HOOKS_PUSH_SUBSCRIPTION_H
#define PARLEY_HOOKS_PUSH_SUBSCRIPTION_H

#include "proto/messages.h"
#include "services/hooks/web_push_crypto.h"

/* Whether its address and keys are such; `with_http`: an address may begin with http://, too. Keys
 * that are not those of a curve's point are refused here. */
bool push_subscription_read(const struct hooks_subscribe *ask, bool with_http,
                            struct web_push_keys *keys_r);

/* The origin of an endpoint, which is one. */
#define PUSH_ORIGIN_ROOM (PUSH_ENDPOINT_MAX_BYTES + 1)
void push_subscription_origin(const char *endpoint, char out[PUSH_ORIGIN_ROOM]);

#endif
