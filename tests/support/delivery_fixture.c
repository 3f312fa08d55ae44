/* See delivery_fixture.h. */
#include "tests/support/delivery_fixture.h"

struct service_process *start_delivery(const struct delivery_fixture *f, uint16_t port,
                                       const char *a, const char *b, const char *c) {
    const char *arguments[] = {
        test_text("--delivery-port=%u", (unsigned)port),
        test_text("--session-peers=tcp://127.0.0.1:%u", (unsigned)f->session_port),
        "--heartbeat-ms=50",
        "--peer-timeout-ms=10000",
        NULL,
        NULL,
        NULL,
        NULL};
    size_t count = 4;
    const char *const more[] = {a, b, c};
    for (size_t i = 0; i < 3; i++)
        if (more[i] != NULL)
            arguments[count++] = more[i];
    struct service_process *delivery = service_process_start("parley-delivery", NULL, arguments);
    service_process_wait_ready(delivery);
    return delivery;
}

int delivery_set_up(void **state) {
    static struct delivery_fixture f;
    *state = &f;
    f.database = test_database_new("delivery");
    f.port = test_free_port();
    f.session_port = test_free_port();
    f.session = fake_peer_new("session", f.session_port);
    f.delivery = start_delivery(&f, f.port, NULL, NULL, NULL);
    f.caller = test_caller_new("caller", f.port);
    return 0;
}

int delivery_tear_down(void **state) {
    struct delivery_fixture *f = *state;
    test_caller_destroy(&f->caller);
    int status = f->delivery == NULL ? 1 : service_process_stop(&f->delivery);
    fake_peer_destroy(&f->session);
    record_arena_free(&f->arena);
    test_database_destroy(&f->database);
    return status;
}

void wait_for_calls(struct test_caller *observer, uint64_t wanted) {
    /* Its own question is one. */
    TEST_UNTIL(test_caller_metric(observer, "queue_depth{queue=\"calls\"}") == wanted + 1,
               "waited in vain for %" PRIu64 " requests in progress", wanted);
}

uint64_t delivery_rows(struct delivery_fixture *f) {
    return sql_number(f->database,
                      "SELECT (SELECT COUNT(*) FROM conversation) +"
                      " (SELECT COUNT(*) FROM message) + (SELECT COUNT(*) FROM `cursor`)");
}

void join(struct delivery_fixture *f, uint64_t group, uint64_t account) {
    uint64_t id = conversation_of_group(group);
    sql_run(f->database,
            "BEGIN; UPDATE conversation SET version = version + 1 WHERE id = %" PRIu64
            "; INSERT INTO member (conversation, account, role, joined_ms) VALUES (%" PRIu64
            ", %" PRIu64 ", 1, 1); INSERT INTO `cursor` (account, conversation, since, received)"
            " SELECT %" PRIu64 ", %" PRIu64 ", COALESCE(MAX(cid), 0), COALESCE(MAX(cid), 0)"
            " FROM message WHERE conversation = %" PRIu64 "; COMMIT",
            id, id, account, account, id, id);
}

void leave(struct delivery_fixture *f, uint64_t group, uint64_t account) {
    uint64_t id = conversation_of_group(group);
    sql_run(f->database,
            "BEGIN; UPDATE conversation SET version = version + 1 WHERE id = %" PRIu64
            "; DELETE FROM member WHERE conversation = %" PRIu64 " AND account = %" PRIu64
            "; UPDATE `cursor` SET until = (SELECT COALESCE(MAX(cid), 0) FROM message"
            " WHERE conversation = %" PRIu64 ") WHERE conversation = %" PRIu64
            " AND account = %" PRIu64 "; COMMIT",
            id, id, account, id, id, account);
}

uint64_t new_group_of(struct delivery_fixture *f, const char *id, const uint64_t *members,
                      size_t count) {
    uint64_t number = FIRST_GROUP + f->groups++;
    sql_run(f->database,
            "INSERT INTO conversation (id, kind, lo, hi, string_id, name, owner, created_ms)"
            " VALUES (%" PRIu64 ", 1, %" PRIu64 ", 0, %s, 'its name', 0, 1)",
            conversation_of_group(number), number,
            id[0] == '\0' ? test_text("'%" PRIu64 "'", number) : test_text("'%s'", id));
    for (size_t i = 0; i < count; i++)
        join(f, number, members[i]);
    return number;
}

void letter_begin(struct letter *letter, uint64_t from, uint64_t to_account, uint64_t to_group) {
    letter->body = (struct delivery_send){.account = from,
                                          .to_account = to_account,
                                          .to_group = to_group,
                                          .texts = {letter->texts, 0},
                                          .nonces = {letter->nonces, 0}};
}

void letter_add_slice(struct delivery_fixture *f, struct letter *letter, struct slice text) {
    size_t at = letter->body.texts.count;
    uint64_t number = ++f->nonces;
    assert_true(at < LETTER_MAX_TEXTS);
    memset(letter->nonce_bytes[at], 0, NONCE_BYTES);
    memcpy(letter->nonce_bytes[at], &number, sizeof number);
    letter->texts[at] = text;
    letter->nonces[at] = slice_make(letter->nonce_bytes[at], NONCE_BYTES);
    letter->body.texts.count = letter->body.nonces.count = at + 1;
}

void letter_add(struct delivery_fixture *f, struct letter *letter, const char *text) {
    letter_add_slice(f, letter, slice_text(text));
}

void letter_one(struct delivery_fixture *f, struct letter *letter, uint64_t from,
                uint64_t to_account, uint64_t to_group, const char *text) {
    letter_begin(letter, from, to_account, to_group);
    letter_add(f, letter, text);
}

enum err ask_send(struct test_caller *caller, const struct letter *letter,
                  struct delivery_send_reply *reply_r) {
    return test_caller_ask(caller, &message_DELIVERY_SEND, &letter->body, reply_r);
}

enum err try_send(struct delivery_fixture *f, uint64_t from, uint64_t to_account, uint64_t to_group,
                  const char *text, struct delivery_send_reply *reply_r) {
    struct letter letter;
    letter_one(f, &letter, from, to_account, to_group, text);
    return ask_send(f->caller, &letter, reply_r);
}

uint64_t say(struct delivery_fixture *f, uint64_t from, uint64_t to_account, uint64_t to_group,
             const char *text) {
    struct delivery_send_reply reply;
    assert_err(try_send(f, from, to_account, to_group, text, &reply), ERR_OK);
    assert_int_equal(reply.cids.count, 1);
    return reply.cids.items[0];
}

struct routed next_routed_at(struct delivery_fixture *f, struct fake_peer *session) {
    struct routed routed = {.count = 0};
    const char *fault = "";
    if (f->route_at == f->route.items.count) {
        fake_peer_expect(session, &message_SESSION_ROUTE, &f->route);
        f->route_at = 0;
        assert_true(f->route.items.count > 0);
    }
    const struct route_item *item = (const struct route_item *)f->route.items.items + f->route_at++;
    record_arena_free(&f->arena);
    if (record_unpack(&entry_desc, item->entry, &f->arena, &routed.entry, &fault) != 0)
        fail_msg("the entry is malformed: %s", fault);
    assert_in_range(item->accounts.count, 1, ROUTED_MAX_ACCOUNTS);
    routed.count = item->accounts.count;
    memcpy(routed.accounts, item->accounts.items, routed.count * sizeof(uint64_t));
    return routed;
}

struct routed next_routed(struct delivery_fixture *f) {
    return next_routed_at(f, f->session);
}

struct entry expect_text_routed(struct delivery_fixture *f, const uint64_t *accounts,
                                size_t count) {
    struct routed routed = next_routed(f);
    assert_int_equal(routed.count, count);
    for (size_t i = 0; i < count; i++)
        assert_in_set(accounts[i], routed.accounts, (unsigned)routed.count);
    return routed.entry;
}

struct entry expect_arrived(struct delivery_fixture *f, uint64_t conversation, uint64_t from,
                            uint64_t to, uint64_t cid) {
    struct entry entry = expect_text_routed(f, &to, 1);
    assert_int_equal(entry.type, ENTRY_RECEIVED);
    assert_int_equal(entry.conversation, conversation);
    assert_int_equal(entry.cid, 0);
    assert_in_range(entry.time_ms, loop_wall_ms() - TEST_DEADLINE_MS, loop_wall_ms());
    assert_int_equal(entry.from, from);
    assert_int_equal(entry.to, to);
    assert_int_equal(entry.target, cid);
    return entry;
}

void skip_routed(struct delivery_fixture *f, size_t count) {
    while (count-- > 0)
        next_routed(f);
}

void expect_no_text_routed(struct delivery_fixture *f) {
    if (f->markers[0] == 0) {
        f->markers[0] = new_account(f->database, "");
        f->markers[1] = new_account(f->database, "");
    }
    uint64_t cid = say(f, f->markers[0], f->markers[1], 0, "marker");
    struct entry entry = expect_text_routed(f, f->markers, 2);
    assert_int_equal(entry.cid, cid);
    assert_int_equal(f->route_at, f->route.items.count);
}

void cids_of(const struct slice_list *entries, uint64_t *cids_r) {
    struct record_arena arena = {0};
    for (size_t i = 0; i < entries->count; i++) {
        const char *fault;
        struct entry entry;
        assert_int_equal(record_unpack(&entry_desc, entries->items[i], &arena, &entry, &fault), 0);
        cids_r[i] = entry.cid;
    }
    record_arena_free(&arena);
}
