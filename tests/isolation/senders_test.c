/*
 * Who may send what: every message to every service, with the key of every program.
 *
 * The services have neither a database nor each other. That does not matter here: whether a program
 * may send a message is the first thing that is looked at.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/keys_make.h"
#include "proto/messages.h"
#include "tests/support/assertions.h"
#include "tests/support/test_caller.h"
#include "tests/support/test_folder.h"
#include "tests/support/test_list.h"

static const char *const services[] = {"auth",  "group", "session", "delivery",
                                       "files", "hooks", "gateway"};
#define SERVICES (sizeof services / sizeof services[0])

static struct {
    struct service_process *process;
    uint16_t port;
} running[SERVICES];

static int start(void **state) {
    (void)state;
    const char *nowhere = test_text("tcp://127.0.0.1:%u", (unsigned)test_free_port());
    for (size_t i = 0; i < SERVICES; i++) {
        running[i].port = test_free_port();
        const char *arguments[12] = {
            test_text("--%s-port=%u", services[i], (unsigned)running[i].port),
            "--peer-wait-ms=3600000",
        };
        size_t count = 2;
        for (size_t n = 0; strcmp(services[i], "gateway") == 0 && n < 4; n++)
            arguments[count++] = test_text("--%s-peers=%s", services[n], nowhere);
        if (strcmp(services[i], "gateway") == 0) {
            arguments[count++] = test_text("--http-port=%u", (unsigned)test_free_port());
            arguments[count++] = test_text("--tcp-port=%u", (unsigned)test_free_port());
            arguments[count++] = test_text("--youim-port=%u", (unsigned)test_free_port());
        } else if (strcmp(services[i], "session") == 0) {
            arguments[count++] = test_text("--group-peers=%s", nowhere);
        } else {
            arguments[count++] = "--db-socket=/nonexistent/socket";
            if (strcmp(services[i], "files") == 0)
                arguments[count++] = test_text("--files-folder=%s", test_folder());
            else if (strcmp(services[i], "auth") != 0)
                arguments[count++] = test_text("--session-peers=%s", nowhere);
        }
        running[i].process =
            service_process_start(test_text("parley-%s", services[i]), NULL, arguments);
    }
    return 0;
}

static int end(void **state) {
    (void)state;
    for (size_t i = 0; i < SERVICES; i++)
        service_process_kill(&running[i].process);
    return 0;
}

static uint16_t port_of(const char *service) {
    for (size_t i = 0; i < SERVICES; i++)
        if (strcmp(services[i], service) == 0)
            return running[i].port;
    fail_msg("there is no service %s", service);
    return 0;
}

static enum err send_empty(struct test_caller *caller, const struct message_desc *message) {
    return test_caller_ask_bytes(caller, message->name, slice_make("\x80", 1));
}

static bool is_asked_of(const struct message_desc *message, const char *service) {
    size_t length = strlen(service);
    return message->reply != NULL &&
           ((strncmp(message->name, service, length) == 0 && message->name[length] == '.') ||
            strncmp(message->name, "service.", 8) == 0);
}

static void check(struct test_caller *caller, enum program program,
                  const struct message_desc *message) {
    bool listed = (message->senders & (1u << program)) != 0;
    enum err err = send_empty(caller, message);
    if (listed == (err == ERR_FORBIDDEN))
        fail_msg("%s from %s: %s", message->name, keys_programs[program], err_word(err));
    if (!listed)
        assert_string_equal(test_caller_text(caller),
                            test_text("%s may not send %s", keys_programs[program], message->name));
}

static size_t check_all(const struct message_desc *const *messages, size_t count,
                        const char *service, struct test_caller *caller, enum program program) {
    size_t checked = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_asked_of(messages[i], service))
            continue;
        check(caller, program, messages[i]);
        checked++;
    }
    return checked;
}

TEST(every_message_is_taken_from_the_programs_that_it_names_alone) {
    size_t checked = 0, requests = 0;
    for (size_t i = 0; i < SERVICES; i++) {
        for (size_t p = 0; p < PROGRAM_COUNT; p++) {
            struct test_caller *caller =
                test_caller_new_as(keys_programs[p], "caller", running[i].port);
            checked += check_all(proto_messages, proto_messages_count, services[i], caller,
                                 (enum program)p);
            checked += check_all(common_messages, common_messages_count, services[i], caller,
                                 (enum program)p);
            test_caller_destroy(&caller);
        }
    }
    for (size_t i = 0; i < proto_messages_count; i++)
        requests += proto_messages[i]->reply != NULL;
    /* Each of the services' own once, ping and status at each service. */
    assert_int_equal(checked, PROGRAM_COUNT * (requests + 2 * SERVICES));
}

/* Written down by hand, so that a wrong line in a table does not pass as the truth. */
TEST(a_stolen_key_of_a_gateway_does_nothing_of_the_operators) {
    static const struct {
        const char *service;
        const struct message_desc *message;
    } operators[] = {{"auth", &message_AUTH_SET_PASSWORD}, {"auth", &message_AUTH_SET_DISABLED},
                     {"auth", &message_AUTH_AUDIT},        {"auth", &message_AUTH_REMOVE},
                     {"group", &message_GROUP_SAY},        {"group", &message_GROUP_SET_RETENTION},
                     {"group", &message_GROUP_PRESENCE},   {"session", &message_SESSION_KICK},
                     {"session", &message_SESSION_LIST},   {"session", &message_SESSION_ROUTE},
                     {"session", &message_SESSION_DIRTY},  {"hooks", &message_HOOKS_LIST},
                     {"hooks", &message_HOOKS_REMOVE},     {"auth", &message_AUTH_LIST_AUDIT}};
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        struct test_caller *thief =
            test_caller_new_as("gateway", "thief", port_of(operators[i].service));
        assert_err(send_empty(thief, operators[i].message), ERR_FORBIDDEN);
        test_caller_destroy(&thief);
    }
    assert_true(service_process_wait_text(running[0].process, "event=forbidden message=auth.",
                                          TEST_DEADLINE_MS));
}

/* Nor does the key of a service that has no business with accounts. */
TEST(a_stolen_key_of_session_reads_nothing) {
    static const struct message_desc *const asked[] = {
        &message_DELIVERY_PULL, &message_DELIVERY_HISTORY, &message_DELIVERY_SEND,
        &message_DELIVERY_SEARCH};
    struct test_caller *thief = test_caller_new_as("session", "thief", port_of("delivery"));
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++)
        assert_err(send_empty(thief, asked[i]), ERR_FORBIDDEN);
    test_caller_destroy(&thief);
}

int main(void) { return test_run_all(start, end); }
