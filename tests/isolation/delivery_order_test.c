/*
 * parley-delivery alone: a text that is sent again is stored once, and texts that two instances
 * write at once have one order, in which a reader misses nothing.
 */
#include "proto/conversation.h"
#include "tests/support/delivery_fixture.h"
#include "tests/support/delivery_reader.h"

/* Starts a second instance with a caller of its own. */
static struct service_process *start_second(struct delivery_fixture *f,
                                            struct test_caller **caller_r) {
    uint16_t port = test_free_port();
    struct service_process *second = start_delivery(f, port, NULL, NULL, NULL);
    *caller_r = test_caller_new("other", port);
    return second;
}

static void end_second(struct service_process **second, struct test_caller **caller) {
    test_caller_destroy(caller);
    assert_int_equal(service_process_stop(second), 0);
}

/* --- sent again ---------------------------------------------------------------------------- */

DELIVERY_TEST(test_a_repeat_gets_the_first_answer) {
    struct delivery_send_reply reply;
    struct letter letter;
    uint64_t members[] = {new_account(f->database, ""), new_account(f->database, "")};
    uint64_t to_accounts[] = {members[1], 0}, to_groups[] = {0, new_group_of(f, "", members, 2)};
    for (unsigned i = 0; i < 2; i++) {
        letter_begin(&letter, members[0], to_accounts[i], to_groups[i]);
        letter_add(f, &letter, "first");
        letter_add(f, &letter, "second");
        assert_err(ask_send(f->caller, &letter, &reply), ERR_OK);
        assert_int_equal(reply.repeats, 0);
        const uint64_t cids[] = {reply.cids.items[0], reply.cids.items[1]};
        const uint64_t time_ms = reply.times_ms.items[0], conversation = reply.conversation;
        skip_routed(f, 2);
        say(f, members[0], to_accounts[i], to_groups[i], "in between");
        skip_routed(f, 1);
        for (unsigned round = 1; round <= 3; round++) {
            assert_err(ask_send(f->caller, &letter, &reply), ERR_OK);
            assert_int_equal(reply.repeats, 2);
            assert_int_equal(reply.conversation, conversation);
            for (unsigned text = 0; text < 2; text++) {
                struct entry entry = expect_text_routed(f, members, 2);
                assert_int_equal(reply.cids.items[text], cids[text]);
                assert_int_equal(reply.times_ms.items[text], time_ms);
                assert_int_equal(entry.cid, cids[text]);
                assert_int_equal(entry.time_ms, time_ms);
                assert_int_equal(entry.conversation, conversation);
                assert_true(entry.prev < entry.cid);
                assert_slice_text(entry.text, text == 0 ? "first" : "second");
            }
        }
        assert_int_equal(stored_in(f->database, conversation), 3);
    }
}

DELIVERY_TEST(test_new_texts_among_repeats) {
    struct delivery_send_reply reply;
    struct letter letter;
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    letter_one(f, &letter, ada, bob, 0, "old");
    assert_err(ask_send(f->caller, &letter, &reply), ERR_OK);
    uint64_t old = reply.cids.items[0];
    letter_add(f, &letter, "new");
    letter_add(f, &letter, "new twice");
    letter_add(f, &letter, "new twice");
    letter.nonces[3] = letter.nonces[2];
    assert_err(ask_send(f->caller, &letter, &reply), ERR_OK);
    assert_int_equal(reply.cids.count, 4);
    assert_int_equal(reply.repeats, 2);
    assert_int_equal(reply.cids.items[0], old);
    assert_true(reply.cids.items[1] > old);
    assert_true(reply.cids.items[2] > reply.cids.items[1]);
    assert_int_equal(reply.cids.items[3], reply.cids.items[2]);
    assert_int_equal(stored_in(f->database, reply.conversation), 3);
    skip_routed(f, 2);
    struct entry second = expect_text_routed(f, (uint64_t[]){ada, bob}, 2);
    assert_int_equal(second.prev, old);
    struct entry third = expect_text_routed(f, (uint64_t[]){ada, bob}, 2);
    assert_int_equal(third.prev, second.cid);
    skip_routed(f, 1);
    uint64_t last = say(f, bob, ada, 0, "after");
    struct entry after = expect_text_routed(f, (uint64_t[]){ada, bob}, 2);
    assert_int_equal(after.cid, last);
    assert_int_equal(after.prev, third.cid);
}

/* Another message is neither stored nor routed, nor taken for the first. Those beside it are. */
DELIVERY_TEST(test_a_nonce_of_another_message) {
    struct delivery_send_reply reply;
    struct letter letter;
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, ""),
             eve = new_account(f->database, "");
    uint64_t group = new_group_of(f, "", (uint64_t[]){ada, eve}, 2);
    letter_one(f, &letter, ada, bob, 0, "for bob");
    assert_err(ask_send(f->caller, &letter, &reply), ERR_OK);
    uint64_t cid = reply.cids.items[0], conversation = reply.conversation;
    expect_text_routed(f, (uint64_t[]){ada, bob}, 2);
    letter.texts[0] = slice_text("for bob, but later");
    letter_add(f, &letter, "new");
    assert_err(ask_send(f->caller, &letter, &reply), ERR_OK);
    assert_int_equal(reply.repeats, 0);
    assert_int_equal(reply.cids.items[0], 0);
    assert_true(reply.cids.items[1] > cid);
    assert_int_equal(reply.conversation, conversation);
    struct entry entry = expect_text_routed(f, (uint64_t[]){ada, bob}, 2);
    assert_int_equal(entry.cid, reply.cids.items[1]);
    assert_int_equal(stored_in(f->database, conversation), 2);
    /* The same text to somebody else is another message, too. */
    letter_one(f, &letter, ada, bob, 0, "for whom?");
    assert_err(ask_send(f->caller, &letter, &reply), ERR_OK);
    expect_text_routed(f, (uint64_t[]){ada, bob}, 2);
    letter.body.to_account = 0;
    letter.body.to_group = group;
    assert_err(ask_send(f->caller, &letter, &reply), ERR_OK);
    assert_int_equal(reply.cids.items[0], 0);
    assert_int_equal(reply.conversation, conversation_of_group(group));
    assert_int_equal(stored_in(f->database, conversation_of_group(group)), 0);
    expect_no_text_routed(f);
}

/* A sender that may not write any more still learns whether its earlier texts were stored. */
DELIVERY_TEST(test_a_repeat_of_one_who_has_left) {
    struct delivery_send_reply reply;
    struct letter letter;
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t group = new_group_of(f, "", (uint64_t[]){ada, bob}, 2);
    letter_one(f, &letter, ada, 0, group, "goodbye");
    assert_err(ask_send(f->caller, &letter, &reply), ERR_OK);
    uint64_t cid = reply.cids.items[0], time_ms = reply.times_ms.items[0];
    expect_text_routed(f, (uint64_t[]){ada, bob}, 2);
    sql_run(f->database,
            "DELETE FROM member WHERE conversation = %" PRIu64 " AND account = %" PRIu64,
            conversation_of_group(group), ada);
    sql_run(f->database, "UPDATE conversation SET version = version + 1 WHERE id = %" PRIu64,
            conversation_of_group(group));
    assert_err(ask_send(f->caller, &letter, &reply), ERR_OK);
    assert_int_equal(reply.cids.items[0], cid);
    assert_int_equal(reply.times_ms.items[0], time_ms);
    assert_int_equal(reply.repeats, 1);
    letter_add(f, &letter, "one more");
    assert_err(ask_send(f->caller, &letter, &reply), ERR_NOT_MEMBER);
    letter_one(f, &letter, ada, 0, group, "goodbye");
    assert_err(ask_send(f->caller, &letter, &reply), ERR_NOT_MEMBER);
    assert_int_equal(stored_in(f->database, conversation_of_group(group)), 1);
    expect_no_text_routed(f);
}

DELIVERY_TEST(test_the_same_through_two_instances_at_once) {
    struct test_caller *other;
    struct service_process *second = start_second(f, &other);
    struct letter letter;
    for (unsigned round = 0; round < 40; round++) {
        uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
        struct delivery_send_reply a, b;
        letter_begin(&letter, ada, bob, 0);
        for (unsigned i = 0; i < 1 + round % 4; i++)
            letter_add(f, &letter, "the same");
        size_t count = letter.body.texts.count;
        test_caller_start(f->caller, &message_DELIVERY_SEND, &letter.body);
        test_caller_start(other, &message_DELIVERY_SEND, &letter.body);
        assert_err(test_caller_finish(f->caller, &message_DELIVERY_SEND, &a), ERR_OK);
        assert_err(test_caller_finish(other, &message_DELIVERY_SEND, &b), ERR_OK);
        assert_int_equal(a.conversation, b.conversation);
        assert_int_equal(a.repeats + b.repeats, count);
        assert_true(a.repeats == 0 || b.repeats == 0);
        assert_memory_equal(a.cids.items, b.cids.items, count * sizeof(uint64_t));
        assert_memory_equal(a.times_ms.items, b.times_ms.items, count * sizeof(uint64_t));
        assert_int_equal(stored_in(f->database, a.conversation), count);
        skip_routed(f, 2 * count);
    }
    end_second(&second, &other);
}

/* --- one order ----------------------------------------------------------------------------- */

DELIVERY_TEST(test_two_instances_take_turns) {
    struct test_caller *callers[] = {f->caller, NULL};
    struct service_process *second = start_second(f, &callers[1]);
    uint64_t members[] = {new_account(f->database, ""), new_account(f->database, "")},
             prev[2] = {0};
    uint64_t to_accounts[] = {members[1], 0}, to_groups[] = {0, new_group_of(f, "", members, 2)};
    struct letter letter;
    for (unsigned turn = 0; turn < 24; turn++) {
        unsigned to = turn / 2 % 2;
        struct delivery_send_reply reply;
        letter_begin(&letter, members[0], to_accounts[to], to_groups[to]);
        letter_add(f, &letter, "one");
        letter_add(f, &letter, "two");
        assert_err(ask_send(callers[turn % 2], &letter, &reply), ERR_OK);
        for (unsigned i = 0; i < 2; i++) {
            struct entry entry = expect_text_routed(f, members, 2);
            assert_int_equal(entry.cid, reply.cids.items[i]);
            assert_int_equal(entry.prev, prev[to]);
            assert_true(entry.cid > entry.prev);
            prev[to] = entry.cid;
        }
    }
    end_second(&second, &callers[1]);
}

#define WRITERS 6
#define ROUNDS 60
#define TEXTS 3
#define TOTAL ((size_t)WRITERS * ROUNDS * TEXTS)

struct link {
    uint64_t conversation, cid, prev;
};

static const struct link *find_link(const struct link *links, uint64_t conversation, uint64_t cid) {
    for (const struct link *link = links; link < links + 2 * TOTAL; link++)
        if (link->cid == cid && link->conversation == conversation)
            return link;
    fail_msg("%" PRIu64 " was not routed", cid);
    return NULL;
}

/* Routed entries form one chain in each conversation, in whatever order they arrived. */
static void check_chains(struct delivery_fixture *f, const struct reader *reader) {
    static struct link links[2 * TOTAL];
    for (size_t i = 0; i < 2 * TOTAL; i++) {
        struct entry entry = next_routed(f).entry;
        links[i] = (struct link){entry.conversation, entry.cid, entry.prev};
    }
    for (size_t c = 0; c < 2; c++) {
        size_t length = 0;
        for (uint64_t cid = reader->positions[c], prev; cid != 0; cid = prev, length++) {
            prev = find_link(links, reader->conversations[c], cid)->prev;
            assert_true(prev < cid);
        }
        assert_int_equal(length, TOTAL);
    }
}

/* Half of the writers' requests go to each instance; all of them are in progress while it reads. */
DELIVERY_TEST(test_a_reader_misses_nothing) {
    struct test_caller *other, *callers[2][WRITERS];
    uint16_t port = test_free_port();
    struct service_process *second = start_delivery(f, port, NULL, NULL, NULL);
    uint64_t members[] = {new_account(f->database, ""), new_account(f->database, "")};
    uint64_t group = new_group_of(f, "", members, 2);
    static struct letter letter;
    other = test_caller_new("reader", port);
    for (size_t to = 0; to < 2; to++)
        for (size_t w = 0; w < WRITERS; w++)
            callers[to][w] =
                test_caller_new(test_text("writer-%zu-%zu", to, w), w % 2 == 0 ? f->port : port);
    struct reader reader = {
        .caller = other, .account = members[1], .conversations = {conversation_of_group(group), 0}};
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (size_t to = 0; to < 2; to++)
            for (size_t w = 0; w < WRITERS; w++) {
                letter_begin(&letter, members[0], to == 0 ? 0 : members[1], to == 0 ? group : 0);
                for (unsigned i = 0; i < TEXTS; i++)
                    letter_add(f, &letter, "text");
                test_caller_start(callers[to][w], &message_DELIVERY_SEND, &letter.body);
            }
        for (unsigned i = 0; i < 4 && round > 0; i++)
            read_page(&reader);
        for (size_t to = 0; to < 2; to++)
            for (size_t w = 0; w < WRITERS; w++) {
                struct delivery_send_reply reply;
                assert_err(test_caller_finish(callers[to][w], &message_DELIVERY_SEND, &reply),
                           ERR_OK);
                reader.conversations[to] = reply.conversation;
            }
    }
    while (read_page(&reader) > 0)
        ;
    for (size_t to = 0; to < 2; to++) {
        assert_int_equal(stored_in(f->database, reader.conversations[to]), TOTAL);
        assert_int_equal(reader.counts[to], TOTAL);
    }
    check_chains(f, &reader);
    for (size_t i = 0; i < 2 * (size_t)WRITERS; i++)
        test_caller_destroy(&callers[i / WRITERS][i % WRITERS]);
    end_second(&second, &other);
}

int main(void) { return test_run_all(delivery_set_up, delivery_tear_down); }
