/*
 * parley-delivery alone: conversations in which nothing is new are not looked at. Costs are counted
 * in rows and keys that MariaDB looks at, for the test's own connection or for all together.
 */
#include "services/delivery/delivery_sql.h"
#include "services/entries/settled.h"
#include "tests/support/delivery_puller.h"

#define MANY 5000
/* As settled.h and pull_cursors.h have it. */
#define MAX_SETTLED 100
#define MAX_TAKEN_OVER 16
/* The rows that one conversation costs with its entry, names and all; and those of an empty page.
 */
#define COST_OF_ONE 60
#define COST_OF_NONE (3 * MAX_SETTLED + 100)

/* --- looking at it ------------------------------------------------------------------------- */

static uint64_t looked_at(struct delivery_fixture *f) {
    return sql_number(f->database,
                      "SELECT CAST(SUM(VARIABLE_VALUE) AS UNSIGNED) FROM"
                      " information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME IN"
                      " ('HANDLER_READ_KEY', 'HANDLER_READ_NEXT', 'HANDLER_READ_PREV')");
}

static uint64_t settled_of(struct delivery_fixture *f, uint64_t account) {
    return sql_number(f->database,
                      "SELECT COUNT(*) FROM `cursor` WHERE account = %" PRIu64 " AND is_settled",
                      account);
}

static bool is_settled(struct delivery_fixture *f, uint64_t account, uint64_t conversation) {
    return cursor_number(f->database, "is_settled", account, conversation) != 0;
}

/* The account has everything, of whatever age its last entries have. */
static void receive_all(struct delivery_fixture *f, uint64_t account) {
    sql_run(f->database,
            "UPDATE `cursor` c SET received = COALESCE((SELECT MAX(m.cid) FROM message m WHERE"
            " m.conversation = c.conversation), 0) WHERE account = %" PRIu64,
            account);
}

/* All that the conversation holds is older than it takes. */
static void age(struct delivery_fixture *f, uint64_t conversation) {
    sql_run(f->database, "UPDATE message SET time_ms = 1 WHERE conversation = %" PRIu64,
            conversation);
}

static void log_in(struct delivery_fixture *f, uint64_t account, bool brief,
                   struct delivery_pull_reply *reply_r) {
    struct delivery_pull ask = {.account = account, .brief = brief};
    assert_err(test_caller_ask(f->caller, &message_DELIVERY_PULL, &ask, reply_r), ERR_OK);
    assert_int_equal(reply_r->brief, brief);
}

/* A new account that has everything of so many conversations, which its login settles. */
static uint64_t settled_account(struct delivery_fixture *f, unsigned conversations) {
    struct delivery_pull_reply reply;
    uint64_t account = new_account(f->database, "");
    make_pairs(f, account, conversations);
    store_many(f, account, 1, 10);
    receive_all(f, account);
    log_in(f, account, true, &reply);
    assert_int_equal(settled_of(f, account), conversations);
    return account;
}

static struct entry entry_of(const struct delivery_pull_reply *reply, size_t index) {
    static struct record_arena arena;
    struct entry entry;
    const char *fault;
    record_arena_free(&arena);
    arena = (struct record_arena){0};
    assert_true(index < reply->entries.count);
    assert_int_equal(
        record_unpack(&entry_desc, reply->entries.items[index], &arena, &entry, &fault), 0);
    return entry;
}

/* Two accounts that talked long ago and have received all: settled for `a`. */
static uint64_t settled_pair(struct delivery_fixture *f, uint64_t a, uint64_t b) {
    struct delivery_pull_reply reply;
    say(f, b, a, 0, "long ago");
    skip_routed(f, 1);
    uint64_t pair = sql_number(f->database,
                               "SELECT id FROM conversation WHERE kind = 0 AND lo = %" PRIu64
                               " AND hi = %" PRIu64,
                               a < b ? a : b, a < b ? b : a);
    age(f, pair);
    receive_all(f, a);
    log_in(f, a, true, &reply);
    assert_true(is_settled(f, a, pair));
    return pair;
}

/* --- cost ---------------------------------------------------------------------------------- */

/* An account that has settled all of MANY conversations, and the first of them. */
static uint64_t settle_many(struct delivery_fixture *f, uint64_t *first_r) {
    uint64_t ada = new_account(f->database, "");
    struct delivery_pull_reply reply;
    make_pairs(f, ada, MANY);
    store_many(f, ada, 2, 10);
    receive_all(f, ada);
    *first_r = sql_number(f->database,
                          "SELECT MIN(conversation) FROM `cursor` WHERE account = %" PRIu64, ada);
    for (size_t settled = 0; settled < MANY; settled += SETTLED_MAX) {
        assert_int_equal(settled_of(f, ada), settled);
        log_in(f, ada, true, &reply);
        assert_int_equal(reply.entries.count, 0);
    }
    assert_int_equal(settled_of(f, ada), MANY);
    return ada;
}

/* Something new in the first `count` of them, as a writer stores it. */
static void write_new(struct delivery_fixture *f, uint64_t account, uint64_t first,
                      unsigned count) {
    sql_run(f->database,
            "INSERT INTO message (conversation, cid, time_ms, type, sender, body) SELECT %" PRIu64
            " + seq, 90000000 + seq, 1, 0, 7, 'new' FROM seq_0_to_%u; UPDATE `cursor` SET"
            " is_settled = FALSE WHERE account = %" PRIu64 " AND conversation < %" PRIu64,
            first, count - 1, account, first + count);
}

static void expect_cost(struct delivery_fixture *f, uint64_t account, size_t entries) {
    struct delivery_pull_reply reply;
    uint64_t most = COST_OF_NONE + entries * COST_OF_ONE, cost = UINT64_MAX, before;
    /* Other programs use the server, too: one quiet moment shows the cost of the page by itself. */
    TEST_UNTIL((before = looked_at(f), log_in(f, account, true, &reply),
                (cost = looked_at(f) - before) <= most),
               "a page of %zu new of %d conversations costs %" PRIu64 " keys and rows", entries,
               MANY, cost);
    assert_int_equal(reply.entries.count, entries);
    assert_int_equal(reply.conversations.count, entries);
    assert_true(reply.complete);
    assert_int_equal(reply.behind.count, 0);
    assert_int_equal(reply.count, 0);
}

DELIVERY_TEST(test_the_cost_of_a_login_grows_with_new_entries) {
    struct delivery_pull_reply reply;
    uint64_t first, ada = settle_many(f, &first);
    expect_cost(f, ada, 0);
    write_new(f, ada, first, 3);
    expect_cost(f, ada, 3);
    /* A gateway of the release before gets all, up to what a reply can name. */
    log_in(f, ada, false, &reply);
    assert_int_equal(reply.entries.count, 3);
    assert_int_equal(reply.conversations.count, 4096);
    assert_true(reply.partial);
    assert_int_equal(reply.count, MANY);
    /* Later pages, and connections that read again, name nothing at all. */
    struct delivery_pull ask = {.account = ada, .brief = true, .resumed = true};
    assert_err(test_caller_ask(f->caller, &message_DELIVERY_PULL, &ask, &reply), ERR_OK);
    assert_int_equal(reply.entries.count, 3);
    assert_int_equal(reply.conversations.count, 0);
}

/* The bound between naming settled conversations and not. */
DELIVERY_TEST(test_some_settled_ones_are_named) {
    struct delivery_pull_reply reply;
    uint64_t ada = settled_account(f, MAX_SETTLED);
    log_in(f, ada, true, &reply);
    assert_int_equal(reply.conversations.count, MAX_SETTLED);
    assert_int_equal(reply.count, MAX_SETTLED);
    for (size_t i = 0; i < MAX_SETTLED; i++)
        assert_true(reply.positions.items[i] > 0);
    settled_pair(f, ada, new_account(f->database, ""));
    log_in(f, ada, true, &reply);
    assert_int_equal(reply.conversations.count, 0);
    assert_int_equal(reply.count, 0);
}

/* --- settled conversations, and the end of that -------------------------------------------- */

DELIVERY_TEST(test_written_entries_are_found) {
    struct delivery_pull_reply reply;
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t pair = settled_pair(f, ada, bob);
    uint64_t cid = say(f, bob, ada, 0, "new");
    skip_routed(f, 1);
    assert_false(is_settled(f, ada, pair));
    log_in(f, ada, true, &reply);
    assert_int_equal(reply.entries.count, 1);
    assert_int_equal(entry_of(&reply, 0).cid, cid);
    /* It has that, too, but only just. */
    receive_all(f, ada);
    log_in(f, ada, true, &reply);
    assert_int_equal(reply.entries.count, 0);
    assert_false(is_settled(f, ada, pair));
    age(f, pair);
    log_in(f, ada, true, &reply);
    assert_true(is_settled(f, ada, pair));
    /* The same writer again, which knows the head as it left it. */
    cid = say(f, ada, bob, 0, "and again");
    skip_routed(f, 1);
    log_in(f, ada, true, &reply);
    assert_int_equal(reply.entries.count, 1);
    assert_int_equal(entry_of(&reply, 0).cid, cid);
}

/* An entry that the account has not received is settled by nobody. */
DELIVERY_TEST(test_unread_entries_stay) {
    struct delivery_pull_reply reply;
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, ""),
             pair = new_pair(f, ada, bob);
    store(f, pair, 5, bob, "old");
    log_in(f, bob, true, &reply);
    log_in(f, ada, true, &reply);
    assert_int_equal(settled_of(f, ada) + settled_of(f, bob), 0);
}

/* A connection that was not given a position begins where it was settled. */
DELIVERY_TEST(test_one_without_a_position) {
    struct delivery_pull_reply reply;
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, ""), zero = 0;
    uint64_t pair = settled_pair(f, ada, bob);
    uint64_t cid = say(f, bob, ada, 0, "new");
    skip_routed(f, 1);
    receive_all(f, ada); /* over another connection */
    struct delivery_pull ask = {.account = ada,
                                .brief = true,
                                .resumed = true,
                                .listed = true,
                                .conversations = {&pair, 1},
                                .positions = {&zero, 1}};
    for (int i = 0; i < 2; i++) {
        assert_err(test_caller_ask(f->caller, &message_DELIVERY_PULL, &ask, &reply), ERR_OK);
        assert_int_equal(reply.entries.count, 1);
        assert_int_equal(entry_of(&reply, 0).cid, cid);
        ask = (struct delivery_pull){.account = ada, .brief = true, .resumed = true};
    }
    /* A gateway of the release before means the beginning. */
    ask.brief = false;
    assert_err(test_caller_ask(f->caller, &message_DELIVERY_PULL, &ask, &reply), ERR_OK);
    assert_int_equal(reply.entries.count, 2);
}

static void settle_for(struct delivery_fixture *f, uint64_t account) {
    struct delivery_pull_reply reply;
    receive_all(f, account);
    log_in(f, account, true, &reply);
}

DELIVERY_TEST(test_groups) {
    enum { MOST = SETTLED_MAX_MEMBERS };
    struct delivery_pull_reply reply;
    static uint64_t members[MOST + 1];
    for (size_t i = 0; i <= MOST; i++)
        members[i] = new_account(f->database, "");
    uint64_t group = new_group_of(f, "", members, MOST), id = conversation_of_group(group);
    say(f, members[0], 0, group, "long ago");
    skip_routed(f, 1);
    age(f, id);
    settle_for(f, members[1]);
    settle_for(f, members[MOST - 1]);
    assert_true(is_settled(f, members[1], id) && is_settled(f, members[MOST - 1], id));
    say(f, members[0], 0, group, "new");
    skip_routed(f, 1);
    log_in(f, members[MOST - 1], true, &reply);
    assert_int_equal(reply.entries.count, 1);
    assert_int_equal(settled_of(f, members[1]), 0);
    /* One more is too many. */
    join(f, group, members[MOST]);
    age(f, id);
    settle_for(f, members[1]);
    assert_false(is_settled(f, members[1], id));
}

DELIVERY_TEST(test_one_that_left_is_settled) {
    struct delivery_pull_reply reply;
    uint64_t members[] = {new_account(f->database, ""), new_account(f->database, "")};
    uint64_t group = new_group_of(f, "", members, 2), id = conversation_of_group(group);
    uint64_t last = say(f, members[0], 0, group, "long ago");
    skip_routed(f, 1);
    age(f, id);
    leave(f, group, members[1]);
    set_cursor(f, members[1], id, 0, last, test_text("%" PRIu64, last));
    say(f, members[0], 0, group, "to nobody else");
    skip_routed(f, 1);
    log_in(f, members[1], true, &reply);
    assert_int_equal(reply.entries.count, 0);
    assert_true(is_settled(f, members[1], id));
    say(f, members[0], 0, group, "still");
    skip_routed(f, 1);
    assert_true(is_settled(f, members[1], id));
}

/* --- locks --------------------------------------------------------------------------------- */

/* A head that somebody has locked is left for another time; the page does not wait. */
DELIVERY_TEST(test_a_locked_head_is_passed_over) {
    struct delivery_pull_reply reply;
    uint64_t ada = new_account(f->database, ""), pair = 0;
    for (int i = 0; i < 2; i++) {
        pair = new_pair(f, ada, new_account(f->database, ""));
        store(f, pair, 100 + (uint64_t)i, ada, "old");
    }
    receive_all(f, ada);
    struct db *db = db_new(test_database_settings(f->database), NULL);
    assert_non_null(db);
    assert_err(db_connect(db), ERR_OK);
    static const struct db_statement lock = {"lock",
                                             "SELECT id FROM conversation WHERE id = ? FOR UPDATE"};
    struct db_rows *rows;
    assert_err(db_begin(db), ERR_OK);
    assert_err(db_query(db, &lock, DB_ARGS(db_u64(pair)), &rows), ERR_OK);
    db_rows_destroy(&rows);
    log_in(f, ada, true, &reply);
    assert_int_equal(settled_of(f, ada), 1);
    assert_false(is_settled(f, ada, pair));
    db_destroy(&db);
    TEST_UNTIL((log_in(f, ada, true, &reply), is_settled(f, ada, pair)),
               "the head that was locked is not settled");
}

/* --- writers of the release before --------------------------------------------------------- */

/* As such a writer commits: it claims the head, and does not know of settled accounts. */
static void store_as_before(struct delivery_fixture *f, uint64_t conversation, uint64_t sender,
                            uint64_t cid) {
    sql_run(f->database, "UPDATE conversation SET writer = 5 WHERE id = %" PRIu64, conversation);
    store(f, conversation, cid, sender, "of the release before");
}

static uint64_t old_heads(struct delivery_fixture *f) {
    return sql_number(f->database, "SELECT COUNT(*) FROM conversation WHERE writer > 0");
}

DELIVERY_TEST(test_an_old_writer_beside_new_ones) {
    struct delivery_pull_reply reply;
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t pair = settled_pair(f, ada, bob);
    uint64_t cid = sql_number(f->database, "SELECT NEXT VALUE FOR cid_block");
    store_as_before(f, pair, bob, cid);
    assert_true(is_settled(f, ada, pair));
    /* The page finds it all the same, and takes the head over. */
    log_in(f, ada, true, &reply);
    assert_int_equal(reply.entries.count, 1);
    assert_int_equal(entry_of(&reply, 0).cid, cid);
    assert_int_equal(old_heads(f), 0);
    assert_false(is_settled(f, ada, pair));
    log_in(f, ada, true, &reply);
    assert_int_equal(reply.entries.count, 1);
    /* So does a writer. */
    receive_all(f, ada);
    log_in(f, ada, true, &reply);
    assert_true(is_settled(f, ada, pair));
    store_as_before(f, pair, bob, sql_number(f->database, "SELECT NEXT VALUE FOR cid_block"));
    say(f, bob, ada, 0, "of this one");
    skip_routed(f, 1);
    assert_int_equal(old_heads(f), 0);
    log_in(f, ada, true, &reply);
    assert_int_equal(reply.entries.count, 2);
}

/* Rows that writers of the release before have left are removed a few at a time. */
DELIVERY_TEST(test_rows_of_old_writers) {
    enum { HEADS = 2 * MAX_TAKEN_OVER + 1 };
    struct delivery_pull_reply reply;
    uint64_t ada = settled_account(f, HEADS);
    sql_run(f->database,
            "UPDATE conversation SET writer = 5 WHERE id IN (SELECT conversation FROM `cursor`"
            " WHERE account = %" PRIu64 ")",
            ada);
    for (size_t left = HEADS; left > 0; left -= left < MAX_TAKEN_OVER ? left : MAX_TAKEN_OVER) {
        assert_int_equal(old_heads(f), left);
        log_in(f, ada, true, &reply);
        assert_int_equal(reply.conversations.count, HEADS);
    }
    assert_int_equal(old_heads(f), 0);
    /* The other side of these pairs has no cursor, and this one's are not settled any more. */
    assert_int_equal(settled_of(f, ada), HEADS);
}

int main(void) { return test_run_all(delivery_set_up, delivery_tear_down); }
