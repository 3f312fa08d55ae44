/*
 * A service that a C test plays on its own thread, answering each request when and how it wants.
 *
 *     struct played *delivery = played_new("delivery", port);
 *     played_poll(delivery);                                answers pings, keeps requests
 *     struct asked *asked = played_take(delivery, &message_DELIVERY_PULL, &body);
 *     if (asked != NULL) played_answer(&asked, &reply);     or played_refuse
 *     played_destroy(&delivery);
 *
 * Never waits: that is gateway_fixture.h's part. (fake_peer.h is for tests to which answers do not
 * matter.)
 */
#ifndef PARLEY_TESTS_PLAYED_H
#define PARLEY_TESTS_PLAYED_H

#include <stdint.h>

#include "common/envelope.h"
#include "common/record.h"
#include "proto/messages.h"

struct played;
/* A request that has arrived. It lives until it is answered, or as long as the service. */
struct asked;

/* Listens on 127.0.0.1; each one made is another instance with another link. */
struct played *played_new(const char *name, uint16_t port);
/* Closes the port and all connections. NULL inside is fine. */
void played_destroy(struct played **self);
/* The item for zmq_poll. */
void *played_socket(const struct played *self);

/* Reads all messages that have arrived. */
void played_poll(struct played *self);
/* Requests whose caller said that it needs no answer any more. */
unsigned played_cancels(const struct played *self);
/* Pings that were answered. */
unsigned played_pings(const struct played *self);
/* The oldest request of that kind that was not taken; NULL when there is none. `body_r` and what it
 * points to live as long as the request. */
struct asked *played_take(struct played *self, const struct message_desc *message, void *body_r);
/* The same of those whose body is `wanted`. */
struct asked *played_take_if(struct played *self, const struct message_desc *message, void *body_r,
                             bool (*wanted)(const void *body));
/* Reads the body of one that was taken again. */
void played_read(struct asked *asked, void *body_r);
/* The name of the oldest request that was not taken; NULL when there is none. */
const char *played_waiting(const struct played *self);
/* The message of such a name. */
const struct message_desc *played_message(const char *name);
/* How many of that kind were not taken; and how many have no answer yet, taken or not. */
size_t played_count(const struct played *self, const struct message_desc *message);
size_t played_unanswered(const struct played *self, const struct message_desc *message);

/* Answer and free. */
void played_answer(struct asked **asked, const void *reply);
void played_refuse(struct asked **asked, enum err err);
/* With an error of the test's own making, of which the caller may know neither word nor text. */
void played_refuse_as(struct asked **asked, const struct envelope_error *error);

/* Sets the answer to pings from now on. */
void played_set_link(struct played *self, uint64_t link);
void played_set_pushed(struct played *self, uint64_t pushed);
void played_set_instance(struct played *self, uint64_t instance);
uint64_t played_link(const struct played *self);
uint64_t played_instance(const struct played *self);
/* Sends an event to the service under test, which must have pinged. */
void played_send(struct played *self, const struct message_desc *message, const void *body);
/* The next number of a push; the answers to pings report it, too. */
uint64_t played_next_seq(struct played *self);

#endif
