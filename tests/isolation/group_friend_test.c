/*
 * parley-group alone: requests for friendship, answers, ends of friendships.
 */
#include "proto/conversation.h"
#include "proto/ids.h"
#include "services/group/group.h"
#include "services/group/group_sql.h"
#include "tests/support/group_fixture.h"

static enum err befriend(struct group_fixture *f, uint64_t account, uint64_t target,
                         bool *repeat_r) {
    struct group_befriend ask = {.account = account, .target = target};
    struct done done = {0};
    enum err err = test_caller_ask(f->caller, &message_GROUP_BEFRIEND, &ask, &done);
    if (repeat_r != NULL)
        *repeat_r = done.repeat;
    return err;
}

static enum err answer(struct group_fixture *f, uint64_t account, uint64_t asker, bool accept) {
    struct group_answer_friend ask = {.account = account, .asker = asker, .accept = accept};
    return test_caller_ask(f->caller, &message_GROUP_ANSWER_FRIEND, &ask, NULL);
}

static enum err unfriend(struct group_fixture *f, uint64_t account, uint64_t target) {
    struct group_unfriend ask = {.account = account, .target = target};
    return test_caller_ask(f->caller, &message_GROUP_UNFRIEND, &ask, NULL);
}

static uint64_t expect_request(struct group_fixture *f, uint64_t asker, uint64_t asked) {
    return expect_own_notice(
        f, asked, &(struct notice){.type = ENTRY_FRIEND_REQUEST, .from = asker, .subject = asked});
}

static uint64_t expect_answer(struct group_fixture *f, uint64_t asker, uint64_t asked,
                              bool accepted) {
    return expect_own_notice(
        f, asker,
        &(struct notice){
            .type = ENTRY_FRIEND_ANSWER, .from = asked, .subject = asker, .accepted = accepted});
}

/* Asks, and takes the notice. */
static void ask_quietly(struct group_fixture *f, uint64_t asker, uint64_t asked) {
    assert_err(befriend(f, asker, asked, NULL), ERR_OK);
    next_routed_item(f, f->session);
}

static bool waits(struct group_fixture *f, uint64_t asked, uint64_t asker) {
    return request_waits(f, GROUP_REQUEST_FRIEND, asked, asker);
}

/* An account that others count on: with its own conversation. */
static uint64_t known_account(struct group_fixture *f) {
    uint64_t account = new_account(f->database, "");
    assert_err(ask_say(f, account, 0, "welcome"), ERR_OK);
    next_routed_item(f, f->session);
    return account;
}

/* --- asking -------------------------------------------------------------------------------- */

GROUP_TEST(test_a_request_is_stored_and_sent) {
    uint64_t ada = new_account(f->database, "ada"), bob = new_account(f->database, "");
    bool repeat = true;
    assert_err(befriend(f, ada, bob, &repeat), ERR_OK);
    assert_false(repeat);
    uint64_t first = expect_request(f, ada, bob);
    assert_true(waits(f, bob, ada));
    assert_false(waits(f, ada, bob));
    assert_false(are_friends(f, ada, bob));
    /* Both have conversations of their own from now on, and read them from the start. */
    assert_cursor(f, conversation_of_account(ada), ada, 0, 0);
    assert_cursor(f, conversation_of_account(bob), bob, 0, 0);
    assert_int_equal(stored_in(f->database, conversation_of_account(ada)), 0);
    uint64_t eve = new_account(f->database, "ève");
    assert_err(befriend(f, eve, bob, NULL), ERR_OK);
    assert_true(expect_request(f, eve, bob) > first);
}

GROUP_TEST(test_asked_twice_is_asked_once) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    bool repeat = false;
    ask_quietly(f, ada, bob);
    uint64_t before = sql_state(f);
    assert_err(befriend(f, ada, bob, &repeat), ERR_OK);
    assert_true(repeat);
    assert_int_equal(sql_state(f), before);
}

GROUP_TEST(test_accounts_that_cannot_be_asked) {
    uint64_t ada = known_account(f), bob = known_account(f), eve = known_account(f);
    make_friends(f, ada, bob);
    sql_run(f->database, "INSERT INTO block VALUES (%" PRIu64 ", %" PRIu64 ")", eve, ada);
    uint64_t before = sql_state(f);
    assert_err(befriend(f, ada, ada, NULL), ERR_TO_ONESELF);
    assert_err(befriend(f, ada, bob, NULL), ERR_ALREADY_FRIENDS);
    assert_err(befriend(f, bob, ada, NULL), ERR_ALREADY_FRIENDS);
    assert_err(befriend(f, ada, eve, NULL), ERR_BLOCKED);
    const uint64_t nobody[] = {0, 1, NUMBER_LIMIT, conversation_of_account(bob), UINT64_MAX};
    for (size_t i = 0; i < sizeof nobody / sizeof nobody[0]; i++) {
        assert_err(befriend(f, ada, nobody[i], NULL), ERR_NO_ACCOUNT);
        assert_err(befriend(f, nobody[i], ada, NULL), ERR_NO_ACCOUNT);
        assert_err(befriend(f, nobody[i], nobody[i], NULL), ERR_NO_ACCOUNT);
    }
    assert_int_equal(sql_state(f), before);
}

/* Nothing at all is made for a request that is refused, also not an own conversation. */
GROUP_TEST(test_a_refused_request_leaves_nothing) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    sql_run(f->database, "INSERT INTO block VALUES (%" PRIu64 ", %" PRIu64 ")", bob, ada);
    uint64_t before = sql_state(f);
    assert_err(befriend(f, ada, bob, NULL), ERR_BLOCKED);
    assert_err(befriend(f, ada, 1, NULL), ERR_NO_ACCOUNT);
    assert_err(befriend(f, ada, ada, NULL), ERR_TO_ONESELF);
    assert_err(answer(f, ada, bob, true), ERR_NO_REQUEST);
    assert_err(unfriend(f, ada, bob), ERR_NOT_FRIENDS);
    assert_int_equal(sql_state(f), before);
    /* An account that has blocked another may still ask it. */
    ask_quietly(f, bob, ada);
}

GROUP_TEST(test_a_mutual_request_befriends) {
    uint64_t ada = new_account(f->database, "ada lovelace"), bob = new_account(f->database, "");
    ask_quietly(f, ada, bob);
    assert_err(befriend(f, bob, ada, NULL), ERR_OK);
    expect_answer(f, ada, bob, true);
    expect_answer(f, bob, ada, true);
    assert_true(are_friends(f, ada, bob));
    assert_false(waits(f, bob, ada));
    assert_false(waits(f, ada, bob));
    assert_err(answer(f, bob, ada, true), ERR_NO_REQUEST);
    assert_err(befriend(f, ada, bob, NULL), ERR_ALREADY_FRIENDS);
}

/* --- answering ----------------------------------------------------------------------------- */

GROUP_TEST(test_answers) {
    uint64_t ada = new_account(f->database, "augusta"), bob = new_account(f->database, "bøb"),
             eve = new_account(f->database, "");
    ask_quietly(f, ada, bob);
    ask_quietly(f, eve, bob);
    assert_err(answer(f, bob, ada, true), ERR_OK);
    expect_answer(f, ada, bob, true);
    assert_true(are_friends(f, ada, bob));
    assert_false(waits(f, bob, ada));
    assert_true(waits(f, bob, eve));
    assert_err(answer(f, bob, eve, false), ERR_OK);
    expect_answer(f, eve, bob, false);
    assert_false(are_friends(f, eve, bob));
    assert_false(waits(f, bob, eve));
    uint64_t before = sql_state(f);
    assert_err(answer(f, bob, ada, false), ERR_NO_REQUEST);
    assert_err(answer(f, bob, eve, true), ERR_NO_REQUEST);
    assert_int_equal(sql_state(f), before);
    /* An account that was refused may ask again. */
    ask_quietly(f, eve, bob);
}

GROUP_TEST(test_answers_to_no_request) {
    uint64_t ada = known_account(f), bob = known_account(f), eve = known_account(f);
    ask_quietly(f, ada, bob);
    uint64_t before = sql_state(f);
    for (unsigned accept = 0; accept < 2; accept++) {
        assert_err(answer(f, ada, bob, accept), ERR_NO_REQUEST); /* one's own request */
        assert_err(answer(f, bob, eve, accept), ERR_NO_REQUEST);
        assert_err(answer(f, eve, ada, accept), ERR_NO_REQUEST);
        assert_err(answer(f, bob, bob, accept), ERR_NO_REQUEST);
        assert_err(answer(f, bob, 1, accept), ERR_NO_REQUEST);
        assert_err(answer(f, bob, 0, accept), ERR_NO_REQUEST);
        assert_err(answer(f, 0, 0, accept), ERR_NO_ACCOUNT);
        assert_err(answer(f, bob, UINT64_MAX, accept), ERR_NO_ACCOUNT);
        assert_err(answer(f, NUMBER_LIMIT, ada, accept), ERR_NO_ACCOUNT);
    }
    assert_int_equal(sql_state(f), before);
}

/* --- the end of a friendship --------------------------------------------------------------- */

GROUP_TEST(test_unfriend) {
    uint64_t ada = new_account(f->database, "ada k."), bob = new_account(f->database, ""),
             eve = new_account(f->database, "");
    ask_quietly(f, ada, bob);
    assert_err(answer(f, bob, ada, true), ERR_OK);
    expect_answer(f, ada, bob, true);
    make_friends(f, bob, eve);
    assert_err(unfriend(f, bob, ada), ERR_OK);
    expect_own_notice(f, ada,
                      &(struct notice){.type = ENTRY_FRIEND_REMOVED, .from = bob, .subject = ada});
    assert_false(are_friends(f, ada, bob));
    assert_true(are_friends(f, bob, eve));
    uint64_t before = sql_state(f);
    assert_err(unfriend(f, bob, ada), ERR_NOT_FRIENDS);
    assert_err(unfriend(f, ada, bob), ERR_NOT_FRIENDS);
    assert_err(unfriend(f, ada, eve), ERR_NOT_FRIENDS);
    assert_err(unfriend(f, ada, ada), ERR_NOT_FRIENDS);
    assert_err(unfriend(f, ada, 1), ERR_NOT_FRIENDS);
    assert_err(unfriend(f, ada, 0), ERR_NOT_FRIENDS);
    assert_err(unfriend(f, ada, UINT64_MAX), ERR_NO_ACCOUNT);
    assert_err(unfriend(f, 0, 0), ERR_NO_ACCOUNT);
    assert_int_equal(sql_state(f), before);
    /* And from the start again. */
    ask_quietly(f, ada, bob);
}

/* --- limits -------------------------------------------------------------------------------- */

/* Friends that need not exist. */
static void give_friends(struct group_fixture *f, uint64_t account, unsigned count) {
    sql_run(f->database,
            "INSERT INTO friendship SELECT IF(seq MOD 2 = 0, seq, %" PRIu64
            "), IF(seq MOD 2 = 0, %" PRIu64 ", seq + 8000000), 1 FROM seq_2_to_%u",
            account, account, count + 1);
}

GROUP_TEST(test_friends_have_a_limit) {
    uint64_t ada = known_account(f), bob = known_account(f), eve = known_account(f);
    give_friends(f, ada, GROUP_MAX_FRIENDS - 1);
    ask_quietly(f, ada, bob);
    ask_quietly(f, eve, ada);
    assert_err(answer(f, bob, ada, true), ERR_OK);
    expect_answer(f, ada, bob, true);
    uint64_t before = sql_state(f);
    assert_err(answer(f, ada, eve, true), ERR_TOO_MANY);
    assert_err(befriend(f, ada, eve, NULL), ERR_TOO_MANY); /* mutual */
    assert_int_equal(sql_state(f), before);
    assert_true(waits(f, ada, eve));
    /* The other side's limit counts as well; refusing is always possible. */
    uint64_t max = new_account(f->database, "");
    ask_quietly(f, ada, max);
    assert_err(answer(f, max, ada, true), ERR_TOO_MANY);
    assert_err(befriend(f, max, ada, NULL), ERR_TOO_MANY);
    assert_err(answer(f, max, ada, false), ERR_OK);
    expect_answer(f, ada, max, false);
    assert_err(unfriend(f, ada, bob), ERR_OK);
    next_routed_item(f, f->session);
    assert_err(answer(f, ada, eve, true), ERR_OK);
    expect_answer(f, eve, ada, true);
}

GROUP_TEST(test_requests_have_a_limit) {
    uint64_t ada = known_account(f), bob = known_account(f), eve = known_account(f);
    /* Made by ada, of both kinds; and for bob to answer. */
    sql_run(f->database,
            "INSERT INTO request (kind, target, account, created_ms)"
            " SELECT 1 + seq MOD 2, seq, %" PRIu64 ", 1 FROM seq_1_to_%u;"
            " INSERT INTO request (kind, target, account, created_ms, stranger)"
            " SELECT 1, %" PRIu64 ", seq, 1, FALSE FROM seq_1_to_%u",
            ada, GROUP_MAX_REQUESTS - 1, bob, GROUP_MAX_REQUESTS - 1);
    ask_quietly(f, ada, bob);
    sql_run(f->database, "UPDATE request SET stranger = FALSE WHERE target = %" PRIu64, bob);
    uint64_t before = sql_state(f);
    assert_err(befriend(f, ada, eve, NULL), ERR_TOO_MANY);
    assert_err(befriend(f, eve, bob, NULL), ERR_TOO_MANY); /* no stranger's gives way */
    assert_err(befriend(f, ada, bob, NULL), ERR_OK);       /* asked already */
    assert_int_equal(sql_state(f), before);
    /* A request to an account that waits for an answer itself stores none. */
    assert_err(befriend(f, bob, ada, NULL), ERR_OK);
    expect_answer(f, ada, bob, true);
    expect_answer(f, bob, ada, true);
    ask_quietly(f, ada, eve);
}

static uint64_t waiting(struct group_fixture *f, uint64_t asked) {
    return sql_number(f->database,
                      "SELECT COUNT(*) FROM request WHERE kind = 1 AND target = %" PRIu64, asked);
}

/* A thousand throwaway accounts have asked bob, the last of them at 1000 ms. */
static uint64_t flooded_account(struct group_fixture *f) {
    uint64_t bob = known_account(f);
    sql_run(f->database,
            "INSERT INTO request (kind, target, account, created_ms)"
            " SELECT 1, %" PRIu64 ", seq, seq FROM seq_1_to_%u",
            bob, GROUP_MAX_REQUESTS);
    return bob;
}

GROUP_TEST(test_a_flood_of_strangers_keeps_nobody_out) {
    uint64_t bob = flooded_account(f), ada = known_account(f), eve = known_account(f);
    ask_quietly(f, ada, bob);
    ask_quietly(f, eve, bob);
    assert_true(waits(f, bob, ada));
    assert_true(waits(f, bob, eve));
    assert_int_equal(waiting(f, bob), GROUP_MAX_REQUESTS);
    /* The oldest are gone: for bob to answer, and for those who asked, who may ask again. */
    for (uint64_t gone = 1; gone <= 2; gone++) {
        assert_false(waits(f, bob, gone));
        assert_err(answer(f, bob, gone, true), ERR_NO_REQUEST);
    }
    assert_true(waits(f, bob, 3));
    assert_err(answer(f, bob, ada, true), ERR_OK);
    expect_answer(f, ada, bob, true);
    assert_int_equal(waiting(f, bob), GROUP_MAX_REQUESTS - 1);
    /* There is room for one: nobody's gives way. */
    ask_quietly(f, known_account(f), bob);
    assert_true(waits(f, bob, 3));
}

GROUP_TEST(test_who_shares_a_group_does_not_give_way_to_strangers) {
    uint64_t bob = flooded_account(f), ada = known_account(f), carl = known_account(f);
    uint64_t group = new_group(f, bob, "");
    new_group(f, carl, "");
    add_quietly(f, group, ada);
    ask_quietly(f, ada, bob);
    assert_false(waits(f, bob, 1));
    sql_run(f->database, "UPDATE request SET created_ms = 1 WHERE account = %" PRIu64, ada);
    /* A group of the asker's alone does not count. */
    ask_quietly(f, carl, bob);
    sql_run(f->database, "UPDATE request SET created_ms = 2 WHERE account = %" PRIu64, carl);
    ask_quietly(f, known_account(f), bob);
    assert_true(waits(f, bob, ada));
    assert_false(waits(f, bob, carl));
}

/* What gives way is found by an index, however many requests and groups there are. */
GROUP_TEST(test_the_request_that_gives_way_is_found_at_once) {
    enum { READS = 20 };
    uint64_t bob = flooded_account(f), ada = known_account(f);
    sql_run(f->database,
            "INSERT INTO member (conversation, account, role, joined_ms)"
            " SELECT (1 << 60) + 70000000 + seq, %" PRIu64 ", 1, 1 FROM seq_1_to_5000;"
            " INSERT INTO request (kind, target, account, created_ms)"
            " SELECT 1, %" PRIu64 " + 1 + seq, seq, seq FROM seq_1_to_5000;"
            " ANALYZE TABLE request, member",
            ada, bob);
    struct db *db = db_new(test_database_settings(f->database), NULL);
    assert_non_null(db);
    assert_err(db_connect(db), ERR_OK);
    uint64_t before = rows_read(db);
    struct db_rows *rows;
    assert_err(db_query(db, &group_sql_find_oldest,
                        DB_ARGS(db_u64(GROUP_REQUEST_FRIEND), db_u64(bob)), &rows),
               ERR_OK);
    assert_true(db_rows_next(rows));
    assert_int_equal(db_rows_u64(rows, 0), 1);
    db_rows_destroy(&rows);
    assert_in_range(rows_read(db) - before, 0, READS);
    before = rows_read(db);
    assert_err(db_query(db, &group_sql_share_group, DB_ARGS(db_u64(ada), db_u64(bob)), &rows),
               ERR_OK);
    assert_false(db_rows_next(rows));
    db_rows_destroy(&rows);
    assert_in_range(rows_read(db) - before, 0, GROUP_COMPARED + READS);
    db_destroy(&db);
}

/* --- two at once --------------------------------------------------------------------------- */

GROUP_TEST(test_two_answers_at_once) {
    for (unsigned round = 0; round < 4; round++) {
        uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
        ask_quietly(f, ada, bob);
        struct group_answer_friend yes = {.account = bob, .asker = ada, .accept = true},
                                   no = {.account = bob, .asker = ada, .accept = false};
        enum err errs[2];
        ask_both(f, conversation_of_account(ada),
                 (const struct message_desc *[]){&message_GROUP_ANSWER_FRIEND,
                                                 &message_GROUP_ANSWER_FRIEND},
                 (const void *[]){&yes, &no}, errs);
        bool accepted = errs[0] == ERR_OK;
        assert_err(errs[accepted ? 1 : 0], ERR_NO_REQUEST);
        assert_err(errs[accepted ? 0 : 1], ERR_OK);
        expect_answer(f, ada, bob, accepted);
        assert_int_equal(are_friends(f, ada, bob), accepted);
        assert_int_equal(stored_in(f->database, conversation_of_account(ada)), 1);
    }
}

/* The first one asks, and the other one's request accepts. */
static void two_mutual_requests(struct group_fixture *f, uint64_t ada, uint64_t bob) {
    struct test_caller *other = test_caller_new("other", f->port);
    struct group_befriend one = {.account = ada, .target = bob},
                          two = {.account = bob, .target = ada};
    test_caller_start(f->caller, &message_GROUP_BEFRIEND, &one);
    test_caller_start(other, &message_GROUP_BEFRIEND, &two);
    assert_err(test_caller_finish(f->caller, &message_GROUP_BEFRIEND, NULL), ERR_OK);
    assert_err(test_caller_finish(other, &message_GROUP_BEFRIEND, NULL), ERR_OK);
    assert_true(are_friends(f, ada, bob));
    assert_false(waits(f, ada, bob) || waits(f, bob, ada));
    uint64_t in_adas = stored_in(f->database, conversation_of_account(ada));
    assert_int_equal(in_adas + stored_in(f->database, conversation_of_account(bob)), 3);
    /* Two workers commit and post: their entries arrive in either order. */
    unsigned requests = 0, answers = 0;
    for (unsigned i = 0; i < 3; i++) {
        struct entry entry = entry_of(f, next_routed_item(f, f->session));
        requests += entry.type == ENTRY_FRIEND_REQUEST;
        answers += entry.type == ENTRY_FRIEND_ANSWER && entry.accepted;
        assert_stored(f, &entry);
    }
    assert_int_equal(requests, 1);
    assert_int_equal(answers, 2);
    test_caller_destroy(&other);
}

GROUP_TEST(test_two_mutual_requests_at_once) {
    for (unsigned round = 0; round < 20; round++) {
        /* In half of the rounds nobody has a conversation of their own yet. */
        uint64_t ada = round % 2 == 0 ? new_account(f->database, "") : 0,
                 bob = new_account(f->database, "");
        if (ada == 0) {
            ada = new_account(f->database, "");
            ask_quietly(f, ada, bob);
            assert_err(answer(f, bob, ada, false), ERR_OK);
            next_routed_item(f, f->session);
            sql_run(f->database,
                    "DELETE FROM message WHERE conversation IN (%" PRIu64 ", %" PRIu64 ")",
                    conversation_of_account(ada), conversation_of_account(bob));
        }
        two_mutual_requests(f, ada, bob);
    }
}

/* Both own conversations are locked, whichever way round the change goes. */
GROUP_TEST(test_crosswise_changes_never_deadlock) {
    struct test_caller *callers[4] = {f->caller};
    uint64_t people[4];
    for (size_t i = 0; i < 4; i++)
        people[i] = known_account(f);
    for (size_t i = 1; i < 4; i++)
        callers[i] = test_caller_new(test_text("caller %zu", i), f->port);
    for (unsigned round = 0; round < 40; round++) {
        bool ends = round % 4 == 3;
        const struct message_desc *message =
            ends ? &message_GROUP_UNFRIEND : &message_GROUP_BEFRIEND;
        for (size_t i = 0; i < 4; i++) { /* both have the same fields */
            struct group_befriend ask = {.account = people[i],
                                         .target = people[(i + 1 + round % 3) % 4]};
            test_caller_start(callers[i], message, &ask);
        }
        for (size_t i = 0; i < 4; i++) {
            enum err err = test_caller_finish(callers[i], message, NULL);
            assert_true(err == ERR_OK || err == (ends ? ERR_NOT_FRIENDS : ERR_ALREADY_FRIENDS));
        }
    }
    for (size_t i = 1; i < 4; i++)
        test_caller_destroy(&callers[i]);
    for (size_t i = 0; i < 4; i++)
        for (uint64_t left = stored_in(f->database, conversation_of_account(people[i])) - 1;
             left > 0; left--)
            next_routed_item(f, f->session);
}

int main(void) { return test_run_all(group_set_up, group_tear_down); }
