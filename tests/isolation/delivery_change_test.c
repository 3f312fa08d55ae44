/*
 * parley-delivery alone: delivery.recall, delivery.edit, delivery.react.
 */
#include "tests/support/delivery_change.h"
#include "tests/support/delivery_puller.h"

static const struct entry *pull_one(struct delivery_fixture *f, uint64_t account, size_t index,
                                    size_t count) {
    struct puller *puller = puller_of(account, false);
    assert_int_equal(pull(f, puller), count);
    return &puller->entries[index];
}

/* --- one after the other ------------------------------------------------------------------- */

DELIVERY_TEST(test_an_edit) {
    uint64_t ada = new_account(f->database, "ada the first"), bob = new_account(f->database, "");
    uint64_t cid = say(f, ada, bob, 0, "hello Bbo");
    skip_routed(f, 1);
    struct delivery_edit ask = {
        .account = ada, .user = bob, .cid = cid, .text = slice_text("hello Bob")};
    assert_err(try_edit(f, &ask, NULL), ERR_OK);
    struct entry pushed = expect_text_routed(f, (uint64_t[]){ada, bob}, 2);
    assert_int_equal(pushed.type, ENTRY_EDITED);
    assert_int_equal(pushed.target, cid);
    assert_int_equal(pushed.prev, cid);
    assert_true(pushed.cid > cid);
    assert_int_equal(pushed.from, ada);
    assert_slice_text(pushed.from_id, "ada the first");
    assert_int_equal(pushed.to, bob);
    assert_slice_text(pushed.text, "hello Bob");
    assert_true(pushed.edited_ms > 0);
    /* A text behind it follows it: the writer has not trusted its memory of the head. */
    uint64_t next = say(f, bob, ada, 0, "hello");
    assert_int_equal(next_routed(f).entry.prev, pushed.cid);

    /* The log has one copy, which is the newest. */
    const struct entry *entry = pull_one(f, bob, 0, 3);
    assert_int_equal(entry->type, ENTRY_TEXT);
    assert_int_equal(entry->cid, cid);
    assert_slice_text(entry->text, "hello Bob");
    assert_int_equal(entry->edited_ms, pushed.edited_ms);
    entry = pull_one(f, bob, 1, 3);
    assert_int_equal(entry->type, ENTRY_EDITED);
    assert_int_equal(entry->cid, pushed.cid);
    assert_int_equal(entry->target, cid);
    assert_slice_text(entry->text, "hello Bob");
    assert_int_equal(pull_one(f, bob, 2, 3)->cid, next);
    assert_int_equal(rows_with(f, "hello Bob"), 1);
    assert_int_equal(rows_with(f, "hello Bbo"), 0);
}

DELIVERY_TEST(test_an_edit_of_an_edit) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t cid = say(f, ada, bob, 0, "one"), edited_ms = 0;
    skip_routed(f, 1);
    for (int i = 0; i < 3; i++) {
        struct delivery_edit ask = {
            .account = ada, .user = bob, .cid = cid, .text = slice_text(i == 2 ? "four" : "two")};
        assert_err(try_edit(f, &ask, NULL), ERR_OK);
        struct entry pushed = next_routed(f).entry;
        assert_true(pushed.edited_ms > edited_ms);
        edited_ms = pushed.edited_ms;
    }
    /* All of its notices have the present text. */
    for (size_t i = 0; i < 4; i++)
        assert_slice_text(pull_one(f, bob, i, 4)->text, "four");
    assert_int_equal(rows_with(f, "four"), 1);
}

DELIVERY_TEST(test_a_reaction) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t cid = say(f, ada, bob, 0, "hello Bob");
    skip_routed(f, 1);
    for (int on = 1; on >= 0; on--) {
        struct done done = {0};
        struct delivery_react ask = {.account = bob,
                                     .user = ada,
                                     .cid = cid,
                                     .emoji = slice_text("\xf0\x9f\x91\x8d"),
                                     .on = on};
        assert_err(try_react(f, &ask, &done), ERR_OK);
        assert_false(done.repeat);
        struct entry pushed = expect_text_routed(f, (uint64_t[]){ada, bob}, 2);
        assert_int_equal(pushed.type, ENTRY_REACTED);
        assert_int_equal(pushed.target, cid);
        assert_int_equal(pushed.from, bob);
        assert_slice_text(pushed.text, "\xf0\x9f\x91\x8d");
        assert_int_equal(pushed.accepted, on);
        assert_int_equal(reactions(f, cid), on);
        assert_int_equal(pull_one(f, ada, on ? 1 : 2, on ? 2 : 3)->accepted, on);
        /* It is there already, or gone already: nobody is notified again. */
        assert_err(try_react(f, &ask, &done), ERR_OK);
        assert_true(done.repeat);
        assert_int_equal(reactions(f, cid), on);
        expect_no_text_routed(f);
    }
}

DELIVERY_TEST(test_a_recall) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t cid = say(f, ada, bob, 0, "a slip of the tongue");
    struct delivery_edit edit = {
        .account = ada, .user = bob, .cid = cid, .text = slice_text("a second slip")};
    assert_err(try_edit(f, &edit, NULL), ERR_OK);
    struct delivery_react react = {
        .account = bob, .user = ada, .cid = cid, .emoji = slice_text(":)"), .on = true};
    assert_err(try_react(f, &react, NULL), ERR_OK);
    sql_run(f->database, "UPDATE message SET reply = 1, mentions = 'mentions' WHERE cid = %" PRIu64,
            cid);
    skip_routed(f, 3);
    struct delivery_recall ask = {.account = ada, .user = bob, .cid = cid};
    assert_err(try_recall(f, &ask, NULL), ERR_OK);
    struct entry pushed = expect_text_routed(f, (uint64_t[]){ada, bob}, 2);
    assert_int_equal(pushed.type, ENTRY_RECALLED);
    assert_int_equal(pushed.target, cid);
    assert_int_equal(pushed.from, ada);
    assert_int_equal(pushed.text.length, 0);

    assert_int_equal(rows_with(f, "slip"), 0);
    assert_int_equal(reactions(f, cid), 0);
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM message WHERE cid = %" PRIu64
                                " AND type = 15 AND body = '' AND reply IS NULL"
                                " AND mentions IS NULL AND edited_ms IS NULL",
                                cid),
                     1);
    /* There is nothing to show but the notice of it. */
    for (size_t i = 0; i < 4; i++) {
        const struct entry *entry = pull_one(f, bob, i, 4);
        static const enum entry_type types[] = {ENTRY_RECALLED_TEXT, ENTRY_EDITED, ENTRY_REACTED,
                                                ENTRY_RECALLED};
        assert_int_equal(entry->type, types[i]);
        assert_int_equal(entry->text.length, 0);
    }
    /* Nothing more can be done with it. */
    assert_err(try_recall(f, &ask, NULL), ERR_NO_MESSAGE);
    assert_err(try_edit(f, &edit, NULL), ERR_NO_MESSAGE);
    assert_err(try_react(f, &react, NULL), ERR_NO_MESSAGE);
    expect_no_text_routed(f);
}

static void put(struct delivery_fixture *f, uint64_t account, uint64_t group, uint64_t cid,
                const char *emoji) {
    struct delivery_react ask = {
        .account = account, .group = group, .cid = cid, .emoji = slice_text(emoji), .on = true};
    assert_err(try_react(f, &ask, NULL), ERR_OK);
    skip_routed(f, 1);
}

/* The state of each text, as each of its readers sees it. */
DELIVERY_TEST(test_in_history) {
    uint64_t members[] = {new_account(f->database, ""), new_account(f->database, "")};
    uint64_t group = new_group_of(f, "", members, 2), cids[4];
    for (size_t i = 0; i < 4; i++)
        cids[i] = say(f, members[0], 0, group, "hello");
    skip_routed(f, 4);
    put(f, members[0], group, cids[0], "b");
    put(f, members[1], group, cids[0], "b");
    put(f, members[1], group, cids[0], "a");
    put(f, members[1], group, cids[3], "c");
    put(f, members[1], group, cids[2], "d");
    struct delivery_recall recall = {.account = members[0], .group = group, .cid = cids[2]};
    assert_err(try_recall(f, &recall, NULL), ERR_OK);
    skip_routed(f, 1);
    static const struct {
        size_t entry, reaction;
        const char *emoji;
        uint64_t count;
        bool mine[2];
    } expected[] = {
        {0, 0, "a", 1, {false, true}}, {0, 1, "b", 2, {true, true}}, {3, 0, "c", 1, {false, true}}};
    for (size_t reader = 0; reader < 2; reader++) {
        struct delivery_history ask = {.account = members[reader], .group = group};
        struct delivery_history_reply reply;
        struct record_arena arena = {0};
        struct entry entries[10];
        assert_err(test_caller_ask(f->caller, &message_DELIVERY_HISTORY, &ask, &reply), ERR_OK);
        assert_int_equal(reply.entries.count, 10); /* and six notices */
        size_t count = 0;
        for (size_t i = 0; i < 10; i++) {
            const char *fault;
            assert_int_equal(
                record_unpack(&entry_desc, reply.entries.items[i], &arena, &entries[i], &fault), 0);
            count += entries[i].reactions.count;
        }
        assert_int_equal(count, 3);
        for (size_t i = 0; i < 3; i++) {
            const struct record_list *list = &entries[expected[i].entry].reactions;
            assert_true(expected[i].reaction < list->count);
            const struct reaction *found =
                (const struct reaction *)list->items + expected[i].reaction;
            assert_slice_text(found->emoji, expected[i].emoji);
            assert_int_equal(found->count, expected[i].count);
            assert_int_equal(found->mine, expected[i].mine[reader]);
        }
        assert_int_equal(entries[2].type, ENTRY_RECALLED_TEXT);
        record_arena_free(&arena);
    }
}

/* --- repeats ------------------------------------------------------------------------------- */

/* A text that is sent again under its nonce after it was changed: its first cid is the answer,
 * nothing is stored, and nobody gets the old text. */
DELIVERY_TEST(test_a_changed_text_sent_again) {
    const uint64_t members[] = {new_account(f->database, ""), new_account(f->database, "")};
    uint64_t group = new_group_of(f, "", members, 2);
    struct letter letter;
    struct delivery_send_reply reply;
    letter_one(f, &letter, members[0], 0, group, "what it said");
    assert_err(ask_send(f->caller, &letter, &reply), ERR_OK);
    uint64_t cid = reply.cids.items[0];
    struct delivery_edit edit = {
        .account = members[0], .group = group, .cid = cid, .text = slice_text("what it says")};
    assert_err(try_edit(f, &edit, NULL), ERR_OK);
    skip_routed(f, 2);
    for (int round = 0; round < 3; round++) {
        if (round == 1) {
            struct delivery_recall recall = {.account = members[0], .group = group, .cid = cid};
            assert_err(try_recall(f, &recall, NULL), ERR_OK);
            skip_routed(f, 1);
        }
        if (round == 2) /* also where it may not write any more */
            leave(f, group, members[0]);
        uint64_t before = stored_in(f->database, conversation_of_group(group));
        assert_err(ask_send(f->caller, &letter, &reply), ERR_OK);
        assert_int_equal(reply.cids.items[0], cid);
        assert_int_equal(reply.repeats, 1);
        assert_int_equal(stored_in(f->database, conversation_of_group(group)), before);
        assert_int_equal(rows_with(f, "what it said"), 0);
        expect_no_text_routed(f);
    }
    /* Another conversation's nonce it stays. */
    letter.body.to_group = 0;
    letter.body.to_account = members[1];
    assert_err(ask_send(f->caller, &letter, &reply), ERR_OK);
    assert_int_equal(reply.cids.items[0], 0);
    expect_no_text_routed(f);
}

DELIVERY_TEST(test_a_change_repeated) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t cid = say(f, ada, bob, 0, "hello"), other = say(f, ada, bob, 0, "other");
    skip_routed(f, 2);
    struct done done = {0};
    struct delivery_react react = {.account = ada,
                                   .user = bob,
                                   .cid = cid,
                                   .emoji = slice_text(":)"),
                                   .on = true,
                                   .nonce = slice_text("react react reac")};
    assert_err(try_react(f, &react, &done), ERR_OK);
    assert_false(done.repeat);
    /* Again, also when it was taken away since: it is not done twice. */
    struct delivery_react off = react;
    off.on = false;
    off.nonce = slice_text("react off react ");
    for (int i = 0; i < 2; i++) {
        assert_err(try_react(f, &react, &done), ERR_OK);
        assert_true(done.repeat);
        assert_int_equal(reactions(f, cid), i == 0);
        if (i == 0)
            assert_err(try_react(f, &off, NULL), ERR_OK);
    }
    struct delivery_react wrong = react;
    wrong.on = false;
    assert_err(try_react(f, &wrong, NULL), ERR_REF_USED);
    wrong = react;
    wrong.emoji = slice_text(":(");
    assert_err(try_react(f, &wrong, NULL), ERR_REF_USED);
    wrong = react;
    wrong.cid = other;
    assert_err(try_react(f, &wrong, NULL), ERR_REF_USED);
    struct delivery_recall recall = {.account = ada, .user = bob, .cid = cid, .nonce = react.nonce};
    assert_err(try_recall(f, &recall, NULL), ERR_REF_USED);
    recall.nonce = slice_text("short");
    assert_err(try_recall(f, &recall, NULL), ERR_BAD_REQUEST);
    recall.nonce = slice_text("recall recall re");
    for (int i = 0; i < 2; i++) {
        done.repeat = false;
        assert_err(try_recall(f, &recall, &done), ERR_OK);
        assert_int_equal(done.repeat, i == 1);
    }
    skip_routed(f, 3);
    expect_no_text_routed(f);
    assert_int_equal(stored_in(f->database, pair_of(f, ada, bob)), 5);
}

DELIVERY_TEST(test_an_edit_repeated) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t cid = say(f, ada, bob, 0, "one");
    skip_routed(f, 1);
    struct done done = {0};
    struct delivery_edit first = {.account = ada,
                                  .user = bob,
                                  .cid = cid,
                                  .text = slice_text("two"),
                                  .nonce = slice_text("first edit first")};
    struct delivery_edit second = first;
    second.text = slice_text("three");
    assert_err(try_edit(f, &first, NULL), ERR_OK);
    assert_err(try_edit(f, &second, NULL), ERR_REF_USED);
    second.nonce = slice_text("second edit seco");
    assert_err(try_edit(f, &second, NULL), ERR_OK);
    skip_routed(f, 2);
    /* It was done, and is not done over the later one. */
    assert_err(try_edit(f, &first, &done), ERR_OK);
    assert_true(done.repeat);
    assert_int_equal(rows_with(f, "three"), 1);
    expect_no_text_routed(f);
}

int main(void) { return test_run_all(delivery_set_up, delivery_tear_down); }
