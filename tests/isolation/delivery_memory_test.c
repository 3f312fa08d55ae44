/*
 * parley-delivery alone: which parts of conversations a writer remembers, and when it reads them
 * anew. A row that is inserted behind its back shows which: no writer stores one without a claim.
 */
#include "tests/support/delivery_fixture.h"

/* One writer, so that all conversations are in one memory. */
static int set_up(void **state) {
    delivery_set_up(state);
    struct delivery_fixture *f = *state;
    int status = service_process_stop(&f->delivery);
    f->delivery = start_delivery(f, f->port, "--writers=1", NULL, NULL);
    test_caller_destroy(&f->caller);
    f->caller = test_caller_new("caller of one", f->port);
    return status;
}

struct talk {
    uint64_t people[2], conversation, cid;
};

static struct talk talk_of(struct delivery_fixture *f) {
    struct talk talk = {.people = {new_account(f->database, ""), new_account(f->database, "")}};
    say(f, talk.people[0], talk.people[1], 0, "hello");
    struct entry entry = expect_text_routed(f, talk.people, 2);
    talk.conversation = entry.conversation;
    talk.cid = entry.cid;
    return talk;
}

/* The cid of a row that nobody announces. */
static uint64_t sneak(struct delivery_fixture *f, const struct talk *talk) {
    sql_run(f->database,
            "INSERT INTO message (conversation, cid, time_ms, type, sender, body)"
            " VALUES (%" PRIu64 ", %" PRIu64 ", 1, 0, %" PRIu64 ", 'x')",
            talk->conversation, talk->cid + 1, talk->people[0]);
    return talk->cid + 1;
}

/* Which entry the next text follows, as far as the writer knows. */
static uint64_t prev_of_next(struct delivery_fixture *f, struct talk *talk) {
    talk->cid = say(f, talk->people[1], talk->people[0], 0, "and then");
    struct entry entry = expect_text_routed(f, talk->people, 2);
    assert_int_equal(entry.cid, talk->cid);
    return entry.prev;
}

/* --- refused texts ------------------------------------------------------------------------- */

DELIVERY_TEST(test_a_refused_text_leaves_the_memory) {
    struct talk talk = talk_of(f);
    uint64_t stranger = new_account(f->database, ""), last = talk.cid;
    uint64_t group = new_group_of(f, "", talk.people, 2);
    sneak(f, &talk);
    assert_err(try_send(f, stranger, 0, group, "let me in", NULL), ERR_NOT_MEMBER);
    assert_err(try_send(f, stranger, 0, 12345, "nobody there", NULL), ERR_NO_GROUP);
    assert_err(try_send(f, stranger, 1, 0, "nobody there", NULL), ERR_NO_ACCOUNT);
    assert_int_equal(prev_of_next(f, &talk), last);
}

/* A stranger's text writes nothing of a group; it is checked by what members left in memory. */
DELIVERY_TEST(test_a_group_that_refuses_is_not_written) {
    uint64_t members[] = {new_account(f->database, ""), new_account(f->database, "")},
             stranger = new_account(f->database, "");
    uint64_t group = new_group_of(f, "", members, 2), conversation = conversation_of_group(group);
    assert_err(try_send(f, stranger, 0, group, "let me in", NULL), ERR_NOT_MEMBER);
    assert_int_equal(conversation_number(f->database, "claimant", conversation), 0);
    uint64_t cid = say(f, members[0], 0, group, "hello");
    skip_routed(f, 1);
    sql_run(f->database, "DELETE FROM member WHERE conversation = %" PRIu64, conversation);
    assert_err(try_send(f, stranger, 0, group, "again", NULL), ERR_NOT_MEMBER);
    say(f, members[0], 0, group, "hello");
    assert_int_equal(expect_text_routed(f, members, 2).prev, cid);
    /* As group changes members: under a new version they are read. */
    leave(f, group, members[1]);
    assert_err(try_send(f, members[1], 0, group, "not any more", NULL), ERR_NOT_MEMBER);
}

DELIVERY_TEST(test_another_writer_in_between_is_seen) {
    struct talk talk = talk_of(f);
    uint64_t last = sneak(f, &talk);
    sql_run(f->database,
            "UPDATE conversation SET writer = 5, blocked = 3"
            " WHERE id = %" PRIu64,
            talk.conversation);
    /* Both are refused, and nothing is claimed. */
    for (int i = 0; i < 2; i++)
        assert_err(try_send(f, talk.people[i], talk.people[1 - i], 0, "no", NULL), ERR_BLOCKED);
    sql_run(f->database, "UPDATE conversation SET blocked = 0 WHERE id = %" PRIu64,
            talk.conversation);
    assert_int_equal(prev_of_next(f, &talk), last);
}

/* --- failures ------------------------------------------------------------------------------ */

/* Somebody else's open transaction has the text's nonce: it can't be stored in time. */
DELIVERY_TEST(test_a_text_that_fails_leaves_the_others) {
    static const struct db_statement insert = {
        "hold_back", "INSERT INTO message (conversation, cid, time_ms, type, sender, nonce, body)"
                     " VALUES (1, 1, 1, 0, 1, ?, '')"};
    struct talk talk = talk_of(f), other = talk_of(f);
    uint64_t last = other.cid;
    struct letter letter;
    letter_one(f, &letter, talk.people[0], talk.people[1], 0, "too late");
    struct db *db = db_new(test_database_settings(f->database), NULL);
    assert_non_null(db);
    assert_err(db_begin(db), ERR_OK);
    assert_err(db_query(db, &insert, DB_ARGS(db_bytes(letter.nonces[0])), NULL), ERR_OK);
    sneak(f, &other);
    test_caller_set_wait(f->caller, 3000);
    assert_err(ask_send(f->caller, &letter, NULL), ERR_UNAVAILABLE);
    test_caller_set_wait(f->caller, 0);
    let_go(&db);
    assert_int_equal(prev_of_next(f, &other), last);
    uint64_t sneaked = sneak(f, &talk);
    assert_int_equal(prev_of_next(f, &talk), sneaked);
}

/* Behind a new connection there may be another server. */
DELIVERY_TEST(test_a_new_connection_forgets) {
    struct talk talk = talk_of(f);
    uint64_t last = sneak(f, &talk);
    assert_true(test_database_kill_connections(f->database) > 0);
    wait_for_connections(f->database, "command = 'Killed'", 0);
    assert_int_equal(prev_of_next(f, &talk), last);
}

DELIVERY_TEST(test_a_conversation_that_is_gone_is_opened_again) {
    struct talk talk = talk_of(f);
    sql_run(f->database, "DELETE FROM conversation WHERE id = %" PRIu64, talk.conversation);
    say(f, talk.people[0], talk.people[1], 0, "anew");
    struct entry entry = expect_text_routed(f, talk.people, 2);
    assert_true(entry.conversation > talk.conversation);
    assert_int_equal(entry.prev, 0);
}

/* --- unknown pairs ------------------------------------------------------------------------- */

/* While the writer waits, first texts to many people gather to one batch. */
DELIVERY_TEST(test_first_texts_to_many) {
    enum { MANY = 100 };
    struct talk talk = talk_of(f);
    uint64_t ada = new_account(f->database, ""), first = 0, id;
    static struct letter letters[MANY + 1];
    struct test_caller *observer = test_caller_new("observer", f->port);
    struct test_caller *many = test_caller_new("many", f->port);
    uint64_t batches = test_caller_metric(observer, "batches_total");
    uint64_t rows = delivery_rows(f);
    struct db *holder = hold(f->database, talk.conversation);
    for (size_t i = 0; i <= MANY; i++) {
        uint64_t from = i == 0 ? talk.people[0] : ada;
        uint64_t to = i == 0 ? talk.people[1] : i % 10 == 9 ? 1 : new_account(f->database, "");
        first = i == 1 ? to : first;
        letter_one(f, &letters[i], from, to, 0, "hello");
        test_caller_post(many, &message_DELIVERY_SEND, &letters[i].body);
        if (i == 0)
            wait_for_connections(f->database, WAITS_FOR_LOCK, 1);
    }
    wait_for_calls(observer, MANY + 1);
    let_go(&holder);
    size_t refused = 0;
    for (size_t i = 0; i <= MANY; i++)
        refused += test_caller_take(many, &id) == ERR_NO_ACCOUNT;
    assert_int_equal(refused, MANY / 10);
    assert_int_equal(test_caller_metric(observer, "batches_total"), batches + 2);
    /* Of each a conversation, two cursors and a message; and the message of the first batch. */
    assert_int_equal(delivery_rows(f), rows + 4 * (MANY - refused) + 1);
    skip_routed(f, MANY - refused + 1);
    say(f, ada, first, 0, "again");
    assert_true(next_routed(f).entry.prev > 0);
    test_caller_destroy(&many);
    test_caller_destroy(&observer);
}

int main(void) { return test_run_all(set_up, delivery_tear_down); }
