/*
 * Friends, groups, notices and SYSTEM in the OurChat dialect: requests and answers as the
 * protocol's document has them, and the additions for clients that opted in.
 */
#include "proto/conversation.h"
#include "tests/support/dialect_check.h"

#define D DIALECT_OURCHAT
#define NOW 1700000000999

/* --- requests -------------------------------------------------------------------------------- */

#define DATA(code_, fields_) "{'code':" code_ ",'time':1700000000,'data':{" fields_ "}}"

static const struct read_case requests[] = {
    /* With the document's white space. */
    {"{\n\
  'code': 9,\n\
  'time': 1700000000,\n\
  'data': {\n\
    'group_id': 100000001,\n\
    'ocid': 123456789\n\
  }\n\
}",
     "9 join actor=123456789 group=100000001"},
    {DATA("9", "'group_id':null,'add_ocid':'200000000','ocid':123456789"),
     "9 befriend actor=123456789 person=200000000"},
    /* The actor is the logged-in account. */
    {DATA("10", "'group_id':100000001,'group_name':'friends','ocid':200000000"),
     "10 admit accept group=100000001 person=200000000"},
    {DATA("10", "'add_ocid':123456789,'ocid':200000000"),
     "10 answer_friend accept actor=123456789 person=200000000"},
    {DATA("11", "'group_id':100000001,'ocid':200000000"),
     "11 answer_join group=100000001 person=200000000"},
    {DATA("11", "'ocid':200000000"), "11 answer_friend person=200000000"},
    {"{'code':11,'data':{'add_ocid':123456789,'ocid':200000000}}",
     "11 answer_friend actor=123456789 person=200000000"},
    /* Of a group, ocid means nothing. */
    {DATA("12", "'group_id':100000001,'ocid':200000000,'name':'\xe5\xbc\xa0'"),
     "12 rename_group group=100000001 name=\xe5\xbc\xa0"},
    {DATA("12", "'ocid':123456789,'name':'n','group_name':'x'"),
     "12 rename_self actor=123456789 name=n"},
    {DATA("12", "'ocid':123456789,'group_name':'x'"), "12 rename_self actor=123456789 name=x"},
};

TEST(reads_requests) { check_reads(D, false, requests, sizeof requests / sizeof requests[0]); }

/* Messages of the other dialect, for clients that opted in. */
static const struct read_case extensions[] = {
    {DATA("111", "'group_id':100000001,'ocid':123456789"),
     "111 leave actor=123456789 group=100000001"},
    {DATA("115", "'ocid':123456789,'target_ocid':200000000"),
     "115 unfriend actor=123456789 person=200000000"},
    {DATA("117", "'group_id':100000001,'ocid':123456789,'target_ocid':200000000"),
     "117 remove_member actor=123456789 group=100000001 person=200000000"},
    {DATA("119", "'group_id':100000001,'ocid':123456789,'target_ocid':200000000"),
     "119 set_admin accept actor=123456789 group=100000001 person=200000000"},
    {DATA("121", "'group_id':100000001,'ocid':123456789,'target_ocid':200000000"),
     "121 set_admin actor=123456789 group=100000001 person=200000000"},
    {DATA("211", "'group_id':100000001,'ocid':123456789"),
     "211 dissolve actor=123456789 group=100000001"},
    {"{'code':199}", "199 heartbeat before_login"},
};

TEST(reads_messages_of_the_other_dialect) {
    for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++) {
        char fault[64];
        snprintf(fault, sizeof fault, "code %.3s is not known", extensions[i].read);
        check_faults(D, false, &(struct fault_case){extensions[i].json, fault}, 1);
    }
    check_reads(D, true, extensions, sizeof extensions / sizeof extensions[0]);
}

/* --- faults ---------------------------------------------------------------------------------- */

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

TEST(faults_name_the_field) { check_faults(D, true, faults, sizeof faults / sizeof faults[0]); }

/* --- notices --------------------------------------------------------------------------------- */

#define NOTICE(code_, fields_) "{'code':" code_ ",'time':1700000000,'data':{" fields_ "}}"
#define STAMPED(code_, fields_) NOTICE(code_, fields_ ",'cid':4711,'time_ms':1700000000999")
#define BOTH(code_, fields_) NOTICE(code_, fields_), STAMPED(code_, fields_)

/* A notice as unmodified clients get it, NULL: not at all; and as clients that opted in do. */
static const struct {
    enum entry_type type;
    enum conversation_kind kind;
    bool accepted;
    const char *plain, *ext;
} notices[] = {
    {ENTRY_FRIEND_REQUEST, CONVERSATION_SELF, false,
     BOTH("9", "'add_ocid':200000000,'ocid':123456789")},
    {ENTRY_JOIN_REQUEST, CONVERSATION_SELF, false,
     BOTH("9", "'group_id':100000001,'ocid':200000000")},
    {ENTRY_FRIEND_ANSWER, CONVERSATION_SELF, true,
     BOTH("10", "'add_ocid':123456789,'ocid':200000000")},
    {ENTRY_FRIEND_ANSWER, CONVERSATION_SELF, false, NOTICE("11", "'ocid':200000000"),
     STAMPED("11", "'add_ocid':123456789,'ocid':200000000")},
    {ENTRY_JOIN_REFUSED, CONVERSATION_SELF, false,
     BOTH("11", "'group_id':100000001,'ocid':200000000")},
    {ENTRY_GROUP_RENAMED, CONVERSATION_GROUP, false,
     BOTH("12", "'group_id':100000001,'ocid':123456789,'name':'friends'")},
    {ENTRY_RENAMED, CONVERSATION_SELF, false, BOTH("12", "'ocid':200000000,'name':'friends'")},
    {ENTRY_LEFT, CONVERSATION_GROUP, false, NULL,
     STAMPED("112", "'group_id':100000001,'ocid':200000000")},
    {ENTRY_FRIEND_REMOVED, CONVERSATION_SELF, false, NULL,
     STAMPED("116", "'ocid':123456789,'target_ocid':200000000")},
    {ENTRY_REMOVED, CONVERSATION_GROUP, false, NULL,
     STAMPED("118", "'group_id':100000001,'ocid':123456789,'target_ocid':200000000")},
    {ENTRY_ADMIN_ADDED, CONVERSATION_SELF, false, NULL,
     STAMPED("120", "'group_id':100000001,'ocid':123456789,'target_ocid':200000000")},
    {ENTRY_ADMIN_REMOVED, CONVERSATION_SELF, false, NULL,
     STAMPED("122", "'group_id':100000001,'ocid':123456789,'target_ocid':200000000")},
    {ENTRY_DISSOLVED, CONVERSATION_GROUP, false, NULL,
     STAMPED("212", "'group_id':100000001,'ocid':123456789")},
};

static struct entry notice(enum entry_type type, uint64_t conversation) {
    return (struct entry){.conversation = conversation,
                          .cid = 4711,
                          .time_ms = NOW,
                          .type = type,
                          .from = 123456789,
                          .from_id = slice_text("anna"),
                          .to = 100000001,
                          .to_id = slice_text("ccc"),
                          .subject = 200000000,
                          .subject_id = slice_text("bert"),
                          .text = slice_text("friends")};
}

static void check_notice(const struct entry *entry, const char *plain, const char *ext) {
    static const uint64_t viewers[] = {123456789, 200000000, 7};
    for (size_t i = 0; i < 3; i++) {
        check_entry(D, false, viewers[i], entry, plain);
        check_entry(D, true, viewers[i], entry, ext);
    }
}

TEST(shows_notices) {
    for (size_t i = 0; i < sizeof notices / sizeof notices[0]; i++) {
        struct entry entry = notice(notices[i].type, notices[i].kind == CONVERSATION_GROUP
                                                         ? conversation_of_group(100000001)
                                                         : conversation_of_account(200000000));
        entry.accepted = notices[i].accepted;
        check_notice(&entry, notices[i].plain, notices[i].ext);
        /* Where such an entry doesn't belong it is not shown. */
        entry.conversation = 17;
        check_notice(&entry, NULL, NULL);
    }
}

TEST(shows_presence_to_ext_alone) {
    static const char *const samples[] = {
        NOTICE("207", "'ocid':200000000,'time_ms':1700000000999"),
        NOTICE("208", "'ocid':200000000,'time_ms':1700000000999"),
        NOTICE("209", "'group_id':100000001,'ocid':200000000,'time_ms':1700000000999"),
        NOTICE("210", "'group_id':100000001,'ocid':200000000,'time_ms':1700000000999")};
    for (unsigned i = 0; i < 4; i++) {
        struct entry entry = notice((enum entry_type)(ENTRY_FRIEND_ONLINE + i), 0);
        entry.cid = 0;
        check_notice(&entry, NULL, samples[i]);
    }
}

/* --- SYSTEM ---------------------------------------------------------------------------------- */

#define SYSTEM(recipient_)                                                                         \
    NOTICE("0", "'cid':4711,'sender':{'ocid':0," recipient_ "},'msg':'nihao'")
#define SYSTEM_STAMPED(recipient_)                                                                 \
    NOTICE("0",                                                                                    \
           "'cid':4711,'sender':{'ocid':0," recipient_ "},'msg':'nihao','time_ms':1700000000999")

static struct entry system_entry(uint64_t conversation, uint64_t to) {
    return (struct entry){.conversation = conversation,
                          .cid = 4711,
                          .time_ms = NOW,
                          .type = ENTRY_SYSTEM,
                          .to = to,
                          .text = slice_text("nihao")};
}

TEST(shows_messages_of_system) {
    struct entry entry = system_entry(conversation_of_account(200000000), 0);
    check_notice(&entry, SYSTEM("'private_id':200000000"),
                 SYSTEM_STAMPED("'private_id':200000000"));
    entry = system_entry(conversation_of_group(100000001), 100000001);
    check_notice(&entry, SYSTEM("'group_id':100000001"), SYSTEM_STAMPED("'group_id':100000001"));
    entry = system_entry(17, 200000000);
    check_notice(&entry, NULL, NULL);
}

TEST(shows_each_their_own_message_to_all) {
    struct entry entry = system_entry(CONVERSATION_OF_ALL, 0);
    check_entry(D, false, 123456789, &entry, SYSTEM("'private_id':123456789"));
    check_entry(D, false, 200000000, &entry, SYSTEM("'private_id':200000000"));
    assert_int_equal(dialect_entry_view(D, false, &entry, 123456789), DIALECT_VIEW_OWN);
    entry.conversation = conversation_of_account(200000000);
    assert_int_equal(dialect_entry_view(D, false, &entry, 200000000), DIALECT_VIEW_COMMON);
    /* Nobody else writes to all. */
    entry.type = ENTRY_TEXT;
    entry.conversation = CONVERSATION_OF_ALL;
    check_notice(&entry, NULL, NULL);
}

/* --- success --------------------------------------------------------------------------------- */

TEST(success_is_silent) {
    static const struct dialect_account self = {123456789, {"123456789", 9}};
    for (enum operation operation = OPERATION_BEFRIEND; operation < OPERATION_COUNT; operation++)
        check_silent(D, &self, operation, NOTICE("300", "'ref':'r','ok':true"));
}

int main(void) { return test_run_all(NULL, NULL); }
