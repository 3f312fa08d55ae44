/* The YouIM dialect: requests as the protocol's document has them, faults, and every answer. */
#include "proto/conversation.h"
#include "tests/support/dialect_check.h"

#define D DIALECT_YOUIM

static const struct dialect_account self = {123, {"123", 3}};
#define NOW 1700000000999

/* --- requests -------------------------------------------------------------------------------- */

TEST(msgtype_shows_the_dialect) {
    check_detected("{'msgType':'6'}", D);
    check_detected("{'msgtype':'6'}", DIALECT_UNKNOWN);
    check_detected("{'code':null,'msgType':99}", DIALECT_YOUIM);
    check_detected("{'code':4,'msgType':null}", DIALECT_OURCHAT);
    check_detected("{'code':null,'msgType':null}", DIALECT_UNKNOWN);
}

#define BODY(type_, fields_) "{'msgType':" type_ ",'msgBody':{" fields_ "}}"

static const struct read_case requests[] = {
    /* With the document's white space. */
    {"{\n  'msgType' : '1',\n  'msgBody':{\n    'loginUserId' : '123'\n  }\n}",
     "1 login before_login account=123"},
    {"{'msgType':1,'ref':'r','msgBody':{'loginUserId':123,'password':'p','ext':1}}",
     "1 login before_login ext ref=r account=123 password=p"},
    {BODY("'113'", "'userId':'4564'"), "113 register before_login account=4564"},
    {BODY("113", "'userId':'4564','registration_token':'" X64 "'"),
     "113 register before_login account=4564 registration_token=" X64},
    {BODY("113", "'userId':'\xe5\xbc\xa0','password':null,'ext':1"),
     "113 register before_login ext account=\xe5\xbc\xa0"},
    {BODY("'5'", "'token':'1522917270570_9','toUserId':'456','msg':'asdsad',"
                 "'fromUserId':'123'"),
     "5 send actor=123 to_user=456 token=1522917270570_9 text=asdsad"},
    {BODY("'7'", "'token':'1522917270570_9','toGroup':'ccc','msg':'asdsad',"
                 "'fromUserId':'123'"),
     "7 send actor=123 to_group='ccc' token=1522917270570_9 text=asdsad"},
    {BODY("'9'", "'token':'1522917270570_9','logoutUserId':'123'"),
     "9 logout actor=123 token=1522917270570_9"},
    {"{\n  'msgType' : '99'\n}", "99 heartbeat before_login"},
    {"{'msgType':99,'msgBody':5}", "99 heartbeat before_login"},
    {BODY("'114'", "'token':'1522917278993_10','ownerId':'456','groupId':'ccc'"),
     "114 create_group actor=456 group='ccc' token=1522917278993_10"},
};

TEST(reads_requests) { check_reads(D, false, requests, sizeof requests / sizeof requests[0]); }

/* An id that is a number's decimal form is that number; any other is text, beyond 2^53 too. */
TEST(ids_are_numbers_where_they_can_be) {
    static const char *const ids[][2] = {{"7", "7"},
                                         {"'7'", "7"},
                                         {"'07'", "'07'"},
                                         {"9007199254740991", "9007199254740991"},
                                         {"'9007199254740992'", "'9007199254740992'"},
                                         {"'-1'", "'-1'"},
                                         {"'a b'", "'a b'"}};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        char text[256], read[256];
        snprintf(text, sizeof text,
                 BODY("5", "'token':'t','fromUserId':'x','toUserId':%s,'msg':'m'"), ids[i][0]);
        snprintf(read, sizeof read, "5 send actor='x' to_user=%s token=t text=m", ids[i][1]);
        check_reads(D, false, &(struct read_case){text, read}, 1);
    }
}

/* --- faults ---------------------------------------------------------------------------------- */

#define T "'token':'t',"
#define F "'fromUserId':'123',"
#define NO_ID " must be 1 to 64 bytes without control characters, and not SYSTEM or 0"
#define NO_NUMBER " must be a string or a whole number from 1 to 9007199254740991"

static const struct fault_case faults[] = {
    FAULT("{'code':6}", "msgType is missing"),
    FAULT("{'msgType':'abc'}", "msgType must be a whole number"),
    FAULT("{'msgType':''}", "msgType must be a whole number"),
    FAULT("{'msgType':-5}", "msgType must be a whole number"),
    FAULT("{'msgType':77}", "msgType 77 is not known"),
    FAULT("{'msgType':'77'}", "msgType 77 is not known"),
    FAULT("{'msgType':2}", "msgType 2 is not known"),
    FAULT("{'msgType':112}", "msgType 112 is not known"),
    FAULT("{'msgType':1}", "msgBody is missing"),
    FAULT("{'msgType':1,'msgBody':'{}'}", "msgBody must be an object"),
    FAULT(BODY("1", ""), "loginUserId is missing"),
    FAULT(BODY("1", "'loginUserId':true"), "loginUserId" NO_NUMBER),
    FAULT(BODY("1", "'loginUserId':0"), "loginUserId" NO_NUMBER),
    FAULT(BODY("1", "'loginUserId':1.5"), "loginUserId" NO_NUMBER),
    FAULT(BODY("1", "'loginUserId':''"), "loginUserId" NO_ID),
    FAULT(BODY("1", "'loginUserId':'1','password':''"), "password is empty"),
    FAULT(BODY("1", "'loginUserId':'1','password':1"), "password must be a string"),
    FAULT(BODY("1", "'loginUserId':'1','password':'" X256 "x'"),
          "password is longer than 256 bytes"),
    FAULT(BODY("113", ""), "userId is missing"),
    FAULT(BODY("113", "'userId':'sYstem'"), "userId" NO_ID),
    FAULT(BODY("113", "'userId':'0'"), "userId" NO_ID),
    FAULT(BODY("113", "'userId':'a\\nb'"), "userId" NO_ID),
    FAULT(BODY("113", "'userId':'" X64 "x'"), "userId" NO_ID),
    FAULT(BODY("113", "'userId':'a\\u0000b'"), "userId holds a NUL character"),
    FAULT(BODY("113", "'userId':-1"), "userId" NO_NUMBER),
    FAULT(BODY("113", "'userId':'a','registration_token':''"), "registration_token is empty"),
    FAULT(BODY("113", "'userId':'a','registration_token':5"),
          "registration_token must be a string"),
    FAULT(BODY("113", "'userId':'a','registration_token':'" X64 "x'"),
          "registration_token is longer than 64 bytes"),
    FAULT(BODY("113", "'userId':9007199254740992"), "userId" NO_NUMBER),
    FAULT(BODY("5", F "'toUserId':'456','msg':'x'"), "token is missing"),
    FAULT(BODY("5", "'token':5," F "'toUserId':'456','msg':'x'"), "token must be a string"),
    FAULT(BODY("5", "'token':''," F "'toUserId':'456','msg':'x'"), "token is empty"),
    FAULT(BODY("5", T "'toUserId':'456','msg':'x'"), "fromUserId is missing"),
    FAULT(BODY("5", T F "'msg':'x'"), "toUserId is missing"),
    FAULT(BODY("5", T F "'toUserId':'SYSTEM','msg':'x'"), "toUserId" NO_ID),
    FAULT(BODY("5", T F "'toUserId':[],'msg':'x'"), "toUserId" NO_NUMBER),
    FAULT(BODY("5", T F "'toUserId':'456'"), "msg is missing"),
    FAULT(BODY("5", T F "'toUserId':'456','msg':null"), "msg is missing"),
    FAULT(BODY("5", T F "'toUserId':'456','msg':''"), "msg is empty"),
    FAULT(BODY("5", T F "'toUserId':'456','msg':{}"), "msg must be a string"),
    FAULT(BODY("7", T F "'msg':'x'"), "toGroup is missing"),
    FAULT(BODY("7", T "'toGroup':'ccc','msg':'x'"), "fromUserId is missing"),
    FAULT(BODY("7", F "'toGroup':'ccc','msg':'x'"), "token is missing"),
    FAULT(BODY("7", T F "'toGroup':'ccc'"), "msg is missing"),
    FAULT(BODY("9", "'logoutUserId':'123'"), "token is missing"),
    FAULT(BODY("9", "'token':'t'"), "logoutUserId is missing"),
    FAULT(BODY("114", T "'groupId':'ccc'"), "ownerId is missing"),
    FAULT(BODY("114", T "'ownerId':'456'"), "groupId is missing"),
    FAULT(BODY("114", T "'ownerId':'456','groupId':'\\u0001'"), "groupId" NO_ID),
    FAULT("{'msgType':99,'ref':{}}", "ref must be a string"),
};

TEST(faults_name_the_field) { check_faults(D, true, faults, sizeof faults / sizeof faults[0]); }

/* --- answers --------------------------------------------------------------------------------- */

TEST(answers_a_login) {
    struct dialect_request request = {.number = 1, .operation = OPERATION_LOGIN};
    struct dialect_result result = {
        .account = 123, .token = slice_text("1522650512561_24"), .time_ms = NOW};
    check_answers(D, false, NULL, &request, &result,
                  ANSWERS("{'msgType':2,'resultCode':'success','token':'1522650512561_24'}"));
    result.err = ERR_PASSWORD_NEEDED;
    check_answers(D, false, NULL, &request, &result,
                  ANSWERS("{'msgType':2,'resultCode':'fail',"
                          "'token':'this account needs its password'}"));
    result.reason = slice_text("loginUserId is missing");
    request.ext = true;
    request.ref = slice_text("r");
    check_answers(D, false, NULL, &request, &result,
                  ANSWERS("{'msgType':2,'resultCode':'fail','token':'loginUserId is missing'}",
                          "{'msgType':300,'ref':'r','ok':false,'error':'password_needed',"
                          "'text':'loginUserId is missing'}"));
}

TEST(most_success_is_silent) {
    static const enum operation silent[] = {OPERATION_REGISTER, OPERATION_CREATE_GROUP,
                                            OPERATION_SEND, OPERATION_HEARTBEAT};
    for (size_t i = 0; i < sizeof silent / sizeof silent[0]; i++)
        check_silent(D, &self, silent[i], "{'msgType':300,'ref':'r','ok':true}");
    struct dialect_request request = {.operation = OPERATION_LOGOUT};
    struct dialect_result result = {.time_ms = NOW};
    check_answers(D, false, &self, &request, &result, ANSWERS("{'msgType':10}"));
}

TEST(failures_are_sent_by_system) {
    static const enum operation operations[] = {OPERATION_NONE,   OPERATION_REGISTER,
                                                OPERATION_SEND,   OPERATION_CREATE_GROUP,
                                                OPERATION_LOGOUT, OPERATION_HEARTBEAT};
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        struct dialect_request request = {.operation = operations[i]};
        struct dialect_result result = {
            .err = ERR_TAKEN, .reason = slice_text("nihao"), .time_ms = NOW};
        check_answers(D, true, &self, &request, &result,
                      ANSWERS("{'msg':'nihao','msgType':101,'fromUserId':'SYSTEM'}"));
        result.reason = slice_text("");
        check_answers(D, true, &self, &request, &result,
                      ANSWERS("{'msg':'that id is taken','msgType':101,'fromUserId':'SYSTEM'}"));
    }
    struct buffer out = buffer_make(1024);
    dialect_write_fault(D, &self, slice_text("that is not JSON"), NOW, &out);
    check_json(out.data, out.length,
               "{'msg':'that is not JSON','msgType':101,'fromUserId':'SYSTEM'}");
    buffer_free(&out);
}

TEST(a_stored_message_is_confirmed_by_its_ref) {
    struct dialect_request request = {.operation = OPERATION_SEND, .ref = slice_text("r")};
    struct dialect_result result = {.cid = 9, .stored_ms = 1700000000123, .time_ms = NOW};
    check_answers(D, true, &self, &request, &result,
                  ANSWERS("{'msgType':300,'ref':'r','ok':true,'cid':9,'time_ms':1700000000123}"));
    result.err = ERR_NO_GROUP;
    result.reason = slice_text("group ccc does not exist");
    check_answers(D, true, &self, &request, &result,
                  ANSWERS("{'msgType':300,'ref':'r','ok':false,'error':'no_group',"
                          "'text':'group ccc does not exist'}"));
}

/* --- entries --------------------------------------------------------------------------------- */

static struct entry text_entry(uint64_t conversation, uint64_t to, const char *to_id) {
    return (struct entry){.conversation = conversation,
                          .cid = 4711,
                          .time_ms = NOW,
                          .type = ENTRY_TEXT,
                          .from = 123,
                          .to = to,
                          .to_id = slice_text(to_id),
                          .text = slice_text("asdsad")};
}

TEST(shows_a_private_message_to_its_recipient) {
    struct entry entry = text_entry(17, 456, "");
    check_entry(D, false, 456, &entry, "{'msg':'asdsad','msgType':6,'fromUserId':'123'}");
    check_entry(D, false, 123, &entry, NULL);
    entry.from = 100000007;
    entry.from_id = slice_text("an\"na");
    check_entry(D, true, 456, &entry,
                "{'msg':'asdsad','msgType':6,'fromUserId':'an\\'na','cid':4711,"
                "'time_ms':1700000000999}");
}

TEST(shows_a_group_message_to_all) {
    struct entry entry = text_entry(conversation_of_group(100000001), 100000001, "ccc");
    const char *sample = "{'msg':'asdsad','msgType':8,'fromUserId':'123','toGroup':'ccc'}";
    check_entry(D, false, 123, &entry, sample);
    check_entry(D, false, 456, &entry, sample);
    check_entry(D, true, 456, &entry,
                "{'msg':'asdsad','msgType':8,'fromUserId':'123','toGroup':'ccc','cid':4711,"
                "'time_ms':1700000000999}");
    entry.to_id = slice_text("");
    check_entry(D, false, 456, &entry,
                "{'msg':'asdsad','msgType':8,'fromUserId':'123','toGroup':'100000001'}");
}

TEST(shows_joining_to_all) {
    struct entry entry = text_entry(conversation_of_group(100000001), 100000001, "ccc");
    entry.type = ENTRY_JOINED;
    entry.accepted = true;
    entry.from = 456;
    entry.subject = 123;
    const char *sample = "{'msgType':4,'confirmResult':true,'groupId':'ccc','toUserId':'123'}";
    check_entry(D, false, 123, &entry, sample);
    check_entry(D, false, 456, &entry, sample);
    entry.subject_id = slice_text("anna");
    check_entry(D, true, 456, &entry,
                "{'msgType':4,'confirmResult':true,'groupId':'ccc','toUserId':'anna','cid':4711,"
                "'time_ms':1700000000999}");
}

TEST(unknown_entries_are_not_shown) {
    struct entry entry = text_entry(17, 456, "");
    entry.type = 77;
    check_entry(D, true, 456, &entry, NULL);
    entry = text_entry((uint64_t)CONVERSATION_SELF << CONVERSATION_KIND_SHIFT | 456, 456, "");
    check_entry(D, true, 456, &entry, NULL);
}

int main(void) { return test_run_all(NULL, NULL); }
