/* See delivery_puller.h. */
#include "tests/support/delivery_puller.h"

struct puller *puller_of(uint64_t account, bool resumed) {
    static struct puller puller;
    puller.account = account;
    puller.resumed = resumed;
    puller.newest = 0;
    puller.count = 0;
    return &puller;
}

void puller_knows(struct puller *puller, uint64_t conversation, uint64_t position) {
    assert_true(puller->count < MAX_CONVERSATIONS);
    puller->conversations[puller->count] = conversation;
    puller->positions[puller->count++] = position;
}

size_t pull(struct delivery_fixture *f, struct puller *puller) {
    struct delivery_pull ask = {.account = puller->account,
                                .resumed = puller->resumed,
                                .newest = puller->newest,
                                .conversations = {puller->conversations, puller->count},
                                .positions = {puller->positions, puller->count}};
    struct delivery_pull_reply *reply = &puller->reply;
    struct record_arena arena = {0};
    assert_err(test_caller_ask(f->caller, &message_DELIVERY_PULL, &ask, reply), ERR_OK);
    assert_true(reply->entries.count <= PAGE_ENTRIES);
    for (size_t i = 0; i < reply->entries.count; i++) {
        const char *fault;
        struct entry *entry = &puller->entries[i];
        assert_int_equal(record_unpack(&entry_desc, reply->entries.items[i], &arena, entry, &fault),
                         0);
        assert_true(i == 0 || entry->cid > puller->entries[i - 1].cid);
    }
    record_arena_free(&arena);
    return reply->entries.count;
}

void take_page(struct puller *puller) {
    for (size_t i = 0; i < puller->reply.entries.count; i++) {
        const struct entry *entry = &puller->entries[i];
        size_t at = 0;
        while (at < puller->count && puller->conversations[at] != entry->conversation)
            at++;
        if (at == puller->count)
            puller_knows(puller, entry->conversation, 0);
        assert_true(puller->positions[at] < entry->cid);
        puller->positions[at] = entry->cid;
    }
}

size_t pull_all(struct delivery_fixture *f, struct puller *puller) {
    size_t total = 0;
    for (size_t count; (count = pull(f, puller)) > 0; total += count)
        take_page(puller);
    return total;
}

void expect_cids(struct delivery_fixture *f, struct puller *puller, const uint64_t *cids,
                 size_t count) {
    assert_int_equal(pull(f, puller), count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(puller->entries[i].cid, cids[i]);
}

uint64_t new_pair(struct delivery_fixture *f, uint64_t a, uint64_t b) {
    uint64_t id = sql_number(f->database, "SELECT NEXT VALUE FOR pair_number");
    sql_run(f->database,
            "INSERT INTO conversation (id, kind, lo, hi, created_ms) VALUES (%" PRIu64
            ", 0, %" PRIu64 ", %" PRIu64 ", 1); INSERT INTO `cursor` (account, conversation)"
            " VALUES (%" PRIu64 ", %" PRIu64 "), (%" PRIu64 ", %" PRIu64 ")",
            id, a < b ? a : b, a < b ? b : a, a, id, b, id);
    return id;
}

void store(struct delivery_fixture *f, uint64_t conversation, uint64_t cid, uint64_t sender,
           const char *text) {
    sql_run(f->database,
            "INSERT INTO message (conversation, cid, time_ms, type, sender, body)"
            " VALUES (%" PRIu64 ", %" PRIu64 ", %" PRIu64 ", 0, %" PRIu64 ", '%s')",
            conversation, cid, cid + 5000, sender, text);
}

void store_many(struct delivery_fixture *f, uint64_t account, unsigned count, unsigned length) {
    sql_run(f->database,
            "INSERT INTO message (conversation, cid, time_ms, type, sender, body)"
            " SELECT conversation, %d + seq * 10000 + ROW_NUMBER() OVER (PARTITION BY seq ORDER BY"
            " conversation), 1, 0, %" PRIu64 ", REPEAT('x', %u) FROM `cursor`, seq_1_to_%u"
            " WHERE account = %" PRIu64,
            FIRST_CID, account, length, count, account);
}

void set_cursor(struct delivery_fixture *f, uint64_t account, uint64_t conversation, uint64_t since,
                uint64_t received, const char *until) {
    sql_run(f->database,
            "REPLACE INTO `cursor` (account, conversation, since, received, until)"
            " VALUES (%" PRIu64 ", %" PRIu64 ", %" PRIu64 ", %" PRIu64 ", %s)",
            account, conversation, since, received, until);
}

void make_pairs(struct delivery_fixture *f, uint64_t account, unsigned count) {
    uint64_t first =
        sql_number(f->database, "SELECT COALESCE(MAX(id), 0) FROM conversation WHERE kind = 0") +
        1000000;
    sql_run(f->database,
            "INSERT INTO conversation (id, kind, lo, hi, created_ms) SELECT %" PRIu64
            " + seq, 0, 10000000 + seq, %" PRIu64 ", 1 FROM seq_1_to_%u;"
            "INSERT INTO `cursor` (account, conversation) SELECT %" PRIu64 ", %" PRIu64
            " + seq FROM seq_1_to_%u",
            first, account + 1000000000, count, account, first, count);
}
