/*
 * The gateway alone, given replies of files at the ends of what their descriptions allow, and
 * beyond (extreme.h), by requests over HTTP and by those of a client: each gets an answer or its
 * connection ends, and the gateway goes on. (Built with SANITIZE=undefined, it ends at the first
 * overflow.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "common/program.h"
#include "tests/support/extreme.h"
#include "tests/support/gateway_scene.h"
#include "tests/support/shelf.h"
#include "tests/support/test_list.h"

/* Replies of a case that are extreme: a gateway that asks again is answered plainly then. */
#define EXTREME_REPLIES 3

static const char key[] = "0123456789abcdef0123456789abcdef";

#define UPLOAD(method_, more_)                                                                     \
    method_ " " SHELF_UPLOAD " HTTP/1.1\r\nHost: a\r\nTus-Resumable: 1.0.0\r\n" more_ "\r\n"
#define PUT UPLOAD("PUT", "Content-Length: 1\r\n") "a"
#define PATCH                                                                                      \
    UPLOAD("PATCH", "Content-Type: application/offset+octet-stream\r\nUpload-Offset: 0\r\n"        \
                    "Content-Length: 1\r\n")                                                       \
    "a"

/* By HTTP; NULL: a download, of the preview where `preview`. */
static const struct row {
    const struct message_desc *message;
    const char *request;
    bool preview;
} rows[] = {
    {&message_FILES_STATE, UPLOAD("HEAD", ""), false},
    {&message_FILES_STATE, PUT, false},
    {&message_FILES_STATE, PATCH, false},
    {&message_FILES_APPEND, PUT, false},
    {&message_FILES_APPEND, PATCH, false},
    {&message_FILES_FINISH, PUT, false},
    {&message_FILES_FINISH, PATCH, false},
    {&message_FILES_ABANDON, UPLOAD("DELETE", ""), false},
    {&message_FILES_FIND, NULL, false},
    {&message_FILES_FIND, NULL, true},
    {&message_FILES_READ, NULL, false},
    {&message_FILES_READ, NULL, true},
};

/* By a client's requests. */
static const struct asked_row {
    const struct message_desc *message;
    const char *request;
} asked_rows[] = {
    {&message_FILES_OPEN, "{'msgType':323,'ref':'r','msgBody':{'name':'a','size':1}}"},
    {&message_FILES_SET_STICKER,
     "{'msgType':341,'ref':'r','msgBody':{'file':'0123456789abcdef','on':true}}"},
    {&message_FILES_STICKERS, "{'msgType':343,'ref':'r','msgBody':{}}"},
};

struct scene {
    struct stage *stage;
    const struct message_desc *extreme;
    const void *reply;
    unsigned left, asked;
};

static void answer_plainly(struct asked **asked, const struct message_desc *message) {
    struct record_arena arena = {0};
    const struct files_key_reply signs = {.key = slice_text(key)};
    const struct upload_state begun = {.size = 1};
    if (message == &message_FILES_KEY)
        played_answer(asked, &signs);
    else if (message == &message_FILES_STATE)
        played_answer(asked, &begun);
    else
        played_answer(asked, extreme_shaped(message->reply, EXTREME_ONE, &arena));
    record_arena_free(&arena);
}

static void turn(struct scene *scene) {
    struct played *files = scene->stage->played[FILES];
    const char *name;
    stage_turn(scene->stage);
    const char *output = service_process_output(scene->stage->gateway);
    if (strstr(output, "runtime error") != NULL ||
        !service_process_is_running(scene->stage->gateway))
        fail_msg("after a reply to %s: %s", scene->extreme->name, output);
    while (files != NULL && (name = played_waiting(files)) != NULL) {
        const struct message_desc *message = played_message(name);
        void *body = calloc(1, message->body->size);
        struct asked *asked = played_take(files, message, body);
        bool is_extreme = message == scene->extreme && scene->left > 0;
        if (is_extreme) {
            scene->left--;
            scene->asked++;
            played_answer(&asked, scene->reply);
        } else {
            answer_plainly(&asked, message);
        }
        free(body);
    }
}

#define SCENE_UNTIL(scene_, condition_) STAGE_UNTIL((scene_)->stage, (turn(scene_), condition_))

static void each_shape(struct scene *scene, void (*run)(struct scene *scene, const void *argument),
                       const void *argument) {
    struct record_arena arena = {0};
    for (size_t shape = 0; shape < EXTREME_SHAPES; shape++) {
        scene->reply = extreme_shaped(scene->extreme->reply, shape, &arena);
        scene->left = EXTREME_REPLIES;
        scene->asked = 0;
        run(scene, argument);
        if (scene->asked == 0)
            fail_msg("%s is not asked for", scene->extreme->name);
    }
    record_arena_free(&arena);
}

/* --- over HTTP ------------------------------------------------------------------------------ */

static bool is_answered(struct web *web) {
    web_read(web);
    return web->ended ||
           (web->in.length > 0 && memmem(web->in.data, web->in.length, "\r\n\r\n", 4) != NULL);
}

static void run_row(struct scene *scene, const void *argument) {
    const struct row *row = argument;
    struct web *web = web_open(scene->stage);
    const char *request = row->request != NULL
                              ? row->request
                              : test_text("GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                                          shelf_address(row->preview, (uint64_t)loop_wall_ms()));
    assert_int_equal(web_write_some(web, request, strlen(request)), strlen(request));
    SCENE_UNTIL(scene, is_answered(web));
    SCENE_UNTIL(scene, scene->asked > 0);
    web_close(&web);
}

static bool has_key(struct scene *scene) {
    return strstr(service_process_output(scene->stage->gateway), " event=file_key ") != NULL;
}

static int set_up(void **state) {
    static const char *const options[] = {"--send-timeout-ms=10000", "--requests-per-minute=0",
                                          "--uploads-per-minute=0", NULL};
    return stage_set_up_with(state, options);
}

STAGED_WITH(requests_over_http_stand_them, set_up) {
    struct scene scene = {.stage = stage, .extreme = &message_FILES_KEY};
    stage_play(stage, FILES);
    SCENE_UNTIL(&scene, has_key(&scene));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        scene.extreme = rows[i].message;
        each_shape(&scene, run_row, &rows[i]);
    }
    struct web *web = web_open(stage);
    const char request[] = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_int_equal(web_write_some(web, request, strlen(request)), strlen(request));
    SCENE_UNTIL(&scene, is_answered(web));
    assert_false(web->ended);
    web_close(&web);
}

/* --- a client -------------------------------------------------------------------------------- */

static void run_asked(struct scene *scene, const void *argument) {
    const struct asked_row *row = argument;
    struct talker *talker = stage_live_as(scene->stage, WITH_EXT, 1, "a");
    talker_say(talker, "%s", row->request);
    bool answered = false;
    SCENE_UNTIL(scene, scene->asked > 0);
    while (!answered && !talker->ended) {
        turn(scene);
        while (talker->text_count > 0) {
            char *text = talker_take(talker);
            answered = answered || strstr(text, "\"ref\":\"r\"") != NULL;
            free(text);
        }
    }
    stage_hang_up(scene->stage, &talker);
}

STAGED_WITH(requests_of_clients_stand_them, set_up) {
    struct scene scene = {.stage = stage, .extreme = &message_FILES_KEY};
    stage_play(stage, FILES);
    SCENE_UNTIL(&scene, has_key(&scene));
    for (size_t i = 0; i < sizeof asked_rows / sizeof asked_rows[0]; i++) {
        scene.extreme = asked_rows[i].message;
        each_shape(&scene, run_asked, &asked_rows[i]);
    }
}

/* --- a key ----------------------------------------------------------------------------------- */

static void find_again(struct scene *scene, const void *argument) {
    (void)argument;
    played_destroy(&scene->stage->played[FILES]);
    stage_play(scene->stage, FILES);
    SCENE_UNTIL(scene, scene->asked > 0);
}

/* Only one of the right length is taken, and then none is asked for. */
STAGED_WITH(a_key_may_be_anything, set_up) {
    struct scene scene = {.stage = stage, .extreme = &message_FILES_KEY};
    struct record_arena arena = {0};
    scene.reply = extreme_shaped(message_FILES_KEY.reply, EXTREME_ONE, &arena);
    scene.left = EXTREME_REPLIES;
    find_again(&scene, NULL);
    assert_false(has_key(&scene));
    SCENE_UNTIL(&scene, has_key(&scene));
    record_arena_free(&arena);
}

static bool is_provoked(const struct message_desc *message) {
    bool found = message == &message_FILES_KEY;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        found = found || rows[i].message == message;
    for (size_t i = 0; i < sizeof asked_rows / sizeof asked_rows[0]; i++)
        found = found || asked_rows[i].message == message;
    return found;
}

TEST(every_message_of_the_gateway_to_files_is_among_them) {
    for (size_t i = 0; i < proto_messages_count; i++) {
        const struct message_desc *message = proto_messages[i];
        if (message->reply != NULL && (message->senders & PROGRAM_BIT_GATEWAY) != 0 &&
            strncmp(message->name, "files.", 6) == 0 && !is_provoked(message))
            fail_msg("nothing here makes the gateway send %s: add a row", message->name);
    }
}

int main(void) { return test_run_all(NULL, NULL); }
