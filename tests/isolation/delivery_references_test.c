/*
 * parley-delivery alone: texts that reply to a message, and that mention accounts.
 */
#include "proto/mentions.h"
#include "tests/support/delivery_puller.h"

/* A text with references: a letter that points into itself. */
struct referring {
    struct letter letter;
    uint64_t reply;
    char bytes[(MENTIONS_MAX + 1) * MENTION_BYTES];
    struct slice mentions;
};

static void refer(struct delivery_fixture *f, struct referring *text, uint64_t from,
                  uint64_t to_account, uint64_t to_group, uint64_t reply, const uint64_t *mentions,
                  size_t count) {
    letter_one(f, &text->letter, from, to_account, to_group, "hello");
    text->reply = reply;
    text->mentions = mentions_pack(mentions, count, text->bytes);
    text->letter.body.replies = (struct u64_list){&text->reply, 1};
    text->letter.body.mentions = (struct slice_list){&text->mentions, 1};
}

static enum err try_refer(struct delivery_fixture *f, uint64_t from, uint64_t to_account,
                          uint64_t to_group, uint64_t reply, const uint64_t *mentions,
                          size_t count) {
    static struct referring text;
    struct delivery_send_reply answer;
    refer(f, &text, from, to_account, to_group, reply, mentions, count);
    return ask_send(f->caller, &text.letter, &answer);
}

static void refused(struct delivery_fixture *f, enum err expected, uint64_t from,
                    uint64_t to_account, uint64_t to_group, uint64_t reply,
                    const uint64_t *mentions, size_t count) {
    uint64_t before = delivery_rows(f);
    assert_err(try_refer(f, from, to_account, to_group, reply, mentions, count), expected);
    assert_int_equal(delivery_rows(f), before);
    expect_no_text_routed(f);
}

static void expect_references(const struct entry *entry, uint64_t reply, size_t count,
                              const uint64_t *mentions, const char *const ids[]) {
    assert_int_equal(entry->reply, reply);
    assert_int_equal(entry->mentions.count, count);
    assert_int_equal(entry->mention_ids.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(entry->mentions.items[i], mentions[i]);
        assert_slice_text(entry->mention_ids.items[i], ids[i]);
    }
}

/* The last entry that the account reads. */
static void expect_read(struct delivery_fixture *f, uint64_t account, uint64_t group,
                        uint64_t reply, size_t count, const uint64_t *mentions,
                        const char *const ids[]) {
    struct delivery_history ask = {.account = account, .group = group, .limit = 1};
    struct delivery_history_reply page;
    struct record_arena arena = {0};
    struct entry entry;
    const char *fault;
    assert_err(test_caller_ask(f->caller, &message_DELIVERY_HISTORY, &ask, &page), ERR_OK);
    assert_int_equal(page.entries.count, 1);
    assert_int_equal(record_unpack(&entry_desc, page.entries.items[0], &arena, &entry, &fault), 0);
    expect_references(&entry, reply, count, mentions, ids);
    record_arena_free(&arena);
}

DELIVERY_TEST(test_they_reach_readers) {
    uint64_t ada = new_account(f->database, "ada-refers"), bob = new_account(f->database, "");
    uint64_t group = new_group_of(f, "", (uint64_t[]){ada, bob}, 2);
    uint64_t first = say(f, bob, 0, group, "first");
    struct entry plain = next_routed(f).entry;
    assert_int_equal(plain.reply, 0);
    assert_int_equal(plain.mentions.count, 0);
    const uint64_t both[] = {bob, ada};
    const char *const ids[] = {"", "ada-refers"};
    assert_err(try_refer(f, ada, 0, group, first, both, 2), ERR_OK);
    struct entry entry = next_routed(f).entry;
    expect_references(&entry, first, 2, both, ids);
    expect_read(f, bob, group, first, 2, both, ids);
    assert_int_equal(sql_number(f->database,
                                "SELECT LENGTH(mentions) FROM message WHERE cid = %" PRIu64,
                                entry.cid),
                     16);
    struct puller *puller = puller_of(bob, false);
    assert_int_equal(pull(f, puller), 2);
    assert_int_equal(puller->entries[1].reply, first);
    assert_int_equal(puller->entries[1].mentions.count, 2);
}

DELIVERY_TEST(test_replies) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t cleo = new_account(f->database, "");
    uint64_t group = new_group_of(f, "", (uint64_t[]){ada, bob}, 2);
    uint64_t elsewhere = say(f, ada, bob, 0, "elsewhere"), before = say(f, ada, 0, group, "before");
    join(f, group, cleo);
    uint64_t since = say(f, ada, 0, group, "since");
    skip_routed(f, 3);
    refused(f, ERR_NO_MESSAGE, ada, 0, group, elsewhere, NULL, 0);
    refused(f, ERR_NO_MESSAGE, ada, 0, group, since + 1, NULL, 0);
    refused(f, ERR_NO_MESSAGE, ada, 0, group, before - 1, NULL, 0);
    refused(f, ERR_NO_MESSAGE, ada, 0, group, UINT64_MAX, NULL, 0);
    refused(f, ERR_NO_MESSAGE, cleo, 0, group, before, NULL, 0);
    assert_err(try_refer(f, cleo, 0, group, since, NULL, 0), ERR_OK);
    assert_err(try_refer(f, bob, ada, 0, elsewhere, NULL, 0), ERR_OK);
    skip_routed(f, 2);
}

DELIVERY_TEST(test_mentions) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t cleo = new_account(f->database, ""), all = 0;
    uint64_t group = new_group_of(f, "", (uint64_t[]){ada, bob}, 2);
    sql_run(f->database,
            "UPDATE member SET role = 2 WHERE conversation = %" PRIu64 " AND account = %" PRIu64,
            conversation_of_group(group), ada);
    say(f, ada, bob, 0, "this opens the conversation");
    skip_routed(f, 1);
    refused(f, ERR_BAD_MENTION, ada, 0, group, 0, (uint64_t[]){bob, cleo}, 2);
    refused(f, ERR_BAD_MENTION, ada, 0, group, 0, (uint64_t[]){UINT64_MAX}, 1);
    refused(f, ERR_BAD_MENTION, ada, bob, 0, 0, &cleo, 1);
    refused(f, ERR_BAD_MENTION, ada, bob, 0, 0, &all, 1);
    refused(f, ERR_NOT_ALLOWED, bob, 0, group, 0, &all, 1);
    assert_err(try_refer(f, ada, 0, group, 0, &all, 1), ERR_OK);
    struct entry entry = next_routed(f).entry;
    expect_references(&entry, 0, 1, &all, (const char *const[]){""});
    assert_err(try_refer(f, ada, bob, 0, 0, (uint64_t[]){bob, ada}, 2), ERR_OK);
    skip_routed(f, 1);
}

DELIVERY_TEST(test_malformed) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t many[MENTIONS_MAX + 1];
    for (size_t i = 0; i <= MENTIONS_MAX; i++)
        many[i] = bob;
    refused(f, ERR_BAD_REQUEST, ada, bob, 0, 0, many, MENTIONS_MAX + 1);
    assert_err(try_refer(f, ada, bob, 0, 0, many, MENTIONS_MAX), ERR_OK);
    skip_routed(f, 1);
    static struct referring text;
    struct delivery_send_reply answer;
    refer(f, &text, ada, bob, 0, 0, many, 1);
    text.mentions.length--;
    assert_err(ask_send(f->caller, &text.letter, &answer), ERR_BAD_REQUEST);
    refer(f, &text, ada, bob, 0, 0, many, 1);
    letter_add(f, &text.letter, "another");
    assert_err(ask_send(f->caller, &text.letter, &answer), ERR_BAD_REQUEST);
}

/* The same text under the same nonce that refers to something else is another one. */
DELIVERY_TEST(test_sent_again) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t first = say(f, bob, ada, 0, "first");
    static struct referring text;
    struct delivery_send_reply answer;
    refer(f, &text, ada, bob, 0, first, &bob, 1);
    assert_err(ask_send(f->caller, &text.letter, &answer), ERR_OK);
    uint64_t cid = answer.cids.items[0];
    assert_err(ask_send(f->caller, &text.letter, &answer), ERR_OK);
    assert_int_equal(answer.cids.items[0], cid);
    assert_int_equal(answer.repeats, 1);
    text.reply = cid;
    assert_err(ask_send(f->caller, &text.letter, &answer), ERR_OK);
    assert_int_equal(answer.cids.items[0], 0);
    text.reply = first;
    text.mentions = slice_make(NULL, 0);
    assert_err(ask_send(f->caller, &text.letter, &answer), ERR_OK);
    assert_int_equal(answer.cids.items[0], 0);
    skip_routed(f, 3);
    expect_no_text_routed(f);
}

/* Some of a request's texts refer to something; the whole of it is refused for one that may not. */
DELIVERY_TEST(test_several_in_a_request) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t first = say(f, bob, ada, 0, "first");
    skip_routed(f, 1);
    static struct letter letter;
    struct delivery_send_reply answer;
    char bytes[MENTION_BYTES];
    uint64_t replies[] = {0, first};
    struct slice mentions[] = {mentions_pack(&bob, 1, bytes), {NULL, 0}};
    letter_one(f, &letter, ada, bob, 0, "one");
    letter_add(f, &letter, "two");
    letter.body.replies = (struct u64_list){replies, 2};
    letter.body.mentions = (struct slice_list){mentions, 2};
    assert_err(ask_send(f->caller, &letter, &answer), ERR_OK);
    struct entry one = next_routed(f).entry;
    assert_int_equal(one.reply, 0);
    assert_int_equal(one.mentions.count, 1);
    struct entry two = next_routed(f).entry;
    assert_int_equal(two.reply, first);
    assert_int_equal(two.mentions.count, 0);
    replies[0] = 1;
    letter_one(f, &letter, ada, bob, 0, "one");
    letter_add(f, &letter, "two");
    letter.body.replies = (struct u64_list){replies, 2};
    assert_err(ask_send(f->caller, &letter, &answer), ERR_NO_MESSAGE);
    expect_no_text_routed(f);
}

int main(void) { return test_run_all(delivery_set_up, delivery_tear_down); }
