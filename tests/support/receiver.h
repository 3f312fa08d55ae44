/*
 * An address that is posted to: an HTTP server of a C test, one request for each connection.
 *
 *     struct receiver *receiver = receiver_new();          it answers 200
 *     receiver_answer(receiver, "stop", NULL);             requests with this text have no answer
 * yet receiver_answer(receiver, "", "HTTP/1.1 503 X");     all others get that head from now on
 *     receiver_await(receiver, "hello", 1);
 *     receiver_destroy(&receiver);
 */
#ifndef PARLEY_TESTS_RECEIVER_H
#define PARLEY_TESTS_RECEIVER_H

#include <stddef.h>
#include <stdint.h>

struct receiver;

struct receiver *receiver_new(void);
uint16_t receiver_port(const struct receiver *self);
/* No request waits for an answer any more. */
void receiver_destroy(struct receiver **self);

/* What requests with this text get: a head, and behind an empty line a body; NULL: nothing, until
 * this is called again for it. The longest one that fits counts. Both are borrowed. */
void receiver_answer(struct receiver *self, const char *with, const char *answer);
/* As at first; requests so far are forgotten. */
void receiver_reset(struct receiver *self);

/* How many requests hold this text; and waits until so many do. */
size_t receiver_with(struct receiver *self, const char *text);
void receiver_await(struct receiver *self, const char *text, size_t count);
/* The last request that holds this text, head and body; lives until the receiver is reset. */
const char *receiver_last(struct receiver *self, const char *text);

#endif
