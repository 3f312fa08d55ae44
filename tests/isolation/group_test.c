/*
 * parley-group alone: making groups and finding them by their string ids.
 */
#include "proto/conversation.h"
#include "proto/ids.h"
#include "tests/support/group_fixture.h"

#include <string.h>

#define FIRST_NUMBER 100000000

static void assert_group(struct group_fixture *f, const struct group_create_reply *group,
                         uint64_t owner, const char *id, const char *name) {
    uint64_t conversation = conversation_of_group(group->group);
    assert_slice_text(group->id, id);
    assert_slice_text(group->name, name);
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM conversation WHERE id = %" PRIu64
                                " AND kind = 1 AND lo = %" PRIu64 " AND hi = 0 AND string_id = '%s'"
                                " AND name = '%s' AND owner = %" PRIu64 " AND dissolved = 0"
                                " AND version = 1 AND created_ms > 0",
                                conversation, group->group, id, name, owner),
                     1);
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM member WHERE conversation = %" PRIu64
                                " AND account = %" PRIu64 " AND role = 3 AND joined_ms > 0",
                                conversation, owner),
                     1);
    assert_int_equal(sql_number(f->database,
                                "SELECT COUNT(*) FROM `cursor` WHERE conversation = %" PRIu64
                                " AND account = %" PRIu64
                                " AND since = 0 AND received = 0 AND until IS NULL",
                                conversation, owner),
                     1);
}

/* --- creating ------------------------------------------------------------------------------ */

GROUP_TEST(test_without_id_gets_a_number) {
    struct group_create_reply first, second;
    uint64_t owner = new_account(f->database, "");
    assert_err(create(f, owner, "", "", &first), ERR_OK);
    assert_in_range(first.group, FIRST_NUMBER, NUMBER_LIMIT - 1);
    char decimal[24];
    snprintf(decimal, sizeof decimal, "%" PRIu64, first.group);
    assert_group(f, &first, owner, decimal, decimal);
    assert_err(create(f, owner, "", "the second", &second), ERR_OK);
    snprintf(decimal, sizeof decimal, "%" PRIu64, second.group);
    assert_group(f, &second, owner, decimal, "the second");
    assert_int_equal(fake_peer_waiting(f->session), 0);
}

GROUP_TEST(test_with_a_chosen_id) {
    struct group_create_reply group;
    uint64_t owner = new_account(f->database, "owner of räume");
    assert_err(create(f, owner, "räume", "", &group), ERR_OK);
    assert_in_range(group.group, FIRST_NUMBER, NUMBER_LIMIT - 1);
    assert_group(f, &group, owner, "räume", "räume");
    /* No other string is the same: neither case, nor leading zeros, nor a number that is too large
     * to be one. */
    static const char *const others[] = {"Räume", "007", "9007199254740992"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_err(create(f, owner, others[i], "n", &group), ERR_OK);
        assert_in_range(group.group, FIRST_NUMBER, NUMBER_LIMIT - 1);
        assert_group(f, &group, owner, others[i], "n");
    }
    uint64_t rows = group_rows(f);
    assert_err(create(f, owner, "räume", "another", NULL), ERR_TAKEN);
    assert_int_equal(group_rows(f), rows);
}

GROUP_TEST(test_a_decimal_id_is_the_number) {
    struct group_create_reply group;
    uint64_t owner = new_account(f->database, "");
    assert_err(create(f, owner, "77", "seven", &group), ERR_OK);
    assert_int_equal(group.group, 77);
    assert_group(f, &group, owner, "77", "seven");
    assert_err(create(f, owner, "9007199254740991", "", &group), ERR_OK);
    assert_int_equal(group.group, NUMBER_LIMIT - 1);
    uint64_t rows = group_rows(f), allocated = new_group(f, owner, "");
    char decimal[24];
    snprintf(decimal, sizeof decimal, "%" PRIu64, allocated);
    rows += 4; /* conversation, its version, member, cursor */
    assert_err(create(f, owner, "77", "", NULL), ERR_TAKEN);
    assert_err(create(f, owner, decimal, "", NULL), ERR_TAKEN);
    /* Somebody else's string id, whose number it is not. */
    uint64_t named = new_group(f, owner, "not a number");
    rows += 4;
    snprintf(decimal, sizeof decimal, "%" PRIu64, named);
    assert_err(create(f, owner, decimal, "", NULL), ERR_TAKEN);
    assert_int_equal(group_rows(f), rows);
}

/* Has the next `count` groups that are added meet a number that is taken. */
static void take_next_numbers(struct group_fixture *f, unsigned count) {
    sql_run(f->database,
            "INSERT IGNORE INTO conversation (id, kind, lo, hi, string_id, name, owner,"
            " created_ms) VALUES ((1 << 60) | 7, 1, 7, 0, '7', '7', 1, 1)");
    sql_run(f->database, "CREATE OR REPLACE SEQUENCE met");
    sql_run(f->database,
            "CREATE OR REPLACE TRIGGER meet BEFORE INSERT ON conversation FOR EACH ROW"
            " SET NEW.id = IF(NEXT VALUE FOR met <= %u, (1 << 60) | 7, NEW.id)",
            count);
}

GROUP_TEST(test_allocation_moves_on) {
    struct group_create_reply group;
    uint64_t owner = new_account(f->database, "");
    take_next_numbers(f, 2);
    assert_err(create(f, owner, "", "", &group), ERR_OK);
    assert_in_range(group.group, NUMBER_FIRST_ALLOCATED, NUMBER_LAST_ALLOCATED);
    take_next_numbers(f, 99);
    assert_err(create(f, owner, "moves on", "", &group), ERR_OK);
    assert_in_range(group.group, NUMBER_FIRST_ALLOCATED, NUMBER_LAST_ALLOCATED);
    sql_run(f->database, "DROP TRIGGER meet");
}

GROUP_TEST(test_allocation_is_bounded) {
    uint64_t owner = new_account(f->database, "");
    take_next_numbers(f, 100);
    uint64_t rows = group_rows(f);
    assert_err(create(f, owner, "", "", NULL), ERR_UNAVAILABLE);
    assert_int_equal(group_rows(f), rows);
    sql_run(f->database, "DROP TRIGGER meet");
}

GROUP_TEST(test_ids_and_names_in_other_forms) {
    struct group_create_reply group;
    uint64_t owner = new_account(f->database, "");
    assert_err(create(f, owner, "Cafe\xcc\x81", "Cafe\xcc\x81", &group), ERR_OK);
    assert_group(f, &group, owner, "Caf\xc3\xa9", "Caf\xc3\xa9");
    assert_err(create(f, owner, "Caf\xc3\xa9", "", NULL), ERR_TAKEN);
    /* One of before there was the rule, in NFD. */
    sql_run(f->database,
            "INSERT INTO conversation (id, kind, lo, hi, string_id, name, owner, created_ms)"
            " VALUES ((1 << 60) | 9, 1, 9, 0, 'ole\xcc\x81', 'x', 1, 1)");
    assert_err(create(f, owner, "ol\xc3\xa9", "", NULL), ERR_TAKEN);
    assert_err(create(f, owner, "ole\xcc\x81", "", NULL), ERR_TAKEN);
    static const char *const bad[] = {"club ",
                                      "SYSTEM\xe2\x80\x8b",
                                      "SYS TEM",
                                      "\xef\xbb\xbf"
                                      "club",
                                      "club\n",
                                      "cl\xe2\x80\xae"
                                      "ub"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_err(create(f, owner, bad[i], "", NULL), ERR_BAD_REQUEST);
        assert_err(create(f, owner, "", bad[i], NULL), ERR_BAD_REQUEST);
    }
}

GROUP_TEST(test_names) {
    struct group_create_reply group;
    uint64_t owner = new_account(f->database, "");
    char name[2 * (NAME_MAX_CHARACTERS + 1) + 1];
    for (size_t i = 0; i <= NAME_MAX_CHARACTERS; i++)
        memcpy(name + 2 * i, "ä", 3);
    const char *const longest = test_text("%.*s", 2 * NAME_MAX_CHARACTERS, name);
    assert_err(create(f, owner, "", longest, &group), ERR_OK);
    assert_slice_text(group.name, longest);
    const char *const bad[] = {name, "a\nb", "\x7f", "\xc3", "\xed\xa0\x80"};
    uint64_t rows = group_rows(f);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_err(create(f, owner, "", bad[i], NULL), ERR_BAD_REQUEST);
    assert_int_equal(group_rows(f), rows);
}

GROUP_TEST(test_ids_that_nobody_may_choose) {
    uint64_t owner = new_account(f->database, ""), rows = group_rows(f);
    char longest[ID_MAX_BYTES + 2] = "";
    memset(longest, 'x', ID_MAX_BYTES + 1);
    const char *const bad[] = {"0", "SYSTEM", "sYsTeM", "a\tb", "\xff", longest};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_err(create(f, owner, bad[i], "", NULL), ERR_BAD_REQUEST);
    assert_int_equal(group_rows(f), rows);
    longest[ID_MAX_BYTES] = '\0';
    assert_err(create(f, owner, longest, "", NULL), ERR_OK);
}

GROUP_TEST(test_the_owner_must_exist) {
    uint64_t rows = group_rows(f);
    const uint64_t nobody[] = {0, 1, NUMBER_LIMIT, UINT64_MAX};
    for (size_t i = 0; i < sizeof nobody / sizeof nobody[0]; i++) {
        assert_err(create(f, nobody[i], "", "", NULL), ERR_NO_ACCOUNT);
        assert_err(create(f, nobody[i], "of nobody", "", NULL), ERR_NO_ACCOUNT);
        assert_err(create(f, nobody[i], "4711", "", NULL), ERR_NO_ACCOUNT);
    }
    assert_int_equal(group_rows(f), rows);
}

GROUP_TEST(test_two_of_one_id_at_once) {
    struct test_caller *other = test_caller_new("other", f->port);
    uint64_t owner = new_account(f->database, "");
    for (unsigned i = 0; i < 40; i++) {
        char id[24];
        snprintf(id, sizeof id, i % 2 == 0 ? "race %u" : "4000%u", i);
        struct group_create ask = {.account = owner, .id = slice_text(id)};
        test_caller_start(f->caller, &message_GROUP_CREATE, &ask);
        test_caller_start(other, &message_GROUP_CREATE, &ask);
        enum err a = test_caller_finish(f->caller, &message_GROUP_CREATE, NULL);
        enum err b = test_caller_finish(other, &message_GROUP_CREATE, NULL);
        assert_err(a == ERR_OK ? b : a, ERR_TAKEN);
        assert_err(a == ERR_OK ? a : b, ERR_OK);
        uint64_t conversation = sql_number(
            f->database, "SELECT id FROM conversation WHERE string_id = '%s' AND owner = %" PRIu64,
            id, owner);
        assert_int_equal(sql_number(f->database,
                                    "SELECT COUNT(*) FROM member WHERE conversation = %" PRIu64,
                                    conversation),
                         1);
    }
    test_caller_destroy(&other);
}

/* --- malformed requests -------------------------------------------------------------------- */

#define BYTES(text_) slice_make(text_, sizeof(text_) - 1)

GROUP_TEST(test_malformed_requests_change_nothing) {
    const struct {
        const char *message;
        struct slice body;
        const char *named;
    } cases[] = {
        {"group.create", BYTES("\x80"), "account"},
        {"group.create",
         BYTES("\x81\xa7"
               "account\xa1"
               "5"),
         "account"},
        {"group.create",
         BYTES("\x82\xa7"
               "account\x05\xa2id\x07"),
         "id"},
        {"group.create",
         BYTES("\x82\xa7"
               "account\x05\xa4name\xc0"),
         "name"},
        {"group.create", BYTES("\x93\x01\x02\x03"), ""},
        {"group.create", BYTES("\xdf\xff\xff\xff\xff"), ""},
        {"group.add", BYTES("\x80"), "group"},
        {"group.add", BYTES("\x81\xa5group\x05"), "account"},
        {"group.add",
         BYTES("\x82\xa5group\xff\xa7"
               "account\x05"),
         "group"},
        {"group.add",
         BYTES("\x83\xa5group\x05\xa7"
               "account\x05\xa2"
               "by\x80"),
         "by"},
        {"group.resolve", BYTES("\x80"), "ids"},
        {"group.resolve", BYTES("\x81\xa3ids\x91\x05"), "ids"},
        {"group.resolve", BYTES("\x81\xa3ids\xdd\xff\xff\xff\xff"), ""},
    };
    uint64_t rows = group_rows(f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_err(test_caller_ask_bytes(f->caller, cases[i].message, cases[i].body),
                   ERR_BAD_REQUEST);
        assert_non_null(strstr(test_caller_text(f->caller), cases[i].named));
    }
    assert_err(test_caller_ask_bytes(f->caller, "group.nonsense", BYTES("\x80")),
               ERR_UNKNOWN_MESSAGE);
    assert_int_equal(group_rows(f), rows);
}

GROUP_TEST(test_unknown_fields_are_ignored) {
    uint64_t owner = new_account(f->database, "");
    struct buffer body = buffer_make(256);
    buffer_add(&body,
               "\x84\xa1x\x93\x01\xc0\x80\xa2id\xa7ignores\xa7"
               "account\xce",
               27);
    for (int shift = 24; shift >= 0; shift -= 8)
        buffer_add(&body, &(char){(char)(owner >> shift)}, 1);
    buffer_add(&body, "\xa5owner\x05", 7);
    assert_err(test_caller_ask_bytes(f->caller, "group.create", slice_make(body.data, body.length)),
               ERR_OK);
    buffer_free(&body);
    assert_int_equal(
        sql_number(f->database, "SELECT owner FROM conversation WHERE string_id = 'ignores'"),
        owner);
}

/* --- resolving ----------------------------------------------------------------------------- */

GROUP_TEST(test_resolve) {
    uint64_t owner = new_account(f->database, ""), tea = new_group(f, owner, "tea"),
             coffee = new_group(f, owner, "coffee"), plain = new_group(f, owner, "");
    sql_run(f->database, "UPDATE conversation SET dissolved = 1 WHERE string_id = 'coffee'");
    char decimal[24], too_long[100];
    snprintf(decimal, sizeof decimal, "%" PRIu64, plain);
    memset(too_long, 'x', sizeof too_long);
    struct slice ids[] = {slice_text("coffee"), slice_text("no such group"),
                          slice_text("tea"),    slice_text("TEA"),
                          slice_text(""),       slice_text("\xff"),
                          slice_text("tea"),    slice_make(too_long, sizeof too_long),
                          slice_text(decimal)};
    const uint64_t numbers[] = {coffee, 0, tea, 0, 0, 0, tea, 0, plain};
    struct group_resolve ask = {{ids, sizeof ids / sizeof ids[0]}};
    struct group_resolve_reply reply;
    assert_err(test_caller_ask(f->caller, &message_GROUP_RESOLVE, &ask, &reply), ERR_OK);
    assert_int_equal(reply.groups.count, ask.ids.count);
    assert_memory_equal(reply.groups.items, numbers, sizeof numbers);
    ask.ids.count = 0;
    assert_err(test_caller_ask(f->caller, &message_GROUP_RESOLVE, &ask, &reply), ERR_OK);
    assert_int_equal(reply.groups.count, 0);
}

GROUP_TEST(test_resolve_as_many_as_there_may_be) {
    uint64_t owner = new_account(f->database, ""), numbers[257] = {0};
    struct slice ids[257];
    for (size_t i = 0; i < 257; i++)
        ids[i] = slice_text("nobody's");
    for (size_t i = 0; i < 257; i += 15) {
        ids[i] = slice_text(test_text("many %zu", i));
        numbers[i] = new_group(f, owner, ids[i].data);
    }
    struct group_resolve ask = {{ids, 256}};
    struct group_resolve_reply reply;
    assert_err(test_caller_ask(f->caller, &message_GROUP_RESOLVE, &ask, &reply), ERR_OK);
    assert_int_equal(reply.groups.count, 256);
    assert_memory_equal(reply.groups.items, numbers, 256 * sizeof numbers[0]);
    ask.ids.count = 257;
    assert_err(test_caller_ask(f->caller, &message_GROUP_RESOLVE, &ask, NULL), ERR_BAD_REQUEST);
}

/* --- the database and the session away ----------------------------------------------------- */

GROUP_TEST(test_killed_connections_are_made_again) {
    uint64_t owner = new_account(f->database, "");
    for (unsigned i = 0; i < 3; i++) {
        kill_connections(f);
        assert_in_range(new_group(f, owner, ""), FIRST_NUMBER, NUMBER_LIMIT - 1);
    }
}

TEST(test_without_a_session_it_does_not_start) {
    struct service_process *group = service_process_start(
        "parley-group", NULL,
        (const char *[]){
            test_text("--group-port=%u", (unsigned)test_free_port()),
            test_text("--session-peers=tcp://127.0.0.1:%u", (unsigned)test_free_port()),
            "--peer-wait-ms=200", NULL});
    assert_int_equal(service_process_wait_exit(group), 1);
    assert_non_null(strstr(service_process_output(group), "event=start_failed"));
    service_process_kill(&group);
}

int main(void) { return test_run_all(group_set_up, group_tear_down); }
