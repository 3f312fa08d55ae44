/*
 * The gateway alone: calls of the HTTP API beside others. However many a key makes, at most
 * KEY_CALLS_AT_ONCE of them are before anybody else's request at any service.
 */
#include <stdlib.h>
#include <string.h>

#include "common/scope.h"
#include "services/gateway/key_lines.h"
#include "tests/support/gateway_scene.h"
#include "tests/support/shelf.h"
#include "tests/support/test_list.h"

#define CALLS (2 * KEY_CALLS_AT_ONCE + 1)

static int set_up(void **state) {
    return stage_set_up_with(state, (const char *const[]){"--request-timeout-ms=60000",
                                                          "--send-timeout-ms=60000", NULL});
}

static int set_up_impatient(void **state) {
    return stage_set_up_with(state, (const char *const[]){"--send-timeout-ms=200", NULL});
}

/* Each key is good; its number is its last digit. */
static void answer_keys(struct stage *stage) {
    struct auth_find_api_key ask;
    struct asked *asked;
    while ((asked = played_take(stage->played[AUTH], &message_AUTH_FIND_API_KEY, &ask)) != NULL) {
        const struct auth_find_api_key_reply reply = {
            .number = (uint64_t)(ask.key.data[ask.key.length - 1] - '0'),
            .name = slice_text("shop"),
            .scopes = SCOPE_BIT_GROUPS,
            .per_minute = API_KEY_PER_MINUTE_MAX};
        played_answer(&asked, &reply);
    }
}

/* How many calls wait for group's answer. */
static size_t asked_group(struct stage *stage) {
    answer_keys(stage);
    return played_count(stage->played[GROUP], &message_GROUP_LIST_MEMBERS);
}

static struct web *call(struct shelf *shelf, const char *key, unsigned group) {
    struct web *web = web_open(shelf->stage);
    web_say(shelf, web,
            "GET /api/v1/groups/%u/members HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n\r\n",
            group, key);
    return web;
}

static void call_all(struct shelf *shelf, struct web *webs[CALLS]) {
    for (size_t i = 0; i < CALLS; i++)
        webs[i] = call(shelf, "parley_1", 500);
    STAGE_UNTIL(shelf->stage, asked_group(shelf->stage) >= KEY_CALLS_AT_ONCE);
}

static bool is_of_the_other(const void *body) {
    return ((const struct group_list_members *)body)->group == 501;
}

static void answer_one(struct stage *stage, bool (*wanted)(const void *body)) {
    struct group_list_members body;
    struct asked *asked =
        wanted == NULL
            ? played_take(stage->played[GROUP], &message_GROUP_LIST_MEMBERS, &body)
            : played_take_if(stage->played[GROUP], &message_GROUP_LIST_MEMBERS, &body, wanted);
    assert_non_null(asked);
    played_answer(&asked, &(struct group_members_reply){0});
}

STAGED_WITH(a_key_that_floods_lets_others_go_before_its_line, set_up) {
    struct talker *alice = stage_live(stage, 1001, "alice");
    struct shelf shelf = shelf_open(stage, 1);
    struct web *webs[CALLS];
    struct delivery_send send;
    call_all(&shelf, webs);
    for (int turn = 0; turn < 3; turn++) {
        struct web *other = call(&shelf, "parley_2", 501);
        STAGE_UNTIL(stage, asked_group(stage) > KEY_CALLS_AT_ONCE);
        stage_let_time_pass(stage);
        assert_int_equal(asked_group(stage), KEY_CALLS_AT_ONCE + 1);
        answer_one(stage, is_of_the_other);
        web_assert_head(&shelf, other, "200 ");
        web_close(&other);
        stage_say(alice, "alice", "2002", "hello", NULL);
        struct asked *text = stage_expect_send(stage, DELIVERY, &send);
        stage_answer_send(&text, 100 + (uint64_t)turn);
        answer_one(stage, NULL); /* the next one of the line goes, and no other */
        STAGE_UNTIL(stage, asked_group(stage) == KEY_CALLS_AT_ONCE);
    }
    for (size_t i = 0; i < CALLS - 3; i++) {
        STAGE_UNTIL(stage, asked_group(stage) > 0);
        answer_one(stage, NULL);
    }
    for (size_t i = 0; i < CALLS; i++) {
        web_assert_head(&shelf, webs[i], "200 ");
        web_close(&webs[i]);
    }
    shelf_close(&shelf);
}

STAGED_WITH(who_waits_for_too_long_is_told_to_try_again, set_up_impatient) {
    struct shelf shelf = shelf_open(stage, 1);
    struct web *webs[CALLS];
    for (size_t i = 0; i < CALLS; i++)
        webs[i] = call(&shelf, "parley_1", 500);
    STAGE_UNTIL(stage, (web_read(webs[CALLS - 1]), asked_group(stage) > 0));
    for (size_t i = 0; i < CALLS; i++) {
        STAGE_UNTIL(stage, (answer_keys(stage), web_read(webs[i]), webs[i]->in.length > 0));
        web_assert_answer(&shelf, webs[i], "503 ", "\r\nRetry-After: ");
        web_close(&webs[i]);
    }
    shelf_close(&shelf);
}

int main(void) { return test_run_all(NULL, NULL); }
