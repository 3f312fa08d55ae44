/*
 * parley-delivery alone: the database fails, locks are held too long, queues are full, the process
 * is stopped or killed. Every text that was answered is stored, and stored once.
 */
#include "tests/support/delivery_fixture.h"

#include <signal.h>

#include "services/delivery/batch.h"

/* That it was not done, or that nobody knows. */
static bool passes(enum err err) { return err == ERR_UNAVAILABLE || err == ERR_UNKNOWN_OUTCOME; }

/* Asks until there is another answer than unavailable. */
static enum err ask_again(struct test_caller *caller, const struct message_desc *message,
                          const void *ask, void *reply_r) {
    int64_t deadline_ms = loop_now_ms() + TEST_DEADLINE_MS;
    enum err err;
    do
        err = test_caller_ask(caller, message, ask, reply_r);
    while (passes(err) && loop_now_ms() < deadline_ms);
    return err;
}

static enum err send_again(struct test_caller *caller, const struct letter *letter,
                           struct delivery_send_reply *reply_r) {
    return ask_again(caller, &message_DELIVERY_SEND, &letter->body, reply_r);
}

/* Takes all entries that have been routed up to here, however often: retries route again. */
static void drain_routed(struct delivery_fixture *f) {
    struct letter letter;
    struct delivery_send_reply reply;
    letter_one(f, &letter, new_account(f->database, ""), new_account(f->database, ""), 0, "drain");
    assert_err(send_again(f->caller, &letter, &reply), ERR_OK);
    uint64_t cid = reply.cids.items[0];
    while (next_routed(f).entry.cid != cid)
        ;
}

/* That the answer names the rows that hold the letter, and no others do. */
static void assert_stored_once(struct delivery_fixture *f, const struct letter *letter,
                               const struct delivery_send_reply *reply) {
    assert_int_equal(reply->cids.count, letter->body.texts.count);
    for (size_t i = 0; i < reply->cids.count; i++) {
        char hex[2 * NONCE_BYTES + 1];
        for (size_t at = 0; at < NONCE_BYTES; at++)
            snprintf(hex + 2 * at, 3, "%02x", (unsigned)(unsigned char)letter->nonce_bytes[i][at]);
        assert_int_equal(
            sql_number(f->database,
                       "SELECT COUNT(*) FROM message WHERE nonce = x'%s' AND"
                       " conversation = %" PRIu64 " AND cid = %" PRIu64 " AND time_ms = %" PRIu64,
                       hex, reply->conversation, reply->cids.items[i], reply->times_ms.items[i]),
            1);
    }
}

/* --- lost connections ---------------------------------------------------------------------- */

#define SENDERS 8

DELIVERY_TEST(test_connections_killed_under_load) {
    static struct letter letters[SENDERS];
    struct test_caller *callers[SENDERS];
    uint64_t members[] = {new_account(f->database, ""), new_account(f->database, "")}, sent = 0;
    uint64_t group = new_group_of(f, "", members, 2), pair = 0;
    unsigned killed = 0;
    for (size_t i = 0; i < SENDERS; i++)
        callers[i] = test_caller_new(test_text("sender-%zu", i), f->port);
    for (unsigned round = 0; round < 40; round++) {
        for (size_t i = 0; i < SENDERS; i++) {
            bool to_group = i % 2 == 0;
            letter_begin(&letters[i], members[0], to_group ? 0 : members[1], to_group ? group : 0);
            for (unsigned text = 0; text < 1 + i % 3; text++, sent += !to_group)
                letter_add(f, &letters[i], "text");
            test_caller_start(callers[i], &message_DELIVERY_SEND, &letters[i].body);
        }
        killed += test_database_kill_connections(f->database);
        for (size_t i = 0; i < SENDERS; i++) {
            struct delivery_send_reply reply;
            enum err err = test_caller_finish(callers[i], &message_DELIVERY_SEND, &reply);
            if (!passes(err)) {
                assert_err(err, ERR_OK);
                assert_stored_once(f, &letters[i], &reply);
            }
            assert_err(send_again(callers[i], &letters[i], &reply), ERR_OK);
            assert_int_equal(reply.repeats, err == ERR_OK ? reply.cids.count : reply.repeats);
            assert_stored_once(f, &letters[i], &reply);
            pair = i % 2 == 0 ? pair : reply.conversation;
        }
    }
    assert_true(killed > 0);
    assert_int_equal(stored_in(f->database, pair), sent);
    for (size_t i = 0; i < SENDERS; i++)
        test_caller_destroy(&callers[i]);
    drain_routed(f);
}

DELIVERY_TEST(test_reading_while_connections_are_killed) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t cid = say(f, ada, bob, 0, "text");
    uint64_t conversation = next_routed(f).entry.conversation;
    struct test_caller *other = test_caller_new("other", f->port);
    struct delivery_pull pull = {.account = bob, .resumed = true};
    struct delivery_advance advance = {
        .accounts = {&bob, 1}, .conversations = {&conversation, 1}, .cids = {&cid, 1}};
    for (unsigned round = 0; round < 50; round++) {
        struct delivery_pull_reply page;
        test_caller_start(f->caller, &message_DELIVERY_PULL, &pull);
        test_caller_start(other, &message_DELIVERY_ADVANCE, &advance);
        test_database_kill_connections(f->database);
        enum err err = test_caller_finish(f->caller, &message_DELIVERY_PULL, &page);
        assert_true(err == ERR_OK || passes(err));
        assert_int_equal(err == ERR_OK ? page.entries.count : 1, 1);
        err = test_caller_finish(other, &message_DELIVERY_ADVANCE, NULL);
        assert_true(err == ERR_OK || passes(err));
        assert_err(ask_again(f->caller, &message_DELIVERY_PULL, &pull, &page), ERR_OK);
        assert_int_equal(page.entries.count, 1);
        assert_err(ask_again(other, &message_DELIVERY_ADVANCE, &advance, NULL), ERR_OK);
    }
    test_caller_destroy(&other);
}

/*
 * The insert, with its commit behind it, waits for a nonce that somebody else has just stored;
 * there its connection is killed, this many times.
 */
static void kill_commits(struct delivery_fixture *f, unsigned times) {
    static const struct db_statement insert = {
        "insert", "INSERT INTO message (conversation, cid, time_ms, type, sender, nonce, body)"
                  " VALUES (1000000, ?, 1, 0, 1, ?, '')"};
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    struct delivery_send_reply reply;
    struct letter letter;
    say(f, ada, bob, 0, "there it is");
    skip_routed(f, 1);
    letter_begin(&letter, ada, bob, 0);
    letter_add(f, &letter, "one");
    letter_add(f, &letter, "two");
    struct db *holder = db_new(test_database_settings(f->database), NULL);
    assert_non_null(holder);
    assert_err(db_begin(holder), ERR_OK);
    assert_err(
        db_query(holder, &insert, DB_ARGS(db_u64(f->nonces), db_bytes(letter.nonces[1])), NULL),
        ERR_OK);
    fake_peer_pass_over(f->session, NULL);
    test_caller_start(f->caller, &message_DELIVERY_SEND, &letter.body);
    for (unsigned i = 0; i < times; i++) {
        wait_for_connections(f->database, "info LIKE 'INSERT IGNORE INTO message%'", 1);
        uint64_t id =
            sql_number(f->database, "SELECT id FROM information_schema.processlist"
                                    " WHERE db = DATABASE() AND info LIKE 'INSERT IGNORE INTO%%'");
        sql_run(f->database, "KILL %" PRIu64, id);
        wait_for_connections(f->database, test_text("id = %" PRIu64, id), 0);
    }
    if (times == BATCH_ATTEMPTS) {
        struct session_dirty dirty;
        assert_err(test_caller_finish(f->caller, &message_DELIVERY_SEND, NULL),
                   ERR_UNKNOWN_OUTCOME);
        /* It could be stored, and nobody could send it again. */
        fake_peer_expect(f->session, &message_SESSION_DIRTY, &dirty);
        fake_peer_pass_over(f->session, &message_SESSION_DIRTY);
        test_caller_start(f->caller, &message_DELIVERY_SEND, &letter.body);
    }
    wait_for_connections(f->database, "info LIKE 'INSERT IGNORE INTO message%'", 1);
    let_go(&holder);
    assert_err(test_caller_finish(f->caller, &message_DELIVERY_SEND, &reply), ERR_OK);
    assert_int_equal(reply.repeats, 0);
    assert_stored_once(f, &letter, &reply);
    assert_int_equal(stored_in(f->database, reply.conversation), 3);
    skip_routed(f, 1);
    struct entry last = next_routed(f).entry;
    assert_int_equal(last.cid, reply.cids.items[1]);
    assert_int_equal(last.prev, reply.cids.items[0]);
}

DELIVERY_TEST(test_a_lost_commit_is_tried_again) { kill_commits(f, 1); }

DELIVERY_TEST(test_commits_that_are_lost_too_often) { kill_commits(f, BATCH_ATTEMPTS); }

/* --- locks and queues ---------------------------------------------------------------------- */

DELIVERY_TEST(test_a_lock_that_is_held_too_long) {
    struct delivery_send_reply reply;
    struct letter letter;
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t first = say(f, ada, bob, 0, "first");
    struct db *holder = hold(f->database, next_routed(f).entry.conversation);
    letter_one(f, &letter, bob, ada, 0, "too late");
    test_caller_start(f->caller, &message_DELIVERY_SEND, &letter.body);
    assert_err(test_caller_finish(f->caller, &message_DELIVERY_SEND, NULL), ERR_UNAVAILABLE);
    let_go(&holder);
    assert_err(ask_send(f->caller, &letter, &reply), ERR_OK);
    assert_int_equal(reply.repeats, 0);
    assert_stored_once(f, &letter, &reply);
    struct entry entry = expect_text_routed(f, (uint64_t[]){ada, bob}, 2);
    assert_int_equal(entry.prev, first);
}

/* `option` lets two messages wait; the first of the six is with the writer, which waits for the
 * lock.
 */
static void fill_a_writers_queue(struct delivery_fixture *f, const char *option) {
    enum { COUNT = 6 };
    static const size_t texts[COUNT] = {1, 1, 2, 1, 1, 3};
    static const enum err outcomes[COUNT] = {ERR_OK, ERR_OK,         ERR_OVERLOADED,
                                             ERR_OK, ERR_OVERLOADED, ERR_OVERLOADED};
    static struct letter letters[COUNT];
    struct test_caller *callers[COUNT];
    uint16_t port = test_free_port();
    struct service_process *single = start_delivery(f, port, "--writers=1", option, NULL);
    struct test_caller *observer = test_caller_new("observer", port);
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, ""),
             in_progress = 0;
    say(f, ada, bob, 0, "there it is");
    uint64_t conversation = next_routed(f).entry.conversation;
    struct db *holder = hold(f->database, conversation);
    for (size_t i = 0; i < COUNT; i++) {
        callers[i] = test_caller_new(test_text("caller-%zu", i), port);
        letter_begin(&letters[i], ada, bob, 0);
        while (letters[i].body.texts.count < texts[i])
            letter_add(f, &letters[i], "text");
        test_caller_start(callers[i], &message_DELIVERY_SEND, &letters[i].body);
        if (outcomes[i] == ERR_OK)
            wait_for_calls(observer, ++in_progress);
        else
            assert_err(test_caller_finish(callers[i], &message_DELIVERY_SEND, NULL), outcomes[i]);
        if (i == 0)
            wait_for_connections(f->database, WAITS_FOR_LOCK, 1);
    }
    let_go(&holder);
    for (size_t i = 0; i < COUNT; i++) {
        if (outcomes[i] == ERR_OK)
            assert_err(test_caller_finish(callers[i], &message_DELIVERY_SEND, NULL), ERR_OK);
        else
            assert_err(ask_send(callers[i], &letters[i], NULL), ERR_OK);
        test_caller_destroy(&callers[i]);
    }
    assert_int_equal(stored_in(f->database, conversation), 10);
    skip_routed(f, 9);
    test_caller_destroy(&observer);
    assert_int_equal(service_process_stop(&single), 0);
}

DELIVERY_TEST(test_a_writers_queue_is_full) { fill_a_writers_queue(f, "--writer-queue=2"); }

DELIVERY_TEST(test_a_writers_memory_is_full) {
    fill_a_writers_queue(f, test_text("--writer-queue-bytes=%zu", 2 * strlen("text")));
}

/* --- the end of the process ---------------------------------------------------------------- */

DELIVERY_TEST(test_stopped_while_calls_are_in_progress) {
    enum { COUNT = 5 };
    static struct letter letters[COUNT];
    struct test_caller *callers[COUNT];
    uint16_t port = test_free_port();
    struct service_process *delivery = start_delivery(f, port, NULL, NULL, NULL);
    struct test_caller *observer = test_caller_new("observer", port);
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    say(f, ada, bob, 0, "there it is");
    struct db *holder = hold(f->database, next_routed(f).entry.conversation);
    for (size_t i = 0; i < COUNT; i++) {
        callers[i] = test_caller_new(test_text("caller-%zu", i), port);
        letter_one(f, &letters[i], ada, bob, 0, "text");
        test_caller_start(callers[i], &message_DELIVERY_SEND, &letters[i].body);
    }
    wait_for_calls(observer, COUNT);
    kill(service_process_pid(delivery), SIGTERM);
    assert_true(service_process_wait_text(delivery, "event=stopping", TEST_DEADLINE_MS));
    struct letter late;
    letter_one(f, &late, bob, ada, 0, "too late");
    assert_err(ask_send(observer, &late, NULL), ERR_UNAVAILABLE);
    let_go(&holder);
    for (size_t i = 0; i < COUNT; i++) {
        struct delivery_send_reply reply;
        assert_err(test_caller_finish(callers[i], &message_DELIVERY_SEND, &reply), ERR_OK);
        assert_stored_once(f, &letters[i], &reply);
        test_caller_destroy(&callers[i]);
    }
    assert_int_equal(service_process_wait_exit(delivery), 0);
    test_caller_destroy(&observer);
    service_process_kill(&delivery);
    skip_routed(f, COUNT);
    expect_no_text_routed(f);
}

/* The database answers nothing, and many requests wait for it: the end does not. */
static void stop_while_the_database_stands(struct delivery_fixture *f, bool twice) {
    enum { COUNT = 200 };
    struct letter letter;
    uint16_t port = test_free_port();
    struct service_process *delivery = start_delivery(f, port, NULL, NULL, NULL);
    struct test_caller *caller = test_caller_new("caller", port);
    struct test_caller *observer = test_caller_new("observer", port);
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    say(f, ada, bob, 0, "there it is");
    next_routed(f);
    struct db *holder = test_database_hold(f->database, "message");
    for (size_t i = 0; i < COUNT; i++) {
        letter_one(f, &letter, ada, i % 2 == 0 ? bob : new_account(f->database, ""), 0, "text");
        test_caller_post(caller, &message_DELIVERY_SEND, &letter.body);
    }
    wait_for_calls(observer, COUNT);
    kill(service_process_pid(delivery), SIGTERM);
    assert_true(service_process_wait_text(delivery, "event=stopping", TEST_DEADLINE_MS));
    if (twice)
        kill(service_process_pid(delivery), SIGTERM);
    assert_int_equal(service_process_wait_exit(delivery), 0);
    const char *reason =
        twice ? "reason=\"a second signal\"" : "reason=\"these calls took too long\"";
    assert_non_null(strstr(service_process_output(delivery), reason));
    db_destroy(&holder);
    test_caller_destroy(&caller);
    test_caller_destroy(&observer);
    service_process_kill(&delivery);
}

DELIVERY_TEST(test_stopped_while_the_database_stands) {
    for (int twice = 0; twice < 2; twice++)
        stop_while_the_database_stands(f, twice);
}

/* One request is answered, then the process is killed; the others may be anywhere. */
DELIVERY_TEST(test_killed_and_started_again) {
    enum { COUNT = 6, ROUNDS = 10 };
    static struct letter letters[COUNT];
    uint16_t port = test_free_port();
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, ""),
             conversation = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct service_process *delivery = start_delivery(f, port, NULL, NULL, NULL);
        struct test_caller *callers[COUNT];
        struct delivery_send_reply reply;
        for (size_t i = 0; i < COUNT; i++) {
            callers[i] = test_caller_new(test_text("caller-%zu", i), port);
            letter_one(f, &letters[i], ada, bob, 0, "text");
            test_caller_start(callers[i], &message_DELIVERY_SEND, &letters[i].body);
        }
        size_t answered = round % COUNT;
        assert_err(test_caller_finish(callers[answered], &message_DELIVERY_SEND, &reply), ERR_OK);
        service_process_kill(&delivery);
        uint64_t cid = reply.cids.items[0], time_ms = reply.times_ms.items[0];
        delivery = start_delivery(f, port, NULL, NULL, NULL);
        for (size_t i = 0; i < COUNT; i++) {
            test_caller_destroy(&callers[i]);
            callers[i] = test_caller_new(test_text("again-%zu", i), port);
            assert_err(ask_send(callers[i], &letters[i], &reply), ERR_OK);
            assert_stored_once(f, &letters[i], &reply);
            if (i == answered) {
                assert_int_equal(reply.repeats, 1);
                assert_int_equal(reply.cids.items[0], cid);
                assert_int_equal(reply.times_ms.items[0], time_ms);
            }
            conversation = reply.conversation;
            test_caller_destroy(&callers[i]);
        }
        service_process_kill(&delivery);
    }
    assert_int_equal(stored_in(f->database, conversation), COUNT * ROUNDS);
    drain_routed(f);
}

TEST(test_starts_that_fail) {
    const char *port = test_text("--delivery-port=%u", (unsigned)test_free_port());
    const char *nobody =
        test_text("--session-peers=tcp://127.0.0.1:%u", (unsigned)test_free_port());
    const char *const starts[][4] = {
        {port, "--session-peers=nonsense", NULL, "session_peers"},
        {port, nobody, "--peer-wait-ms=200", "no session service answers"}};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        struct service_process *delivery =
            service_process_start("parley-delivery", NULL,
                                  (const char *[]){starts[i][0], starts[i][1], starts[i][2], NULL});
        int status = service_process_wait_exit(delivery);
        if (status != 1 || strstr(service_process_output(delivery), starts[i][3]) == NULL)
            fail_msg("ended with %d, reason:\n%s", status, service_process_output(delivery));
        service_process_kill(&delivery);
    }
}

/* Here connections are lost all the time, so that gateways may have to read. */
static int set_up(void **state) {
    int status = delivery_set_up(state);
    struct delivery_fixture *f = *state;
    fake_peer_pass_over(f->session, &message_SESSION_DIRTY);
    return status;
}

int main(void) { return test_run_all(set_up, delivery_tear_down); }
