/* See session_fixture.h. */
#include "tests/support/session_fixture.h"

int session_set_up_with(void **state, const char *const *options) {
    static struct session_fixture fixture;
    const char *arguments[SESSION_OPTIONS + 3] = {NULL};
    fixture = (struct session_fixture){.port = test_free_port()};
    *state = &fixture;
    arguments[0] = test_text("--session-port=%u", (unsigned)fixture.port);
    /* However long a busy machine keeps the test from playing its gateway. */
    arguments[1] = "--gateway-timeout-ms=60000";
    for (size_t i = 0; options != NULL && options[i] != NULL; i++) {
        assert_true(i < SESSION_OPTIONS);
        arguments[i + 2] = options[i];
    }
    fixture.session = service_process_start("parley-session", NULL, arguments);
    service_process_wait_ready(fixture.session);
    return 0;
}

int session_set_up(void **state) { return session_set_up_with(state, NULL); }

int session_tear_down(void **state) {
    struct session_fixture *fixture = *state;
    for (size_t i = 0; i < fixture->caller_count; i++)
        test_caller_destroy(&fixture->callers[i]);
    service_process_kill(&fixture->session);
    return 0;
}

struct test_caller *caller(struct session_fixture *fixture, const char *name) {
    assert_true(fixture->caller_count < SESSION_CALLERS);
    struct test_caller *made = test_caller_new(name, fixture->port);
    fixture->callers[fixture->caller_count++] = made;
    return made;
}

struct u64_list list(uint64_t *items, size_t count) {
    return (struct u64_list){items, count};
}

enum err try_bind(struct test_caller *gateway, uint64_t account, uint64_t connection) {
    struct session_bind bind = {.accounts = list(&account, 1), .connections = list(&connection, 1)};
    struct session_bind_reply done;
    return test_caller_ask(gateway, &message_SESSION_BIND, &bind, &done);
}

void bind_one(struct test_caller *gateway, uint64_t account, uint64_t connection) {
    assert_int_equal(try_bind(gateway, account, connection), ERR_OK);
}

enum err bind_again(struct test_caller *gateway, uint64_t account, uint64_t connection) {
    struct session_bind bind = {
        .accounts = list(&account, 1), .connections = list(&connection, 1), .again = true};
    struct session_bind_reply done;
    return test_caller_ask(gateway, &message_SESSION_BIND, &bind, &done);
}

void unbind_as(struct test_caller *gateway, uint64_t account, uint64_t connection,
               struct session_unbind how) {
    struct done done;
    how.accounts = list(&account, 1);
    how.connections = list(&connection, 1);
    assert_int_equal(test_caller_ask(gateway, &message_SESSION_UNBIND, &how, &done), ERR_OK);
}

void unbind_one(struct test_caller *gateway, uint64_t account, uint64_t connection) {
    unbind_as(gateway, account, connection, (struct session_unbind){0});
}

struct session_list_reply list_sessions(struct test_caller *who, uint64_t after, uint64_t limit) {
    struct session_list ask = {.after = after, .limit = limit};
    struct session_list_reply reply;
    assert_int_equal(test_caller_ask(who, &message_SESSION_LIST, &ask, &reply), ERR_OK);
    return reply;
}

void route_items(struct test_caller *delivery, struct route_item *items, size_t count) {
    struct session_route route = {{items, count}};
    struct done done;
    assert_int_equal(test_caller_ask(delivery, &message_SESSION_ROUTE, &route, &done), ERR_OK);
}

void route_one(struct test_caller *delivery, uint64_t account, const char *entry) {
    struct route_item item = {.accounts = list(&account, 1), .entry = slice_text(entry)};
    route_items(delivery, &item, 1);
}

struct service_pong ping(struct test_caller *who) {
    struct service_pong pong;
    struct service_ping body = {.instance = 1};
    assert_int_equal(test_caller_ask(who, &message_SERVICE_PING, &body, &pong), ERR_OK);
    return pong;
}

void expect_push(struct test_caller *gateway, uint64_t seq, uint64_t connection,
                 const char *entry) {
    struct gateway_push push;
    test_caller_event(gateway, &message_GATEWAY_PUSH, &push);
    assert_int_equal(push.seq, seq);
    assert_int_equal(push.items.count, 1);
    const struct push_item *item = push.items.items;
    assert_int_equal(item->connections.count, 1);
    assert_int_equal(item->connections.items[0], connection);
    assert_true(slice_equal(item->entry, slice_text(entry)));
}

void expect_nothing(struct test_caller *gateway) {
    ping(gateway);
    assert_int_equal(test_caller_events(gateway), 0);
}
