/* The extensions about people and groups, in both dialects. */
#include "proto/conversation.h"
#include "tests/support/dialect_check.h"

/* --- 307 to 310 ---------------------------------------------------------------------------- */

TEST(reads_listings) {
    static const struct read_case cases[] = {
        {"{}", "307 friends ref=r"},
        {"{'after':77,'limit':'200'}", "307 friends ref=r after=77 limit=200"},
        {"{'group':5,'after':9007199254740991,'limit':1}",
         "309 members group=5 ref=r after=9007199254740991 limit=1"},
    };
    check_reads_of(cases, sizeof cases / sizeof cases[0]);
    static const struct fault_case faults[] = {
        FAULT("{}", "group is missing"),
        FAULT("{'group':5,'limit':0}", "limit must be a whole number from 1 to 200"),
        FAULT("{'group':5,'limit':201}", "limit must be a whole number from 1 to 200"),
        FAULT("{'group':5,'after':'ben'}",
              "after must be a whole number from 0 to 9007199254740991"),
    };
    check_faults_of(309, faults, sizeof faults / sizeof faults[0]);
}

TEST(shows_friends) {
    const struct dialect_account self = {.number = 1, .id = slice_text("anna")};
    struct acquaintance items[] = {
        {.account = 2,
         .id = slice_text("ben"),
         .name = slice_text("Ben"),
         .remark = slice_text("B")},
        {.account = 3, .name = slice_text("Cora"), .relation = RELATION_ASKED},
        {.account = 4, .name = slice_text("Dan")},
        {.account = 5, .name = slice_text("Eve"), .relation = RELATION_ASKS},
    };
    const bool online[] = {true, false, false, false};
    struct group_friends_reply list = {.items = {items, 4}, .more = true};
    const struct dialect_people people = {.list = &list, .online = online};
    const struct dialect_request request = {.number = 307, .operation = OPERATION_FRIENDS};
    struct dialect_result result = {.time_ms = 1700000000999, .reply = &people};
    check_answers(
        DIALECT_OURCHAT, true, &self, &request, &result,
        ANSWERS("{'code':308,'time':1700000000,'data':{'friends':["
                "{'user':2,'name':'Ben','remark':'B','avatar':'','online':true},"
                "{'user':4,'name':'Dan','remark':'','avatar':'','online':false}],'requests':["
                "{'user':3,'name':'Cora','avatar':'','mine':true},"
                "{'user':5,'name':'Eve','avatar':'','mine':false}],'more':true,'after':5}}"));
    list = (struct group_friends_reply){.items = {items, 1}};
    check_answers(DIALECT_YOUIM, true, &self, &request, &result,
                  ANSWERS("{'msgType':308,'friends':[{'user':'ben','name':'Ben','remark':'B',"
                          "'avatar':'','online':true}],'requests':[],'more':false}"));
    list = (struct group_friends_reply){.more = false};
    check_answers(DIALECT_YOUIM, true, &self, &request, &result,
                  ANSWERS("{'msgType':308,'friends':[],'requests':[],'more':false}"));
}

TEST(shows_members) {
    const struct dialect_account self = {.number = 1, .id = slice_text("anna")};
    struct group_member items[] = {
        {.account = 1, .id = slice_text("anna"), .name = slice_text("Anna"), .role = 3},
        {.account = 2, .name = slice_text("Ben"), .role = 2, .nick = slice_text("Pike")},
        {.account = 3, .name = slice_text("Cora"), .role = 1, .muted_until_ms = 77},
        {.account = 4, .name = slice_text("Dan")},
    };
    const bool online[] = {true, false, true, false};
    const uint64_t read[] = {500, 0, 400, 0};
    struct group_members_reply list = {.items = {items, 4}, .more = true};
    struct dialect_people people = {.list = &list, .online = online, .read = read};
    const struct dialect_request request = {
        .number = 309,
        .operation = OPERATION_MEMBERS,
        .group = {.present = true, .number = 9, .text = slice_text("club")}};
    struct dialect_result result = {.time_ms = 1700000000999, .reply = &people};
    check_answers(
        DIALECT_YOUIM, true, &self, &request, &result,
        ANSWERS("{'msgType':310,'group':'club','members':["
                "{'user':'anna','name':'Anna','nick':'','role':'owner','online':true,"
                "'muted_until':0,'read':500},"
                "{'user':'2','name':'Ben','nick':'Pike','role':'administrator','online':false,"
                "'muted_until':0,'read':0},"
                "{'user':'3','name':'Cora','nick':'','role':'member','online':true,"
                "'muted_until':77,'read':400}],"
                "'requests':[{'user':'4','name':'Dan'}],'more':true,'after':4}"));
    list.items.count = 1;
    list.more = false;
    people.read = NULL;
    check_answers(DIALECT_OURCHAT, true, &self, &request, &result,
                  ANSWERS("{'code':310,'time':1700000000,'data':{'group':9,'members':["
                          "{'user':1,'name':'Anna','nick':'','role':'owner','online':true,"
                          "'muted_until':0}],'requests':[],'more':false}}"));
}

/* --- 311, 312 ------------------------------------------------------------------------------ */

TEST(reads_the_asked_profile) {
    static const struct read_case cases[] = {
        {"{'user':123}", "311 profile person=123 ref=r"},
        {"{'group':'500','user':null}", "311 profile group=500 ref=r"},
        {"{'email':'ben@example.org'}", "311 profile ref=r email=ben@example.org"},
    };
    check_reads_of(cases, sizeof cases / sizeof cases[0]);
    static const struct fault_case faults[] = {
        FAULT("{}", "exactly one of user, group and email is needed"),
        FAULT("{'user':1,'email':'a@b'}", "exactly one of user, group and email is needed"),
        FAULT("{'email':'nobody'}", "email is not an e-mail address"),
        FAULT("{'email':''}", "email is empty"),
    };
    check_faults_of(311, faults, sizeof faults / sizeof faults[0]);
    check_fault_of(DIALECT_YOUIM, 311, "{'user':'SYSTEM'}",
                   "user must be 1 to 64 bytes without control characters, and not SYSTEM or 0");
}

TEST(shows_profiles) {
    const struct dialect_account self = {.number = 1, .id = slice_text("anna")};
    struct group_profile_reply person = {.user = 7,
                                         .id = slice_text("ben"),
                                         .name = slice_text("B\"n"),
                                         .about = slice_text("fish"),
                                         .remark = slice_text("Benny"),
                                         .near = true};
    struct group_profile_reply group = {.group = 9, .name = slice_text("Chess"), .slow_s = 5};
    const struct dialect_request request = {
        .number = 311, .operation = OPERATION_PROFILE, .ref = slice_text("r")};
    struct dialect_result result = {.time_ms = 1700000000999, .reply = &person};
    check_answers(DIALECT_OURCHAT, true, &self, &request, &result,
                  ANSWERS("{'code':312,'time':1700000000,'data':{'ref':'r','user':7,"
                          "'name':'B\\\"n','avatar':'','about':'fish','remark':'Benny',"
                          "'friend':true}}",
                          "{'code':300,'time':1700000000,'data':{'ref':'r','ok':true}}"));
    check_answers(DIALECT_YOUIM, true, &self, &request, &result,
                  ANSWERS("{'msgType':312,'ref':'r','user':'ben','name':'B\\\"n','avatar':'',"
                          "'about':'fish','remark':'Benny','friend':true}",
                          "{'msgType':300,'ref':'r','ok':true}"));
    const struct dialect_request silent = {.number = 311, .operation = OPERATION_PROFILE};
    result.reply = &group;
    check_answers(DIALECT_YOUIM, true, &self, &silent, &result,
                  ANSWERS("{'msgType':312,'group':'9','name':'Chess','avatar':'','about':'',"
                          "'slow_s':5,'member':false}"));
}

/* --- 325 ----------------------------------------------------------------------------------- */

TEST(reads_set_fields) {
    static const struct read_case cases[] = {
        {"{'of':'me','name':'Anna','about':''}", "325 set_profile ref=r name=Anna sets_about"},
        {"{'of':{'group':5},'about':'x','slow_s':'86400'}",
         "325 set_group_profile group=5 ref=r about=x slow_s=86400 sets_about sets_slow"},
        {"{'of':{'friend':7},'remark':'Benny'}", "325 set_remark person=7 ref=r name=Benny"},
        {"{'of':{'friend':7},'remark':''}", "325 set_remark person=7 ref=r"},
        {"{'of':{'member':{'group':5}},'nick':'Pawn'}", "325 set_nick group=5 ref=r name=Pawn"},
    };
    check_reads_of(cases, sizeof cases / sizeof cases[0]);
}

TEST(faults_of_set_fields) {
    static const char which[] = "of needs exactly one of group, friend and member, or is \"me\"";
    static const struct fault_case cases[] = {
        FAULT("{'name':'x'}", "of is missing"),
        FAULT("{'of':'you','name':'x'}", "of must be an object"),
        FAULT("{'of':{},'name':'x'}", which),
        FAULT("{'of':{'group':1,'friend':2},'name':'x'}", which),
        FAULT("{'of':'me'}", "there is nothing to set: neither name, avatar nor about"),
        FAULT("{'of':'me','name':''}", "name is empty"),
        FAULT("{'of':'me','name':'system'}", "name stands for the server"),
        FAULT("{'of':'me','about':5}", "about must be a string"),
        FAULT("{'of':'me','about':'a\\nb'}", "about holds a control character"),
        FAULT("{'of':'me','about':'" X256 X256 "x'}", "about is longer than 512 characters"),
        FAULT("{'of':'me','avatar':'f1'}", "avatar must be the id of a file, as 324 gives it"),
        FAULT("{'of':{'group':1},'avatar':'f1'}",
              "avatar must be the id of a file, as 324 gives it"),
        FAULT("{'of':{'group':1}}",
              "there is nothing to set: neither name, avatar, about nor slow_s"),
        FAULT("{'of':{'group':1},'slow_s':86401}", "slow_s must be a whole number from 0 to 86400"),
        FAULT("{'of':{'friend':1}}", "remark is missing"),
        FAULT("{'of':{'friend':1},'remark':' x'}", "remark begins or ends with a space"),
        FAULT("{'of':{'friend':1},'remark':'" X64 "x'}", "remark is longer than 64 characters"),
        FAULT("{'of':{'member':5},'nick':'x'}", "of.member must be an object"),
        FAULT("{'of':{'member':{}},'nick':'x'}", "of.member.group is missing"),
        FAULT("{'of':{'member':{'group':5}}}", "nick is missing"),
    };
    check_faults_of(325, cases, sizeof cases / sizeof cases[0]);
}

TEST(shows_set_fields) {
    struct entry entry = {.conversation = conversation_of_account(1),
                          .cid = 77,
                          .time_ms = 1700000000999,
                          .type = ENTRY_PROFILE,
                          .from = 2,
                          .subject = 2,
                          .subject_id = slice_text("ben")};
    check_shown(1, &entry,
                "{'code':325,'time':1700000000,'data':{'of':{'user':2},'cid':77,"
                "'time_ms':1700000000999}}",
                "{'msgType':325,'of':{'user':'ben'},'cid':77,'time_ms':1700000000999}");
    entry = (struct entry){.conversation = conversation_of_group(5),
                           .cid = 78,
                           .time_ms = 1700000000999,
                           .type = ENTRY_GROUP_PROFILE,
                           .from = 2,
                           .to = 5,
                           .to_id = slice_text("club")};
    check_shown(1, &entry,
                "{'code':325,'time':1700000000,'data':{'of':{'group':5},'by':2,'cid':78,"
                "'time_ms':1700000000999}}",
                "{'msgType':325,'of':{'group':'club'},'by':'2','cid':78,'time_ms':1700000000999}");
    entry.type = ENTRY_NICK;
    entry.subject = 2;
    entry.text = slice_text("Pawn");
    check_shown(1, &entry,
                "{'code':325,'time':1700000000,'data':{'of':{'member':{'group':5,'user':2}},"
                "'nick':'Pawn','cid':78,'time_ms':1700000000999}}",
                "{'msgType':325,'of':{'member':{'group':'club','user':'2'}},'nick':'Pawn',"
                "'cid':78,'time_ms':1700000000999}");
}

/* --- 337 ----------------------------------------------------------------------------------- */

TEST(reads_quiet) {
    static const struct read_case cases[] = {
        {"{'peer':{'user':123},'until_ms':1900000000000}",
         "337 quiet person=123 ref=r until_ms=1900000000000"},
        {"{'peer':{'group':'500'},'until_ms':'0'}", "337 quiet group=500 ref=r"},
    };
    check_reads_of(cases, sizeof cases / sizeof cases[0]);
    static const struct fault_case faults[] = {
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
    check_faults_of(337, faults, sizeof faults / sizeof faults[0]);
}

TEST(shows_quiet) {
    struct entry entry = {.conversation = 7,
                          .time_ms = 1700000000999,
                          .type = ENTRY_QUIET,
                          .from = 1,
                          .to = 2,
                          .to_id = slice_text("ben"),
                          .target = 1900000000000};
    check_shown(1, &entry,
                "{'code':337,'time':1700000000,'data':{'peer':{'user':2},'until_ms':1900000000000,"
                "'time_ms':1700000000999}}",
                "{'msgType':337,'peer':{'user':'ben'},'until_ms':1900000000000,"
                "'time_ms':1700000000999}");
    entry.conversation = conversation_of_group(2);
    entry.target = 0;
    check_shown(1, &entry,
                "{'code':337,'time':1700000000,'data':{'peer':{'group':2},'until_ms':0,"
                "'time_ms':1700000000999}}",
                "{'msgType':337,'peer':{'group':'ben'},'until_ms':0,'time_ms':1700000000999}");
}

int main(void) { return test_run_all(NULL, NULL); }
