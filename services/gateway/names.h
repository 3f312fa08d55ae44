/*
 * String ids to numbers: a bounded cache in front of auth and group. Ids never change.
 *
 *     if (!names_find(names, kind, &id, &number))
 *         names_ask(client, kind, &id, done);
 *     ... done: number = names_take(names, kind, &id, reply);
 */
#ifndef PARLEY_GATEWAY_NAMES_H
#define PARLEY_GATEWAY_NAMES_H

#include "services/gateway/dialect/dialect.h"
#include "services/gateway/request.h"

struct names;

/* NULL without memory. */
struct names *names_new(void);
void names_destroy(struct names **self);
/* The number of an account or group, 0 where there can be none; false: the service has to be asked
 * for it. */
bool names_find(struct names *self, enum recipient_kind kind, const struct dialect_id *id,
                uint64_t *number_r);
/* Asks the service, on behalf of the request in progress. */
void names_ask(struct client *client, enum recipient_kind kind, const struct dialect_id *id,
               request_done *done);
/* Remembers a number that was asked for otherwise. */
void names_keep(struct names *self, enum recipient_kind kind, struct slice id, uint64_t number);
/* The number in the reply, which is remembered; 0: there is none. */
uint64_t names_take(struct names *self, enum recipient_kind kind, const struct dialect_id *id,
                    const void *reply);

#endif
