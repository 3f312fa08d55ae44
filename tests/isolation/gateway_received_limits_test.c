/*
 * The gateway alone, with clients that confirm what they have received (301): in more conversations
 * than a connection keeps positions in, and with more than may wait to be confirmed.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/conversation.h"
#include "services/gateway/positions.h"
#include "tests/support/gateway_scene.h"
#include "tests/support/test_list.h"

#define ALICE ((uint64_t)1001)
#define BOB ((uint64_t)2002)

/* --- beyond the positions -------------------------------------------------------------------- */

static struct slice pack(struct buffer *buffer, const struct entry *entry) {
    *buffer = buffer_make(4096);
    record_pack(&entry_desc, entry, buffer);
    return slice_make(buffer->data, buffer->length);
}

/*
 * Groups, one more than a connection keeps positions in, with one entry each. A page has
 * the entries behind the positions that the request lists; of other conversations, unless it wants
 * none of them, those behind the cursor.
 */
#define GROUPS ((uint64_t)POSITIONS_MAX + 1)

static void serve_groups(struct asked **pull, const struct delivery_pull *body,
                         const uint64_t *cursors) {
    enum { PAGE = 200 };
    static uint64_t positions[GROUPS + 1], conversations[GROUPS + 1];
    struct entry entries[PAGE];
    struct slice items[PAGE];
    struct buffer buffers[PAGE];
    size_t count = 0;
    memcpy(positions, cursors, sizeof positions);
    for (uint64_t group = 1; body->listed && group <= GROUPS; group++)
        positions[group] = RECORD_NUMBER_MOST;
    for (size_t i = 0; i < body->conversations.count; i++)
        positions[conversation_low_bits(body->conversations.items[i])] = body->positions.items[i];
    for (uint64_t group = 1; group <= GROUPS; group++)
        conversations[group] = conversation_of_group(group);
    for (uint64_t group = 1; group <= GROUPS && count < PAGE; group++) {
        if (positions[group] >= 100 + group)
            continue;
        entries[count] = stage_group_text(100 + group, 0, "hi");
        entries[count].conversation = conversations[group];
        entries[count].to = group;
        items[count] = pack(&buffers[count], &entries[count]);
        count++;
    }
    struct delivery_pull_reply reply = {.entries = {items, count}};
    if (!body->resumed && !body->listed) {
        reply.conversations = (struct u64_list){conversations + 1, POSITIONS_MAX};
        reply.positions = (struct u64_list){(uint64_t *)cursors + 1, POSITIONS_MAX};
        reply.partial = true;
    }
    played_answer(pull, &reply);
    for (size_t i = 0; i < count; i++)
        buffer_free(&buffers[i]);
}

/* As serve_groups, until the client has got so many texts more; the last one's group. */
static uint64_t hear_groups(struct stage *stage, struct talker *alice, const uint64_t *cursors,
                            size_t texts) {
    struct delivery_pull body;
    uint64_t group = 0;
    for (size_t heard = 0; heard < texts;) {
        struct asked *pull;
        STAGE_UNTIL(stage, alice->text_count > 0 ||
                               played_count(stage->played[DELIVERY], &message_DELIVERY_PULL) > 0);
        while ((pull = played_take(stage->played[DELIVERY], &message_DELIVERY_PULL, &body)))
            serve_groups(&pull, &body, cursors);
        for (; alice->text_count > 0; heard++) {
            char *text = talker_take(alice);
            const char *at = strstr(text, "toGroup\":\"");
            assert_non_null(at);
            group = strtoull(at + strlen("toGroup\":\""), NULL, 10);
            free(text);
        }
        assert_true(heard <= texts);
    }
    return group;
}

static void confirm_group(struct stage *stage, struct talker *alice, uint64_t *cursors,
                          uint64_t group) {
    stage_say_received(alice, test_text("'group':'%llu'", (unsigned long long)group), 100 + group,
                       NULL);
    stage_expect_move(stage, ALICE, conversation_of_group(group), 100 + group);
    cursors[group] = 100 + group;
}

/* One conversation never stops another: not one that is left unconfirmed, and not one of which
 * there is no position. Only when every position waits, a conversation without one waits for the
 * first of them. */
STAGED(beyond_the_positions_one_conversation_stops_no_other) {
    struct talker *alice = stage_talker(stage, true);
    struct delivery_pull body;
    uint64_t cursors[GROUPS + 1] = {0};
    stage_log_in_confirming(stage, alice, ALICE, "alice");
    assert_int_equal(hear_groups(stage, alice, cursors, POSITIONS_MAX), POSITIONS_MAX);
    struct asked *pull;
    stage_let_time_pass(stage);
    while ((pull = played_take(stage->played[DELIVERY], &message_DELIVERY_PULL, &body))) {
        serve_groups(&pull, &body, cursors);
        stage_let_time_pass(stage);
    }
    stage_wait_talker_live(stage, alice);
    struct entry entry = stage_group_text(9000, 101, "live");
    entry.conversation = conversation_of_group(1);
    entry.to = 1;
    stage_push_to(stage, &entry, alice);
    stage_hears(stage, alice,
                "{'msg':'live','msgType':8,'fromUserId':'bob','toGroup':'1','cid':9000,"
                "'time_ms':#}");
    stage_no_moves(stage);
    confirm_group(stage, alice, cursors, 77);
    assert_int_equal(hear_groups(stage, alice, cursors, 1), GROUPS);
    confirm_group(stage, alice, cursors, GROUPS);
}

/* --- how much may wait to be confirmed -------------------------------------------------------- */

enum { PART = POSITIONS_MAX_UNCONFIRMED / 2, PARTS = 5 };
#define PART_OF_LOG(n_) (STAGE_PAIR_CID + (uint64_t)(n_)*PART)

/* Answers pulls of the pair conversation's log, and takes it from behind `last` on, until nothing
 * more arrives. Returns the last cid. */
static uint64_t hear_log(struct stage *stage, struct talker *alice, uint64_t last) {
    static struct entry page[PART];
    struct delivery_pull body;
    struct asked *pull;
    for (bool more = true; more;) {
        stage_let_time_pass(stage);
        for (more = alice->text_count > 0; alice->text_count > 0; last++)
            stage_hears_bob_ext(stage, alice, "hello", last + 1);
        while ((pull = played_take(stage->played[DELIVERY], &message_DELIVERY_PULL, &body))) {
            uint64_t position = STAGE_PAIR_CID, count = 0;
            for (size_t i = 0; i < body.conversations.count; i++)
                if (body.conversations.items[i] == STAGE_PAIR)
                    position = body.positions.items[i];
            for (; count < PART && position < PART_OF_LOG(PARTS); count++, position++)
                page[count] = stage_text(position + 1, position, ALICE, "hello");
            stage_answer_pull(&pull, page, count);
            more = true;
        }
    }
    return last;
}

/* A client that leaves a conversation unconfirmed is sent so much of it and no more, and the same
 * again at its next login; other conversations go on. */
STAGED(so_much_of_a_conversation_waits_to_be_confirmed) {
    struct talker *alice = stage_talker(stage, false);
    stage_log_in_confirming(stage, alice, ALICE, "alice");
    uint64_t last = hear_log(stage, alice, STAGE_PAIR_CID), prev = STAGE_GROUP_CID;
    for (unsigned part = 2; part < PARTS; part++) {
        assert_int_equal(last, PART_OF_LOG(part));
        stage_wait_talker_live(stage, alice);
        struct entry same = stage_text(PART_OF_LOG(PARTS) + 1, PART_OF_LOG(PARTS), ALICE, "no");
        struct entry other = stage_group_text(90000 + part, prev, "others go on");
        prev = other.cid;
        stage_push_to(stage, &same, alice);
        stage_push_to(stage, &other, alice);
        stage_hears(stage, alice,
                    "{'msg':'others go on','msgType':8,'fromUserId':'bob','toGroup':'500',"
                    "'cid':%llu,'time_ms':#}",
                    (unsigned long long)other.cid);
        stage_no_moves(stage);
        stage_say_received(alice, "'user':2002", last - PART - 1, NULL); /* too little */
        stage_expect_move(stage, ALICE, STAGE_PAIR, last - PART - 1);
        stage_no_moves(stage);
        stage_say_received(alice, "'user':2002", last - PART, NULL);
        stage_expect_move(stage, ALICE, STAGE_PAIR, last - PART);
        last = hear_log(stage, alice, last);
    }
    assert_int_equal(last, PART_OF_LOG(PARTS));
}

/* There is no room to remember that it was confirmed, so the page is read again. */
STAGED(beyond_the_positions_nothing_confirmed_is_repeated) {
    struct talker *alice = stage_talker(stage, true);
    struct delivery_pull body;
    struct delivery_received received;
    struct buffer buffer;
    struct entry shown = stage_text(11, 10, ALICE, "hello");
    struct slice item = pack(&buffer, &shown);
    struct entry other = stage_text(9, 0, ALICE, "of one that is kept");
    other.conversation = STAGE_FULL_FIRST;
    struct buffer other_buffer;
    struct slice other_item = pack(&other_buffer, &other);
    struct delivery_pull_reply page = stage_full_page(&other_item, 1, true);
    stage_log_in_confirming(stage, alice, ALICE, "alice");
    struct asked *pull = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &body);
    played_answer(&pull, &page);
    stage_hears_bob_ext(stage, alice, "of one that is kept", 9);
    pull = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &body);
    stage_say_received(alice, "'user':2002", 11, "r");
    struct asked *asked = stage_expect(stage, DELIVERY, &message_DELIVERY_RECEIVED, &received);
    played_answer(&asked, &(struct delivery_received_reply){.conversation = STAGE_PAIR});
    stage_hears(stage, alice, "{'msgType':300,'ref':'r','ok':true}");
    page.entries = (struct slice_list){&item, 1};
    played_answer(&pull, &page);
    pull = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &body);
    page.entries.count = 0;
    played_answer(&pull, &page);
    stage_wait_talker_live(stage, alice);
    stage_hears_nothing(stage, alice);
    buffer_free(&buffer);
    buffer_free(&other_buffer);
}

/* Of those that are not shown nothing waits for the client. */
STAGED(beyond_the_positions_entries_not_shown_are_passed) {
    struct talker *alice = stage_talker(stage, true);
    struct delivery_pull body;
    struct buffer buffer;
    struct entry recalled = stage_text(11, 10, ALICE, "");
    recalled.type = ENTRY_RECALLED_TEXT;
    struct slice item = pack(&buffer, &recalled);
    struct delivery_pull_reply page = stage_full_page(&item, 1, true);
    stage_log_in_confirming(stage, alice, ALICE, "alice");
    struct asked *pull = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &body);
    played_answer(&pull, &page);
    stage_expect_move(stage, ALICE, STAGE_PAIR, 11);
    pull = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &body);
    page.entries.count = 0;
    played_answer(&pull, &page);
    stage_wait_talker_live(stage, alice);
    buffer_free(&buffer);
}

int main(void) { return test_run_all(NULL, NULL); }
