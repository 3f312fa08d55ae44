/* String ids to numbers: a bounded cache in front of auth and group. Ids never change. */
#ifndef PARLEY_GATEWAY_NAMES_H
#define PARLEY_GATEWAY_NAMES_H

#include "common/error.h"
#include "services/gateway/dialect/dialect.h"

struct client;
struct gateway;
struct names;

struct names *names_new(struct gateway *gateway);
void names_destroy(struct names **self);
/*
 * The number of an account or group. true: `number_r` is it (0: there is none). false: the service
 * is asked, again and again while it is away and the client's patience lasts, and `done` is called
 * once with the number, or with an error, unless the client is gone.
 */
bool names_find(struct client *client, enum recipient_kind kind, const struct dialect_id *id,
                uint64_t *number_r,
                void (*done)(struct client *client, enum err err, uint64_t number));
void names_tick(struct gateway *gateway, int64_t now_ms);

#endif
