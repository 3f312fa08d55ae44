/* Reading and searching stored texts, in both dialects: 303, 304, 331, 332, and entries in lists.
 */
#include "proto/conversation.h"
#include "tests/support/dialect_check.h"

#define NOW 1700000000999
#define ANNA 123
#define BEN 456
#define MAX_ENTRIES 64

/* --- requests ------------------------------------------------------------------------------ */

TEST(reads_requests) {
    static const struct read_case cases[] = {
        {"{'peer':{'user':456},'before':'77','limit':200}",
         "303 history person=456 ref=r before=77 limit=200"},
        {"{'peer':{'group':5},'after':1}", "303 history group=5 ref=r after=1"},
        {"{'peer':{'user':0},'around':9007199254740991}",
         "303 history ref=r around=9007199254740991"},
    };
    check_reads_of(cases, sizeof cases / sizeof cases[0]);
    check_needs_ext(303, "{'peer':{'user':456}}");
}

TEST(faults_of_requests) {
    static const struct fault_case cases[] = {
        FAULT("{}", "peer is missing"),
        FAULT("{'peer':{'user':1},'before':0}",
              "before must be a whole number from 1 to 9007199254740991"),
        FAULT("{'peer':{'user':1},'after':'x'}",
              "after must be a whole number from 1 to 9007199254740991"),
        FAULT("{'peer':{'user':1},'around':[]}",
              "around must be a whole number from 1 to 9007199254740991"),
        FAULT("{'peer':{'user':1},'before':1,'after':1}",
              "only one of before, after and around may be given"),
        FAULT("{'peer':{'user':1},'limit':0}", "limit must be a whole number from 1 to 200"),
        FAULT("{'peer':{'user':1},'limit':201}", "limit must be a whole number from 1 to 200"),
    };
    check_faults_of(303, cases, sizeof cases / sizeof cases[0]);
}

/* --- answers ------------------------------------------------------------------------------- */

static const struct dialect_account anna = {ANNA, {"anna", 4}};

/* A reply with packed entries. */
struct listed {
    struct delivery_history_reply reply;
    struct slice items[MAX_ENTRIES];
    struct buffer packed[MAX_ENTRIES];
};

static void list(struct listed *listed, const struct entry *entry) {
    size_t i = listed->reply.entries.count++;
    assert_true(i < MAX_ENTRIES);
    listed->packed[i] = buffer_make(1 << 20);
    record_pack(&entry_desc, entry, &listed->packed[i]);
    assert_false(listed->packed[i].failed);
    listed->items[i] = slice_make(listed->packed[i].data, listed->packed[i].length);
    listed->reply.entries.items = listed->items;
}

static void unlist(struct listed *listed) {
    for (size_t i = 0; i < listed->reply.entries.count; i++)
        buffer_free(&listed->packed[i]);
    *listed = (struct listed){.reply = {.more = false}};
}

/* A text from anna to ben, or the other way round. */
static struct entry text(uint64_t cid, bool own, const char *words) {
    return (struct entry){.conversation = 1,
                          .cid = cid,
                          .time_ms = NOW,
                          .type = ENTRY_TEXT,
                          .from = own ? ANNA : BEN,
                          .from_id = own ? slice_text("anna") : slice_make(NULL, 0),
                          .to = own ? BEN : ANNA,
                          .to_id = own ? slice_make(NULL, 0) : slice_text("anna"),
                          .text = slice_text(words)};
}

static const struct dialect_request of_ben = {
    .operation = OPERATION_HISTORY, .ref = {"r", 1}, .person = {.present = true, .number = BEN}};

TEST(answers) {
    struct listed listed = {.reply = {.more = true}};
    struct dialect_result result = {.reply = &listed.reply, .time_ms = NOW};
    check_answers(DIALECT_OURCHAT, true, &anna, &of_ben, &result,
                  ANSWERS("{'code':304,'time':1700000000,'data':{'ref':'r','peer':{'user':456},"
                          "'messages':[],'more':true}}",
                          "{'code':300,'time':1700000000,'data':{'ref':'r','ok':true}}"));
    struct entry gone = text(8, false, "");
    gone.type = ENTRY_RECALLED_TEXT;
    struct entry edited = text(9, false, "now");
    edited.edited_ms = 1700000001111;
    struct entry notice = {.conversation = 1,
                           .cid = 10,
                           .time_ms = NOW,
                           .type = ENTRY_RECALLED,
                           .from = BEN,
                           .to = ANNA,
                           .target = 8};
    list(&listed,
         &(struct entry){.conversation = 1, .cid = 6, .type = 99 /* of a later version */});
    struct entry own = text(7, true, "hi");
    list(&listed, &own);
    list(&listed, &gone);
    list(&listed, &edited);
    list(&listed, &notice);
    check_answers(
        DIALECT_OURCHAT, true, &anna, &of_ben, &result,
        ANSWERS(
            "{'code':304,'time':1700000000,'data':{'ref':'r','peer':{'user':456},'messages':["
            "{'code':0,'time':1700000000,'data':{'cid':7,'sender':{'ocid':123,'private_id':456},"
            "'msg':'hi','time_ms':1700000000999}},"
            "{'code':0,'time':1700000000,'data':{'cid':8,'sender':{'ocid':456,'private_id':123},"
            "'msg':'','time_ms':1700000000999,'recalled':true}},"
            "{'code':0,'time':1700000000,'data':{'cid':9,'sender':{'ocid':456,'private_id':123},"
            "'msg':'now','time_ms':1700000000999,'edited_ms':1700000001111}}],"
            "'from':6,'to':10,'more':true}}",
            "{'code':300,'time':1700000000,'data':{'ref':'r','ok':true}}"));
    struct dialect_request unref = of_ben;
    unref.ref = slice_make(NULL, 0);
    listed.reply.more = false;
    check_answers(DIALECT_YOUIM, true, &anna, &unref, &result,
                  ANSWERS("{'msgType':304,'peer':{'user':'456'},'messages':["
                          "{'msg':'hi','msgType':6,'fromUserId':'anna','toUserId':'456','cid':7,"
                          "'time_ms':1700000000999},"
                          "{'msg':'','msgType':6,'fromUserId':'456','recalled':true,'cid':8,"
                          "'time_ms':1700000000999},"
                          "{'msg':'now','msgType':6,'fromUserId':'456','edited_ms':1700000001111,"
                          "'cid':9,'time_ms':1700000000999}],'from':6,'to':10,'more':false}"));
    unlist(&listed);
}

/* Texts of a group, and messages to all, which name nobody. */
TEST(names_the_peer) {
    struct listed listed = {.reply = {.more = false}};
    struct dialect_result result = {.reply = &listed.reply, .time_ms = NOW};
    struct dialect_request request = {.operation = OPERATION_HISTORY,
                                      .group = {.present = true, .text = slice_text("club")}};
    check_answers(DIALECT_YOUIM, true, &anna, &request, &result,
                  ANSWERS("{'msgType':304,'peer':{'group':'club'},'messages':[],'more':false}"));
    request.group = (struct dialect_id){.present = false};
    check_answers(DIALECT_YOUIM, true, &anna, &request, &result,
                  ANSWERS("{'msgType':304,'peer':{'user':'SYSTEM'},'messages':[],'more':false}"));
    check_answers(DIALECT_OURCHAT, true, &anna, &request, &result,
                  ANSWERS("{'code':304,'time':1700000000,'data':{'peer':{'user':0},'messages':[],"
                          "'more':false}}"));
}

/* --- answers that fit ---------------------------------------------------------------------- */

/* Reads the answer back; the cids that it shows from the first to the last. */
static void expect_kept(enum dialect dialect, const struct dialect_request *request,
                        struct listed *listed, uint64_t first, uint64_t last, bool more) {
    struct dialect_result result = {.reply = &listed->reply, .time_ms = NOW};
    struct buffer out = buffer_make(1 << 20);
    struct dialect_texts texts = {.out = &out};
    dialect_write_result(dialect, true, &anna, request, &result, &texts);
    assert_false(out.failed);
    assert_int_equal(texts.count, 1);
    assert_true(out.length <= LIST_MAX_BYTES || first == last);
    cJSON *json = cJSON_ParseWithLength(out.data, out.length);
    assert_non_null(json);
    const cJSON *body = dialect == DIALECT_OURCHAT ? cJSON_GetObjectItem(json, "data") : json;
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(body, "messages")), last - first + 1);
    assert_int_equal((uint64_t)cJSON_GetObjectItem(body, "from")->valuedouble, first);
    assert_int_equal((uint64_t)cJSON_GetObjectItem(body, "to")->valuedouble, last);
    assert_int_equal(cJSON_IsTrue(cJSON_GetObjectItem(body, "more")), more);
    cJSON_Delete(json);
    buffer_free(&out);
}

/* `length` characters of which each is six bytes as JSON. */
static struct entry swelling_text(uint64_t cid, size_t length) {
    static char words[TEXT_MAX_BYTES];
    memset(words, 1, sizeof words);
    struct entry entry = text(cid, cid % 2 == 0, "");
    entry.text = slice_make(words, length);
    return entry;
}

TEST(cuts_the_furthest_entries) {
    struct dialect_request request = of_ben;
    request.ref = slice_make(NULL, 0);
    for (EACH_DIALECT(dialect)) {
        struct listed listed = {.reply = {.more = false}};
        for (uint64_t cid = 1; cid <= 30; cid++) { /* 30 KB each: eight fit */
            struct entry entry = swelling_text(cid, 5000);
            list(&listed, &entry);
        }
        request.before = request.after = request.around = 0;
        expect_kept(dialect, &request, &listed, 23, 30, true);
        request.before = 31;
        expect_kept(dialect, &request, &listed, 23, 30, true);
        request.before = 0;
        request.after = 1;
        expect_kept(dialect, &request, &listed, 1, 8, true);
        request.after = 0;
        request.around = 15;
        expect_kept(dialect, &request, &listed, 11, 18, true);
        request.around = 1;
        expect_kept(dialect, &request, &listed, 1, 8, true);
        request.around = 99;
        expect_kept(dialect, &request, &listed, 23, 30, true);
        unlist(&listed);
    }
}

TEST(keeps_one_at_least) {
    struct dialect_request request = of_ben;
    request.ref = slice_make(NULL, 0);
    for (EACH_DIALECT(dialect)) {
        struct listed listed = {.reply = {.more = false}};
        for (uint64_t cid = 1; cid <= 3; cid++) { /* each longer than an answer may be */
            struct entry entry = swelling_text(cid, TEXT_MAX_BYTES);
            list(&listed, &entry);
        }
        expect_kept(dialect, &request, &listed, 3, 3, true);
        unlist(&listed);
        struct entry entry = swelling_text(1, TEXT_MAX_BYTES);
        list(&listed, &entry);
        expect_kept(dialect, &request, &listed, 1, 1, false);
        unlist(&listed);
    }
}

/* --- search -------------------------------------------------------------------------------- */

TEST(reads_searches) {
    static const struct read_case cases[] = {
        {"{'text':'ab'}", "331 search ref=r text=ab everywhere"},
        {"{'text':'天气','peer':{'group':5},'before':7}",
         "331 search group=5 ref=r text=天气 before=7"},
        {"{'text':'ab','peer':{'user':0}}", "331 search ref=r text=ab"},
        {"{'text':'" X64 "'}", "331 search ref=r text=" X64 " everywhere"},
    };
    check_reads_of(cases, sizeof cases / sizeof cases[0]);
    static const struct fault_case faults[] = {
        FAULT("{}", "text is missing"),
        FAULT("{'text':'a'}", "text must have 2 to 64 characters"),
        FAULT("{'text':'天'}", "text must have 2 to 64 characters"),
        FAULT("{'text':'" X64 "y'}", "text must have 2 to 64 characters"),
        FAULT("{'text':'ab','peer':5}", "peer must be an object"),
        FAULT("{'text':'ab','before':0}",
              "before must be a whole number from 1 to 9007199254740991"),
    };
    check_faults_of(331, faults, sizeof faults / sizeof faults[0]);
}

TEST(answers_searches) {
    struct listed listed = {.reply = {.more = false}};
    struct delivery_search_reply reply = {.before = 5};
    struct dialect_request request = {.operation = OPERATION_SEARCH};
    struct dialect_result result = {.reply = &reply, .time_ms = NOW};
    struct entry newest = text(9, false, "hi"), oldest = text(7, true, "hi");
    list(&listed, &newest);
    list(&listed, &oldest);
    reply.entries = listed.reply.entries;
    check_answers(DIALECT_YOUIM, true, &anna, &request, &result,
                  ANSWERS("{'msgType':332,'messages':["
                          "{'msg':'hi','msgType':6,'fromUserId':'456','cid':9,"
                          "'time_ms':1700000000999},"
                          "{'msg':'hi','msgType':6,'fromUserId':'anna','toUserId':'456','cid':7,"
                          "'time_ms':1700000000999}],'before':5,'more':true}"));
    reply = (struct delivery_search_reply){.before = 0};
    check_answers(DIALECT_OURCHAT, true, &anna, &request, &result,
                  ANSWERS("{'code':332,'time':1700000000,'data':{'messages':[],'more':false}}"));
    unlist(&listed);
}

/* The newest stay, and it goes on behind them. */
TEST(cuts_searches) {
    struct listed listed = {.reply = {.more = false}};
    struct dialect_request request = {.operation = OPERATION_SEARCH};
    struct delivery_search_reply reply = {.before = 0};
    struct dialect_result result = {.reply = &reply, .time_ms = NOW};
    struct buffer out = buffer_make(1 << 20);
    struct dialect_texts texts = {.out = &out};
    for (uint64_t cid = 30; cid >= 11; cid--) { /* 30 KB each: eight fit */
        struct entry entry = swelling_text(cid, 5000);
        list(&listed, &entry);
    }
    reply.entries = listed.reply.entries;
    dialect_write_result(DIALECT_YOUIM, true, &anna, &request, &result, &texts);
    assert_true(out.length <= LIST_MAX_BYTES);
    cJSON *json = cJSON_ParseWithLength(out.data, out.length);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(json, "messages")), 8);
    assert_int_equal(cJSON_GetObjectItem(json, "before")->valueint, 23);
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(json, "more")));
    cJSON_Delete(json);
    buffer_free(&out);
    unlist(&listed);
}

int main(void) { return test_run_all(NULL, NULL); }
