/* Which conversations there are, in both dialects: 305 and 306. */
#include "proto/conversation.h"
#include "tests/support/dialect_check.h"

#define NOW 1700000000999
#define ANNA 123
#define BEN 456

TEST(reads_requests) {
    static const struct read_case cases[] = {
        {"{'before':'77','limit':200}", "305 conversations ref=r before=77 limit=200"},
        {"{}", "305 conversations ref=r"},
    };
    check_reads_of(cases, sizeof cases / sizeof cases[0]);
    check_needs_ext(305, "{}");
}

TEST(faults_of_requests) {
    static const struct fault_case cases[] = {
        FAULT("{'before':0}", "before must be a whole number from 1 to 9007199254740991"),
        FAULT("{'limit':0}", "limit must be a whole number from 1 to 200"),
        FAULT("{'limit':201}", "limit must be a whole number from 1 to 200"),
        FAULT("{'limit':'x'}", "limit must be a whole number from 1 to 200"),
    };
    check_faults_of(305, cases, sizeof cases / sizeof cases[0]);
}

/* --- answers ------------------------------------------------------------------------------- */

static const struct dialect_account anna = {ANNA, {"anna", 4}};
static const struct dialect_request request = {.operation = OPERATION_CONVERSATIONS,
                                               .ref = {"r", 1}};

static void pack_text(struct buffer *out, uint64_t cid, struct slice words) {
    struct entry entry = {.conversation = 1,
                          .cid = cid,
                          .time_ms = NOW,
                          .type = ENTRY_TEXT,
                          .from = BEN,
                          .to = ANNA,
                          .to_id = anna.id,
                          .text = words};
    *out = buffer_make(1 << 20);
    record_pack(&entry_desc, &entry, out);
    assert_false(out->failed);
}

TEST(answers) {
    struct buffer packed, hidden = buffer_make(1 << 10);
    pack_text(&packed, 7, slice_text("hi"));
    record_pack(&entry_desc, &(struct entry){.conversation = 1, .cid = 8, .type = 99}, &hidden);
    struct overview items[] = {
        {.conversation = 1,
         .cid = 7,
         .peer = BEN,
         .name = slice_text("Ben"),
         .avatar = slice_text("face"),
         .last = slice_make(packed.data, packed.length),
         .unread = 999,
         .mentions = 2,
         .received = 6,
         .seen = 5,
         .quiet_until_ms = 1700000009999},
        {.conversation = conversation_of_group(5),
         .cid = 6,
         .peer = 5,
         .peer_id = slice_text("club"),
         .last = slice_make(hidden.data, hidden.length)},
        {.conversation = conversation_of_account(ANNA), .cid = 4, .peer = ANNA},
        {.conversation = CONVERSATION_OF_ALL, .cid = 3},
    };
    struct delivery_conversations_reply reply = {.conversations = {items, 4}, .more = true};
    struct dialect_result result = {.reply = &reply, .time_ms = NOW};
    check_answers(
        DIALECT_OURCHAT, true, &anna, &request, &result,
        ANSWERS(
            "{'code':306,'time':1700000000,'data':{'ref':'r','conversations':["
            "{'peer':{'user':456},'name':'Ben','avatar':'','cid':7,'last':"
            "{'code':0,'time':1700000000,'data':{'cid':7,'sender':{'ocid':456,'private_id':123},"
            "'msg':'hi','time_ms':1700000000999}},'unread':999,'mentions':2,'received':6,'read':5,"
            "'muted_until':1700000009999},"
            "{'peer':{'group':5},'cid':6,'unread':0,'mentions':0,'received':0,'read':0,"
            "'muted_until':0},"
            "{'peer':{'user':123},'cid':4,'unread':0,'mentions':0,'received':0,'read':0,"
            "'muted_until':0},"
            "{'peer':{'user':0},'cid':3,'unread':0,'mentions':0,'received':0,'read':0,"
            "'muted_until':0}],'more':true}}",
            "{'code':300,'time':1700000000,'data':{'ref':'r','ok':true}}"));
    reply.more = false;
    check_answers(
        DIALECT_YOUIM, true, &anna, &request, &result,
        ANSWERS("{'msgType':306,'ref':'r','conversations':["
                "{'peer':{'user':'456'},'name':'Ben','avatar':'','cid':7,'last':"
                "{'msg':'hi','msgType':6,'fromUserId':'456','cid':7,'time_ms':1700000000999},"
                "'unread':999,'mentions':2,'received':6,'read':5,'muted_until':1700000009999},"
                "{'peer':{'group':'club'},'cid':6,'unread':0,'mentions':0,'received':0,'read':0,"
                "'muted_until':0},"
                "{'peer':{'user':'anna'},'cid':4,'unread':0,'mentions':0,'received':0,'read':0,"
                "'muted_until':0},"
                "{'peer':{'user':'SYSTEM'},'cid':3,'unread':0,'mentions':0,'received':0,'read':0,"
                "'muted_until':0}],'more':false}",
                "{'msgType':300,'ref':'r','ok':true}"));
    buffer_free(&packed);
    buffer_free(&hidden);
}

/* A text may be six times as long as JSON. */
TEST(rows_that_do_not_fit_are_reported_as_more) {
    enum { LENGTH = 60000, COUNT = 3 };
    static char words[LENGTH];
    for (size_t i = 0; i < LENGTH; i++)
        words[i] = '\x01';
    struct buffer packed;
    pack_text(&packed, 7, slice_make(words, LENGTH));
    struct overview items[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        items[i] = (struct overview){
            .conversation = 1, .cid = 7, .last = slice_make(packed.data, packed.length)};
    struct delivery_conversations_reply reply = {.conversations = {items, COUNT}};
    struct dialect_result result = {.reply = &reply, .time_ms = NOW};
    struct buffer out = buffer_make(1 << 20);
    struct dialect_texts texts = {.out = &out};
    dialect_write_result(DIALECT_YOUIM, true, &anna, &request, &result, &texts);
    assert_false(out.failed);
    cJSON *json = cJSON_ParseWithLength(out.data, out.length);
    assert_non_null(json);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(json, "conversations")), 1);
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(json, "more")));
    cJSON_Delete(json);
    buffer_free(&out);
    buffer_free(&packed);
}

int main(void) { return test_run_all(NULL, NULL); }
