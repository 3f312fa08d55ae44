/* See group_fixture.h. */
#include "tests/support/group_fixture.h"

struct service_process *start_group(const struct group_fixture *f, uint16_t port) {
    struct service_process *group = service_process_start(
        "parley-group", NULL,
        (const char *[]){test_text("--group-port=%u", (unsigned)port),
                         test_text("--session-peers=tcp://127.0.0.1:%u", (unsigned)f->session_port),
                         test_text("--group-max-members=%d", GROUP_TEST_MAX_MEMBERS),
                         test_text("--db-connections=%d", GROUP_TEST_CONNECTIONS),
                         "--heartbeat-ms=50", "--peer-timeout-ms=10000", f->option, NULL});
    service_process_wait_ready(group);
    return group;
}

int group_set_up_with(void **state, const char *option) {
    static struct group_fixture f;
    f = (struct group_fixture){.option = option};
    *state = &f;
    f.database = test_database_new("group");
    f.port = test_free_port();
    f.session_port = test_free_port();
    f.session = fake_peer_new("session", f.session_port);
    f.group = start_group(&f, f.port);
    f.caller = test_caller_new("caller", f.port);
    return 0;
}

int group_set_up(void **state) { return group_set_up_with(state, NULL); }

int group_tear_down(void **state) {
    struct group_fixture *f = *state;
    test_caller_destroy(&f->caller);
    int status = f->group == NULL ? 1 : service_process_stop(&f->group);
    fake_peer_destroy(&f->session);
    record_arena_free(&f->arena);
    test_database_destroy(&f->database);
    return status;
}

uint64_t group_rows(struct group_fixture *f) {
    return sql_number(f->database,
                      "SELECT (SELECT COUNT(*) FROM conversation) +"
                      " (SELECT COUNT(*) FROM member) + (SELECT COUNT(*) FROM message) +"
                      " (SELECT COUNT(*) FROM `cursor`) +"
                      " (SELECT COALESCE(SUM(version), 0) FROM conversation)");
}

uint64_t sql_state(struct group_fixture *f) {
    return sql_number(
        f->database,
        "SELECT (SELECT COALESCE(SUM(CRC32(CONCAT_WS(',', id, kind, lo, hi, string_id, name,"
        " owner, blocked, dissolved, version, writer))), 0) FROM conversation) +"
        " (SELECT COALESCE(SUM(CRC32(CONCAT_WS(',', conversation, account, role,"
        " muted_until_ms))), 0) FROM member) + (SELECT COALESCE(SUM(CRC32(CONCAT_WS(',', "
        "conversation, cid))), 0)"
        " FROM message) + (SELECT COALESCE(SUM(CRC32(CONCAT_WS(',', account, conversation,"
        " since, received, seen, COALESCE(until, 'none')))), 0) FROM `cursor`) +"
        " (SELECT COALESCE(SUM(CRC32(CONCAT_WS(',', 'a', account, conversation, after, upto))),"
        " 0) FROM absence) +"
        " (SELECT COALESCE(SUM(CRC32(CONCAT_WS(',', 'f', lo, hi))), 0) FROM friendship) +"
        " (SELECT COALESCE(SUM(CRC32(CONCAT_WS(',', 'r', kind, target, account))), 0)"
        " FROM request) +"
        " (SELECT COALESCE(SUM(CRC32(CONCAT_WS(',', 'k', account, blocked))), 0) FROM block) +"
        " (SELECT COALESCE(SUM(CRC32(CONCAT_WS(',', 'n', conversation, account))), 0) FROM ban) + "
        "(SELECT COALESCE(SUM(CRC32(CONCAT_WS(',', number, name))), 0)"
        " FROM account)");
}

enum err create(struct group_fixture *f, uint64_t account, const char *id, const char *name,
                struct group_create_reply *reply_r) {
    struct group_create ask = {.account = account, .id = slice_text(id), .name = slice_text(name)};
    return test_caller_ask(f->caller, &message_GROUP_CREATE, &ask, reply_r);
}

uint64_t new_group(struct group_fixture *f, uint64_t owner, const char *id) {
    struct group_create_reply reply;
    uint64_t number = NUMBER_LAST_ALLOCATED + 1 + f->groups++;
    if (id[0] == '\0')
        id = test_text("%" PRIu64, number);
    assert_err(create(f, owner, id, "", &reply), ERR_OK);
    return reply.group;
}

enum err add(struct group_fixture *f, uint64_t group, uint64_t account, uint64_t by) {
    struct group_add ask = {.group = group, .account = account, .by = by};
    struct done done;
    return test_caller_ask(f->caller, &message_GROUP_ADD, &ask, &done);
}

const struct route_item *next_routed_item(struct group_fixture *f, struct fake_peer *session) {
    if (f->route_at == f->route.items.count) {
        fake_peer_expect(session, &message_SESSION_ROUTE, &f->route);
        f->route_at = 0;
        assert_true(f->route.items.count > 0);
    }
    return (const struct route_item *)f->route.items.items + f->route_at++;
}

struct entry entry_of(struct group_fixture *f, const struct route_item *item) {
    struct entry entry;
    const char *fault = "";
    record_arena_free(&f->arena);
    if (record_unpack(&entry_desc, item->entry, &f->arena, &entry, &fault) != 0)
        fail_msg("the entry is malformed: %s", fault);
    return entry;
}

void assert_receivers(const struct route_item *item, const uint64_t *accounts, size_t count) {
    assert_false(item->everyone);
    assert_int_equal(item->accounts.count, count);
    for (size_t i = 0; i < count; i++)
        assert_in_set(accounts[i], item->accounts.items, (unsigned)item->accounts.count);
}

struct entry expect_routed(struct group_fixture *f, const uint64_t *accounts, size_t count) {
    const struct route_item *item = next_routed_item(f, f->session);
    assert_receivers(item, accounts, count);
    return entry_of(f, item);
}

enum err ask_say(struct group_fixture *f, uint64_t account, uint64_t group, const char *text) {
    struct group_say ask = {.to_account = account, .to_group = group, .text = slice_text(text)};
    return test_caller_ask(f->caller, &message_GROUP_SAY, &ask, NULL);
}

void expect_nothing_routed(struct group_fixture *f) {
    if (f->marker == 0)
        f->marker = new_account(f->database, "");
    assert_err(ask_say(f, f->marker, 0, "marker"), ERR_OK);
    struct entry entry = expect_routed(f, &f->marker, 1);
    assert_int_equal(entry.conversation, conversation_of_account(f->marker));
    assert_int_equal(f->route_at, f->route.items.count);
}

int group_test_tear_down(void **state) {
    expect_nothing_routed(*state);
    return 0;
}

void assert_account_id(struct group_fixture *f, uint64_t account, struct slice id) {
    if (account == 0)
        assert_int_equal(id.length, 0);
    else if (id.length == 0)
        assert_int_equal(sql_number(f->database,
                                    "SELECT id = number FROM account WHERE number = %" PRIu64,
                                    account),
                         1);
    else
        assert_int_equal(sql_number(f->database, "SELECT number FROM account WHERE id = '%.*s'",
                                    (int)id.length, id.data),
                         account);
}

void assert_group_id(struct group_fixture *f, uint64_t group, struct slice id) {
    if (group == 0)
        assert_int_equal(id.length, 0);
    else
        assert_int_equal(sql_number(f->database,
                                    "SELECT IF(%zu = 0, string_id = lo, string_id = '%.*s')"
                                    " FROM conversation WHERE kind = 1 AND lo = %" PRIu64,
                                    id.length, (int)id.length, id.data == NULL ? "" : id.data,
                                    group),
                         1);
}

void assert_stored(struct group_fixture *f, const struct entry *entry) {
    bool own = conversation_kind(entry->conversation) == CONVERSATION_SELF;
    assert_true(entry->cid > 0);
    assert_int_equal(
        sql_number(f->database,
                   "SELECT COUNT(*) FROM message WHERE conversation = %" PRIu64
                   " AND cid = %" PRIu64 " AND time_ms = %" PRIu64 " AND type = %" PRIu64
                   " AND sender = %" PRIu64 " AND nonce IS NULL AND subject = %" PRIu64
                   " AND about = %" PRIu64 " AND accepted = %d AND COALESCE(target, 0) = %" PRIu64
                   " AND body = '%.*s'",
                   entry->conversation, entry->cid, entry->time_ms, entry->type, entry->from,
                   entry->subject, own ? entry->to : 0, entry->accepted, entry->target,
                   (int)entry->text.length, entry->text.data == NULL ? "" : entry->text.data),
        1);
    assert_int_equal(sql_number(f->database,
                                "SELECT COALESCE(MAX(cid), 0) FROM message"
                                " WHERE conversation = %" PRIu64 " AND cid < %" PRIu64,
                                entry->conversation, entry->cid),
                     entry->prev);
}

void assert_notice(struct group_fixture *f, const struct entry *entry,
                   const struct notice *wanted) {
    assert_int_equal(entry->type, wanted->type);
    assert_int_equal(entry->conversation, wanted->conversation);
    assert_int_equal(entry->from, wanted->from);
    assert_int_equal(entry->subject, wanted->subject);
    assert_int_equal(entry->to, wanted->to);
    assert_int_equal(entry->accepted, wanted->accepted);
    assert_int_equal(entry->target, wanted->target);
    assert_slice_text(entry->text, wanted->text == NULL ? "" : wanted->text);
    assert_in_range(entry->time_ms, loop_wall_ms() - TEST_DEADLINE_MS, loop_wall_ms());
    assert_account_id(f, entry->from, entry->from_id);
    assert_account_id(f, entry->subject, entry->subject_id);
    assert_group_id(f, entry->to, entry->to_id);
    assert_stored(f, entry);
}

uint64_t expect_notice(struct group_fixture *f, const struct notice *wanted,
                       const uint64_t *accounts, size_t count) {
    struct entry entry = expect_routed(f, accounts, count);
    assert_notice(f, &entry, wanted);
    return entry.cid;
}

uint64_t expect_own_notice(struct group_fixture *f, uint64_t account, const struct notice *wanted) {
    struct notice notice = *wanted;
    notice.conversation = conversation_of_account(account);
    return expect_notice(f, &notice, &account, 1);
}

uint64_t expect_in_group(struct group_fixture *f, uint64_t group, enum entry_type type,
                         uint64_t from, uint64_t subject, const uint64_t *accounts, size_t count) {
    return expect_notice(f,
                         &(struct notice){.type = type,
                                          .conversation = conversation_of_group(group),
                                          .from = from,
                                          .subject = subject,
                                          .to = group},
                         accounts, count);
}

void assert_cursor(struct group_fixture *f, uint64_t conversation, uint64_t account, uint64_t since,
                   uint64_t until) {
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM `cursor` WHERE conversation = %" PRIu64
                                " AND account = %" PRIu64 " AND since = %" PRIu64
                                " AND COALESCE(until, 0) = %" PRIu64,
                                conversation, account, since, until),
                     1);
}

uint64_t make_pair(struct group_fixture *f, uint64_t a, uint64_t b) {
    uint64_t pair = sql_number(f->database, "SELECT NEXT VALUE FOR pair_number");
    sql_run(f->database,
            "INSERT INTO conversation (id, kind, lo, hi, created_ms) VALUES (%" PRIu64
            ", 0, %" PRIu64 ", %" PRIu64 ", 1);"
            "INSERT INTO `cursor` (account, conversation) VALUES (%" PRIu64 ", %" PRIu64
            "), (%" PRIu64 ", %" PRIu64 ")",
            pair, a < b ? a : b, a < b ? b : a, a, pair, b, pair);
    return pair;
}

void make_friends(struct group_fixture *f, uint64_t a, uint64_t b) {
    sql_run(f->database, "INSERT INTO friendship VALUES (%" PRIu64 ", %" PRIu64 ", 1)",
            a < b ? a : b, a < b ? b : a);
}

void new_friends(struct group_fixture *f, uint64_t *one_r, uint64_t *other_r) {
    *one_r = new_account(f->database, "");
    *other_r = new_account(f->database, "");
    make_friends(f, *one_r, *other_r);
}

bool are_friends(struct group_fixture *f, uint64_t a, uint64_t b) {
    return sql_number(f->database,
                      "SELECT COUNT(*) FROM friendship WHERE lo = %" PRIu64 " AND hi = %" PRIu64,
                      a < b ? a : b, a < b ? b : a) == 1;
}

bool request_waits(struct group_fixture *f, unsigned kind, uint64_t target, uint64_t account) {
    return sql_number(f->database,
                      "SELECT COUNT(*) FROM request WHERE kind = %u AND target = %" PRIu64
                      " AND account = %" PRIu64 " AND created_ms > 0",
                      kind, target, account) == 1;
}

uint64_t role_of(struct group_fixture *f, uint64_t group, uint64_t account) {
    return sql_number(f->database,
                      "SELECT role FROM member WHERE conversation = %" PRIu64
                      " AND account = %" PRIu64,
                      conversation_of_group(group), account);
}

void set_role(struct group_fixture *f, uint64_t group, uint64_t account, unsigned role) {
    sql_run(f->database,
            "UPDATE member SET role = %u WHERE conversation = %" PRIu64 " AND account = %" PRIu64,
            role, conversation_of_group(group), account);
}

uint64_t version_of(struct group_fixture *f, uint64_t group) {
    return sql_number(f->database, "SELECT version FROM conversation WHERE id = %" PRIu64,
                      conversation_of_group(group));
}

/* Has the service use as many connections as it may have, and so make those that it has not. */
static void use_all_connections(struct group_fixture *f) {
    struct test_caller *callers[GROUP_TEST_CONNECTIONS];
    uint64_t owner = new_account(f->database, ""), group = new_group(f, owner, "");
    struct group_leave ask = {.group = group, .account = owner};
    struct db *holder = hold(f->database, conversation_of_group(group));
    for (size_t i = 0; i < GROUP_TEST_CONNECTIONS; i++) {
        callers[i] = test_caller_new(test_text("caller %zu", i), f->port);
        test_caller_start(callers[i], &message_GROUP_LEAVE, &ask);
    }
    wait_for_connections(f->database, WAITS_FOR_LOCK, GROUP_TEST_CONNECTIONS);
    let_go(&holder);
    for (size_t i = 0; i < GROUP_TEST_CONNECTIONS; i++) {
        assert_err(test_caller_finish(callers[i], &message_GROUP_LEAVE, NULL), ERR_OWNER_STAYS);
        test_caller_destroy(&callers[i]);
    }
}

void kill_connections(struct group_fixture *f) {
    use_all_connections(f);
    assert_in_range(test_database_kill_connections(f->database), GROUP_TEST_CONNECTIONS,
                    GROUP_TEST_CONNECTIONS + 1); /* a holder's may still be there */
    wait_for_connections(f->database, "command = 'Killed'", 0);
}

void ask_both(struct group_fixture *f, uint64_t conversation,
              const struct message_desc *const messages[2], const void *const bodies[2],
              enum err errs_r[2]) {
    struct test_caller *other = test_caller_new("other", f->port);
    struct db *holder = hold(f->database, conversation);
    test_caller_start(f->caller, messages[0], bodies[0]);
    test_caller_start(other, messages[1], bodies[1]);
    wait_for_connections(f->database, WAITS_FOR_LOCK, 2);
    let_go(&holder);
    errs_r[0] = test_caller_finish(f->caller, messages[0], NULL);
    errs_r[1] = test_caller_finish(other, messages[1], NULL);
    test_caller_destroy(&other);
}

void add_quietly(struct group_fixture *f, uint64_t group, uint64_t account) {
    assert_err(add(f, group, account, 0), ERR_OK);
    next_routed_item(f, f->session);
}

uint64_t new_member(struct group_fixture *f, uint64_t group, const char *id, unsigned role) {
    uint64_t account = new_account(f->database, id);
    add_quietly(f, group, account);
    set_role(f, group, account, role);
    return account;
}
