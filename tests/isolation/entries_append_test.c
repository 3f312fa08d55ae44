/*
 * services/entries: appending, repeats of nonces, writers that meet, and commits whose outcome is
 * not known.
 */
#include "tests/support/entries_fixture.h"

#include <string.h>

/* --- rows ---------------------------------------------------------------------------------- */

ENTRIES_TEST(test_a_batch_is_chained_by_conversation) {
    uint64_t x = open_new_pair(f), y = open_new_pair(f), ids[] = {y, x};
    uint64_t before = write_one(&f->a, x, "").cid;
    int64_t began_ms = loop_wall_ms();
    assert_err(lock_many(&f->a, ids, 2), ERR_OK);
    struct entry_head *heads[] = {entries_find_head(&f->a.heads, x),
                                  entries_find_head(&f->a.heads, y)};
    struct entry_row rows[6];
    for (size_t i = 0; i < 6; i++)
        rows[i] = (struct entry_row){
            .head = heads[i % 2], .sender = i, .text = slice_text(i == 0 ? "" : "text")};
    assert_err(entries_append(f->a.db, &f->a.heads, rows, 6, true), ERR_OK);
    assert_false(db_in_transaction(f->a.db));
    for (size_t i = 0; i < 6; i++) {
        assert_false(rows[i].repeat);
        assert_int_equal(rows[i].conversation, i % 2 == 0 ? x : y);
        assert_int_equal(rows[i].prev, i >= 2 ? rows[i - 2].cid : i == 0 ? before : 0);
        assert_true(rows[i].cid > rows[i].prev);
        assert_in_range(rows[i].time_ms, began_ms, loop_wall_ms());
        assert_int_equal(sql_number(f->database,
                                    "SELECT COUNT(*) FROM message WHERE conversation = %" PRIu64
                                    " AND cid = %" PRIu64 " AND time_ms = %" PRIu64
                                    " AND type = 0 AND sender = %zu AND nonce IS NULL"
                                    " AND subject IS NULL AND accepted IS NULL",
                                    rows[i].conversation, rows[i].cid, rows[i].time_ms, i),
                         1);
    }
    assert_int_equal(heads[0]->last_cid, rows[4].cid);
    assert_int_equal(heads[1]->last_cid, rows[5].cid);
}

ENTRIES_TEST(test_every_byte_of_a_text_and_a_nonce) {
    uint64_t pair = open_new_pair(f);
    char text[3 * 256], nonce[NONCE_BYTES];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)i;
    memcpy(nonce, "\0'\\\"\n\r\x1a%_--;COMM", NONCE_BYTES);
    struct entry_row row = {.head = lock_one(&f->a, pair),
                            .nonce = slice_make(nonce, sizeof nonce),
                            .text = slice_make(text, sizeof text)};
    assert_err(entries_append(f->a.db, &f->a.heads, &row, 1, true), ERR_OK);
    static const struct db_statement read = {"read",
                                             "SELECT body, nonce FROM message WHERE cid = ?"};
    struct db_rows *rows;
    assert_err(db_query(f->b.db, &read, DB_ARGS(db_u64(row.cid)), &rows), ERR_OK);
    assert_true(db_rows_next(rows));
    assert_true(slice_equal(db_rows_slice(rows, 0), row.text));
    assert_true(slice_equal(db_rows_slice(rows, 1), row.nonce));
    db_rows_destroy(&rows);
    row.head = lock_one(&f->b, pair);
    uint64_t cid = row.cid;
    assert_err(entries_append(f->b.db, &f->b.heads, &row, 1, true), ERR_OK);
    assert_true(row.repeat);
    assert_int_equal(row.cid, cid);
}

ENTRIES_TEST(test_a_notice) {
    uint64_t group = new_group_of_three(f, 601, "601");
    struct entry_row row = {.head = lock_one(&f->a, group),
                            .type = ENTRY_JOINED,
                            .sender = 10,
                            .subject = 40,
                            .notice = true,
                            .accepted = true,
                            .text = slice_text("its name")};
    assert_err(entries_append(f->a.db, &f->a.heads, &row, 1, true), ERR_OK);
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM message WHERE cid = %" PRIu64
                                " AND type = 1 AND sender = 10 AND subject = 40 AND accepted = 1"
                                " AND body = 'its name'",
                                row.cid),
                     1);
}

ENTRIES_TEST(test_the_largest_batch) {
    uint64_t ids[ENTRIES_MAX_ROWS];
    struct entry_row rows[ENTRIES_MAX_ROWS];
    for (size_t i = 0; i < ENTRIES_MAX_ROWS; i++)
        ids[i] = open_new_pair(f);
    for (unsigned round = 0; round < 2; round++) {
        assert_err(lock_many(&f->a, ids, ENTRIES_MAX_ROWS), ERR_OK);
        assert_int_equal(f->a.heads.count, ENTRIES_MAX_ROWS);
        for (size_t i = 0; i < ENTRIES_MAX_ROWS; i++)
            rows[i] = (struct entry_row){.head = &f->a.heads.items[i], .text = slice_text("x")};
        assert_err(entries_append(f->a.db, &f->a.heads, rows, ENTRIES_MAX_ROWS, true), ERR_OK);
        head_cache_keep(f->a.cache, &f->a.heads);
    }
    for (size_t i = 0; i < ENTRIES_MAX_ROWS; i++)
        assert_int_equal(stored_in(f->database, ids[i]), 2);
    /* The next block begins behind it. */
    assert_true(write_one(&f->a, ids[0], "").cid > rows[ENTRIES_MAX_ROWS - 1].cid);
}

/* Sets the time of a writer's connection, in seconds from now on. */
static void set_clock(struct writer *writer, int64_t ahead_s) {
    static const struct db_statement set = {"set_clock", "SET timestamp = ?"};
    assert_err(db_query(writer->db, &set,
                        DB_ARGS(db_u64((uint64_t)(loop_wall_ms() / 1000 + ahead_s))), NULL),
               ERR_OK);
}

/* The database's clock may be set back, or be another server's. */
ENTRIES_TEST(test_time_never_falls) {
    uint64_t pair = open_new_pair(f), other = open_new_pair(f);
    int64_t now_ms = loop_wall_ms();
    set_clock(&f->a, 3600);
    uint64_t ahead_ms = write_one(&f->a, pair, "").time_ms;
    assert_true(ahead_ms >= (uint64_t)now_ms + 3599000);
    /* Another writer, which reads the last row. */
    assert_int_equal(write_one(&f->b, pair, "").time_ms, ahead_ms);
    /* The same writer, which remembers it. */
    assert_int_equal(write_one(&f->b, pair, "").time_ms, ahead_ms);
    set_clock(&f->a, -3600);
    assert_int_equal(write_one(&f->a, pair, "").time_ms, ahead_ms);
    assert_int_equal(write_one(&f->a, pair, "").time_ms, ahead_ms);
    /* Other conversations have their own. */
    assert_true(write_one(&f->a, other, "").time_ms < (uint64_t)now_ms);
    struct entry_row later = write_one(&f->b, other, "");
    assert_in_range(later.time_ms, now_ms, loop_wall_ms());
    /* Several rows of a transaction. */
    uint64_t ids[] = {pair, other};
    assert_err(lock_many(&f->b, ids, 2), ERR_OK);
    struct entry_row rows[3];
    for (size_t i = 0; i < 3; i++)
        rows[i] = (struct entry_row){.head = entries_find_head(&f->b.heads, i == 1 ? other : pair),
                                     .text = slice_text("x")};
    assert_err(entries_append(f->b.db, &f->b.heads, rows, 3, true), ERR_OK);
    assert_int_equal(rows[0].time_ms, ahead_ms);
    assert_int_equal(rows[2].time_ms, ahead_ms);
    assert_in_range(rows[1].time_ms, now_ms, loop_wall_ms());
}

ENTRIES_TEST(test_nothing_is_kept_without_a_commit) {
    uint64_t pair = open_new_pair(f);
    lock_one(&f->a, pair);
    assert_err(append_one(&f->a, pair, "", "text", false), ERR_OK);
    assert_true(db_in_transaction(f->a.db));
    db_rollback(f->a.db);
    assert_int_equal(stored_in(f->database, pair), 0);
    lock_one(&f->a, pair);
    assert_err(append_one(&f->a, pair, "", "text", false), ERR_OK);
    assert_int_equal(stored_in(f->database, pair), 0);
    assert_err(db_commit(f->a.db), ERR_OK);
    assert_int_equal(stored_in(f->database, pair), 1);
}

/* --- repeats ------------------------------------------------------------------------------- */

ENTRIES_TEST(test_a_nonce_twice_in_a_batch) {
    uint64_t pair = open_new_pair(f);
    struct entry_head *head = lock_one(&f->a, pair);
    static const char *const nonces[] = {"one", "two", "one", "", "", "three", "two"};
    struct entry_row rows[7];
    for (size_t i = 0; i < 7; i++)
        rows[i] = (struct entry_row){
            .head = head, .nonce = nonce_of(nonces[i]), .text = slice_text("text")};
    assert_err(entries_append(f->a.db, &f->a.heads, rows, 7, true), ERR_OK);
    static const bool repeats[] = {false, false, true, false, false, false, true};
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(rows[i].repeat, repeats[i]);
    assert_int_equal(rows[2].cid, rows[0].cid);
    assert_int_equal(rows[6].cid, rows[1].cid);
    assert_int_equal(rows[6].time_ms, rows[1].time_ms);
    /* The chain passes by entries that were not stored. */
    assert_int_equal(rows[3].prev, rows[1].cid);
    assert_int_equal(rows[5].prev, rows[4].cid);
    assert_int_equal(head->last_cid, rows[5].cid);
    assert_int_equal(stored_in(f->database, pair), 5);
}

ENTRIES_TEST(test_a_nonce_in_two_batches) {
    uint64_t pair = open_new_pair(f), another = open_new_pair(f);
    struct entry_row first = write_one(&f->a, pair, "once"), next = write_one(&f->a, pair, "next");
    struct writer *writers[] = {&f->a, &f->b, &f->b};
    const uint64_t into[] = {pair, pair, another};
    for (size_t i = 0; i < 3; i++) {
        struct entry_row row = write_one(writers[i], into[i], "once");
        assert_true(row.repeat);
        assert_int_equal(row.conversation, pair);
        assert_int_equal(row.cid, first.cid);
        assert_int_equal(row.time_ms, first.time_ms);
        assert_int_equal(row.clash, into[i] != pair);
        /* A reader with the entry before it must read the message log; one that has it drops it. */
        assert_true(row.prev != next.cid && row.prev < row.cid);
        assert_int_equal(writers[i]->heads.items[0].last_cid, into[i] == pair ? next.cid : 0);
    }
    assert_int_equal(stored_in(f->database, pair), 2);
    assert_int_equal(stored_in(f->database, another), 0);
    lock_one(&f->a, pair);
    assert_err(append_one(&f->a, pair, "once", "another text", true), ERR_OK);
    head_cache_keep(f->a.cache, &f->a.heads);
    assert_true(f->a.row.repeat && f->a.row.clash);
    assert_int_equal(write_one(&f->a, pair, "").prev, next.cid);
}

ENTRIES_TEST(test_a_repeat_within_a_transaction) {
    uint64_t pair = open_new_pair(f), cid = write_one(&f->a, pair, "within").cid;
    lock_one(&f->a, pair);
    assert_err(append_one(&f->a, pair, "within", "text", false), ERR_OK);
    assert_true(f->a.row.repeat);
    assert_int_equal(f->a.row.cid, cid);
    assert_true(db_in_transaction(f->a.db));
    assert_err(db_commit(f->a.db), ERR_OK);
}

/* As after a restore: cids that were given out before are not given again. */
ENTRIES_TEST(test_a_sequence_that_went_back_is_refused) {
    uint64_t pair = open_new_pair(f), other = open_new_pair(f),
             cid = write_one(&f->a, pair, "").cid;
    /* A writer that has had those cids refuses, in whatever conversation. */
    sql_run(f->database, "ALTER SEQUENCE cid_block RESTART %" PRIu64, cid);
    assert_err(lock_many(&f->a, &other, 1), ERR_UNAVAILABLE);
    assert_false(db_in_transaction(f->a.db));
    /* Every writer refuses in a conversation that has them. */
    sql_run(f->database, "ALTER SEQUENCE cid_block RESTART %" PRIu64, cid);
    lock_one(&f->b, pair);
    assert_err(append_one(&f->b, pair, "new", "text", true), ERR_UNAVAILABLE);
    assert_false(db_in_transaction(f->b.db));
    assert_int_equal(stored_in(f->database, pair), 1);
    head_cache_clear(f->a.cache);
    assert_int_equal(write_one(&f->a, pair, "new").prev, cid);
}

/* --- writers that meet ----------------------------------------------------------------------- */

struct meeting {
    struct writer *writer;
    uint64_t conversation;
    const char *nonce;
    enum err err;
    bool uncertain;
};

/* On a thread: no assertion may fail here. */
static void *lock_and_append(void *argument) {
    struct meeting *meeting = argument;
    struct writer *writer = meeting->writer;
    uint64_t id = meeting->conversation;
    meeting->err = lock_many(writer, &id, 1);
    if (meeting->err == ERR_OK)
        meeting->err = append_one(writer, meeting->conversation, meeting->nonce, "text", true);
    meeting->uncertain = db_uncertain(writer->db);
    return NULL;
}

/* Its writer waits for the conversation, which `holder` has locked. */
static pthread_t start_meeting(struct entries_fixture *f, struct writer *holder,
                               struct meeting *meeting) {
    pthread_t thread;
    uint64_t connection = connection_of(meeting->writer);
    lock_one(holder, meeting->conversation);
    assert_int_equal(pthread_create(&thread, NULL, lock_and_append, meeting), 0);
    wait_for_statement(f, connection, "%FOR UPDATE%");
    return thread;
}

ENTRIES_TEST(test_the_second_waits_and_follows) {
    uint64_t pair = open_new_pair(f);
    write_one(&f->b, pair, "");
    struct meeting meeting = {&f->b, pair, "", ERR_OK, false};
    pthread_t thread = start_meeting(f, &f->a, &meeting);
    assert_err(append_one(&f->a, pair, "", "text", true), ERR_OK);
    pthread_join(thread, NULL);
    assert_err(meeting.err, ERR_OK);
    assert_true(f->b.row.cid > f->a.row.cid);
    assert_int_equal(f->b.row.prev, f->a.row.cid);
}

ENTRIES_TEST(test_different_conversations_do_not_wait) {
    uint64_t x = open_new_pair(f), y = open_new_pair(f), z = open_new_pair(f), ids[] = {z, y};
    lock_one(&f->a, x);
    assert_err(lock_many(&f->b, ids, 2), ERR_OK);
    assert_err(append_one(&f->b, y, "", "text", true), ERR_OK);
    assert_err(append_one(&f->a, x, "", "text", true), ERR_OK);
    /* Taken earlier, so smaller, though committed later: no matter in another conversation. */
    assert_true(f->a.row.cid < f->b.row.cid);
}

#define STRESS_BATCHES 60
#define STRESS_ROWS 5

struct stress {
    struct writer *writer;
    uint64_t conversation;
    enum err err;
    uint64_t cids[STRESS_BATCHES * STRESS_ROWS], prevs[STRESS_BATCHES * STRESS_ROWS];
};

static void *write_much(void *argument) {
    struct stress *stress = argument;
    struct writer *writer = stress->writer;
    for (size_t batch = 0; batch < STRESS_BATCHES && stress->err == ERR_OK; batch++) {
        struct entry_row rows[STRESS_ROWS];
        uint64_t id = stress->conversation;
        stress->err = lock_many(writer, &id, 1);
        for (size_t i = 0; i < STRESS_ROWS; i++)
            rows[i] = (struct entry_row){.head = writer->heads.items, .text = slice_text("text")};
        if (stress->err == ERR_OK)
            stress->err = entries_append(writer->db, &writer->heads, rows, STRESS_ROWS, true);
        if (stress->err == ERR_OK)
            head_cache_keep(writer->cache, &writer->heads);
        for (size_t i = 0; i < STRESS_ROWS; i++) {
            stress->cids[batch * STRESS_ROWS + i] = rows[i].cid;
            stress->prevs[batch * STRESS_ROWS + i] = rows[i].prev;
        }
    }
    return NULL;
}

/* The cid before the one that `stress` stands at, or 0. */
static bool takes_next(const struct stress *stress, size_t at, uint64_t prev) {
    return at < STRESS_BATCHES * STRESS_ROWS && stress->prevs[at] == prev;
}

ENTRIES_TEST(test_two_writers_make_one_chain) {
    uint64_t pair = open_new_pair(f), last = 0;
    static struct stress a, b;
    a = (struct stress){.writer = &f->a, .conversation = pair};
    b = (struct stress){.writer = &f->b, .conversation = pair};
    run_both(write_much, &a, &b);
    assert_err(a.err, ERR_OK);
    assert_err(b.err, ERR_OK);
    size_t at_a = 0, at_b = 0;
    while (at_a + at_b < 2 * STRESS_BATCHES * STRESS_ROWS) {
        bool from_a = takes_next(&a, at_a, last);
        assert_true(from_a != takes_next(&b, at_b, last));
        uint64_t cid = from_a ? a.cids[at_a++] : b.cids[at_b++];
        assert_true(cid > last);
        last = cid;
    }
    assert_int_equal(stored_in(f->database, pair), 2 * STRESS_BATCHES * STRESS_ROWS);
}

/* --- commits that nobody knows of ------------------------------------------------------------ */

/*
 * A's insert, with its commit in the same round trip, waits for B, which has the same nonce in
 * another conversation; then A's connection is killed. The nonce makes it right to try again.
 */
static void lose_connection(struct entries_fixture *f, bool other_commits, const char *nonce) {
    uint64_t pair = open_new_pair(f), another = open_new_pair(f);
    pthread_t thread;
    struct meeting meeting = {&f->a, pair, nonce, ERR_OK, false};
    uint64_t connection = connection_of(&f->a);
    lock_one(&f->b, another);
    assert_err(append_one(&f->b, another, nonce, "text", false), ERR_OK);
    assert_int_equal(pthread_create(&thread, NULL, lock_and_append, &meeting), 0);
    wait_for_statement(f, connection, "INSERT IGNORE INTO message%");
    sql_run(f->database, "KILL %" PRIu64, connection);
    pthread_join(thread, NULL);
    assert_err(meeting.err, ERR_UNAVAILABLE);
    assert_true(meeting.uncertain);
    if (other_commits)
        assert_err(db_commit(f->b.db), ERR_OK);
    else
        db_rollback(f->b.db);
    head_cache_clear(f->a.cache);
    struct entry_row row = write_one(&f->a, pair, nonce);
    assert_int_equal(row.repeat, other_commits);
    assert_int_equal(row.conversation, other_commits ? another : pair);
    assert_int_equal(stored_in(f->database, pair), !other_commits);
    if (other_commits)
        assert_int_equal(row.cid, f->b.row.cid);
}

ENTRIES_TEST(test_an_uncommitted_entry_is_stored_by_the_repeat) {
    lose_connection(f, false, "lost");
}

ENTRIES_TEST(test_a_committed_entry_is_found_by_the_repeat) { lose_connection(f, true, "found"); }

ENTRIES_TEST(test_a_connection_lost_before_the_commit) {
    uint64_t pair = open_new_pair(f);
    struct meeting meeting = {&f->a, pair, "", ERR_OK, false};
    uint64_t connection = connection_of(&f->a);
    pthread_t thread = start_meeting(f, &f->b, &meeting);
    sql_run(f->database, "KILL %" PRIu64, connection);
    pthread_join(thread, NULL);
    assert_err(meeting.err, ERR_UNAVAILABLE);
    assert_false(meeting.uncertain);
    db_rollback(f->b.db);
    assert_int_equal(write_one(&f->a, pair, "").prev, 0);
}

int main(void) { return test_run_all(entries_group_set_up, entries_group_tear_down); }
