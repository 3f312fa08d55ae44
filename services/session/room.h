/*
 * Room for a new connection: which others of its account give way to it.
 *
 *     wait_ms = room_wait_ms(room, &arrival);       0, or how long it has to wait before it is
 * bound
 *     ... directory_bind
 *     room_take(room, &arrival);                    it is bound: others may have to end
 *     room_heard(room, gateway, heard);             session.heard, which gateways were asked for
 *
 * A login has one connection only: when it is resumed elsewhere, its former connection is ended, at
 * whatever gateway. If that happens again within ROOM_SOON_MS of the last time, the new one waits
 * first, twice as long each time: two clients that throw each other out get slow.
 *
 * If an account has more connections than it may have, the one heard from least recently is ended.
 * Session asks gateways for that at that moment (gateway.heard); if one does not reply within
 * `heard_timeout_ms`, session uses what it knows. The new connection is bound meanwhile.
 *
 * A connection that has to end stays bound until its gateway unbinds it, and neither counts nor is
 * chosen again. Always: the new connection is never the one that has to end.
 */
#ifndef PARLEY_SESSION_ROOM_H
#define PARLEY_SESSION_ROOM_H

#include "common/service.h"
#include "proto/messages.h"
#include "services/session/directory.h"
#include "services/session/gateway_instances.h"

/*
 * limit: session | accounts of whose connections gateways are asked at once when they were heard |
 * {ROOM_ASKINGS} | a further one is judged by what is known
 */
#define ROOM_ASKINGS 1024
/*
 * limit: client | pause before a login is resumed again | {ROOM_SOON_MS}; else it waits
 * {ROOM_WAIT_FIRST_MS}, then twice as long each time, up to {ROOM_WAIT_MAX_MS} | `throttled`
 * when it would wait for more than `send_timeout_ms` in all
 */
/* A login that is resumed again within this time waits, first and at most for: */
#define ROOM_SOON_MS 2000
#define ROOM_WAIT_FIRST_MS 500
#define ROOM_WAIT_MAX_MS 16000

/* A connection that is new, or reported again. */
struct arrival {
    uint64_t account, connection;
    uint16_t gateway;
    uint64_t login; /* 0: unknown */
    bool resumed, waited;
};

struct room;

/* Borrows its arguments; `limit`: connections of an account; `timeout_ms`: how long gateways have
 * to tell when they were heard from. NULL without memory. */
struct room *room_new(struct service *service, struct directory *directory,
                      struct gateway_instances *gateways, uint64_t limit, int64_t timeout_ms)
    __attribute__((warn_unused_result));
void room_destroy(struct room **self);

uint64_t room_wait_ms(const struct room *self, const struct arrival *arrival);
void room_take(struct room *self, const struct arrival *arrival);
/* The same for one that its gateway had bound before; it ends where it should have long ago. */
void room_take_again(struct room *self, const struct arrival *arrival);
/* Fewer than its lists hold, where these are not of one length. */
void room_heard(struct room *self, uint16_t gateway, const struct session_heard *heard);

#endif
