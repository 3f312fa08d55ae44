/* See entries_fixture.h. */
#include "tests/support/entries_fixture.h"

void wait_for_statement(struct entries_fixture *f, uint64_t connection, const char *pattern) {
    TEST_UNTIL(sql_number(f->database,
                          "SELECT COUNT(*) FROM information_schema.processlist WHERE id = %" PRIu64
                          " AND info LIKE '%s'",
                          connection, pattern) != 0,
               "it does not wait in %s", pattern);
}

uint64_t open_pair(struct writer *writer, uint64_t a, uint64_t b) {
    struct conversation_pair pair = conversation_pair(a, b);
    assert_err(conversations_open_pairs(writer->db, writer->cache, &pair, 1), ERR_OK);
    return pair.conversation;
}

uint64_t open_new_pair(struct entries_fixture *f) {
    uint64_t account = new_account(f->database, "");
    return open_pair(&f->b, account, new_account(f->database, ""));
}

uint64_t new_group_of_three(struct entries_fixture *f, uint64_t number, const char *string_id) {
    uint64_t id = conversation_of_group(number);
    sql_run(f->database,
            "INSERT INTO conversation (id, kind, lo, hi, string_id, name, owner, created_ms)"
            " VALUES (%" PRIu64 ", 1, %" PRIu64 ", 0, '%s', 'its name', 10, 1);"
            " INSERT INTO member (conversation, account, role, joined_ms) VALUES (%" PRIu64
            ", 30, 1, 1), (%" PRIu64 ", 10, 3, 1), (%" PRIu64 ", 20, 1, 1)",
            id, number, string_id, id, id, id);
    return id;
}

void writer_open(struct entries_fixture *f, struct writer *writer, uint64_t instance,
                 bool remembers) {
    *writer = (struct writer){.db = db_new(test_database_settings(f->database), NULL),
                              .cache = remembers ? head_cache_new() : NULL,
                              .instance = instance};
    assert_non_null(writer->db);
    assert_err(db_connect(writer->db), ERR_OK);
}

uint64_t writer_number(struct writer *writer, const struct db_statement *ask) {
    struct db_rows *rows;
    assert_err(db_query(writer->db, ask, DB_NO_ARGS, &rows), ERR_OK);
    assert_true(db_rows_next(rows));
    uint64_t number = db_rows_u64(rows, 0);
    db_rows_destroy(&rows);
    return number;
}

uint64_t connection_of(struct writer *writer) {
    static const struct db_statement ask = {"connection_id", "SELECT CONNECTION_ID()"};
    return writer_number(writer, &ask);
}

void run_both(void *(*run)(void *), void *a, void *b) {
    pthread_t threads[2];
    assert_int_equal(pthread_create(&threads[0], NULL, run, a), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, run, b), 0);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
}

void writer_close(struct writer *writer) {
    db_destroy(&writer->db);
    head_cache_destroy(&writer->cache);
    record_arena_free(&writer->arena);
}

enum err lock_many(struct writer *writer, uint64_t *ids, size_t count) {
    record_arena_free(&writer->arena);
    return entries_lock(writer->db, writer->cache, writer->instance, ids, count, false,
                        &writer->arena, &writer->heads);
}

struct entry_head *lock_one(struct writer *writer, uint64_t conversation) {
    uint64_t id = conversation;
    assert_err(lock_many(writer, &id, 1), ERR_OK);
    return entries_find_head(&writer->heads, conversation);
}

struct slice nonce_of(const char *text) {
    return text[0] == '\0' ? slice_make(NULL, 0)
                           : slice_make(test_text("%-16s", text), NONCE_BYTES);
}

enum err append_one(struct writer *writer, uint64_t conversation, const char *nonce,
                    const char *text, bool commit) {
    writer->row = (struct entry_row){.head = entries_find_head(&writer->heads, conversation),
                                     .sender = 1,
                                     .nonce = nonce_of(nonce),
                                     .text = slice_text(text)};
    assert_non_null(writer->row.head);
    return entries_append(writer->db, &writer->heads, &writer->row, 1, commit);
}

struct entry_row write_one(struct writer *writer, uint64_t conversation, const char *nonce) {
    lock_one(writer, conversation);
    assert_err(append_one(writer, conversation, nonce, "text", true), ERR_OK);
    if (writer->cache != NULL)
        head_cache_keep(writer->cache, &writer->heads);
    return writer->row;
}

int entries_group_set_up(void **state) {
    static struct entries_fixture f;
    *state = &f;
    f.database = test_database_new("log");
    return 0;
}

int entries_group_tear_down(void **state) {
    struct entries_fixture *f = *state;
    test_database_destroy(&f->database);
    return 0;
}

int entries_set_up(void **state) {
    struct entries_fixture *f = *state;
    writer_open(f, &f->a, 1001, true);
    writer_open(f, &f->b, 1002, true);
    return 0;
}

int entries_tear_down(void **state) {
    struct entries_fixture *f = *state;
    writer_close(&f->a);
    writer_close(&f->b);
    return 0;
}
