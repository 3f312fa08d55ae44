/*
 * Requests to peers: each ends exactly once, in order, whatever becomes of the answer.
 */
#include "tests/support/peers_fixture.h"

static struct peer *only_peer(struct fixture *f) {
    struct peer *peer = peers_live(f->peers, 0);
    assert_non_null(peer);
    return peer;
}

PEERS_TEST(answers_reach_their_callers) {
    struct node *node = node_new(f);
    peers_start(f);
    for (uint64_t i = 0; i < 100; i++)
        ask(f, only_peer(f), i);
    WAIT_FOR(f, node->asked_count == 100);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(node->asked[i].number, i); /* in the order of asking */
        node_answer(node, 99 - i);                  /* answered in another */
    }
    WAIT_FOR(f, f->outcome_count == 100);
    for (size_t i = 0; i < 100; i++)
        assert_outcome(f, i, 99 - i, ERR_OK);
    assert_int_equal(peer_pending(only_peer(f)), 0);
    node_answer(node, 0); /* twice: nobody waits for it any more */
    node_tell(node, 1);
    WAIT_FOR(f, f->events == 1);
    assert_int_equal(f->outcome_count, 100);
}

PEERS_TEST(errors_have_word_and_text) {
    struct node *node = node_new(f);
    peers_start(f);
    static const struct {
        const char *word, *text;
        enum err err;
        const char *shown; /* NULL: that of the error */
    } cases[] = {
        {"taken", "that one is taken", ERR_TAKEN, "that one is taken"},
        {"taken", "", ERR_TAKEN, NULL},
        {"a_later_word", "something new", ERR_INTERNAL, "something new"},
        {"ok", "", ERR_INTERNAL, ""}, /* an error that is none */
        {"", "", ERR_INTERNAL, NULL},
    };
    size_t count = sizeof cases / sizeof cases[0];
    for (size_t i = 0; i < count; i++)
        ask(f, only_peer(f), i);
    WAIT_FOR(f, node->asked_count == count);
    for (size_t i = 0; i < count; i++) {
        struct envelope_error error = {slice_text(cases[i].word), slice_text(cases[i].text)};
        node_send_envelope(node, ENVELOPE_ERROR, node->asked[i].id, "test.ask",
                           &envelope_error_desc, &error);
    }
    WAIT_FOR(f, f->outcome_count == count);
    for (size_t i = 0; i < count; i++) {
        assert_outcome(f, i, i, cases[i].err);
        if (cases[i].shown == NULL)
            assert_string_equal(f->outcomes[i].text, err_text(cases[i].err));
        else if (cases[i].shown[0] != '\0')
            assert_string_equal(f->outcomes[i].text, cases[i].shown);
    }
}

PEERS_TEST(answers_that_do_not_fit_are_internal_errors) {
    struct node *node = node_new(f);
    peers_start(f);
    for (uint64_t i = 0; i < 3; i++)
        ask(f, only_peer(f), i);
    WAIT_FOR(f, node->asked_count == 3);
    node_send_envelope(node, ENVELOPE_REPLY, node->asked[0].id, "test.ask", NULL, NULL);
    node_send_envelope(node, ENVELOPE_ERROR, node->asked[1].id, "test.ask", NULL, NULL);
    char cut[] = "\x93\x02\x07\xa8test.ask\x81\xa6number";
    cut[2] = (char)node->asked[2].id;
    node_send(node, cut, sizeof cut - 1);
    WAIT_FOR(f, f->outcome_count == 3);
    for (size_t i = 0; i < 3; i++)
        assert_outcome(f, i, i, ERR_INTERNAL);
}

/* An instance that stops in order answers its requests, then closes: no answer is lost, though
 * the end of the connection may be seen before all of them are read. */
PEERS_TEST(answers_before_the_end_of_the_connection_count) {
    struct node *node = node_new(f);
    peers_start(f);
    for (size_t round = 1; round <= 10; round++) {
        size_t count = round % 2 == 0 ? 5 : 2000;
        f->outcome_count = 0;
        for (uint64_t i = 0; i < count; i++)
            ask(f, only_peer(f), i);
        WAIT_FOR(f, node->asked_count == count);
        for (size_t i = 0; i < count; i++)
            node_answer(node, i);
        zsock_set_linger(node->router, TEST_DEADLINE_MS);
        node_close(node);
        WAIT_FOR(f, f->changes[PEER_LOST] == round);
        assert_int_equal(f->outcome_count, count);
        for (size_t i = 0; i < count; i++)
            assert_outcome(f, i, i, ERR_OK);
        node_open(node);
        WAIT_FOR(f, peers_live_count(f->peers) == 1);
    }
}

PEERS_TEST(a_request_ends_when_its_time_is_over) {
    struct node *node = node_new(f);
    peers_start(f);
    int64_t before_ms = loop_now_ms();
    ask(f, only_peer(f), 1);
    assert_err(try_ask(f, only_peer(f), 2, 100), ERR_OK);
    assert_err(try_ask(f, only_peer(f), 3, 100), ERR_OK);
    ask(f, only_peer(f), 4);
    WAIT_FOR(f, node->asked_count == 4);
    WAIT_FOR(f, f->outcome_count == 2);
    assert_true(loop_now_ms() - before_ms >= 100);
    assert_outcome(f, 0, 2, ERR_TIMEOUT);
    assert_outcome(f, 1, 3, ERR_TIMEOUT);
    assert_string_equal(f->outcomes[0].text, ""); /* no peer gave a reason */
    for (size_t i = 0; i < 4; i++)
        node_answer(node, i); /* two of them too late */
    WAIT_FOR(f, f->outcome_count == 4);
    assert_outcome(f, 2, 1, ERR_OK);
    assert_outcome(f, 3, 4, ERR_OK);
    assert_string_equal(f->changed, "+"); /* slow is not lost */
}

PEERS_TEST(the_time_is_that_of_the_settings_by_default) {
    struct node *node = node_new(f);
    f->settings.request_timeout_ms = 50;
    peers_start(f);
    ask(f, only_peer(f), 1);
    WAIT_FOR(f, f->outcome_count == 1);
    assert_outcome(f, 0, 1, ERR_TIMEOUT);
    assert_true(node->asked_count <= 1);
}

/* --- too many -------------------------------------------------------------------------------- */

/* Asks until it is refused, while the node reads; how many were taken. */
static uint64_t ask_all(struct fixture *f, struct node *node, uint64_t from) {
    uint64_t taken = 0;
    while (try_ask(f, only_peer(f), from + taken, 0) == ERR_OK) {
        taken++;
        if (taken % 1000 == 0)
            WAIT_FOR(f, node->asked_count >= from + taken);
    }
    WAIT_FOR(f, node->asked_count == from + taken);
    return taken;
}

PEERS_TEST(too_many_in_progress_are_refused) {
    struct node *node = node_new(f);
    peers_start(f);
    assert_int_equal(ask_all(f, node, 0), PEERS_MAX_PENDING);
    assert_int_equal(peer_pending(only_peer(f)), PEERS_MAX_PENDING);
    assert_err(try_ask(f, only_peer(f), 1, 0), ERR_OVERLOADED);
    for (size_t i = 0; i < 10; i++)
        node_answer(node, i);
    WAIT_FOR(f, f->outcome_count == 10);
    assert_int_equal(ask_all(f, node, PEERS_MAX_PENDING), 10);
    node_close(node);
    WAIT_FOR(f, f->changes[PEER_LOST] == 1);
    assert_int_equal(f->outcome_count, PEERS_MAX_PENDING + 10);
    for (size_t i = 0; i < f->outcome_count; i++)
        assert_outcome(f, i, i, i < 10 ? ERR_OK : ERR_UNAVAILABLE);
}

/* A node that reads nothing fills the socket's queue before the window. */
PEERS_TEST(a_full_queue_is_refused_too) {
    struct node *node = node_new(f);
    peers_start(f);
    loop_socket_destroy(&node->input);
    uint64_t taken = 0;
    while (try_ask(f, only_peer(f), taken, 0) == ERR_OK)
        taken++;
    assert_true(taken <= PEERS_MAX_PENDING);
    assert_int_equal(peer_pending(only_peer(f)), taken);
    node->input = loop_socket_new(f->ev, zsock_resolve(node->router), node_input, node);
    WAIT_FOR(f, node->asked_count == taken); /* all taken requests have been sent */
}

PEERS_TEST(too_large_requests_are_refused) {
    node_new(f);
    peers_start(f);
    char *bytes = calloc(1, ENVELOPE_MAX_BYTES);
    assert_non_null(bytes);
    struct large body = {.bytes = slice_make(bytes, ENVELOPE_MAX_BYTES)};
    assert_err(peers_ask(f->peers, only_peer(f),
                         &(struct peers_request){.message = &message_TEST_TAKE, .body = &body}),
               ERR_OVERLOADED);
    assert_int_equal(peer_pending(only_peer(f)), 0);
    free(bytes);
}

/* --- asking from within a done --------------------------------------------------------------- */

PEERS_TEST(a_done_may_ask) {
    struct node *node = node_new(f);
    peers_start(f);
    f->ask_again = 3;
    ask(f, only_peer(f), 1);
    for (size_t i = 0; i < 4; i++) {
        WAIT_FOR(f, node->asked_count == i + 1);
        node_answer(node, i);
        WAIT_FOR(f, f->outcome_count == i + 1);
        assert_outcome(f, i, 1 + 1000 * i, ERR_OK);
    }
}

PEERS_TEST(a_done_may_ask_when_its_time_is_over) {
    struct node *node = node_new(f);
    peers_start(f);
    f->ask_again = 2;
    assert_err(try_ask(f, only_peer(f), 1, 50), ERR_OK);
    assert_err(try_ask(f, only_peer(f), 2, 50), ERR_OK);
    WAIT_FOR(f, node->asked_count == 4);
    assert_int_equal(f->outcome_count, 2);
    node_answer(node, 2);
    node_answer(node, 3);
    WAIT_FOR(f, f->outcome_count == 4);
    assert_outcome(f, 2, 1001, ERR_OK);
    assert_outcome(f, 3, 1002, ERR_OK);
}

/* A lost peer's requests go to another: nothing ends twice, nothing is forgotten. */
PEERS_TEST(a_done_may_ask_another_when_its_peer_is_lost) {
    struct node *one = node_new(f), *other = node_new(f);
    peers_start(f);
    struct peer *peer = peers_live(f->peers, 0);
    assert_string_equal(peer_address(peer), node_address(one));
    for (uint64_t i = 0; i < 50; i++)
        ask(f, peer, i);
    f->ask_again = 50;
    node_close(one);
    WAIT_FOR(f, other->asked_count == 50);
    assert_int_equal(f->outcome_count, 50);
    for (size_t i = 0; i < 50; i++) {
        assert_outcome(f, i, i, ERR_UNAVAILABLE);
        node_answer(other, i);
    }
    WAIT_FOR(f, f->outcome_count == 100);
    for (size_t i = 0; i < 50; i++)
        assert_outcome(f, 50 + i, 1000 + i, ERR_OK);
}

PEERS_TEST(the_end_of_peers_ends_all_requests) {
    node_new(f);
    node_new(f);
    peers_start(f);
    for (uint64_t i = 0; i < 20; i++)
        ask(f, peers_live(f->peers, i % 2), i);
    struct peers *peers = f->peers;
    peers_destroy(&peers);
    f->peers = NULL;
    assert_null(peers);
    assert_int_equal(f->outcome_count, 20);
    for (size_t i = 0; i < 20; i++) /* those of the one, then those of the other */
        assert_outcome(f, i, i < 10 ? 2 * i : 2 * i - 19, ERR_UNAVAILABLE);
}

PEERS_TEST(one_that_is_not_there_cannot_be_asked) {
    struct node *node = node_new(f);
    node->pong.ready = false;
    f->peers = peers_make(f, node_address(node));
    assert_non_null(f->peers);
    assert_err(try_ask(f, NULL, 1, 0), ERR_UNAVAILABLE);
    assert_err(try_ask(f, f->peers->peers[0], 1, 0), ERR_UNAVAILABLE);
}

/* An idle caller is woken by heartbeats alone: the timer stops once all have been found, and then
 * runs for the request that ends first, not for each. */
PEERS_TEST(the_timer_runs_only_for_due_requests) {
    node_new(f);
    peers_start(f);
    WAIT_FOR(f, f->peers->due_ms == INT64_MAX);
    assert_false(ev_is_active(&f->peers->due));
    assert_err(try_ask(f, only_peer(f), 1, LONG_MS), ERR_OK);
    int64_t far_ms = f->peers->due_ms;
    assert_true(far_ms > loop_now_ms() + LONG_MS / 2);
    assert_err(try_ask(f, only_peer(f), 2, LONG_MS * 2), ERR_OK);
    assert_int_equal(f->peers->due_ms, far_ms);
    assert_err(try_ask(f, only_peer(f), 3, 50), ERR_OK);
    assert_true(f->peers->due_ms < far_ms);
    WAIT_FOR(f, f->outcome_count == 1);
    assert_outcome(f, 0, 3, ERR_TIMEOUT);
    assert_int_equal(f->peers->due_ms, far_ms);
}

PEERS_TEST(nobody_needs_to_wait_for_an_answer) {
    struct node *node = node_new(f);
    peers_start(f);
    struct peers_request request = {.message = &message_TEST_ASK, .body = &(struct number){1}};
    assert_err(peers_ask(f->peers, only_peer(f), &request), ERR_OK);
    WAIT_FOR(f, node->asked_count == 1);
    node_answer(node, 0);
    WAIT_FOR(f, peer_pending(only_peer(f)) == 0);
}

int main(void) { return test_run_all(NULL, NULL); }
