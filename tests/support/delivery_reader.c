/* See delivery_reader.h. */
#include "tests/support/delivery_reader.h"

size_t read_page(struct reader *reader) {
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
