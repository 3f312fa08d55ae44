/*
 * Numbers of the accounts that a text mentions, before it goes to the outbox.
 *
 *     if (!mentions_find(names, &request))
 *         mentions_ask(client, done);              on behalf of the request in progress
 *     ... done: err = mentions_take(names, &request, reply);
 */
#ifndef PARLEY_GATEWAY_MENTIONS_H
#define PARLEY_GATEWAY_MENTIONS_H

#include "services/gateway/names.h"

/* Whether all of them are known, and have their numbers; at once for a text that mentions none. */
bool mentions_find(struct names *names, struct dialect_request *request);
/* The ids of those that are not, and how many they are. */
size_t mentions_unknown(const struct dialect_request *request, struct slice ids[MENTIONS_MAX]);
/* Asks for those that are not. */
void mentions_ask(struct client *client, request_done *done);
/* ERR_BAD_MENTION where there is no such account. */
enum err mentions_take(struct names *names, struct dialect_request *request,
                       const struct auth_resolve_reply *reply) __attribute__((warn_unused_result));

#endif
