/*
 * Every field of every request, in both dialects and in the extensions, with numbers at the ends of
 * ranges and beyond, as numbers and as strings: either the fault names the field, or the request
 * holds nothing but numbers that every other part takes. Nothing else is done with a faulty one, so
 * nothing is changed.
 *
 * A request of the dialects' tables without an example here fails the test.
 */
#include "services/gateway/dialect/extension.h"
#include "services/gateway/dialect/ourchat.h"
#include "services/gateway/dialect/youim.h"
#include "tests/support/dialect_check.h"

#define DIGITS_70 "9999999999999999999999999999999999999999999999999999999999999999999999"
#define PLACEHOLDER "@@@@"

/* With every field that it may have; fields that exclude each other in examples of their own. */
static const struct example {
    unsigned number;
    const char *body;
} ourchat[] = {
    {0, "{'sender':{'ocid':1,'private_id':2},'msg':'x','reply':3,'mentions':[4,5]}"},
    {0, "{'sender':{'ocid':1,'group_id':2},'msg':'x'}"},
    {1, "{'sender':{'ocid':1,'private_id':2},'file':{'id':'0123456789abcdef'}}"},
    {2,
     "{'sender':{'ocid':1,'private_id':2},'file':{'id':'0123456789abcdef'},'msg':'x','reply':3}"},
    {3, "{'sender':{'ocid':1,'group_id':2},'file':{'id':'0123456789abcdef'},'mentions':[4]}"},
    {4, "{'email':'a@b.c','password':'p','name':'n','registration_token':'t','ext':1,"
        "'confirm':true,'backlog':5,'device':'d'}"},
    {6, "{'account':7,'password':'p','ext':1,'confirm':true,'backlog':5,'device':'d'}"},
    {8, "{'ocid':1,'group_name':'g'}"},
    {9, "{'ocid':1,'add_ocid':2}"},
    {9, "{'ocid':1,'group_id':2}"},
    {10, "{'ocid':1,'add_ocid':2}"},
    {10, "{'ocid':1,'group_id':2}"},
    {11, "{'ocid':1,'add_ocid':2}"},
    {11, "{'ocid':1,'group_id':2}"},
    {12, "{'ocid':1,'name':'n'}"},
    {12, "{'group_id':1,'group_name':'n'}"},
    {111, "{'group_id':1,'ocid':2}"},
    {115, "{'ocid':1,'target_ocid':2}"},
    {117, "{'group_id':1,'ocid':2,'target_ocid':3}"},
    {119, "{'group_id':1,'ocid':2,'target_ocid':3}"},
    {121, "{'group_id':1,'ocid':2,'target_ocid':3}"},
    {211, "{'group_id':1,'ocid':2}"},
};

#define TOKEN "{'token':'t',"
static const struct example youim[] = {
    {1, "{'loginUserId':1,'password':'p','ext':1,'confirm':true,'backlog':5,'device':'d'}"},
    {3, TOKEN "'fromUserId':1,'groupId':2}"},
    {5, TOKEN "'fromUserId':1,'toUserId':2,'msg':'x','reply':3,'mentions':[4,5]}"},
    {7, TOKEN "'fromUserId':1,'toGroup':2,'msg':'x','reply':3,'mentions':[4,5]}"},
    {9, TOKEN "'logoutUserId':1}"},
    {11, TOKEN "'fromUserId':1,'groupId':2}"},
    {13, TOKEN "'fromUserId':1,'toUserId':2}"},
    {15, TOKEN "'fromUserId':1,'toUserId':2}"},
    {17, TOKEN "'fromAdministratorId':1,'fromGroupId':2,'toUSerId':3}"},
    {17, TOKEN "'fromAdministratorId':1,'fromGroupId':2,'toUserId':3}"},
    {19, TOKEN "'ownerId':1,'groupId':2,'toUserId':3}"},
    {21, TOKEN "'ownerId':1,'groupId':2,'fromUserId':3}"},
    {104, TOKEN "'fromUserId':1,'toUserId':2,'confirmResult':true}"},
    {106, TOKEN "'handleAdministratorId':1,'groupId':2,'toUserId':3,'confirmResult':true}"},
    {111, TOKEN "'ownerId':1,'groupId':2}"},
    {113, "{'userId':1,'password':'p','registration_token':'t','ext':1,'confirm':true,"
          "'backlog':5,'device':'d'}"},
    {114, TOKEN "'ownerId':1,'groupId':2}"},
};

static const struct example extensions[] = {
    {301, "{'peer':{'user':1},'cid':2}"},
    {301, "{'peer':{'group':1},'cid':2}"},
    {302, "{'peer':{'user':1},'cid':2}"},
    {303, "{'peer':{'user':1},'before':2,'limit':3}"},
    {303, "{'peer':{'group':1},'after':2,'limit':3}"},
    {303, "{'peer':{'group':1},'around':2,'limit':3}"},
    {305, "{'before':2,'limit':3}"},
    {307, "{'after':2,'limit':3}"},
    {309, "{'group':1,'after':2,'limit':3}"},
    {311, "{'user':1}"},
    {311, "{'group':1}"},
    {311, "{'email':'a@b.c'}"},
    {313, "{'peer':{'user':1}}"},
    {313, "{'peer':{'group':1}}"},
    {315, "{'peer':{'user':1},'cid':2}"},
    {317, "{'token':'t','confirm':true,'backlog':5,'device':'d'}"},
    {319, "{'close':'0123456789abcdef'}"},
    {321, "{'user':1,'on':true}"},
    {323, "{'name':'n','size':1,'mime':'image/png','sha256':"
          "'0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'}"},
    {325, "{'of':'me','name':'n','about':'a'}"},
    {325, "{'of':{'group':1},'name':'n','about':'a','slow_s':2}"},
    {325, "{'of':{'friend':1},'remark':'n'}"},
    {325, "{'of':{'member':{'group':1}},'nick':'n'}"},
    {327, "{'peer':{'user':1},'cid':2,'msg':'x'}"},
    {329, "{'peer':{'user':1},'cid':2,'emoji':'x','on':true}"},
    {331, "{'text':'ab','peer':{'user':1},'before':2}"},
    {333, "{'group':1,'user':2,'until_ms':3}"},
    {335, "{'group':1,'user':2,'on':true}"},
    {337, "{'peer':{'user':1},'until_ms':2}"},
    {337, "{'peer':{'group':1},'until_ms':2}"},
    {339, "{'password':'p','texts':'keep'}"},
    {339, "{'confirm':true,'texts':'keep'}"},
    {341, "{'file':'0123456789abcdef','on':true}"},
    {345, "{'endpoint':'https://push.example/x','p256dh':'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUz"
          "ORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4','auth':'BTBZMqHH6r4Tts7J_aSIgg'}"},
    {345, "{'off':true}"},
};

static const struct value {
    const char *json;
    bool usable; /* a whole number below 2^53, which some fields take */
} values[] = {
    {"0", true},
    {"-0", true},
    {"0e0", true},
    {"9007199254740991", true},
    {"9.007199254740991e15", true},
    {"-1", false},
    {"1.5", false},
    {"0.0000001", false},
    {"1e308", false},
    {"-1e308", false},
    {"1e999", false},
    {"9007199254740992", false},
    {"9007199254740993", false},
    {"9223372036854775807", false},
    {"9223372036854775808", false},
    {"-9223372036854775808", false},
    {"18446744073709551615", false},
    {"18446744073709551616", false},
    {"100000000000000000000000000000000000000000000000000000000000000", false},
    {DIGITS_70, false},
    {"-" DIGITS_70, false},
    {"0." DIGITS_70, false},
    {"1e" DIGITS_70, false},
    {"\"0\"", true},
    {"\"9007199254740991\"", true},
    {"\"-1\"", false},
    {"\"1.5\"", false},
    {"\"1e3\"", false},
    {"\"0x10\"", false},
    {"\" 1\"", false},
    {"\"+1\"", false},
    {"\"01\"", false},
    {"\"NaN\"", false},
    {"\"-Infinity\"", false},
    {"\"9007199254740992\"", false},
    {"\"18446744073709551616\"", false},
    {"\"" DIGITS_70 "\"", false},
    {"\"\xd9\xa1\xd9\xa2\"", false}, /* digits, of Arabic */
};

/* One field of an example with another value. */
struct trial {
    enum dialect dialect;
    const char *key; /* the field's, or its list's */
    bool number;     /* a number stands there in the example */
};

static bool fits(uint64_t number) { return number < NUMBER_LIMIT; }

static void check_numbers(const struct dialect_request *request, const char *json) {
    bool good = fits(request->number) && fits(request->actor.number) &&
                fits(request->recipient.number) && fits(request->group.number) &&
                fits(request->person.number) && fits(request->cid) && fits(request->reply) &&
                fits(request->before) && fits(request->after) && fits(request->around) &&
                fits(request->until_ms) && fits(request->size) && request->limit <= LIST_MAX &&
                request->slow_s <= SLOW_MAX_S && request->backlog <= BACKLOG_MAX;
    for (size_t i = 0; i < request->mention_count; i++)
        good = good && fits(request->mentions[i].number);
    if (!good)
        fail_msg("a number that is too large is read from %s", json);
}

/* Whether the field has to be refused: it is a number, and no number of such a kind will do.
 * YouIM's ids are strings, so any other string is one; so is what OurChat's clients log in with. */
static bool is_bad(const struct trial *trial, const struct value *value) {
    bool id = trial->dialect == DIALECT_YOUIM || strcmp(trial->key, "account") == 0;
    if (!trial->number || value->usable || (id && value->json[0] == '"'))
        return false;
    return strcmp(trial->key, "ext") != 0 && strcmp(trial->key, "time") != 0;
}

static void try_value(const struct trial *trial, const char *text, const struct value *value) {
    const char *place = strstr(text, "\"" PLACEHOLDER "\"");
    char json[2048], fault[DIALECT_FAULT_BYTES] = "";
    struct dialect_request request = {.memory = NULL};
    assert_non_null(place);
    snprintf(json, sizeof json, "%.*s%s%s", (int)(place - text), text, value->json,
             place + strlen("\"" PLACEHOLDER "\""));
    cJSON *parsed = dialect_parse(slice_text(json), fault);
    if (parsed == NULL)
        fail_msg("%s: %s", json, fault);
    if (fault[0] != '\0')
        cJSON_Delete(parsed);
    else if (dialect_read(trial->dialect, true, parsed, &request, fault) == ERR_OK)
        check_numbers(&request, json);
    if (fault[0] == '\0' && is_bad(trial, value))
        fail_msg("this is no fault: %s", json);
    bool other = strcmp(trial->key, "code") == 0 && value->usable; /* another request */
    if (fault[0] != '\0' && !other && strstr(fault, trial->key) == NULL)
        fail_msg("\"%s\" does not name %s: %s", fault, trial->key, json);
    dialect_request_free(&request);
}

/* `leaf` becomes each value in turn; it is of no use afterwards. */
static void try_values(struct trial *trial, const cJSON *whole, cJSON *leaf) {
    trial->number = cJSON_IsNumber(leaf);
    cJSON own = *leaf; /* restored, so that the tree can be freed */
    char placeholder[] = PLACEHOLDER;
    leaf->type = cJSON_String;
    leaf->valuestring = placeholder;
    char *text = cJSON_PrintUnformatted(whole);
    leaf->type = own.type;
    leaf->valuestring = own.valuestring;
    assert_non_null(text);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        try_value(trial, text, &values[i]);
    cJSON_free(text);
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the examples are */
static void try_leaves(struct trial *trial, const cJSON *whole, cJSON *json) {
    for (cJSON *child = json->child; child != NULL; child = child->next) {
        if (child->string != NULL)
            trial->key = child->string;
        const char *key = trial->key;
        if (child->child != NULL)
            try_leaves(trial, whole, child);
        else
            try_values(trial, whole, child);
        trial->key = key;
    }
}

static void try_example(enum dialect dialect, const struct example *example) {
    struct trial trial = {.dialect = dialect};
    char text[1024];
    snprintf(text, sizeof text,
             dialect == DIALECT_OURCHAT ? "{'code':%u,'time':1,'ref':'r','data':%s}"
                                        : "{'msgType':%u,'ref':'r','msgBody':%s}",
             example->number, example->body);
    struct dialect_request request;
    check_read(dialect, true, text, NULL, &request); /* it is good as it is */
    dialect_request_free(&request);
    char *json_text = json_of(text);
    cJSON *json = cJSON_Parse(json_text);
    assert_non_null(json);
    try_leaves(&trial, json, json);
    cJSON_Delete(json);
    free(json_text);
}

static void try_examples(enum dialect dialect, const struct example *examples, size_t count) {
    for (size_t i = 0; i < count; i++)
        try_example(dialect, &examples[i]);
}

TEST(fields_of_ourchat) {
    try_examples(DIALECT_OURCHAT, ourchat, sizeof ourchat / sizeof ourchat[0]);
}

TEST(fields_of_youim) { try_examples(DIALECT_YOUIM, youim, sizeof youim / sizeof youim[0]); }

TEST(fields_of_extensions) {
    for (EACH_DIALECT(dialect))
        try_examples(dialect, extensions, sizeof extensions / sizeof extensions[0]);
}

static void expect_example(const struct request_row *row, const struct example *examples,
                           size_t count) {
    bool found = row->read == NULL;
    for (size_t i = 0; i < count; i++)
        found = found || examples[i].number == row->number;
    if (!found)
        fail_msg("there is no example of %u here: add one", (unsigned)row->number);
}

TEST(every_request_has_an_example) {
    for (size_t i = 0; i < dialect_form_ourchat.row_count; i++) {
        const struct request_row *row = &dialect_form_ourchat.rows[i];
        expect_example(row, ourchat, sizeof ourchat / sizeof ourchat[0]);
    }
    for (size_t i = 0; i < dialect_form_youim.row_count; i++)
        expect_example(&dialect_form_youim.rows[i], youim, sizeof youim / sizeof youim[0]);
    for (uint64_t number = EXTENSION_FIRST; number < 2 * EXTENSION_FIRST; number++)
        if (extension_find_row(number) != NULL)
            expect_example(extension_find_row(number), extensions,
                           sizeof extensions / sizeof extensions[0]);
}

int main(void) { return test_run_all(NULL, NULL); }
