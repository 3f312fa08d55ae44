/*
 * The gateway alone: entries that have reached clients are reported to delivery, and nothing else
 * is; and clients that do not read.
 */
#include <stdlib.h>
#include <string.h>

#include "services/gateway/positions.h"
#include "tests/support/gateway_scene.h"
#include "tests/support/test_list.h"

#define ALICE ((uint64_t)1001)
#define CAROL ((uint64_t)1004)
#define BOB ((uint64_t)2002)

static struct talker *live_websocket(struct stage *stage, uint64_t account, const char *id) {
    return stage_live_as(stage, BY_WEBSOCKET, account, id);
}

static void push_text(struct stage *stage, struct talker *talker, uint64_t cid) {
    struct entry entry = stage_text(cid, cid - 1, talker->account, "hello");
    stage_push_to(stage, &entry, talker);
    stage_hears_bob(stage, talker, "hello");
}

/* --- entries that have reached a client ---------------------------------------------------- */

STAGED(a_pong_moves_the_cursors) {
    struct talker *alice = live_websocket(stage, ALICE, "alice");
    alice->pongless = true;
    push_text(stage, alice, 11);
    STAGE_UNTIL(stage, alice->pings == 1);
    push_text(stage, alice, 12); /* behind the ping */
    push_text(stage, alice, 13);
    struct entry entry = stage_group_text(21, STAGE_GROUP_CID, "to all");
    stage_push_to(stage, &entry, alice);
    stage_hears(stage, alice, "{'msg':'to all','msgType':8,'fromUserId':'bob','toGroup':'500'}");
    stage_quiet(stage);
    assert_int_equal(stage->move_count, 0);
    assert_int_equal(alice->pings, 1);

    talker_send_pong(alice);
    stage_expect_move(stage, ALICE, STAGE_PAIR, 11);
    STAGE_UNTIL(stage, alice->pings == 2);
    stage_quiet(stage);
    assert_int_equal(stage->move_count, 0);
    talker_send_pong(alice);
    STAGE_UNTIL(stage, stage->move_count == 2); /* in any order */
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(stage->moves[i].account, ALICE);
        assert_int_equal(stage->moves[i].cid, stage->moves[i].conversation == STAGE_PAIR ? 13 : 21);
    }
    assert_int_not_equal(stage->moves[0].conversation, stage->moves[1].conversation);
    stage->move_count = 0;
    stage_quiet(stage);
    assert_int_equal(stage->move_count, 0);
    assert_int_equal(alice->pings, 2); /* nothing is new, so nothing is asked */
}

STAGED(a_pong_of_another_ping_moves_nothing) {
    struct talker *alice = live_websocket(stage, ALICE, "alice");
    alice->pongless = true;
    push_text(stage, alice, 11);
    STAGE_UNTIL(stage, alice->pings == 1);
    talker_send_frame(alice, 10, "unasked!", 8);
    talker_send_frame(alice, 10, "", 0);
    stage_quiet(stage);
    assert_int_equal(stage->move_count, 0);
    stage_hang_up(stage, &alice); /* its pong never arrived */
    struct session_unbind unbind;
    stage_expect(stage, SESSION, &message_SESSION_UNBIND, &unbind);
    stage_quiet(stage);
    assert_int_equal(stage->move_count, 0);
}

STAGED(the_kernels_word_moves_the_cursors) {
    struct talker *alice = stage_live(stage, ALICE, "alice");
    struct talker *carol = stage_talker(stage, false);
    push_text(stage, alice, 11);
    stage_expect_move(stage, ALICE, STAGE_PAIR, 11);
    push_text(stage, alice, 12);
    stage_expect_move(stage, ALICE, STAGE_PAIR, 12);
    stage_log_in(stage, carol, CAROL, NULL);
    struct entry page[] = {stage_text(11, 10, CAROL, "a page"),
                           stage_text(12, 11, CAROL, "of two")};
    stage_expect_pull(stage, CAROL, page, 2);
    stage_expect_pull(stage, CAROL, NULL, 0);
    stage_expect_move(stage, CAROL, STAGE_PAIR, 12);
    stage_quiet(stage);
    assert_int_equal(stage->move_count, 0);
}

/* A dialect that has no message for an entry has nothing to miss. */
STAGED(entries_that_are_not_shown_count_too) {
    struct talker *bob = live_websocket(stage, BOB, "bob");
    struct entry own = stage_text(11, 10, ALICE, "my own");
    stage_push_to(stage, &own, bob);
    stage_expect_move(stage, BOB, STAGE_PAIR, 11);
    assert_int_equal(bob->text_count, 0);
}

STAGED(a_move_that_fails_is_sent_again) {
    struct talker *alice = stage_live(stage, ALICE, "alice");
    struct delivery_advance body;
    stage->keeps_moves = true;
    push_text(stage, alice, 11);
    struct asked *asked = stage_expect(stage, DELIVERY, &message_DELIVERY_ADVANCE, &body);
    push_text(stage, alice, 12); /* waits, one request is out at a time */
    stage_quiet(stage);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(body.accounts.count, 1);
        assert_int_equal(body.cids.items[0], 11);
        played_refuse(&asked, i == 0 ? ERR_UNAVAILABLE : ERR_INTERNAL);
        asked = stage_expect(stage, DELIVERY, &message_DELIVERY_ADVANCE, &body);
    }
    played_answer(&asked, NULL);
    asked = stage_expect(stage, DELIVERY, &message_DELIVERY_ADVANCE, &body);
    assert_int_equal(body.cids.items[0], 12);
    played_answer(&asked, NULL);
    stage_quiet(stage);
}

/* --- in bulk, and at the end --------------------------------------------------------------- */

static int set_up_lazy(void **state) {
    return stage_set_up_with(state, (const char *[]){"--cursor-flush-ms=60000", NULL});
}

/* Waits until the pong of that ping has certainly been read: it stands before a request whose
 * answer arrives. */
static void read_pong(struct stage *stage, struct talker *talker) {
    STAGE_UNTIL(stage, talker->pings > 0);
    stage_hears_nothing(stage, talker);
}

STAGED_WITH(moves_travel_together, set_up_lazy) {
    struct talker *alice = live_websocket(stage, ALICE, "alice");
    struct talker *carol = live_websocket(stage, CAROL, "carol");
    push_text(stage, alice, 11);
    push_text(stage, carol, 11);
    read_pong(stage, alice);
    read_pong(stage, carol);
    stage_quiet(stage);
    assert_int_equal(stage->move_count, 0);
    struct session_unbind unbind;
    struct delivery_advance body;
    stage->keeps_moves = true;
    stage_hang_up(stage, &carol); /* perhaps on the way to another gateway */
    struct asked *asked = stage_expect(stage, DELIVERY, &message_DELIVERY_ADVANCE, &body);
    assert_int_equal(body.accounts.count, 2);
    assert_int_equal(body.accounts.items[0] + body.accounts.items[1], ALICE + CAROL);
    played_answer(&asked, NULL);
    stage_expect(stage, SESSION, &message_SESSION_UNBIND, &unbind);
    stage_quiet(stage);
}

STAGED_WITH(arrivals_are_reported_before_the_end, set_up_lazy) {
    struct talker *alice = live_websocket(stage, ALICE, "alice");
    struct talker *carol = live_websocket(stage, CAROL, "carol");
    push_text(stage, alice, 11);
    carol->pongless = true;
    push_text(stage, carol, 11);
    read_pong(stage, alice);
    STAGE_UNTIL(stage, carol->pings == 1);
    assert_int_equal(stage->move_count, 0);
    int status = stage_stop_gateway(stage);
    stage_expect_move(stage, ALICE, STAGE_PAIR, 11);
    assert_int_equal(stage->move_count, 0);
    assert_int_equal(status, 0);
    stage_sees_close(stage, alice, 1001);
    stage_sees_close(stage, carol, 1001);
}

/* --- clients that do not read -------------------------------------------------------------- */

#define LONG_BYTES 60000
#define LONG_TEXTS 60

/* The log of the pair conversation, from behind STAGE_PAIR_CID on. */
static struct entry long_entry(uint64_t cid) {
    static char texts[LONG_TEXTS][LONG_BYTES + 1];
    char *text = texts[cid - STAGE_PAIR_CID - 1];
    memset(text, 'x', LONG_BYTES);
    memcpy(text, test_text("%06llu", (unsigned long long)cid), 6);
    return stage_text(cid, cid - 1, ALICE, text);
}

/* Answers pulls of the log up to `last`, `page` entries at a time; how many it answered. */
static size_t serve_log(struct stage *stage, uint64_t last, size_t page) {
    struct delivery_pull body;
    struct asked *pull;
    size_t served = 0;
    for (; (pull = played_take(stage->played[DELIVERY], &message_DELIVERY_PULL, &body)); served++) {
        uint64_t position = STAGE_PAIR_CID;
        struct entry entries[8];
        size_t count = 0;
        for (size_t i = 0; i < body.conversations.count; i++)
            if (body.conversations.items[i] == STAGE_PAIR)
                position = body.positions.items[i];
        while (count < page && position + count < last) {
            entries[count] = long_entry(position + count + 1);
            count++;
        }
        stage_answer_pull(&pull, entries, count);
    }
    return served;
}

/* Takes the texts that the client received: the log in order, from `next` on. Returns the next one.
 */
static uint64_t take_long(struct talker *talker, uint64_t next) {
    static const char head[] = "{\"msg\":\"";
    for (; talker->text_count > 0; next++) {
        char *text = talker_take(talker);
        assert_memory_equal(text, head, strlen(head));
        assert_memory_equal(text + strlen(head), test_text("%06llu", (unsigned long long)next), 6);
        free(text);
    }
    return next;
}

static struct talker *deaf_talker(struct stage *stage, bool websocket) {
    struct talker *talker =
        talker_new(websocket ? stage->http_port : stage->tcp_port, websocket, 4096);
    stage->talkers[stage->talker_count++] = talker;
    return talker;
}

static void a_deaf_client_costs_a_bounded_queue(struct stage *stage, bool websocket) {
    const uint64_t first = STAGE_PAIR_CID + 1, last = STAGE_PAIR_CID + LONG_TEXTS;
    struct talker *quick = stage_live(stage, CAROL, "carol");
    struct talker *slow = deaf_talker(stage, websocket);
    stage_log_in(stage, slow, ALICE, "alice");
    stage_goes_live(stage, slow);
    slow->deaf = true;
    uint64_t next = first, heard = first;
    for (uint64_t cid = first; cid <= last; cid++) {
        struct entry entry = long_entry(cid);
        stage_push(stage, &entry, (struct talker *const[]){slow, quick}, 2);
        STAGE_UNTIL(stage, quick->text_count > 0);
        next = take_long(quick, next);
    }
    assert_int_equal(next, last + 1); /* the other was not kept waiting */
    /* A page may have been asked for when the queue was full; then no more until there is room. */
    STAGE_UNTIL(stage, serve_log(stage, last, 8) == 0);
    stage_let_time_pass(stage);
    assert_true(serve_log(stage, last, 8) <= 1);
    stage_quiet(stage);
    stage->move_count = 0;
    slow->deaf = false;
    while (heard <= last) {
        STAGE_UNTIL(stage, slow->text_count > 0 || serve_log(stage, last, 8) > 0);
        heard = take_long(slow, heard);
    }
    while (stage->move_count == 0 || stage->moves[stage->move_count - 1].cid < last) {
        stage_turn(stage);
        serve_log(stage, last, 8);
    }
    assert_int_equal(slow->text_count, 0);
}

static int set_up_small(void **state) {
    return stage_set_up_with(state, (const char *[]){"--send-queue-bytes=524288", NULL});
}

STAGED_WITH(a_deaf_client_over_tcp, set_up_small) {
    a_deaf_client_costs_a_bounded_queue(stage, false);
}

STAGED_WITH(a_deaf_client_over_websocket, set_up_small) {
    a_deaf_client_costs_a_bounded_queue(stage, true);
}

/* The longest there is, of characters that take six bytes each in JSON, fits the smallest queue. */
STAGED_WITH(the_longest_text_arrives, set_up_small) {
    static char text[65000 + 1];
    memset(text, '\x01', sizeof text - 1);
    struct talker *alice = live_websocket(stage, ALICE, "alice");
    struct entry entry = stage_text(11, 10, ALICE, text);
    stage_push_to(stage, &entry, alice);
    STAGE_UNTIL(stage, alice->text_count > 0);
    char *heard = talker_take(alice);
    assert_true(strlen(heard) > 6 * (sizeof text - 1));
    free(heard);
    stage_expect_move(stage, ALICE, STAGE_PAIR, 11);
}

/* It logs in to a long log, and does not read: pages stop. */
STAGED_WITH(a_backlog_waits_in_the_log, set_up_small) {
    const uint64_t last = STAGE_PAIR_CID + LONG_TEXTS;
    struct talker *slow = deaf_talker(stage, false);
    stage_log_in(stage, slow, ALICE, "alice");
    slow->deaf = true;
    size_t pages = 0, quiet = 0;
    while (pages < 1 || quiet < 3) {
        size_t served = serve_log(stage, last, 2);
        pages += served;
        quiet = served == 0 ? quiet + 1 : 0;
        if (served == 0)
            stage_let_time_pass(stage);
        else
            stage_turn(stage);
    }
    assert_in_range(pages, 1, LONG_TEXTS / 2 - 1);
    uint64_t heard = STAGE_PAIR_CID + 1;
    slow->deaf = false;
    while (heard <= last) {
        STAGE_UNTIL(stage, slow->text_count > 0 || serve_log(stage, last, 2) > 0);
        heard = take_long(slow, heard);
    }
}

/*
 * A connection on which one login follows the other, and whose pong never arrives: entries that
 * wait to be reported are bounded. Entries beyond it are sent again some day. (Her own texts, which
 * she isn't shown: of others she would be sent no more.)
 */
STAGED(entries_that_wait_for_a_pong_are_bounded) {
    enum { PAGE = 250, LOGINS = 20, LEFT_MAX = POSITIONS_MAX + 256 };
    static struct entry page[PAGE];
    struct talker *alice = stage_talker(stage, true);
    struct auth_logout logout;
    struct delivery_advance advance;
    struct asked *asked;
    alice->pongless = true;
    for (size_t i = 0; i < PAGE; i++) {
        page[i] = stage_text(1000 + i, 0, BOB, "hello");
        page[i].from = ALICE;
        page[i].conversation = 100 + i;
    }
    stage->keeps_moves = true;
    for (size_t i = 0; i < LOGINS; i++) {
        stage_log_in(stage, alice, ALICE, "alice");
        stage_expect_pull(stage, ALICE, page, PAGE);
        stage_expect_pull(stage, ALICE, NULL, 0);
        talker_say(alice, "{'msgType':9,'msgBody':{'logoutUserId':'alice','token':'%s'}}",
                   alice->token);
        asked = stage_expect(stage, AUTH, &message_AUTH_LOGOUT, &logout);
        played_answer(&asked, NULL);
        stage_expect_unbind(stage, SESSION, ALICE, alice->connection);
        stage_hears(stage, alice, "{'msgType':10}");
    }
    assert_int_equal(alice->pings, 1);
    alice->pongless = false;
    talker_send_pong(alice);
    size_t moves = 0;
    while (moves < PAGE + LEFT_MAX) {
        asked = stage_expect(stage, DELIVERY, &message_DELIVERY_ADVANCE, &advance);
        moves += advance.cids.count;
        played_answer(&asked, NULL);
    }
    assert_int_equal(moves, PAGE + LEFT_MAX);
    stage_quiet(stage);
}

int main(void) { return test_run_all(NULL, NULL); }
