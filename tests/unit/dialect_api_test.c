/* The tables of the HTTP API: what they name is there. And how paths and parameters are read. */
#include <string.h>

#include "common/scope.h"
#include "services/gateway/dialect/api.h"
#include "services/gateway/dialect/api_schemas.h"
#include "services/gateway/edge/json.h"
#include "tests/support/assertions.h"
#include "tests/support/test_list.h"

/* --- operations ------------------------------------------------------------------------------ */

static const char *field_name(const struct api_param *param) {
    return param->field == NULL ? param->name : param->field;
}

static bool is_filled(const struct api_operation *operation, const struct api_step *step,
                      const char *field) {
    for (const struct api_param *param = operation->params; param->name != NULL; param++)
        if (strcmp(field_name(param), field) == 0)
            return param->needed || param->actor;
    for (size_t i = 0; i < 2; i++)
        if (step->fixed[i].field != NULL && strcmp(step->fixed[i].field, field) == 0)
            return true;
    for (const struct api_step *before = operation->steps; before < step; before++)
        if (before->keeps != NULL && strcmp(before->keeps, field) == 0)
            return true;
    return strcmp(field, "nonces") == 0 || operation->build != NULL;
}

static const struct record_field *find(const struct record_desc *desc, const char *name) {
    for (size_t i = 0; i < desc->field_count; i++)
        if (strcmp(desc->fields[i].name, name) == 0)
            return &desc->fields[i];
    return NULL;
}

/* Of some step, or of what `build` reads. */
static bool is_used(const struct api_operation *operation, const struct api_param *param) {
    for (size_t i = 0; i < operation->step_count; i++)
        if (find(operation->steps[i].message->body, field_name(param)) != NULL ||
            (operation->steps[i].acting != NULL &&
             find(operation->steps[i].acting->body, field_name(param)) != NULL))
            return true;
    return operation->build != NULL || strcmp(param->name, "everyone") == 0;
}

static void check_params(const struct api_operation *operation) {
    size_t count = 0;
    for (const struct api_param *param = operation->params; param->name != NULL; param++, count++) {
        char placed[64];
        snprintf(placed, sizeof placed, "{%s}", param->name);
        if ((strstr(operation->path, placed) != NULL) != (param->place == API_PATH) ||
            !is_used(operation, param) || param->help == NULL ||
            (param->type == API_WORD && param->words == NULL))
            fail_msg("%s: %s", operation->name, param->name);
    }
    assert_in_range(count, 0, API_PARAMS_MAX);
}

static void check_steps(const struct api_operation *operation) {
    unsigned scopes = 0;
    for (size_t i = 0; i < operation->step_count; i++) {
        const struct api_step *step = &operation->steps[i];
        const struct record_desc *body = step->message->body;
        for (size_t f = 0; f < body->field_count; f++)
            if (body->fields[f].required && !is_filled(operation, step, body->fields[f].name))
                fail_msg("%s: %s", operation->name, body->fields[f].name);
        for (size_t k = 0; k < 2; k++)
            if (step->fixed[k].field != NULL && find(body, step->fixed[k].field) == NULL)
                fail_msg("%s: %s", operation->name, step->fixed[k].field);
        /* Of another message the replies are shown alike. */
        if (step->acting != NULL && step->acting->reply != step->message->reply)
            fail_msg("%s: %s", operation->name, step->acting->name);
        scopes = step->message->scope;
        /* Whoever may call the operation may send its messages. */
        if (scopes != 0 && (scopes & operation->scope) == 0)
            fail_msg("%s: %s", operation->name, step->message->name);
    }
}

TEST(operations_are_sound) {
    const struct api_operation *operation;
    size_t count = 0;
    for (; (operation = api_operation_at(count)) != NULL; count++) {
        assert_string_not_equal(scope_word(operation->scope), "");
        assert_string_not_equal(api_status_text(operation->status), api_status_text(500));
        assert_true((operation->shows != NULL) == (operation->status != 204));
        assert_true(operation->step_count > 0);
        assert_false(operation->method == API_GET && api_keeps_ref(operation));
        check_params(operation);
        check_steps(operation);
    }
    assert_true(count > 40);
}

static bool keeps_ref(const char *name) {
    const struct api_operation *operation = api_operation_at(0);
    for (size_t i = 1; operation != NULL && strcmp(operation->name, name) != 0; i++)
        operation = api_operation_at(i);
    assert_non_null(operation);
    return api_keeps_ref(operation);
}

TEST(an_idempotency_key_belongs_to_what_is_made_once) {
    static const char *const kept[] = {"createAccount", "createGroup", "sendMessage"};
    static const char *const repeated[] = {"createLogin", "disableAccount", "kickAccount"};
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        assert_true(keeps_ref(kept[i]));
    for (size_t i = 0; i < sizeof repeated / sizeof repeated[0]; i++)
        assert_false(keeps_ref(repeated[i]));
}

/* --- schemas -----------------------------------------------------------------------------------
 */

static bool suits(const struct api_property *property, const struct record_field *field) {
    switch (property->shape) {
    case API_SHOW_FLAG:
        return field->type == RECORD_BOOL;
    case API_SHOW_TEXT:
    case API_SHOW_AVATAR:
        return field->type == RECORD_TEXT;
    case API_SHOW_PACKED:
        return field->type == RECORD_BYTES && property->schema->desc->size <= 1024;
    case API_SHOW_LIST:
        return field->type == RECORD_LIST && field->element == property->schema->desc;
    case API_SHOW_NEXT:
        return field->type == RECORD_LIST && find(field->element, property->other) != NULL &&
               find(field->element, property->other)->type == RECORD_U64;
    case API_SHOW_PACKED_LIST:
        return field->type == RECORD_BLOBS && property->schema->desc->size <= 1024;
    case API_SHOW_QUEUES:
        return field->type == RECORD_TEXTS;
    case API_SHOW_IDS:
    case API_SHOW_FIRST:
    case API_SHOW_PAIRS:
        return field->type == RECORD_U64S;
    default:
        return field->type == RECORD_U64;
    }
}

static void check_schema(const struct api_schema *schema) {
    for (const struct api_property *property = schema->properties; property->name != NULL;
         property++) {
        const struct record_field *field = find(schema->desc, property->field);
        bool has_other = property->other == NULL || property->shape == API_SHOW_NEXT ||
                         find(schema->desc, property->other) != NULL;
        if (field == NULL || !suits(property, field) || !has_other || property->help == NULL)
            fail_msg("%s: %s", schema->name, property->name);
        if (property->schema != NULL)
            check_schema(property->schema);
    }
}

TEST(schemas_are_sound) {
    const struct api_operation *operation;
    for (size_t i = 0; (operation = api_operation_at(i)) != NULL; i++) {
        if (operation->shows == NULL)
            continue;
        const struct api_step *last = &operation->steps[operation->step_count - 1];
        bool of_each = last->target == API_ALL_SERVICES; /* a list of all replies */
        const struct api_schema *shown =
            of_each ? operation->shows->properties->schema : operation->shows;
        assert_ptr_equal(shown->desc, last->message->reply);
        check_schema(operation->shows);
    }
}

/* --- reading -------------------------------------------------------------------------------------
 */

static enum err read(const char *method, const char *path, const char *query, const char *body,
                     struct api_request *request_r, char fault[DIALECT_FAULT_BYTES]) {
    struct api_asked asked = {.query = slice_text(query), .body = slice_text(body)};
    const struct api_operation *operation;
    enum api_method number = API_GET;
    while (strcmp(api_methods[number], method) != 0)
        number++;
    assert_true(api_split(slice_text(path), &asked));
    assert_int_equal(api_find(&asked, number, &operation), API_FOUND);
    return api_read(operation, &asked, request_r, fault);
}

TEST(a_call_becomes_a_message) {
    char fault[DIALECT_FAULT_BYTES];
    struct api_request request;
    struct record_arena arena = {0};
    struct group_mute body = {0};
    const struct api_given given = {.nonce = slice_text("0123456789abcdef")};
    assert_err(read("PUT", "/groups/a%2Fb/members/7/mute", "", "{\"until_ms\":5,\"as\":\"8\"}",
                    &request, fault),
               ERR_OK);
    assert_slice_text(api_value(&request, "group")->id.text, "a/b");
    assert_err(api_act_as(&request, 0, fault), ERR_OK);
    assert_true(api_fill(&request, request.operation->steps, &given, &arena, &body));
    assert_int_equal(body.account, 7);
    assert_int_equal(body.by, 8);
    assert_int_equal(body.until_ms, 5);
    assert_slice_text(body.nonce, "0123456789abcdef");
    /* A key of account 9 acts as that, and as no other. */
    assert_err(api_act_as(&request, 9, fault), ERR_FORBIDDEN);
    api_request_free(&request);
    assert_err(read("PUT", "/groups/1/members/7/mute", "", "{\"until_ms\":5}", &request, fault),
               ERR_OK);
    assert_err(api_act_as(&request, 9, fault), ERR_OK);
    assert_true(api_fill(&request, request.operation->steps, &given, &arena, &body));
    assert_int_equal(body.by, 9);
    api_request_free(&request);
    record_arena_free(&arena);
}

TEST(what_cannot_be_read) {
    static const struct {
        const char *method, *path, *query, *body, *fault;
    } cases[] = {
        {"GET", "/accounts", "limit=201", "", "limit must be a whole number from 1 to 200"},
        {"GET", "/accounts", "limit=1&limit=1", "", "limit stands twice"},
        {"GET", "/accounts", "size=1", "", "there is no parameter size"},
        {"GET", "/accounts", "limit=%FF", "", "limit is no text in UTF-8"},
        {"GET", "/accounts/%00", "", "", "account is no text in UTF-8"},
        {"GET", "/accounts/%2", "", "", "account is no text in UTF-8"},
        {"POST", "/accounts", "", "{\"account\":1}", "there is no field account"},
        {"PUT", "/accounts/1/password", "", "{}", "password is missing"},
        {"PUT", "/accounts/1/password", "", "{\"password\":\"\"}", "password is empty"},
        {"PATCH", "/accounts/1", "", "{}", "there is nothing to set: name, about, avatar"},
        {"PATCH", "/groups/1", "", "{}", "there is nothing to set: name, about, slow_s, avatar"},
        {"PATCH", "/groups/1", "", "{\"avatar\":\"x\"}", "avatar must be a file, or empty"},
        {"PUT", "/groups/1/members/2/role", "", "{\"role\":\"owner\"}",
         "role must be one of: member, administrator"},
        {"POST", "/messages", "", "{\"from\":1,\"user\":2,\"group\":3,\"text\":\"a\"}",
         "exactly one of user and group may be given"},
        {"POST", "/messages", "", "{\"from\":1,\"user\":2}", "text is missing"},
        {"POST", "/messages", "", "{\"from\":1,\"user\":2,\"text\":\"a\",\"file_kind\":\"image\"}",
         "file_kind belongs to a file"},
        {"POST", "/system-messages", "", "{\"everyone\":false,\"text\":\"a\"}",
         "exactly one of user, group and everyone may be given"},
        {"GET", "/messages", "as=1&user=2&before=3&after=4", "",
         "only one of before, after and around may be given"},
        {"POST", "/files", "", "{\"as\":1,\"name\":\"a\",\"size\":1,\"sha256\":\"00\"}",
         "sha256 must be 64 hexadecimal digits"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char fault[DIALECT_FAULT_BYTES];
        struct api_request request;
        assert_err(
            read(cases[i].method, cases[i].path, cases[i].query, cases[i].body, &request, fault),
            ERR_BAD_REQUEST);
        assert_string_equal(fault, cases[i].fault);
        api_request_free(&request);
    }
}

TEST(paths_that_are_none) {
    static const char *const paths[] = {"",           "/",          "accounts",
                                        "/accounts/", "//accounts", "/a/b/c/d/e/f/g/h/i"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct api_asked asked = {0};
        if (api_split(slice_text(paths[i]), &asked))
            fail_msg("%s", paths[i]);
    }
    struct api_asked asked = {0};
    const struct api_operation *operation;
    char allowed[64];
    assert_true(api_split(slice_text("/groups/1/members/2"), &asked));
    assert_int_equal(api_find(&asked, API_POST, &operation), API_NO_METHOD);
    api_allowed(&asked, allowed, sizeof allowed);
    assert_string_equal(allowed, "PUT, DELETE, OPTIONS");
    assert_true(api_split(slice_text("/groups/1/nothing/2"), &asked));
    assert_int_equal(api_find(&asked, API_GET, &operation), API_NO_PATH);
}

/* Every error has a status, and its problem is one object. */
TEST(every_error_is_a_problem) {
    for (enum err err = ERR_INTERNAL; err < ERR_COUNT; err++) {
        struct buffer out = buffer_make(4096);
        struct slice object;
        int status = api_status_of(err);
        assert_in_range(status, 400, 507);
        assert_int_equal(strtol(api_status_text(status), NULL, 10), status);
        api_write_problem(status, err, slice_text("a \"fault\""), &out);
        assert_false(out.failed);
        assert_null(edge_json_check(slice_make(out.data, out.length), &object));
        buffer_free(&out);
    }
}

int main(void) { return test_run_all(NULL, NULL); }
