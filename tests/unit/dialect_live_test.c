/* 301, 302 and 313, in both dialects: requests, and what others see of them. */
#include "proto/conversation.h"
#include "tests/support/dialect_check.h"

#define NOW 1700000000999
static void reads_what_was_read(void **state) {
    (void)state;
    struct dialect_request request;
    for (EACH_DIALECT(dialect)) {
        read_as(dialect, true, 302, "{'peer':{'user':123},'cid':77}", NULL, &request);
        assert_int_equal(request.operation, OPERATION_READ);
        assert_true(request.login_needed);
        check_id(request.person, 123, "");
        assert_int_equal(request.cid, 77);
        check_slice(request.ref, "r");
        dialect_request_free(&request);
        read_as(dialect, true, 302, "{'peer':{'user':0},'cid':77}", NULL, &request);
        assert_false(request.person.present || request.group.present);
        dialect_request_free(&request);
        read_as(dialect, true, 302, "{'peer':{'group':5}}", "cid is missing", &request);
        dialect_request_free(&request);
        read_as(dialect, true, 302, "{'cid':5}", "peer is missing", &request);
        dialect_request_free(&request);
    }
}

static void reads_who_is_typed_to(void **state) {
    (void)state;
    struct dialect_request request;
    for (EACH_DIALECT(dialect)) {
        read_as(dialect, true, 313, "{'peer':{'user':123}}", NULL, &request);
        assert_int_equal(request.operation, OPERATION_TYPING);
        assert_true(request.login_needed);
        check_id(request.person, 123, "");
        dialect_request_free(&request);
        read_as(dialect, true, 313, "{'peer':{'group':'500'}}", NULL, &request);
        check_id(request.group, 500, "");
        dialect_request_free(&request);
    }
    static const struct fault_case cases[] = {
        FAULT("{}", "peer is missing"),
        FAULT("{'peer':{}}", "peer needs exactly one of user and group"),
        FAULT("{'peer':{'user':0}}", "peer.user must be an account, and not SYSTEM"),
        FAULT("{'peer':{'user':'SYSTEM'}}", "peer.user must be an account, and not SYSTEM"),
    };
    check_faults_of(313, cases, sizeof cases / sizeof cases[0]);
    check_needs_ext(302, "{'peer':{'user':1},'cid':1}");
    check_needs_ext(313, "{'peer':{'user':1}}");
}

/* Eight is the account that has received or read, or types; seven is the other one. */
static struct entry live_entry(enum entry_type type, uint64_t conversation) {
    return (struct entry){.conversation = conversation,
                          .time_ms = NOW,
                          .type = type,
                          .from = 8,
                          .from_id = slice_text("eight"),
                          .to = 7,
                          .to_id = slice_text("seven"),
                          .target = 99};
}

static void the_other_one_sees_who_it_was(void **state) {
    (void)state;
    const enum entry_type types[] = {ENTRY_RECEIVED, ENTRY_READ};
    for (unsigned i = 0; i < 2; i++) {
        struct entry entry = live_entry(types[i], 5);
        char sample[256];
        snprintf(sample, sizeof sample,
                 "{'msgType':%u,'peer':{'user':'eight'},'cid':99,'user':'eight',"
                 "'time_ms':1700000000999}",
                 301 + i);
        check_entry(DIALECT_YOUIM, true, 7, &entry, sample);
        snprintf(sample, sizeof sample,
                 "{'code':%u,'time':1700000000,'data':{'peer':{'user':8},'cid':99,'user':8,"
                 "'time_ms':1700000000999}}",
                 301 + i);
        check_entry(DIALECT_OURCHAT, true, 7, &entry, sample);
        for (EACH_DIALECT(dialect))
            check_entry(dialect, false, 7, &entry, NULL);
    }
}

/* One's own other connections: the conversation is named as in the request. */
static void the_reader_sees_where(void **state) {
    (void)state;
    const struct {
        uint64_t conversation;
        const char *peer, *peer_by_number;
    } cases[] = {{5, "'user':'seven'", "'user':7"},
                 {conversation_of_group(7), "'group':'seven'", "'group':7"},
                 {conversation_of_account(8), "'user':'eight'", "'user':8"},
                 {CONVERSATION_OF_ALL, "'user':'SYSTEM'", "'user':0"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct entry entry = live_entry(ENTRY_READ, cases[i].conversation);
        char sample[256];
        snprintf(sample, sizeof sample,
                 "{'msgType':302,'peer':{%s},'cid':99,'time_ms':1700000000999}", cases[i].peer);
        check_entry(DIALECT_YOUIM, true, 8, &entry, sample);
        snprintf(sample, sizeof sample,
                 "{'code':302,'time':1700000000,'data':{'peer':{%s},'cid':99,"
                 "'time_ms':1700000000999}}",
                 cases[i].peer_by_number);
        check_entry(DIALECT_OURCHAT, true, 8, &entry, sample);
        for (EACH_DIALECT(dialect))
            check_entry(dialect, false, 8, &entry, NULL);
    }
}

static void others_see_who_is_typing(void **state) {
    (void)state;
    struct entry entry = live_entry(ENTRY_TYPING, 0); /* two who have no conversation yet */
    check_entry(DIALECT_YOUIM, true, 7, &entry,
                "{'msgType':313,'peer':{'user':'eight'},'user':'eight','time_ms':1700000000999}");
    check_entry(DIALECT_OURCHAT, true, 7, &entry,
                "{'code':313,'time':1700000000,'data':{'peer':{'user':8},'user':8,"
                "'time_ms':1700000000999}}");
    check_entry(DIALECT_OURCHAT, false, 7, &entry, NULL);
    entry.conversation = conversation_of_group(7);
    check_entry(DIALECT_YOUIM, true, 9, &entry,
                "{'msgType':313,'peer':{'group':'seven'},'user':'eight','time_ms':1700000000999}");
    check_entry(DIALECT_OURCHAT, true, 9, &entry,
                "{'code':313,'time':1700000000,'data':{'peer':{'group':7},'user':8,"
                "'time_ms':1700000000999}}");
    check_entry(DIALECT_YOUIM, false, 9, &entry, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_was_read),           cmocka_unit_test(reads_who_is_typed_to),
        cmocka_unit_test(the_other_one_sees_who_it_was), cmocka_unit_test(the_reader_sees_where),
        cmocka_unit_test(others_see_who_is_typing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
