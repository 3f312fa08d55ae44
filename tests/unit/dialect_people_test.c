/* The extensions about people and groups, in both dialects. */
#include "proto/conversation.h"
#include "tests/support/dialect_check.h"

#define BOTH(name_)                                                                                \
    enum dialect name_ = DIALECT_OURCHAT;                                                          \
    (name_) <= DIALECT_YOUIM;                                                                      \
    (name_)++

static void read_as(enum dialect dialect, unsigned number, const char *body, const char *fault,
                    struct dialect_request *request) {
    char text[4096];
    snprintf(text, sizeof text,
             dialect == DIALECT_OURCHAT ? "{'code':%u,'time':1,'ref':'r','data':%s}"
                                        : "{'msgType':'%u','ref':'r','msgBody':%s}",
             number, body);
    check_read(dialect, true, text, fault, request);
}

static void check_faults_of(unsigned number, const struct fault_case *cases, size_t count) {
    struct dialect_request request;
    for (BOTH(dialect))
        for (size_t i = 0; i < count; i++) {
            read_as(dialect, number, cases[i].json, cases[i].fault, &request);
            dialect_request_free(&request);
        }
}

/* --- 337 ----------------------------------------------------------------------------------- */

static void reads_quiet(void **state) {
    (void)state;
    struct dialect_request request;
    for (BOTH(dialect)) {
        read_as(dialect, 337, "{'peer':{'user':123},'until_ms':1900000000000}", NULL, &request);
        assert_int_equal(request.operation, OPERATION_QUIET);
        assert_true(request.login_needed);
        check_id(request.person, 123, "");
        assert_int_equal(request.until_ms, 1900000000000);
        dialect_request_free(&request);
        read_as(dialect, 337, "{'peer':{'group':'500'},'until_ms':'0'}", NULL, &request);
        check_id(request.group, 500, "");
        assert_int_equal(request.until_ms, 0);
        dialect_request_free(&request);
    }
    static const struct fault_case cases[] = {
        FAULT("{'until_ms':1}", "peer is missing"),
        FAULT("{'peer':{},'until_ms':1}", "peer needs exactly one of user and group"),
        FAULT("{'peer':{'user':0},'until_ms':1}", "peer.user must be a person"),
        FAULT("{'peer':{'user':'SYSTEM'},'until_ms':1}", "peer.user must be a person"),
        FAULT("{'peer':{'user':1}}", "until_ms is missing"),
        FAULT("{'peer':{'user':1},'until_ms':-1}",
              "until_ms must be a whole number from 0 to 9007199254740991"),
        FAULT("{'peer':{'user':1},'until_ms':9007199254740992}",
              "until_ms must be a whole number from 0 to 9007199254740991"),
    };
    check_faults_of(337, cases, sizeof cases / sizeof cases[0]);
}

static void shows_quiet(void **state) {
    (void)state;
    struct entry entry = {.conversation = 7,
                          .time_ms = 1700000000999,
                          .type = ENTRY_QUIET,
                          .from = 1,
                          .to = 2,
                          .to_id = slice_text("ben"),
                          .target = 1900000000000};
    check_entry(DIALECT_OURCHAT, true, 1, &entry,
                "{'code':337,'time':1700000000,'data':{'peer':{'user':2},'until_ms':1900000000000,"
                "'time_ms':1700000000999}}");
    check_entry(DIALECT_YOUIM, true, 1, &entry,
                "{'msgType':337,'peer':{'user':'ben'},'until_ms':1900000000000,"
                "'time_ms':1700000000999}");
    check_entry(DIALECT_OURCHAT, false, 1, &entry, NULL);
    check_entry(DIALECT_YOUIM, false, 1, &entry, NULL);
    entry.conversation = conversation_of_group(2);
    entry.target = 0;
    check_entry(DIALECT_OURCHAT, true, 1, &entry,
                "{'code':337,'time':1700000000,'data':{'peer':{'group':2},'until_ms':0,"
                "'time_ms':1700000000999}}");
    check_entry(DIALECT_YOUIM, true, 1, &entry,
                "{'msgType':337,'peer':{'group':'ben'},'until_ms':0,'time_ms':1700000000999}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_quiet),
        cmocka_unit_test(shows_quiet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
