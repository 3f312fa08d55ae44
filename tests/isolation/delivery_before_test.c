/*
 * parley-delivery alone: texts that the operator's program is asked about before they are stored.
 */
#include <stdlib.h>

#include "services/delivery/before_answer.h"
#include "services/webhook/signature.h"
#include "tests/support/delivery_change.h"
#include "tests/support/receiver.h"

#define SECRET "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define OK "HTTP/1.1 200 X\r\n\r\n"
#define REFUSED OK "{\"refuse\":true,\"reason\":\"not that\"}"

struct fixture {
    struct delivery_fixture *base;
    struct receiver *receiver;
    uint64_t ada, bob;
    unsigned people;
};

/* Replaces the instance by one with these options; each may be NULL. */
static void start(struct fixture *f, const char *a, const char *b) {
    test_caller_destroy(&f->base->caller);
    if (f->base->delivery != NULL)
        assert_int_equal(service_process_stop(&f->base->delivery), 0);
    f->base->port = test_free_port();
    f->base->delivery = start_delivery(
        f->base, f->base->port,
        test_text("--hook-before=http://127.0.0.1:%u/", (unsigned)receiver_port(f->receiver)), a,
        b);
    f->base->caller = test_caller_new("gateway", f->base->port);
}

static int set_up(void **state) {
    static struct fixture f;
    setenv("PARLEY_HOOK_BEFORE_SECRET", SECRET, 1);
    setenv("PARLEY_HOOK_BEFORE_TIMEOUT_MS", "30000", 1); /* a test that is about it gives its own */
    assert_int_equal(delivery_set_up(state), 0);
    f.base = *state;
    f.receiver = receiver_new();
    start(&f, NULL, NULL);
    *state = &f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    void *base = f->base;
    int status = delivery_tear_down(&base);
    receiver_destroy(&f->receiver);
    return status;
}

static int begin(void **state) {
    struct fixture *f = *state;
    receiver_reset(f->receiver);
    receiver_answer(f->receiver, "\"marker\"", OK); /* of expect_no_text_routed */
    f->ada = new_account(f->base->database, test_text("ada-%u", f->people++));
    f->bob = new_account(f->base->database, "");
    return 0;
}

#define BEFORE_TEST(name_) TEST_WITH(name_, struct fixture *f, begin, NULL)

static struct test_caller *new_caller(struct fixture *f, const char *name) {
    return test_caller_new(name, f->base->port);
}

static enum err send_text(struct fixture *f, const char *text, struct delivery_send_reply *reply) {
    struct letter letter;
    letter_one(f->base, &letter, f->ada, f->bob, 0, text);
    return ask_send(f->base->caller, &letter, reply);
}

static uint64_t stored_texts(struct fixture *f, const char *text) {
    return sql_number(f->base->database,
                      "SELECT COUNT(*) FROM message WHERE sender = %" PRIu64
                      " AND type = 0 AND body = '%s'",
                      f->ada, text);
}

static void expect_routed(struct fixture *f, const char *text) {
    struct entry entry = expect_text_routed(f->base, (uint64_t[]){f->ada, f->bob}, 2);
    assert_slice_text(entry.text, text);
}

/* --- answers --- */

BEFORE_TEST(what_is_allowed_is_stored_as_it_is) {
    static const char *const answers[] = {"HTTP/1.1 204 X", OK, OK "{}", OK "{\"refuse\":false}",
                                          OK "{\"text\":\"the text\",\"more\":[1]}"};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        receiver_answer(f->receiver, "", answers[i]);
        assert_err(send_text(f, "the text", NULL), ERR_OK);
        expect_routed(f, "the text");
        assert_int_equal(stored_texts(f, "the text"), i + 1);
    }
    assert_int_equal(sql_number(f->base->database,
                                "SELECT COUNT(*) FROM message WHERE sender = %" PRIu64
                                " AND edited_ms IS NOT NULL",
                                f->ada),
                     0);
}

/* The bytes that came, under the secret; as a receiver has to check them. */
BEFORE_TEST(questions_are_signed) {
    char seconds[32] = "", id[64] = "", made[SIGNATURE_ROOM];
    assert_err(send_text(f, "signed", NULL), ERR_OK);
    expect_routed(f, "signed");
    const char *request = receiver_last(f->receiver, "\"text\":\"signed\"");
    assert_int_equal(
        sscanf(strstr(request, "webhook-timestamp: "), "webhook-timestamp: %31[0-9]", seconds), 1);
    assert_int_equal(sscanf(strstr(request, "webhook-id: "), "webhook-id: %63[a-z0-9-]", id), 1);
    assert_in_range(strtoull(seconds, NULL, 10), loop_wall_ms() / 1000 - TEST_DEADLINE_MS / 1000,
                    loop_wall_ms() / 1000);
    signature_make(slice_text(SECRET), id, strtoll(seconds, NULL, 10),
                   slice_text(strstr(request, "\r\n\r\n") + 4), made);
    assert_non_null(strstr(request, test_text("webhook-signature: %s\r\n", made)));
}

BEFORE_TEST(what_is_changed_is_stored_as_answered) {
    receiver_answer(f->receiver, "", OK "{\"text\":\"another\"}");
    assert_err(send_text(f, "the text", NULL), ERR_OK);
    expect_routed(f, "another");
    assert_int_equal(stored_texts(f, "another"), 1);
    assert_int_equal(stored_texts(f, "the text"), 0);
}

BEFORE_TEST(what_is_refused_is_not_stored) {
    receiver_answer(f->receiver, "", REFUSED);
    assert_err(send_text(f, "the text", NULL), ERR_REFUSED);
    assert_string_equal(test_caller_text(f->base->caller), "not that");
    receiver_answer(f->receiver, "", OK "{\"refuse\":true}");
    assert_err(send_text(f, "the text", NULL), ERR_REFUSED);
    assert_string_equal(test_caller_text(f->base->caller), err_text(ERR_REFUSED));
    assert_int_equal(stored_texts(f, "the text"), 0);
    expect_no_text_routed(f->base);
}

/* A program may remember its answers by the id of the question. */
BEFORE_TEST(other_words_under_a_nonce_are_another_question) {
    struct letter letter;
    char id[64] = "";
    receiver_answer(f->receiver, "", REFUSED);
    letter_one(f->base, &letter, f->ada, f->bob, 0, "these words");
    for (unsigned i = 0; i < 3; i++) {
        letter.texts[0] = slice_text(i < 2 ? "these words" : "those words");
        assert_err(ask_send(f->base->caller, &letter, NULL), ERR_REFUSED);
    }
    const char *request = receiver_last(f->receiver, "these words");
    assert_int_equal(sscanf(strstr(request, "webhook-id: "), "webhook-id: %63[a-z0-9-]", id), 1);
    assert_int_equal(receiver_with(f->receiver, id), 2);
}

BEFORE_TEST(edits_are_asked_about) {
    struct delivery_send_reply reply;
    struct done done;
    assert_err(send_text(f, "first", &reply), ERR_OK);
    expect_routed(f, "first");
    struct delivery_edit ask = {.account = f->ada,
                                .user = f->bob,
                                .cid = reply.cids.items[0],
                                .text = slice_text("second"),
                                .nonce = slice_make("0123456789abcdef", NONCE_BYTES)};
    receiver_answer(f->receiver, "", REFUSED);
    assert_err(try_edit(f->base, &ask, NULL), ERR_REFUSED);
    receiver_answer(f->receiver, "", OK "{\"text\":\"third\"}");
    assert_err(try_edit(f->base, &ask, &done), ERR_OK);
    assert_false(done.repeat);
    assert_int_equal(stored_texts(f, "third"), 1);
    skip_routed(f->base, 1);
    receiver_await(f->receiver, "\"type\":\"before.edit\"", 2);
    /* Again under the same nonce: nobody is asked, nothing is changed. */
    receiver_answer(f->receiver, "", REFUSED);
    assert_err(try_edit(f->base, &ask, &done), ERR_OK);
    assert_true(done.repeat);
    assert_int_equal(receiver_with(f->receiver, "\"type\":\"before.edit\""), 2);
    assert_int_equal(stored_texts(f, "third"), 1);
    expect_no_text_routed(f->base);
}

/* --- once --- */

BEFORE_TEST(what_is_stored_is_not_asked_about_again) {
    struct delivery_send_reply first, again;
    struct letter letter;
    for (unsigned changed = 0; changed < 2; changed++) {
        receiver_answer(f->receiver, "", changed == 1 ? OK "{\"text\":\"another\"}" : OK);
        letter_one(f->base, &letter, f->ada, f->bob, 0, "once");
        assert_err(ask_send(f->base->caller, &letter, &first), ERR_OK);
        uint64_t cid = first.cids.items[0];
        expect_routed(f, changed == 1 ? "another" : "once");
        receiver_answer(f->receiver, "", REFUSED);
        assert_err(ask_send(f->base->caller, &letter, &again), ERR_OK);
        assert_int_equal(again.cids.items[0], cid);
        assert_int_equal(again.repeats, 1);
        /* Another text under the nonce, which only an unchanged one can be told from. */
        letter.texts[0] = slice_text("not the same");
        assert_err(ask_send(f->base->caller, &letter, &again), ERR_OK);
        assert_int_equal(again.cids.items[0], changed == 1 ? cid : 0);
        assert_int_equal(receiver_with(f->receiver, "webhook-id"), changed + 1);
    }
    expect_no_text_routed(f->base);
}

/* Where some of a request are stored, the gateway asks for each alone. */
BEFORE_TEST(a_request_of_which_some_is_stored) {
    struct letter letter, both;
    letter_one(f->base, &letter, f->ada, f->bob, 0, "stored");
    assert_err(ask_send(f->base->caller, &letter, NULL), ERR_OK);
    expect_routed(f, "stored");
    letter_begin(&both, f->ada, f->bob, 0);
    letter_add(f->base, &both, "stored");
    letter_add(f->base, &both, "new");
    memcpy(both.nonce_bytes[0], letter.nonce_bytes[0], NONCE_BYTES);
    assert_err(ask_send(f->base->caller, &both, NULL), ERR_REF_USED);
    assert_int_equal(receiver_with(f->receiver, "webhook-id"), 1);
    assert_int_equal(stored_texts(f, "new"), 0);
    expect_no_text_routed(f->base);
}

/* The same text twice at once: asked about under one id, stored once. */
BEFORE_TEST(a_repeat_while_the_first_one_waits) {
    struct test_caller *other = new_caller(f, "another gateway");
    struct delivery_send_reply first, second;
    struct letter letter;
    receiver_answer(f->receiver, "", NULL);
    letter_one(f->base, &letter, f->ada, f->bob, 0, "twice");
    test_caller_start(f->base->caller, &message_DELIVERY_SEND, &letter.body);
    receiver_await(f->receiver, "twice", 1);
    test_caller_start(other, &message_DELIVERY_SEND, &letter.body);
    receiver_await(f->receiver, "twice", 2);
    char id[64] = "";
    const char *request = receiver_last(f->receiver, "twice");
    assert_int_equal(sscanf(strstr(request, "webhook-id: "), "webhook-id: %63[a-z0-9-]", id), 1);
    assert_int_equal(receiver_with(f->receiver, id), 2);
    receiver_answer(f->receiver, "", OK "{\"text\":\"once\"}");
    assert_err(test_caller_finish(f->base->caller, &message_DELIVERY_SEND, &first), ERR_OK);
    assert_err(test_caller_finish(other, &message_DELIVERY_SEND, &second), ERR_OK);
    assert_int_equal(first.cids.items[0], second.cids.items[0]);
    assert_int_equal(stored_texts(f, "once"), 1);
    expect_routed(f, "once");
    expect_no_text_routed(f->base);
    test_caller_destroy(&other);
}

/* --- order --- */

/* Three requests of one sender whose answers come in the opposite order; others do not wait. */
BEFORE_TEST(order_is_that_of_the_requests) {
    static const char *const words[] = {"word-a", "word-b", "word-c"};
    struct test_caller *callers[3];
    static struct letter letters[3];
    for (size_t i = 0; i < 3; i++) {
        callers[i] = new_caller(f, test_text("gateway-%zu", i));
        receiver_answer(f->receiver, words[i], NULL);
        letter_one(f->base, &letters[i], f->ada, f->bob, 0, words[i]);
        test_caller_start(callers[i], &message_DELIVERY_SEND, &letters[i].body);
        receiver_await(f->receiver, words[i], 1);
    }
    assert_int_equal(test_caller_metric(f->base->caller, "queue_depth{queue=\"hook_before\"}"), 3);
    for (size_t i = 2; i > 0; i--)
        receiver_answer(f->receiver, words[i], OK);
    /* Another sender in the conversation, and the same one in another, are through before it. */
    struct letter other;
    letter_one(f->base, &other, f->bob, f->ada, 0, "by another");
    assert_err(ask_send(f->base->caller, &other, NULL), ERR_OK);
    expect_routed(f, "by another");
    uint64_t eve = new_account(f->base->database, "");
    letter_one(f->base, &other, f->ada, eve, 0, "to another");
    assert_err(ask_send(f->base->caller, &other, NULL), ERR_OK);
    skip_routed(f->base, 1);
    assert_int_equal(test_caller_metric(f->base->caller, "queue_depth{queue=\"hook_before\"}"), 3);
    receiver_answer(f->receiver, words[0], OK);
    for (size_t i = 0; i < 3; i++) {
        expect_routed(f, words[i]);
        assert_err(test_caller_finish(callers[i], &message_DELIVERY_SEND, NULL), ERR_OK);
        test_caller_destroy(&callers[i]);
    }
}

/* What is refused holds back nothing behind it, and a refused one refuses its whole request. */
BEFORE_TEST(one_that_is_refused_lets_the_next_go) {
    struct test_caller *other = new_caller(f, "another gateway");
    static struct letter letters[2];
    receiver_answer(f->receiver, "bad", NULL);
    letter_begin(&letters[0], f->ada, f->bob, 0);
    letter_add(f->base, &letters[0], "good");
    letter_add(f->base, &letters[0], "bad");
    letter_one(f->base, &letters[1], f->ada, f->bob, 0, "behind it");
    test_caller_start(f->base->caller, &message_DELIVERY_SEND, &letters[0].body);
    receiver_await(f->receiver, "bad", 1);
    test_caller_start(other, &message_DELIVERY_SEND, &letters[1].body);
    receiver_await(f->receiver, "behind it", 1);
    receiver_answer(f->receiver, "bad", REFUSED);
    assert_err(test_caller_finish(f->base->caller, &message_DELIVERY_SEND, NULL), ERR_REFUSED);
    assert_err(test_caller_finish(other, &message_DELIVERY_SEND, NULL), ERR_OK);
    expect_routed(f, "behind it");
    assert_int_equal(stored_texts(f, "good"), 0);
    test_caller_destroy(&other);
}

/* --- limits and faults --- */

static char *answer_of(const char *start, size_t fill, const char *end) {
    char *text = malloc(strlen(start) + fill + strlen(end) + 1);
    assert_non_null(text);
    strcpy(text, start);
    memset(text + strlen(start), 'x', fill);
    strcpy(text + strlen(start) + fill, end);
    return text;
}

/* Each answer that is none does what the option says; at its limit a text, or an answer, is good.
 */
BEFORE_TEST(answers_that_cannot_be_used) {
    const size_t around = strlen("{\"text\":\"\",\"more\":\"\"}");
    char *too_long = answer_of(OK "{\"text\":\"", TEXT_MAX_BYTES + 1, "\"}");
    char *longest = answer_of(OK "{\"text\":\"", TEXT_MAX_BYTES, "\"}");
    char *too_large =
        answer_of(OK "{\"text\":\"y\",\"more\":\"", BEFORE_ANSWER_BYTES - around, "\"}");
    char *largest =
        answer_of(OK "{\"text\":\"y\",\"more\":\"", BEFORE_ANSWER_BYTES - around - 1, "\"}");
    const char *const answers[] = {"HTTP/1.1 500 X",
                                   "HTTP/1.1 302 X\r\nLocation: http://127.0.0.1:1/",
                                   OK "no JSON",
                                   OK "[]",
                                   OK "{\"text\":\"\"}",
                                   OK "{\"text\":1}",
                                   too_long,
                                   too_large};
    const size_t count = sizeof answers / sizeof answers[0];
    for (unsigned refuses = 0; refuses < 2; refuses++) {
        start(f, refuses == 1 ? "--hook-before-default=refuse" : NULL, NULL);
        begin((void **)&f);
        for (size_t i = 0; i < count; i++) {
            receiver_answer(f->receiver, "", answers[i]);
            assert_err(send_text(f, "as it is", NULL), refuses == 1 ? ERR_NOT_CHECKED : ERR_OK);
            if (refuses == 0)
                expect_routed(f, "as it is");
        }
        assert_int_equal(stored_texts(f, "as it is"), refuses == 1 ? 0 : count);
        assert_int_equal(test_caller_metric(f->base->caller, "hook_before_defaulted_total"), count);
        receiver_answer(f->receiver, "", longest);
        assert_err(send_text(f, "as it is", NULL), ERR_OK);
        skip_routed(f->base, 1);
        receiver_answer(f->receiver, "", largest);
        assert_err(send_text(f, "as it is", NULL), ERR_OK);
        expect_routed(f, "y");
        assert_int_equal(test_caller_metric(f->base->caller, "hook_before_changed_total"), 2);
        assert_int_equal(test_caller_metric(f->base->caller, "hook_before_asked_total"), count + 2);
    }
    receiver_reset(f->receiver);
    free(too_long);
    free(longest);
    free(too_large);
    free(largest);
    start(f, NULL, NULL);
}

BEFORE_TEST(no_answer_in_time) {
    for (unsigned refuses = 0; refuses < 2; refuses++) {
        start(f, "--hook-before-timeout-ms=50",
              refuses == 1 ? "--hook-before-default=refuse" : NULL);
        receiver_answer(f->receiver, "", NULL);
        assert_err(send_text(f, "late", NULL), refuses == 1 ? ERR_NOT_CHECKED : ERR_OK);
        assert_int_equal(stored_texts(f, "late"), 1);
    }
    expect_routed(f, "late");
    receiver_reset(f->receiver);
    start(f, NULL, NULL);
}

/* Those that are held, and one more; what waits for a connection is asked about when there is one.
 */
BEFORE_TEST(at_most_so_many_wait) {
    enum { QUEUE = 3 };
    struct test_caller *callers[QUEUE];
    static struct letter letters[QUEUE];
    start(f, "--hook-before-queue=3", "--hook-before-connections=1");
    receiver_answer(f->receiver, "", NULL);
    for (size_t i = 0; i < QUEUE; i++) {
        callers[i] = new_caller(f, test_text("gateway-%zu", i));
        letter_one(f->base, &letters[i], f->ada, f->bob, 0, "it waits");
        test_caller_start(callers[i], &message_DELIVERY_SEND, &letters[i].body);
        TEST_UNTIL(test_caller_metric(f->base->caller, "queue_depth{queue=\"hook_before\"}") ==
                       i + 1,
                   "it is not held");
    }
    assert_err(send_text(f, "one more", NULL), ERR_OVERLOADED);
    receiver_await(f->receiver, "it waits", 1);
    assert_int_equal(receiver_with(f->receiver, "it waits"), 1);
    receiver_answer(f->receiver, "", OK);
    for (size_t i = 0; i < QUEUE; i++) {
        assert_err(test_caller_finish(callers[i], &message_DELIVERY_SEND, NULL), ERR_OK);
        test_caller_destroy(&callers[i]);
    }
    skip_routed(f->base, QUEUE);
    /* A request that is beyond it by itself. */
    struct letter large;
    letter_begin(&large, f->ada, f->bob, 0);
    for (size_t i = 0; i < DELIVERY_SEND_MAX; i++)
        letter_add(f->base, &large, "of many");
    assert_err(ask_send(f->base->caller, &large, NULL), ERR_OK);
    skip_routed(f->base, DELIVERY_SEND_MAX);
    start(f, NULL, NULL);
}

/* What is held when delivery is killed is not stored, and is asked about again, under the same id.
 */
BEFORE_TEST(delivery_is_killed_meanwhile) {
    struct letter letter;
    char id[64] = "";
    receiver_answer(f->receiver, "", NULL);
    letter_one(f->base, &letter, f->ada, f->bob, 0, "held");
    test_caller_start(f->base->caller, &message_DELIVERY_SEND, &letter.body);
    receiver_await(f->receiver, "held", 1);
    service_process_kill(&f->base->delivery);
    assert_int_equal(stored_texts(f, "held"), 0);
    start(f, NULL, NULL);
    receiver_answer(f->receiver, "", OK);
    assert_err(ask_send(f->base->caller, &letter, NULL), ERR_OK);
    const char *request = receiver_last(f->receiver, "held");
    assert_int_equal(sscanf(strstr(request, "webhook-id: "), "webhook-id: %63[a-z0-9-]", id), 1);
    assert_int_equal(receiver_with(f->receiver, id), 2);
    assert_int_equal(stored_texts(f, "held"), 1);
    expect_routed(f, "held");
}

int main(void) { return test_run_all(set_up, tear_down); }
