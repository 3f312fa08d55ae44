/*
 * parley-delivery alone: who may recall, edit and react, to what, until when, and how often.
 */
#include "tests/support/delivery_change.h"
#include "tests/support/delivery_puller.h"

#define KINDS 20 /* of emoji beside a text */

/* All three, of one account, at one text. */
struct attempt {
    uint64_t account, user, group, cid;
};

static enum err recall_of(struct delivery_fixture *f, struct attempt a) {
    struct delivery_recall ask = {
        .account = a.account, .user = a.user, .group = a.group, .cid = a.cid};
    return try_recall(f, &ask, NULL);
}

static enum err edit_of(struct delivery_fixture *f, struct attempt a) {
    struct delivery_edit ask = {.account = a.account,
                                .user = a.user,
                                .group = a.group,
                                .cid = a.cid,
                                .text = slice_text("changed")};
    return try_edit(f, &ask, NULL);
}

static enum err reaction_of(struct delivery_fixture *f, struct attempt a) {
    struct delivery_react ask = {.account = a.account,
                                 .user = a.user,
                                 .group = a.group,
                                 .cid = a.cid,
                                 .emoji = slice_text(":)"),
                                 .on = true};
    return try_react(f, &ask, NULL);
}

/* None of them is carried out, for this reason. */
static void refused(struct delivery_fixture *f, struct attempt a, enum err expected) {
    uint64_t before = delivery_rows(f);
    assert_err(recall_of(f, a), expected);
    assert_err(edit_of(f, a), expected);
    assert_err(reaction_of(f, a), expected);
    assert_int_equal(delivery_rows(f), before);
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM message WHERE cid = %" PRIu64
                                " AND (type = 15 OR edited_ms IS NOT NULL)",
                                a.cid),
                     0);
    assert_int_equal(reactions(f, a.cid), 0);
}

DELIVERY_TEST(test_strangers) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, ""),
             eve = new_account(f->database, "");
    const uint64_t members[] = {ada, bob};
    uint64_t group = new_group_of(f, "", members, 2);
    uint64_t cid = say(f, ada, bob, 0, "for bob"),
             group_cid = say(f, ada, 0, group, "for all of us");
    uint64_t to_eve = say(f, ada, eve, 0, "for eve");
    skip_routed(f, 3);
    refused(f, (struct attempt){eve, ada, 0, cid}, ERR_NO_MESSAGE);
    refused(f, (struct attempt){eve, bob, 0, cid}, ERR_NO_MESSAGE);
    refused(f, (struct attempt){eve, 0, group, group_cid}, ERR_NOT_MEMBER);
    refused(f, (struct attempt){eve, 4000001, 0, cid}, ERR_NO_ACCOUNT);
    refused(f, (struct attempt){eve, UINT64_MAX, 0, cid}, ERR_NO_ACCOUNT);
    refused(f, (struct attempt){eve, 0, group + 1000, group_cid}, ERR_NO_GROUP);
    refused(f, (struct attempt){4000001, ada, 0, cid}, ERR_NO_MESSAGE);
    /* In another conversation than it is in. */
    refused(f, (struct attempt){ada, bob, 0, group_cid}, ERR_NO_MESSAGE);
    refused(f, (struct attempt){ada, 0, group, cid}, ERR_NO_MESSAGE);
    refused(f, (struct attempt){ada, bob, 0, to_eve}, ERR_NO_MESSAGE);
    refused(f, (struct attempt){ada, bob, 0, 0}, ERR_NO_MESSAGE);
    refused(f, (struct attempt){ada, bob, 0, UINT64_MAX}, ERR_NO_MESSAGE);
    refused(f, (struct attempt){ada, ada, 0, cid}, ERR_NO_MESSAGE);
    refused(f, (struct attempt){ada, 0, 0, cid}, ERR_NO_MESSAGE);
    refused(f, (struct attempt){ada, bob, group, cid}, ERR_BAD_REQUEST);
    refused(f, (struct attempt){0, bob, 0, cid}, ERR_BAD_REQUEST);
    /* An account may not change all texts that it may read. */
    assert_err(recall_of(f, (struct attempt){bob, ada, 0, cid}), ERR_NOT_ALLOWED);
    assert_err(edit_of(f, (struct attempt){bob, ada, 0, cid}), ERR_NOT_ALLOWED);
    assert_err(recall_of(f, (struct attempt){bob, 0, group, group_cid}), ERR_NOT_ALLOWED);
    assert_err(edit_of(f, (struct attempt){bob, 0, group, group_cid}), ERR_NOT_ALLOWED);
    expect_no_text_routed(f);
}

DELIVERY_TEST(test_joining_and_leaving) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t group = new_group_of(f, "", &ada, 1), id = conversation_of_group(group);
    uint64_t before = say(f, ada, 0, group, "before bob"), after;
    join(f, group, bob);
    uint64_t during = say(f, ada, 0, group, "with bob"), own = say(f, bob, 0, group, "by bob");
    refused(f, (struct attempt){bob, 0, group, before}, ERR_NO_MESSAGE);
    leave(f, group, bob);
    after = say(f, ada, 0, group, "behind bob's back");
    skip_routed(f, 4);
    refused(f, (struct attempt){bob, 0, group, after}, ERR_NO_MESSAGE);
    refused(f, (struct attempt){bob, 0, group, during}, ERR_NOT_MEMBER);
    refused(f, (struct attempt){bob, 0, group, own}, ERR_NOT_MEMBER);
    /* He is back: texts of his absence are not for him. */
    sql_run(f->database,
            "INSERT INTO absence SELECT account, conversation, until, %" PRIu64
            " FROM `cursor` WHERE account = %" PRIu64 " AND conversation = %" PRIu64
            "; UPDATE `cursor` SET until = NULL WHERE account = %" PRIu64
            "; UPDATE conversation SET version = version + 1 WHERE id = %" PRIu64
            "; INSERT INTO member (conversation, account, role, joined_ms) VALUES (%" PRIu64
            ", %" PRIu64 ", 1, 1)",
            after, bob, id, bob, id, id, bob);
    refused(f, (struct attempt){bob, 0, group, after}, ERR_NO_MESSAGE);
    refused(f, (struct attempt){bob, 0, group, before}, ERR_NO_MESSAGE);
    assert_err(reaction_of(f, (struct attempt){bob, 0, group, during}), ERR_OK);
    assert_err(edit_of(f, (struct attempt){bob, 0, group, own}), ERR_OK);
    skip_routed(f, 2);
    sql_run(f->database, "UPDATE conversation SET dissolved = TRUE WHERE id = %" PRIu64, id);
    refused(f, (struct attempt){ada, 0, group, after}, ERR_NO_GROUP);
    expect_no_text_routed(f);
}

/* A member who was absent when a text was sent gets no notices of its changes. */
DELIVERY_TEST(test_a_text_from_before_joining) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t group = new_group_of(f, "", &ada, 1);
    uint64_t cid = say(f, ada, 0, group, "before bob");
    join(f, group, bob);
    skip_routed(f, 1);
    struct attempt by = {ada, 0, group, cid};
    assert_err(edit_of(f, by), ERR_OK);
    assert_err(reaction_of(f, by), ERR_OK);
    assert_err(recall_of(f, by), ERR_OK);
    for (int i = 0; i < 3; i++) {
        struct entry entry = expect_text_routed(f, &ada, 1);
        assert_int_equal(entry.target, cid);
        uint64_t notice = entry.cid;
        entry = expect_text_routed(f, &bob, 1);
        assert_int_equal(entry.cid, notice);
        assert_int_equal(entry.target, 0);
        assert_int_equal(entry.text.length, 0);
    }
    struct puller *puller = puller_of(bob, false);
    assert_int_equal(pull(f, puller), 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(puller->entries[i].target, 0);
    puller = puller_of(ada, false);
    assert_int_equal(pull(f, puller), 4);
    for (size_t i = 1; i < 4; i++)
        assert_int_equal(puller->entries[i].target, cid);
}

/* Notices are no texts. */
DELIVERY_TEST(test_entries_that_are_no_text) {
    uint64_t ada = new_account(f->database, "");
    uint64_t group = new_group_of(f, "", &ada, 1), id = conversation_of_group(group);
    sql_run(f->database,
            "INSERT INTO message (conversation, cid, time_ms, type, sender, subject, about,"
            " accepted, body) SELECT %" PRIu64 ", NEXT VALUE FOR cid_block, 1, 14, 0, 0, 0, 0, 'x'",
            id);
    uint64_t cid =
        sql_number(f->database, "SELECT MAX(cid) FROM message WHERE conversation = %" PRIu64, id);
    refused(f, (struct attempt){ada, 0, group, cid}, ERR_NO_MESSAGE);
    uint64_t group_cid = say(f, ada, 0, group, "x");
    assert_err(reaction_of(f, (struct attempt){ada, 0, group, group_cid}), ERR_OK);
    skip_routed(f, 1);
    cid = next_routed(f).entry.cid;
    refused(f, (struct attempt){ada, 0, group, cid}, ERR_NO_MESSAGE);
}

DELIVERY_TEST(test_administrators) {
    uint64_t members[3];
    for (size_t i = 0; i < 3; i++)
        members[i] = new_account(f->database, "");
    uint64_t group = new_group_of(f, "", members, 3);
    for (uint64_t role = 2; role <= 3; role++) {
        sql_run(f->database, "UPDATE member SET role = %" PRIu64 " WHERE account = %" PRIu64, role,
                members[1]);
        uint64_t cid = say(f, members[0], 0, group, "not here");
        make_older(f, cid, 1000000);
        skip_routed(f, 1);
        struct attempt by = {members[1], 0, group, cid};
        assert_err(edit_of(f, by), ERR_NOT_ALLOWED);
        by.account = members[2];
        assert_err(recall_of(f, by), ERR_NOT_ALLOWED);
        by.account = members[1];
        assert_err(recall_of(f, by), ERR_OK);
        struct entry entry = expect_text_routed(f, members, 3);
        assert_int_equal(entry.type, ENTRY_RECALLED);
        assert_int_equal(entry.from, members[1]);
        assert_int_equal(entry.to, group);
    }
}

/* By the database's clock. A minute on either side leaves time for a busy machine. */
DELIVERY_TEST(test_until_when) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    static const struct {
        uint64_t age_s;
        enum err recall, edit;
    } cases[] = {{1 * 60, ERR_OK, ERR_NO_MESSAGE},
                 {2 * 60 + 1, ERR_TOO_LATE, ERR_OK},
                 {14 * 60, ERR_TOO_LATE, ERR_OK},
                 {15 * 60 + 1, ERR_TOO_LATE, ERR_TOO_LATE}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t cid = say(f, ada, bob, 0, "hello");
        make_older(f, cid, cases[i].age_s);
        assert_err(recall_of(f, (struct attempt){ada, bob, 0, cid}), cases[i].recall);
        assert_err(edit_of(f, (struct attempt){ada, bob, 0, cid}), cases[i].edit);
        skip_routed(f, cases[i].recall == ERR_OK || cases[i].edit == ERR_OK ? 2 : 1);
        if (cases[i].recall != ERR_OK) {
            assert_err(reaction_of(f, (struct attempt){bob, ada, 0, cid}), ERR_OK);
            skip_routed(f, 1);
        }
    }
    expect_no_text_routed(f);
}

DELIVERY_TEST(test_blocked) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t cid = say(f, ada, bob, 0, "hello"), reply = say(f, bob, ada, 0, "go away");
    skip_routed(f, 2);
    sql_run(f->database, "UPDATE conversation SET blocked = %d WHERE id = %" PRIu64,
            ada < bob ? 1 : 2, pair_of(f, ada, bob));
    assert_err(edit_of(f, (struct attempt){ada, bob, 0, cid}), ERR_BLOCKED);
    assert_err(reaction_of(f, (struct attempt){ada, bob, 0, reply}), ERR_BLOCKED);
    assert_err(reaction_of(f, (struct attempt){bob, ada, 0, cid}), ERR_OK);
    /* Recalling is allowed: the other one may still read the text. */
    assert_err(recall_of(f, (struct attempt){ada, bob, 0, cid}), ERR_OK);
    skip_routed(f, 2);
    expect_no_text_routed(f);
}

DELIVERY_TEST(test_muted) {
    const uint64_t members[] = {new_account(f->database, ""), new_account(f->database, "")};
    uint64_t group = new_group_of(f, "", members, 2), id = conversation_of_group(group);
    uint64_t cid = say(f, members[0], 0, group, "loud");
    skip_routed(f, 1);
    sql_run(f->database,
            "UPDATE member SET muted_until_ms = 32503680000000 WHERE conversation = %" PRIu64
            " AND account = %" PRIu64 "; UPDATE conversation SET version = version + 1 WHERE id ="
            " %" PRIu64,
            id, members[0], id);
    struct attempt by = {members[0], 0, group, cid};
    assert_err(edit_of(f, by), ERR_MUTED);
    assert_err(reaction_of(f, by), ERR_MUTED);
    assert_err(recall_of(f, by), ERR_OK);
    skip_routed(f, 1);
    expect_no_text_routed(f);
}

static enum err react_with(struct delivery_fixture *f, struct attempt a, const char *emoji,
                           bool on) {
    struct delivery_react ask = {.account = a.account,
                                 .user = a.user,
                                 .group = a.group,
                                 .cid = a.cid,
                                 .emoji = slice_text(emoji),
                                 .on = on};
    return try_react(f, &ask, NULL);
}

DELIVERY_TEST(test_kinds_of_emoji) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t cid = say(f, ada, bob, 0, "hello");
    struct attempt ours = {ada, bob, 0, cid}, theirs = {bob, ada, 0, cid};
    for (int i = 0; i < KINDS; i++)
        assert_err(react_with(f, i % 2 == 0 ? ours : theirs, test_text("emoji %d", i), true),
                   ERR_OK);
    skip_routed(f, 1 + KINDS);
    assert_err(react_with(f, ours, "one more", true), ERR_TOO_MANY);
    assert_err(react_with(f, ours, "one more", false), ERR_OK); /* it is not there */
    expect_no_text_routed(f);
    assert_int_equal(reactions(f, cid), KINDS);
    /* One that is there is no further kind. */
    assert_err(react_with(f, theirs, "emoji 0", true), ERR_OK);
    assert_err(react_with(f, ours, "emoji 0", false), ERR_OK);
    assert_err(react_with(f, ours, "one more", true), ERR_TOO_MANY);
    assert_err(react_with(f, theirs, "emoji 0", false), ERR_OK);
    assert_err(react_with(f, ours, "one more", true), ERR_OK);
    skip_routed(f, 4);
    assert_int_equal(reactions(f, cid), KINDS);
}

DELIVERY_TEST(test_how_long) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    uint64_t cid = say(f, ada, bob, 0, "hello");
    struct attempt ours = {ada, bob, 0, cid};
    static char longest[EMOJI_MAX_BYTES + 2], text[TEXT_MAX_BYTES + 1];
    memset(longest, 'x', EMOJI_MAX_BYTES + 1);
    memset(text, '\'', sizeof text);
    assert_err(react_with(f, ours, longest, true), ERR_BAD_REQUEST);
    assert_err(react_with(f, ours, "", true), ERR_BAD_REQUEST);
    longest[EMOJI_MAX_BYTES] = '\0';
    assert_err(react_with(f, ours, longest, true), ERR_OK);
    struct delivery_edit ask = {
        .account = ada, .user = bob, .cid = cid, .text = slice_make(text, sizeof text)};
    assert_err(try_edit(f, &ask, NULL), ERR_BAD_REQUEST);
    ask.text.length = 0;
    assert_err(try_edit(f, &ask, NULL), ERR_BAD_REQUEST);
    ask.text.length = TEXT_MAX_BYTES;
    assert_err(try_edit(f, &ask, NULL), ERR_OK);
    assert_int_equal(
        sql_number(f->database, "SELECT LENGTH(body) FROM message WHERE cid = %" PRIu64, cid),
        TEXT_MAX_BYTES);
    skip_routed(f, 2);
    assert_int_equal(next_routed(f).entry.text.length, TEXT_MAX_BYTES);
}

int main(void) { return test_run_all(delivery_set_up, delivery_tear_down); }
