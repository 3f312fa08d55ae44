/*
 * parley-group alone: requests that are repeated under the same nonce are done once, and answered
 * as the first was; through one instance or two, one after the other or at once.
 */
#include <string.h>

#include "proto/conversation.h"
#include "services/group/group.h"
#include "services/group/group_sql.h"
#include "tests/support/group_scene.h"

#define DAY_MS ((uint64_t)86400000)

/* A second instance, and a caller of it. */
struct second {
    struct service_process *group;
    struct test_caller *caller;
};

static struct second second_start(const struct group_fixture *f) {
    uint16_t port = test_free_port();
    struct second second = {.group = start_group(f, port)};
    second.caller = test_caller_new("other", port);
    return second;
}

static void second_end(struct second *second) {
    test_caller_destroy(&second->caller);
    assert_int_equal(service_process_stop(&second->group), 0);
}

/* One that no test has used; lives for the whole program. */
static struct slice new_nonce(void) {
    static unsigned count;
    return slice_make(test_text("nonce %010u", ++count), NONCE_BYTES);
}

/* Puts it into the body of a change, whose last field it is. */
static void set_nonce(const struct change *change, struct slice nonce) {
    const struct record_desc *desc = change->message->body;
    const struct record_field *field = &desc->fields[desc->field_count - 1];
    assert_string_equal(field->name, "nonce");
    memcpy((char *)change->body + field->offset, &nonce, sizeof nonce);
}

/* A change; each kind's request has a nonce. */
static void new_change(struct group_fixture *f, struct scene *scene, size_t which,
                       struct change *change_r) {
    set_scene(f, scene);
    *change_r = change_of(scene, which);
    set_nonce(change_r, new_nonce());
}

static void expect_entries(struct group_fixture *f, size_t count) {
    for (size_t i = 0; i < count; i++)
        next_routed_item(f, f->session);
}

static uint64_t kept(struct group_fixture *f) {
    return sql_number(f->database, "SELECT COUNT(*) FROM done");
}

static enum err ask_leave(struct group_fixture *f, uint64_t group, uint64_t account,
                          struct slice nonce) {
    struct group_leave ask = {.group = group, .account = account, .nonce = nonce};
    return test_caller_ask(f->caller, &message_GROUP_LEAVE, &ask, NULL);
}

/* --- one after the other ------------------------------------------------------------------- */

GROUP_TEST(test_each_kind_is_done_once) {
    struct second second = second_start(f);
    for (size_t i = 0; i < CHANGES; i++) {
        struct scene scene;
        struct change change;
        struct done done;
        new_change(f, &scene, i, &change);
        assert_err(test_caller_ask(f->caller, change.message, change.body, &done), ERR_OK);
        assert_false(done.repeat);
        expect_entries(f, change.routed);
        uint64_t after = sql_state(f);
        struct test_caller *callers[] = {f->caller, second.caller};
        for (size_t j = 0; j < 2; j++) {
            assert_err(test_caller_ask(callers[j], change.message, change.body, &done), ERR_OK);
            assert_true(done.repeat);
        }
        assert_int_equal(sql_state(f), after);
        assert_int_equal(kept(f), i + 1);
        expect_nothing_routed(f);
    }
    second_end(&second);
}

GROUP_TEST(test_an_undone_change_stays_undone) {
    uint64_t owner = new_account(f->database, ""), group = new_group(f, owner, "");
    uint64_t ada = new_member(f, group, "", GROUP_MEMBER);
    struct slice nonce = new_nonce();
    assert_err(ask_leave(f, group, ada, nonce), ERR_OK);
    expect_entries(f, 1);
    add_quietly(f, group, ada);
    assert_err(ask_leave(f, group, ada, nonce), ERR_OK);
    assert_int_equal(role_of(f, group, ada), GROUP_MEMBER);
    assert_err(ask_leave(f, group, ada, new_nonce()), ERR_OK);
    expect_entries(f, 1);
    /* Without a nonce everything is done each time. */
    assert_err(ask_leave(f, group, ada, slice_make(NULL, 0)), ERR_NOT_MEMBER);
    expect_nothing_routed(f);
}

/* A second request for friendship does nothing, and does so again although the first is refused. */
GROUP_TEST(test_nothing_to_do_is_kept_too) {
    uint64_t ada = new_account(f->database, ""), bob = new_account(f->database, "");
    struct group_befriend ask = {.account = ada, .target = bob, .nonce = new_nonce()};
    struct group_answer_friend no = {.account = bob, .asker = ada};
    struct done done;
    assert_err(test_caller_ask(f->caller, &message_GROUP_BEFRIEND, &ask, NULL), ERR_OK);
    expect_entries(f, 1);
    ask.nonce = new_nonce();
    for (int round = 0; round < 2; round++) {
        assert_err(test_caller_ask(f->caller, &message_GROUP_BEFRIEND, &ask, &done), ERR_OK);
        assert_true(done.repeat);
        assert_int_equal(request_waits(f, GROUP_REQUEST_FRIEND, bob, ada), round == 0);
        if (round == 0) {
            assert_err(test_caller_ask(f->caller, &message_GROUP_ANSWER_FRIEND, &no, NULL), ERR_OK);
            expect_entries(f, 1);
        }
    }
    expect_nothing_routed(f);
}

GROUP_TEST(test_a_failure_is_judged_anew) {
    uint64_t owner = new_account(f->database, ""), group = new_group(f, owner, "");
    uint64_t ada = new_account(f->database, ""), before = kept(f);
    struct slice nonce = new_nonce();
    for (int i = 0; i < 2; i++)
        assert_err(ask_leave(f, group, ada, nonce), ERR_NOT_MEMBER);
    assert_int_equal(kept(f), before);
    add_quietly(f, group, ada);
    assert_err(ask_leave(f, group, ada, nonce), ERR_OK);
    expect_entries(f, 1);
    assert_int_equal(kept(f), before + 1);
}

/* --- other requests under the same nonce ----------------------------------------------------- */

GROUP_TEST(test_another_request_is_refused) {
    struct scene s;
    set_scene(f, &s);
    struct slice nonce = new_nonce();
    assert_err(ask_leave(f, s.group, s.eve, nonce), ERR_OK);
    expect_entries(f, 1);
    uint64_t before = sql_state(f);
    struct group_unfriend possible = {.account = s.eve, .target = s.ada, .nonce = nonce};
    struct group_unfriend impossible = {.account = s.eve, .target = s.owner, .nonce = nonce};
    struct group_rename_account rename = {
        .account = s.eve, .name = slice_text("x"), .nonce = nonce};
    struct group_create create = {.account = s.eve, .nonce = nonce};
    struct group_befriend befriend = {.account = s.eve, .target = 1, .nonce = nonce};
    const struct {
        const struct message_desc *message;
        const void *body;
    } others[] = {{&message_GROUP_UNFRIEND, &possible},
                  {&message_GROUP_UNFRIEND, &impossible},
                  {&message_GROUP_RENAME_ACCOUNT, &rename},
                  {&message_GROUP_CREATE, &create},
                  {&message_GROUP_BEFRIEND, &befriend}};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_err(test_caller_ask(f->caller, others[i].message, others[i].body, NULL),
                   ERR_REF_USED);
    assert_err(ask_leave(f, s.group + 1000000, s.eve, nonce), ERR_REF_USED);
    assert_err(ask_leave(f, 0, s.eve, nonce), ERR_REF_USED);
    assert_int_equal(sql_state(f), before);
    /* It is the account's own. */
    possible = (struct group_unfriend){.account = s.bob, .target = s.eve, .nonce = nonce};
    assert_err(test_caller_ask(f->caller, &message_GROUP_UNFRIEND, &possible, NULL), ERR_OK);
    expect_entries(f, 1);
    expect_nothing_routed(f);
}

GROUP_TEST(test_a_nonce_has_its_length) {
    uint64_t owner = new_account(f->database, ""), group = new_group(f, owner, ""),
             before = sql_state(f);
    static const size_t lengths[] = {1, NONCE_BYTES - 1, NONCE_BYTES + 1};
    for (size_t i = 0; i < 3; i++) {
        struct slice nonce = slice_make("0123456789abcdefg", lengths[i]);
        struct group_create create = {.account = owner, .nonce = nonce};
        assert_err(ask_leave(f, group, owner, nonce), ERR_BAD_REQUEST);
        assert_err(test_caller_ask(f->caller, &message_GROUP_CREATE, &create, NULL),
                   ERR_BAD_REQUEST);
    }
    assert_int_equal(sql_state(f), before);
}

/* --- at once ------------------------------------------------------------------------------- */

GROUP_TEST(test_each_kind_twice_at_once) {
    struct test_caller *same = test_caller_new("same", f->port);
    struct second second = second_start(f);
    for (size_t i = 0; i < 2 * CHANGES; i++) {
        struct test_caller *other = i % 2 == 0 ? same : second.caller;
        struct scene scene;
        struct change change;
        struct done dones[2];
        new_change(f, &scene, i / 2, &change);
        struct db *holder = hold(f->database, change.locked);
        test_caller_start(f->caller, change.message, change.body);
        test_caller_start(other, change.message, change.body);
        wait_for_connections(f->database, WAITS_FOR_LOCK, 2);
        let_go(&holder);
        assert_err(test_caller_finish(f->caller, change.message, &dones[0]), ERR_OK);
        assert_err(test_caller_finish(other, change.message, &dones[1]), ERR_OK);
        assert_int_equal(dones[0].repeat + dones[1].repeat, 1);
        expect_entries(f, change.routed);
    }
    expect_nothing_routed(f);
    test_caller_destroy(&same);
    second_end(&second);
}

/* The changes lock nothing in common but the nonce's row. */
GROUP_TEST(test_two_other_requests_at_once) {
    struct second second = second_start(f);
    uint64_t owner = new_account(f->database, "");
    uint64_t groups[] = {new_group(f, owner, ""), new_group(f, owner, "")};
    for (unsigned round = 0; round < 20; round++) {
        struct slice nonce = new_nonce(), name = slice_text(test_text("round %u", round));
        struct group_rename asks[2];
        for (size_t i = 0; i < 2; i++)
            asks[i] = (struct group_rename){
                .group = groups[i], .by = owner, .name = name, .nonce = nonce};
        test_caller_start(f->caller, &message_GROUP_RENAME, &asks[0]);
        test_caller_start(second.caller, &message_GROUP_RENAME, &asks[1]);
        enum err one = test_caller_finish(f->caller, &message_GROUP_RENAME, NULL);
        enum err other = test_caller_finish(second.caller, &message_GROUP_RENAME, NULL);
        assert_int_equal((one == ERR_OK) + (other == ERR_OK), 1);
        assert_int_equal((one == ERR_REF_USED) + (other == ERR_REF_USED), 1);
        assert_int_equal(sql_number(f->database,
                                    "SELECT COUNT(*) FROM conversation WHERE name = 'round %u'",
                                    round),
                         1);
        expect_entries(f, 1);
    }
    expect_nothing_routed(f);
    second_end(&second);
}

/* --- making a group ------------------------------------------------------------------------ */

static void assert_created(struct group_fixture *f, struct test_caller *caller,
                           const struct group_create *ask, uint64_t group, const char *id,
                           const char *name) {
    struct group_create_reply reply;
    uint64_t before = sql_state(f);
    assert_err(test_caller_ask(caller, &message_GROUP_CREATE, ask, &reply), ERR_OK);
    assert_int_equal(reply.group, group);
    assert_slice_text(reply.id, id);
    assert_slice_text(reply.name, name);
    assert_int_equal(sql_state(f), before);
}

GROUP_TEST(test_a_group_is_made_once) {
    struct second second = second_start(f);
    uint64_t ada = new_account(f->database, "");
    static const struct {
        const char *id, *name;
    } cases[] = {{"", ""}, {"", "a name"}, {"chosen", ""}, {"chosen too", "a name"}, {"4711", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct group_create ask = {.account = ada,
                                   .id = slice_text(cases[i].id),
                                   .name = slice_text(cases[i].name),
                                   .nonce = new_nonce()};
        struct group_create_reply reply;
        assert_err(test_caller_ask(f->caller, &message_GROUP_CREATE, &ask, &reply), ERR_OK);
        uint64_t group = reply.group;
        const char *id = test_text("%.*s", (int)reply.id.length, reply.id.data);
        const char *name = test_text("%.*s", (int)reply.name.length, reply.name.data);
        assert_created(f, f->caller, &ask, group, id, name);
        /* Whatever has become of it. */
        sql_run(f->database,
                "UPDATE conversation SET name = 'x', dissolved = TRUE WHERE id = %" PRIu64,
                conversation_of_group(group));
        assert_created(f, second.caller, &ask, group, id, name);
        ask.name = slice_text("another");
        assert_err(test_caller_ask(f->caller, &message_GROUP_CREATE, &ask, &reply), ERR_REF_USED);
    }
    second_end(&second);
}

GROUP_TEST(test_a_group_is_made_once_by_two) {
    struct second second = second_start(f);
    uint64_t ada = new_account(f->database, "");
    for (unsigned round = 0; round < 20; round++) {
        const char *id = round % 2 == 0 ? "" : test_text("of two %u", round);
        struct group_create ask = {.account = ada, .id = slice_text(id), .nonce = new_nonce()};
        struct group_create_reply one, other;
        test_caller_start(f->caller, &message_GROUP_CREATE, &ask);
        test_caller_start(second.caller, &message_GROUP_CREATE, &ask);
        assert_err(test_caller_finish(f->caller, &message_GROUP_CREATE, &one), ERR_OK);
        assert_err(test_caller_finish(second.caller, &message_GROUP_CREATE, &other), ERR_OK);
        assert_int_equal(one.group, other.group);
        assert_true(slice_equal(one.id, other.id) && slice_equal(one.name, other.name));
    }
    assert_int_equal(
        sql_number(f->database, "SELECT COUNT(*) FROM conversation WHERE owner = %" PRIu64, ada),
        20);
    second_end(&second);
}

/* --- forgetting ---------------------------------------------------------------------------- */

/* How many are older than that; whole steps are gone, never a part of one. */
static uint64_t count_old(struct group_fixture *f, uint64_t than_ms) {
    uint64_t left =
        sql_number(f->database, "SELECT COUNT(*) FROM done WHERE time_ms < %" PRIu64, than_ms);
    assert_true(left % GROUP_FORGET_STEP == 500 || left == 0);
    return left;
}

GROUP_TEST(test_old_requests_are_forgotten_in_steps) {
    uint64_t now_ms = (uint64_t)loop_wall_ms();
    /* Each either a minute too old or a minute too young. */
    sql_run(f->database,
            "INSERT INTO done SELECT 1, UNHEX(MD5(seq)), UNHEX(MD5(seq)), 0, IF(seq <= %d, %" PRIu64
            ", %" PRIu64 ") FROM seq_1_to_%d",
            2 * GROUP_FORGET_STEP + 500, now_ms - 7 * DAY_MS - 60000, now_ms - 7 * DAY_MS + 60000,
            2 * GROUP_FORGET_STEP + 510);
    struct second second = second_start(f); /* which begins with it */
    TEST_UNTIL(count_old(f, now_ms - 7 * DAY_MS) == 0, "some are still there");
    assert_int_equal(sql_number(f->database, "SELECT COUNT(*) FROM done WHERE account = 1"), 10);
    second_end(&second);
}

int main(void) { return test_run_all(group_set_up, group_tear_down); }
