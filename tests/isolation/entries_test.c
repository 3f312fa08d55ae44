/*
 * services/entries: locking conversations, and when a writer's memory is used.
 */
#include "proto/conversation.h"
#include "tests/support/entries_fixture.h"

/* --- locking ------------------------------------------------------------------------------- */

ENTRIES_TEST(test_heads_as_they_are) {
    uint64_t pair = open_new_pair(f), named = new_group_of_three(f, 501, "ein Name"),
             plain = new_group_of_three(f, 502, "502");
    sql_run(f->database,
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

struct locking {
    struct writer *writer;
    uint64_t ids[ENTRIES_MAX_HEADS];
    enum err err;
};

static void *lock_all(void *argument) {
    struct locking *locking = argument;
    locking->err = lock_many(locking->writer, locking->ids, ENTRIES_MAX_HEADS);
    return NULL;
}

/* As many heads as one transaction locks. While the last one is somebody else's, this one has all
 * the others: whoever locks some of them in the order of their ids can't deadlock with it. */
ENTRIES_TEST(test_heads_are_locked_in_order) {
    static const uint64_t first = 800000;
    static struct locking locking;
    pthread_t thread;
    sql_run(f->database,
            "INSERT INTO conversation (id, kind, lo, hi, created_ms)"
            " SELECT %" PRIu64 " + seq, 0, 800000, 900000 + seq, 1 FROM seq_1_to_%d",
            first, ENTRIES_MAX_HEADS);
    for (uint64_t i = 0; i < ENTRIES_MAX_HEADS; i++)
        locking.ids[i * 7 % ENTRIES_MAX_HEADS] = first + 1 + i;
    locking.writer = &f->a;
    lock_one(&f->b, first + ENTRIES_MAX_HEADS);
    uint64_t connection = connection_of(&f->a);
    assert_int_equal(pthread_create(&thread, NULL, lock_all, &locking), 0);
    wait_for_statement(f, connection, "SELECT%FOR UPDATE%");
    TEST_UNTIL(sql_number(f->database,
                          "SELECT COUNT(*) FROM (SELECT id FROM conversation WHERE id > %" PRIu64
                          " AND id <= %" PRIu64 " FOR UPDATE SKIP LOCKED) free",
                          first, first + ENTRIES_MAX_HEADS) == 0,
               "heads before the one that it waits for are not locked");
    db_rollback(f->b.db);
    pthread_join(thread, NULL);
    assert_err(locking.err, ERR_OK);
    assert_int_equal(f->a.heads.count, ENTRIES_MAX_HEADS);
    db_rollback(f->a.db);
}

ENTRIES_TEST(test_nothing_to_lock) {
    assert_null(lock_one(&f->a, 999999));
    db_rollback(f->a.db);
}

ENTRIES_TEST(test_without_a_cache_everything_is_read) {
    struct writer forgetful;
    writer_open(f, &forgetful, 1001, false);
    uint64_t group = new_group_of_three(f, 503, "503");
    uint64_t cid = write_one(&forgetful, group, "").cid;
    sql_run(f->database, "DELETE FROM member WHERE account = 20 AND conversation = %" PRIu64,
            group);
    const struct entry_head *head = lock_one(&forgetful, group);
    assert_int_equal(head->last_cid, cid);
    assert_int_equal(head->members.count, 2);
    writer_close(&forgetful);
}

/* --- remembering --------------------------------------------------------------------------- */

ENTRIES_TEST(test_the_last_writer_knows_the_last_cid) {
    uint64_t pair = open_new_pair(f), cid = write_one(&f->a, pair, "").cid;
    /* No row is written without a claim; here one is, to show that nobody asks. */
    sql_run(f->database,
            "INSERT INTO message (conversation, cid, time_ms, type, sender, body)"
            " VALUES (%" PRIu64 ", %" PRIu64 ", 1, 0, 1, 'x')",
            pair, cid + 100);
    assert_int_equal(lock_one(&f->a, pair)->last_cid, cid);
    db_rollback(f->a.db);
    sql_run(f->database, "UPDATE conversation SET writer = 5 WHERE id = %" PRIu64, pair);
    assert_int_equal(lock_one(&f->a, pair)->last_cid, cid + 100);
    /* The claim of a transaction that was rolled back is void. */
    db_rollback(f->a.db);
    assert_int_equal(
        sql_number(f->database, "SELECT writer FROM conversation WHERE id = %" PRIu64, pair), 5);
}

ENTRIES_TEST(test_another_writer_wrote_in_between) {
    uint64_t pair = open_new_pair(f);
    uint64_t last = 0;
    for (unsigned i = 0; i < 4; i++) {
        struct writer *writer = i % 2 == 0 ? &f->a : &f->b;
        for (unsigned n = 0; n < 2; n++) {
            struct entry_row row = write_one(writer, pair, "");
            assert_int_equal(row.prev, last);
            assert_true(row.cid > last);
            last = row.cid;
        }
        assert_int_equal(
            sql_number(f->database, "SELECT claimant FROM conversation WHERE id = %" PRIu64, pair),
            writer->instance);
    }
}

ENTRIES_TEST(test_members_are_those_of_the_version) {
    uint64_t group = new_group_of_three(f, 504, "504");
    write_one(&f->a, group, "");
    /* A change without a new version cannot be; here it shows that nobody asks. */
    sql_run(f->database, "DELETE FROM member WHERE account = 20 AND conversation = %" PRIu64,
            group);
    const struct entry_head *head = lock_one(&f->a, group);
    assert_int_equal(head->members.count, 3);
    assert_true(entries_is_member(head, 20));
    db_rollback(f->a.db);
    sql_run(f->database, "UPDATE conversation SET version = version + 1 WHERE id = %" PRIu64,
            group);
    head = lock_one(&f->a, group);
    assert_int_equal(head->members.count, 2);
    assert_false(entries_is_member(head, 20));
    assert_err(append_one(&f->a, group, "", "text", true), ERR_OK);
    head_cache_keep(f->a.cache, &f->a.heads);
    assert_int_equal(head_cache_find(f->a.cache, group)->members.count, 2);
    assert_int_equal(head_cache_find(f->a.cache, group)->version, 2);
}

ENTRIES_TEST(test_a_group_without_members) {
    uint64_t group = new_group_of_three(f, 505, "505");
    sql_run(f->database, "DELETE FROM member WHERE conversation = %" PRIu64, group);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(lock_one(&f->a, group)->members.count, 0);
        assert_err(append_one(&f->a, group, "", "text", true), ERR_OK);
        head_cache_keep(f->a.cache, &f->a.heads);
    }
}

ENTRIES_TEST(test_a_cleared_cache_is_filled_again) {
    uint64_t group = new_group_of_three(f, 506, "506"), cid = write_one(&f->a, group, "").cid;
    head_cache_clear(f->a.cache);
    assert_null(head_cache_find(f->a.cache, group));
    struct entry_row row = write_one(&f->a, group, "");
    assert_int_equal(row.prev, cid);
    assert_int_equal(head_cache_find(f->a.cache, group)->last_cid, row.cid);
    assert_int_equal(head_cache_find(f->a.cache, group)->members.count, 3);
}

int main(void) { return test_run_all(entries_group_set_up, entries_group_tear_down); }
