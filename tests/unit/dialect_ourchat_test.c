/* The OurChat dialect: requests as the protocol's document has them, faults, and every answer. */
#include "proto/conversation.h"
#include "tests/support/dialect_check.h"

#define D DIALECT_OURCHAT

static const struct dialect_account self = {123456789, {"123456789", 9}};
#define NOW 1700000000999

/* --- requests -------------------------------------------------------------------------------- */

TEST(code_shows_the_dialect) {
    check_detected("{'code':6}", D);
    check_detected("{'Code':6}", DIALECT_UNKNOWN);
}

static const struct read_case requests[] = {
    {"{'code': 0, 'time': 1700000000.25, 'data': {'sender': {"
     "'ocid': 123456789, 'group_id': 100000001}, 'msg': 'hello'}}",
     "0 send actor=123456789 to_group=100000001 text=hello"},
    /* Numbers as strings, a null for a field that does not apply, unknown fields, an absurd time.
     */
    {"{'time': {}, 'code': '0', 'extra': [1], 'data': {'msg': '\\u4f60\\ud83d\\ude00', "
     "'sender': {'ocid': '123456789', 'group_id': null, 'private_id': "
     "9007199254740991, 'x': 1}}}",
     "0 send actor=123456789 to_user=9007199254740991 text=\xe4\xbd\xa0\xf0\x9f\x98\x80"},
    {"{'code': 4, 'time': 1700000000, 'data': {'email': 'a@example.org', "
     "'password': '5e884898', 'name': '\xe5\xbc\xa0'}}",
     "4 register before_login email=a@example.org password=5e884898 name=\xe5\xbc\xa0"},
    {"{'code': 4, 'data': {'email': 'a@example.org', 'password': 'p', 'name': 'n', "
     "'registration_token': 'a token'}}",
     "4 register before_login email=a@example.org password=p name=n registration_token=a token"},
    {"{'code': 8, 'time': 1, 'data': {'group_name': 'friends', 'ocid': 123456789}}",
     "8 create_group actor=123456789 name=friends"},
    /* A login is by address or number. */
    {"{'code': 6, 'data': {'account': 'a@example.org', 'password': 'p', 'ext': 1}}",
     "6 login before_login ext account=a@example.org password=p"},
    {"{'code': 6, 'data': {'account': '123456789', 'password': 'p', 'ext': 1}}",
     "6 login before_login ext account=123456789 password=p"},
    {"{'code': 6, 'data': {'account': 123456789, 'password': 'p', 'ext': 1}}",
     "6 login before_login ext account=123456789 password=p"},
    /* The document's table calls the name an integer. */
    {"{'code': 8, 'data': {'group_name': 12, 'ocid': 1}}", "8 create_group actor=1 name=12"},
};

TEST(reads_requests) { check_reads(D, false, requests, sizeof requests / sizeof requests[0]); }

TEST(ref_counts_only_after_opting_in) {
    struct dialect_request request;
    const char *text = "{'code': 8, 'ref': 'r1', 'data': {'group_name': 'g', 'ocid': 1}}";
    check_read(D, false, text, NULL, &request);
    check_slice(request.ref, "");
    dialect_request_free(&request);
    check_read(D, true, text, NULL, &request);
    check_slice(request.ref, "r1");
    dialect_request_free(&request);
    /* A value that is no ref is ignored, too. */
    check_read(D, false, "{'code': 8, 'ref': [], 'data': {'group_name': 'g', 'ocid': 1}}", NULL,
               &request);
    dialect_request_free(&request);
    /* The request that opts in may have one; a faulty request keeps its own. */
    check_read(D, false, "{'code': 6, 'ref': 'r2', 'data': {'account': 'a', 'ext': '1'}}",
               "password is missing", &request);
    assert_true(request.ext);
    check_slice(request.ref, "r2");
    assert_int_equal(request.operation, OPERATION_LOGIN);
    dialect_request_free(&request);
    check_read(D, false,
               "{'code': 6, 'ref': 'r2', 'data': {'account': 'a', 'password': 'p', "
               "'ext': 2}}",
               NULL, &request);
    assert_false(request.ext);
    check_slice(request.ref, "");
    dialect_request_free(&request);
}

/* --- faults ---------------------------------------------------------------------------------- */

#define NUMBER " must be a whole number from 1 to 9007199254740991"
#define ONE "sender needs exactly one of group_id and private_id"
#define MESSAGE(sender_, msg_) "{'code':0,'data':{'sender':" sender_ msg_ "}}"
#define REGISTRATION(email_, password_, name_)                                                     \
    "{'code':4,'data':{'email':" email_ ",'password':" password_ ",'name':" name_ "}}"

static const struct fault_case faults[] = {
    FAULT("{}", "code is missing"),
    FAULT("{'msgType':1}", "code is missing"),
    FAULT("{'code':null}", "code is missing"),
    FAULT("{'code':'x'}", "code must be a whole number"),
    FAULT("{'code':1.5,'data':{}}", "code must be a whole number"),
    FAULT("{'code':-1}", "code must be a whole number"),
    FAULT("{'code':1e999}", "code must be a whole number"),
    FAULT("{'code':true}", "code must be a whole number"),
    FAULT("{'code':'06'}", "code must be a whole number"),
    FAULT("{'code':13,'data':{}}", "code 13 is not known"),
    FAULT("{'code':5}", "code 5 is not known"),
    FAULT("{'code':9007199254740991}", "code 9007199254740991 is not known"),
    FAULT("{'code':9007199254740992}", "code must be a whole number"),
    FAULT("{'code':0}", "data is missing"),
    FAULT("{'code':0,'data':[]}", "data must be an object"),
    FAULT("{'code':6,'data':'x'}", "data must be an object"),
    FAULT("{'code':1,'data':{}}", "sender is missing"),
    FAULT("{'code':0,'data':{'msg':'x'}}", "sender is missing"),
    FAULT(MESSAGE("7", ""), "sender must be an object"),
    FAULT(MESSAGE("{'private_id':1}", ",'msg':'x'"), "sender.ocid is missing"),
    FAULT(MESSAGE("{'ocid':0,'private_id':1}", ",'msg':'x'"), "sender.ocid" NUMBER),
    FAULT(MESSAGE("{'ocid':1}", ",'msg':'x'"), ONE),
    FAULT(MESSAGE("{'ocid':1,'private_id':2,'group_id':3}", ",'msg':'x'"), ONE),
    FAULT(MESSAGE("{'ocid':1,'private_id':-2}", ",'msg':'x'"), "sender.private_id" NUMBER),
    FAULT(MESSAGE("{'ocid':1,'private_id':2.5}", ",'msg':'x'"), "sender.private_id" NUMBER),
    FAULT(MESSAGE("{'ocid':1,'private_id':'abc'}", ",'msg':'x'"), "sender.private_id" NUMBER),
    FAULT(MESSAGE("{'ocid':1,'private_id':'02'}", ",'msg':'x'"), "sender.private_id" NUMBER),
    FAULT(MESSAGE("{'ocid':1,'group_id':9007199254740992}", ",'msg':'x'"),
          "sender.group_id" NUMBER),
    FAULT(MESSAGE("{'ocid':1,'group_id':2}", ""), "msg is missing"),
    FAULT(MESSAGE("{'ocid':1,'group_id':2}", ",'msg':5"), "msg must be a string"),
    FAULT(MESSAGE("{'ocid':1,'group_id':2}", ",'msg':''"), "msg is empty"),
    FAULT(MESSAGE("{'ocid':1,'group_id':2}", ",'msg':'a\\u0000b'"), "msg holds a NUL character"),
    FAULT(MESSAGE("{'ocid':1,'group_id':2}", ",'msg' : 'a\nb'"),
          "msg holds a control character that is not escaped"),
    FAULT("{'co\\u0000de':0}", "a string holds a NUL character"),
    FAULT("['\\u0000']", "a string holds a NUL character"),
    FAULT("{'" X64 "x':'\\u0000'}", "a string holds a NUL character"),
    FAULT("[]", "the JSON is not an object"),
    FAULT("5", "the JSON is not an object"),
    FAULT("", "that is not JSON"),
    FAULT("{'code':0", "that is not JSON"),
    FAULT("{'code':0} x", "that is not JSON"),
    FAULT("{'code':4,'data':{'password':'p','name':'n'}}", "email is missing"),
    FAULT(REGISTRATION("5", "'p'", "'n'"), "email must be a string"),
    FAULT(REGISTRATION("''", "'p'", "'n'"), "email is empty"),
    FAULT(REGISTRATION("'a'", "'p'", "'n'"), "email is not an e-mail address"),
    FAULT(REGISTRATION("'@b'", "'p'", "'n'"), "email is not an e-mail address"),
    FAULT(REGISTRATION("'a@'", "'p'", "'n'"), "email is not an e-mail address"),
    FAULT(REGISTRATION("'a@b@c'", "'p'", "'n'"), "email is not an e-mail address"),
    FAULT(REGISTRATION("'a b@c'", "'p'", "'n'"), "email is not an e-mail address"),
    FAULT(REGISTRATION("'a@c\\n'", "'p'", "'n'"), "email is not an e-mail address"),
    FAULT(REGISTRATION("'a@c\\u0085'", "'p'", "'n'"), "email is not an e-mail address"),
    FAULT(REGISTRATION("'a@" X256 "'", "'p'", "'n'"), "email is longer than 254 bytes"),
    FAULT("{'code':4,'data':{'email':'a@b','name':'n'}}", "password is missing"),
    FAULT(REGISTRATION("'a@b'", "7", "'n'"), "password must be a string"),
    FAULT(REGISTRATION("'a@b'", "''", "'n'"), "password is empty"),
    FAULT(REGISTRATION("'a@b'", "'" X256 "x'", "'n'"), "password is longer than 256 bytes"),
    FAULT("{'code':4,'data':{'email':'a@b','password':'p'}}", "name is missing"),
    FAULT(REGISTRATION("'a@b'", "'p'", "[]"), "name must be a string or a whole number"),
    FAULT(REGISTRATION("'a@b'", "'p'", "''"), "name is empty"),
    FAULT(REGISTRATION("'a@b'", "'p'", "'\\t'"), "name holds a control character"),
    FAULT(REGISTRATION("'a@b'", "'p'", "'\\u009f'"), "name holds a control character"),
    FAULT(REGISTRATION("'a@b'", "'p'", "'" X64 "x'"), "name is longer than 64 characters"),
    FAULT("{'code':6,'data':{'password':'p'}}", "account is missing"),
    FAULT("{'code':6,'data':{'account':true,'password':'p'}}",
          "account must be a string or a whole number"),
    FAULT("{'code':6,'data':{'account':1.5,'password':'p'}}",
          "account must be a string or a whole number"),
    FAULT("{'code':6,'data':{'account':'','password':'p'}}", "account is empty"),
    FAULT("{'code':6,'data':{'account':'" X256 "','password':'p'}}",
          "account is longer than 254 bytes"),
    FAULT("{'code':6,'data':{'account':1}}", "password is missing"),
    FAULT("{'code':8,'data':{'group_name':'g'}}", "ocid is missing"),
    FAULT("{'code':8,'data':{'ocid':1}}", "group_name is missing"),
    FAULT("{'code':8,'data':{'ocid':1,'group_name':''}}", "group_name is empty"),
    FAULT("{'code':8,'ref':5,'data':{'ocid':1,'group_name':'g'}}", "ref must be a string"),
    FAULT("{'code':8,'ref':'','data':{'ocid':1,'group_name':'g'}}", "ref is empty"),
    FAULT("{'code':8,'ref':'" X64 "x','data':{'ocid':1,'group_name':'g'}}",
          "ref is longer than 64 bytes"),
};

TEST(faults_name_the_field) { check_faults(D, true, faults, sizeof faults / sizeof faults[0]); }

TEST(limits_are_reached) {
    struct dialect_request request;
    check_read(D, true,
               "{'code':4,'ref':'" X64 "','data':{'email':'a@" X64 X64 X64 X16 X16 X16 "xxxx',"
               "'password':'" X256 "','name':'" X64 "'}}",
               NULL, &request);
    assert_int_equal(request.email.length, 246);
    assert_int_equal(request.ref.length, 64);
    dialect_request_free(&request);
    /* Characters count, not bytes. */
    char name[256 + 1], text[512];
    for (size_t i = 0; i < 64; i++)
        memcpy(name + 4 * i, "\xf0\x9f\x98\x80", 5);
    snprintf(text, sizeof text, "{'code':8,'data':{'ocid':1,'group_name':'%s'}}", name);
    check_read(D, true, text, NULL, &request);
    assert_int_equal(request.name.length, 256);
    dialect_request_free(&request);
    /* A backslash before u0000 makes it plain text. */
    check_read(D, true, MESSAGE("{'ocid':1,'group_id':2}", ",'msg':'\\\\u0000'"), NULL, &request);
    check_slice(request.text, "\\u0000");
    dialect_request_free(&request);
}

/* --- answers --------------------------------------------------------------------------------- */

static const struct {
    enum operation operation;
    enum err err;
    const char *answer;
} outcomes[] = {
    {OPERATION_REGISTER, ERR_OK,
     "{'code':5,'time':1700000000,'data':{'state':0,'ocId':123456789}}"},
    {OPERATION_REGISTER, ERR_EMAIL_TAKEN, "{'code':5,'time':1700000000,'data':{'state':2}}"},
    {OPERATION_REGISTER, ERR_BAD_REQUEST, "{'code':5,'time':1700000000,'data':{'state':1}}"},
    {OPERATION_REGISTER, ERR_INTERNAL, "{'code':5,'time':1700000000,'data':{'state':1}}"},
    {OPERATION_REGISTER, ERR_UNAVAILABLE, "{'code':5,'time':1700000000,'data':{'state':1}}"},
    {OPERATION_REGISTER, ERR_TAKEN, "{'code':5,'time':1700000000,'data':{'state':1}}"},
    {OPERATION_LOGIN, ERR_OK, "{'code':7,'time':1700000000,'data':{'state':0,'ocid':123456789}}"},
    {OPERATION_LOGIN, ERR_BAD_LOGIN, "{'code':7,'time':1700000000,'data':{'state':1}}"},
    {OPERATION_LOGIN, ERR_PASSWORD_NEEDED, "{'code':7,'time':1700000000,'data':{'state':1}}"},
    {OPERATION_LOGIN, ERR_NO_ACCOUNT, "{'code':7,'time':1700000000,'data':{'state':1}}"},
    {OPERATION_LOGIN, ERR_DISABLED, "{'code':7,'time':1700000000,'data':{'state':1}}"},
    {OPERATION_LOGIN, ERR_BAD_REQUEST, "{'code':7,'time':1700000000,'data':{'state':1}}"},
    {OPERATION_LOGIN, ERR_INTERNAL, "{'code':7,'time':1700000000,'data':{'state':2}}"},
    {OPERATION_LOGIN, ERR_TIMEOUT, "{'code':7,'time':1700000000,'data':{'state':2}}"},
    {OPERATION_LOGIN, ERR_NOT_ALLOWED, "{'code':7,'time':1700000000,'data':{'state':2}}"},
    {OPERATION_LOGIN, ERR_TOO_MANY, "{'code':7,'time':1700000000,'data':{'state':2}}"},
};

TEST(answers_registrations_and_logins) {
    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
        struct dialect_request request = {.number =
                                              outcomes[i].operation == OPERATION_LOGIN ? 6 : 4,
                                          .operation = outcomes[i].operation};
        struct dialect_result result = {
            .err = outcomes[i].err, .account = 123456789, .time_ms = NOW};
        check_answers(D, false, NULL, &request, &result, ANSWERS(outcomes[i].answer));
    }
}

TEST(answers_a_new_group) {
    struct dialect_request request = {
        .number = 8, .operation = OPERATION_CREATE_GROUP, .actor = {true, 123456789, {NULL, 0}}};
    struct dialect_result result = {.group = 100000001,
                                    .group_id = slice_text("100000001"),
                                    .group_name = slice_text("a \"b\""),
                                    .time_ms = NOW};
    check_answers(D, false, &self, &request, &result,
                  ANSWERS("{'code':10,'time':1700000000,'data':{'group_id':100000001,'group_name':'"
                          "a \\'b\\'','ocid':123456789}}"));
    result.err = ERR_TOO_MANY;
    check_answers(D, false, &self, &request, &result,
                  ANSWERS("{'code':0,'time':1700000000,'data':{'cid':0,'sender':{'ocid':0,"
                          "'private_id':123456789},'msg':'a limit is reached'}}"));
}

TEST(a_stored_message_needs_no_answer_of_its_own) {
    struct dialect_request request = {.operation = OPERATION_SEND};
    struct dialect_result result = {.cid = 5, .stored_ms = 1700000000123, .time_ms = NOW};
    check_answers(D, false, &self, &request, &result, NO_ANSWER);
    check_answers(D, true, &self, &request, &result, NO_ANSWER);
    request.ref = slice_text("a\"1");
    check_answers(D, false, &self, &request, &result, NO_ANSWER);
    check_answers(D, true, &self, &request, &result,
                  ANSWERS("{'code':300,'time':1700000000,'data':{'ref':'a\\'1','ok':true,'cid':5,"
                          "'time_ms':1700000000123}}"));
    result.err = ERR_NOT_MEMBER;
    result.reason = slice_text("you are not in group 5");
    check_answers(D, true, &self, &request, &result,
                  ANSWERS("{'code':300,'time':1700000000,'data':{'ref':'a\\'1','ok':false,"
                          "'error':'not_member','text':'you are not in group 5'}}"));
    check_answers(D, false, &self, &request, &result,
                  ANSWERS("{'code':0,'time':1700000000,'data':{'cid':0,'sender':{'ocid':0,"
                          "'private_id':123456789},'msg':'you are not in group 5'}}"));
}

TEST(a_login_that_opts_in_is_answered_twice) {
    struct dialect_request request = {
        .operation = OPERATION_LOGIN, .ext = true, .ref = slice_text("r")};
    struct dialect_result result = {.account = 7, .time_ms = NOW};
    check_answers(D, false, NULL, &request, &result,
                  ANSWERS("{'code':7,'time':1700000000,'data':{'state':0,'ocid':7}}",
                          "{'code':300,'time':1700000000,'data':{'ref':'r','ok':true}}"));
}

TEST(faults_are_sent_by_system) {
    struct buffer out = buffer_make(1024);
    dialect_write_fault(D, NULL, slice_text("log in first"), NOW, &out);
    check_json(out.data, out.length,
               "{'code':0,'time':1700000000,'data':{'cid':0,'sender':{'ocid':0,'private_id':0},"
               "'msg':'log in first'}}");
    buffer_clear(&out);
    dialect_write_fault(DIALECT_UNKNOWN, NULL, slice_text("that is not JSON"), NOW, &out);
    check_json(out.data, out.length, "{'error':'that is not JSON'}");
    buffer_free(&out);
}

/* --- entries --------------------------------------------------------------------------------- */

static struct entry text_entry(uint64_t conversation, uint64_t from, uint64_t to) {
    return (struct entry){.conversation = conversation,
                          .cid = 4711,
                          .prev = 4710,
                          .time_ms = NOW,
                          .type = ENTRY_TEXT,
                          .from = from,
                          .to = to,
                          .text = slice_text("hi")};
}

TEST(shows_a_private_message_to_both) {
    struct entry entry = text_entry(17, 123456789, 200000000);
    entry.from_id = slice_text("anna");
    const char *sample = "{'code':0,'time':1700000000,'data':{'cid':4711,'sender':{'ocid':"
                         "123456789,'private_id':200000000},'msg':'hi'}}";
    check_entry(D, false, 123456789, &entry, sample);
    check_entry(D, false, 200000000, &entry, sample);
    check_entry(D, true, 200000000, &entry,
                "{'code':0,'time':1700000000,'data':{'cid':4711,'sender':{'ocid':123456789,"
                "'private_id':200000000},'msg':'hi','time_ms':1700000000999}}");
}

TEST(shows_a_group_message_to_all) {
    struct entry entry = text_entry(conversation_of_group(100000001), 123456789, 100000001);
    const char *sample = "{'code':0,'time':1700000000,'data':{'cid':4711,'sender':{'ocid':"
                         "123456789,'group_id':100000001},'msg':'hi'}}";
    check_entry(D, false, 123456789, &entry, sample);
    check_entry(D, false, 5, &entry, sample);
}

TEST(shows_joining_to_the_one_who_joined) {
    struct entry entry = text_entry(conversation_of_group(100000001), 5, 100000001);
    entry.type = ENTRY_JOINED;
    entry.accepted = true;
    entry.subject = 200000000;
    entry.text = slice_text("friends");
    const char *sample = "{'code':10,'time':1700000000,'data':{'group_id':100000001,"
                         "'group_name':'friends','ocid':200000000}}";
    check_entry(D, false, 200000000, &entry, sample);
    check_entry(D, false, 5, &entry, NULL);
    check_entry(D, false, 6, &entry, NULL);
    check_entry(D, true, 200000000, &entry,
                "{'code':10,'time':1700000000,'data':{'group_id':100000001,"
                "'group_name':'friends','ocid':200000000,'cid':4711,'time_ms':1700000000999}}");
}

TEST(unknown_entries_are_not_shown) {
    struct entry entry = text_entry(17, 1, 2);
    entry.type = 77;
    check_entry(D, true, 2, &entry, NULL);
    entry = text_entry((uint64_t)CONVERSATION_SELF << CONVERSATION_KIND_SHIFT | 2, 0, 2);
    check_entry(D, true, 2, &entry, NULL);
}

/* A JSON parser reads every character that may stand in a message as it was. */
TEST(messages_survive_their_escaping) {
    char text[0x200];
    size_t length = 0;
    for (unsigned c = 1; c < 0x80; c++)
        text[length++] = (char)c;
    static const char others[] = "\xe5\xbc\xa0\xf0\x9f\x98\x80\xe2\x80\xa8 \"\"\\\\\"";
    memcpy(text + length, others, sizeof others - 1);
    length += sizeof others - 1;
    struct entry entry = text_entry(17, 1, 2);
    entry.text = slice_make(text, length);
    struct buffer out = buffer_make(65536);
    dialect_write_entry(D, true, NULL, &entry, 2, &out);
    assert_false(out.failed);
    char fault[DIALECT_FAULT_BYTES];
    cJSON *json = dialect_parse(slice_make(out.data, out.length), fault);
    assert_non_null(json);
    const cJSON *data = cJSON_GetObjectItem(json, "data");
    const char *msg = cJSON_GetStringValue(cJSON_GetObjectItem(data, "msg"));
    assert_non_null(msg);
    check_slice(entry.text, msg);
    cJSON_Delete(json);
    buffer_free(&out);
}

TEST(a_text_that_has_no_room_leaves_no_trace) {
    struct entry entry = text_entry(17, 1, 2);
    for (size_t room = 0; room < 90; room++) {
        struct buffer out = buffer_make(room + 3);
        assert_int_equal(buffer_add(&out, "abc", 3), 0);
        dialect_write_entry(D, true, NULL, &entry, 2, &out);
        assert_true(out.failed);
        assert_int_equal(out.length, 3);
        struct dialect_request request = {.operation = OPERATION_SEND, .ref = slice_text("r")};
        struct dialect_result result = {.err = ERR_TOO_MANY};
        struct dialect_texts texts = {.out = &out};
        dialect_write_result(D, true, &self, &request, &result, &texts);
        dialect_write_fault(D, &self, slice_text("no"), NOW, &out);
        assert_int_equal(texts.count, 0);
        assert_int_equal(out.length, 3);
        buffer_free(&out);
    }
}

int main(void) { return test_run_all(NULL, NULL); }
