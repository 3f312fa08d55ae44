/*
 * A caller of a service in a C test: a DEALER that asks, and keeps the events that arrive.
 *
 *     struct test_caller *gateway = test_caller_new("gateway-1", port);
 *     struct session_bind_reply done;
 *     enum err err = test_caller_ask(gateway, &message_SESSION_BIND, &bind, &done);
 *     struct gateway_push push;
 *     test_caller_event(gateway, &message_GATEWAY_PUSH, &push);
 *     test_caller_destroy(&gateway);
 *
 * Answers and events travel in one stream, so once an answer is here, every event that was sent
 * before it is here too: no test has to wait to see that something was not sent. A message that is
 * not as expected, or takes longer than TEST_DEADLINE_MS, fails the test.
 */
#ifndef PARLEY_TESTS_TEST_CALLER_H
#define PARLEY_TESTS_TEST_CALLER_H

#include <stdint.h>

#include "common/envelope.h"
#include "common/error.h"
#include "common/record.h"

/* Events of one caller that nobody has looked at; more fail the test. */
#define TEST_CALLER_MAX_EVENTS 4096

struct test_caller;

/* `name` is the routing id. It may send what any program may (test_keys.h). */
struct test_caller *test_caller_new(const char *name, uint16_t port);
/* The same with the key of one program. */
struct test_caller *test_caller_new_as(const char *program, const char *name, uint16_t port);
/* NULL inside is fine: for teardowns. */
void test_caller_destroy(struct test_caller **self);

/*
 * Sends a request and waits for its answer. ERR_OK: `reply_r` (may be NULL) is filled; it and what
 * it points to live until the next test_caller_ask. Else test_caller_text has the text with it.
 */
enum err test_caller_ask(struct test_caller *self, const struct message_desc *message,
                         const void *body, void *reply_r);
/* The same in two steps, for requests of several callers at once. */
void test_caller_start(struct test_caller *self, const struct message_desc *message,
                       const void *body);
enum err test_caller_finish(struct test_caller *self, const struct message_desc *message,
                            void *reply_r);
/* Many at once: sends a request, whose id it returns; and takes the next answer, to any of them. */
uint64_t test_caller_post(struct test_caller *self, const struct message_desc *message,
                          const void *body);
enum err test_caller_take(struct test_caller *self, uint64_t *id_r);
/* Sets how long requests from now on say that their caller waits; 0, as at first: they do not say.
 */
void test_caller_set_wait(struct test_caller *self, uint64_t wait_ms);
/* The API key that requests from now on show; empty, as at first: none. */
void test_caller_set_credential(struct test_caller *self, struct slice credential);
/* Says that a request that was posted needs no answer any more. */
void test_caller_cancel(struct test_caller *self, uint64_t id);
/* The same with a body of the test's own making, and any name: for malformed requests. */
enum err test_caller_ask_bytes(struct test_caller *self, const char *name, struct slice body);
/* The text of the last error; "" when there was none. */
const char *test_caller_text(const struct test_caller *self);

/* Sends one frame as it is, and waits for nothing. */
void test_caller_send(struct test_caller *self, struct slice frame);

/* Takes the oldest event, waits for it when there is none; it must be a `message`. `body_r` and
 * what it points to live until the next test_caller_event. */
void test_caller_event(struct test_caller *self, const struct message_desc *message, void *body_r);
/* How many events are here; exact right after an answer. */
size_t test_caller_events(const struct test_caller *self);
/* Bytes of the frame of the last event that was taken. */
size_t test_caller_event_bytes(const struct test_caller *self);

/* A counter or gauge of the service, as service.status has it; `name` without prefix, with labels.
 * One that is not there fails the test. */
uint64_t test_caller_metric(struct test_caller *self, const char *name);

#endif
