/*
 * A caller of services that waits for the replies, for the operator's tool and for tests.
 *
 *     struct caller *caller = caller_new("tcp://127.0.0.1:7101", keys, "auth");
 *     struct record_arena arena = {0};
 *     struct auth_resolve_reply reply;
 *     if (caller_ask(caller, &message_AUTH_RESOLVE, &ask, 2000, &arena, &reply) != ERR_OK)
 *         puts(caller_fault(caller));
 *     record_arena_free(&arena);
 *     caller_destroy(&caller);
 *
 * One request at a time, for one thread. An instance that is not there is waited for until the
 * time-out; a reply after the time-out is dropped.
 */
#ifndef PARLEY_CTL_CALLER_H
#define PARLEY_CTL_CALLER_H

#include "common/envelope.h"
#include "common/keys.h"
#include "common/record.h"

struct caller;

/* limit: tool | wait for the instance to show which of a service's keys it has, where there are
 * several | {CALLER_PROBE_MS} | the newest is taken */
#define CALLER_PROBE_MS 2000

/*
 * `address` is `tcp://host:port`, of an instance of `program` (NULL: of any). `keys` (NULL: CURVE
 * is off) are only needed meanwhile. NULL with errno when the address makes no sense to ZeroMQ,
 * without memory, or with ENOENT without a key of that program. Where it has several, a ping finds
 * out which one it is.
 */
struct caller *caller_new(const char *address, const struct keys *keys, const char *program);
void caller_destroy(struct caller **self);

/*
 * Asks and waits. ERR_OK: `reply_r` (message->reply->size bytes) is filled, and its pointers lead
 * into `arena`. ERR_TIMEOUT: no reply in time; ERR_INTERNAL: none that makes sense; else the
 * service's error.
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
