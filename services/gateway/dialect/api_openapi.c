/* The description of the HTTP API, OpenAPI 3.1, made from its tables. */
#include <string.h>

#include "common/scope.h"
#include "services/gateway/dialect/api.h"
#include "services/gateway/dialect/api_schemas.h"
#include "services/gateway/dialect/json.h"

/* no limit: schemas of the tables, asserted by a test */
#define SCHEMAS_MAX 64

struct listed {
    const struct api_schema *schemas[SCHEMAS_MAX];
    size_t count;
};

static void write_pair(struct buffer *out, const char *separator, const char *key,
                       const char *value) {
    buffer_printf(out, "%s\"%s\":", separator, key);
    json_text(out, slice_text(value));
}

static void write_words(struct buffer *out, const char *const *words) {
    json_raw(out, ",\"enum\":[");
    for (size_t i = 0; words[i] != NULL; i++) {
        bool again = false;
        for (size_t before = 0; before < i; before++)
            again = again || strcmp(words[before], words[i]) == 0;
        if (again)
            continue;
        json_raw(out, i == 0 ? "" : ",");
        json_text(out, slice_text(words[i]));
    }
    json_raw(out, "]");
}

/* --- parameters --- */

static void write_param_schema(struct buffer *out, const struct api_param *param) {
    switch (param->type) {
    case API_ACCOUNT:
    case API_GROUP:
    case API_NEW_ID:
        json_raw(out, "{\"type\":[\"string\",\"integer\"],\"minLength\":1,\"maxLength\":64");
        break;
    case API_STRING:
        buffer_printf(out, "{\"type\":\"string\",\"minLength\":1,\"maxLength\":%llu",
                      (unsigned long long)param->most);
        break;
    case API_NAME:
        json_raw(out, "{\"type\":\"string\",\"minLength\":1,\"maxLength\":64");
        break;
    case API_ABOUT:
        json_raw(out, "{\"type\":\"string\",\"maxLength\":512");
        break;
    case API_EMAIL:
        json_raw(out, "{\"type\":\"string\",\"maxLength\":254");
        break;
    case API_WHOLE:
        buffer_printf(out, "{\"type\":\"integer\",\"minimum\":%llu,\"maximum\":%llu",
                      (unsigned long long)param->least, (unsigned long long)param->most);
        break;
    case API_FLAG:
        json_raw(out, "{\"type\":\"boolean\"");
        break;
    case API_HEX:
        json_raw(out, "{\"type\":\"string\",\"pattern\":\"^[0-9a-f]{16}$\"");
        break;
    case API_PICTURE:
        json_raw(out, "{\"type\":\"string\",\"pattern\":\"^([0-9a-f]{16})?$\"");
        break;
    case API_WORD:
        json_raw(out, "{\"type\":\"string\"");
        write_words(out, param->words);
        break;
    case API_SHA256:
        json_raw(out, "{\"type\":\"string\",\"pattern\":\"^[0-9a-fA-F]{64}$\"");
        break;
    case API_MENTIONS:
        buffer_printf(out,
                      "{\"oneOf\":[{\"const\":\"all\"},{\"type\":\"array\",\"maxItems\":%d,"
                      "\"items\":{\"type\":[\"string\",\"integer\"]}}]",
                      MENTIONS_MAX);
        break;
    }
}

static void write_param(struct buffer *out, const struct api_param *param) {
    bool in_path = param->place == API_PATH;
    write_pair(out, "{", "name", param->name);
    write_pair(out, ",", "in", in_path ? "path" : "query");
    buffer_printf(out, ",\"required\":%s", in_path || param->needed ? "true" : "false");
    write_pair(out, ",", "description", param->help);
    json_raw(out, ",\"schema\":");
    write_param_schema(out, param);
    json_raw(out, "}}");
}

static void write_params(struct buffer *out, const struct api_operation *operation) {
    const char *separator = "";
    json_raw(out, ",\"parameters\":[");
    for (const struct api_param *param = operation->params; param->name != NULL; param++) {
        if (param->place == API_BODY)
            continue;
        json_raw(out, separator);
        write_param(out, param);
        separator = ",";
    }
    if (api_keeps_ref(operation)) {
        json_raw(out, separator);
        json_raw(out, "{\"$ref\":\"#/components/parameters/IdempotencyKey\"}");
    }
    json_raw(out, "]");
}

static bool needs_body(const struct api_operation *operation) {
    for (const struct api_param *param = operation->params; param->name != NULL; param++)
        if (param->place == API_BODY && param->needed)
            return true;
    return false;
}

static void write_body(struct buffer *out, const struct api_operation *operation) {
    const char *separator = "";
    if (!api_takes_body(operation))
        return;
    buffer_printf(out,
                  ",\"requestBody\":{\"required\":%s,\"content\":{\"application/json\":{"
                  "\"schema\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{",
                  needs_body(operation) ? "true" : "false");
    for (const struct api_param *param = operation->params; param->name != NULL; param++) {
        if (param->place != API_BODY)
            continue;
        buffer_printf(out, "%s\"%s\":", separator, param->name);
        write_param_schema(out, param);
        write_pair(out, ",", "description", param->help);
        json_raw(out, "}");
        separator = ",";
    }
    json_raw(out, "},\"required\":[");
    separator = "";
    for (const struct api_param *param = operation->params; param->name != NULL; param++) {
        if (param->place != API_BODY || !param->needed)
            continue;
        buffer_printf(out, "%s\"%s\"", separator, param->name);
        separator = ",";
    }
    json_raw(out, "]}}}}");
}

/* --- operations --- */

static void write_operation(struct buffer *out, const struct api_operation *operation) {
    static const char *const methods[API_METHOD_COUNT] = {[API_GET] = "get",
                                                          [API_POST] = "post",
                                                          [API_PUT] = "put",
                                                          [API_PATCH] = "patch",
                                                          [API_DELETE] = "delete"};
    buffer_printf(out, "\"%s\":{", methods[operation->method]);
    write_pair(out, "", "operationId", operation->name);
    write_pair(out, ",", "description", operation->help);
    buffer_printf(out, ",\"tags\":[\"%s\"],\"security\":[{\"apiKey\":[\"%s\"]}]",
                  scope_word(operation->scope), scope_word(operation->scope));
    write_params(out, operation);
    write_body(out, operation);
    buffer_printf(out, ",\"responses\":{\"%d\":{\"description\":\"done\"", operation->status);
    if (operation->shows != NULL)
        buffer_printf(out,
                      ",\"content\":{\"application/json\":{\"schema\":{\"$ref\":"
                      "\"#/components/schemas/%s\"}}}",
                      operation->shows->name);
    json_raw(out, "},\"default\":{\"$ref\":\"#/components/responses/Problem\"}}}");
}

static void write_paths(struct buffer *out) {
    const struct api_operation *operation, *before = NULL;
    json_raw(out, "\"paths\":{");
    for (size_t i = 0; (operation = api_operation_at(i)) != NULL; before = operation, i++) {
        if (before != NULL && strcmp(before->path, operation->path) == 0)
            json_raw(out, ",");
        else
            buffer_printf(out, "%s\"%s\":{", before == NULL ? "" : "},", operation->path);
        write_operation(out, operation);
    }
    json_raw(out, "}}");
}

/* --- schemas --- */

static void write_reference(struct buffer *out, const struct api_schema *schema) {
    buffer_printf(out, "{\"$ref\":\"#/components/schemas/%s\"}", schema->name);
}

static void write_property(struct buffer *out, const struct api_property *property) {
    buffer_printf(out, "\"%s\":{", property->name);
    switch (property->shape) {
    case API_SHOW_NUMBER:
    case API_SHOW_FIRST:
    case API_SHOW_NEXT:
        json_raw(out, "\"type\":\"integer\"");
        break;
    case API_SHOW_FLAG:
        json_raw(out, "\"type\":\"boolean\"");
        break;
    case API_SHOW_HEX:
        json_raw(out, "\"type\":\"string\",\"pattern\":\"^[0-9a-f]{16}$\"");
        break;
    case API_SHOW_IDS:
        json_raw(out, "\"type\":\"array\",\"items\":{\"type\":\"string\"}");
        break;
    case API_SHOW_WORD:
    case API_SHOW_KIND:
        json_raw(out, "\"type\":\"string\"");
        write_words(out, property->words);
        break;
    case API_SHOW_PACKED:
        buffer_printf(out, "\"$ref\":\"#/components/schemas/%s\"", property->schema->name);
        break;
    case API_SHOW_LIST:
    case API_SHOW_PACKED_LIST:
        json_raw(out, "\"type\":\"array\",\"items\":");
        write_reference(out, property->schema);
        break;
    case API_SHOW_PAIRS:
        buffer_printf(out,
                      "\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
                      "\"number\":{\"type\":\"integer\"},\"%s\":{\"type\":\"integer\"}}}",
                      property->other);
        break;
    case API_SHOW_QUEUES:
        json_raw(out, "\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
                      "\"name\":{\"type\":\"string\"},\"depth\":{\"type\":\"integer\"},"
                      "\"limit\":{\"type\":\"integer\"}}}");
        break;
    default:
        json_raw(out, "\"type\":\"string\"");
        break;
    }
    write_pair(out, ",", "description", property->help);
    json_raw(out, "}");
}

static void write_schema(struct buffer *out, const struct api_schema *schema) {
    const char *separator = "";
    buffer_printf(out, "\"%s\":{\"type\":\"object\",\"properties\":{", schema->name);
    for (const struct api_property *property = schema->properties; property->name != NULL;
         property++) {
        json_raw(out, separator);
        write_property(out, property);
        separator = ",";
    }
    json_raw(out, "},\"required\":[");
    separator = "";
    for (const struct api_property *property = schema->properties; property->name != NULL;
         property++) {
        if (!property->always)
            continue;
        buffer_printf(out, "%s\"%s\"", separator, property->name);
        separator = ",";
    }
    json_raw(out, "]}");
}

/* With those that it refers to. */
static void list_schema(struct listed *listed, const struct api_schema *schema) {
    for (size_t i = 0; i < listed->count; i++)
        if (listed->schemas[i] == schema)
            return;
    if (schema == NULL || listed->count == SCHEMAS_MAX)
        return;
    listed->schemas[listed->count++] = schema;
    for (const struct api_property *property = schema->properties; property->name != NULL;
         property++)
        list_schema(listed, property->schema);
}

static void write_schemas(struct buffer *out) {
    struct listed listed = {.count = 0};
    const struct api_operation *operation;
    for (size_t i = 0; (operation = api_operation_at(i)) != NULL; i++)
        list_schema(&listed, operation->shows);
    json_raw(out, "\"schemas\":{");
    for (size_t i = 0; i < listed.count; i++) {
        write_schema(out, listed.schemas[i]);
        json_raw(out, ",");
    }
    json_raw(out, "\"Problem\":{\"type\":\"object\",\"description\":\"RFC 9457\",\"properties\":{"
                  "\"type\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"},"
                  "\"status\":{\"type\":\"integer\"},\"detail\":{\"type\":\"string\","
                  "\"description\":\"for people; may be reworded\"},\"error\":{\"type\":"
                  "\"string\",\"description\":\"the stable word\",\"enum\":[");
    for (enum err err = ERR_INTERNAL; err < ERR_COUNT; err++)
        buffer_printf(out, "%s\"%s\"", err == ERR_INTERNAL ? "" : ",", err_word(err));
    json_raw(out, "]}},\"required\":[\"type\",\"title\",\"status\",\"detail\",\"error\"]}}");
}

void api_write_openapi(struct buffer *out) {
    json_raw(out, "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"parley\",\"version\":");
    json_text(out, slice_text(PARLEY_VERSION));
    json_raw(out,
             ",\"description\":\"For an app's own backend: accounts, logins, groups, messages, "
             "people, sessions, files. Ids of accounts and groups are strings, or whole "
             "numbers.\",\"license\":{\"name\":\"Apache 2.0\",\"identifier\":"
             "\"Apache-2.0\"}},\"servers\":[{\"url\":\"" API_BASE "\"}],");
    write_paths(out);
    json_raw(out, ",\"components\":{\"securitySchemes\":{\"apiKey\":{\"type\":\"http\",\"scheme\":"
                  "\"bearer\",\"description\":\"An API key, as `parleyctl key add` prints it. The "
                  "words beside it are the scopes of which it needs one.\"}},");
    buffer_printf(out,
                  "\"parameters\":{\"IdempotencyKey\":{\"name\":\"Idempotency-Key\",\"in\":"
                  "\"header\",\"required\":false,\"description\":\"With the same one, a change is "
                  "made once however often it is sent\",\"schema\":{\"type\":\"string\","
                  "\"minLength\":1,\"maxLength\":%d}}},",
                  API_REF_MAX_BYTES);
    json_raw(out,
             "\"responses\":{\"Problem\":{\"description\":\"why it was not done\",\"content\":{"
             "\"application/problem+json\":{\"schema\":{\"$ref\":"
             "\"#/components/schemas/Problem\"}}}}},");
    write_schemas(out);
    json_raw(out, "}}\n");
}
