/*
 * For the tests of the edge: a real one on loopback ports that the kernel chose, an owner that
 * echoes and writes down the events, and clients on plain sockets. All of it in one thread, on
 * one loop: UNTIL turns it. How clients frame by hand is in edge_frames.h.
 *
 *     EDGE_TEST(a_test) {
 *         struct edge_client *client = edge_client_open(f, EDGE_TCP);
 *         ... edge_client_write, edge_client_expect, UNTIL ...
 *         edge_client_close(&client);
 *     }
 */
#ifndef PARLEY_TESTS_EDGE_FIXTURE_H
#define PARLEY_TESTS_EDGE_FIXTURE_H

#include "common/buffer.h"
#include "common/loop.h"
#include "services/gateway/edge/edge.h"
#include "tests/support/test_list.h"

#define EDGE_DEADLINE_MS 60000

struct edge_fixture {
    struct ev_loop *ev;
    ev_timer tick; /* turns the loop every 2 ms, for clients that the loop doesn't know */
    struct edge_settings settings;
    struct edge *edge;
    struct buffer events;               /* "open;", "object TEXT;", "fault REASON;", ... */
    struct edge_connection *connection; /* the last one that was opened, until it is closed */
    bool quiet;                         /* no echo */
    bool within;                        /* a call into the edge is under way */
    bool lingers;                       /* at the end it does not close */
    bool pauses;                        /* behind each object */
    size_t objects, reached, ends, closed, refused, shaken, unshaken;
    size_t limited[2]; /* by enum edge_limit */
};

struct edge_client {
    struct edge_fixture *fixture;
    enum edge_transport transport;
    int fd;
    bool ended; /* the server closed */
    struct buffer in;
};

/* Goes on turning the loop until `condition_` holds; fails after EDGE_DEADLINE_MS. */
#define UNTIL(fixture_, condition_)                                                                \
    do {                                                                                           \
        int64_t end_ = loop_now_ms() + EDGE_DEADLINE_MS;                                           \
        while (!(condition_)) {                                                                    \
            if (loop_now_ms() >= end_)                                                             \
                fail_msg("waited in vain for %s; events: %s", #condition_,                         \
                         edge_fixture_events(fixture_));                                           \
            edge_fixture_turn(fixture_);                                                           \
        }                                                                                          \
    } while (0)

/* A test with an edge that runs; with settings that suit most tests, which may be changed before
 * edge_fixture_start. */
#define EDGE_TEST_WITH(name_, set_up_)                                                             \
    TEST_WITH(name_, struct edge_fixture *f, set_up_, edge_fixture_teardown)
#define EDGE_TEST(name_) EDGE_TEST_WITH(name_, edge_fixture_setup_started)
#define EDGE_TEST_UNSTARTED(name_) EDGE_TEST_WITH(name_, edge_fixture_setup)

int edge_fixture_setup(void **state);
int edge_fixture_setup_started(void **state);
int edge_fixture_teardown(void **state);
void edge_fixture_start(struct edge_fixture *self);
void edge_fixture_stop(struct edge_fixture *self);

/* {"pause"..}, {"close"..}, {"bad"..}, {"good"..} are carried out; anything else is echoed. */
extern const struct edge_handlers edge_fixture_handlers;

void edge_fixture_turn(struct edge_fixture *self);
void edge_fixture_turns(struct edge_fixture *self, int count);
/* Turns the loop for so long; returns how often it did. */
unsigned edge_fixture_turn_for(struct edge_fixture *self, int64_t ms);
/* The events that the owner wrote down. */
const char *edge_fixture_events(struct edge_fixture *self);
/* Sends the last connection numbered texts until its queue refuses for some turns; how many it
 * took. The number stands at text + `at`, in ten digits. */
size_t edge_fixture_fill(struct edge_fixture *self, char *text, size_t length, size_t at);

/* A socket that is connected; a WebSocket's handshake is the caller's. */
struct edge_client *edge_client_open(struct edge_fixture *fixture, enum edge_transport transport);
/* With its connection, which is fixture->connection now. */
struct edge_client *edge_client_open_whole(struct edge_fixture *fixture,
                                           enum edge_transport transport);
void edge_client_close(struct edge_client **self);
/* Closes, and waits for the end of the fixture's connection. */
void edge_client_leave(struct edge_client **self);

void edge_client_write(struct edge_client *self, const void *bytes, size_t length);
void edge_client_write_text(struct edge_client *self, const char *text);
/* Adds the object as the transport frames it (YouIM: as the body of type 5); writes it. */
void edge_client_add(const struct edge_client *self, struct buffer *out, struct slice object);
void edge_client_send(struct edge_client *self, const char *object);

/* Takes the bytes that have arrived into `in`. */
void edge_client_read(struct edge_client *self);
bool edge_client_has(struct edge_client *self, size_t length);
bool edge_client_has_ended(struct edge_client *self);
/* Waits for exactly these bytes next, and takes them. */
void edge_client_expect_bytes(struct edge_client *self, const void *bytes, size_t length);
void edge_client_expect(struct edge_client *self, const char *text);
/* A client over TCP that writes this, and was sent that. */
struct edge_client *edge_client_exchange(struct edge_fixture *fixture, const char *text,
                                         const char *answer);

/* The machine is gone: its kernel drops all that arrives for this connection, unanswered. */
void edge_client_drop_all(const struct edge_client *self, bool on);

#endif
