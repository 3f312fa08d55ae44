/*
 * The services that ask services, each alone, given replies at the ends of what their descriptions
 * allow, and beyond: for each request and each shape of a reply (extreme.h), and in the replies to
 * their pings. The service goes on, which the same request shows when it is answered plainly,
 * writes lines that can be read, and ends as it should. (Built with SANITIZE=undefined, it ends at
 * the first overflow.)
 *
 * A request of one service to another that has no row here fails the test. What services send each
 * other as requests is in numbers_test.c, session's events to the gateway in
 * gateway_numbers_test.c.
 */
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <zmq.h>

#include "common/db.h"
#include "common/loop.h"
#include "common/program.h"
#include "common/unicode.h"
#include "proto/conversation.h"
#include "proto/hook_words.h"
#include "tests/support/assertions.h"
#include "tests/support/extreme.h"
#include "tests/support/played.h"
#include "tests/support/test_caller.h"
#include "tests/support/test_list.h"
#include "tests/support/test_sql.h"

/* Of the service's output, when a test fails. */
#define SHOWN_BYTES 3000
#define TURN_MS 10
/* After so many turns with pings since what they are answered changed, the service has acted on it:
 * those that gathered while the test stood still are read in one turn. */
#define HEEDED_PINGS 4
/* Two accounts and their conversation, for texts that hooks finds. */
#define SENDER ((uint64_t)1)
#define RECEIVER ((uint64_t)2)
#define PAIR ((uint64_t)7)

enum role { AUTH, GROUP, SESSION, HOOKS, ROLE_COUNT };
static const char *const role_names[ROLE_COUNT] = {"auth", "group", "session", "hooks"};

struct scene {
    struct test_database *database;
    const char *program; /* the service under test */
    struct service_process *service;
    struct test_caller *caller;
    struct played *played[ROLE_COUNT]; /* those that the service asks */
    uint16_t ports[ROLE_COUNT];
    const struct message_desc *message; /* that the row is about */
    const void *reply;                  /* to the next one; NULL: a plain one */
    bool is_error;                      /* `reply` is an error */
    size_t asked;                       /* how often */
    uint64_t last;                      /* the last number that was given out */
};

/* --- the services that are asked ------------------------------------------------------------- */

static void answer(struct scene *scene, struct asked **asked, const struct message_desc *message) {
    struct record_arena arena = {0};
    const void *extreme = message == scene->message ? scene->reply : NULL;
    if (message == scene->message) {
        scene->asked++;
        scene->reply = NULL;
    }
    if (message == &message_SESSION_ROUTE && scene->message == &message_SESSION_DIRTY &&
        scene->asked == 0) /* so that something was missed */
        played_refuse(asked, ERR_OVERLOADED);
    else if (extreme != NULL && scene->is_error)
        played_refuse_as(asked, extreme);
    else if (extreme != NULL)
        played_answer(asked, extreme);
    else
        played_answer(asked, extreme_shaped(message->reply, EXTREME_EMPTY, &arena));
    record_arena_free(&arena);
}

static void answer_all(struct scene *scene, struct played *played) {
    const char *name;
    while ((name = played_waiting(played)) != NULL) {
        const struct message_desc *message = played_message(name);
        void *body = calloc(1, message->body->size);
        assert_non_null(body);
        struct asked *asked = played_take(played, message, body);
        free(body);
        answer(scene, &asked, message);
    }
}

static void turn(struct scene *scene) {
    zmq_pollitem_t items[ROLE_COUNT];
    int count = 0;
    for (enum role role = 0; role < ROLE_COUNT; role++)
        if (scene->played[role] != NULL)
            items[count++] = (zmq_pollitem_t){.socket = played_socket(scene->played[role]),
                                              .events = ZMQ_POLLIN};
    (void)zmq_poll(items, count, TURN_MS);
    for (enum role role = 0; role < ROLE_COUNT; role++)
        if (scene->played[role] != NULL) {
            played_poll(scene->played[role]);
            answer_all(scene, scene->played[role]);
        }
}

/* --- the service ----------------------------------------------------------------------------- */

static const char *end_of(const char *output) {
    size_t length = strlen(output);
    return length > SHOWN_BYTES ? output + length - SHOWN_BYTES : output;
}

/* What it writes are lines of UTF-8 without control characters. */
static void check_output(const char *output) {
    struct slice rest = slice_text(output);
    uint32_t character = 0;
    size_t length;
    while ((length = unicode_read(rest, &character)) > 0 && (character >= ' ' || character == '\n'))
        rest = slice_make(rest.data + length, rest.length - length);
    if (rest.length > 0)
        fail_msg("this is no line of a log: %.*s", SHOWN_BYTES, rest.data);
}

static void expect_well(struct scene *scene) {
    const char *output = service_process_output(scene->service);
    const char *report = strstr(output, "runtime error");
    const char *message = scene->message == NULL ? "a ping" : scene->message->name;
    if (report != NULL)
        fail_msg("after a reply to %s: %.*s", message, SHOWN_BYTES, report);
    if (!service_process_is_running(scene->service))
        fail_msg("%s ended after a reply to %s: %s", scene->program, message, end_of(output));
}

#define SCENE_UNTIL(scene_, condition_)                                                            \
    do {                                                                                           \
        const int64_t end_ms_ = loop_now_ms() + TEST_DEADLINE_MS;                                  \
        while (!(condition_)) {                                                                    \
            expect_well(scene_);                                                                   \
            if (loop_now_ms() > end_ms_)                                                           \
                fail_msg("waited in vain for %s: %s", #condition_,                                 \
                         end_of(service_process_output((scene_)->service)));                       \
            turn(scene_);                                                                          \
        }                                                                                          \
    } while (0)

/* Whether the service's last word about it is that it is live. */
static bool is_live(struct scene *scene, enum role role) {
    char word[64];
    const char *last = NULL, *found = service_process_output(scene->service);
    snprintf(word, sizeof word, "address=tcp://127.0.0.1:%u state=", (unsigned)scene->ports[role]);
    while ((found = strstr(found, word)) != NULL)
        last = found += strlen(word);
    return last != NULL && strncmp(last, "live", strlen("live")) == 0;
}

static void start(struct scene *scene, const char *program, const enum role *roles, size_t count,
                  const char *const *options) {
    const char *arguments[TEST_MAX_ARGUMENTS] = {NULL};
    const unsigned port = test_free_port();
    size_t used = 0;
    scene->program = program;
    arguments[used++] = test_text("--%s-port=%u", program, port);
    arguments[used++] = "--heartbeat-ms=20";
    arguments[used++] = "--peer-timeout-ms=10000";
    for (size_t i = 0; i < count; i++) {
        enum role role = roles[i];
        scene->ports[role] = test_free_port();
        scene->played[role] = played_new(role_names[role], scene->ports[role]);
        arguments[used++] = test_text("--%s-peers=tcp://127.0.0.1:%u", role_names[role],
                                      (unsigned)scene->ports[role]);
    }
    for (; *options != NULL; options++)
        arguments[used++] = *options;
    scene->service = service_process_start(test_text("parley-%s", program), NULL, arguments);
    for (size_t i = 0; i < count; i++)
        SCENE_UNTIL(scene, is_live(scene, roles[i]));
    SCENE_UNTIL(scene, strstr(service_process_output(scene->service), " event=ready") != NULL);
    scene->caller = test_caller_new("caller", (uint16_t)port);
}

/* Its peers answer until it has ended. */
static void stop(struct scene *scene) {
    const int64_t end_ms = loop_now_ms() + TEST_DEADLINE_MS;
    check_output(service_process_output(scene->service));
    kill(service_process_pid(scene->service), SIGTERM);
    while (service_process_is_running(scene->service) && loop_now_ms() < end_ms)
        turn(scene);
    assert_int_equal(service_process_stop(&scene->service), 0);
}

/* --- what makes it ask ----------------------------------------------------------------------- */

static void say(struct scene *scene) {
    const struct group_say body = {.to_account = RECEIVER, .text = slice_text("hello")};
    assert_err(test_caller_ask(scene->caller, &message_GROUP_SAY, &body, NULL), ERR_OK);
}

static void forget(struct scene *scene) {
    const struct group_forget body = {.account = RECEIVER + ++scene->last};
    assert_err(test_caller_ask(scene->caller, &message_GROUP_FORGET, &body, NULL), ERR_OK);
}

static void send_text(struct scene *scene) {
    struct slice text = slice_text("hello");
    struct slice nonce = slice_text(test_text("%016" PRIu64, ++scene->last));
    const struct delivery_send body = {
        .account = SENDER, .to_account = RECEIVER, .texts = {&text, 1}, .nonces = {&nonce, 1}};
    assert_err(test_caller_ask(scene->caller, &message_DELIVERY_SEND, &body, NULL), ERR_OK);
}

/* As delivery stores it, for somebody who may have to be woken. */
static void store_text(struct scene *scene) {
    const uint64_t block = ++scene->last * 128;
    sql_run(scene->database,
            "INSERT INTO message (conversation, cid, time_ms, type, sender, body) VALUES"
            " (%" PRIu64 ", %" PRIu64 ", 5, 0, %" PRIu64 ", 'x');"
            "INSERT INTO journal (block, entries, time_ms, conversations) VALUES"
            " (%" PRIu64 ", 1, " DB_NOW_MS ", UNHEX(LPAD(HEX(%" PRIu64 "), 16, '0')))",
            PAIR, block, SENDER, block, PAIR);
}

static void bind_account(struct scene *scene) {
    uint64_t number = ++scene->last;
    const struct session_bind body = {.accounts = {&number, 1}, .connections = {&number, 1}};
    assert_err(test_caller_ask(scene->caller, &message_SESSION_BIND, &body, NULL), ERR_OK);
}

static void route(struct scene *scene) {
    const struct session_route body = {.items = {0}};
    assert_err(test_caller_ask(scene->caller, &message_SESSION_ROUTE, &body, NULL), ERR_OK);
}

/* With an API key, which session shows to auth. */
static void show_key(struct scene *scene) {
    const struct session_kick body = {.account = RECEIVER};
    const bool is_plain = scene->reply == NULL;
    const size_t asked = scene->asked;
    test_caller_set_credential(scene->caller, slice_text("key"));
    test_caller_start(scene->caller, &message_SESSION_KICK, &body);
    test_caller_set_credential(scene->caller, slice_make(NULL, 0));
    SCENE_UNTIL(scene, scene->asked > asked);
    enum err err = test_caller_finish(scene->caller, &message_SESSION_KICK, NULL);
    if (is_plain)
        assert_err(err, ERR_OK);
}

static const struct row {
    unsigned program; /* its bit */
    enum role to;
    const struct message_desc *message;
    void (*provoke)(struct scene *scene);
} rows[] = {
    {PROGRAM_BIT_GROUP, SESSION, &message_SESSION_ROUTE, say},
    {PROGRAM_BIT_GROUP, SESSION, &message_SESSION_DIRTY, say},
    {PROGRAM_BIT_GROUP, SESSION, &message_SESSION_KICK, forget},
    {PROGRAM_BIT_DELIVERY, SESSION, &message_SESSION_ROUTE, send_text},
    {PROGRAM_BIT_DELIVERY, SESSION, &message_SESSION_DIRTY, send_text},
    {PROGRAM_BIT_HOOKS, SESSION, &message_SESSION_ONLINE, store_text},
    {PROGRAM_BIT_SESSION, GROUP, &message_GROUP_PRESENCE, bind_account},
    {PROGRAM_BIT_SESSION, HOOKS, &message_HOOKS_PRESENCE, bind_account},
    {PROGRAM_BIT_SESSION, HOOKS, &message_HOOKS_WAKE, route},
    {PROGRAM_BIT_SESSION, AUTH, &message_AUTH_ADMIT, show_key},
};

/* --- the cases ------------------------------------------------------------------------------- */

static void provoke(struct scene *scene, const struct row *row, const void *reply) {
    scene->asked = 0;
    scene->reply = reply;
    row->provoke(scene);
    SCENE_UNTIL(scene, scene->asked > 0);
}

static void run_row(struct scene *scene, const struct row *row) {
    const struct record_desc *desc = row->message->reply;
    struct record_arena arena = {0};
    scene->message = row->message;
    scene->is_error = false;
    for (size_t shape = 0; shape < EXTREME_SHAPES; shape++) {
        provoke(scene, row, extreme_shaped(desc, (enum extreme_shape)shape, &arena));
        provoke(scene, row, NULL);
        if (desc->field_count == 0) /* all shapes are the same */
            break;
    }
    scene->is_error = true;
    provoke(scene, row, extreme_shaped(&envelope_error_desc, EXTREME_STRANGE, &arena));
    provoke(scene, row, NULL);
    record_arena_free(&arena);
}

static void change_pongs(struct scene *scene, const struct row *row, size_t which) {
    struct played *played = scene->played[row->to];
    played_set_link(played, extreme_numbers[which]);
    played_set_pushed(played, extreme_numbers[EXTREME_COUNT - 1 - which]);
    played_set_instance(played, extreme_numbers[which]);
    for (unsigned turns = 0; turns < HEEDED_PINGS; turns++) {
        const unsigned before = played_pings(played);
        SCENE_UNTIL(scene, played_pings(played) > before);
    }
    SCENE_UNTIL(scene, is_live(scene, row->to));
}

static void run_rows(struct scene *scene, unsigned program) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].program != program)
            continue;
        run_row(scene, &rows[i]);
        for (size_t which = 0; which < EXTREME_COUNT; which++) {
            change_pongs(scene, &rows[i], which);
            provoke(scene, &rows[i], NULL);
        }
    }
    stop(scene);
}

static int set_up(void **state) {
    static struct scene scene;
    scene = (struct scene){.database = test_database_new("replies")};
    *state = &scene;
    sql_run(scene.database,
            "INSERT INTO account (number, id, name, created_ms) VALUES (%" PRIu64
            ", 'a', 'a', 0), (%" PRIu64 ", 'b', 'b', 0);"
            "INSERT INTO conversation (id, kind, lo, hi, created_ms) VALUES (%" PRIu64
            ", 0, %" PRIu64 ", %" PRIu64 ", 0)",
            SENDER, RECEIVER, PAIR, SENDER, RECEIVER);
    return 0;
}

static int tear_down(void **state) {
    struct scene *scene = *state;
    test_caller_destroy(&scene->caller);
    service_process_kill(&scene->service);
    for (enum role role = 0; role < ROLE_COUNT; role++)
        played_destroy(&scene->played[role]);
    test_database_destroy(&scene->database);
    return 0;
}

#define REPLIES_TEST(name_) TEST_WITH(name_, struct scene *scene, set_up, tear_down)

REPLIES_TEST(replies_to_group_may_hold_anything) {
    start(scene, "group", (const enum role[]){SESSION}, 1, (const char *[]){NULL});
    run_rows(scene, PROGRAM_BIT_GROUP);
}

REPLIES_TEST(replies_to_delivery_may_hold_anything) {
    start(scene, "delivery", (const enum role[]){SESSION}, 1, (const char *[]){NULL});
    run_rows(scene, PROGRAM_BIT_DELIVERY);
}

REPLIES_TEST(replies_to_hooks_may_hold_anything) {
    const struct hooks_add hook = {
        .name = slice_text("offline"),
        .url = slice_text(test_text("http://127.0.0.1:%u/", (unsigned)test_free_port())),
        .events = HOOK_FAMILY_OFFLINE};
    start(scene, "hooks", (const enum role[]){SESSION}, 1,
          (const char *[]){"--hooks-metrics-port=0", "--hook-look-ms=10", "--push-delay-ms=0",
                           "--push-again-ms=0", NULL});
    assert_err(test_caller_ask(scene->caller, &message_HOOKS_ADD, &hook, NULL), ERR_OK);
    run_rows(scene, PROGRAM_BIT_HOOKS);
}

REPLIES_TEST(replies_to_session_may_hold_anything) {
    start(scene, "session", (const enum role[]){AUTH, GROUP, HOOKS}, 3,
          (const char *[]){"--presence-grace-ms=0", "--gateway-timeout-ms=60000", NULL});
    run_rows(scene, PROGRAM_BIT_SESSION);
}

/* --- all ------------------------------------------------------------------------------------- */

static bool is_provoked(const struct message_desc *message, unsigned program) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].message == message && rows[i].program == program)
            return true;
    return false;
}

static bool is_to(const struct message_desc *message, const char *service) {
    return strncmp(message->name, service, strlen(service)) == 0;
}

TEST(every_message_between_services_is_among_them) {
    for (size_t i = 0; i < proto_messages_count; i++)
        for (unsigned program = 0; program < PROGRAM_COUNT; program++) {
            const struct message_desc *message = proto_messages[i];
            if (program == PROGRAM_GATEWAY || program == PROGRAM_CTL ||
                (message->senders & 1u << program) == 0)
                continue;
            if (message->reply == NULL && !is_to(message, "gateway."))
                fail_msg("%s is an event between services: test it", message->name);
            if (message->reply != NULL && !is_provoked(message, 1u << program))
                fail_msg("nothing here makes a service send %s: add a row", message->name);
        }
}

int main(void) { return test_run_all(NULL, NULL); }
