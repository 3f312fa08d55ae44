/* The extensions by which accounts are blocked, muted and banned, in both dialects. */
#include "proto/conversation.h"
#include "tests/support/dialect_check.h"

static void reads_requests(void **state) {
    (void)state;
    struct dialect_request request;
    for (EACH_DIALECT(dialect)) {
        read_as(dialect, true, 321, "{'user':123,'on':true}", NULL, &request);
        assert_int_equal(request.operation, OPERATION_BLOCK);
        assert_true(request.login_needed);
        check_id(request.person, 123, "");
        assert_true(request.accept);
        dialect_request_free(&request);
        read_as(dialect, true, 333, "{'group':'500','user':123,'until_ms':1900000000000}", NULL,
                &request);
        assert_int_equal(request.operation, OPERATION_MUTE);
        assert_true(request.login_needed);
        check_id(request.group, 500, "");
        check_id(request.person, 123, "");
        assert_int_equal(request.until_ms, 1900000000000);
        dialect_request_free(&request);
        read_as(dialect, true, 335, "{'group':500,'user':'123','on':'false'}", NULL, &request);
        assert_int_equal(request.operation, OPERATION_BAN);
        assert_true(request.login_needed);
        check_id(request.group, 500, "");
        check_id(request.person, 123, "");
        assert_false(request.accept);
        dialect_request_free(&request);
    }
}

static void faults_of_requests(void **state) {
    (void)state;
    static const struct {
        unsigned number;
        struct fault_case fault;
    } cases[] = {
        {321, FAULT("{'on':true}", "user is missing")},
        {321, FAULT("{'user':1}", "on is missing")},
        {321, FAULT("{'user':1,'on':1}", "on must be true or false")},
        {333, FAULT("{'user':1,'until_ms':1}", "group is missing")},
        {333, FAULT("{'group':1,'until_ms':1}", "user is missing")},
        {333, FAULT("{'group':1,'user':1}", "until_ms is missing")},
        {333, FAULT("{'group':1,'user':1,'until_ms':9007199254740992}",
                    "until_ms must be a whole number from 0 to 9007199254740991")},
        {335, FAULT("{'user':1,'on':true}", "group is missing")},
        {335, FAULT("{'group':1,'on':true}", "user is missing")},
        {335, FAULT("{'group':1,'user':1,'on':null}", "on is missing")},
    };
    struct dialect_request request;
    for (EACH_DIALECT(dialect))
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            read_as(dialect, true, cases[i].number, cases[i].fault.json, cases[i].fault.fault,
                    &request);
            dialect_request_free(&request);
        }
    read_as(DIALECT_YOUIM, true, 321, "{'user':'SYSTEM','on':true}",
            "user must be 1 to 64 bytes without control characters, and not SYSTEM or 0", &request);
    dialect_request_free(&request);
    read_as(DIALECT_OURCHAT, true, 321, "{'user':0,'on':true}",
            "user must be a whole number from 1 to 9007199254740991", &request);
    dialect_request_free(&request);
}

static void reads_the_end_of_an_account(void **state) {
    (void)state;
    struct dialect_request request;
    for (EACH_DIALECT(dialect)) {
        read_as(dialect, true, 339, "{'password':'secret'}", NULL, &request);
        assert_int_equal(request.operation, OPERATION_FORGET);
        assert_true(request.login_needed);
        check_slice(request.password, "secret");
        assert_false(request.accept || request.blank);
        dialect_request_free(&request);
        read_as(dialect, true, 339, "{'confirm':true,'texts':'blank'}", NULL, &request);
        assert_true(request.accept && request.blank);
        dialect_request_free(&request);
        read_as(dialect, true, 339, "{'confirm':true,'texts':'keep'}", NULL, &request);
        assert_false(request.blank);
        dialect_request_free(&request);
        static const struct fault_case cases[] = {
            FAULT("{}", "password is missing, or \"confirm\":true of an account without one"),
            FAULT("{'confirm':false}",
                  "password is missing, or \"confirm\":true of an account without one"),
            FAULT("{'password':''}", "password is empty"),
            FAULT("{'password':5}", "password must be a string"),
            FAULT("{'password':'x','texts':'some'}", "texts must be keep or blank"),
        };
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            read_as(dialect, true, 339, cases[i].json, cases[i].fault, &request);
            dialect_request_free(&request);
        }
    }
}

/* Clients without extensions see nothing of any of them. */
static void check_shown(const struct entry *entry, const char *ourchat, const char *youim) {
    check_entry(DIALECT_OURCHAT, true, 1, entry, ourchat);
    check_entry(DIALECT_YOUIM, true, 1, entry, youim);
    for (EACH_DIALECT(dialect))
        check_entry(dialect, false, 1, entry, NULL);
}

static void shows_notices(void **state) {
    (void)state;
    struct entry entry = {.conversation = conversation_of_account(1),
                          .cid = 99,
                          .time_ms = 1700000000999,
                          .type = ENTRY_BLOCKED,
                          .from = 1,
                          .from_id = slice_text("anna"),
                          .subject = 2,
                          .subject_id = slice_text("ben"),
                          .accepted = true};
    check_shown(&entry,
                "{'code':321,'time':1700000000,'data':{'user':2,'on':true,'cid':99,"
                "'time_ms':1700000000999}}",
                "{'msgType':321,'user':'ben','on':true,'cid':99,'time_ms':1700000000999}");
    entry.conversation = conversation_of_group(5);
    entry.to = 5;
    entry.to_id = slice_text("us");
    entry.type = ENTRY_MUTED;
    entry.target = 1900000000000;
    check_shown(&entry,
                "{'code':333,'time':1700000000,'data':{'group':5,'by':1,'user':2,"
                "'until_ms':1900000000000,'cid':99,'time_ms':1700000000999}}",
                "{'msgType':333,'group':'us','by':'anna','user':'ben','until_ms':1900000000000,"
                "'cid':99,'time_ms':1700000000999}");
    entry.type = ENTRY_BANNED;
    entry.accepted = false;
    entry.from = 0; /* the operator */
    entry.from_id = slice_make(NULL, 0);
    check_shown(&entry,
                "{'code':335,'time':1700000000,'data':{'group':5,'by':0,'user':2,'on':false,"
                "'cid':99,'time_ms':1700000000999}}",
                "{'msgType':335,'group':'us','by':'SYSTEM','user':'ben','on':false,'cid':99,"
                "'time_ms':1700000000999}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_requests),
        cmocka_unit_test(faults_of_requests),
        cmocka_unit_test(reads_the_end_of_an_account),
        cmocka_unit_test(shows_notices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
