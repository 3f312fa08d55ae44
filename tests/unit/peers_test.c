/*
 * Peers, one instance each: how it appears, lives, drains, is lost, is found again; its answers,
 * and messages that it should not send. Requests are peers_request_test.c, several instances
 * peers_list_test.c.
 */
#include "common/log.h"
#include "tests/support/peers_fixture.h"

/* --- coming and going ------------------------------------------------------------------------ */

PEERS_TEST(it_is_live_from_its_first_ready_answer) {
    struct node *node = node_new(f);
    node->pong.ready = false;
    f->peers = peers_make(f, node_address(node));
    assert_non_null(f->peers);
    WAIT_FOR(f, node->pings >= 3);
    assert_null(peers_next(f->peers));
    assert_null(peers_by_key(f->peers, 1));
    assert_null(peers_live(f->peers, 0));
    assert_string_equal(f->changed, "");
    node->pong.ready = true;
    WAIT_FOR(f, peers_live_count(f->peers) == 1);
    struct peer *peer = peers_next(f->peers);
    assert_non_null(peer);
    assert_true(peer_is_live(peer));
    assert_string_equal(peer_address(peer), node_address(node));
    size_t pings = node->pings, pongs = f->pongs;
    WAIT_FOR(f, node->pings >= pings + 3 && f->pongs >= pongs + 3);
    assert_string_equal(f->changed, "+");
}

PEERS_TEST(it_may_start_after_its_callers) {
    struct node *node = node_new(f);
    node_close(node);
    f->peers = peers_make(f, node_address(node));
    assert_non_null(f->peers);
    /* An attempt that is refused does not make the next one wait longer. */
    for (int i = 0; i < 12; i++) {
        int64_t dialed_ms = f->peers->peers[0]->dialed_ms;
        WAIT_FOR(f, f->peers->peers[0]->dialed_ms != dialed_ms);
    }
    assert_int_equal(peers_live_count(f->peers), 0);
    node_open(node);
    WAIT_FOR(f, peers_live_count(f->peers) == 1);
}

PEERS_TEST(one_that_does_not_answer_is_tried_ever_more_slowly) {
    struct node *node = node_new(f);
    f->settings.peer_timeout_ms = 300; /* the longest that a new attempt waits */
    node->silent = true;
    f->peers = peers_make(f, node_address(node));
    assert_non_null(f->peers);
    WAIT_FOR(f, f->peers->peers[0]->redial_ms == 200);
    WAIT_FOR(f, f->peers->peers[0]->redial_ms == 300);
    assert_int_equal(peers_live_count(f->peers), 0);
    node->silent = false;
    WAIT_FOR(f, peers_live_count(f->peers) == 1);
}

/* The time-out is long: it is the broken connection that tells. */
PEERS_TEST(a_connection_that_breaks_is_lost_at_once) {
    struct node *node = node_new(f);
    peers_start(f);
    struct peer *peer = peers_next(f->peers);
    peer_numbers(peer)[0] = 5;
    peer_numbers(peer)[1] = 6;
    for (uint64_t i = 1; i <= 100; i++)
        ask(f, peer, i);
    assert_int_equal(peer_pending(peer), 100);
    node_close(node);
    WAIT_FOR(f, f->changes[PEER_LOST] == 1);
    assert_int_equal(f->outcome_count, 100);
    for (size_t i = 0; i < 100; i++)
        assert_outcome(f, i, i + 1, ERR_UNAVAILABLE);
    assert_err(try_ask(f, peer, 1, 0), ERR_UNAVAILABLE);
    node_open(node);
    WAIT_FOR(f, peers_live_count(f->peers) == 1);
    assert_string_equal(f->changed, "+-+");
    peer = peers_next(f->peers);
    assert_int_equal(peer_numbers(peer)[0] + peer_numbers(peer)[1], 0);
    /* Requests that waited in the old socket do not reach the new instance. */
    ask(f, peer, 500);
    WAIT_FOR(f, node->asked_count >= 1);
    assert_int_equal(node->asked[0].number, 500);
    node_answer(node, 0);
    WAIT_FOR(f, f->outcome_count == 101);
    assert_outcome(f, 100, 500, ERR_OK);
}

PEERS_TEST(a_silent_one_is_lost_after_the_time_out) {
    struct node *node = node_new(f);
    f->settings.peer_timeout_ms = 3000;
    peers_start(f);
    ask(f, peers_next(f->peers), 1);
    int64_t before_ms = loop_now_ms();
    node->silent = true;
    WAIT_FOR(f, f->changes[PEER_LOST] == 1);
    assert_true(loop_now_ms() - before_ms >= 2000);
    assert_int_equal(f->outcome_count, 1);
    assert_outcome(f, 0, 1, ERR_UNAVAILABLE);
    node->silent = false;
    WAIT_FOR(f, f->changes[PEER_LIVE] == 2);
}

PEERS_TEST(any_message_is_a_sign_of_life) {
    struct node *node = node_new(f);
    f->settings.peer_timeout_ms = 3000;
    peers_start(f);
    WAIT_FOR(f, node->caller != NULL);
    node->silent = true;
    int64_t end_ms = loop_now_ms() + 5000;
    for (uint64_t n = 1; loop_now_ms() < end_ms; n++) {
        node_tell(node, n);
        WAIT_FOR(f, f->last_event == n);
    }
    assert_string_equal(f->changed, "+");
}

PEERS_TEST(one_that_was_restarted_is_lost_and_found) {
    struct node *node = node_new(f);
    peers_start(f);
    ask(f, peers_next(f->peers), 1);
    node->pong.instance++; /* over the same connection: as behind a proxy */
    WAIT_FOR(f, f->changes[PEER_LIVE] == 2);
    assert_string_equal(f->changed, "+-+");
    assert_int_equal(f->outcome_count, 1);
    assert_outcome(f, 0, 1, ERR_UNAVAILABLE);
}

PEERS_TEST(a_new_link_is_noticed_and_nothing_is_lost) {
    struct node *node = node_new(f);
    peers_start(f);
    struct peer *peer = peers_next(f->peers);
    peer_numbers(peer)[1] = 9;
    ask(f, peer, 1);
    WAIT_FOR(f, node->asked_count == 1);
    node->pong.link = 2;
    WAIT_FOR(f, f->changes[PEER_RELINKED] == 1);
    size_t pongs = f->pongs;
    WAIT_FOR(f, f->pongs >= pongs + 2);
    assert_string_equal(f->changed, "+~");
    assert_int_equal(peer_numbers(peer)[1], 9);
    node_answer(node, 0);
    WAIT_FOR(f, f->outcome_count == 1);
    assert_outcome(f, 0, 1, ERR_OK);
}

PEERS_TEST(one_that_drains_is_asked_no_more_but_answers) {
    struct node *node = node_new(f);
    peers_start(f);
    struct peer *peer = peers_next(f->peers);
    ask(f, peer, 1);
    ask(f, peer, 2);
    WAIT_FOR(f, node->asked_count == 2);
    node->pong.ready = false;
    WAIT_FOR(f, !peer_is_live(peer));
    assert_null(peers_next(f->peers));
    assert_null(peers_by_key(f->peers, 3));
    assert_err(try_ask(f, peer, 3, 0), ERR_UNAVAILABLE);
    assert_string_equal(f->changed, "+");
    node_answer(node, 0);
    WAIT_FOR(f, f->outcome_count == 1);
    assert_outcome(f, 0, 1, ERR_OK);
    node_close(node);
    WAIT_FOR(f, f->changes[PEER_LOST] == 1);
    assert_int_equal(f->outcome_count, 2);
    assert_outcome(f, 1, 2, ERR_UNAVAILABLE);
}

PEERS_TEST(one_that_drained_may_become_ready_again) {
    struct node *node = node_new(f);
    peers_start(f);
    node->pong.ready = false;
    WAIT_FOR(f, peers_live_count(f->peers) == 0);
    node->pong.ready = true;
    WAIT_FOR(f, peers_live_count(f->peers) == 1);
    assert_int_equal(f->changes[PEER_LOST], 0);
}

PEERS_TEST(it_survives_many_losses) {
    struct node *node = node_new(f);
    peers_start(f);
    for (size_t round = 1; round <= 10; round++) {
        ask(f, peers_next(f->peers), round);
        node_close(node);
        node_open(node);
        WAIT_FOR(f, f->changes[PEER_LOST] == round && peers_live_count(f->peers) == 1);
        assert_int_equal(f->outcome_count, round);
        assert_outcome(f, round - 1, round, ERR_UNAVAILABLE);
    }
}

/* --- messages from the peer ------------------------------------------------------------------ */

PEERS_TEST(events_reach_their_handler) {
    struct node *node = node_new(f);
    peers_start(f);
    for (uint64_t n = 1; n <= 1000; n++)
        node_tell(node, n);
    WAIT_FOR(f, f->events == 1000);
    assert_int_equal(f->last_event, 1000);
}

PEERS_TEST(events_that_nobody_expects_or_that_do_not_fit_are_dropped) {
    struct node *node = node_new(f);
    peers_start(f);
    node_send_envelope(node, ENVELOPE_EVENT, 0, "test.other", &number_desc, &(struct number){1});
    node_send_envelope(node, ENVELOPE_EVENT, 0, message_TEST_EVENT.name, NULL, NULL);
    node_send(node, "\x93\x00\x00\xaatest.event\xc0", 15);
    node_send(node, "\x93\x00\x00\xaatest.event", 14);
    node_tell(node, 5);
    WAIT_FOR(f, f->last_event == 5);
    assert_int_equal(f->events, 1);
}

PEERS_TEST(bytes_that_are_no_message_are_dropped) {
    struct node *node = node_new(f);
    peers_start(f);
    ask(f, peers_next(f->peers), 1);
    WAIT_FOR(f, node->asked_count == 1);
    unsigned char bytes[201];
    for (int kind = 0; kind < 4; kind++) {
        static const unsigned char fillers[] = {0x00, 0x93, 0xc1, 0xff};
        memset(bytes, fillers[kind], sizeof bytes);
        for (size_t length = 0; length < sizeof bytes; length++)
            node_send(node, bytes, length);
    }
    zframe_t *caller = zframe_dup(node->caller);
    assert_int_equal(zframe_send(&caller, node->router, ZFRAME_MORE), 0);
    for (int part = 0; part < 5; part++) /* a message of several frames */
        assert_int_equal(zmq_send(zsock_resolve(node->router), "x", 1, part < 4 ? ZMQ_SNDMORE : 0),
                         1);
    uint64_t id = node->asked[0].id;
    node_send_envelope(node, ENVELOPE_REPLY, id + 1, "test.ask", &number_desc,
                       &(struct number){1}); /* nobody asked that */
    node_send_envelope(node, ENVELOPE_REPLY, id + PEERS_MAX_PENDING, "test.ask", &number_desc,
                       &(struct number){1}); /* nor that, though it has the same place */
    node_send_envelope(node, ENVELOPE_REQUEST, id, "test.ask", &number_desc,
                       &(struct number){1}); /* a question is no answer */
    node_send_envelope(node, ENVELOPE_REPLY, 0, "service.ping", NULL, NULL); /* an empty pong */
    node_send_envelope(node, ENVELOPE_ERROR, 0, "service.ping", NULL, NULL);
    node_tell(node, 5);
    WAIT_FOR(f, f->last_event == 5);
    assert_int_equal(f->outcome_count, 0);
    node_answer(node, 0);
    WAIT_FOR(f, f->outcome_count == 1);
    assert_outcome(f, 0, 1, ERR_OK);
    assert_string_equal(f->changed, "+");
}

int main(void) { return test_run_all(NULL, NULL); }
