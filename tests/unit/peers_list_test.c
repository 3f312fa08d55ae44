/*
 * Several instances of one service: which is chosen, and which addresses name them.
 */
#include <pthread.h>

#include "common/log.h"
#include "tests/support/peers_fixture.h"

#define KEYS 4000

/* The ports that the keys 0 to KEYS-1 go to. */
static void map_keys(struct peers *peers, int ports[KEYS]) {
    for (uint64_t key = 0; key < KEYS; key++) {
        struct peer *peer = peers_by_key(peers, key);
        assert_non_null(peer);
        assert_ptr_equal(peers_by_key(peers, key), peer);
        ports[key] = (int)strtol(strrchr(peer_address(peer), ':') + 1, NULL, 10);
    }
}

static void start_with(struct fixture *f, size_t nodes) {
    for (size_t i = 0; i < nodes; i++)
        node_new(f);
    peers_start(f);
}

PEERS_TEST(keys_spread_evenly) {
    int ports[KEYS];
    start_with(f, 5);
    map_keys(f->peers, ports);
    for (size_t n = 0; n < 5; n++) {
        int count = 0;
        for (size_t i = 0; i < KEYS; i++)
            count += ports[i] == f->nodes[n]->port;
        assert_in_range(count, KEYS / 5 * 8 / 10, KEYS / 5 * 12 / 10);
    }
}

PEERS_TEST(only_the_keys_of_a_lost_one_move) {
    int before[KEYS], without[KEYS], after[KEYS];
    start_with(f, 5);
    map_keys(f->peers, before);
    node_close(f->nodes[2]);
    WAIT_FOR(f, peers_live_count(f->peers) == 4);
    map_keys(f->peers, without);
    size_t moved_to[5] = {0};
    for (size_t i = 0; i < KEYS; i++) {
        if (before[i] != f->nodes[2]->port)
            assert_int_equal(without[i], before[i]);
        else
            for (size_t n = 0; n < 5; n++)
                moved_to[n] += without[i] == f->nodes[n]->port;
    }
    for (size_t n = 0; n < 5; n++) /* shared by all that are left */
        assert_true(n == 2 ? moved_to[n] == 0 : moved_to[n] > KEYS / 5 / 8);
    node_open(f->nodes[2]);
    WAIT_FOR(f, peers_live_count(f->peers) == 5);
    map_keys(f->peers, after);
    assert_memory_equal(after, before, sizeof before);
}

PEERS_TEST(all_callers_choose_alike) {
    int mine[KEYS], theirs[KEYS];
    start_with(f, 3);
    map_keys(f->peers, mine);
    const char *backwards = test_text("%s,%s,%s", node_address(f->nodes[2]),
                                      node_address(f->nodes[1]), node_address(f->nodes[0]));
    struct service other = f->service;
    other.instance = 8; /* another caller */
    struct peers *peers =
        peers_new(&other, &(struct peers_options){.name = "node", .addresses = backwards});
    assert_non_null(peers);
    WAIT_FOR(f, peers_live_count(peers) == 3);
    map_keys(peers, theirs);
    peers_destroy(&peers);
    assert_memory_equal(mine, theirs, sizeof mine);
}

PEERS_TEST(they_take_turns) {
    start_with(f, 3);
    size_t turns[3] = {0};
    struct peer *last = NULL;
    for (size_t i = 0; i < 300; i++) {
        struct peer *peer = peers_next(f->peers);
        assert_ptr_not_equal(peer, last);
        last = peer;
        for (size_t n = 0; n < 3; n++)
            turns[n] += strcmp(peer_address(peer), node_address(f->nodes[n])) == 0;
    }
    for (size_t n = 0; n < 3; n++)
        assert_int_equal(turns[n], 100);
    node_close(f->nodes[1]);
    WAIT_FOR(f, peers_live_count(f->peers) == 2);
    for (size_t i = 0; i < 100; i++) {
        struct peer *peer = peers_next(f->peers);
        assert_non_null(peer);
        assert_true(peer_is_live(peer));
    }
    assert_non_null(peers_live(f->peers, 0));
    assert_non_null(peers_live(f->peers, 1));
    assert_ptr_not_equal(peers_live(f->peers, 0), peers_live(f->peers, 1));
    assert_null(peers_live(f->peers, 2));
}

/* --- addresses ------------------------------------------------------------------------------- */

PEERS_TEST(addresses_that_make_no_sense_are_refused) {
    static const char *const wrong[] = {
        "",
        "localhost:1",
        "tcp://",
        "tcp://localhost",
        "ipc:///tmp/socket:1",
        "tcp://127.0.0.1:1,",
        ",tcp://127.0.0.1:1",
        "tcp://127.0.0.1:1,,tcp://127.0.0.1:2",
        "tcp://127.0.0.1:1 tcp://127.0.0.1",
        "tcp://127.0.0.1:1, tcp://127.0.0.1:2",
        "tcp://127.0.0.1:1,localhost:2",
        "dns:localhost:1,",
        "dns:localhost:1,tcp://localhost",
        "dns:local host:1",
        "tcp://[]:1",
        "dns:",
        "dns:localhost",
        "dns::1",
        "dns:localhost:",
        "tcp://127.0.0.1:",
        "tcp://127.0.0.1:0",
        "tcp://127.0.0.1:65536",
        "tcp://127.0.0.1:999999",
        "tcp://127.0.0.1:http",
        "tcp://127.0.0.1:*",
        "tcp://127.0.0.1:80/",
        "tcp://:1",
        "tcp://:",
        "dns:localhost:65536",
        "dns:localhost:http",
    };
    log_open("test", LOG_LEVEL_ERROR);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct peers *peers = peers_make(f, wrong[i]);
        if (peers != NULL)
            fail_msg("\"%s\" was taken", wrong[i]);
    }
    char longer[300] = "tcp://";
    memset(longer + 6, 'a', 254);
    memcpy(longer + 6 + 254, ":1", 3);
    assert_null(peers_make(f, longer));
}

static const char *addresses_of(size_t count) {
    char text[(PEERS_MAX + 1) * 24] = "";
    for (size_t i = 0; i < count; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%stcp://127.0.0.1:%zu",
                 i == 0 ? "" : ",", 1 + i);
    return test_text("%s", text);
}

PEERS_TEST(there_are_at_most_so_many) {
    f->peers = peers_make(f, addresses_of(PEERS_MAX));
    assert_non_null(f->peers);
    assert_int_equal(f->peers->count, PEERS_MAX);
    assert_int_equal(peers_live_count(f->peers), 0);
    assert_null(peers_make(f, addresses_of(PEERS_MAX + 1)));
}

PEERS_TEST(an_address_that_is_named_twice_is_one) {
    int port = node_new(f)->port, other = node_new(f)->port;
    f->peers = peers_make(f, test_text("tcp://127.0.0.1:%d,tcp://127.1:%d,dns:127.0.0.1:%d,"
                                       "tcp://localhost:%d,dns:localhost:%d",
                                       port, port, port, port, other));
    assert_non_null(f->peers);
    assert_int_equal(f->peers->count, 1);
    WAIT_FOR(f, peers_live_count(f->peers) == 2); /* with the addresses of the names */
    assert_int_equal(f->peers->count, 2);
}

static bool has_address(const struct fixture *f, const char *address) {
    for (size_t i = 0; i < f->peers->count; i++)
        if (strcmp(peer_address(f->peers->peers[i]), address) == 0)
            return true;
    return false;
}

/* ZeroMQ gets numeric addresses, whatever the list has; the same name gives the same addresses. */
PEERS_TEST(lists_may_be_mixed) {
    for (size_t i = 0; i < 3; i++)
        node_new(f);
    f->peers = peers_make(f, test_text("tcp://localhost:%d,tcp://127.0.0.1:%d,dns:localhost:%d",
                                       f->nodes[0]->port, f->nodes[1]->port, f->nodes[2]->port));
    assert_non_null(f->peers);
    WAIT_FOR(f, peers_live_count(f->peers) == 3);
    assert_int_equal(f->peers->count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_true(has_address(f, node_address(f->nodes[i])));
}

PEERS_TEST(a_name_that_does_not_exist_harms_no_other) {
    struct node *node = node_new(f);
    f->peers =
        peers_make(f, test_text("tcp://name.invalid:1,%s,dns:name.invalid:2", node_address(node)));
    assert_non_null(f->peers);
    WAIT_FOR(f, peers_live_count(f->peers) == 1);
    int64_t until_ms = loop_now_ms() + 1500; /* some lookups */
    for (size_t n = 0; n == 0 || loop_now_ms() < until_ms; n++) {
        node->asked_count = f->outcome_count = 0; /* as many turns as the machine makes */
        ask(f, peers_next(f->peers), n);
        WAIT_FOR(f, node->asked_count == 1);
        node_answer(node, 0);
        WAIT_FOR(f, f->outcome_count == 1);
        assert_outcome(f, 0, n, ERR_OK);
    }
    assert_int_equal(f->peers->count, 1);
    assert_int_equal(f->changes[PEER_LOST], 0);
}

PEERS_TEST(a_name_is_looked_up) {
    struct node *node = node_new(f);
    f->peers = peers_make(f, test_text("dns:localhost:%d", node->port));
    assert_non_null(f->peers);
    WAIT_FOR(f, peers_live_count(f->peers) == 1);
    assert_string_equal(peer_address(peers_next(f->peers)), node_address(node));
    ask(f, peers_next(f->peers), 4);
    WAIT_FOR(f, node->asked_count == 1);
    node_answer(node, 0);
    WAIT_FOR(f, f->outcome_count == 1);
    assert_outcome(f, 0, 4, ERR_OK);
}

/* The sanitizers see what is left behind. */
PEERS_TEST(peers_may_end_during_a_lookup) {
    for (int i = 0; i < 20; i++) {
        f->peers = peers_make(f, "dns:localhost:1");
        assert_non_null(f->peers);
        peers_destroy(&f->peers);
    }
}

/* As a lookup finds them: an instance that is no longer named goes once it is lost. */
PEERS_TEST(unnamed_instances_stay_while_they_live) {
    start_with(f, 2);
    struct node *added = node_new(f);
    struct peers_address_list list = {.count = 2};
    snprintf(list.addresses[0], PEERS_ADDRESS_BYTES, "%s", node_address(f->nodes[1]));
    snprintf(list.addresses[1], PEERS_ADDRESS_BYTES, "%s", node_address(added));
    peers_set_addresses(f->peers, &list);
    WAIT_FOR(f, peers_live_count(f->peers) == 3);
    size_t pings = f->nodes[0]->pings;
    WAIT_FOR(f, f->nodes[0]->pings > pings + 2);
    node_close(f->nodes[0]);
    WAIT_FOR(f, f->peers->count == 2);
    assert_int_equal(peers_live_count(f->peers), 2);
    for (size_t i = 0; i < 2; i++)
        assert_string_not_equal(peer_address(peers_live(f->peers, i)), node_address(f->nodes[0]));
    list.count = 0;
    peers_set_addresses(f->peers, &list);
    node_close(f->nodes[1]);
    node_close(added);
    WAIT_FOR(f, f->peers->count == 0);
    assert_null(peers_next(f->peers));
}

int main(void) { return test_run_all(NULL, NULL); }
