/*
 * parley-delivery alone: texts of muted members, and of blocked accounts.
 */
#include "common/db.h"
#include "proto/conversation.h"
#include "tests/support/delivery_fixture.h"

/* In the same way as group would do it. `until` is SQL. */
static void mute(struct delivery_fixture *f, uint64_t group, uint64_t account, const char *until) {
    uint64_t id = conversation_of_group(group);
    sql_run(f->database,
            "BEGIN; UPDATE conversation SET version = version + 1 WHERE id = %" PRIu64
            "; UPDATE member SET muted_until_ms = %s WHERE conversation = %" PRIu64
            " AND account = %" PRIu64 "; COMMIT",
            id, until, id, account);
}

static uint64_t new_group_of_two(struct delivery_fixture *f, uint64_t members_r[2]) {
    members_r[0] = new_account(f->database, "");
    members_r[1] = new_account(f->database, "");
    return new_group_of(f, "", members_r, 2);
}

/* Both instances remember the members. */
DELIVERY_TEST(test_muted_for_a_while) {
    uint64_t members[2], group = new_group_of_two(f, members);
    uint16_t port = test_free_port();
    struct service_process *second = start_delivery(f, port, NULL, NULL, NULL);
    struct test_caller *callers[] = {f->caller, test_caller_new("other", port)};
    struct letter letter;
    for (unsigned round = 0; round < 4; round++) {
        struct test_caller *caller = callers[round % 2];
        letter_one(f, &letter, members[0], 0, group, "before");
        assert_err(ask_send(caller, &letter, NULL), ERR_OK);
        skip_routed(f, 1);
        mute(f, group, members[0], DB_NOW_MS " + 3600000");
        uint64_t rows = delivery_rows(f);
        letter_one(f, &letter, members[0], 0, group, "while I am muted");
        assert_err(ask_send(caller, &letter, NULL), ERR_MUTED);
        assert_int_equal(delivery_rows(f), rows);
        /* Nobody else is. */
        letter_one(f, &letter, members[1], 0, group, "you are muted");
        assert_err(ask_send(caller, &letter, NULL), ERR_OK);
        skip_routed(f, 1);
        mute(f, group, members[0], round < 2 ? "0" : DB_NOW_MS " - 1"); /* or it has passed */
    }
    expect_no_text_routed(f);
    test_caller_destroy(&callers[1]);
    assert_int_equal(service_process_stop(&second), 0);
}

/* The repeat of a stored text is not answered as refused. */
DELIVERY_TEST(test_a_repeat_of_a_member_that_is_muted) {
    uint64_t members[2], group = new_group_of_two(f, members);
    struct delivery_send_reply reply;
    struct letter letter;
    letter_one(f, &letter, members[0], 0, group, "before");
    assert_err(ask_send(f->caller, &letter, &reply), ERR_OK);
    uint64_t cid = reply.cids.items[0];
    skip_routed(f, 1);
    mute(f, group, members[0], DB_NOW_MS " + 3600000");
    assert_err(ask_send(f->caller, &letter, &reply), ERR_OK);
    assert_int_equal(reply.cids.items[0], cid);
    assert_int_equal(reply.repeats, 1);
    letter_add(f, &letter, "and something new");
    assert_err(ask_send(f->caller, &letter, NULL), ERR_MUTED);
}

/* The reason has the end, by the calendar, whatever the time. */
DELIVERY_TEST(test_it_says_until_when) {
    uint64_t members[2], group = new_group_of_two(f, members);
    struct letter letter;
    letter_one(f, &letter, members[0], 0, group, "until when?");
    static const struct {
        const char *until, *words;
    } cases[] = {
        {"32503680000000", "you are muted in this group until 3000-01-01 00:00:00 UTC"},
        {"9007199254740991", "you are muted in this group until 287396-10-12 08:59:00 UTC"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mute(f, group, members[0], cases[i].until);
        assert_err(ask_send(f->caller, &letter, NULL), ERR_MUTED);
        assert_string_equal(test_caller_text(f->caller), cases[i].words);
    }
}

/* A muted member may neither edit nor react; it may recall its own texts. */
DELIVERY_TEST(test_other_requests_of_a_muted_member) {
    uint64_t members[2], group = new_group_of_two(f, members);
    uint64_t cid = say(f, members[0], 0, group, "before");
    skip_routed(f, 1);
    mute(f, group, members[0], DB_NOW_MS " + 3600000");
    struct delivery_edit edit = {
        .account = members[0], .group = group, .cid = cid, .text = slice_text("after")};
    struct delivery_react react = {
        .account = members[0], .group = group, .cid = cid, .emoji = slice_text("+"), .on = true};
    struct delivery_recall recall = {.account = members[0], .group = group, .cid = cid};
    uint64_t rows = delivery_rows(f);
    assert_err(test_caller_ask(f->caller, &message_DELIVERY_EDIT, &edit, NULL), ERR_MUTED);
    assert_err(test_caller_ask(f->caller, &message_DELIVERY_REACT, &react, NULL), ERR_MUTED);
    assert_int_equal(delivery_rows(f), rows);
    assert_err(test_caller_ask(f->caller, &message_DELIVERY_RECALL, &recall, NULL), ERR_OK);
    skip_routed(f, 1);
}

int main(void) { return test_run_all(delivery_set_up, delivery_tear_down); }
