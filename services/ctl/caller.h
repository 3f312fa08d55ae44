/*
 * A caller of services that waits for the replies, for the operator's tool and for tests.
 *
 *     struct caller *caller = caller_new("tcp://127.0.0.1:7101");
 *     struct record_arena arena = {0};
 *     struct auth_resolve_reply reply;
 *     if (caller_ask(caller, &message_AUTH_RESOLVE, &ask, 2000, &arena, &reply) != ERR_OK)
 *         puts(caller_fault(caller));
 *     record_arena_free(&arena);
 *     caller_destroy(&caller);
 *
 * One request at a time, for one thread. An instance that is not there is waited for as long as
 * the time-out says; a reply after the time-out is dropped.
 */
#ifndef PARLEY_CTL_CALLER_H
#define PARLEY_CTL_CALLER_H

#include "common/envelope.h"
#include "common/record.h"

struct caller;

/* `address` is `tcp://host:port`. NULL when it makes no sense to ZeroMQ, or without memory. */
struct caller *caller_new(const char *address);
void caller_destroy(struct caller **self);

/*
 * Asks and waits. ERR_OK: `reply_r` (message->reply->size bytes) is filled, what it points to lives
 * in `arena`. ERR_TIMEOUT: no reply in time; ERR_INTERNAL: none that makes sense; else what the
 * service answered.
 */
enum err caller_ask(struct caller *self, const struct message_desc *message, const void *body,
                    uint64_t timeout_ms, struct record_arena *arena, void *reply_r)
    __attribute__((warn_unused_result));
/* The same for any name and any bytes in place of the body; `reply_desc` may be NULL (then
 * `reply_r` is not touched). */
enum err caller_ask_bytes(struct caller *self, const char *name, struct slice body,
                          uint64_t timeout_ms, struct record_arena *arena,
                          const struct record_desc *reply_desc, void *reply_r)
    __attribute__((warn_unused_result));

/* caller_ask in two halves, to ask several services at once: `deadline_ms` as of loop_now_ms(). */
enum err caller_send(struct caller *self, const struct message_desc *message, const void *body)
    __attribute__((warn_unused_result));
enum err caller_receive(struct caller *self, const struct message_desc *message,
                        int64_t deadline_ms, struct record_arena *arena, void *reply_r)
    __attribute__((warn_unused_result));

/* As given to caller_new. */
const char *caller_address(const struct caller *self);
/* The sentence that belongs to the last error; valid until the next request. */
const char *caller_fault(const struct caller *self);

#endif
