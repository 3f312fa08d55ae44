/*
 * The gateway alone: texts that delivery does not answer, or not with success, are tried again, as
 * the same texts in the same order, until their time is over.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "services/gateway/outbox.h"
#include "tests/support/gateway_scene.h"
#include "tests/support/test_list.h"

#define ALICE ((uint64_t)1001)
#define NONCE 16
#define MAX_TEXTS 64

/* The texts of one request. */
struct sent {
    size_t count;
    char texts[MAX_TEXTS][32], nonces[MAX_TEXTS][NONCE];
};

static struct talker *live_ext_over(struct stage *stage, bool websocket) {
    return stage_live_as(stage, (websocket ? BY_WEBSOCKET : 0) | WITH_EXT, ALICE, "alice");
}

static struct talker *live_ext(struct stage *stage) { return live_ext_over(stage, false); }

static struct asked *expect_sent(struct stage *stage, enum role role, struct sent *sent_r) {
    struct delivery_send send;
    struct asked *asked = stage_expect_send(stage, role, &send);
    assert_true(send.texts.count <= MAX_TEXTS);
    assert_int_equal(send.to_account, 2002);
    *sent_r = (struct sent){.count = send.texts.count};
    for (size_t i = 0; i < send.texts.count; i++) {
        snprintf(sent_r->texts[i], sizeof sent_r->texts[i], "%.*s", (int)send.texts.items[i].length,
                 send.texts.items[i].data);
        memcpy(sent_r->nonces[i], send.nonces.items[i].data, NONCE);
    }
    return asked;
}

/* `again` begins with all of `before`; returns how many more it has. */
static size_t assert_again(const struct sent *before, const struct sent *again) {
    assert_true(again->count >= before->count);
    for (size_t i = 0; i < before->count; i++) {
        assert_string_equal(again->texts[i], before->texts[i]);
        assert_memory_equal(again->nonces[i], before->nonces[i], NONCE);
    }
    return again->count - before->count;
}

static void hears_stored(struct stage *stage, struct talker *talker, int from, int to) {
    for (int i = from; i < to; i++)
        stage_hears(stage, talker, "{'msgType':300,'ref':'%d','ok':true,'cid':%d,'time_ms':#}", i,
                    100 + i);
}

static void say_numbers(struct talker *talker, int from, int to) {
    for (int i = from; i < to; i++)
        stage_say(talker, "alice", "2002", test_text("text %d", i), test_text("%d", i));
}

/* --- transient failures -------------------------------------------------------------------- */

STAGED(a_failure_that_passes_is_tried_again) {
    struct talker *alice = live_ext(stage);
    static const enum err errors[] = {ERR_UNAVAILABLE, ERR_OVERLOADED, ERR_TIMEOUT};
    struct sent first, again;
    say_numbers(alice, 0, 1);
    struct asked *asked = expect_sent(stage, DELIVERY, &first);
    assert_int_equal(first.count, 1);
    say_numbers(alice, 1, 5);
    stage_quiet(stage);
    for (size_t i = 0; i < 3; i++) {
        played_refuse(&asked, errors[i]);
        asked = expect_sent(stage, DELIVERY, &again);
        /* Those that gathered behind it go along, and stay behind it. */
        assert_int_equal(assert_again(&first, &again), i == 0 ? 4 : 0);
        first = again;
    }
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(again.texts[i], test_text("text %zu", i));
    stage_answer_send(&asked, 100);
    hears_stored(stage, alice, 0, 5);
    stage_quiet(stage);
}

static int set_up_hasty(void **state) {
    return stage_set_up_with(
        state, (const char *[]){"--request-timeout-ms=100", "--send-timeout-ms=600000", NULL});
}

/* A request that a live instance still works on is not sent a second time, however long it takes.
 */
STAGED_WITH(silence_is_waited_for, set_up_hasty) {
    struct talker *alice = live_ext(stage);
    struct sent first, again;
    say_numbers(alice, 0, 1);
    struct asked *asked = expect_sent(stage, DELIVERY, &first);
    say_numbers(alice, 1, 3);
    for (int64_t until_ms = loop_now_ms() + 1000; loop_now_ms() < until_ms;)
        stage_quiet(stage);
    stage_answer_send(&asked, 100);
    asked = expect_sent(stage, DELIVERY, &again);
    assert_int_equal(again.count, 2);
    stage_answer_send(&asked, 101);
    hears_stored(stage, alice, 0, 3);
}

/* --- instances ----------------------------------------------------------------------------- */

static int set_up_two(void **state) { return stage_set_up_two(state, DELIVERY, DELIVERY_2); }

/* A live client although pages may be asked of either. */
static struct talker *live_of_two(struct stage *stage) {
    struct delivery_pull body;
    struct talker *talker = stage_talker(stage, false);
    stage_log_in_ext(stage, talker, ALICE, "alice");
    enum role role = stage_which_is_asked(stage, DELIVERY, DELIVERY_2);
    struct asked *pull = stage_expect(stage, role, &message_DELIVERY_PULL, &body);
    stage_answer_pull(&pull, NULL, 0);
    stage_wait_talker_live(stage, talker);
    return talker;
}

STAGED_WITH(another_instance_is_asked_when_one_vanishes, set_up_two) {
    struct talker *alice = live_of_two(stage);
    struct sent first, again;
    say_numbers(alice, 0, 1);
    enum role chosen = stage_which_is_asked(stage, DELIVERY, DELIVERY_2);
    enum role other = chosen == DELIVERY ? DELIVERY_2 : DELIVERY;
    expect_sent(stage, chosen, &first);
    say_numbers(alice, 1, 3);
    stage_let_time_pass(stage);
    assert_int_equal(played_count(stage->played[other], &message_DELIVERY_SEND), 0);
    played_destroy(&stage->played[chosen]);
    struct asked *asked = expect_sent(stage, other, &again);
    assert_int_equal(assert_again(&first, &again), 2);
    stage_answer_send(&asked, 100);
    hears_stored(stage, alice, 0, 3);
}

STAGED(texts_wait_for_an_instance) {
    struct talker *alice = live_ext(stage);
    struct sent first, again;
    say_numbers(alice, 0, 1);
    expect_sent(stage, DELIVERY, &first);
    played_destroy(&stage->played[DELIVERY]);
    say_numbers(alice, 1, 4);
    stage_let_time_pass(stage);
    assert_int_equal(alice->text_count, 0);
    stage_play(stage, DELIVERY);
    struct asked *asked = expect_sent(stage, DELIVERY, &again);
    assert_again(&first, &again);
    stage_answer_send(&asked, 100);
    if (again.count < 4) { /* those that were read while it was on its way */
        asked = expect_sent(stage, DELIVERY, &first);
        stage_answer_send(&asked, 100 + again.count);
    }
    hears_stored(stage, alice, 0, 4);
}

/* Within one heartbeat and at the same address: only its instance number tells. */
STAGED(an_instance_that_restarted_is_asked_again) {
    struct talker *alice = live_ext(stage);
    struct sent first, again;
    say_numbers(alice, 0, 2);
    expect_sent(stage, DELIVERY, &first);
    played_set_instance(stage->played[DELIVERY], 12345);
    struct asked *asked = expect_sent(stage, DELIVERY, &again);
    assert_again(&first, &again);
    stage_answer_send(&asked, 100);
    if (again.count < 2) {
        asked = expect_sent(stage, DELIVERY, &first);
        stage_answer_send(&asked, 101);
    }
    hears_stored(stage, alice, 0, 2);
}

/* --- the end of its time -------------------------------------------------------------------- */

static int set_up_impatient(void **state) {
    return stage_set_up_with(state, (const char *[]){"--send-timeout-ms=3000", NULL});
}

/* Refuses until so many texts are; whether none of that took long. */
static bool refuse_texts(struct stage *stage, struct talker *alice, size_t count) {
    bool quick = true;
    for (int64_t before_ms = loop_now_ms(); alice->text_count < count;) {
        struct delivery_send body;
        struct asked *asked;
        stage_turn(stage);
        while ((asked = played_take(stage->played[DELIVERY], &message_DELIVERY_SEND, &body)))
            played_refuse(&asked, ERR_UNAVAILABLE);
        quick = quick && loop_now_ms() - before_ms < 300;
        before_ms = loop_now_ms();
    }
    return quick;
}

STAGED_WITH(a_text_is_given_up_in_the_end, set_up_impatient) {
    struct talker *alice = live_ext(stage);
    struct sent sent;
    say_numbers(alice, 0, 3);
    /* A test that stood still may have been silent in the end. */
    const char *word = refuse_texts(stage, alice, 3) ? "unavailable" : "~";
    for (int i = 0; i < 3; i++)
        stage_hears(stage, alice, "{'msgType':300,'ref':'%d','ok':false,'error':'%s','text':'~'}",
                    i, word);
    say_numbers(alice, 3, 4); /* the next has its own time */
    struct asked *asked = expect_sent(stage, DELIVERY, &sent);
    stage_answer_send(&asked, 103);
    hears_stored(stage, alice, 3, 4);
    stage_quiet(stage);
}

/* Whether the texts on their way were stored cannot be known. The next has its own time, and the
 * instance is not asked for the others again. */
STAGED_WITH(silence_ends_with_the_first_text_that_fails, set_up_impatient) {
    struct talker *alice = live_ext(stage);
    struct sent sent;
    say_numbers(alice, 0, 2);
    expect_sent(stage, DELIVERY, &sent);
    for (int i = 0; i < 2; i++)
        stage_hears(stage, alice, "{'msgType':300,'ref':'~','ok':false,'error':'~','text':'~'}");
    say_numbers(alice, 2, 3);
    struct asked *asked;
    do /* the second text, if it was not read with the first: it had little time left, or some */
        asked = expect_sent(stage, DELIVERY, &sent);
    while (strcmp(sent.texts[sent.count - 1], "text 2") != 0);
    assert_int_equal(sent.count, 1);
    stage_answer_send(&asked, 102);
    hears_stored(stage, alice, 2, 3);
    stage_quiet(stage);
}

STAGED_WITH(without_an_instance_texts_are_given_up_too, set_up_impatient) {
    struct talker *youim = stage_live(stage, ALICE, "alice");
    struct talker *ourchat = stage_live_as(stage, BY_WEBSOCKET, 1005, NULL);
    played_destroy(&stage->played[DELIVERY]);
    stage_say(youim, "alice", "2002", "hello", NULL);
    talker_say(ourchat, "{'code':0,'time':1,'data':{'sender':{'ocid':1005,'private_id':2002},"
                        "'msg':'hello'}}");
    stage_hears_system(stage, youim, "~");
    stage_hears_system_as(stage, ourchat, 1005, "~");
}

/* Requests that a client sent before it closed are carried out, in order; then it is closed. */
STAGED(texts_of_a_client_that_goes_are_stored) {
    struct talker *alice = live_ext_over(stage, true);
    struct session_unbind unbind;
    struct sent sent;
    say_numbers(alice, 0, 3);
    struct asked *asked = expect_sent(stage, DELIVERY, &sent);
    assert_int_equal(sent.count, 1);
    stage_let_time_pass(stage);
    stage_hang_up(stage, &alice);
    stage_let_time_pass(stage);
    played_refuse(&asked, ERR_UNAVAILABLE);
    asked = expect_sent(stage, DELIVERY, &sent);
    assert_int_equal(sent.count, 3);
    stage_answer_send(&asked, 100);
    stage_expect(stage, SESSION, &message_SESSION_UNBIND, &unbind);
    stage_quiet(stage);

    alice = live_ext_over(stage, true);
    say_numbers(alice, 3, 5);
    asked = expect_sent(stage, DELIVERY, &sent);
    stage_let_time_pass(stage);
    stage_hang_up(stage, &alice);
    stage_answer_send(&asked, 103);
    asked = expect_sent(stage, DELIVERY, &sent);
    assert_int_equal(sent.count, 1);
    stage_answer_send(&asked, 104);
    stage_expect(stage, SESSION, &message_SESSION_UNBIND, &unbind);
    stage_quiet(stage);
}

/* Texts that were read and wait behind the first request are stored and answered before the gateway
 * ends. */
STAGED(received_texts_are_stored_before_it_stops) {
    struct talker *alice = live_ext(stage);
    struct sent sent;
    say_numbers(alice, 0, 3);
    struct asked *asked = expect_sent(stage, DELIVERY, &sent);
    assert_int_equal(sent.count, 1);
    stage_let_time_pass(stage);
    kill(service_process_pid(stage->gateway), SIGTERM);
    stage_answer_send(&asked, 100);
    asked = expect_sent(stage, DELIVERY, &sent);
    assert_int_equal(sent.count, 2);
    stage_answer_send(&asked, 101);
    hears_stored(stage, alice, 0, 3);
    assert_int_equal(stage_stop_gateway(stage), 0);
    stage_sees_close(stage, alice, 0);
}

/* --- the memory of all texts that wait ----------------------------------------------------- */

#define ROOM ((size_t)65536)

static int set_up_small(void **state) {
    return stage_set_up_with(state, (const char *[]){"--waiting-texts-bytes=65536", NULL});
}

/* So long that as many fit, however much more than its bytes a text takes. */
static void say_long(struct talker *talker, int from, int to) {
    enum { BYTES = 10000 };
    char *text = malloc(BYTES + 1);
    assert_non_null(text);
    memset(text, 'x', BYTES);
    text[BYTES] = '\0';
    for (int i = from; i < to; i++)
        stage_say(talker, "alice", "2002", text, test_text("%d", i));
    free(text);
}

STAGED_WITH(texts_beyond_the_memory_are_refused, set_up_small) {
    struct talker *alice = live_ext(stage);
    struct sent sent;
    const int fit = 6;
    say_long(alice, 10, 10 + fit + 1);
    stage_hears(stage, alice,
                "{'msgType':300,'ref':'%d','ok':false,'error':'overloaded','text':'the "
                "server is busy, try again'}",
                10 + fit);
    struct asked *asked = expect_sent(stage, DELIVERY, &sent);
    size_t stored = sent.count;
    stage_answer_send(&asked, 110);
    if ((int)stored < fit) {
        asked = expect_sent(stage, DELIVERY, &sent);
        stage_answer_send(&asked, 110 + stored);
        stored += sent.count;
    }
    assert_int_equal(stored, fit);
    hears_stored(stage, alice, 10, 10 + fit);
    /* There is room again, for the same text too. */
    say_long(alice, 10 + fit, 10 + fit + 1);
    asked = expect_sent(stage, DELIVERY, &sent);
    stage_answer_send(&asked, 110 + (uint64_t)fit);
    hears_stored(stage, alice, 10 + fit, 10 + fit + 1);
}

/* Of a gateway that is watched for memory errors too: it gives memory back late. */
static int set_up_thrifty(void **state) {
    const char *options = getenv("ASAN_OPTIONS");
    setenv("ASAN_OPTIONS",
           test_text("%s:quarantine_size_mb=1:thread_local_quarantine_size_kb=64",
                     options == NULL ? "" : options),
           1);
    return stage_set_up(state);
}

static size_t resident_bytes(struct stage *stage) {
    FILE *file = fopen(test_text("/proc/%d/statm", service_process_pid(stage->gateway)), "r");
    char line[128], *second;
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    fclose(file);
    (void)strtoul(line, &second, 10); /* pages that are not resident, too */
    return strtoul(second, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

/* An object that is as long as it may be, and nearly all of it for nothing. */
static void say_with_junk(struct talker *talker, const char *to, int i) {
    enum { ONES = 32000 };
    char *ones = malloc((size_t)2 * ONES);
    assert_non_null(ones);
    for (size_t at = 0; at < ONES; at++)
        memcpy(ones + 2 * at, "1,", 2);
    talker_say(talker,
               "{'msgType':5,'ref':'%d','junk':[%.*s],'msgBody':{'fromUserId':'alice',"
               "'token':'%s','toUserId':'%s','msg':'text %d'}}",
               i, 2 * ONES - 1, ones, talker->token, to, i);
    free(ones);
}

STAGED_WITH(unused_fields_of_a_text_take_no_memory, set_up_thrifty) {
    struct talker *alice = live_ext(stage);
    struct delivery_send other;
    struct sent sent;
    const int last = OUTBOX_MAX - 1;
    size_t before = resident_bytes(stage);
    for (int i = 0; i < last; i++)
        say_with_junk(alice, "2002", i);
    say_with_junk(alice, "2003", last);
    struct asked *first = expect_sent(stage, DELIVERY, &sent);
    struct asked *asked = stage_expect_send(stage, DELIVERY, &other); /* so all are read */
    assert_int_equal(other.to_account, 2003);
    assert_in_range(resident_bytes(stage), 0, before + ((size_t)16 << 20));
    stage_answer_send(&asked, 100 + (uint64_t)last);
    hears_stored(stage, alice, last, last + 1);
    stage_answer_send(&first, 100);
    asked = expect_sent(stage, DELIVERY, &sent);
    assert_int_equal(sent.count, last - 1);
    assert_string_equal(sent.texts[last - 2], test_text("text %d", last - 1));
    stage_answer_send(&asked, 101);
    hears_stored(stage, alice, 0, last);
}

int main(void) { return test_run_all(NULL, NULL); }
