/* auth alone: the list of an account's logins, and their end. */
#include "common/loop.h"
#include "proto/login_number.h"
#include "tests/support/assertions.h"
#include "tests/support/auth_fixture.h"
#include "tests/support/test_list.h"

static uint64_t new_account(struct auth_fixture *f, struct slice id) {
    return auth_registered(f, (struct auth_register){.id = id, .name = slice_text("Somebody")});
}

static struct slice log_in(struct auth_fixture *f, struct slice id, const char *device,
                           const char *address) {
    struct auth_login_reply reply;
    assert_err(auth_login(f,
                          (struct auth_login){.login = id,
                                              .open = true,
                                              .device = slice_text(device),
                                              .transport = TRANSPORT_WEBSOCKET,
                                              .address = slice_text(address)},
                          &reply),
               ERR_OK);
    return reply.token;
}

static enum err resume(struct auth_fixture *f, struct slice token, const char *device,
                       const char *address) {
    struct auth_login_reply reply;
    return auth_resume(f,
                       (struct auth_resume){.token = token,
                                            .device = slice_text(device),
                                            .transport = TRANSPORT_TCP,
                                            .address = slice_text(address)},
                       &reply);
}

static struct auth_devices_reply devices_of(struct auth_fixture *f, uint64_t account) {
    struct auth_devices_reply reply;
    assert_err(caller_ask(f->caller, &message_AUTH_DEVICES, &(struct auth_devices){account},
                          AUTH_ANSWER_MS, &f->arena, &reply),
               ERR_OK);
    return reply;
}

static uint64_t end_device(struct auth_fixture *f, uint64_t account, uint64_t id) {
    struct auth_end_device_reply reply;
    assert_err(caller_ask(f->caller, &message_AUTH_END_DEVICE,
                          &(struct auth_end_device){account, id}, AUTH_ANSWER_MS, &f->arena,
                          &reply),
               ERR_OK);
    return reply.login;
}

AUTH_TEST(each_login_is_listed) {
    struct slice id = slice_text(auth_fresh(f, "listed"));
    uint64_t account = new_account(f, id), before_ms = (uint64_t)loop_wall_ms();
    assert_int_equal(devices_of(f, account).devices.count, 0);
    struct slice phone = log_in(f, id, "phone", "192.0.2.1");
    struct slice nameless = log_in(f, id, "", "192.0.2.2");
    test_database_run(f->database, "UPDATE token SET heard_ms = heard_ms - 1000,"
                                   " created_ms = created_ms - 1000 WHERE device = 'phone'");
    struct auth_devices_reply reply = devices_of(f, account);
    const struct device *devices = reply.devices.items;
    assert_int_equal(reply.devices.count, 2);
    assert_false(reply.more);
    assert_slice_text(devices[0].device, ""); /* the newest */
    assert_slice_text(devices[0].address, "192.0.2.2");
    assert_true(devices[0].login == login_number(nameless));
    assert_in_range(devices[0].since_ms, before_ms - 5000, (uint64_t)loop_wall_ms() + 5000);
    assert_true(devices[0].heard_ms == devices[0].since_ms);
    assert_slice_text(devices[1].device, "phone");
    assert_slice_text(devices[1].address, "192.0.2.1");
    assert_int_equal(devices[1].transport, TRANSPORT_WEBSOCKET);
    assert_true(devices[1].login == login_number(phone));
    assert_true(devices[0].id != devices[1].id);
}

/* Once an hour, or from another address: thousands resume at once when a gateway restarts. */
AUTH_TEST(resuming_says_from_where) {
    struct slice id = slice_text(auth_fresh(f, "resumed"));
    uint64_t account = new_account(f, id);
    struct slice token = log_in(f, id, "phone", "192.0.2.1");
    const char *where = test_text("WHERE account = %llu", (unsigned long long)account);
    const char *old = test_text("UPDATE token SET heard_ms = heard_ms - 3600000 %s", where);
    test_database_run(f->database,
                      test_text("UPDATE token SET heard_ms = heard_ms - 60000 %s", where));
    const struct device *device = devices_of(f, account).devices.items;
    uint64_t heard_ms = device->heard_ms;
    assert_err(resume(f, token, "tablet", "192.0.2.1"), ERR_OK);
    device = devices_of(f, account).devices.items;
    assert_true(device->heard_ms == heard_ms);
    assert_slice_text(device->device, "phone");
    assert_err(resume(f, token, "", "2001:db8::1"), ERR_OK);
    device = devices_of(f, account).devices.items;
    assert_true(device->heard_ms > heard_ms);
    assert_slice_text(device->address, "2001:db8::1");
    assert_slice_text(device->device, "phone"); /* it did not say another */
    assert_int_equal(device->transport, TRANSPORT_TCP);
    test_database_run(f->database, old);
    assert_err(resume(f, token, "tablet", "2001:db8::1"), ERR_OK);
    device = devices_of(f, account).devices.items;
    assert_slice_text(device->device, "tablet");
    assert_true(device->heard_ms > heard_ms);
}

/* A token that the release before issued. */
AUTH_TEST(a_login_of_before_is_listed_and_ended) {
    struct slice id = slice_text(auth_fresh(f, "before"));
    uint64_t account = new_account(f, id);
    struct slice token = log_in(f, id, "", "");
    test_database_run(f->database,
                      test_text("UPDATE token SET login = NULL, transport = NULL, heard_ms = NULL,"
                                " address = NULL WHERE account = %llu",
                                (unsigned long long)account));
    const struct device *device = devices_of(f, account).devices.items;
    assert_true(device->heard_ms == device->since_ms && device->since_ms > 0);
    assert_true(device->login == 0);
    assert_int_equal(end_device(f, account, device->id), 0);
    assert_err(resume(f, token, "", ""), ERR_BAD_TOKEN);
}

AUTH_TEST(an_ended_login_is_no_more) {
    struct slice id = slice_text(auth_fresh(f, "ended")),
                 other_id = slice_text(auth_fresh(f, "other"));
    uint64_t account = new_account(f, id), other = new_account(f, other_id);
    struct slice phone = log_in(f, id, "phone", ""), tablet = log_in(f, id, "tablet", "");
    struct slice foreign = log_in(f, other_id, "phone", "");
    struct auth_devices_reply reply = devices_of(f, account);
    const struct device *devices = reply.devices.items;
    bool first = devices[0].login == login_number(phone);
    uint64_t phone_id = devices[first ? 0 : 1].id;
    const struct device *theirs = devices_of(f, other).devices.items;
    assert_int_equal(end_device(f, account, theirs->id), 0); /* not one's own: nothing */
    assert_int_equal(end_device(f, account, phone_id + 1), 0);
    assert_true(end_device(f, account, phone_id) == login_number(phone));
    assert_true(end_device(f, account, phone_id) == login_number(phone)); /* the same again */
    assert_err(resume(f, phone, "", ""), ERR_BAD_TOKEN);
    assert_err(resume(f, tablet, "", ""), ERR_OK);
    assert_err(resume(f, foreign, "", ""), ERR_OK);
    assert_int_equal(devices_of(f, account).devices.count, 1);
}

AUTH_TEST(expired_ones_are_left_out) {
    struct slice id = slice_text(auth_fresh(f, "expired"));
    uint64_t account = new_account(f, id);
    (void)log_in(f, id, "phone", "");
    test_database_run(f->database,
                      test_text("UPDATE token SET expires_ms = 1000 * UNIX_TIMESTAMP() - 5000"
                                " WHERE account = %llu",
                                (unsigned long long)account));
    assert_int_equal(devices_of(f, account).devices.count, 0);
}

AUTH_TEST(no_more_are_listed_than_fit) {
    struct slice id = slice_text(auth_fresh(f, "many"));
    uint64_t account = new_account(f, id);
    (void)log_in(f, id, "the newest", "");
    for (unsigned i = 1; i <= DEVICES_MAX; i++) {
        struct auth_devices_reply reply = devices_of(f, account);
        if (i < 3 || i == DEVICES_MAX) {
            assert_int_equal(reply.devices.count, i);
            assert_false(reply.more);
        }
        test_database_run(
            f->database,
            test_text("INSERT INTO token (hash, account, created_ms, expires_ms) SELECT"
                      " UNHEX(SHA2('%u of %llu', 256)), account, created_ms - %u, expires_ms"
                      " FROM token WHERE device = 'the newest' AND account = %llu",
                      i, (unsigned long long)account, i, (unsigned long long)account));
    }
    struct auth_devices_reply reply = devices_of(f, account);
    const struct device *devices = reply.devices.items;
    assert_int_equal(reply.devices.count, DEVICES_MAX);
    assert_true(reply.more);
    assert_slice_text(devices[0].device, "the newest");
}

int main(void) { return test_run_all(auth_fixture_setup, auth_fixture_teardown); }
