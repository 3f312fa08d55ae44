/*
 * A reader of the log, from position to position, as a client that catches up is.
 *
 *     struct reader reader = {.caller = caller, .account = ada, .conversations = {conversation,
 * 0}}; while (read_page(&reader) > 0)
 *         ;
 */
#ifndef PARLEY_TESTS_DELIVERY_READER_H
#define PARLEY_TESTS_DELIVERY_READER_H

#include "tests/isolation/delivery_fixture.h"

/* Somebody who reads a group and a pair all the time, from position to position. */
struct reader {
    struct test_caller *caller;
    uint64_t account;
    uint64_t conversations[2], positions[2];
    size_t counts[2];
};

/* Reads one page; how many entries it had. Each must lie behind those before it. */
static inline size_t read_page(struct reader *reader) {
    struct delivery_pull ask = {.account = reader->account,
                                .resumed = true,
                                .conversations = {reader->conversations, 2},
                                .positions = {reader->positions, 2}};
    struct delivery_pull_reply page;
    struct record_arena arena = {0};
    assert_err(test_caller_ask(reader->caller, &message_DELIVERY_PULL, &ask, &page), ERR_OK);
    uint64_t last = 0;
    for (size_t i = 0; i < page.entries.count; i++) {
        struct entry entry;
        const char *fault;
        assert_int_equal(record_unpack(&entry_desc, page.entries.items[i], &arena, &entry, &fault),
                         0);
        size_t at = entry.conversation == reader->conversations[0] ? 0 : 1;
        assert_int_equal(entry.conversation, reader->conversations[at]);
        assert_true(entry.cid > reader->positions[at]);
        assert_true(entry.cid > last);
        last = reader->positions[at] = entry.cid;
        reader->counts[at]++;
    }
    record_arena_free(&arena);
    return page.entries.count;
}

#endif
