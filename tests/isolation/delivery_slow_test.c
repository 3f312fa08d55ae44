/*
 * parley-delivery alone: groups in which a plain member may write only once in a while.
 */
#include "proto/conversation.h"
#include "services/delivery/slow.h"
#include "tests/support/delivery_fixture.h"

#define SLOW_S 3600
#define SENTENCE "this group is in slow mode: you may write again in "

/* In the same way as group would do it. */
static void set_slow(struct delivery_fixture *f, uint64_t group, unsigned seconds) {
    sql_run(f->database,
            "UPDATE conversation SET version = version + 1, slow_s = %u WHERE id = %" PRIu64,
            seconds, conversation_of_group(group));
}

static void set_role(struct delivery_fixture *f, uint64_t group, uint64_t account, unsigned role) {
    sql_run(f->database,
            "BEGIN; UPDATE conversation SET version = version + 1 WHERE id = %" PRIu64
            "; UPDATE member SET role = %u WHERE conversation = %" PRIu64 " AND account = %" PRIu64
            "; COMMIT",
            conversation_of_group(group), role, conversation_of_group(group), account);
}

/* As if its entries had been stored so much earlier; no head is claimed, so instances read them. */
static void age(struct delivery_fixture *f, uint64_t group, uint64_t ms) {
    sql_run(f->database,
            "UPDATE message SET time_ms = time_ms - %" PRIu64 " WHERE conversation = %" PRIu64
            "; UPDATE conversation SET writer = 0 WHERE id = %" PRIu64,
            ms, conversation_of_group(group), conversation_of_group(group));
}

static uint64_t new_slow_group(struct delivery_fixture *f, uint64_t members_r[2]) {
    members_r[0] = new_account(f->database, "");
    members_r[1] = new_account(f->database, "");
    uint64_t group = new_group_of(f, "", members_r, 2);
    set_slow(f, group, SLOW_S);
    return group;
}

static void expect_refused(struct delivery_fixture *f, struct test_caller *caller, uint64_t from,
                           uint64_t group) {
    struct letter letter;
    uint64_t rows = delivery_rows(f);
    letter_one(f, &letter, from, 0, group, "again, so soon");
    assert_err(ask_send(caller, &letter, NULL), ERR_SLOW_MODE);
    assert_int_equal(delivery_rows(f), rows);
    const char *text = test_caller_text(caller);
    if (strncmp(text, SENTENCE, strlen(SENTENCE)) != 0)
        fail_msg("%s", text);
    unsigned long seconds = strtoul(text + strlen(SENTENCE), NULL, 10);
    assert_in_range(seconds, SLOW_S / 2, SLOW_S);
}

/* Whatever instance, and after a restart. */
DELIVERY_TEST(test_once_in_a_while) {
    uint64_t members[2], group = new_slow_group(f, members);
    uint16_t port = test_free_port();
    struct service_process *second = start_delivery(f, port, NULL, NULL, NULL);
    struct test_caller *other = test_caller_new("other", port);
    say(f, members[0], 0, group, "one");
    expect_refused(f, f->caller, members[0], group);
    expect_refused(f, other, members[0], group);
    say(f, members[1], 0, group, "each has a pause of its own");
    expect_refused(f, other, members[1], group);
    test_caller_destroy(&other);
    assert_int_equal(service_process_stop(&second), 0);
    second = start_delivery(f, port, NULL, NULL, NULL);
    other = test_caller_new("other", port);
    expect_refused(f, other, members[0], group);
    age(f, group, SLOW_S * 1000);
    struct letter letter;
    letter_one(f, &letter, members[0], 0, group, "two");
    assert_err(ask_send(other, &letter, NULL), ERR_OK);
    expect_refused(f, f->caller, members[0], group);
    set_slow(f, group, 0);
    say(f, members[0], 0, group, "as often as I like");
    say(f, members[0], 0, group, "again");
    test_caller_destroy(&other);
    assert_int_equal(service_process_stop(&second), 0);
    skip_routed(f, 5);
}

DELIVERY_TEST(test_owner_and_administrators_are_free) {
    uint64_t members[2], group = new_slow_group(f, members);
    for (unsigned role = 2; role <= 3; role++) {
        set_role(f, group, members[0], role);
        say(f, members[0], 0, group, "one");
        say(f, members[0], 0, group, "two");
    }
    set_role(f, group, members[0], 1);
    expect_refused(f, f->caller, members[0], group);
    skip_routed(f, 4);
}

/* Of several in one request none is stored: the gateway asks for each alone. A repeat is answered,
 * and a text that was recalled counts. */
DELIVERY_TEST(test_several_texts_and_repeats) {
    uint64_t members[2], group = new_slow_group(f, members);
    struct delivery_send_reply reply;
    struct letter letter;
    letter_one(f, &letter, members[0], 0, group, "one");
    letter_add(f, &letter, "two");
    assert_err(ask_send(f->caller, &letter, NULL), ERR_SLOW_MODE);
    letter_one(f, &letter, members[0], 0, group, "one");
    assert_err(ask_send(f->caller, &letter, &reply), ERR_OK);
    uint64_t cid = reply.cids.items[0];
    assert_err(ask_send(f->caller, &letter, &reply), ERR_OK);
    assert_int_equal(reply.repeats, 1);
    assert_int_equal(reply.cids.items[0], cid);
    sql_run(f->database, "UPDATE message SET type = 15, body = '' WHERE conversation = %" PRIu64,
            conversation_of_group(group));
    expect_refused(f, f->caller, members[0], group);
    skip_routed(f, 1);
}

/* Two texts of one member from two connections, in one batch. */
DELIVERY_TEST(test_two_in_a_batch) {
    uint64_t members[2], group = new_slow_group(f, members);
    uint16_t port = test_free_port();
    struct service_process *single = start_delivery(f, port, "--writers=1", NULL, NULL);
    struct test_caller *observer = test_caller_new("observer", port), *callers[3];
    struct db *holder = hold(f->database, conversation_of_group(group));
    struct letter letter;
    for (size_t i = 0; i < 3; i++) {
        callers[i] = test_caller_new(test_text("caller-%zu", i), port);
        letter_one(f, &letter, members[i == 0], 0, group, "text");
        test_caller_start(callers[i], &message_DELIVERY_SEND, &letter.body);
        wait_for_calls(observer, i + 1);
    }
    let_go(&holder);
    static const enum err outcomes[] = {ERR_OK, ERR_OK, ERR_SLOW_MODE};
    for (size_t i = 0; i < 3; i++) {
        assert_err(test_caller_finish(callers[i], &message_DELIVERY_SEND, NULL), outcomes[i]);
        test_caller_destroy(&callers[i]);
    }
    skip_routed(f, 2);
    test_caller_destroy(&observer);
    assert_int_equal(service_process_stop(&single), 0);
}

/* It is found as far back as the limit reaches, and not further. */
DELIVERY_TEST(test_how_far_back_it_is_looked_for) {
    uint64_t members[2], group = new_slow_group(f, members);
    set_role(f, group, members[1], 2);
    uint64_t cid = say(f, members[0], 0, group, "one");
    sql_run(f->database,
            "INSERT INTO message (conversation, cid, time_ms, type, sender, body)"
            " SELECT conversation, cid + seq, time_ms, 0, %" PRIu64
            ", 'x' FROM message JOIN seq_1_to_%u WHERE conversation = %" PRIu64,
            members[1], SLOW_MOST_ENTRIES - 1, conversation_of_group(group));
    sql_run(f->database, "ALTER SEQUENCE cid_block RESTART %" PRIu64, cid + (uint64_t)128 * 100);
    age(f, group, 0);
    expect_refused(f, f->caller, members[0], group);
    say(f, members[1], 0, group, "one more");
    say(f, members[0], 0, group, "now it is long ago");
    skip_routed(f, 3);
}

int main(void) { return test_run_all(delivery_set_up, delivery_tear_down); }
