/*
 * parley-delivery alone: the entries that it hands to sessions, and sessions that do not take them.
 */
#include "tests/support/delivery_fixture.h"

#include <stdlib.h>

#include "common/service.h"
#include "proto/conversation.h"
#include "services/route/route.h"

static void expect_dirty(struct fake_peer *session) {
    struct session_dirty dirty;
    fake_peer_expect(session, &message_SESSION_DIRTY, &dirty);
    assert_slice_text(dirty.reason, "delivery");
}

/* A second instance, with up to two options, and a caller of it. */
struct another {
    struct service_process *process;
    struct test_caller *caller;
};

static struct another start_another(struct delivery_fixture *f, const char *a, const char *b) {
    uint16_t port = test_free_port();
    struct another another = {start_delivery(f, port, a, b, NULL),
                              test_caller_new("another", port)};
    return another;
}
#define HASTY "--request-timeout-ms=3000"

static void end_another(struct another *another) {
    test_caller_destroy(&another->caller);
    assert_int_equal(service_process_stop(&another->process), 0);
}

static uint64_t say_by(struct delivery_fixture *f, struct test_caller *caller, uint64_t from,
                       uint64_t to_account, uint64_t to_group) {
    struct delivery_send_reply reply;
    struct letter letter;
    letter_one(f, &letter, from, to_account, to_group, "text");
    assert_err(ask_send(caller, &letter, &reply), ERR_OK);
    return reply.cids.items[0];
}

static size_t count_lives(struct service_process *delivery) {
    size_t count = 0;
    const char *at = service_process_output(delivery);
    for (; (at = strstr(at, "state=live")) != NULL; at++)
        count++;
    return count;
}

/* Waits until an instance has found its session this many times. */
static void wait_for_lives(struct service_process *delivery, size_t wanted) {
    TEST_UNTIL(count_lives(delivery) >= wanted, "the session was not found again");
}

/* Waits until sessions have answered for this many parts of entries: nothing is on its way then. */
static void wait_for_routed(struct test_caller *caller, uint64_t wanted) {
    TEST_UNTIL(test_caller_metric(caller, "routed_total") == wanted, "%" PRIu64 " were not routed",
               wanted);
}

/* --- one session --------------------------------------------------------------------------- */

/* Whatever the session does, the sender's answer waits for the commit alone. */
DELIVERY_TEST(test_a_session_that_answers_nothing) {
    struct another another = start_another(f, HASTY, NULL);
    uint64_t pair[] = {new_account(f->database, ""), new_account(f->database, "")};
    fake_peer_ignore(f->session, ROUTE_ATTEMPTS + 1); /* and the first report of the loss */
    uint64_t cid = say_by(f, another.caller, pair[0], pair[1], 0);
    for (unsigned i = 0; i < ROUTE_ATTEMPTS; i++) {
        struct entry entry = expect_text_routed(f, pair, 2);
        assert_int_equal(entry.cid, cid);
    }
    for (unsigned i = 0; i < 2; i++)
        expect_dirty(f->session);
    assert_int_equal(test_caller_metric(another.caller, "route_lost_total"), 1);
    uint64_t next = say_by(f, another.caller, pair[1], pair[0], 0);
    struct entry entry = expect_text_routed(f, pair, 2);
    assert_int_equal(entry.cid, next);
    assert_int_equal(entry.prev, cid);
    end_another(&another);
    expect_no_text_routed(f);
}

DELIVERY_TEST(test_a_session_that_answers_late) {
    struct another another = start_another(f, HASTY, NULL);
    uint64_t pair[] = {new_account(f->database, ""), new_account(f->database, "")};
    fake_peer_ignore(f->session, 1);
    uint64_t cid = say_by(f, another.caller, pair[0], pair[1], 0);
    for (unsigned i = 0; i < 2; i++) {
        struct entry entry = expect_text_routed(f, pair, 2);
        assert_int_equal(entry.cid, cid);
    }
    end_another(&another);
    expect_no_text_routed(f); /* nothing was lost */
}

DELIVERY_TEST(test_a_session_that_refuses) {
    uint64_t pair[] = {new_account(f->database, ""), new_account(f->database, "")};
    fake_peer_refuse(f->session, ERR_OVERLOADED, ROUTE_ATTEMPTS);
    uint64_t cid = say(f, pair[0], pair[1], 0, "text");
    for (unsigned i = 0; i < ROUTE_ATTEMPTS; i++) {
        struct entry entry = expect_text_routed(f, pair, 2);
        assert_int_equal(entry.cid, cid);
    }
    expect_dirty(f->session);
    expect_no_text_routed(f);
}

DELIVERY_TEST(test_a_session_that_is_silent_for_long) {
    struct another another = start_another(f, "--peer-timeout-ms=4000", NULL);
    uint64_t pair[] = {new_account(f->database, ""), new_account(f->database, "")};
    fake_peer_set_silent(f->session, true);
    assert_true(service_process_wait_text(another.process, "state=down", TEST_DEADLINE_MS));
    uint64_t cid = say_by(f, another.caller, pair[0], pair[1], 0);
    assert_int_equal(
        stored_in(
            f->database,
            sql_number(f->database, "SELECT conversation FROM message WHERE cid = %" PRIu64, cid)),
        1);
    fake_peer_set_silent(f->session, false);
    expect_dirty(f->session);
    wait_for_lives(another.process, 2);
    say_by(f, another.caller, pair[0], pair[1], 0);
    struct entry entry = expect_text_routed(f, pair, 2);
    assert_int_equal(entry.prev, cid);
    end_another(&another);
}

/* Gone with a request unanswered, and texts stored before it is back. */
DELIVERY_TEST(test_a_session_that_returns) {
    struct another another = start_another(f, NULL, NULL);
    uint64_t pair[] = {new_account(f->database, ""), new_account(f->database, "")};
    fake_peer_ignore(f->session, 1);
    say_by(f, another.caller, pair[0], pair[1], 0);
    expect_text_routed(f, pair, 2);
    fake_peer_destroy(&f->session);
    assert_true(service_process_wait_text(another.process, "state=down", TEST_DEADLINE_MS));
    uint64_t cid = say_by(f, another.caller, pair[0], pair[1], 0);
    f->session = fake_peer_new("session", f->session_port);
    expect_dirty(f->session);
    expect_dirty(f->session); /* the fixture's instance too: it had lost the session */
    say_by(f, another.caller, pair[0], pair[1], 0);
    struct entry entry = expect_text_routed(f, pair, 2);
    assert_int_equal(entry.prev, cid);
    end_another(&another);
}

TEST(test_ready_when_a_session_is_there) {
    uint16_t port = test_free_port(), session_port = test_free_port();
    struct service_process *delivery = service_process_start(
        "parley-delivery", NULL,
        (const char *[]){test_text("--delivery-port=%u", (unsigned)port),
                         test_text("--session-peers=tcp://127.0.0.1:%u", (unsigned)session_port),
                         "--heartbeat-ms=50", "--peer-timeout-ms=10000", NULL});
    struct test_caller *caller = test_caller_new("caller", port);
    struct service_pong pong;
    assert_err(test_caller_ask(caller, &message_SERVICE_PING, &(struct service_ping){0}, &pong),
               ERR_OK);
    assert_false(pong.ready);
    struct fake_peer *session = fake_peer_new("session", session_port);
    service_process_wait_ready(delivery);
    assert_err(test_caller_ask(caller, &message_SERVICE_PING, &(struct service_ping){0}, &pong),
               ERR_OK);
    assert_true(pong.ready);
    test_caller_destroy(&caller);
    assert_int_equal(service_process_stop(&delivery), 0);
    fake_peer_destroy(&session);
}

/* --- several sessions ---------------------------------------------------------------------- */

#define MEMBERS ROUTED_MAX_ACCOUNTS
#define SESSIONS 2

struct sessions {
    uint16_t ports[SESSIONS];
    struct fake_peer *fakes[SESSIONS];
    uint64_t members[MEMBERS], group;
};

static struct another start_with_sessions(struct delivery_fixture *f, struct sessions *sessions) {
    for (size_t i = 0; i < SESSIONS; i++) {
        sessions->ports[i] = test_free_port();
        sessions->fakes[i] = fake_peer_new("session", sessions->ports[i]);
    }
    for (size_t i = 0; i < MEMBERS; i++)
        sessions->members[i] = new_account(f->database, "");
    sessions->group = new_group_of(f, "", sessions->members, MEMBERS);
    struct another another =
        start_another(f,
                      test_text("--session-peers=tcp://127.0.0.1:%u,tcp://127.0.0.1:%u",
                                (unsigned)sessions->ports[0], (unsigned)sessions->ports[1]),
                      NULL);
    for (size_t i = 0; i < SESSIONS; i++)
        assert_true(service_process_wait_text(
            another.process,
            test_text("address=tcp://127.0.0.1:%u state=live", (unsigned)sessions->ports[i]),
            TEST_DEADLINE_MS));
    return another;
}

/* Sends a text to the group; which session received each member. Each must be received once. */
static void send_and_see(struct delivery_fixture *f, struct another *another,
                         struct sessions *sessions, size_t session_of[MEMBERS]) {
    uint64_t cid = say_by(f, another->caller, sessions->members[0], 0, sessions->group);
    size_t total = 0;
    for (size_t s = 0; s < SESSIONS; s++) {
        if (sessions->fakes[s] == NULL)
            continue;
        struct routed routed = next_routed_at(f, sessions->fakes[s]);
        assert_int_equal(f->route_at, f->route.items.count);
        assert_int_equal(routed.entry.cid, cid);
        for (size_t i = 0; i < routed.count; i++) {
            /* The members' numbers are consecutive. */
            assert_in_range(routed.accounts[i], sessions->members[0],
                            sessions->members[MEMBERS - 1]);
            session_of[routed.accounts[i] - sessions->members[0]] = s;
        }
        total += routed.count;
    }
    assert_int_equal(total, MEMBERS);
}

DELIVERY_TEST(test_accounts_are_split_over_sessions) {
    struct sessions sessions;
    size_t first[MEMBERS], session_of[MEMBERS];
    struct another another = start_with_sessions(f, &sessions);
    send_and_see(f, &another, &sessions, first);
    for (unsigned i = 0; i < 5; i++) {
        send_and_see(f, &another, &sessions, session_of);
        assert_memory_equal(session_of, first, sizeof session_of);
    }
    wait_for_routed(another.caller, 6 * SESSIONS);
    fake_peer_destroy(&sessions.fakes[1]);
    assert_true(service_process_wait_text(another.process, "state=down", TEST_DEADLINE_MS));
    expect_dirty(sessions.fakes[0]);
    send_and_see(f, &another, &sessions, session_of);
    for (size_t i = 0; i < MEMBERS; i++)
        assert_int_equal(session_of[i], 0);
    end_another(&another);
    fake_peer_destroy(&sessions.fakes[0]);
}

/* A request that a lost session had not answered goes to the other session. */
DELIVERY_TEST(test_a_lost_sessions_part_moves) {
    struct sessions sessions;
    struct another another = start_with_sessions(f, &sessions);
    fake_peer_ignore(sessions.fakes[1], 1);
    uint64_t cid = say_by(f, another.caller, sessions.members[0], 0, sessions.group);
    size_t count = next_routed_at(f, sessions.fakes[0]).count;
    struct routed lost = next_routed_at(f, sessions.fakes[1]);
    fake_peer_destroy(&sessions.fakes[1]);
    struct routed moved = next_routed_at(f, sessions.fakes[0]);
    assert_int_equal(moved.entry.cid, cid);
    assert_int_equal(moved.count, lost.count);
    assert_memory_equal(moved.accounts, lost.accounts, moved.count * sizeof(uint64_t));
    assert_int_equal(count + moved.count, MEMBERS);
    expect_dirty(sessions.fakes[0]);
    end_another(&another);
    fake_peer_destroy(&sessions.fakes[0]);
}

/*
 * A gateway may have found the second session, and bound some there, before this instance did: what
 * it handed to the first alone has to be read.
 */
DELIVERY_TEST(test_a_session_that_is_found_later) {
    uint16_t ports[SESSIONS] = {test_free_port(), test_free_port()};
    struct fake_peer *fakes[SESSIONS] = {fake_peer_new("session", ports[0])};
    struct another another =
        start_another(f,
                      test_text("--session-peers=tcp://127.0.0.1:%u,tcp://127.0.0.1:%u",
                                (unsigned)ports[0], (unsigned)ports[1]),
                      NULL);
    say_by(f, another.caller, new_account(f->database, ""), new_account(f->database, ""), 0);
    next_routed_at(f, fakes[0]);
    fakes[1] = fake_peer_new("session", ports[1]);
    for (size_t s = 0; s < SESSIONS; s++)
        expect_dirty(fakes[s]);
    end_another(&another);
    for (size_t s = 0; s < SESSIONS; s++)
        fake_peer_destroy(&fakes[s]);
}

DELIVERY_TEST(test_every_session_is_notified_of_a_loss) {
    struct sessions sessions;
    struct another another = start_with_sessions(f, &sessions);
    fake_peer_refuse(sessions.fakes[1], ERR_OVERLOADED, ROUTE_ATTEMPTS);
    say_by(f, another.caller, sessions.members[0], 0, sessions.group);
    next_routed_at(f, sessions.fakes[0]);
    for (unsigned i = 0; i < ROUTE_ATTEMPTS; i++)
        next_routed_at(f, sessions.fakes[1]);
    for (size_t s = 0; s < SESSIONS; s++)
        expect_dirty(sessions.fakes[s]);
    end_another(&another);
    for (size_t s = 0; s < SESSIONS; s++)
        fake_peer_destroy(&sessions.fakes[s]);
}

/* --- large groups -------------------------------------------------------------------------- */

#define CROWD 130000
#define FIRST_OF_CROWD ((uint64_t)1000000000)

/* More members than one item of a route may list. */
DELIVERY_TEST(test_a_crowd) {
    uint64_t ada = new_account(f->database, ""), group = new_group_of(f, "", &ada, 1);
    sql_run(f->database,
            "INSERT INTO member (conversation, account, role, joined_ms) SELECT %" PRIu64
            ", %" PRIu64 " + seq, 1, 1 FROM seq_1_to_%d;"
            "UPDATE conversation SET version = version + 1 WHERE id = %" PRIu64,
            conversation_of_group(group), FIRST_OF_CROWD, CROWD, conversation_of_group(group));
    bool *received = calloc(CROWD + 1, 1); /* by number; 0 is the sender */
    assert_non_null(received);
    uint64_t cid = say(f, ada, 0, group, "to all of you");
    for (size_t total = 0; total < CROWD + 1;) {
        struct session_route route;
        fake_peer_expect(f->session, &message_SESSION_ROUTE, &route);
        for (size_t n = 0; n < route.items.count; n++) {
            const struct route_item *item = (const struct route_item *)route.items.items + n;
            for (size_t i = 0; i < item->accounts.count; i++) {
                uint64_t account = item->accounts.items[i];
                bool *one = account == ada ? &received[0] : &received[account - FIRST_OF_CROWD];
                assert_in_range(one - received, 0, CROWD);
                assert_false(*one);
                *one = true;
            }
            total += item->accounts.count;
        }
    }
    free(received);
    /* The next texts find them in the instance's memory. */
    uint64_t next = say(f, ada, 0, group, "and again");
    for (size_t total = 0; total < CROWD + 1;) {
        struct session_route route;
        fake_peer_expect(f->session, &message_SESSION_ROUTE, &route);
        for (size_t n = 0; n < route.items.count; n++)
            total += ((const struct route_item *)route.items.items)[n].accounts.count;
    }
    assert_true(next > cid);
    expect_no_text_routed(f);
}

int main(void) { return test_run_all(delivery_set_up, delivery_tear_down); }
