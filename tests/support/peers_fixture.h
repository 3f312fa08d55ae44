/*
 * Peers and the instances that they call, all on one loop in one thread.
 *
 *     struct node *node = node_new(f);            a ROUTER that a test plays
 *     peers_start(f, addresses_of(f));
 *     WAIT_FOR(f, node_is_live(f, node));
 *     ask(f, live_peer(f), 1);
 *     WAIT_FOR(f, node->asked_count == 1);
 *     node_answer(node, 0);
 *     WAIT_FOR(f, f->outcome_count == 1);
 *
 * Peers want a struct service: this one has a loop, settings and an instance number, no more.
 */
#ifndef PARLEY_TESTS_UNIT_PEERS_FIXTURE_H
#define PARLEY_TESTS_UNIT_PEERS_FIXTURE_H

#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/loop.h"
#include "common/peers_private.h"
#include "common/service_core.h"
#include "tests/support/assertions.h"
#include "tests/support/messages.h"
#include "tests/support/test_list.h"

#define MAX_NODES 8
#define MAX_ASKED 20000
/* Never within a test. */
#define LONG_MS 600000

/* An instance that the test plays. */
struct node {
    struct ev_loop *ev;
    zsock_t *router; /* NULL: it is gone */
    struct loop_socket *input;
    int port;
    struct service_pong pong; /* its answer to pings */
    bool silent;              /* answers nothing, not even pings */
    size_t pings;
    zframe_t *caller; /* of the last message */
    struct {
        uint64_t id, number;
    } asked[MAX_ASKED];
    size_t asked_count;
};

struct outcome {
    uint64_t number; /* as asked */
    enum err err;
    uint64_t reply;
    char text[64];
};

struct fixture {
    struct ev_loop *ev;
    struct service_settings settings;
    struct service_definition definition;
    struct service service;
    struct peers *peers;
    struct node *nodes[MAX_NODES];
    size_t node_count;
    size_t changes[PEER_RELINKED + 1]; /* how many of each */
    char changed[MAX_ASKED];           /* the same in their order: a letter each */
    size_t pongs, events;
    uint64_t last_event;
    struct outcome outcomes[MAX_ASKED];
    size_t outcome_count;
    uint64_t ask_again; /* each `done` asks so many times more */
};

/* Runs the loop until the condition holds; the sweep of peers wakes it often enough to look. */
#define WAIT_FOR(f_, condition_)                                                                   \
    do {                                                                                           \
        int64_t deadline_ms_ = loop_now_ms() + TEST_DEADLINE_MS;                                   \
        while (!(condition_)) {                                                                    \
            if (loop_now_ms() > deadline_ms_)                                                      \
                fail_msg("waited in vain for %s", #condition_);                                    \
            ev_run((f_)->ev, EVRUN_ONCE);                                                          \
        }                                                                                          \
    } while (0)

/* --- nodes --- */

void node_send(struct node *node, const void *bytes, size_t length);

void node_send_envelope(struct node *node, enum envelope_kind kind, uint64_t id, const char *name,
                        const struct record_desc *desc, const void *body);

/* Answers the `index`-th request that arrived, from 0, with its number times ten. */
void node_answer(struct node *node, size_t index);

void node_tell(struct node *node, uint64_t number);

void node_input(void *argument, void *socket);

/* The port may be one that it has just given up: the old socket closes on a thread of ZeroMQ's. */
void node_open(struct node *node);

void node_close(struct node *node);

struct node *node_new(struct fixture *f);

const char *node_address(const struct node *node);

/* --- peers --- */

struct peers *peers_make(struct fixture *f, const char *addresses);

/* With the addresses of all nodes, and waits until all are live. */
void peers_start(struct fixture *f);

struct asking {
    struct fixture *f;
    uint64_t number;
};

enum err try_ask(struct fixture *f, struct peer *peer, uint64_t number, uint64_t timeout_ms);

void ask(struct fixture *f, struct peer *peer, uint64_t number);

void assert_outcome(const struct fixture *f, size_t index, uint64_t number, enum err err);

/* --- a test's own --- */

int fixture_set_up(void **state);
int fixture_tear_down(void **state);
#define PEERS_TEST(name_) TEST_WITH(name_, struct fixture *f, fixture_set_up, fixture_tear_down)

#endif
