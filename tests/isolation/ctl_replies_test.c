/*
 * parleyctl, given replies at the ends of what their descriptions allow, and beyond: for each
 * command that asks services and each shape of a reply (extreme.h). It ends by itself, in order:
 * with 0, or with 1 and a sentence. (Built with SANITIZE=undefined, it ends at the first overflow.)
 */
#include <string.h>
#include <zmq.h>

#include "common/loop.h"
#include "tests/support/extreme.h"
#include "tests/support/played.h"
#include "tests/support/service_process.h"
#include "tests/support/test_list.h"

enum { AUTH, GROUP, SESSION, DELIVERY, FILES, HOOKS, GATEWAY, PLAYED };

static const char *const names[PLAYED] = {"auth",  "group", "session", "delivery",
                                          "files", "hooks", "gateway"};

/* Ids are looked up, too: their replies are extreme in rows of their own. */
static const struct row {
    const struct message_desc *message;
    const char *const arguments[6];
} rows[] = {
    {&message_AUTH_RESOLVE, {"user", "disable", "ada"}},
    {&message_GROUP_RESOLVE, {"group", "add", "club", "5"}},
    {&message_AUTH_ADD, {"user", "add", "ada"}},
    {&message_AUTH_SET_DISABLED, {"user", "enable", "5"}},
    {&message_AUTH_REMOVE, {"user", "delete", "5"}},
    {&message_GROUP_FORGET, {"user", "delete", "5"}},
    {&message_AUTH_AUDIT, {"group", "retention", "7", "5"}},
    {&message_AUTH_MAKE_REGISTRATION_TOKEN, {"registration-token", "new"}},
    {&message_AUTH_REVOKE_REGISTRATION_TOKEN, {"registration-token", "revoke", "5"}},
    {&message_AUTH_MAKE_API_KEY, {"key", "add", "mine", "--scopes=groups"}},
    {&message_AUTH_REMOVE_API_KEY, {"key", "remove", "mine"}},
    {&message_GROUP_CREATE, {"group", "create", "club", "5"}},
    {&message_GROUP_ADD, {"group", "add", "7", "5"}},
    {&message_GROUP_REMOVE, {"group", "remove", "7", "5"}},
    {&message_GROUP_MUTE, {"group", "mute", "7", "5"}},
    {&message_GROUP_BAN, {"group", "ban", "7", "5"}},
    {&message_GROUP_SET_RETENTION, {"group", "retention", "7", "5"}},
    {&message_GROUP_SAY, {"say", "--all", "hello"}},
    {&message_SESSION_LIST, {"sessions"}},
    {&message_SESSION_LIST, {"sessions", "--json"}},
    {&message_SESSION_KICK, {"kick", "5"}},
    {&message_FILES_CHECK, {"files", "check"}},
    {&message_FILES_CHECK, {"files", "repair"}},
    {&message_HOOKS_ADD, {"hook", "add", "mine", "https://example.org/"}},
    {&message_HOOKS_REMOVE, {"hook", "remove", "mine"}},
    {&message_SERVICE_STATUS, {"status"}},
};

struct replies_fixture {
    struct played *played[PLAYED];
    char *environment[PLAYED + 1];
};

static int set_up(void **state) {
    static struct replies_fixture fixture;
    *state = &fixture;
    for (size_t i = 0; i < PLAYED; i++) {
        char upper[16] = "";
        uint16_t port = test_free_port();
        fixture.played[i] = played_new(names[i], port);
        for (size_t at = 0; names[i][at] != '\0'; at++)
            upper[at] = (char)(names[i][at] - 'a' + 'A');
        fixture.environment[i] =
            strdup(test_text("PARLEY_%s_PEERS=tcp://127.0.0.1:%u", upper, (unsigned)port));
    }
    return 0;
}

static int tear_down(void **state) {
    struct replies_fixture *f = *state;
    for (size_t i = 0; i < PLAYED; i++) {
        played_destroy(&f->played[i]);
        free(f->environment[i]);
    }
    return 0;
}

static const struct message_desc *find(const char *name) {
    for (size_t i = 0; i < proto_messages_count; i++)
        if (strcmp(proto_messages[i]->name, name) == 0)
            return proto_messages[i];
    if (strcmp(message_SERVICE_STATUS.name, name) == 0)
        return &message_SERVICE_STATUS;
    fail_msg("%s is not known", name);
    return NULL;
}

/* Answers the oldest request, if there is one. `asked_r`: it was the one with the extreme reply. */
static bool answer_one(struct played *played, const struct message_desc *extreme,
                       enum extreme_shape shape, bool *asked_r) {
    const char *name = played_waiting(played);
    if (name == NULL)
        return false;
    const struct message_desc *message = find(name);
    struct record_arena arena = {0};
    void *body = record_arena_alloc(&arena, message->body->size);
    assert_non_null(body);
    struct asked *asked = played_take(played, message, body);
    assert_non_null(asked);
    if (message->reply != NULL)
        played_answer(&asked, extreme_shaped(message->reply,
                                             message == extreme ? shape : EXTREME_ONE, &arena));
    *asked_r = *asked_r || message == extreme;
    record_arena_free(&arena);
    return true;
}

static void serve(struct replies_fixture *f, struct service_process *ctl, const struct row *row,
                  enum extreme_shape shape) {
    const int64_t end_ms = loop_now_ms() + TEST_DEADLINE_MS;
    zmq_pollitem_t items[PLAYED];
    bool asked = false;
    for (size_t i = 0; i < PLAYED; i++)
        items[i] = (zmq_pollitem_t){.socket = played_socket(f->played[i]), .events = ZMQ_POLLIN};
    while (service_process_is_running(ctl)) {
        if (loop_now_ms() > end_ms)
            fail_msg("parleyctl %s does not end with %s that is %s: %s", row->arguments[0],
                     row->message->name, extreme_shape_names[shape], service_process_output(ctl));
        (void)zmq_poll(items, PLAYED, 10);
        for (size_t i = 0; i < PLAYED; i++) {
            played_poll(f->played[i]);
            while (answer_one(f->played[i], row->message, shape, &asked))
                ;
        }
    }
    if (!asked)
        fail_msg("parleyctl %s does not ask for %s: %s", row->arguments[0], row->message->name,
                 service_process_output(ctl));
}

static void try(struct replies_fixture *f, const struct row *row, enum extreme_shape shape) {
    struct service_process *ctl = service_process_start(
        "parleyctl", (const char *const *)f->environment, (const char *const *)row->arguments);
    serve(f, ctl, row, shape);
    const int status = service_process_wait_exit(ctl);
    const char *said = service_process_output(ctl);
    const size_t length = strlen(said);
    if ((status != 0 && status != 1) || (status == 1 && length == 0) ||
        strstr(said, "runtime error") != NULL)
        fail_msg("parleyctl %s ended with %d, given %s that is %s: %s", row->arguments[0], status,
                 row->message->name, extreme_shape_names[shape],
                 said + (length > 2000 ? length - 2000 : 0));
    service_process_kill(&ctl);
}

TEST_WITH(replies_may_hold_anything, struct replies_fixture *f, NULL, NULL) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t shape = 0; shape < EXTREME_SHAPES; shape++)
            try(f, &rows[i], (enum extreme_shape)shape);
}

int main(void) { return test_run_all(set_up, tear_down); }
