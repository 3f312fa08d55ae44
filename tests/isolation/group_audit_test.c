/* parley-group alone: rows of the audit about groups, and how long they are kept. */
#include "services/group/group.h"
#include "services/group/group_sql.h"
#include "tests/support/group_fixture.h"

#define DAY_MS UINT64_C(86400000)

static uint64_t noted(struct group_fixture *f, const char *event, uint64_t account, uint64_t group,
                      const char *address) {
    return sql_number(f->database,
                      "SELECT COUNT(*) FROM audit WHERE event = '%s' AND account = %" PRIu64
                      " AND subject = %" PRIu64 " AND COALESCE(address, '') = '%s'",
                      event, account, group, address);
}

/* The same again from another address is the same request. */
GROUP_TEST(test_a_group_that_is_made) {
    uint64_t owner = new_account(f->database, "");
    struct group_create ask = {.account = owner,
                               .id = slice_text("audited"),
                               .nonce = slice_text("0123456789abcdef"),
                               .address = slice_text("192.0.2.1")};
    struct group_create_reply reply;
    for (int i = 0; i < 2; i++) {
        assert_err(test_caller_ask(f->caller, &message_GROUP_CREATE, &ask, &reply), ERR_OK);
        assert_int_equal(noted(f, "group_made", owner, reply.group, "192.0.2.1"), 1);
        ask.address = slice_text("192.0.2.2");
    }
    assert_int_equal(noted(f, "group_made", owner, reply.group, "192.0.2.2"), 0);
}

TEST_WITH(test_roles_and_the_end, struct group_fixture *f, NULL, NULL) {
    uint64_t owner = new_account(f->database, ""), group = new_group(f, owner, "");
    uint64_t ada = new_member(f, group, "", GROUP_MEMBER);
    struct group_set_admin role = {.group = group,
                                   .account = ada,
                                   .by = owner,
                                   .on = true,
                                   .nonce = slice_text("0123456789abcdeg"),
                                   .address = slice_text("192.0.2.3")};
    for (int i = 0; i < 2; i++) {
        assert_err(test_caller_ask(f->caller, &message_GROUP_SET_ADMIN, &role, NULL), ERR_OK);
        assert_int_equal(noted(f, "role_changed", owner, group, "192.0.2.3"), 1);
        role.address = slice_text("192.0.2.4");
    }
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM audit WHERE detail = 'account %" PRIu64
                                " is an administrator'",
                                ada),
                     1);
    struct group_dissolve dissolve = {.group = group, .by = ada, .address = role.address};
    assert_err(test_caller_ask(f->caller, &message_GROUP_DISSOLVE, &dissolve, NULL),
               ERR_NOT_ALLOWED);
    assert_int_equal(noted(f, "group_dissolved", ada, group, "192.0.2.4"), 0);
    dissolve.by = 0; /* the operator */
    dissolve.address = slice_text("");
    assert_err(test_caller_ask(f->caller, &message_GROUP_DISSOLVE, &dissolve, NULL), ERR_OK);
    assert_int_equal(noted(f, "group_dissolved", 0, group, ""), 1);
}

TEST_WITH(test_old_rows_are_removed, struct group_fixture *f, NULL, NULL) {
    uint64_t now_ms = (uint64_t)loop_wall_ms();
    /* Each either an hour too old or an hour too young. */
    sql_run(
        f->database,
        "INSERT INTO audit (time_ms, event, account, subject, trace) SELECT IF(seq <= %d, %" PRIu64
        ", %" PRIu64 "), 'operator', 0, 0, 77 FROM seq_1_to_%d",
        2 * GROUP_FORGET_STEP + 500, now_ms - 3 * DAY_MS - 3600000, now_ms - 3 * DAY_MS + 3600000,
        2 * GROUP_FORGET_STEP + 510);
    uint16_t port = f->port;
    f->option = "--audit-days=3";
    struct service_process *second = start_group(f, test_free_port());
    TEST_UNTIL(sql_number(f->database, "SELECT COUNT(*) FROM audit WHERE trace = 77") == 10,
               "some are still there");
    assert_int_equal(service_process_stop(&second), 0);
    f->option = NULL;
    f->port = port;
}

int main(void) { return test_run_all(group_set_up, group_tear_down); }
