/* Parts that are the same in both dialects for clients that opted in: 301, 317, confirm, cid. */
#include "proto/conversation.h"
#include "tests/support/dialect_check.h"

#define NOW 1700000000999

TEST(reads_receipts) {
    static const struct read_case cases[] = {
        {"{'peer':{'user':123},'cid':77}", "301 received person=123 ref=r cid=77"},
        {"{'peer':{'group':'500','user':null},'cid':'78'}", "301 received group=500 ref=r cid=78"},
        {"{'peer':{'user':0},'cid':1}", "301 received ref=r cid=1"},
        {"{'peer':{'user':'0'},'cid':1}", "301 received ref=r cid=1"},
        {"{'peer':{'user':'SYSTEM'},'cid':1}", "301 received ref=r cid=1"},
    };
    check_reads_of(cases, sizeof cases / sizeof cases[0]);
    check_read_as(DIALECT_YOUIM, "{'peer':{'user':'ben'},'cid':1,'token':'t'}",
                  "301 received person='ben' token=t ref=r cid=1");
}

TEST(faults_of_receipts) {
    static const struct fault_case cases[] = {
        FAULT("{'cid':1}", "peer is missing"),
        FAULT("{'peer':5,'cid':1}", "peer must be an object"),
        FAULT("{'peer':{},'cid':1}", "peer needs exactly one of user and group"),
        FAULT("{'peer':{'user':1,'group':1},'cid':1}", "peer needs exactly one of user and group"),
        FAULT("{'peer':{'user':1}}", "cid is missing"),
        FAULT("{'peer':{'user':1},'cid':0}",
              "cid must be a whole number from 1 to 9007199254740991"),
        FAULT("{'peer':{'user':1},'cid':1.5}",
              "cid must be a whole number from 1 to 9007199254740991"),
        FAULT("{'peer':{'user':1},'cid':'all'}",
              "cid must be a whole number from 1 to 9007199254740991"),
    };
    check_faults_of(301, cases, sizeof cases / sizeof cases[0]);
    check_needs_ext(301, "{'peer':{'user':1},'cid':1}");
    check_fault_of(DIALECT_OURCHAT, 301, "{'peer':{'user':'ben'},'cid':1}",
                   "peer.user must be a whole number from 1 to 9007199254740991");
    check_fault_of(DIALECT_OURCHAT, 301, "{'peer':{'group':0},'cid':1}",
                   "peer.group must be a whole number from 1 to 9007199254740991");
    check_fault_of(
        DIALECT_YOUIM, 301, "{'peer':{'group':'SYSTEM'},'cid':1}",
        "peer.group must be 1 to 64 bytes without control characters, and not SYSTEM or 0");
}

TEST(reads_a_resumption) {
    struct dialect_request request;
    for (EACH_DIALECT(dialect)) {
        for (int ext = 0; ext < 2; ext++) {
            read_as(dialect, ext, 317, "{'token':'abc'}", NULL, &request);
            assert_int_equal(request.operation, OPERATION_RESUME);
            assert_false(request.login_needed);
            assert_true(request.ext);
            assert_false(request.confirm);
            assert_false(request.token_given);
            check_slice(request.token, "abc");
            check_slice(request.ref, "r");
            dialect_request_free(&request);
        }
        read_as(dialect, false, 317, "{'token':'abc','ext':0,'confirm':'true'}", NULL, &request);
        assert_true(request.ext);
        assert_true(request.confirm);
        dialect_request_free(&request);
        static const char *const foreign[] = {
            "{'token':'a.b'}",
            "{'token':'1234567890123456789012345678901234567890123456789012345678901234_'}"};
        for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
            read_as(dialect, false, 317, foreign[i], NULL, &request);
            assert_int_equal(request.operation, OPERATION_ENTER);
            assert_true(request.ext);
            dialect_request_free(&request);
        }
        static const struct fault_case cases[] = {
            FAULT("{}", "token is missing"),
            FAULT("{'token':5}", "token must be a string"),
            FAULT("{'token':''}", "token is empty"),
            FAULT("{'token':'abc','confirm':1}", "confirm must be true or false"),
        };
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            read_as(dialect, false, 317, cases[i].json, cases[i].fault, &request);
            check_slice(request.ref, "r"); /* the fault is its answer */
            dialect_request_free(&request);
        }
    }
}

TEST(confirm_stands_beside_ext) {
    static const struct {
        enum dialect dialect;
        unsigned number;
        const char *format;
    } requests[] = {
        {DIALECT_OURCHAT, 6, "{'account':5,'password':'p'%s}"},
        {DIALECT_OURCHAT, 4, "{'email':'a@b.c','password':'p','name':'n'%s}"},
        {DIALECT_YOUIM, 1, "{'loginUserId':'ben'%s}"},
        {DIALECT_YOUIM, 113, "{'userId':'ben'%s}"},
    };
    struct dialect_request request;
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        static const struct {
            const char *more;
            bool ext; /* on already */
            bool confirm;
            const char *fault;
        } cases[] = {{",'ext':1,'confirm':true", false, true, NULL},
                     {",'confirm':true", true, true, NULL},
                     {",'ext':1,'confirm':false", false, false, NULL},
                     {",'ext':1,'confirm':null", false, false, NULL},
                     {",'ext':1", false, false, NULL},
                     {",'confirm':true", false, false, NULL}, /* means nothing */
                     {",'confirm':{}", false, false, NULL},
                     {",'ext':1,'confirm':{}", false, false, "confirm must be true or false"}};
        for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
            char body[256];
            snprintf(body, sizeof body, requests[i].format, cases[k].more);
            read_as(requests[i].dialect, cases[k].ext, requests[i].number, body, cases[k].fault,
                    &request);
            assert_int_equal(request.confirm, cases[k].confirm);
            dialect_request_free(&request);
        }
    }
}

TEST(answers_with_a_token) {
    struct dialect_request request = {.operation = OPERATION_LOGIN};
    struct dialect_result result = {
        .account = 7, .account_id = slice_text("7"), .token = slice_text("t\"t"), .time_ms = NOW};
    check_answers(DIALECT_OURCHAT, false, NULL, &request, &result,
                  ANSWERS("{'code':7,'time':1700000000,'data':{'state':0,'ocid':7}}"));
    check_answers(
        DIALECT_OURCHAT, true, NULL, &request, &result,
        ANSWERS("{'code':7,'time':1700000000,'data':{'state':0,'ocid':7,'token':'t\\'t'}}"));
    request = (struct dialect_request){
        .operation = OPERATION_RESUME, .ext = true, .ref = slice_text("r")};
    check_answers(
        DIALECT_OURCHAT, false, NULL, &request, &result,
        ANSWERS("{'code':7,'time':1700000000,'data':{'state':0,'ocid':7,'token':'t\\'t'}}",
                "{'code':300,'time':1700000000,'data':{'ref':'r','ok':true}}"));
    check_answers(DIALECT_YOUIM, false, NULL, &request, &result,
                  ANSWERS("{'msgType':2,'resultCode':'success','token':'t\\'t','user':'7'}",
                          "{'msgType':300,'ref':'r','ok':true}"));
    result = (struct dialect_result){.err = ERR_BAD_TOKEN, .time_ms = NOW};
    check_answers(DIALECT_OURCHAT, false, NULL, &request, &result,
                  ANSWERS("{'code':7,'time':1700000000,'data':{'state':1}}",
                          "{'code':300,'time':1700000000,'data':{'ref':'r','ok':false,'error':"
                          "'bad_token','text':'the token is not valid any more, log in again'}}"));
    request.ref = slice_text("");
    check_answers(DIALECT_YOUIM, false, NULL, &request, &result,
                  ANSWERS("{'msgType':2,'resultCode':'fail','token':"
                          "'the token is not valid any more, log in again'}"));
}

/* A client cannot confirm an entry that it cannot name. */
TEST(all_that_is_stored_has_a_cid) {
    static const uint64_t conversations[] = {5, (uint64_t)1 << 60 | 500, (uint64_t)2 << 60 | 7,
                                             CONVERSATION_OF_ALL};
    size_t shown = 0;
    for (EACH_DIALECT(dialect)) {
        for (unsigned type = 0; type < ENTRY_FRIEND_ONLINE; type++) {
            for (size_t i = 0; i < 4; i++) {
                struct entry entry = {.conversation = conversations[i],
                                      .cid = 4711,
                                      .time_ms = NOW,
                                      .type = type,
                                      .from = 9,
                                      .subject = 7,
                                      .to = 500,
                                      .text = slice_text("x")};
                struct buffer out = buffer_make(4096);
                if (dialect_entry_view(dialect, true, &entry, 7) != DIALECT_VIEW_NOTHING) {
                    dialect_write_entry(dialect, true, NULL, &entry, 7, &out);
                    assert_int_equal(buffer_add(&out, "", 1), 0);
                    assert_non_null(strstr(out.data, "\"cid\":4711"));
                    assert_non_null(strstr(out.data, "\"time_ms\":1700000000999"));
                    shown++;
                }
                buffer_free(&out);
            }
        }
    }
    assert_in_range(shown, 80, 120); /* 24 kinds, most of them in several places */
}

/* So that a client knows which conversation it confirms. */
TEST(a_message_to_all_says_so) {
    struct entry entry = {.conversation = CONVERSATION_OF_ALL,
                          .cid = 4711,
                          .time_ms = NOW,
                          .type = ENTRY_SYSTEM,
                          .text = slice_text("x")};
    check_entry(DIALECT_OURCHAT, true, 7, &entry,
                "{'code':0,'time':1700000000,'data':{'cid':4711,'sender':{'ocid':0,'private_id':7},"
                "'msg':'x','time_ms':1700000000999,'all':true}}");
    check_entry(DIALECT_OURCHAT, false, 7, &entry,
                "{'code':0,'time':1700000000,'data':{'cid':4711,'sender':{'ocid':0,'private_id':7},"
                "'msg':'x'}}");
    entry.conversation = conversation_of_account(7);
    check_entry(DIALECT_OURCHAT, true, 7, &entry,
                "{'code':0,'time':1700000000,'data':{'cid':4711,'sender':{'ocid':0,'private_id':7},"
                "'msg':'x','time_ms':1700000000999}}");
}

TEST(reads_how_much_of_a_backlog_is_wanted) {
    static const char *const login[] = {
        [DIALECT_OURCHAT] = "'account':1,'password':'p'", [DIALECT_YOUIM] = "'loginUserId':'1'"};
    static const char *const plain[] = {
        [DIALECT_OURCHAT] = "{'code':6,'data':{'account':1,'password':'p','backlog':[]}}",
        [DIALECT_YOUIM] = "{'msgType':1,'msgBody':{'loginUserId':'1','backlog':[]}}"};
    struct dialect_request request;
    char body[128];
    for (EACH_DIALECT(dialect)) {
        unsigned number = dialect == DIALECT_OURCHAT ? 6 : 1;
        snprintf(body, sizeof body, "{%s,'ext':1,'backlog':1000}", login[dialect]);
        read_as(dialect, false, number, body, NULL, &request);
        assert_int_equal(request.backlog, 1000);
        dialect_request_free(&request);
        check_read(dialect, false, plain[dialect], NULL, &request); /* it means nothing */
        assert_int_equal(request.backlog, 0);
        dialect_request_free(&request);
        read_as(dialect, false, 317, "{'token':'t','backlog':'1'}", NULL, &request);
        assert_int_equal(request.backlog, 1);
        dialect_request_free(&request);
        static const char *const faults[] = {"0", "1001", "-1", "1.5", "true", "'x'", "[]"};
        for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
            snprintf(body, sizeof body, "{'token':'t','backlog':%s}", faults[i]);
            read_as(dialect, false, 317, body, "backlog must be a whole number from 1 to 1000",
                    &request);
            dialect_request_free(&request);
        }
    }
}

static void check_skipped(enum dialect dialect, const struct entry *entry, const char *expected) {
    const struct dialect_account self = {7, slice_text("me")};
    struct buffer out = buffer_make(1024);
    dialect_write_skipped(dialect, &self, entry, 12, NOW, &out);
    check_json(out.data, out.length, expected);
    buffer_free(&out);
}

/* Where it is left out is named as a 301 names it. */
TEST(writes_left_out_counts) {
    struct entry entry = {.conversation = 5,
                          .cid = 99,
                          .from = 8,
                          .from_id = slice_text("eight"),
                          .to = 7,
                          .to_id = slice_text("me")};
    check_skipped(DIALECT_YOUIM, &entry,
                  "{'msgType':318,'peer':{'user':'eight'},'cid':99,'skipped':12}");
    check_skipped(
        DIALECT_OURCHAT, &entry,
        "{'code':318,'time':1700000000,'data':{'peer':{'user':8},'cid':99,'skipped':12}}");
    entry.from = 7; /* one's own */
    entry.to = 8;
    entry.to_id = slice_text("eight");
    check_skipped(DIALECT_YOUIM, &entry,
                  "{'msgType':318,'peer':{'user':'eight'},'cid':99,'skipped':12}");
    entry.conversation = conversation_of_group(30);
    entry.to = 30;
    entry.to_id = slice_text("us");
    check_skipped(DIALECT_YOUIM, &entry,
                  "{'msgType':318,'peer':{'group':'us'},'cid':99,'skipped':12}");
    check_skipped(
        DIALECT_OURCHAT, &entry,
        "{'code':318,'time':1700000000,'data':{'peer':{'group':30},'cid':99,'skipped':12}}");
    entry.conversation = conversation_of_account(7);
    check_skipped(DIALECT_YOUIM, &entry,
                  "{'msgType':318,'peer':{'user':'me'},'cid':99,'skipped':12}");
    check_skipped(
        DIALECT_OURCHAT, &entry,
        "{'code':318,'time':1700000000,'data':{'peer':{'user':7},'cid':99,'skipped':12}}");
    entry.conversation = CONVERSATION_OF_ALL;
    check_skipped(DIALECT_YOUIM, &entry,
                  "{'msgType':318,'peer':{'user':'SYSTEM'},'cid':99,'skipped':12}");
    check_skipped(
        DIALECT_OURCHAT, &entry,
        "{'code':318,'time':1700000000,'data':{'peer':{'user':0},'cid':99,'skipped':12}}");
}

int main(void) { return test_run_all(NULL, NULL); }
