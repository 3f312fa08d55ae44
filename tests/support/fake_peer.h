/*
 * A service that a C test plays for the service under test: a ROUTER on a thread of its own.
 *
 *     struct fake_peer *session = fake_peer_new("session", port);
 *     ...                                      the service finds it and calls it ready
 *     struct session_route route;
 *     fake_peer_expect(session, &message_SESSION_ROUTE, &route);
 *     fake_peer_destroy(&session);
 *
 * Pings are answered `ready`; every other request is kept, and answered with an empty map (all that
 * a reply without required fields needs) or as fake_peer_refuse and fake_peer_ignore have it.
 * Events are kept in the same way. A message that is not as expected, or takes longer than
 * TEST_DEADLINE_MS, fails the test. All calls are made on the test's thread.
 */
#ifndef PARLEY_TESTS_FAKE_PEER_H
#define PARLEY_TESTS_FAKE_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "common/record.h"

/* Messages that nobody has looked at; more fail the test. */
#define FAKE_PEER_MAX_MESSAGES 4096

struct fake_peer;

/* Plays the service `name` on 127.0.0.1; each one made is another instance. */
struct fake_peer *fake_peer_new(const char *name, uint16_t port);
/* Closes the port at once. NULL inside is fine: for teardowns. */
void fake_peer_destroy(struct fake_peer **self);

/* The next `count` requests are kept, but answered with this error. */
void fake_peer_refuse(struct fake_peer *self, enum err err, size_t count);
/* The next `count` requests are kept, but not answered. Pings are. */
void fake_peer_ignore(struct fake_peer *self, size_t count);
/* Until it is undone nothing is answered, pings neither, and nothing is kept. */
void fake_peer_set_silent(struct fake_peer *self, bool silent);
/* Its answer to pings: one that is stopping is not ready. */
void fake_peer_set_ready(struct fake_peer *self, bool ready);

/* From now on messages of this kind are not kept, however many arrive; NULL: all are. */
void fake_peer_pass_over(struct fake_peer *self, const struct message_desc *message);

/* Takes the oldest message, waits for it when there is none; it must be a `message`. `body_r` and
 * what it points to live until the next fake_peer_expect. */
void fake_peer_expect(struct fake_peer *self, const struct message_desc *message, void *body_r);
/* How many messages wait. */
size_t fake_peer_waiting(struct fake_peer *self);

#endif
