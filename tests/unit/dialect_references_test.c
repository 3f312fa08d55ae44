/* `reply` and `mentions` of texts, in both dialects. */
#include "tests/support/dialect_check.h"

#define NOW 1700000000999

static void read_text_with(enum dialect dialect, bool ext, const char *more, const char *fault,
                           struct dialect_request *request) {
    static char text[8192];
    snprintf(text, sizeof text,
             dialect == DIALECT_OURCHAT
                 ? "{'code':0,'time':1,'data':{'sender':{'ocid':1,'group_id':2},'msg':'x',%s}}"
                 : "{'msgType':7,'msgBody':{'token':'t','fromUserId':'1','toGroup':'2','msg':'x',"
                   "%s}}",
             more);
    check_read(dialect, ext, text, fault, request);
}

TEST(reads_references) {
    struct dialect_request request;
    for (EACH_DIALECT(dialect)) {
        read_text_with(dialect, true, "'reply':'77','mentions':[5,'6']", NULL, &request);
        assert_int_equal(request.operation, OPERATION_SEND);
        assert_int_equal(request.reply, 77);
        assert_int_equal(request.mention_count, 2);
        check_id(request.mentions[0], 5, "");
        check_id(request.mentions[1], 6, "");
        assert_false(request.mentions_all);
        dialect_request_free(&request);
        assert_null(request.mentions);
        read_text_with(dialect, true, "'mentions':'all'", NULL, &request);
        assert_true(request.mentions_all);
        assert_int_equal(request.mention_count, 0);
        assert_int_equal(request.reply, 0);
        dialect_request_free(&request);
        read_text_with(dialect, true, "'mentions':[],'reply':null", NULL, &request);
        assert_false(request.mentions_all);
        assert_int_equal(request.mention_count, 0);
        dialect_request_free(&request);
        /* Without ext they are fields that nobody knows. */
        read_text_with(dialect, false, "'mentions':'nonsense','reply':-1", NULL, &request);
        assert_int_equal(request.reply, 0);
        assert_int_equal(request.mention_count, 0);
        dialect_request_free(&request);
    }
    read_text_with(DIALECT_YOUIM, true, "'mentions':['ben','all','anna']", NULL, &request);
    assert_int_equal(request.mention_count, 3);
    check_id(request.mentions[0], 0, "ben");
    check_id(request.mentions[1], 0, "all"); /* somebody may be called so */
    check_id(request.mentions[2], 0, "anna");
    assert_false(request.mentions_all);
    dialect_request_free(&request);
}

/* As many ids as there are. */
static const char *many(size_t count) {
    static char text[4 * MENTIONS_MAX + 64];
    size_t length = (size_t)snprintf(text, sizeof text, "'mentions':[1");
    for (size_t i = 1; i < count; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, ",2");
    snprintf(text + length, sizeof text - length, "]");
    return text;
}

TEST(faults_of_references) {
    static const struct fault_case cases[] = {
        FAULT("'reply':0", "reply must be a whole number from 1 to 9007199254740991"),
        FAULT("'reply':[1]", "reply must be a whole number from 1 to 9007199254740991"),
        FAULT("'mentions':'everybody'", "mentions must be a list of ids, or the string all"),
        FAULT("'mentions':5", "mentions must be a list of ids, or the string all"),
        FAULT("'mentions':{'a':5}", "mentions must be a list of ids, or the string all"),
    };
    struct dialect_request request;
    for (EACH_DIALECT(dialect)) {
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            read_text_with(dialect, true, cases[i].json, cases[i].fault, &request);
            dialect_request_free(&request);
        }
        read_text_with(dialect, true, many(MENTIONS_MAX), NULL, &request);
        assert_int_equal(request.mention_count, MENTIONS_MAX);
        dialect_request_free(&request);
        read_text_with(dialect, true, many(MENTIONS_MAX + 1), "mentions has more than 50 ids",
                       &request);
        dialect_request_free(&request);
    }
    static const char *const wrong[] = {"'mentions':[1,0]", "'mentions':[1,null]",
                                        "'mentions':[1,'ben']", "'mentions':[[1]]"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        read_text_with(DIALECT_OURCHAT, true, wrong[i],
                       i == 1 ? "mentions is missing"
                              : "mentions must be a whole number from 1 to 9007199254740991",
                       &request);
        dialect_request_free(&request);
    }
    read_text_with(DIALECT_YOUIM, true, "'mentions':['ben','SYSTEM']",
                   "mentions must be 1 to 64 bytes without control characters, and not SYSTEM or 0",
                   &request);
    dialect_request_free(&request);
}

TEST(copies_carry_them) {
    uint64_t accounts[] = {5, 6};
    struct slice ids[] = {{"ben", 3}, {NULL, 0}};
    struct entry entry = {.conversation = 1,
                          .cid = 9,
                          .time_ms = NOW,
                          .type = ENTRY_TEXT,
                          .from = 5,
                          .from_id = {"ben", 3},
                          .to = 6,
                          .text = {"x", 1},
                          .reply = 7,
                          .mentions = {accounts, 2},
                          .mention_ids = {ids, 2}};
    check_entry(DIALECT_OURCHAT, true, 6, &entry,
                "{'code':0,'time':1700000000,'data':{'cid':9,'sender':{'ocid':5,'private_id':6},"
                "'msg':'x','time_ms':1700000000999,'reply':7,'mentions':[5,6]}}");
    check_entry(DIALECT_YOUIM, true, 6, &entry,
                "{'msg':'x','msgType':6,'fromUserId':'ben','reply':7,'mentions':['ben','6'],"
                "'cid':9,'time_ms':1700000000999}");
    /* The text alone to everybody else. */
    check_entry(DIALECT_OURCHAT, false, 6, &entry,
                "{'code':0,'time':1700000000,'data':{'cid':9,'sender':{'ocid':5,'private_id':6},"
                "'msg':'x'}}");
    check_entry(DIALECT_YOUIM, false, 6, &entry, "{'msg':'x','msgType':6,'fromUserId':'ben'}");
    accounts[0] = 0;
    entry.mentions.count = entry.mention_ids.count = 1;
    entry.reply = 0;
    check_entry(DIALECT_YOUIM, true, 6, &entry,
                "{'msg':'x','msgType':6,'fromUserId':'ben','mentions':'all','cid':9,"
                "'time_ms':1700000000999}");
}

int main(void) { return test_run_all(NULL, NULL); }
