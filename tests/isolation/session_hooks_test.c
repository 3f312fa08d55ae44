/* session alone, with hooks played: how often it wakes hooks. */
#include "common/loop.h"
#include "proto/messages.h"
#include "services/session/hooks_link.h"
#include "tests/support/assertions.h"
#include "tests/support/played.h"
#include "tests/support/service_process.h"
#include "tests/support/test_caller.h"
#include "tests/support/test_list.h"
#include "tests/support/test_listen.h"

#define ROUTES 400

struct scene {
    struct played *hooks;
    struct service_process *session;
    struct test_caller *caller;
    bool wanted; /* what hooks answers */
    unsigned wakes;
};

static void answer_all(struct scene *scene) {
    const char *name;
    played_poll(scene->hooks);
    while ((name = played_waiting(scene->hooks)) != NULL) {
        struct hooks_wake body;
        assert_string_equal(name, message_HOOKS_WAKE.name);
        struct asked *asked = played_take(scene->hooks, &message_HOOKS_WAKE, &body);
        played_answer(&asked, &(struct hooks_wake_reply){.wanted = scene->wanted});
        scene->wakes++;
    }
}

static void route(struct scene *scene) {
    const struct session_route body = {.items = {0}};
    assert_err(test_caller_ask(scene->caller, &message_SESSION_ROUTE, &body, NULL), ERR_OK);
    answer_all(scene);
}

static int set_up(void **state) {
    static struct scene scene;
    const uint16_t port = test_free_port(), hooks = test_free_port();
    scene = (struct scene){.hooks = played_new("hooks", hooks)};
    scene.session = service_process_start(
        "parley-session", NULL,
        (const char *[]){test_text("--session-port=%u", (unsigned)port), "--heartbeat-ms=20",
                         test_text("--hooks-peers=tcp://127.0.0.1:%u", (unsigned)hooks), NULL});
    scene.caller = test_caller_new("caller", port);
    *state = &scene;
    return 0;
}

static int tear_down(void **state) {
    struct scene *scene = *state;
    test_caller_destroy(&scene->caller);
    service_process_kill(&scene->session);
    played_destroy(&scene->hooks);
    return 0;
}

/* While many entries are routed, once hooks is known: one in `each_ms`. */
static void expect_rate(struct scene *scene, bool wanted, int64_t each_ms) {
    const int64_t end_ms = loop_now_ms() + TEST_DEADLINE_MS;
    scene->wanted = wanted;
    for (unsigned before = scene->wakes; scene->wakes == before && loop_now_ms() < end_ms;)
        route(scene);
    assert_true(scene->wakes > 0);
    const unsigned before = scene->wakes;
    const int64_t began_ms = loop_now_ms();
    for (int i = 0; i < ROUTES; i++)
        route(scene);
    assert_in_range(scene->wakes - before, 0, (loop_now_ms() - began_ms) / each_ms + 1);
}

TEST_WITH(it_wakes_hooks_every_ten_milliseconds_at_most, struct scene *scene, set_up, tear_down) {
    expect_rate(scene, true, HOOKS_LINK_WAKE_MS);
    const unsigned before = scene->wakes;
    const int64_t end_ms = loop_now_ms() + TEST_DEADLINE_MS;
    while (scene->wakes == before && loop_now_ms() < end_ms)
        route(scene);
    assert_true(scene->wakes > before);
}

TEST_WITH(it_asks_once_a_second_while_there_is_no_hook, struct scene *scene, set_up, tear_down) {
    expect_rate(scene, false, HOOKS_LINK_REST_MS);
}

int main(void) { return test_run_all(NULL, NULL); }
