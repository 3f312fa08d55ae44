/* 301, 302 and 313, in both dialects: requests, and the messages that others receive. */
#include "proto/conversation.h"
#include "tests/support/dialect_check.h"

#define NOW 1700000000999

TEST(reads_reports_of_reading) {
    static const struct read_case cases[] = {
        {"{'peer':{'user':123},'cid':77}", "302 read person=123 ref=r cid=77"},
        {"{'peer':{'user':0},'cid':77}", "302 read ref=r cid=77"},
    };
    static const struct fault_case faults[] = {
        FAULT("{'peer':{'group':5}}", "cid is missing"),
        FAULT("{'cid':5}", "peer is missing"),
    };
    check_reads_of(cases, sizeof cases / sizeof cases[0]);
    check_faults_of(302, faults, sizeof faults / sizeof faults[0]);
    check_needs_ext(302, "{'peer':{'user':1},'cid':1}");
}

TEST(reads_the_receiver_of_typing) {
    static const struct read_case cases[] = {
        {"{'peer':{'user':123}}", "313 typing person=123 ref=r"},
        {"{'peer':{'group':'500'}}", "313 typing group=500 ref=r"},
    };
    static const struct fault_case faults[] = {
        FAULT("{}", "peer is missing"),
        FAULT("{'peer':{}}", "peer needs exactly one of user and group"),
        FAULT("{'peer':{'user':0}}", "peer.user must be an account, and not SYSTEM"),
        FAULT("{'peer':{'user':'SYSTEM'}}", "peer.user must be an account, and not SYSTEM"),
    };
    check_reads_of(cases, sizeof cases / sizeof cases[0]);
    check_faults_of(313, faults, sizeof faults / sizeof faults[0]);
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

TEST(the_other_one_sees_the_account) {
    const enum entry_type types[] = {ENTRY_RECEIVED, ENTRY_READ};
    for (unsigned i = 0; i < 2; i++) {
        struct entry entry = live_entry(types[i], 5);
        char youim[256], ourchat[256];
        snprintf(youim, sizeof youim,
                 "{'msgType':%u,'peer':{'user':'eight'},'cid':99,'user':'eight',"
                 "'time_ms':1700000000999}",
                 301 + i);
        snprintf(ourchat, sizeof ourchat,
                 "{'code':%u,'time':1700000000,'data':{'peer':{'user':8},'cid':99,'user':8,"
                 "'time_ms':1700000000999}}",
                 301 + i);
        check_shown(7, &entry, ourchat, youim);
    }
}

/* One's own other connections: the conversation is named as in the request. */
TEST(the_reader_sees_where) {
    const struct {
        uint64_t conversation;
        const char *peer, *peer_by_number;
    } cases[] = {{5, "'user':'seven'", "'user':7"},
                 {conversation_of_group(7), "'group':'seven'", "'group':7"},
                 {conversation_of_account(8), "'user':'eight'", "'user':8"},
                 {CONVERSATION_OF_ALL, "'user':'SYSTEM'", "'user':0"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct entry entry = live_entry(ENTRY_READ, cases[i].conversation);
        char youim[256], ourchat[256];
        snprintf(youim, sizeof youim,
                 "{'msgType':302,'peer':{%s},'cid':99,'time_ms':1700000000999}", cases[i].peer);
        snprintf(ourchat, sizeof ourchat,
                 "{'code':302,'time':1700000000,'data':{'peer':{%s},'cid':99,"
                 "'time_ms':1700000000999}}",
                 cases[i].peer_by_number);
        check_shown(8, &entry, ourchat, youim);
    }
}

TEST(others_see_typing) {
    struct entry entry = live_entry(ENTRY_TYPING, 0); /* a pair without a conversation yet */
    check_shown(7, &entry,
                "{'code':313,'time':1700000000,'data':{'peer':{'user':8},'user':8,"
                "'time_ms':1700000000999}}",
                "{'msgType':313,'peer':{'user':'eight'},'user':'eight','time_ms':1700000000999}");
    entry.conversation = conversation_of_group(7);
    check_shown(9, &entry,
                "{'code':313,'time':1700000000,'data':{'peer':{'group':7},'user':8,"
                "'time_ms':1700000000999}}",
                "{'msgType':313,'peer':{'group':'seven'},'user':'eight','time_ms':1700000000999}");
}

int main(void) { return test_run_all(NULL, NULL); }
