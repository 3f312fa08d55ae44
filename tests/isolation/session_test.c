/*
 * The session service alone: a test that plays gateways and a delivery routes entries, sends
 * nonsense, stops it, and starts it wrongly. Binding and links: session_bind_test.c.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/support/session_fixture.h"
#include "tests/support/test_list.h"

/* Some tests need more copies than an account's usual connections give. */
static int set_up_wide(void **state) {
    return session_set_up_with(state, (const char *const[]){"--connections-per-account=64", NULL});
}

/* --- routing ------------------------------------------------------------------------------- */

SESSION_TEST(a_bound_connection_gets_routed_entries, set_up_wide) {
    struct test_caller *gateway = caller(fixture, "gateway-1");
    struct test_caller *delivery = caller(fixture, "delivery-1");
    bind_one(gateway, 1001, 7);
    route_one(delivery, 1001, "hello");
    expect_push(gateway, 1, 7, "hello");
    route_one(delivery, 1002, "nobody is there");
    expect_nothing(gateway);
    assert_int_equal(test_caller_metric(delivery, "routed_items_total"), 2);
    assert_int_equal(test_caller_metric(delivery, "routed_items_unheard_total"), 1);
    assert_int_equal(test_caller_metric(delivery, "pushes_total"), 1);
    assert_int_equal(test_caller_metric(delivery, "pushed_copies_total"), 1);
}

SESSION_TEST(items_keep_their_order_in_one_push, set_up_wide) {
    struct test_caller *gateway = caller(fixture, "gateway-1");
    struct test_caller *delivery = caller(fixture, "delivery-1");
    bind_one(gateway, 1001, 1);
    bind_one(gateway, 1002, 2);
    uint64_t both[] = {1001, 1002};
    struct route_item items[] = {
        {.accounts = list(both + 1, 1), .entry = slice_text("a")},
        {.accounts = list(both, 1), .entry = slice_text("b")},
        {.accounts = list(both, 2), .entry = slice_text("c")},
        {.accounts = list(&(uint64_t){1003}, 1), .entry = slice_text("not for here")},
        {.accounts = list(both + 1, 1), .entry = slice_text("d")}};
    route_items(delivery, items, 5);

    struct gateway_push push;
    test_caller_event(gateway, &message_GATEWAY_PUSH, &push);
    expect_nothing(gateway);
    assert_int_equal(push.items.count, 4);
    const struct push_item *got = push.items.items;
    for (size_t i = 0; i < 4; i++)
        assert_true(slice_equal(got[i].entry, slice_text((const char *[]){"a", "b", "c", "d"}[i])));
    assert_int_equal(got[0].connections.items[0], 2);
    assert_int_equal(got[1].connections.items[0], 1);
    assert_int_equal(got[2].connections.count, 2);
    assert_int_equal(got[2].connections.items[0] + got[2].connections.items[1], 3);
    assert_int_equal(got[3].connections.items[0], 2);
}

SESSION_TEST(each_gateway_gets_entries_for_its_connections, set_up_wide) {
    struct test_caller *one = caller(fixture, "gateway-1"), *two = caller(fixture, "gateway-2");
    struct test_caller *idle = caller(fixture, "gateway-3");
    struct test_caller *delivery = caller(fixture, "delivery-1");
    bind_one(one, 1001, 5);
    bind_one(two, 1001, 5);
    bind_one(two, 1002, 6);
    bind_one(idle, 1003, 7);
    route_one(delivery, 1001, "to both");
    route_one(delivery, 1002, "to the second");
    expect_push(one, 1, 5, "to both");
    expect_push(two, 1, 5, "to both");
    expect_push(two, 2, 6, "to the second");
    expect_nothing(one);
    expect_nothing(idle);
    assert_int_equal(ping(idle).pushed, 0);
}

SESSION_TEST(connections_of_an_account_share_an_entry, set_up_wide) {
    struct test_caller *gateway = caller(fixture, "gateway-1");
    struct test_caller *delivery = caller(fixture, "delivery-1");
    for (uint64_t i = 0; i < 3; i++)
        bind_one(gateway, 1001, UINT64_MAX - i);
    route_one(delivery, 1001, "hello");
    struct gateway_push push;
    test_caller_event(gateway, &message_GATEWAY_PUSH, &push);
    assert_int_equal(push.items.count, 1);
    const struct push_item *item = push.items.items;
    assert_int_equal(item->connections.count, 3);
    uint64_t seen = 0;
    for (size_t i = 0; i < 3; i++)
        seen |= (uint64_t)1 << (UINT64_MAX - item->connections.items[i]);
    assert_int_equal(seen, 7);
}

SESSION_TEST(large_routes_become_several_pushes, set_up_wide) {
    enum { ITEMS = 4096, EACH = 31, BYTES = 1980 };
    static struct route_item items[ITEMS];
    static char texts[ITEMS][BYTES];
    uint64_t account = 1001;
    struct test_caller *gateway = caller(fixture, "gateway-1");
    struct test_caller *delivery = caller(fixture, "delivery-1");
    for (uint64_t i = 0; i < EACH; i++)
        bind_one(gateway, account, UINT64_MAX - i); /* as long as a number can be */
    for (uint32_t i = 0; i < ITEMS; i++) {
        memcpy(texts[i], &i, sizeof i);
        items[i] = (struct route_item){.accounts = list(&account, 1),
                                       .entry = slice_make(texts[i], BYTES)};
    }
    route_items(delivery, items, ITEMS);

    /* More in all than an envelope holds, though the route itself did not. */
    size_t bytes = 0, copies = 0, pushes = 0;
    uint32_t next = 0;
    while (copies < (size_t)ITEMS * EACH) {
        struct gateway_push push;
        test_caller_event(gateway, &message_GATEWAY_PUSH, &push);
        assert_int_equal(push.seq, ++pushes);
        assert_true(test_caller_event_bytes(gateway) <= ENVELOPE_MAX_BYTES);
        bytes += test_caller_event_bytes(gateway);
        const struct push_item *got = push.items.items;
        for (size_t i = 0; i < push.items.count; i++) {
            uint32_t item;
            memcpy(&item, got[i].entry.data, sizeof item);
            /* An item may be divided, none may be out of turn. */
            assert_true(item == next || (i == 0 && item + 1 == next));
            next = item + 1;
            copies += got[i].connections.count;
        }
    }
    assert_int_equal(copies, (size_t)ITEMS * EACH);
    assert_true(pushes > 1 && bytes > ENVELOPE_MAX_BYTES);
    expect_nothing(gateway);
    assert_int_equal(ping(gateway).pushed, pushes);
}

/* More copies than are collected at once, and more connections than an item may list. */
SESSION_TEST(many_copies_all_arrive, set_up_wide) {
    enum { ACCOUNTS = 3000, EACH = 60 };
    static uint64_t accounts[ACCOUNTS], connections[ACCOUNTS];
    static bool seen[ACCOUNTS * EACH];
    struct test_caller *gateway = caller(fixture, "gateway-1");
    struct test_caller *delivery = caller(fixture, "delivery-1");
    for (uint64_t round = 0; round < EACH; round++) {
        for (uint64_t i = 0; i < ACCOUNTS; i++) {
            accounts[i] = i + 1;
            connections[i] = round * ACCOUNTS + i;
        }
        struct session_bind body = {.accounts = list(accounts, ACCOUNTS),
                                    .connections = list(connections, ACCOUNTS)};
        assert_int_equal(test_caller_ask(gateway, &message_SESSION_BIND, &body, NULL), ERR_OK);
    }
    assert_int_equal(test_caller_metric(gateway, "bindings"), ACCOUNTS * EACH);
    struct route_item item = {.accounts = list(accounts, ACCOUNTS), .entry = slice_text("to all")};
    route_items(delivery, &item, 1);
    for (size_t copies = 0, pushes = 0; copies < (size_t)ACCOUNTS * EACH;) {
        struct gateway_push push;
        test_caller_event(gateway, &message_GATEWAY_PUSH, &push); /* checks the lists' limits */
        assert_int_equal(push.seq, ++pushes);
        const struct push_item *got = push.items.items;
        for (size_t i = 0; i < push.items.count; i++)
            for (size_t j = 0; j < got[i].connections.count; j++, copies++) {
                assert_false(seen[got[i].connections.items[j]]);
                seen[got[i].connections.items[j]] = true;
            }
    }
    expect_nothing(gateway);
}

/* --- nonsense, start and stop -------------------------------------------------------------- */

SESSION_TEST(nonsense_is_answered_or_dropped, set_up_wide) {
    struct test_caller *gateway = caller(fixture, "gateway-1");
    bind_one(gateway, 1001, 7);
    struct slice bytes = slice_text("\x80");
    assert_int_equal(test_caller_ask_bytes(gateway, "session.dance", bytes), ERR_UNKNOWN_MESSAGE);
    assert_int_equal(test_caller_ask_bytes(gateway, "session.bind", bytes), ERR_BAD_REQUEST);
    assert_non_null(strstr(test_caller_text(gateway), "accounts"));
    const char *const names[] = {"session.bind", "session.unbind", "session.route",
                                 "session.dirty"};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(test_caller_ask_bytes(gateway, names[i], slice_text("\x93")),
                         ERR_BAD_REQUEST);
        assert_int_equal(test_caller_ask_bytes(gateway, names[i], slice_make(NULL, 0)),
                         ERR_BAD_REQUEST);
    }
    /* A list that claims to have 2^32-1 items, and an item that is none. */
    assert_int_equal(test_caller_ask_bytes(gateway, "session.route",
                                           slice_text("\x81\xa5items\xdd\xff\xff\xff\xff")),
                     ERR_BAD_REQUEST);
    assert_int_equal(
        test_caller_ask_bytes(gateway, "session.route", slice_text("\x81\xa5items\x91\xc3")),
        ERR_BAD_REQUEST);
    /* Neither of these can be answered. */
    test_caller_send(gateway, slice_text("no envelope"));
    test_caller_send(gateway, slice_make(NULL, 0));
    route_one(gateway, 1001, "still there");
    expect_push(gateway, 1, 7, "still there");
    expect_nothing(gateway);
}

SESSION_TEST(an_empty_route_is_fine, set_up_wide) {
    struct test_caller *gateway = caller(fixture, "gateway-1");
    bind_one(gateway, 1001, 7);
    route_items(gateway, NULL, 0);
    struct route_item item = {.accounts = list(NULL, 0), .entry = slice_text("to nobody")};
    route_items(gateway, &item, 1);
    item =
        (struct route_item){.accounts = list(&(uint64_t){1001}, 1), .entry = slice_make(NULL, 0)};
    route_items(gateway, &item, 1);
    expect_push(gateway, 1, 7, "");
    expect_nothing(gateway);
}

SESSION_TEST(it_stops_in_order, set_up_wide) {
    struct test_caller *gateway = caller(fixture, "gateway-1");
    bind_one(gateway, 1001, 7);
    route_one(gateway, 1001, "hello");
    assert_int_equal(service_process_stop(&fixture->session), 0);
    expect_push(gateway, 1, 7, "hello");
}

SESSION_TEST(a_wrong_start_is_one_line, set_up_wide) {
    const char *taken[] = {test_text("--session-port=%u", (unsigned)fixture->port),
                           "--listen-wait-ms=0", NULL};
    const char *flapping[] = {"--gateway-timeout-ms=1000", "--heartbeat-ms=1000", NULL};
    const char *unknown[] = {"--db-host=here", NULL};
    const struct {
        const char *const *arguments;
        int status;
        const char *says;
    } cases[] = {{taken, 1, "cannot listen"}, {flapping, 1, "heartbeat_ms"}, {unknown, 2, "db"}};
    for (size_t i = 0; i < 3; i++) {
        char *output = NULL;
        assert_int_equal(service_process_run("parley-session", cases[i].arguments, &output),
                         cases[i].status);
        assert_non_null(strstr(output, cases[i].says));
        assert_ptr_equal(strchr(output, '\n'), output + strlen(output) - 1);
        free(output);
    }
}

int main(void) { return test_run_all(NULL, NULL); }
