/* 315, 327, 329 in both dialects: recalls, edits and reactions. */
#include "proto/conversation.h"
#include "tests/support/dialect_check.h"

TEST(reads) {
    static const struct read_case cases[] = {
        {"{'peer':{'user':123},'cid':77}", "315 recall person=123 ref=r cid=77"},
        {"{'peer':{'group':500},'cid':'78','msg':'better'}",
         "327 edit group=500 ref=r text=better cid=78"},
        {"{'peer':{'user':5},'cid':1,'emoji':':)','on':true}",
         "329 react accept person=5 ref=r text=:) cid=1"},
        {"{'peer':{'user':5},'cid':1,'emoji':':)','on':'false'}",
         "329 react person=5 ref=r text=:) cid=1"},
    };
    check_reads_of(cases, sizeof cases / sizeof cases[0]);
    check_read_as(DIALECT_YOUIM,
                  "{'token':'t','peer':{'group':'ccc'},'cid':1,'emoji':'x','on':true}",
                  "329 react accept group='ccc' token=t ref=r text=x cid=1");
}

#define X32 X16 X16

TEST(faults) {
    static const struct {
        unsigned number;
        const char *body, *fault;
    } cases[] = {
        {315, "{'cid':1}", "peer is missing"},
        {315, "{'peer':{'user':1}}", "cid is missing"},
        {315, "{'peer':{'user':1},'cid':-1}",
         "cid must be a whole number from 1 to 9007199254740991"},
        {327, "{'peer':{'user':1},'cid':1}", "msg is missing"},
        {327, "{'peer':{'user':1},'cid':1,'msg':''}", "msg is empty"},
        {327, "{'peer':{'user':1},'cid':1,'msg':['a']}", "msg must be a string"},
        {329, "{'peer':{'user':1},'cid':1,'on':true}", "emoji is missing"},
        {329, "{'peer':{'user':1},'cid':1,'emoji':'','on':true}", "emoji is empty"},
        {329, "{'peer':{'user':1},'cid':1,'emoji':'" X32 "x','on':true}",
         "emoji is longer than 32 bytes"},
        {329, "{'peer':{'user':1},'cid':1,'emoji':'x'}", "on is missing"},
        {329, "{'peer':{'user':1},'cid':1,'emoji':'x','on':1}", "on must be true or false"},
    };
    struct dialect_request request;
    for (EACH_DIALECT(dialect)) {
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            check_fault_of(dialect, cases[i].number, cases[i].body, cases[i].fault);
        }
        read_as(dialect, true, 329, "{'peer':{'user':1},'cid':1,'emoji':'" X32 "','on':true}", NULL,
                &request);
        dialect_request_free(&request);
    }
    static const unsigned numbers[] = {315, 327, 329};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        check_needs_ext(numbers[i], "{'peer':{'user':1},'cid':1}");
}

static const struct entry in_pair = {.conversation = 77, /* kind 0 */
                                     .cid = 1289,
                                     .target = 1280,
                                     .time_ms = 1700000000999,
                                     .from = 123,
                                     .to = 456,
                                     .to_id = {"ben", 3}};

TEST(notices_in_a_pair) {
    struct entry entry = in_pair;
    entry.type = ENTRY_RECALLED;
    for (uint64_t account = 123; account <= 456; account += 333) {
        bool own = account == 123;
        check_entry(DIALECT_OURCHAT, true, account, &entry,
                    own ? "{'code':315,'time':1700000000,'data':{'peer':{'user':456},'user':123,"
                          "'target':1280,'cid':1289,'time_ms':1700000000999}}"
                        : "{'code':315,'time':1700000000,'data':{'peer':{'user':123},'user':123,"
                          "'target':1280,'cid':1289,'time_ms':1700000000999}}");
        check_entry(DIALECT_YOUIM, true, account, &entry,
                    own ? "{'msgType':315,'peer':{'user':'ben'},'user':'123',"
                          "'target':1280,'cid':1289,'time_ms':1700000000999}"
                        : "{'msgType':315,'peer':{'user':'123'},'user':'123',"
                          "'target':1280,'cid':1289,'time_ms':1700000000999}");
        check_entry(DIALECT_OURCHAT, false, account, &entry, NULL);
        check_entry(DIALECT_YOUIM, false, account, &entry, NULL);
    }
}

TEST(notices_in_a_group) {
    struct entry entry = in_pair;
    entry.conversation = conversation_of_group(500);
    entry.to = 500;
    entry.to_id = slice_text("ccc");
    entry.from_id = slice_text("anna");
    entry.type = ENTRY_EDITED;
    entry.text = slice_text("better");
    entry.edited_ms = 1700000000998;
    check_entry(DIALECT_OURCHAT, true, 5, &entry,
                "{'code':327,'time':1700000000,'data':{'peer':{'group':500},'user':123,"
                "'target':1280,'msg':'better','edited_ms':1700000000998,"
                "'cid':1289,'time_ms':1700000000999}}");
    check_entry(DIALECT_YOUIM, true, 123, &entry,
                "{'msgType':327,'peer':{'group':'ccc'},'user':'anna','target':1280,"
                "'msg':'better','edited_ms':1700000000998,'cid':1289,'time_ms':1700000000999}");
    entry.type = ENTRY_REACTED;
    entry.text = slice_text(":)");
    entry.edited_ms = 0;
    for (int on = 0; on < 2; on++) {
        entry.accepted = on;
        check_entry(DIALECT_OURCHAT, true, 5, &entry,
                    on ? "{'code':329,'time':1700000000,'data':{'peer':{'group':500},'user':123,"
                         "'target':1280,'emoji':':)','on':true,'cid':1289,"
                         "'time_ms':1700000000999}}"
                       : "{'code':329,'time':1700000000,'data':{'peer':{'group':500},'user':123,"
                         "'target':1280,'emoji':':)','on':false,'cid':1289,"
                         "'time_ms':1700000000999}}");
        check_entry(DIALECT_YOUIM, true, 5, &entry,
                    on ? "{'msgType':329,'peer':{'group':'ccc'},'user':'anna','target':1280,"
                         "'emoji':':)','on':true,'cid':1289,'time_ms':1700000000999}"
                       : "{'msgType':329,'peer':{'group':'ccc'},'user':'anna','target':1280,"
                         "'emoji':':)','on':false,'cid':1289,'time_ms':1700000000999}");
        check_entry(DIALECT_OURCHAT, false, 5, &entry, NULL);
        check_entry(DIALECT_YOUIM, false, 5, &entry, NULL);
    }
}

/* Of a text that was edited before it was read; and of one that was recalled. */
TEST(changed_texts) {
    struct entry entry = in_pair;
    entry.text = slice_text("better");
    entry.edited_ms = 1700000000998;
    check_entry(DIALECT_YOUIM, true, 456, &entry,
                "{'msg':'better','msgType':6,'fromUserId':'123','edited_ms':1700000000998,"
                "'cid':1289,'time_ms':1700000000999}");
    check_entry(DIALECT_YOUIM, false, 456, &entry,
                "{'msg':'better','msgType':6,'fromUserId':'123'}");
    const struct reaction reactions[] = {{.emoji = slice_text(":("), .count = 1},
                                         {.emoji = slice_text(":)"), .count = 2, .mine = true}};
    struct entry in_history = entry;
    in_history.reactions = (struct record_list){(void *)(uintptr_t)reactions, 2};
    check_entry(DIALECT_OURCHAT, true, 456, &in_history,
                "{'code':0,'time':1700000000,'data':{'cid':1289,'sender':{'ocid':123,"
                "'private_id':456},'msg':'better','time_ms':1700000000999,"
                "'edited_ms':1700000000998,'reactions':[{'emoji':':(','count':1,'mine':false},"
                "{'emoji':':)','count':2,'mine':true}]}}");
    check_entry(DIALECT_OURCHAT, false, 456, &entry,
                "{'code':0,'time':1700000000,'data':{'cid':1289,'sender':{'ocid':123,"
                "'private_id':456},'msg':'better'}}");
    /* Notices about it, too, show nothing. */
    static const enum entry_type types[] = {ENTRY_RECALLED_TEXT, ENTRY_EDITED, ENTRY_REACTED};
    entry.text = slice_make(NULL, 0);
    for (EACH_DIALECT(dialect))
        for (size_t i = 0; i < 6; i++) {
            entry.type = types[i / 2];
            check_entry(dialect, i % 2 == 0, 456, &entry, NULL);
        }
}

/* As an instance of delivery reads it that knows nothing of targets. */
TEST(without_a_target) {
    static const enum entry_type types[] = {ENTRY_RECALLED, ENTRY_EDITED, ENTRY_REACTED};
    struct entry entry = in_pair;
    entry.text = slice_text(":)");
    entry.target = 0;
    for (EACH_DIALECT(dialect))
        for (size_t i = 0; i < 3; i++) {
            entry.type = types[i];
            check_entry(dialect, true, 456, &entry, NULL);
        }
}

int main(void) { return test_run_all(NULL, NULL); }
