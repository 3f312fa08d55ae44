/*
 * parley-delivery alone, where people get texts from friends alone (strangers = request).
 */
#include "tests/support/delivery_fixture.h"

static int set_up(void **state) {
    if (delivery_set_up(state) != 0)
        return -1;
    struct delivery_fixture *f = *state;
    if (service_process_stop(&f->delivery) != 0)
        return -1;
    f->delivery = start_delivery(f, f->port, "--strangers=request", NULL, NULL);
    return 0;
}

static void befriend(struct delivery_fixture *f, uint64_t a, uint64_t b) {
    sql_run(f->database, "INSERT INTO friendship VALUES (%" PRIu64 ", %" PRIu64 ", 1)",
            a < b ? a : b, a < b ? b : a);
}

static void part(struct delivery_fixture *f, uint64_t a, uint64_t b) {
    sql_run(f->database, "DELETE FROM friendship WHERE lo = %" PRIu64 " AND hi = %" PRIu64,
            a < b ? a : b, a < b ? b : a);
}

static enum err typing(struct delivery_fixture *f, uint64_t account, uint64_t user) {
    struct delivery_typing ask = {.account = account, .user = user};
    return test_caller_ask(f->caller, &message_DELIVERY_TYPING, &ask, NULL);
}

static enum err read_up_to(struct delivery_fixture *f, uint64_t account, uint64_t user,
                           uint64_t cid) {
    struct delivery_read ask = {.account = account, .user = user, .cid = cid};
    return test_caller_ask(f->caller, &message_DELIVERY_READ, &ask, NULL);
}

static enum err received_up_to(struct delivery_fixture *f, uint64_t account, uint64_t user,
                               uint64_t cid) {
    struct delivery_received ask = {.account = account, .user = user, .cid = cid};
    struct delivery_received_reply reply;
    return test_caller_ask(f->caller, &message_DELIVERY_RECEIVED, &ask, &reply);
}

/* Its cursor moves, behind a text of the other one's. */
static enum err advance(struct delivery_fixture *f, uint64_t account, uint64_t conversation,
                        uint64_t cid) {
    uint64_t one = 1;
    struct delivery_advance ask = {.accounts = {&account, 1},
                                   .conversations = {&conversation, 1},
                                   .cids = {&cid, 1},
                                   .from_others = {&one, 1}};
    return test_caller_ask(f->caller, &message_DELIVERY_ADVANCE, &ask, NULL);
}

static uint64_t texts(struct delivery_fixture *f) {
    return sql_number(f->database, "SELECT COUNT(*) FROM message");
}

DELIVERY_TEST(test_only_friends_write_to_each_other) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, ""),
             pair[] = {ada, bob};
    struct delivery_send_reply reply;
    uint64_t before = texts(f);
    for (int i = 0; i < 2; i++) { /* with a head that is not remembered, and with one that is */
        assert_err(try_send(f, ada, bob, 0, "hello", &reply), ERR_STRANGERS);
        assert_err(try_send(f, bob, ada, 0, "hello", &reply), ERR_STRANGERS);
    }
    assert_int_equal(texts(f), before);
    befriend(f, ada, bob);
    struct letter letter;
    letter_one(f, &letter, ada, bob, 0, "hello, friend");
    assert_err(ask_send(f->caller, &letter, &reply), ERR_OK);
    uint64_t cid = reply.cids.items[0];
    expect_text_routed(f, pair, 2);
    say(f, bob, ada, 0, "hello");
    expect_text_routed(f, pair, 2);
    /* The end takes effect at once; a text of before that is sent again has its reply. */
    part(f, ada, bob);
    assert_err(try_send(f, ada, bob, 0, "still there?", &reply), ERR_STRANGERS);
    assert_err(try_send(f, bob, ada, 0, "no", &reply), ERR_STRANGERS);
    assert_err(ask_send(f->caller, &letter, &reply), ERR_OK);
    assert_int_equal(reply.cids.items[0], cid);
    assert_int_equal(texts(f), before + 2);
    befriend(f, ada, bob);
    say(f, ada, bob, 0, "again");
    expect_text_routed(f, pair, 2);
}

DELIVERY_TEST(test_a_block_is_named_before) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    struct delivery_send_reply reply;
    assert_err(try_send(f, ada, bob, 0, "hello", &reply), ERR_STRANGERS);
    sql_run(f->database, "UPDATE conversation SET blocked = 3 WHERE kind = 0 AND lo = %" PRIu64,
            ada);
    assert_err(try_send(f, ada, bob, 0, "hello", &reply), ERR_BLOCKED);
    assert_err(try_send(f, ada, 4000001, 0, "hello", &reply), ERR_NO_ACCOUNT);
}

DELIVERY_TEST(test_groups_are_as_ever) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, ""),
             members[] = {ada, bob}, group = new_group_of(f, "", members, 2);
    say(f, ada, 0, group, "hello");
    expect_text_routed(f, members, 2);
}

DELIVERY_TEST(test_friends_and_strangers_in_one_request_after_the_other) {
    uint64_t ada = new_account(f->database, ""), pair[] = {ada, 0};
    struct delivery_send_reply reply;
    for (int i = 0; i < 3; i++) {
        uint64_t friend = new_account(f->database, ""), stranger = new_account(f->database, "");
        befriend(f, ada, friend);
        assert_err(try_send(f, ada, stranger, 0, "who are you?", &reply), ERR_STRANGERS);
        say(f, ada, friend, 0, "hello");
        pair[1] = friend;
        expect_text_routed(f, pair, 2);
    }
}

/* Neither typing nor how far somebody is: what is next is the text to a friend. */
DELIVERY_TEST(test_strangers_see_nothing) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, ""),
             eve = new_account(f->database, ""), pair[] = {ada, bob}, friends[] = {ada, eve};
    befriend(f, ada, bob);
    befriend(f, ada, eve);
    uint64_t cid = say(f, ada, bob, 0, "hello");
    expect_text_routed(f, pair, 2);
    part(f, ada, bob);
    assert_err(typing(f, ada, bob), ERR_STRANGERS);
    assert_err(typing(f, bob, ada), ERR_STRANGERS);
    assert_err(received_up_to(f, bob, ada, cid), ERR_OK);
    assert_err(read_up_to(f, bob, ada, cid), ERR_OK);
    /* Bob's own other devices see what he has read. */
    expect_text_routed(f, &bob, 1);
    assert_err(typing(f, ada, eve), ERR_OK);
    expect_text_routed(f, &eve, 1);
    cid = say(f, ada, eve, 0, "hello");
    expect_text_routed(f, friends, 2);
    assert_err(received_up_to(f, eve, ada, cid), ERR_OK);
    expect_text_routed(f, &ada, 1);
}

DELIVERY_TEST(test_what_has_arrived_is_told_to_friends) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, ""),
             pair[] = {ada, bob};
    befriend(f, ada, bob);
    uint64_t first = say(f, ada, bob, 0, "first");
    uint64_t conversation = expect_text_routed(f, pair, 2).conversation;
    uint64_t second = say(f, ada, bob, 0, "second");
    expect_text_routed(f, pair, 2);
    uint64_t third = say(f, ada, bob, 0, "third");
    expect_text_routed(f, pair, 2);
    assert_err(advance(f, bob, conversation, first), ERR_OK);
    expect_arrived(f, conversation, bob, ada, first);
    part(f, ada, bob);
    assert_err(advance(f, bob, conversation, second), ERR_OK);
    befriend(f, ada, bob);
    assert_err(advance(f, bob, conversation, third), ERR_OK);
    expect_arrived(f, conversation, bob, ada, third);
}

int main(void) { return test_run_all(set_up, delivery_tear_down); }
