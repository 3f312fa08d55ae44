/*
 * services/entries: opening pairs, locking conversations, and when what a writer remembers is used.
 */
#include "proto/conversation.h"
#include "tests/isolation/entries_fixture.h"

/* --- pairs --------------------------------------------------------------------------------- */

static void test_a_pair_is_made_once(void **state) {
    struct entries_fixture *f = *state;
    uint64_t lo = new_account(f), hi = new_account(f), pair = 0, again = 0;
    assert_err(entries_open_pair(f->a.db, f->a.cache, hi, lo, &pair), ERR_OK);
    assert_int_equal(conversation_kind(pair), CONVERSATION_PAIR);
    assert_err(entries_open_pair(f->b.db, NULL, lo, hi, &again), ERR_OK);
    assert_int_equal(again, pair);
    assert_int_equal(sql_number(f,
                                "SELECT COUNT(*) FROM conversation WHERE id = %" PRIu64
                                " AND kind = 0 AND lo = %" PRIu64 " AND hi = %" PRIu64,
                                pair, lo, hi),
                     1);
    assert_int_equal(sql_number(f,
                                "SELECT COUNT(*) FROM `cursor` WHERE conversation = %" PRIu64
                                " AND account IN (%" PRIu64 ", %" PRIu64 ") AND since = 0"
                                " AND received = 0 AND until IS NULL",
                                pair, lo, hi),
                     2);
    /* Remembered: the database is not asked. */
    sql_run(f, "DELETE FROM conversation WHERE id = %" PRIu64, pair);
    assert_err(entries_open_pair(f->a.db, f->a.cache, lo, hi, &again), ERR_OK);
    assert_int_equal(again, pair);
}

static void test_both_of_a_pair_must_exist(void **state) {
    struct entries_fixture *f = *state;
    uint64_t somebody = new_account(f), pair = 0;
    uint64_t rows = sql_number(f, "SELECT COUNT(*) FROM conversation");
    assert_err(entries_open_pair(f->a.db, f->a.cache, somebody, 987654, &pair), ERR_NO_ACCOUNT);
    assert_err(entries_open_pair(f->a.db, f->a.cache, 0, somebody, &pair), ERR_NO_ACCOUNT);
    assert_err(entries_open_pair(f->a.db, f->a.cache, somebody, somebody, &pair), ERR_NO_ACCOUNT);
    assert_int_equal(sql_number(f, "SELECT COUNT(*) FROM conversation"), rows);
    assert_false(db_in_transaction(f->a.db));
}

struct opening {
    struct db *db;
    uint64_t lo, hi, pair;
    enum err err;
};

static void *open_pair(void *argument) {
    struct opening *opening = argument;
    opening->err = entries_open_pair(opening->db, NULL, opening->lo, opening->hi, &opening->pair);
    return NULL;
}

/* Another instance is about to make the same pair, and then does, or does not. */
static void race_for_pair(struct entries_fixture *f, bool other_commits) {
    static const struct db_statement insert = {
        "insert", "INSERT INTO conversation (id, kind, lo, hi, created_ms) VALUES (?, 0, ?, ?, 1)"};
    struct opening opening = {.db = f->a.db, .lo = new_account(f), .hi = new_account(f)};
    const uint64_t others = 1000000 + opening.lo;
    uint64_t connection = connection_of(&f->a);
    pthread_t thread;
    assert_err(db_begin(f->b.db), ERR_OK);
    assert_err(db_query(f->b.db, &insert,
                        DB_ARGS(db_u64(others), db_u64(opening.lo), db_u64(opening.hi)), NULL),
               ERR_OK);
    assert_int_equal(pthread_create(&thread, NULL, open_pair, &opening), 0);
    wait_for_statement(f, connection, "INSERT INTO conversation%");
    if (other_commits)
        assert_err(db_commit(f->b.db), ERR_OK);
    else
        db_rollback(f->b.db);
    pthread_join(thread, NULL);
    assert_err(opening.err, ERR_OK);
    assert_int_equal(opening.pair == others, other_commits);
    assert_int_equal(
        sql_number(f, "SELECT id FROM conversation WHERE kind = 0 AND lo = %" PRIu64, opening.lo),
        opening.pair);
}

static void test_a_race_for_a_pair_is_lost(void **state) { race_for_pair(*state, true); }

static void test_a_race_for_a_pair_is_won(void **state) { race_for_pair(*state, false); }

/* --- locking ------------------------------------------------------------------------------- */

static void test_heads_as_they_are(void **state) {
    struct entries_fixture *f = *state;
    uint64_t pair = new_pair(f), named = new_group(f, 501, "ein Name"),
             plain = new_group(f, 502, "502");
    sql_run(f,
            "UPDATE conversation SET blocked = 2 WHERE id = %" PRIu64
            "; UPDATE conversation SET version = 7, dissolved = 1 WHERE id = %" PRIu64,
            pair, plain);
    uint64_t ids[] = {plain, pair, 999999, named, pair};
    assert_err(lock_many(&f->a, ids, 5), ERR_OK);
    assert_true(db_in_transaction(f->a.db));
    assert_int_equal(f->a.heads.count, 3);
    assert_true(f->a.heads.first_cid > 0);
    assert_null(entries_find_head(&f->a.heads, 999999));
    const struct entry_head *head = entries_find_head(&f->a.heads, pair);
    assert_int_equal(head->blocked, 2);
    assert_int_equal(head->last_cid, 0);
    assert_true(head->lo < head->hi);
    assert_int_equal(head->members.count, 0);
    assert_false(entries_is_member(head, head->lo));
    head = entries_find_head(&f->a.heads, named);
    assert_int_equal(head->lo, 501);
    assert_int_equal(head->owner, 10);
    assert_int_equal(head->version, 1);
    assert_false(head->dissolved);
    assert_slice_text(head->string_id, "ein Name");
    assert_slice_text(head->name, "its name");
    assert_int_equal(head->members.count, 3);
    const uint64_t ascending[] = {10, 20, 30};
    assert_memory_equal(head->members.items, ascending, sizeof ascending);
    assert_true(entries_is_member(head, 20));
    assert_false(entries_is_member(head, 15));
    head = entries_find_head(&f->a.heads, plain);
    assert_int_equal(head->string_id.length, 0);
    assert_int_equal(head->version, 7);
    assert_true(head->dissolved);
    assert_int_equal(head->members.count, 3);
    db_rollback(f->a.db);
}

static void test_nothing_to_lock(void **state) {
    struct entries_fixture *f = *state;
    assert_null(lock_one(&f->a, 999999));
    db_rollback(f->a.db);
}

static void test_without_a_cache_everything_is_read(void **state) {
    struct entries_fixture *f = *state;
    struct writer forgetful;
    writer_open(f, &forgetful, 1001, false);
    uint64_t group = new_group(f, 503, "503");
    uint64_t cid = write_one(&forgetful, group, "").cid;
    sql_run(f, "DELETE FROM member WHERE account = 20 AND conversation = %" PRIu64, group);
    const struct entry_head *head = lock_one(&forgetful, group);
    assert_int_equal(head->last_cid, cid);
    assert_int_equal(head->members.count, 2);
    writer_close(&forgetful);
}

/* --- remembering --------------------------------------------------------------------------- */

static void test_the_last_writer_knows_the_last_cid(void **state) {
    struct entries_fixture *f = *state;
    uint64_t pair = new_pair(f), cid = write_one(&f->a, pair, "").cid;
    /* A row that comes without a claim cannot be; here it shows that nobody asks. */
    sql_run(f,
            "INSERT INTO message (conversation, cid, time_ms, type, sender, body)"
            " VALUES (%" PRIu64 ", %" PRIu64 ", 1, 0, 1, 'x')",
            pair, cid + 100);
    assert_int_equal(lock_one(&f->a, pair)->last_cid, cid);
    db_rollback(f->a.db);
    sql_run(f, "UPDATE conversation SET writer = 5 WHERE id = %" PRIu64, pair);
    assert_int_equal(lock_one(&f->a, pair)->last_cid, cid + 100);
    /* The claim of a transaction that was rolled back is void. */
    db_rollback(f->a.db);
    assert_int_equal(sql_number(f, "SELECT writer FROM conversation WHERE id = %" PRIu64, pair), 5);
}

static void test_another_writer_came_in_between(void **state) {
    struct entries_fixture *f = *state;
    uint64_t pair = new_pair(f);
    uint64_t last = 0;
    for (unsigned i = 0; i < 4; i++) {
        struct writer *writer = i % 2 == 0 ? &f->a : &f->b;
        for (unsigned n = 0; n < 2; n++) {
            struct entry_row row = write_one(writer, pair, "");
            assert_int_equal(row.prev, last);
            assert_true(row.cid > last);
            last = row.cid;
        }
        assert_int_equal(sql_number(f, "SELECT writer FROM conversation WHERE id = %" PRIu64, pair),
                         writer->instance);
    }
}

static void test_members_are_those_of_the_version(void **state) {
    struct entries_fixture *f = *state;
    uint64_t group = new_group(f, 504, "504");
    write_one(&f->a, group, "");
    /* A change without a new version cannot be; here it shows that nobody asks. */
    sql_run(f, "DELETE FROM member WHERE account = 20 AND conversation = %" PRIu64, group);
    const struct entry_head *head = lock_one(&f->a, group);
    assert_int_equal(head->members.count, 3);
    assert_true(entries_is_member(head, 20));
    db_rollback(f->a.db);
    sql_run(f, "UPDATE conversation SET version = version + 1 WHERE id = %" PRIu64, group);
    head = lock_one(&f->a, group);
    assert_int_equal(head->members.count, 2);
    assert_false(entries_is_member(head, 20));
    assert_err(append_one(&f->a, group, "", "text", true), ERR_OK);
    head_cache_keep(f->a.cache, &f->a.heads);
    assert_int_equal(head_cache_find(f->a.cache, group)->members.count, 2);
    assert_int_equal(head_cache_find(f->a.cache, group)->version, 2);
}

static void test_a_group_without_members(void **state) {
    struct entries_fixture *f = *state;
    uint64_t group = new_group(f, 505, "505");
    sql_run(f, "DELETE FROM member WHERE conversation = %" PRIu64, group);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(lock_one(&f->a, group)->members.count, 0);
        assert_err(append_one(&f->a, group, "", "text", true), ERR_OK);
        head_cache_keep(f->a.cache, &f->a.heads);
    }
}

static void test_a_cleared_cache_is_filled_again(void **state) {
    struct entries_fixture *f = *state;
    uint64_t group = new_group(f, 506, "506"), cid = write_one(&f->a, group, "").cid;
    head_cache_clear(f->a.cache);
    assert_null(head_cache_find(f->a.cache, group));
    struct entry_row row = write_one(&f->a, group, "");
    assert_int_equal(row.prev, cid);
    assert_int_equal(head_cache_find(f->a.cache, group)->last_cid, row.cid);
    assert_int_equal(head_cache_find(f->a.cache, group)->members.count, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        log_test(test_a_pair_is_made_once),
        log_test(test_both_of_a_pair_must_exist),
        log_test(test_a_race_for_a_pair_is_lost),
        log_test(test_a_race_for_a_pair_is_won),
        log_test(test_heads_as_they_are),
        log_test(test_nothing_to_lock),
        log_test(test_without_a_cache_everything_is_read),
        log_test(test_the_last_writer_knows_the_last_cid),
        log_test(test_another_writer_came_in_between),
        log_test(test_members_are_those_of_the_version),
        log_test(test_a_group_without_members),
        log_test(test_a_cleared_cache_is_filled_again),
    };
    return cmocka_run_group_tests(tests, log_group_set_up, log_group_tear_down);
}
