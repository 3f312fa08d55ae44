/*
 * parley-delivery alone: transactions of several instances that overlap on purpose. Whatever the
 * order in which they begin, wait and commit, a reader never finds a cid behind one that it has.
 */
#include "tests/support/delivery_fixture.h"
#include "tests/support/delivery_reader.h"

#define TEXTS 3

/* Somebody else's open transaction has the nonce of the letter's last text, so whoever stores the
 * letter has locked the conversation and taken its cids, and waits before it can commit. */
static struct db *hold_back(struct delivery_fixture *f, const struct letter *letter) {
    static const struct db_statement insert = {
        "hold_back", "INSERT INTO message (conversation, cid, time_ms, type, sender, nonce, body)"
                     " VALUES (1, 1, 1, 0, 1, ?, '')"};
    struct db *db = db_new(test_database_settings(f->database), NULL);
    assert_non_null(db);
    assert_err(db_begin(db), ERR_OK);
    struct slice nonce = letter->nonces[letter->body.nonces.count - 1];
    assert_err(db_query(db, &insert, DB_ARGS(db_bytes(nonce)), NULL), ERR_OK);
    return db;
}
#define WAITS_TO_INSERT "info LIKE 'INSERT IGNORE%'"

static struct reader reader_of(struct delivery_fixture *f, uint64_t account, uint64_t conversation,
                               uint64_t position) {
    return (struct reader){.caller = f->caller,
                           .account = account,
                           .conversations = {conversation, 0},
                           .positions = {position, 0}};
}

/* One has its cids and has not committed; the other waits, though it has nothing to wait for but
 * the order. A reader in between finds nothing, and then both, in the order of their cids. */
DELIVERY_TEST(test_the_second_waits_for_the_firsts_commit) {
    struct test_caller *callers[2];
    uint16_t ports[2] = {test_free_port(), test_free_port()};
    struct service_process *instances[2];
    static struct letter letters[2];
    struct delivery_send_reply reply;
    for (size_t i = 0; i < 2; i++) {
        instances[i] = start_delivery(f, ports[i], NULL, NULL, NULL);
        callers[i] = test_caller_new(test_text("writer-%zu", i), ports[i]);
    }
    for (unsigned to = 0; to < 2; to++) { /* a person, a group */
        uint64_t members[] = {new_account(f->database, ""), new_account(f->database, "")};
        uint64_t group = to == 0 ? 0 : new_group_of(f, "", members, 2);
        uint64_t account = to == 0 ? members[1] : 0;
        letter_one(f, &letters[0], members[0], account, group, "before");
        assert_err(ask_send(f->caller, &letters[0], &reply), ERR_OK);
        struct reader reader = reader_of(f, members[1], reply.conversation, reply.cids.items[0]);
        for (size_t i = 0; i < 2; i++) {
            letter_begin(&letters[i], members[0], account, group);
            for (unsigned text = 0; text < TEXTS; text++)
                letter_add(f, &letters[i], i == 0 ? "first" : "second");
        }
        struct db *holder = hold_back(f, &letters[0]);
        test_caller_start(callers[0], &message_DELIVERY_SEND, &letters[0].body);
        wait_for_connections(f->database, WAITS_TO_INSERT, 1);
        test_caller_start(callers[1], &message_DELIVERY_SEND, &letters[1].body);
        wait_for_connections(f->database, WAITS_FOR_LOCK, 1);
        assert_int_equal(read_page(&reader), 0);
        let_go(&holder);
        assert_err(test_caller_finish(callers[0], &message_DELIVERY_SEND, &reply), ERR_OK);
        uint64_t last = reply.cids.items[TEXTS - 1];
        assert_err(test_caller_finish(callers[1], &message_DELIVERY_SEND, &reply), ERR_OK);
        assert_true(reply.cids.items[0] > last);
        while (read_page(&reader) > 0)
            ;
        assert_int_equal(reader.counts[0], 2 * TEXTS);
        skip_routed(f, 1 + 2 * TEXTS);
    }
    for (size_t i = 0; i < 2; i++) {
        test_caller_destroy(&callers[i]);
        assert_int_equal(service_process_stop(&instances[i]), 0);
    }
}

/* Texts that were never committed leave a gap that nobody waits for; repeated, they get later cids.
 */
DELIVERY_TEST(test_the_first_is_killed_before_its_commit) {
    uint16_t port = test_free_port();
    struct service_process *first = start_delivery(f, port, NULL, NULL, NULL);
    struct test_caller *doomed = test_caller_new("doomed", port);
    struct delivery_send_reply reply;
    struct letter letter;
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    letter_one(f, &letter, ada, bob, 0, "before");
    assert_err(ask_send(f->caller, &letter, &reply), ERR_OK);
    struct reader reader = reader_of(f, bob, reply.conversation, reply.cids.items[0]);
    letter_one(f, &letter, ada, bob, 0, "killed");
    struct db *holder = hold_back(f, &letter);
    test_caller_start(doomed, &message_DELIVERY_SEND, &letter.body);
    wait_for_connections(f->database, WAITS_TO_INSERT, 1);
    service_process_kill(&first);
    /* The server would carry the script to its end, commit and all. */
    sql_run(f->database, "KILL %" PRIu64,
            sql_number(f->database,
                       "SELECT id FROM information_schema.processlist"
                       " WHERE db = DATABASE() AND %s",
                       WAITS_TO_INSERT));
    wait_for_connections(f->database, WAITS_TO_INSERT, 0);
    let_go(&holder);
    uint64_t second = say(f, bob, ada, 0, "second");
    assert_int_equal(read_page(&reader), 1);
    assert_int_equal(reader.positions[0], second);
    assert_err(ask_send(f->caller, &letter, &reply), ERR_OK);
    assert_int_equal(reply.repeats, 0);
    uint64_t third = reply.cids.items[0];
    assert_true(third > second);
    assert_int_equal(read_page(&reader), 1);
    assert_int_equal(reader.positions[0], third);
    skip_routed(f, 3);
    test_caller_destroy(&doomed);
}

/* A batch of two conversations waits for the first while the other instance writes to the second:
 * cids that the batch had taken before it had both would be behind a reader that has been there. */
DELIVERY_TEST(test_a_batch_takes_its_cids_with_its_last_lock) {
    enum { PAIRS = 3 };
    static struct letter letters[PAIRS];
    struct test_caller *callers[PAIRS];
    struct db *holders[2];
    struct delivery_send_reply reply;
    uint16_t port = test_free_port();
    struct service_process *single = start_delivery(f, port, "--writers=1", NULL, NULL);
    struct test_caller *observer = test_caller_new("observer", port);
    uint64_t ada = new_account(f->database, ""), others[PAIRS], conversations[PAIRS], before = 0;
    for (size_t i = 0; i < PAIRS; i++) {
        others[i] = new_account(f->database, "");
        before = say(f, ada, others[i], 0, "before");
        conversations[i] = next_routed(f).entry.conversation;
        assert_true(i == 0 || conversations[i] > conversations[i - 1]); /* locked in this order */
        callers[i] = test_caller_new(test_text("writer-%zu", i), port);
        letter_one(f, &letters[i], ada, others[i], 0, "text");
    }
    struct reader reader = reader_of(f, others[2], conversations[2], before);
    for (size_t i = 0; i < 2; i++)
        holders[i] = hold(f->database, conversations[i]);
    test_caller_start(callers[0], &message_DELIVERY_SEND, &letters[0].body);
    wait_for_connections(f->database, WAITS_FOR_LOCK, 1);
    for (size_t i = 1; i < PAIRS; i++) {
        test_caller_start(callers[i], &message_DELIVERY_SEND, &letters[i].body);
        wait_for_calls(observer, i + 1);
    }
    let_go(&holders[0]);
    assert_err(test_caller_finish(callers[0], &message_DELIVERY_SEND, &reply), ERR_OK);
    wait_for_connections(f->database, WAITS_FOR_LOCK, 1);
    uint64_t between = say(f, ada, others[2], 0, "in between");
    assert_int_equal(read_page(&reader), 1);
    assert_int_equal(reader.positions[0], between);
    let_go(&holders[1]);
    for (size_t i = 1; i < PAIRS; i++)
        assert_err(test_caller_finish(callers[i], &message_DELIVERY_SEND, &reply), ERR_OK);
    uint64_t last = reply.cids.items[0];
    assert_true(last > between);
    assert_int_equal(read_page(&reader), 1);
    assert_int_equal(reader.positions[0], last);
    skip_routed(f, PAIRS + 1);
    for (size_t i = 0; i < PAIRS; i++)
        test_caller_destroy(&callers[i]);
    test_caller_destroy(&observer);
    assert_int_equal(service_process_stop(&single), 0);
}

int main(void) { return test_run_all(delivery_set_up, delivery_tear_down); }
