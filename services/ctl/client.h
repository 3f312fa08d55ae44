/*
 * A caller of services that waits for its answers, for the operator's tool and for tests.
 *
 *     struct client *client = client_new("tcp://127.0.0.1:7101");
 *     struct record_arena arena = {0};
 *     struct auth_resolve_reply reply;
 *     if (client_ask(client, &message_AUTH_RESOLVE, &ask, 2000, &arena, &reply) != ERR_OK)
 *         puts(client_fault(client));
 *     record_arena_free(&arena);
 *     client_destroy(&client);
 *
 * One request at a time, for one thread. An instance that is not there is waited for as long as
 * the time-out says; an answer that comes after its time-out is dropped.
 */
#ifndef PARLEY_CTL_CLIENT_H
#define PARLEY_CTL_CLIENT_H

#include "common/envelope.h"
#include "common/record_define.h"

struct client;

/* `address` is `tcp://host:port`. NULL when it makes no sense to ZeroMQ, or without memory. */
struct client *client_new(const char *address);
void client_destroy(struct client **self);

/*
 * Asks and waits. ERR_OK: `reply_r` (message->reply->size bytes) is filled, what it points to lives
 * in `arena`. ERR_TIMEOUT: no answer in time; ERR_INTERNAL: none that makes sense; else what the
 * service answered.
 */
enum err client_ask(struct client *self, const struct message_desc *message, const void *body,
                    uint64_t timeout_ms, struct record_arena *arena, void *reply_r)
    __attribute__((warn_unused_result));
/* The same for any name and any bytes in place of the body; `reply_desc` may be NULL (then
 * `reply_r` is not touched). */
enum err client_ask_bytes(struct client *self, const char *name, struct slice body,
                          uint64_t timeout_ms, struct record_arena *arena,
                          const struct record_desc *reply_desc, void *reply_r)
    __attribute__((warn_unused_result));

/* client_ask in two halves, to ask several services at once: `deadline_ms` as of loop_now_ms(). */
enum err client_send(struct client *self, const struct message_desc *message, const void *body)
    __attribute__((warn_unused_result));
enum err client_receive(struct client *self, const struct message_desc *message,
                        int64_t deadline_ms, struct record_arena *arena, void *reply_r)
    __attribute__((warn_unused_result));

/* As given to client_new. */
const char *client_address(const struct client *self);
/* The sentence that belongs to the last error; valid until the next request. */
const char *client_fault(const struct client *self);

#endif
