/*
 * services/entries: opening the conversations of pairs, many at once, by several instances.
 */
#include "tests/support/entries_fixture.h"

ENTRIES_TEST(test_a_pair_is_made_once) {
    uint64_t lo = new_account(f->database, ""), hi = new_account(f->database, ""),
             pair = open_pair(&f->a, hi, lo);
    assert_int_equal(conversation_kind(pair), CONVERSATION_PAIR);
    assert_int_equal(open_pair(&f->b, lo, hi), pair);
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM conversation WHERE id = %" PRIu64
                                " AND kind = 0 AND lo = %" PRIu64 " AND hi = %" PRIu64,
                                pair, lo, hi),
                     1);
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM `cursor` WHERE conversation = %" PRIu64
                                " AND account IN (%" PRIu64 ", %" PRIu64 ") AND since = 0"
                                " AND received = 0 AND until IS NULL",
                                pair, lo, hi),
                     2);
    /* Remembered: the database is not asked. */
    sql_run(f->database, "DELETE FROM conversation WHERE id = %" PRIu64, pair);
    assert_int_equal(open_pair(&f->a, lo, hi), pair);
}

ENTRIES_TEST(test_both_of_a_pair_must_exist) {
    uint64_t somebody = new_account(f->database, "");
    uint64_t rows = sql_number(f->database, "SELECT COUNT(*) FROM conversation");
    assert_int_equal(open_pair(&f->a, somebody, 987654), 0);
    assert_int_equal(open_pair(&f->a, 0, somebody), 0);
    assert_int_equal(open_pair(&f->a, somebody, somebody), 0);
    assert_int_equal(sql_number(f->database, "SELECT COUNT(*) FROM conversation"), rows);
    assert_false(db_in_transaction(f->a.db));
}

/* Statements that this writer's connection has run; this one is among them. */
static uint64_t statements_of(struct writer *writer) {
    static const struct db_statement ask = {
        "questions",
        "SELECT CAST(VARIABLE_VALUE AS UNSIGNED) FROM information_schema.SESSION_STATUS"
        " WHERE VARIABLE_NAME = 'QUESTIONS'"};
    return writer_number(writer, &ask);
}

/* New, existing and impossible pairs, each twice; returns how many statements that took. */
static uint64_t cost_of_opening(struct entries_fixture *f, size_t count) {
    static struct conversation_pair pairs[CONVERSATIONS_MAX_PAIRS];
    uint64_t ada = new_account(f->database, ""), first = ada + 1;
    assert_true(count % 6 == 0 && count <= CONVERSATIONS_MAX_PAIRS);
    for (size_t i = 0; i < count / 3; i++)
        new_account(f->database, "");
    for (size_t i = 0; i < count / 2; i++) {
        pairs[i] = conversation_pair(ada, i % 3 == 2 ? 900000 + i : first + i / 3 * 2 + i % 3);
        if (i % 3 == 1)
            open_pair(&f->b, pairs[i].lo, pairs[i].hi);
        pairs[count - 1 - i] = pairs[i];
    }
    uint64_t rows = sql_number(f->database, "SELECT COUNT(*) FROM `cursor`"),
             before = statements_of(&f->a);
    assert_err(conversations_open_pairs(f->a.db, f->a.cache, pairs, count), ERR_OK);
    uint64_t cost = statements_of(&f->a) - before;
    assert_int_equal(sql_number(f->database, "SELECT COUNT(*) FROM `cursor`"),
                     rows + count / 6 * 2);
    for (size_t i = 0; i < count / 2; i++) {
        assert_int_equal(pairs[i].conversation,
                         sql_number(f->database,
                                    "SELECT id FROM conversation WHERE kind = 0 AND lo = %" PRIu64
                                    " AND hi = %" PRIu64,
                                    pairs[i].lo, pairs[i].hi));
        assert_int_equal(pairs[i].conversation == 0, i % 3 == 2);
        assert_int_equal(pairs[i].conversation, pairs[count - 1 - i].conversation);
        assert_int_equal(pairs[i].conversation,
                         head_cache_find_pair(f->a.cache, pairs[i].lo, pairs[i].hi));
    }
    return cost;
}

ENTRIES_TEST(test_many_pairs_cost_no_more_statements_than_few) {
    uint64_t few = cost_of_opening(f, 6), many = cost_of_opening(f, 126);
    print_message("statements for 6 pairs: %" PRIu64 ", for 126: %" PRIu64 "\n", few, many);
    assert_int_equal(few, many);
}

/* The sequence is behind the rows: the number of a new pair is another conversation's. */
ENTRIES_TEST(test_a_pair_without_a_number) {
    struct conversation_pair pair =
        conversation_pair(new_account(f->database, ""), new_account(f->database, ""));
    uint64_t next = sql_number(f->database, "SELECT NEXT VALUE FOR pair_number") + 1;
    uint64_t cursors = sql_number(f->database, "SELECT COUNT(*) FROM `cursor`");
    sql_run(f->database,
            "INSERT INTO conversation (id, kind, lo, hi, created_ms) VALUES (%" PRIu64
            ", 0, 777001, 777002, 1)",
            next);
    assert_err(conversations_open_pairs(f->a.db, f->a.cache, &pair, 1), ERR_UNAVAILABLE);
    assert_int_equal(head_cache_find_pair(f->a.cache, pair.lo, pair.hi), 0);
    assert_int_equal(sql_number(f->database, "SELECT COUNT(*) FROM `cursor`"), cursors);
    assert_err(conversations_open_pairs(f->a.db, f->a.cache, &pair, 1), ERR_OK);
    assert_int_equal(pair.conversation, next + 1);
}

struct opening {
    struct writer *writer;
    struct conversation_pair pairs[3];
    enum err err;
};

static void *open_pairs(void *argument) {
    struct opening *opening = argument;
    opening->err =
        conversations_open_pairs(opening->writer->db, opening->writer->cache, opening->pairs, 3);
    return NULL;
}

/* Another instance is about to make the second of three pairs, and then does, or does not. */
static void race_for_pair(struct entries_fixture *f, bool other_commits) {
    static const struct db_statement insert = {
        "insert", "INSERT INTO conversation (id, kind, lo, hi, created_ms) VALUES (?, 0, ?, ?, 1)"};
    static const struct db_statement cursors = {
        "cursors",
        "INSERT INTO `cursor` (account, conversation, seen) VALUES (?, ?, 1), (?, ?, 1)"};
    struct opening opening = {.writer = &f->a};
    uint64_t account = new_account(f->database, ""), connection = connection_of(&f->a);
    for (size_t i = 0; i < 3; i++)
        opening.pairs[i] = conversation_pair(account, new_account(f->database, ""));
    const struct conversation_pair *pair = &opening.pairs[1];
    const uint64_t others = 1000000 + account;
    pthread_t thread;
    assert_err(db_begin(f->b.db), ERR_OK);
    assert_err(db_query(f->b.db, &insert,
                        DB_ARGS(db_u64(others), db_u64(pair->lo), db_u64(pair->hi)), NULL),
               ERR_OK);
    assert_err(db_query(f->b.db, &cursors,
                        DB_ARGS(db_u64(pair->lo), db_u64(others), db_u64(pair->hi), db_u64(others)),
                        NULL),
               ERR_OK);
    assert_int_equal(pthread_create(&thread, NULL, open_pairs, &opening), 0);
    wait_for_statement(f, connection, "INSERT IGNORE INTO conversation%");
    if (other_commits)
        assert_err(db_commit(f->b.db), ERR_OK);
    else
        db_rollback(f->b.db);
    pthread_join(thread, NULL);
    assert_err(opening.err, ERR_OK);
    assert_int_equal(pair->conversation == others, other_commits);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(opening.pairs[i].conversation,
                         sql_number(f->database,
                                    "SELECT id FROM conversation WHERE kind = 0 AND lo = %" PRIu64
                                    " AND hi = %" PRIu64,
                                    opening.pairs[i].lo, opening.pairs[i].hi));
        assert_int_equal(sql_number(f->database,
                                    "SELECT COUNT(*) FROM `cursor` WHERE conversation = %" PRIu64,
                                    opening.pairs[i].conversation),
                         2);
    }
}

ENTRIES_TEST(test_a_race_for_a_pair_is_lost) { race_for_pair(f, true); }

ENTRIES_TEST(test_a_race_for_a_pair_is_won) { race_for_pair(f, false); }

struct many {
    struct writer *writer;
    struct conversation_pair pairs[CONVERSATIONS_MAX_PAIRS];
    enum err err;
};

static void *open_many(void *argument) {
    struct many *many = argument;
    many->err =
        conversations_open_pairs(many->writer->db, NULL, many->pairs, CONVERSATIONS_MAX_PAIRS);
    return NULL;
}

/* As many pairs as one call takes, by two instances at once, in opposite orders. */
ENTRIES_TEST(test_two_open_the_same_pairs) {
    enum { MANY = CONVERSATIONS_MAX_PAIRS, ROUNDS = 10 };
    static struct many a, b;
    a.writer = &f->a;
    b.writer = &f->b;
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t account = new_account(f->database, "");
        for (size_t i = 0; i < MANY; i++)
            a.pairs[i] = b.pairs[MANY - 1 - i] =
                conversation_pair(account, new_account(f->database, ""));
        run_both(open_many, &a, &b);
        assert_err(a.err, ERR_OK);
        assert_err(b.err, ERR_OK);
        for (size_t i = 0; i < MANY; i++) {
            assert_true(a.pairs[i].conversation != 0);
            assert_int_equal(a.pairs[i].conversation, b.pairs[MANY - 1 - i].conversation);
        }
        assert_int_equal(sql_number(f->database,
                                    "SELECT COUNT(*) FROM `cursor` WHERE account = %" PRIu64,
                                    account),
                         MANY);
    }
}

int main(void) { return test_run_all(entries_group_set_up, entries_group_tear_down); }
