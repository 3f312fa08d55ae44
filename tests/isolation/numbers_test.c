/*
 * Every service alone, sent every message with the extreme numbers in each of its fields: it
 * replies or refuses, and goes on. (Built with SANITIZE=undefined, it ends at the first overflow.)
 */
#include <string.h>

#include "proto/messages.h"
#include "tests/support/extreme.h"
#include "tests/support/fake_peer.h"
#include "tests/support/service_process.h"
#include "tests/support/test_caller.h"
#include "tests/support/test_folder.h"
#include "tests/support/test_list.h"

struct numbers_fixture {
    struct test_database *database;
    struct fake_peer *session;
    uint16_t session_port;
};

static int set_up(void **state) {
    static struct numbers_fixture fixture;
    fixture.database = test_database_new("numbers");
    fixture.session_port = test_free_port();
    fixture.session = fake_peer_new("session", fixture.session_port);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state) {
    struct numbers_fixture *fixture = *state;
    fake_peer_destroy(&fixture->session);
    test_database_destroy(&fixture->database);
    return 0;
}

static void send_event(struct test_caller *caller, const struct message_desc *message,
                       const void *body) {
    struct buffer frame = buffer_make(ENVELOPE_MAX_BYTES);
    envelope_pack(ENVELOPE_EVENT, 0, message->name, message->body, body, &frame);
    test_caller_send(caller, slice_make(frame.data, frame.length));
    buffer_free(&frame);
}

/* The number stands in one field, or in all; returns whether there is such a field. */
static bool send_one(struct test_caller *caller, const struct message_desc *message, size_t field,
                     uint64_t number) {
    struct record_arena arena = {0};
    void *body = extreme_record(message->body, field, number, &arena);
    if (body != NULL && message->reply == NULL)
        send_event(caller, message, body);
    else if (body != NULL)
        (void)test_caller_ask(caller, message, body, NULL);
    record_arena_free(&arena);
    return body != NULL;
}

static size_t send_all(struct test_caller *caller, const struct message_desc *message) {
    size_t count = 0;
    for (size_t i = 0; i < EXTREME_COUNT; i++) {
        for (size_t field = 0; field < message->body->field_count; field++)
            count += send_one(caller, message, field, extreme_numbers[i]);
        count += send_one(caller, message, EXTREME_ALL, extreme_numbers[i]);
    }
    return count;
}

static void try_service(const struct numbers_fixture *f, const char *name, const char *option) {
    uint16_t port = test_free_port();
    size_t sent = 0, length = strlen(name);
    const char *arguments[] = {test_text("--%s-port=%u", name, (unsigned)port), option, NULL, NULL};
    if (strcmp(name, "group") == 0 || strcmp(name, "delivery") == 0 || strcmp(name, "hooks") == 0)
        arguments[2] = test_text("--session-peers=tcp://127.0.0.1:%u", (unsigned)f->session_port);
    struct service_process *process =
        service_process_start(test_text("parley-%s", name), NULL, arguments);
    service_process_wait_ready(process);
    struct test_caller *caller = test_caller_new("caller", port);
    for (size_t i = 0; i < proto_messages_count; i++) {
        const struct message_desc *message = proto_messages[i];
        if (strncmp(message->name, name, length) == 0 && message->name[length] == '.')
            sent += send_all(caller, message);
    }
    assert_true(sent > 0);
    assert_true(service_process_is_running(process));
    test_caller_metric(caller, "queue_depth{queue=\"calls\"}"); /* behind the last event */
    assert_null(strstr(service_process_output(process), "runtime error"));
    test_caller_destroy(&caller);
    assert_int_equal(service_process_stop(&process), 0);
}

#define NUMBERS_TEST(name_) TEST_WITH(name_, struct numbers_fixture *f, NULL, NULL)

NUMBERS_TEST(auth_takes_extreme_numbers) { try_service(f, "auth", "--password-memory-kib=8"); }
NUMBERS_TEST(group_takes_extreme_numbers) { try_service(f, "group", "--heartbeat-ms=50"); }
NUMBERS_TEST(session_takes_extreme_numbers) { try_service(f, "session", "--heartbeat-ms=50"); }
NUMBERS_TEST(delivery_takes_extreme_numbers) { try_service(f, "delivery", "--heartbeat-ms=50"); }
NUMBERS_TEST(files_takes_extreme_numbers) {
    try_service(f, "files", test_text("--files-folder=%s", test_folder()));
}
NUMBERS_TEST(hooks_takes_extreme_numbers) { try_service(f, "hooks", "--hook-look-ms=10"); }

int main(void) { return test_run_all(set_up, tear_down); }
