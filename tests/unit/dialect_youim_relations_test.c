/*
 * Friends, groups, notices, presence and SYSTEM in the YouIM dialect: requests and answers as the
 * protocol's document has them.
 */
#include "proto/conversation.h"
#include "tests/support/dialect_check.h"

#define D DIALECT_YOUIM
#define NOW 1700000000999
#define GROUP 100000001

/* --- requests -------------------------------------------------------------------------------- */

#define BODY(type_, fields_) "{'msgType':" type_ ",'msgBody':{" fields_ "}}"

static const struct read_case requests[] = {
    /* With the document's white space. */
    {"{\n\
  'msgType' : '3',\n\
   'msgBody':{\n\
     'token' : '1522913807330_5', \n\
     'fromUserId' : '5646',\n\
     'groupId' : 'ccc'\n\
  }\n\
}",
     "3 join actor=5646 group='ccc' token=1522913807330_5"},
    {BODY("'11'", "'token':'1522918935301_11','fromUserId':'999','groupId':'aaa'"),
     "11 leave actor=999 group='aaa' token=1522918935301_11"},
    {BODY("'13'", "'token':'1522913807330_5','toUserId':'456','fromUserId':'123'"),
     "13 befriend actor=123 person=456 token=1522913807330_5"},
    {BODY("'15'", "'token':'1522918942580_12','fromUserId':'123','toUserId':'999'"),
     "15 unfriend actor=123 person=999 token=1522918942580_12"},
    {BODY("'17'", "'token':'1522918942580_12','fromAdministratorId':'123','fromGroupId':'"
                  "aaa','toUSerId':'999'"),
     "17 remove_member actor=123 group='aaa' person=999 token=1522918942580_12"},
    {BODY("'19'", "'token':'1522918942580_12','ownerId':'123','groupId':'aaa','toUserId':'999'"),
     "19 set_admin accept actor=123 group='aaa' person=999 token=1522918942580_12"},
    {BODY("'21'", "'token':'1522918942580_12','ownerId':'123','groupId':'aaa','fromUserId':'999'"),
     "21 set_admin actor=123 group='aaa' person=999 token=1522918942580_12"},
    {BODY("'104'",
          "'token':'1522918935301_11','fromUserId':'999','toUserId':'123','confirmResult':true"),
     "104 answer_friend accept actor=999 person=123 token=1522918935301_11"},
    {BODY("'106'", "'token':'1522917278993_10','handleAdministratorId':'456','groupId':'"
                   "ccc','toUserId':'123','confirmResult':true"),
     "106 answer_join accept actor=456 group='ccc' person=123 token=1522917278993_10"},
    {BODY("'111'", "'token':'1522916620426_8','groupId':'ccc','ownerId':'456'"),
     "111 dissolve actor=456 group='ccc' token=1522916620426_8"},
    /* The document has the one spelling in the request and the other in the notice. */
    {BODY("17", "'token':'t','fromAdministratorId':'a','fromGroupId':'c','toUserId':'b'"),
     "17 remove_member actor='a' group='c' person='b' token=t"},
    {BODY("17",
          "'token':'t','fromAdministratorId':'a','fromGroupId':'c','toUserId':'b','toUSerId':'d'"),
     "17 remove_member actor='a' group='c' person='d' token=t"},
};

TEST(reads_requests) { check_reads(D, false, requests, sizeof requests / sizeof requests[0]); }

TEST(answers_are_flags_or_words) {
    static const char *const texts[] = {"true", "'true'", "false", "'false'"};
    for (size_t i = 0; i < 4; i++) {
        char json[256];
        struct dialect_request request;
        snprintf(json, sizeof json,
                 "{'msgType':104,'msgBody':{'token':'t','fromUserId':'a','toUserId':'b',"
                 "'confirmResult':%s}}",
                 texts[i]);
        check_read(D, false, json, NULL, &request);
        assert_int_equal(request.accept, i < 2);
        dialect_request_free(&request);
        snprintf(json, sizeof json,
                 "{'msgType':106,'msgBody':{'token':'t','handleAdministratorId':'a',"
                 "'toUserId':'b','groupId':'c','confirmResult':%s}}",
                 texts[i]);
        check_read(D, false, json, NULL, &request);
        assert_int_equal(request.accept, i < 2);
        dialect_request_free(&request);
    }
}

/* --- faults ---------------------------------------------------------------------------------- */

#define T "'token':'t',"
#define NO_ID " must be 1 to 64 bytes without control characters, and not SYSTEM or 0"
#define NO_NUMBER " must be a string or a whole number from 1 to 9007199254740991"
#define ANSWER "confirmResult must be true or false"

static const struct fault_case faults[] = {
    FAULT("{'msgType':3}", "msgBody is missing"),
    FAULT(BODY("3", "'fromUserId':'a','groupId':'c'"), "token is missing"),
    FAULT(BODY("3", T "'groupId':'c'"), "fromUserId is missing"),
    FAULT(BODY("3", T "'fromUserId':'a'"), "groupId is missing"),
    FAULT(BODY("3", T "'fromUserId':'a','groupId':'SYSTEM'"), "groupId" NO_ID),
    FAULT(BODY("11", "'fromUserId':'a','groupId':'c'"), "token is missing"),
    FAULT(BODY("11", T "'fromUserId':'a','groupId':{}"), "groupId" NO_NUMBER),
    FAULT(BODY("13", "'fromUserId':'a','toUserId':'b'"), "token is missing"),
    FAULT(BODY("13", T "'toUserId':'b'"), "fromUserId is missing"),
    FAULT(BODY("13", T "'fromUserId':'a'"), "toUserId is missing"),
    FAULT(BODY("13", T "'fromUserId':'a','toUserId':''"), "toUserId" NO_ID),
    FAULT(BODY("15", T "'fromUserId':'a'"), "toUserId is missing"),
    FAULT(BODY("17", T "'fromGroupId':'c','toUSerId':'b'"), "fromAdministratorId is missing"),
    FAULT(BODY("17", T "'fromAdministratorId':'a','toUSerId':'b'"), "fromGroupId is missing"),
    FAULT(BODY("17", T "'fromAdministratorId':'a','fromGroupId':'c'"), "toUSerId is missing"),
    FAULT(BODY("17", T "'fromAdministratorId':'a','fromGroupId':'c','toUserId':0"),
          "toUserId" NO_NUMBER),
    FAULT(BODY("19", T "'groupId':'c','toUserId':'b'"), "ownerId is missing"),
    FAULT(BODY("19", T "'ownerId':'a','toUserId':'b'"), "groupId is missing"),
    FAULT(BODY("19", T "'ownerId':'a','groupId':'c'"), "toUserId is missing"),
    FAULT(BODY("21", T "'ownerId':'a','groupId':'c','toUserId':'b'"), "fromUserId is missing"),
    FAULT(BODY("104", T "'toUserId':'b','confirmResult':true"), "fromUserId is missing"),
    FAULT(BODY("104", T "'fromUserId':'a','confirmResult':true"), "toUserId is missing"),
    FAULT(BODY("104", T "'fromUserId':'a','toUserId':'b'"), "confirmResult is missing"),
    FAULT(BODY("104", T "'fromUserId':'a','toUserId':'b','confirmResult':1"), ANSWER),
    FAULT(BODY("104", T "'fromUserId':'a','toUserId':'b','confirmResult':'yes'"), ANSWER),
    FAULT(BODY("106", T "'groupId':'c','toUserId':'b','confirmResult':true"),
          "handleAdministratorId is missing"),
    FAULT(BODY("106", T "'handleAdministratorId':'a','toUserId':'b','confirmResult':true"),
          "groupId is missing"),
    FAULT(BODY("106", T "'handleAdministratorId':'a','groupId':'c','confirmResult':true"),
          "toUserId is missing"),
    FAULT(BODY("106", T "'handleAdministratorId':'a','groupId':'c','toUserId':'b'"),
          "confirmResult is missing"),
    FAULT(BODY("111", T "'groupId':'c'"), "ownerId is missing"),
    FAULT(BODY("111", T "'ownerId':'a'"), "groupId is missing"),
    FAULT(BODY("111", "'ownerId':'a','groupId':'c'"), "token is missing"),
};

TEST(faults_name_the_field) { check_faults(D, true, faults, sizeof faults / sizeof faults[0]); }

/* --- notices --------------------------------------------------------------------------------- */

enum where { PAIR, IN_GROUP, OWN, ALL };

static uint64_t conversation_at(enum where where) {
    static const uint64_t ids[] = {17, (uint64_t)1 << 60 | GROUP, (uint64_t)2 << 60 | 123,
                                   (uint64_t)3 << 60};
    assert_int_equal(ids[IN_GROUP], conversation_of_group(GROUP));
    assert_int_equal(ids[OWN], conversation_of_account(123));
    assert_int_equal(ids[ALL], CONVERSATION_OF_ALL);
    return ids[where];
}

/* Each entry as the document's sample has it, with the sample's ids. */
static const struct {
    enum entry_type type;
    enum where where;
    uint64_t from;
    const char *group; /* NULL: none */
    uint64_t subject;
    bool accepted;
    const char *text, *sample;
} notices[] = {
    {ENTRY_JOINED, IN_GROUP, 456, "ccc", 123, true, "friends",
     "{'msgType':4,'confirmResult':true,'groupId':'ccc','toUserId':'123'}"},
    {ENTRY_JOIN_REFUSED, OWN, 456, "ccc", 123, false, "",
     "{'msgType':4,'confirmResult':false,'groupId':'ccc','toUserId':'123'}"},
    {ENTRY_LEFT, IN_GROUP, 999, "aaa", 999, false, "",
     "{'msgType':12,'fromUserId':'999','groupId':'aaa'}"},
    {ENTRY_FRIEND_ANSWER, OWN, 456, NULL, 123, true, "",
     "{'msgType':14,'fromUserId':'456','confirmResult':true,'toUserId':'123'}"},
    {ENTRY_FRIEND_ANSWER, OWN, 456, NULL, 123, false, "",
     "{'msgType':14,'fromUserId':'456','confirmResult':false,'toUserId':'123'}"},
    {ENTRY_FRIEND_REMOVED, OWN, 123, NULL, 999, false, "",
     "{'msgType':16,'fromUserId':'123','toUserId':'999'}"},
    {ENTRY_REMOVED, IN_GROUP, 123, "aaa", 999, false, "",
     "{'msgType':18,'fromGroupId':'aaa','fromAdministratorUserId':'123','toUserId':'999'}"},
    /* The operator removes as SYSTEM. */
    {ENTRY_REMOVED, IN_GROUP, 0, "aaa", 999, false, "",
     "{'msgType':18,'fromGroupId':'aaa','fromAdministratorUserId':'SYSTEM','toUserId':'999'}"},
    {ENTRY_ADMIN_ADDED, OWN, 123, "aaa", 999, false, "",
     "{'msgType':20,'groupId':'aaa','ownerId':'123','toUserId':'999'}"},
    {ENTRY_ADMIN_REMOVED, OWN, 123, "aaa", 999, false, "",
     "{'msgType':22,'fromUserId':'999','groupId':'aaa','ownerId':'123'}"},
    {ENTRY_SYSTEM, ALL, 0, NULL, 0, false, "nihao",
     "{'msg':'nihao','msgType':100,'fromUserId':'SYSTEM'}"},
    {ENTRY_SYSTEM, OWN, 0, NULL, 0, false, "nihao",
     "{'msg':'nihao','msgType':101,'fromUserId':'SYSTEM'}"},
    {ENTRY_SYSTEM, IN_GROUP, 0, "aaa", 0, false, "dawdawd",
     "{'msg':'dawdawd','msgType':102,'fromUserId':'SYSTEM','toGroup':'aaa'}"},
    {ENTRY_FRIEND_REQUEST, OWN, 123, NULL, 456, false, "", "{'msgType':103,'fromUserId':'123'}"},
    {ENTRY_JOIN_REQUEST, OWN, 123, "ccc", 123, false, "",
     "{'msgType':105,'fromUserId':'123','groupId':'ccc'}"},
    {ENTRY_DISSOLVED, IN_GROUP, 456, "ccc", 0, false, "", "{'msgType':112,'groupId':'ccc'}"},
    {ENTRY_FRIEND_ONLINE, PAIR, 456, NULL, 456, false, "", "{'msgType':107,'friendId':'456'}"},
    {ENTRY_FRIEND_OFFLINE, PAIR, 456, NULL, 456, false, "", "{'msgType':108,'friendId':'456'}"},
    {ENTRY_MEMBER_ONLINE, PAIR, 456, "ccc", 456, false, "",
     "{'msgType':109,'groupId':'ccc','userId':'456'}"},
    {ENTRY_MEMBER_OFFLINE, PAIR, 456, "ccc", 456, false, "",
     "{'msgType':110,'groupId':'ccc','userId':'456'}"},
};

static struct entry entry_at(size_t i) {
    const char *group = notices[i].group;
    return (struct entry){.conversation = conversation_at(notices[i].where),
                          .cid = notices[i].type >= ENTRY_FRIEND_ONLINE ? 0 : 4711,
                          .time_ms = NOW,
                          .type = notices[i].type,
                          .from = notices[i].from,
                          .to = group ? GROUP : 0,
                          .to_id = slice_text(group ? group : ""),
                          .subject = notices[i].subject,
                          .accepted = notices[i].accepted,
                          .text = slice_text(notices[i].text)};
}

/* The sample with more fields at its end; the caller frees it. */
static char *with_fields(const char *sample, const char *fields) {
    char *text = NULL;
    size_t whole = strlen(sample) - 1;
    assert_true(asprintf(&text, "%.*s%s}", (int)whole, sample, fields) > 0);
    return text;
}

TEST(shows_the_documents_samples) {
    static const uint64_t viewers[] = {123, 456, 999};
    for (size_t i = 0; i < sizeof notices / sizeof notices[0]; i++) {
        struct entry entry = entry_at(i);
        char *ext =
            with_fields(notices[i].sample, entry.cid == 0 ? ",'time_ms':1700000000999"
                                                          : ",'cid':4711,'time_ms':1700000000999");
        for (size_t j = 0; j < 3; j++) {
            check_entry(D, false, viewers[j], &entry, notices[i].sample);
            check_entry(D, true, viewers[j], &entry, ext);
        }
        free(ext);
    }
}

TEST(shows_ids_as_they_were_chosen) {
    struct entry entry = {.conversation = conversation_of_group(GROUP),
                          .type = ENTRY_REMOVED,
                          .from = 5,
                          .from_id = slice_text("\xe5\xbc\xa0"),
                          .to = GROUP,
                          .subject = 6,
                          .subject_id = slice_text("b\"6")};
    check_entry(D, false, 7, &entry,
                "{'msgType':18,'fromGroupId':'100000001','fromAdministratorUserId':'\xe5\xbc\xa0',"
                "'toUserId':'b\\'6'}");
}

TEST(does_not_show_entries_without_a_type) {
    struct entry entry = {.conversation = conversation_of_group(GROUP),
                          .type = ENTRY_GROUP_RENAMED,
                          .text = slice_text("n")};
    check_entry(D, true, 7, &entry, NULL);
    entry = (struct entry){
        .conversation = conversation_of_account(7), .type = ENTRY_RENAMED, .text = slice_text("n")};
    check_entry(D, true, 7, &entry, NULL);
    /* An entry with a part where it does not belong has no form either. */
    for (size_t i = 0; i < sizeof notices / sizeof notices[0]; i++) {
        entry = entry_at(i);
        if (entry.type == ENTRY_SYSTEM)
            entry.conversation = 17;
        else
            entry.conversation = CONVERSATION_OF_ALL;
        check_entry(D, true, 7, &entry, NULL);
    }
}

TEST(success_is_silent) {
    static const struct dialect_account self = {123, {"123", 3}};
    for (enum operation operation = OPERATION_BEFRIEND; operation < OPERATION_COUNT; operation++)
        check_silent(D, &self, operation, "{'msgType':300,'ref':'r','ok':true}");
}

int main(void) { return test_run_all(NULL, NULL); }
