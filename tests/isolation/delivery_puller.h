/*
 * A connection that catches up by delivery.pull, and a log that the test fills by itself.
 *
 *     struct puller *puller = puller_of(ada, false);
 *     expect_pulled(f, puller, 1000, 1001);              the cids of all that is to be read
 */
#ifndef PARLEY_TESTS_DELIVERY_PULLER_H
#define PARLEY_TESTS_DELIVERY_PULLER_H

#include "tests/isolation/delivery_fixture.h"

#define MAX_CONVERSATIONS 4097
#define PAGE_ENTRIES 256
#define PAGE_BYTES ((size_t)512 << 10)
#define FIRST_CID 1000

/* A connection that catches up, and its last page; slices live until the next. */
struct puller {
    uint64_t account;
    bool resumed;
    uint64_t newest;
    uint64_t conversations[MAX_CONVERSATIONS], positions[MAX_CONVERSATIONS];
    size_t count;
    struct delivery_pull_reply reply;
    struct entry entries[PAGE_ENTRIES];
};

static inline struct puller *puller_of(uint64_t account, bool resumed) {
    static struct puller puller;
    puller.account = account;
    puller.resumed = resumed;
    puller.newest = 0;
    puller.count = 0;
    return &puller;
}

static inline void puller_knows(struct puller *puller, uint64_t conversation, uint64_t position) {
    assert_true(puller->count < MAX_CONVERSATIONS);
    puller->conversations[puller->count] = conversation;
    puller->positions[puller->count++] = position;
}

/* One page; how many entries it has. They must be in the order of cid. */
static inline size_t pull(struct delivery_fixture *f, struct puller *puller) {
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

/* As a gateway does it: positions move to what has come. */
static inline void take_page(struct puller *puller) {
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

/* Pulls until there is no more; how many entries there were. */
static inline size_t pull_all(struct delivery_fixture *f, struct puller *puller) {
    size_t total = 0;
    for (size_t count; (count = pull(f, puller)) > 0; total += count)
        take_page(puller);
    return total;
}

/* What puller knows must be exactly these cids, in this order. */
static inline void expect_cids(struct delivery_fixture *f, struct puller *puller,
                               const uint64_t *cids, size_t count) {
    assert_int_equal(pull(f, puller), count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(puller->entries[i].cid, cids[i]);
}
#define expect_pulled(f_, puller_, ...)                                                            \
    expect_cids(f_, puller_, (uint64_t[]){__VA_ARGS__},                                            \
                sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

/* --- filling the log ----------------------------------------------------------------------- */

static inline uint64_t new_pair(struct delivery_fixture *f, uint64_t a, uint64_t b) {
    uint64_t id = sql_number(f, "SELECT NEXT VALUE FOR pair_number");
    sql_run(f,
            "INSERT INTO conversation (id, kind, lo, hi, created_ms) VALUES (%" PRIu64
            ", 0, %" PRIu64 ", %" PRIu64 ", 1); INSERT INTO `cursor` (account, conversation)"
            " VALUES (%" PRIu64 ", %" PRIu64 "), (%" PRIu64 ", %" PRIu64 ")",
            id, a < b ? a : b, a < b ? b : a, a, id, b, id);
    return id;
}

static inline void store(struct delivery_fixture *f, uint64_t conversation, uint64_t cid,
                         uint64_t sender, const char *text) {
    sql_run(f,
            "INSERT INTO message (conversation, cid, time_ms, type, sender, body)"
            " VALUES (%" PRIu64 ", %" PRIu64 ", %" PRIu64 ", 0, %" PRIu64 ", '%s')",
            conversation, cid, cid + 5000, sender, text);
}

/* `count` rows of this length in each of the conversations that the account has, in turns. */
static inline void store_many(struct delivery_fixture *f, uint64_t account, unsigned count,
                              unsigned length) {
    sql_run(f,
            "INSERT INTO message (conversation, cid, time_ms, type, sender, body)"
            " SELECT conversation, %d + seq * 10000 + ROW_NUMBER() OVER (PARTITION BY seq ORDER BY"
            " conversation), 1, 0, %" PRIu64 ", REPEAT('x', %u) FROM `cursor`, seq_1_to_%u"
            " WHERE account = %" PRIu64,
            FIRST_CID, account, length, count, account);
}

static inline void set_cursor(struct delivery_fixture *f, uint64_t account, uint64_t conversation,
                              uint64_t since, uint64_t received, const char *until) {
    sql_run(f,
            "REPLACE INTO `cursor` (account, conversation, since, received, until)"
            " VALUES (%" PRIu64 ", %" PRIu64 ", %" PRIu64 ", %" PRIu64 ", %s)",
            account, conversation, since, received, until);
}

/* Pairs with others, made at once. */
static inline void make_pairs(struct delivery_fixture *f, uint64_t account, unsigned count) {
    uint64_t first =
        sql_number(f, "SELECT COALESCE(MAX(id), 0) FROM conversation WHERE kind = 0") + 1000000;
    sql_run(f,
            "INSERT INTO conversation (id, kind, lo, hi, created_ms) SELECT %" PRIu64
            " + seq, 0, 10000000 + seq, %" PRIu64 ", 1 FROM seq_1_to_%u;"
            "INSERT INTO `cursor` (account, conversation) SELECT %" PRIu64 ", %" PRIu64
            " + seq FROM seq_1_to_%u",
            first, account + 1000000000, count, account, first, count);
}

#endif
