/*
 * Friends, groups, notices and SYSTEM in the OurChat dialect: requests and answers as the
 * protocol's document has them, and what clients that opted in have beside it.
 */
#include "proto/conversation.h"
#include "tests/support/dialect_check.h"

#define D DIALECT_OURCHAT
#define NOW 1700000000999
#define ME 123456789
#define OTHER 200000000
#define GROUP 100000001

/* --- requests -------------------------------------------------------------------------------- */

static void check_absent(struct dialect_id id) { assert_false(id.present); }

static void reads_asking_to_join(void **state) {
    (void)state;
    struct dialect_request request;
    check_read(D, false, "{\n\
  'code': 9,\n\
  'time': 1700000000,\n\
  'data': {\n\
    'group_id': 100000001,\n\
    'ocid': 123456789\n\
  }\n\
}",
               NULL, &request);
    assert_int_equal(request.operation, OPERATION_JOIN);
    assert_true(request.login_needed);
    check_id(request.actor, ME, "");
    check_id(request.group, GROUP, "");
    check_absent(request.person);
    dialect_request_free(&request);
}

static void reads_asking_for_friendship(void **state) {
    (void)state;
    struct dialect_request request;
    check_read(D, false, "{\n\
  'code': 9,\n\
  'time': 1700000000,\n\
  'data': {\n\
    'group_id': null,\n\
    'add_ocid':'200000000',\n\
    'ocid': 123456789\n\
  }\n\
}",
               NULL, &request);
    assert_int_equal(request.operation, OPERATION_BEFRIEND);
    assert_true(request.login_needed);
    check_id(request.actor, ME, "");
    check_id(request.person, OTHER, "");
    check_absent(request.group);
    dialect_request_free(&request);
}

static void reads_admitting_to_a_group(void **state) {
    (void)state;
    struct dialect_request request;
    check_read(D, false, "{\n\
  'code': 10,\n\
  'time': 1700000000,\n\
  'data': {\n\
    'group_id': 100000001,\n\
    'group_name': 'friends',\n\
    'ocid': 200000000\n\
  }\n\
}",
               NULL, &request);
    assert_int_equal(request.operation, OPERATION_ADMIT);
    assert_true(request.login_needed);
    assert_true(request.accept);
    check_absent(request.actor); /* whoever is logged in */
    check_id(request.group, GROUP, "");
    check_id(request.person, OTHER, "");
    dialect_request_free(&request);
}

static void reads_accepting_a_friend(void **state) {
    (void)state;
    struct dialect_request request;
    check_read(D, false, "{\n\
  'code': 10,\n\
  'time': 1700000000,\n\
  'data': {\n\
    'add_ocid': 123456789,\n\
    'ocid': 200000000\n\
  }\n\
}",
               NULL, &request);
    assert_int_equal(request.operation, OPERATION_ANSWER_FRIEND);
    assert_true(request.login_needed);
    assert_true(request.accept);
    check_id(request.actor, ME, "");
    check_id(request.person, OTHER, "");
    check_absent(request.group);
    dialect_request_free(&request);
}

static void reads_refusing_an_applicant(void **state) {
    (void)state;
    struct dialect_request request;
    check_read(D, false, "{\n\
  'code': 11,\n\
  'time': 1700000000,\n\
  'data': {\n\
    'group_id': 100000001,\n\
    'ocid': 200000000\n\
  }\n\
}",
               NULL, &request);
    assert_int_equal(request.operation, OPERATION_ANSWER_JOIN);
    assert_true(request.login_needed);
    assert_false(request.accept);
    check_absent(request.actor);
    check_id(request.group, GROUP, "");
    check_id(request.person, OTHER, "");
    dialect_request_free(&request);
}

static void reads_refusing_a_friend(void **state) {
    (void)state;
    struct dialect_request request;
    check_read(D, false, "{'code':11,'time':1700000000,'data':{'ocid':200000000}}", NULL, &request);
    assert_int_equal(request.operation, OPERATION_ANSWER_FRIEND);
    assert_true(request.login_needed);
    assert_false(request.accept);
    check_absent(request.actor);
    check_absent(request.group);
    check_id(request.person, OTHER, "");
    dialect_request_free(&request);
    check_read(D, false, "{'code':11,'data':{'add_ocid':123456789,'ocid':200000000}}", NULL,
               &request);
    assert_int_equal(request.operation, OPERATION_ANSWER_FRIEND);
    check_id(request.actor, ME, "");
    check_id(request.person, OTHER, "");
    dialect_request_free(&request);
}

static void reads_new_names(void **state) {
    (void)state;
    struct dialect_request request;
    check_read(D, false, "{\n\
  'code': 12,\n\
  'time': 1700000000,\n\
  'data': {\n\
    'group_id': 100000001,\n\
    'ocid': 200000000,\n\
    'name': '\xe5\xbc\xa0'\n\
  }\n\
}",
               NULL, &request);
    assert_int_equal(request.operation, OPERATION_RENAME_GROUP);
    assert_true(request.login_needed);
    check_id(request.group, GROUP, "");
    check_absent(request.actor); /* of a group, ocid means nothing */
    check_slice(request.name, "\xe5\xbc\xa0");
    dialect_request_free(&request);
    check_read(D, false, "{'code':12,'data':{'ocid':123456789,'name':'n','group_name':'x'}}", NULL,
               &request);
    assert_int_equal(request.operation, OPERATION_RENAME_SELF);
    assert_true(request.login_needed);
    check_id(request.actor, ME, "");
    check_slice(request.name, "n");
    dialect_request_free(&request);
    check_read(D, false, "{'code':12,'data':{'ocid':123456789,'group_name':'x'}}", NULL, &request);
    check_slice(request.name, "x");
    dialect_request_free(&request);
}

static const struct {
    const char *json, *unknown;
    enum operation operation;
    bool group, person, accept;
} extensions[] = {
    {"{'code':111,'data':{'group_id':100000001,'ocid':123456789}}", "code 111 is not known",
     OPERATION_LEAVE, true, false, false},
    {"{'code':115,'data':{'ocid':123456789,'target_ocid':200000000}}", "code 115 is not known",
     OPERATION_UNFRIEND, false, true, false},
    {"{'code':117,'data':{'group_id':100000001,'ocid':123456789,'target_ocid':200000000}}",
     "code 117 is not known", OPERATION_REMOVE_MEMBER, true, true, false},
    {"{'code':119,'data':{'group_id':100000001,'ocid':123456789,'target_ocid':200000000}}",
     "code 119 is not known", OPERATION_SET_ADMIN, true, true, true},
    {"{'code':121,'data':{'group_id':100000001,'ocid':123456789,'target_ocid':200000000}}",
     "code 121 is not known", OPERATION_SET_ADMIN, true, true, false},
    {"{'code':211,'data':{'group_id':100000001,'ocid':123456789}}", "code 211 is not known",
     OPERATION_DISSOLVE, true, false, false},
};

static void reads_what_the_other_dialect_has(void **state) {
    (void)state;
    struct dialect_request request;
    for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++) {
        check_read(D, false, extensions[i].json, extensions[i].unknown, &request);
        dialect_request_free(&request);
        check_read(D, true, extensions[i].json, NULL, &request);
        assert_int_equal(request.operation, extensions[i].operation);
        assert_true(request.login_needed);
        assert_int_equal(request.accept, extensions[i].accept);
        check_id(request.actor, ME, "");
        assert_int_equal(request.group.present ? request.group.number : 0,
                         extensions[i].group ? GROUP : 0);
        assert_int_equal(request.person.present ? request.person.number : 0,
                         extensions[i].person ? OTHER : 0);
        dialect_request_free(&request);
    }
    check_read(D, false, "{'code':199}", "code 199 is not known", &request);
    dialect_request_free(&request);
    check_read(D, true, "{'code':199}", NULL, &request);
    assert_int_equal(request.operation, OPERATION_HEARTBEAT);
    assert_false(request.login_needed);
    dialect_request_free(&request);
}

/* --- faults ---------------------------------------------------------------------------------- */

#define DATA(code_, fields_) "{'code':" code_ ",'data':{" fields_ "}}"
#define NUMBER " must be a whole number from 1 to 9007199254740991"
#define ONE "data needs exactly one of group_id and add_ocid"

static const struct fault_case faults[] = {
    FAULT("{'code':9}", "data is missing"),
    FAULT(DATA("9", "'ocid':1"), ONE),
    FAULT(DATA("9", "'ocid':1,'group_id':2,'add_ocid':3"), ONE),
    FAULT(DATA("9", "'group_id':2"), "ocid is missing"),
    FAULT(DATA("9", "'group_id':'ccc','ocid':1"), "group_id" NUMBER),
    FAULT(DATA("9", "'add_ocid':0,'ocid':1"), "add_ocid" NUMBER),
    FAULT(DATA("9", "'add_ocid':2,'ocid':'x'"), "ocid" NUMBER),
    FAULT(DATA("10", "'ocid':1"), ONE),
    FAULT(DATA("10", "'ocid':1,'group_id':2,'add_ocid':3"), ONE),
    FAULT(DATA("10", "'group_id':2"), "ocid is missing"),
    FAULT(DATA("10", "'add_ocid':2"), "ocid is missing"),
    FAULT(DATA("10", "'add_ocid':[],'ocid':1"), "add_ocid" NUMBER),
    FAULT(DATA("11", "'group_id':2"), "ocid is missing"),
    FAULT(DATA("11", ""), "ocid is missing"),
    FAULT(DATA("11", "'ocid':1,'group_id':2,'add_ocid':3"), ONE),
    FAULT(DATA("11", "'ocid':1,'add_ocid':-3"), "add_ocid" NUMBER),
    FAULT(DATA("12", "'name':'n'"), "ocid is missing"),
    FAULT(DATA("12", "'ocid':1"), "name is missing"),
    FAULT(DATA("12", "'group_id':1"), "name is missing"),
    FAULT(DATA("12", "'group_id':true,'name':'n'"), "group_id" NUMBER),
    FAULT(DATA("12", "'ocid':1,'name':''"), "name is empty"),
    FAULT(DATA("12", "'ocid':1,'name':'a\\nb'"), "name holds a control character"),
    FAULT(DATA("12", "'ocid':1,'group_name':''"), "group_name is empty"),
    FAULT(DATA("111", "'ocid':1"), "group_id is missing"),
    FAULT(DATA("111", "'group_id':1"), "ocid is missing"),
    FAULT(DATA("115", "'ocid':1"), "target_ocid is missing"),
    FAULT(DATA("115", "'target_ocid':1"), "ocid is missing"),
    FAULT(DATA("117", "'ocid':1,'target_ocid':2"), "group_id is missing"),
    FAULT(DATA("117", "'group_id':1,'target_ocid':2"), "ocid is missing"),
    FAULT(DATA("117", "'group_id':1,'ocid':2"), "target_ocid is missing"),
    FAULT(DATA("119", "'group_id':1,'ocid':2,'target_ocid':0"), "target_ocid" NUMBER),
    FAULT(DATA("121", "'group_id':1,'ocid':2"), "target_ocid is missing"),
    FAULT("{'code':211}", "data is missing"),
    FAULT(DATA("211", "'ocid':1"), "group_id is missing"),
};

static void faults_name_the_field(void **state) {
    (void)state;
    check_faults(D, faults, sizeof faults / sizeof faults[0]);
}

/* --- notices --------------------------------------------------------------------------------- */

static struct entry notice(enum entry_type type, uint64_t conversation) {
    return (struct entry){.conversation = conversation,
                          .cid = 4711,
                          .time_ms = NOW,
                          .type = type,
                          .from = ME,
                          .from_id = slice_text("anna"),
                          .to = GROUP,
                          .to_id = slice_text("ccc"),
                          .subject = OTHER,
                          .subject_id = slice_text("bert"),
                          .text = slice_text("friends")};
}
#define IN_GROUP conversation_of_group(GROUP)
#define OWN conversation_of_account(OTHER)
#define EXT ",'cid':4711,'time_ms':1700000000999}}"

/* A notice as unmodified clients get it, NULL: not at all; and as the others do. */
static void check_notice(const struct entry *entry, const char *plain, const char *ext) {
    static const uint64_t viewers[] = {ME, OTHER, 7};
    for (size_t i = 0; i < 3; i++) {
        check_entry(D, false, viewers[i], entry, plain);
        check_entry(D, true, viewers[i], entry, ext);
    }
}

static void shows_requests(void **state) {
    (void)state;
    struct entry entry = notice(ENTRY_FRIEND_REQUEST, OWN);
    check_notice(&entry, "{\n\
  'code': 9,\n\
  'time': 1700000000,\n\
  'data': {\n\
    'add_ocid':200000000,\n\
    'ocid': 123456789\n\
  }\n\
}",
                 "{'code':9,'time':1700000000,'data':{'add_ocid':200000000,'ocid':123456789" EXT);
    entry = notice(ENTRY_JOIN_REQUEST, conversation_of_account(7));
    check_notice(&entry, "{\n\
  'code': 9,\n\
  'time': 1700000000,\n\
  'data': {\n\
    'group_id': 100000001,\n\
    'ocid': 200000000\n\
  }\n\
}",
                 "{'code':9,'time':1700000000,'data':{'group_id':100000001,'ocid':200000000" EXT);
}

static void shows_answers(void **state) {
    (void)state;
    struct entry entry = notice(ENTRY_FRIEND_ANSWER, OWN);
    entry.accepted = true;
    check_notice(&entry, "{\n\
  'code': 10,\n\
  'time': 1700000000,\n\
  'data': {\n\
    'add_ocid': 123456789,\n\
    'ocid': 200000000\n\
  }\n\
}",
                 "{'code':10,'time':1700000000,'data':{'add_ocid':123456789,'ocid':200000000" EXT);
    entry.accepted = false;
    check_notice(&entry, "{\n\
  'code': 11,\n\
  'time': 1700000000,\n\
  'data': {\n\
    'ocid': 200000000\n\
  }\n\
}",
                 "{'code':11,'time':1700000000,'data':{'add_ocid':123456789,'ocid':200000000" EXT);
    entry = notice(ENTRY_JOIN_REFUSED, OWN);
    check_notice(&entry, "{\n\
  'code': 11,\n\
  'time': 1700000000,\n\
  'data': {\n\
    'group_id': 100000001,\n\
    'ocid': 200000000\n\
  }\n\
}",
                 "{'code':11,'time':1700000000,'data':{'group_id':100000001,'ocid':200000000" EXT);
}

static void shows_new_names(void **state) {
    (void)state;
    struct entry entry = notice(ENTRY_GROUP_RENAMED, IN_GROUP);
    check_notice(&entry, "{\n\
  'code': 12,\n\
  'time': 1700000000,\n\
  'data': {\n\
    'group_id': 100000001,\n\
    'ocid': 123456789,\n\
    'name': 'friends'\n\
  }\n\
}",
                 "{'code':12,'time':1700000000,'data':{'group_id':100000001,'ocid':123456789,"
                 "'name':'friends'" EXT);
    entry = notice(ENTRY_RENAMED, conversation_of_account(7));
    check_notice(&entry, "{\n\
  'code': 12,\n\
  'time': 1700000000,\n\
  'data': {\n\
    'ocid': 200000000,\n\
    'name': 'friends'\n\
  }\n\
}",
                 "{'code':12,'time':1700000000,'data':{'ocid':200000000,'name':'friends'" EXT);
}

static const struct {
    enum entry_type type;
    enum conversation_kind kind;
    const char *ext;
} unknown_to_most[] = {
    {ENTRY_LEFT, CONVERSATION_GROUP,
     "112,'time':1700000000,'data':{'group_id':100000001,"
     "'ocid':200000000"},
    {ENTRY_FRIEND_REMOVED, CONVERSATION_SELF,
     "116,'time':1700000000,'data':{'ocid':123456789,'target_ocid':200000000"},
    {ENTRY_REMOVED, CONVERSATION_GROUP,
     "118,'time':1700000000,'data':{'group_id':100000001,'ocid':123456789,"
     "'target_ocid':200000000"},
    {ENTRY_ADMIN_ADDED, CONVERSATION_SELF,
     "120,'time':1700000000,'data':{'group_id':100000001,'ocid':123456789,"
     "'target_ocid':200000000"},
    {ENTRY_ADMIN_REMOVED, CONVERSATION_SELF,
     "122,'time':1700000000,'data':{'group_id':100000001,'ocid':123456789,"
     "'target_ocid':200000000"},
    {ENTRY_DISSOLVED, CONVERSATION_GROUP,
     "212,'time':1700000000,'data':{'group_id':100000001,'ocid':123456789"},
};

static void shows_what_it_has_no_code_for_to_ext_alone(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof unknown_to_most / sizeof unknown_to_most[0]; i++) {
        struct entry entry = notice(unknown_to_most[i].type,
                                    unknown_to_most[i].kind == CONVERSATION_GROUP ? IN_GROUP : OWN);
        char ext[256];
        snprintf(ext, sizeof ext, "{'code':%s%s", unknown_to_most[i].ext, EXT);
        check_notice(&entry, NULL, ext);
        /* Where such an entry doesn't belong it is not shown. */
        entry.conversation = 17;
        check_notice(&entry, NULL, NULL);
    }
}

static void shows_presence_to_ext_alone(void **state) {
    (void)state;
    static const char *const samples[] = {
        "{'code':207,'time':1700000000,'data':{'ocid':200000000,'time_ms':1700000000999}}",
        "{'code':208,'time':1700000000,'data':{'ocid':200000000,'time_ms':1700000000999}}",
        "{'code':209,'time':1700000000,'data':{'group_id':100000001,'ocid':200000000,"
        "'time_ms':1700000000999}}",
        "{'code':210,'time':1700000000,'data':{'group_id':100000001,'ocid':200000000,"
        "'time_ms':1700000000999}}"};
    for (unsigned i = 0; i < 4; i++) {
        struct entry entry = notice((enum entry_type)(ENTRY_FRIEND_ONLINE + i), 0);
        entry.cid = 0;
        check_notice(&entry, NULL, samples[i]);
    }
}

/* --- SYSTEM ---------------------------------------------------------------------------------- */

static struct entry system_entry(uint64_t conversation, uint64_t to) {
    return (struct entry){.conversation = conversation,
                          .cid = 4711,
                          .time_ms = NOW,
                          .type = ENTRY_SYSTEM,
                          .to = to,
                          .text = slice_text("nihao")};
}

static void shows_messages_of_system(void **state) {
    (void)state;
    struct entry entry = system_entry(OWN, 0);
    check_notice(&entry,
                 "{'code':0,'time':1700000000,'data':{'cid':4711,'sender':{'ocid':0,"
                 "'private_id':200000000},'msg':'nihao'}}",
                 "{'code':0,'time':1700000000,'data':{'cid':4711,'sender':{'ocid':0,"
                 "'private_id':200000000},'msg':'nihao','time_ms':1700000000999}}");
    entry = system_entry(IN_GROUP, GROUP);
    check_notice(&entry,
                 "{'code':0,'time':1700000000,'data':{'cid':4711,'sender':{'ocid':0,"
                 "'group_id':100000001},'msg':'nihao'}}",
                 "{'code':0,'time':1700000000,'data':{'cid':4711,'sender':{'ocid':0,"
                 "'group_id':100000001},'msg':'nihao','time_ms':1700000000999}}");
    entry = system_entry(17, OTHER);
    check_notice(&entry, NULL, NULL);
}

static void shows_each_their_own_message_to_all(void **state) {
    (void)state;
    struct entry entry = system_entry(CONVERSATION_OF_ALL, 0);
    check_entry(D, false, ME, &entry,
                "{'code':0,'time':1700000000,'data':{'cid':4711,'sender':{'ocid':0,"
                "'private_id':123456789},'msg':'nihao'}}");
    check_entry(D, false, OTHER, &entry,
                "{'code':0,'time':1700000000,'data':{'cid':4711,'sender':{'ocid':0,"
                "'private_id':200000000},'msg':'nihao'}}");
    assert_int_equal(dialect_entry_view(D, false, &entry, ME), DIALECT_VIEW_OWN);
    entry.conversation = OWN;
    assert_int_equal(dialect_entry_view(D, false, &entry, OTHER), DIALECT_VIEW_COMMON);
    /* Nobody else writes to all. */
    entry.type = ENTRY_TEXT;
    entry.conversation = CONVERSATION_OF_ALL;
    check_notice(&entry, NULL, NULL);
}

/* --- success --------------------------------------------------------------------------------- */

static void success_is_silent(void **state) {
    (void)state;
    static const struct dialect_account self = {ME, {"123456789", 9}};
    for (enum operation operation = OPERATION_BEFRIEND; operation < OPERATION_COUNT; operation++) {
        struct dialect_request request = {.operation = operation};
        struct dialect_result result = {.time_ms = NOW};
        check_answers(D, true, &self, &request, &result, NO_ANSWER);
        request.ref = slice_text("r");
        check_answers(D, false, &self, &request, &result, NO_ANSWER);
        check_answers(D, true, &self, &request, &result,
                      ANSWERS("{'code':300,'time':1700000000,'data':{'ref':'r','ok':true}}"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_asking_to_join),
        cmocka_unit_test(reads_asking_for_friendship),
        cmocka_unit_test(reads_admitting_to_a_group),
        cmocka_unit_test(reads_accepting_a_friend),
        cmocka_unit_test(reads_refusing_an_applicant),
        cmocka_unit_test(reads_refusing_a_friend),
        cmocka_unit_test(reads_new_names),
        cmocka_unit_test(reads_what_the_other_dialect_has),
        cmocka_unit_test(faults_name_the_field),
        cmocka_unit_test(shows_requests),
        cmocka_unit_test(shows_answers),
        cmocka_unit_test(shows_new_names),
        cmocka_unit_test(shows_what_it_has_no_code_for_to_ext_alone),
        cmocka_unit_test(shows_presence_to_ext_alone),
        cmocka_unit_test(shows_messages_of_system),
        cmocka_unit_test(shows_each_their_own_message_to_all),
        cmocka_unit_test(success_is_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
