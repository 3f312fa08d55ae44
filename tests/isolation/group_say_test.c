/*
 * parley-group alone: the operator's messages, and entries that go to everyone.
 */
#include "proto/conversation.h"
#include "proto/ids.h"
#include "services/group/group.h"
#include "tests/support/group_fixture.h"

/* Takes the next routed entry, which must be to everyone. */
static struct entry expect_everyone(struct group_fixture *f, struct fake_peer *session) {
    const struct route_item *item = next_routed_item(f, session);
    assert_true(item->everyone);
    assert_int_equal(item->accounts.count, 0);
    return entry_of(f, item);
}

static uint64_t expect_message_to_all(struct group_fixture *f, const char *text) {
    struct entry entry = expect_everyone(f, f->session);
    assert_notice(
        f, &entry,
        &(struct notice){.type = ENTRY_SYSTEM, .conversation = CONVERSATION_OF_ALL, .text = text});
    return entry.cid;
}

/* --- to all -------------------------------------------------------------------------------- */

/* The first test: no message to all has been stored before. */
GROUP_TEST(test_to_all) {
    assert_int_equal(sql_number(f->database, "SELECT COUNT(*) FROM conversation WHERE kind = 3"),
                     0);
    assert_err(ask_say(f, 0, 0, "the server stops at noon\n\n(so it says)"), ERR_OK);
    uint64_t first = expect_message_to_all(f, "the server stops at noon\n\n(so it says)");
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM conversation WHERE kind = 3 AND lo = 0"
                                " AND hi = 0 AND created_ms > 0 AND id = %" PRIu64,
                                CONVERSATION_OF_ALL),
                     1);
    assert_err(ask_say(f, 0, 0, "it stopped"), ERR_OK);
    assert_true(expect_message_to_all(f, "it stopped") > first);
    /* Each account gets its cursor there when it first reads. */
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM `cursor` WHERE conversation = %" PRIu64,
                                CONVERSATION_OF_ALL),
                     0);
}

GROUP_TEST(test_two_to_all_at_once_for_the_first_time) {
    struct test_caller *other = test_caller_new("other", f->port);
    for (unsigned round = 0; round < 10; round++) {
        sql_run(f->database,
                "DELETE FROM message WHERE conversation = %" PRIu64
                "; DELETE FROM conversation WHERE id = %" PRIu64,
                CONVERSATION_OF_ALL, CONVERSATION_OF_ALL);
        struct group_say ask = {.text = slice_text("hear, hear")};
        test_caller_start(f->caller, &message_GROUP_SAY, &ask);
        test_caller_start(other, &message_GROUP_SAY, &ask);
        assert_err(test_caller_finish(f->caller, &message_GROUP_SAY, NULL), ERR_OK);
        assert_err(test_caller_finish(other, &message_GROUP_SAY, NULL), ERR_OK);
        uint64_t prevs = expect_everyone(f, f->session).prev;
        prevs += expect_everyone(f, f->session).prev;
        assert_int_equal(prevs, sql_number(f->database,
                                           "SELECT MIN(cid) FROM message WHERE conversation = "
                                           "%" PRIu64,
                                           CONVERSATION_OF_ALL));
        assert_int_equal(stored_in(f->database, CONVERSATION_OF_ALL), 2);
    }
    test_caller_destroy(&other);
}

/* --- to one, to a group -------------------------------------------------------------------- */

GROUP_TEST(test_to_one) {
    uint64_t ada = new_account(f->database, "addressee");
    for (unsigned i = 0; i < 2; i++) {
        assert_err(ask_say(f, ada, 0, "wash your hands"), ERR_OK);
        expect_own_notice(
            f, ada,
            &(struct notice){.type = ENTRY_SYSTEM, .subject = 0, .text = "wash your hands"});
    }
    assert_cursor(f, conversation_of_account(ada), ada, 0, 0);
}

GROUP_TEST(test_to_a_group) {
    uint64_t owner = new_account(f->database, ""), group = new_group(f, owner, "the addressed");
    uint64_t ada = new_member(f, group, "", GROUP_MEMBER);
    assert_err(ask_say(f, 0, group, "quiet, please"), ERR_OK);
    expect_notice(f,
                  &(struct notice){.type = ENTRY_SYSTEM,
                                   .conversation = conversation_of_group(group),
                                   .to = group,
                                   .text = "quiet, please"},
                  (uint64_t[]){owner, ada}, 2);
}

GROUP_TEST(test_messages_that_are_refused) {
    uint64_t owner = new_account(f->database, ""), group = new_group(f, owner, "");
    uint64_t gone = new_group(f, owner, ""), before;
    sql_run(f->database, "UPDATE conversation SET dissolved = 1 WHERE id = %" PRIu64,
            conversation_of_group(gone));
    before = sql_state(f);
    const uint64_t nobody[] = {1, NUMBER_LIMIT, conversation_of_account(owner), UINT64_MAX};
    for (size_t i = 0; i < sizeof nobody / sizeof nobody[0]; i++) {
        assert_err(ask_say(f, nobody[i], 0, "text"), ERR_NO_ACCOUNT);
        assert_err(ask_say(f, 0, nobody[i], "text"), ERR_NO_GROUP);
    }
    assert_err(ask_say(f, 0, gone, "text"), ERR_NO_GROUP);
    assert_err(ask_say(f, owner, group, "text"), ERR_BAD_REQUEST);
    const char *const bad[] = {"", "\xff", "cut \xe2\x82", "\xed\xa0\x80"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_err(ask_say(f, 0, 0, bad[i]), ERR_BAD_REQUEST);
        assert_err(ask_say(f, owner, 0, bad[i]), ERR_BAD_REQUEST);
        assert_err(ask_say(f, 0, group, bad[i]), ERR_BAD_REQUEST);
    }
    assert_int_equal(sql_state(f), before);
}

GROUP_TEST(test_the_longest_text) {
    static char text[65000 + 2];
    memset(text, 'x', 65000 + 1);
    assert_err(ask_say(f, 0, 0, text), ERR_BAD_REQUEST);
    text[65000] = '\0';
    assert_err(ask_say(f, 0, 0, text), ERR_OK);
    assert_int_equal(expect_everyone(f, f->session).text.length, 65000);
}

/* --- several sessions ---------------------------------------------------------------------- */

static struct service_process *start_with_two_sessions(const struct group_fixture *f, uint16_t port,
                                                       uint16_t second_session) {
    struct service_process *group = service_process_start(
        "parley-group", NULL,
        (const char *[]){test_text("--group-port=%u", (unsigned)port),
                         test_text("--session-peers=tcp://127.0.0.1:%u,tcp://127.0.0.1:%u",
                                   (unsigned)f->session_port, (unsigned)second_session),
                         "--heartbeat-ms=50", "--peer-timeout-ms=10000", NULL});
    service_process_wait_ready(group);
    for (unsigned i = 0; i < 2; i++)
        assert_true(service_process_wait_text(
            group,
            test_text("tcp://127.0.0.1:%u state=live",
                      (unsigned)(i == 0 ? f->session_port : second_session)),
            TEST_DEADLINE_MS));
    return group;
}

/* An entry for everyone goes to every session, an account's to the session that has the account. */
GROUP_TEST(test_every_session_receives_it) {
    uint16_t port = test_free_port(), session_port = test_free_port();
    struct fake_peer *second = fake_peer_new("session", session_port);
    struct service_process *group = start_with_two_sessions(f, port, session_port);
    struct test_caller *caller = test_caller_new("caller of two", port);
    for (unsigned i = 0; i < 8; i++) {
        struct group_say all = {.text = slice_text("to all")};
        struct group_say one = {.to_account = new_account(f->database, ""),
                                .text = slice_text("to one")};
        assert_err(test_caller_ask(caller, &message_GROUP_SAY, &one, NULL), ERR_OK);
        assert_err(test_caller_ask(caller, &message_GROUP_SAY, &all, NULL), ERR_OK);
        struct fake_peer *const sessions[] = {f->session, second};
        unsigned reached_one = 0;
        for (size_t s = 0; s < 2; s++) {
            const struct route_item *item = next_routed_item(f, sessions[s]);
            if (!item->everyone) {
                assert_receivers(item, &one.to_account, 1);
                assert_slice_text(entry_of(f, item).text, "to one");
                reached_one++;
                item = next_routed_item(f, sessions[s]);
            }
            assert_true(item->everyone);
            assert_slice_text(entry_of(f, item).text, "to all");
        }
        assert_int_equal(reached_one, 1);
    }
    test_caller_destroy(&caller);
    assert_int_equal(service_process_stop(&group), 0);
    assert_int_equal(fake_peer_waiting(second), 0);
    fake_peer_destroy(&second);
}

int main(void) { return test_run_all(group_set_up, group_tear_down); }
