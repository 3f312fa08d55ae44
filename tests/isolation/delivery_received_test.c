/*
 * parley-delivery alone: delivery.received.
 */
#include "proto/conversation.h"
#include "tests/support/delivery_fixture.h"

#define NOWHERE UINT64_MAX

/* The conversation whose cursor moved; NOWHERE with `*err_r` when none did. */
static uint64_t try_received(struct delivery_fixture *f, struct delivery_received ask,
                             enum err *err_r) {
    struct delivery_received_reply reply = {.conversation = NOWHERE};
    *err_r = test_caller_ask(f->caller, &message_DELIVERY_RECEIVED, &ask, &reply);
    return *err_r == ERR_OK ? reply.conversation : NOWHERE;
}

static uint64_t received(struct delivery_fixture *f, struct delivery_received ask) {
    enum err err;
    uint64_t conversation = try_received(f, ask, &err);
    assert_err(err, ERR_OK);
    return conversation;
}

static void refused(struct delivery_fixture *f, struct delivery_received ask, enum err expected) {
    enum err err;
    uint64_t before =
        sql_number(f->database, "SELECT COALESCE(SUM(received), 0) + COUNT(*) FROM `cursor`");
    try_received(f, ask, &err);
    assert_err(err, expected);
    assert_int_equal(
        sql_number(f->database, "SELECT COALESCE(SUM(received), 0) + COUNT(*) FROM `cursor`"),
        before);
}

static uint64_t cursor(struct delivery_fixture *f, uint64_t account, uint64_t conversation) {
    return received_by(f->database, account, conversation);
}

/* A connection without positions is sent everything behind the cursors. */
static size_t count_missed(struct delivery_fixture *f, uint64_t account) {
    struct delivery_pull ask = {.account = account};
    struct delivery_pull_reply page;
    assert_err(test_caller_ask(f->caller, &message_DELIVERY_PULL, &ask, &page), ERR_OK);
    return page.entries.count;
}

/* An entry without a sender, as group writes it; its cid. */
static uint64_t notice(struct delivery_fixture *f, uint64_t conversation) {
    sql_run(f->database,
            "INSERT INTO message (conversation, cid, time_ms, type, sender, subject, about,"
            " accepted, body) SELECT %" PRIu64 ", NEXT VALUE FOR cid_block, 2, 14, 0, 0, 0, 0, 'x'",
            conversation);
    return sql_number(f->database, "SELECT MAX(cid) FROM message WHERE conversation = %" PRIu64,
                      conversation);
}

DELIVERY_TEST(test_in_a_pair) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t first = say(f, ada, bob, 0, "first"), second = say(f, bob, ada, 0, "second");
    uint64_t third = say(f, ada, bob, 0, "third");
    uint64_t conversation = next_routed(f).entry.conversation;
    skip_routed(f, 2);
    for (int i = 0; i < 2; i++) { /* twice is once, and back is nothing */
        assert_int_equal(
            received(f, (struct delivery_received){.account = bob, .user = ada, .cid = second}),
            conversation);
        if (i == 0)
            expect_arrived(f, conversation, bob, ada, second);
        assert_int_equal(
            received(f, (struct delivery_received){.account = bob, .user = ada, .cid = first}),
            conversation);
        assert_int_equal(cursor(f, bob, conversation), second);
    }
    assert_int_equal(count_missed(f, bob), 1);
    assert_int_equal(cursor(f, ada, conversation), 0);
    assert_int_equal(count_missed(f, ada), 3);
    refused(f, (struct delivery_received){.account = bob, .user = ada, .cid = third + 1},
            ERR_NO_MESSAGE);
    received(f, (struct delivery_received){.account = ada, .user = bob, .cid = third});
    expect_arrived(f, conversation, ada, bob, third);
    assert_int_equal(count_missed(f, ada), 0);
    expect_no_text_routed(f);
}

/* The string ids of both go with it. Where one takes nothing from the other, neither gets it. */
DELIVERY_TEST(test_in_a_pair_with_ids) {
    uint64_t ada = new_account(f->database, "ada the first"), bob = new_account(f->database, "");
    uint64_t cid = say(f, bob, ada, 0, "text");
    skip_routed(f, 1);
    received(f, (struct delivery_received){.account = ada, .user = bob, .cid = cid});
    struct entry entry = expect_text_routed(f, &bob, 1);
    assert_true(slice_equal(entry.from_id, slice_text("ada the first")));
    assert_int_equal(entry.to_id.length, 0);
    received(f, (struct delivery_received){.account = bob, .user = ada, .cid = cid});
    entry = expect_text_routed(f, &ada, 1);
    assert_int_equal(entry.from_id.length, 0);
    assert_true(slice_equal(entry.to_id, slice_text("ada the first")));
    for (unsigned blocked = 1; blocked <= 2; blocked++) {
        sql_run(f->database, "UPDATE conversation SET blocked = 0 WHERE id = %" PRIu64,
                entry.conversation);
        cid = say(f, bob, ada, 0, "another");
        skip_routed(f, 1);
        sql_run(f->database, "UPDATE conversation SET blocked = %u WHERE id = %" PRIu64, blocked,
                entry.conversation);
        received(f, (struct delivery_received){.account = ada, .user = bob, .cid = cid});
        received(f, (struct delivery_received){.account = bob, .user = ada, .cid = cid});
        expect_no_text_routed(f);
    }
}

DELIVERY_TEST(test_with_strangers) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, ""),
             eve = new_account(f->database, "");
    uint64_t cid = say(f, ada, bob, 0, "not for eve");
    skip_routed(f, 1);
    refused(f, (struct delivery_received){.account = eve, .user = ada, .cid = cid}, ERR_NO_MESSAGE);
    refused(f, (struct delivery_received){.account = eve, .user = 4000001, .cid = cid},
            ERR_NO_ACCOUNT);
    refused(f, (struct delivery_received){.account = 4000001, .user = ada, .cid = cid},
            ERR_NO_MESSAGE);
    refused(f, (struct delivery_received){.account = eve, .user = ada, .group = 1, .cid = cid},
            ERR_BAD_REQUEST);
    refused(f, (struct delivery_received){.user = ada, .cid = cid}, ERR_BAD_REQUEST);
    refused(f, (struct delivery_received){.account = eve, .user = UINT64_MAX, .cid = cid},
            ERR_NO_ACCOUNT);
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM conversation WHERE kind = 0"
                                " AND (lo = %" PRIu64 " OR hi = %" PRIu64 ")",
                                eve, eve),
                     0);
}

DELIVERY_TEST(test_in_a_group) {
    const uint64_t members[] = {new_account(f->database, ""), new_account(f->database, "")};
    uint64_t group = new_group_of(f, "", members, 2), eve = new_account(f->database, "");
    uint64_t first = say(f, members[0], 0, group, "first");
    uint64_t second = say(f, members[0], 0, group, "second");
    skip_routed(f, 2);
    struct delivery_received ask = {.account = members[1], .group = group, .cid = first};
    assert_int_equal(received(f, ask), conversation_of_group(group));
    assert_int_equal(count_missed(f, members[1]), 1);
    ask.cid = second + 1;
    refused(f, ask, ERR_NO_MESSAGE);
    ask = (struct delivery_received){.account = eve, .group = group, .cid = first};
    refused(f, ask, ERR_NOT_MEMBER);
    ask.group = group + 1000;
    refused(f, ask, ERR_NO_GROUP);

    /* A member that left has received the entries until then, and nothing later. */
    leave(f, group, members[1]);
    uint64_t third = say(f, members[0], 0, group, "among ourselves");
    skip_routed(f, 1);
    ask = (struct delivery_received){.account = members[1], .group = group, .cid = third};
    refused(f, ask, ERR_NO_MESSAGE);
    ask.cid = second;
    received(f, ask);
    assert_int_equal(cursor(f, members[1], conversation_of_group(group)), second);
    expect_no_text_routed(f); /* in a group it is nobody's concern */
    sql_run(f->database, "UPDATE conversation SET dissolved = TRUE WHERE id = %" PRIu64,
            conversation_of_group(group));
    ask = (struct delivery_received){.account = eve, .group = group, .cid = first};
    refused(f, ask, ERR_NO_GROUP);
    ask = (struct delivery_received){.account = members[0], .group = group, .cid = third};
    received(f, ask);
}

DELIVERY_TEST(test_in_ones_own_notices) {
    uint64_t ada = new_account(f->database, ""), own = conversation_of_account(ada);
    refused(f, (struct delivery_received){.account = ada, .user = ada, .cid = 1}, ERR_NO_MESSAGE);
    sql_run(f->database,
            "INSERT INTO conversation (id, kind, lo, hi, created_ms) VALUES (%" PRIu64
            ", 2, %" PRIu64 ", 0, 1); INSERT INTO `cursor` (account, conversation) VALUES (%" PRIu64
            ", %" PRIu64 ")",
            own, ada, ada, own);
    uint64_t first = notice(f, own);
    notice(f, own);
    assert_int_equal(
        received(f, (struct delivery_received){.account = ada, .user = ada, .cid = first}), own);
    assert_int_equal(count_missed(f, ada), 1);
}

DELIVERY_TEST(test_in_messages_to_all) {
    uint64_t ada = new_account(f->database, ""), late = new_account(f->database, "");
    refused(f, (struct delivery_received){.account = ada, .cid = 1}, ERR_NO_MESSAGE);
    sql_run(f->database,
            "INSERT INTO conversation (id, kind, lo, hi, created_ms) VALUES (%" PRIu64
            ", 3, 0, 0, 1)",
            CONVERSATION_OF_ALL);
    uint64_t first = notice(f, CONVERSATION_OF_ALL), second = notice(f, CONVERSATION_OF_ALL);
    /* The account never looked there: it has no cursor until now. */
    assert_int_equal(received(f, (struct delivery_received){.account = ada, .cid = first}),
                     CONVERSATION_OF_ALL);
    assert_int_equal(cursor(f, ada, CONVERSATION_OF_ALL), first);
    assert_int_equal(count_missed(f, ada), 1);
    assert_int_equal(count_missed(f, late), 2);
    refused(f, (struct delivery_received){.account = late, .cid = second + 1}, ERR_NO_MESSAGE);
    refused(f, (struct delivery_received){.account = 4000001, .cid = first}, ERR_NO_MESSAGE);
}

int main(void) { return test_run_all(delivery_set_up, delivery_tear_down); }
