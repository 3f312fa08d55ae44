/* The extensions by which accounts are blocked, muted and banned, in both dialects. */
#include "proto/conversation.h"
#include "tests/support/dialect_check.h"

TEST(reads_requests) {
    static const struct read_case cases[] = {
        {"{'user':123,'on':true}", "321 block accept person=123 ref=r"},
        {"{'group':'500','user':123,'until_ms':1900000000000}",
         "333 mute group=500 person=123 ref=r until_ms=1900000000000"},
        {"{'group':500,'user':'123','on':'false'}", "335 ban group=500 person=123 ref=r"},
    };
    check_reads_of(cases, sizeof cases / sizeof cases[0]);
}

TEST(faults_of_requests) {
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
    for (EACH_DIALECT(dialect))
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            check_fault_of(dialect, cases[i].number, cases[i].fault.json, cases[i].fault.fault);
        }
    check_fault_of(DIALECT_YOUIM, 321, "{'user':'SYSTEM','on':true}",
                   "user must be 1 to 64 bytes without control characters, and not SYSTEM or 0");
    check_fault_of(DIALECT_OURCHAT, 321, "{'user':0,'on':true}",
                   "user must be a whole number from 1 to 9007199254740991");
}

TEST(reads_the_end_of_an_account) {
    static const struct read_case cases[] = {
        {"{'password':'secret'}", "339 forget ref=r password=secret"},
        {"{'confirm':true,'texts':'blank'}", "339 forget accept ref=r blank"},
        {"{'confirm':true,'texts':'keep'}", "339 forget accept ref=r"},
    };
    static const struct fault_case faults[] = {
        FAULT("{}", "password is missing, or \"confirm\":true of an account without one"),
        FAULT("{'confirm':false}",
              "password is missing, or \"confirm\":true of an account without one"),
        FAULT("{'password':''}", "password is empty"),
        FAULT("{'password':5}", "password must be a string"),
        FAULT("{'password':'x','texts':'some'}", "texts must be keep or blank"),
    };
    check_reads_of(cases, sizeof cases / sizeof cases[0]);
    check_faults_of(339, faults, sizeof faults / sizeof faults[0]);
}

TEST(shows_notices) {
    struct entry entry = {.conversation = conversation_of_account(1),
                          .cid = 99,
                          .time_ms = 1700000000999,
                          .type = ENTRY_BLOCKED,
                          .from = 1,
                          .from_id = slice_text("anna"),
                          .subject = 2,
                          .subject_id = slice_text("ben"),
                          .accepted = true};
    check_shown(1, &entry,
                "{'code':321,'time':1700000000,'data':{'user':2,'on':true,'cid':99,"
                "'time_ms':1700000000999}}",
                "{'msgType':321,'user':'ben','on':true,'cid':99,'time_ms':1700000000999}");
    entry.conversation = conversation_of_group(5);
    entry.to = 5;
    entry.to_id = slice_text("us");
    entry.type = ENTRY_MUTED;
    entry.target = 1900000000000;
    check_shown(1, &entry,
                "{'code':333,'time':1700000000,'data':{'group':5,'by':1,'user':2,"
                "'until_ms':1900000000000,'cid':99,'time_ms':1700000000999}}",
                "{'msgType':333,'group':'us','by':'anna','user':'ben','until_ms':1900000000000,"
                "'cid':99,'time_ms':1700000000999}");
    entry.type = ENTRY_BANNED;
    entry.accepted = false;
    entry.from = 0; /* the operator */
    entry.from_id = slice_make(NULL, 0);
    check_shown(1, &entry,
                "{'code':335,'time':1700000000,'data':{'group':5,'by':0,'user':2,'on':false,"
                "'cid':99,'time_ms':1700000000999}}",
                "{'msgType':335,'group':'us','by':'SYSTEM','user':'ben','on':false,'cid':99,"
                "'time_ms':1700000000999}");
}

int main(void) { return test_run_all(NULL, NULL); }
