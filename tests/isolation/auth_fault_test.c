/* auth alone: malformed requests, a database that goes away, starts that fail. */
#include <string.h>

#include "common/loop.h"
#include "tests/support/assertions.h"
#include "tests/support/auth_fixture.h"
#include "tests/support/test_keys.h"
#include "tests/support/test_list.h"

#define BODY_MAX_BYTES (1 << 20)

/* --- bodies that do not fit ---------------------------------------------------------------- */

static int write_body(void *out, const char *bytes, size_t length) {
    return buffer_add(out, bytes, length);
}

enum fault { FAULT_MISSING, FAULT_NUMBER, FAULT_LIST, FAULT_TOO_LONG, FAULT_NIL_ITEM };

/* A value that fits its field or, for the one under test, is wrong in one way. */
static void pack_value(msgpack_packer *packer, const struct record_field *field, bool wrong,
                       enum fault fault) {
    static char longest[4096];
    memset(longest, 'x', sizeof longest);
    if (wrong && fault == FAULT_NUMBER) {
        msgpack_pack_int64(packer, -1);
    } else if (wrong && fault == FAULT_LIST) {
        msgpack_pack_map(packer, 0);
    } else if (wrong && fault == FAULT_NIL_ITEM) {
        msgpack_pack_array(packer, 1);
        msgpack_pack_nil(packer);
    } else if (field->type == RECORD_TEXTS) {
        size_t count = wrong ? field->max + 1 : 1;
        msgpack_pack_array(packer, count);
        while (count-- > 0)
            msgpack_pack_str_with_body(packer, "x", 1);
    } else if (field->type == RECORD_TEXT) {
        msgpack_pack_str_with_body(packer, longest, wrong ? field->max + 1 : 1);
    } else if (field->type == RECORD_BOOL) {
        msgpack_pack_true(packer);
    } else {
        msgpack_pack_uint64(packer, 1);
    }
}

/* The answer to a body whose field `index` is wrong in this way. */
static enum err ask_wrongly(struct auth_fixture *f, const struct message_desc *message,
                            size_t index, enum fault fault) {
    struct buffer body = buffer_make(BODY_MAX_BYTES);
    const struct record_desc *desc = message->body;
    msgpack_packer packer;
    msgpack_packer_init(&packer, &body, write_body);
    msgpack_pack_map(&packer, desc->field_count - (fault == FAULT_MISSING));
    for (size_t i = 0; i < desc->field_count; i++) {
        const struct record_field *field = &desc->fields[i];
        if (i == index && fault == FAULT_MISSING)
            continue;
        msgpack_pack_str_with_body(&packer, field->name, strlen(field->name));
        pack_value(&packer, field, i == index, fault);
    }
    enum err err = caller_ask_bytes(f->caller, message->name, slice_make(body.data, body.length),
                                    AUTH_ANSWER_MS, &f->arena, NULL, NULL);
    buffer_free(&body);
    return err;
}

AUTH_TEST(test_every_field_is_checked) {
    static const struct message_desc *const messages[] = {
        &message_AUTH_REGISTER, &message_AUTH_LOGIN, &message_AUTH_LOGOUT, &message_AUTH_RESOLVE};
    for (size_t m = 0; m < 4; m++) {
        for (size_t i = 0; i < messages[m]->body->field_count; i++) {
            const struct record_field *field = &messages[m]->body->fields[i];
            for (int fault = FAULT_MISSING; fault <= FAULT_NIL_ITEM; fault++) {
                bool has_length = field->type == RECORD_TEXT || field->type == RECORD_TEXTS;
                if ((fault == FAULT_MISSING && !field->required) ||
                    (fault == FAULT_TOO_LONG && !has_length))
                    continue;
                enum err err = ask_wrongly(f, messages[m], i, (enum fault)fault);
                if (err != ERR_BAD_REQUEST || strstr(caller_fault(f->caller), field->name) == NULL)
                    fail_msg("%s with a wrong %s (%d): %s: %s", messages[m]->name, field->name,
                             fault, err_word(err), caller_fault(f->caller));
            }
        }
    }
}

AUTH_TEST(test_no_body) {
    static const struct slice bodies[] = {{"", 0},
                                          {"\xc0", 1},
                                          {"\x93\x01\x02\x03", 4},
                                          {"\x81\xa5login", 7},
                                          {"\xdf\xff\xff\xff\xff", 5}};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        assert_err(caller_ask_bytes(f->caller, "auth.login", bodies[i], AUTH_ANSWER_MS, &f->arena,
                                    NULL, NULL),
                   ERR_BAD_REQUEST);
}

AUTH_TEST(test_unknown_message) {
    static const char *const names[] = {"auth.nothing", "group.create", "", "auth.login "};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_err(caller_ask_bytes(f->caller, names[i], slice_text("\x80"), AUTH_ANSWER_MS,
                                    &f->arena, NULL, NULL),
                   ERR_UNKNOWN_MESSAGE);
}

/* --- the database goes away ---------------------------------------------------------------- */

/* Asks until the answer is another than unavailable: a kill may reach a connection just after it
 * was found to be in order. */
static enum err ask_again(struct auth_fixture *f, const struct message_desc *message,
                          const void *ask, void *reply) {
    int64_t deadline_ms = loop_now_ms() + TEST_DEADLINE_MS;
    enum err err;
    do
        err = caller_ask(f->caller, message, ask, AUTH_ANSWER_MS, &f->arena, reply);
    while ((err == ERR_UNAVAILABLE || err == ERR_UNKNOWN_OUTCOME) && loop_now_ms() < deadline_ms);
    return err;
}

AUTH_TEST(test_connections_are_killed) {
    for (int round = 0; round < 5; round++) {
        struct auth_register_reply registered;
        struct auth_login_reply reply;
        struct auth_register ask = {.id = slice_text(auth_fresh(f, "survivor"))};
        assert_err(ask_again(f, &message_AUTH_REGISTER, &ask, &registered), ERR_OK);
        assert_true(test_database_kill_connections(f->database) > 0);
        struct auth_login login = {.login = ask.id, .open = true};
        assert_err(ask_again(f, &message_AUTH_LOGIN, &login, &reply), ERR_OK);
        assert_true(reply.account == registered.account);
    }
}

/* Every request while connections die gets an answer: that it was done, was not, or that nobody
 * knows. */
AUTH_TEST(test_killed_in_between) {
    struct caller *other = caller_new(caller_address(f->caller), test_keys(TEST_KEYS_SELF), "auth");
    unsigned registered = 0;
    assert_non_null(other);
    for (int round = 0; round < 50; round++) {
        struct auth_register_reply reply;
        struct auth_register ask = {.id = slice_text(auth_fresh(f, "between"))};
        assert_err(caller_send(other, &message_AUTH_REGISTER, &ask), ERR_OK);
        test_database_kill_connections(f->database);
        enum err err = caller_receive(other, &message_AUTH_REGISTER, loop_now_ms() + AUTH_ANSWER_MS,
                                      &f->arena, &reply);
        assert_true(err == ERR_OK || err == ERR_UNAVAILABLE || err == ERR_UNKNOWN_OUTCOME);
        registered += err == ERR_OK;
    }
    caller_destroy(&other);
    assert_true(test_database_number(f->database,
                                     "SELECT COUNT(*) FROM account WHERE id LIKE 'between-%'") >=
                registered);
    struct auth_register_reply reply;
    assert_err(ask_again(f, &message_AUTH_REGISTER, &(struct auth_register){0}, &reply), ERR_OK);
}

/* --- starts that fail ---------------------------------------------------------------------- */

/* Starts auth, which must end with `status` after one line that holds `reason`. */
static void assert_start_fails(const char *const *arguments, int status, const char *reason) {
    struct service_process *auth = service_process_start("parley-auth", NULL, arguments);
    int actual = service_process_wait_exit(auth);
    const char *output = service_process_output(auth);
    const char *end = strchr(output, '\n');
    if (actual != status || strstr(output, reason) == NULL || end == NULL || end[1] != '\0')
        fail_msg("ended with %d, expected %d and one line with '%s', said:\n%s", actual, status,
                 reason, output);
    service_process_kill(&auth);
}

AUTH_TEST(test_start_with_a_wrong_option) {
    (void)f;
    assert_start_fails((const char *[]){"--no-such-option=1", NULL}, 2, "no-such-option");
    assert_start_fails((const char *[]){"--auth-port=70000", NULL}, 2, "auth_port");
    assert_start_fails((const char *[]){"--token-days=0", NULL}, 2, "token_days");
    /* libsodium's least is 8. */
    assert_start_fails((const char *[]){"--password-memory-kib=7", NULL}, 2, "password_memory_kib");
    assert_start_fails((const char *[]){"surplus", NULL}, 2, "surplus");
}

AUTH_TEST(test_start_on_a_taken_port) {
    const char *port = strrchr(caller_address(f->caller), ':') + 1;
    assert_start_fails((const char *[]){AUTH_CHEAP, test_text("--auth-port=%s", port),
                                        "--listen-wait-ms=0", "--youim-open-login=false", NULL},
                       1, port);
}

AUTH_TEST(test_start_at_another_version) {
    const char *const *cheap =
        (const char *[]){AUTH_CHEAP, test_text("--auth-port=%u", (unsigned)test_free_port()),
                         "--youim-open-login=false", NULL};
    test_database_run(f->database, "INSERT INTO schema_version VALUES (999, '0999_later', 1, 2)");
    assert_start_fails(cheap, 1, "newer build");
    test_database_run(f->database,
                      "UPDATE schema_version SET finished_ms = NULL WHERE number = 999");
    assert_start_fails(cheap, 1, "0999_later");
    test_database_run(f->database, "DELETE FROM schema_version WHERE number = 999");
    test_database_run(f->database, "RENAME TABLE schema_version TO hidden");
    assert_start_fails(cheap, 1, "run parleyctl migrate");
    test_database_run(f->database, "RENAME TABLE hidden TO schema_version");
}

int main(void) { return test_run_all(auth_fixture_setup, auth_fixture_teardown); }
