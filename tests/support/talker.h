/*
 * A client of the gateway in a C test: a plain socket that frames by hand, over TCP or WebSocket.
 *
 *     struct talker *alice = talker_new(port, true, 0);
 *     talker_say(alice, "{'msgType':99}");
 *     talker_poll(alice);                 reads arrived bytes, answers pings
 *     while (alice->text_count > 0) ... talker_take(alice) ...
 *     talker_destroy(&alice);
 *
 * Never waits for something to arrive: that is gateway_fixture.h's part. Anything impossible
 * fails the test.
 */
#ifndef PARLEY_TESTS_TALKER_H
#define PARLEY_TESTS_TALKER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buffer.h"

/* Texts that nobody has looked at; more fail the test. */
#define TALKER_MAX_TEXTS 4096

struct talker {
    int fd;
    bool websocket;
    bool deaf;      /* talker_poll reads nothing */
    bool pongless;  /* pings are counted, not answered */
    bool ended;     /* the server closed */
    unsigned pings; /* received */
    unsigned close_status;
    struct buffer in, last_ping;
    char *texts[TALKER_MAX_TEXTS];
    size_t text_count;
    /* filled in by a log-in, gateway_fixture.h */
    uint64_t account, connection;
    const char *token;
};

/* Connects; `receive_bytes`: size of the socket's receive buffer, 0 for the kernel's choice. */
struct talker *talker_new(uint16_t port, bool websocket, int receive_bytes);
/* Closes, as a client that vanishes. NULL inside is fine. */
void talker_destroy(struct talker **self);

/* Sends one object, printed like printf; ' stands for ". */
void talker_say(struct talker *self, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same without turning ' into ", for bytes from a client that are no object. */
void talker_say_raw(struct talker *self, const char *bytes, size_t length);
/* A WebSocket frame with that opcode. */
void talker_send_frame(struct talker *self, unsigned opcode, const char *bytes, size_t length);
/* Answers the last ping. */
void talker_send_pong(struct talker *self);

/* Takes in all messages that have arrived, without waiting. */
void talker_poll(struct talker *self);
/* The oldest text; the caller frees it. */
char *talker_take(struct talker *self);

/* Whether `text` is `pattern`, in which ' stands for " too, # for any number, and ~ for
 * whatever stands up to the next ". */
bool talker_matches(const char *pattern, const char *text);

#endif
