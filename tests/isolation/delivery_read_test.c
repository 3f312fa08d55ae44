/*
 * parley-delivery alone: how far accounts have read (delivery.read, delivery.cursors).
 */
#include "tests/support/delivery_fixture.h"

#define LOGIN ((uint64_t)4711)

static enum err try_read(struct delivery_fixture *f, struct delivery_read ask) {
    struct delivery_received_reply reply = {.conversation = UINT64_MAX};
    ask.login = LOGIN;
    return test_caller_ask(f->caller, &message_DELIVERY_READ, &ask, &reply);
}

static uint64_t seen(struct delivery_fixture *f, uint64_t account, uint64_t conversation) {
    return cursor_number(f->database, "seen", account, conversation);
}

static uint64_t cursors(struct delivery_fixture *f) {
    return sql_number(f->database,
                      "SELECT COALESCE(SUM(received + seen), 0) + COUNT(*) FROM `cursor`");
}

/* Nothing changes, and nobody gets anything. */
static void refused(struct delivery_fixture *f, struct delivery_read ask, enum err expected) {
    uint64_t before = cursors(f);
    assert_err(try_read(f, ask), expected);
    assert_int_equal(cursors(f), before);
}

/* The next that is routed: `reader` has read up to `cid`; to its own connections but the login's,
 * and to `other`, unless it is 0. */
static struct entry pushed(struct delivery_fixture *f, uint64_t conversation, uint64_t reader,
                           uint64_t other, uint64_t cid) {
    const uint64_t accounts[] = {reader, other};
    struct entry entry = expect_text_routed(f, accounts, other == 0 ? 1 : 2);
    assert_int_equal(entry.type, ENTRY_READ);
    assert_int_equal(entry.conversation, conversation);
    assert_int_equal(entry.cid, 0);
    assert_int_equal(entry.from, reader);
    assert_int_equal(entry.target, cid);
    assert_int_equal(entry.login, LOGIN);
    return entry;
}

DELIVERY_TEST(test_in_a_pair) {
    uint64_t ada = new_account(f->database, "ada reads"), bob = new_account(f->database, "");
    uint64_t first = say(f, bob, ada, 0, "first"), second = say(f, bob, ada, 0, "second");
    uint64_t conversation = next_routed(f).entry.conversation;
    skip_routed(f, 1);
    assert_err(try_read(f, (struct delivery_read){.account = ada, .user = bob, .cid = first}),
               ERR_OK);
    struct entry entry = pushed(f, conversation, ada, bob, first);
    assert_int_equal(entry.to, bob);
    assert_true(slice_equal(entry.from_id, slice_text("ada reads")));
    assert_int_equal(entry.to_id.length, 0);
    assert_int_equal(seen(f, ada, conversation), first);
    assert_int_equal(received_by(f->database, ada, conversation), first); /* it has arrived then */
    for (uint64_t cid = first; cid > 0; cid = cid == first ? 1 : 0) /* again, and back: nothing */
        refused(f, (struct delivery_read){.account = ada, .user = bob, .cid = cid}, ERR_OK);
    refused(f, (struct delivery_read){.account = ada, .user = bob, .cid = second + 1},
            ERR_NO_MESSAGE);
    expect_no_text_routed(f);

    /* The cursor of arrived entries stays where it was. */
    struct delivery_received all = {.account = ada, .user = bob, .cid = second};
    struct delivery_received_reply reply;
    uint64_t third = say(f, bob, ada, 0, "third");
    skip_routed(f, 1);
    all.cid = third;
    assert_err(test_caller_ask(f->caller, &message_DELIVERY_RECEIVED, &all, &reply), ERR_OK);
    skip_routed(f, 1);
    assert_err(try_read(f, (struct delivery_read){.account = ada, .user = bob, .cid = second}),
               ERR_OK);
    pushed(f, conversation, ada, bob, second);
    assert_int_equal(received_by(f->database, ada, conversation), third);
    assert_int_equal(seen(f, bob, conversation), 0);
}

DELIVERY_TEST(test_where_one_takes_nothing_from_the_other) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t cids[] = {say(f, ada, bob, 0, "one"), say(f, ada, bob, 0, "two")};
    uint64_t conversation = next_routed(f).entry.conversation;
    skip_routed(f, 1);
    for (unsigned i = 0; i < 2; i++) {
        sql_run(f->database, "UPDATE conversation SET blocked = %u WHERE id = %" PRIu64, i + 1,
                conversation);
        assert_err(try_read(f, (struct delivery_read){.account = bob, .user = ada, .cid = cids[i]}),
                   ERR_OK);
        pushed(f, conversation, bob, 0, cids[i]);
    }
}

DELIVERY_TEST(test_in_a_group) {
    const uint64_t members[] = {new_account(f->database, ""), new_account(f->database, "")};
    uint64_t eve = new_account(f->database, ""), group = new_group_of(f, "we read", members, 2);
    uint64_t conversation = conversation_of_group(group);
    uint64_t first = say(f, members[0], 0, group, "first");
    skip_routed(f, 1);
    join(f, group, eve);
    uint64_t second = say(f, members[0], 0, group, "second");
    skip_routed(f, 1);
    assert_err(
        try_read(f, (struct delivery_read){.account = members[1], .group = group, .cid = second}),
        ERR_OK);
    struct entry entry = pushed(f, conversation, members[1], 0, second);
    assert_int_equal(entry.to, group);
    assert_true(slice_equal(entry.to_id, slice_text("we read")));

    /* Texts from before it joined are not for a new member: there is nothing to read. */
    refused(f, (struct delivery_read){.account = eve, .group = group, .cid = first}, ERR_OK);
    expect_no_text_routed(f);
    leave(f, group, eve);
    uint64_t third = say(f, members[0], 0, group, "among ourselves");
    skip_routed(f, 1);
    refused(f, (struct delivery_read){.account = eve, .group = group, .cid = third},
            ERR_NO_MESSAGE);
    assert_err(try_read(f, (struct delivery_read){.account = eve, .group = group, .cid = second}),
               ERR_OK);
    pushed(f, conversation, eve, 0, second);
    refused(f, (struct delivery_read){.account = 4000001, .group = group, .cid = first},
            ERR_NOT_MEMBER);
    refused(f, (struct delivery_read){.account = eve, .group = group + 1000, .cid = first},
            ERR_NO_GROUP);
}

DELIVERY_TEST(test_with_strangers) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, ""),
             eve = new_account(f->database, "");
    uint64_t cid = say(f, ada, bob, 0, "not for eve");
    skip_routed(f, 1);
    refused(f, (struct delivery_read){.account = eve, .user = ada, .cid = cid}, ERR_NO_MESSAGE);
    refused(f, (struct delivery_read){.account = eve, .user = 4000001, .cid = cid}, ERR_NO_ACCOUNT);
    refused(f, (struct delivery_read){.account = eve, .user = ada, .group = 1, .cid = cid},
            ERR_BAD_REQUEST);
    refused(f, (struct delivery_read){.user = ada, .cid = cid}, ERR_BAD_REQUEST);
    refused(f, (struct delivery_read){.account = eve, .user = eve, .cid = 1}, ERR_NO_MESSAGE);
    refused(f, (struct delivery_read){.account = eve, .user = UINT64_MAX, .cid = cid},
            ERR_NO_ACCOUNT);
    refused(f, (struct delivery_read){.account = bob, .user = ada, .cid = UINT64_MAX},
            ERR_NO_MESSAGE);
    expect_no_text_routed(f);
}

/* --- how far members are -------------------------------------------------------------------- */

DELIVERY_TEST(test_members_of_a_group) {
    const uint64_t members[] = {new_account(f->database, ""), new_account(f->database, ""),
                                new_account(f->database, "")};
    uint64_t group = new_group_of(f, "", members, 3);
    uint64_t first = say(f, members[0], 0, group, "first"),
             second = say(f, members[0], 0, group, "second");
    skip_routed(f, 2);
    struct delivery_received all = {.account = members[1], .group = group, .cid = second};
    struct delivery_received_reply moved;
    assert_err(test_caller_ask(f->caller, &message_DELIVERY_RECEIVED, &all, &moved), ERR_OK);
    assert_err(
        try_read(f, (struct delivery_read){.account = members[1], .group = group, .cid = first}),
        ERR_OK);
    skip_routed(f, 1);
    uint64_t wanted[] = {members[2], 4000001, members[1], members[1]};
    struct delivery_cursors ask = {.group = group, .accounts = {wanted, 4}};
    struct delivery_cursors_reply reply;
    assert_err(test_caller_ask(f->caller, &message_DELIVERY_CURSORS, &ask, &reply), ERR_OK);
    assert_int_equal(reply.received.count, 4);
    assert_int_equal(reply.seen.count, 4);
    const uint64_t received[] = {0, 0, second, second}, read[] = {0, 0, first, first};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(reply.received.items[i], received[i]);
        assert_int_equal(reply.seen.items[i], read[i]);
    }
    ask = (struct delivery_cursors){.group = group};
    assert_err(test_caller_ask(f->caller, &message_DELIVERY_CURSORS, &ask, &reply), ERR_OK);
    assert_int_equal(reply.seen.count, 0);
    ask = (struct delivery_cursors){.group = group + 1000, .accounts = {wanted, 4}};
    assert_err(test_caller_ask(f->caller, &message_DELIVERY_CURSORS, &ask, &reply), ERR_OK);
    assert_int_equal(reply.received.items[2] + reply.seen.items[2], 0);
}

DELIVERY_TEST(test_as_many_as_there_may_be) {
    uint64_t accounts[SMALL_GROUP_MAX + 1];
    for (size_t i = 0; i <= SMALL_GROUP_MAX; i++)
        accounts[i] = 9000000 + i;
    uint64_t member = new_account(f->database, ""), group = new_group_of(f, "", &member, 1);
    accounts[SMALL_GROUP_MAX - 1] = member;
    uint64_t cid = say(f, member, 0, group, "text");
    skip_routed(f, 1);
    assert_err(try_read(f, (struct delivery_read){.account = member, .group = group, .cid = cid}),
               ERR_OK);
    skip_routed(f, 1);
    struct delivery_cursors ask = {.group = group, .accounts = {accounts, SMALL_GROUP_MAX}};
    struct delivery_cursors_reply reply;
    assert_err(test_caller_ask(f->caller, &message_DELIVERY_CURSORS, &ask, &reply), ERR_OK);
    assert_int_equal(reply.seen.items[SMALL_GROUP_MAX - 1], cid);
    ask.accounts.count++;
    assert_err(test_caller_ask(f->caller, &message_DELIVERY_CURSORS, &ask, &reply),
               ERR_BAD_REQUEST);
}

int main(void) { return test_run_all(delivery_set_up, delivery_tear_down); }
