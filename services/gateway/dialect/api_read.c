/* From a request over HTTP to its parameters; see api.h. */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "services/gateway/dialect/api.h"
#include "services/gateway/dialect/parse.h"

const char *const api_methods[API_METHOD_COUNT] = {[API_GET] = "GET",
                                                   [API_POST] = "POST",
                                                   [API_PUT] = "PUT",
                                                   [API_PATCH] = "PATCH",
                                                   [API_DELETE] = "DELETE"};

/* --- paths ---------------------------------------------------------------------------------- */

bool api_split(struct slice path, struct api_asked *asked_r) {
    size_t count = 0;
    while (path.length > 0 && path.data[0] == '/') {
        const char *begin = path.data + 1;
        const char *end = path.length == 1 ? NULL : memchr(begin, '/', path.length - 1);
        size_t length = end == NULL ? path.length - 1 : (size_t)(end - begin);
        if (length == 0 || count == API_SEGMENTS_MAX)
            return false;
        asked_r->segments[count++] = slice_make(begin, length);
        path = slice_make(begin + length, path.length - 1 - length);
    }
    asked_r->segment_count = count;
    return path.length == 0 && count > 0;
}

/* The next segment of an operation's path; empty: there is none. */
static struct slice take_segment(const char **path) {
    if (**path != '/')
        return slice_make("", 0);
    const char *begin = *path + 1;
    size_t length = strcspn(begin, "/");
    *path = begin + length;
    return slice_make(begin, length);
}

static bool is_parameter(struct slice segment) { return segment.data[0] == '{'; }

static bool matches(const struct api_operation *operation, const struct api_asked *asked) {
    const char *path = operation->path;
    for (size_t i = 0; i < asked->segment_count; i++) {
        struct slice segment = take_segment(&path);
        if (segment.length == 0 ||
            (!is_parameter(segment) && !slice_equal(segment, asked->segments[i])))
            return false;
    }
    return *path == '\0';
}

enum api_found api_find(const struct api_asked *asked, enum api_method method,
                        const struct api_operation **operation_r) {
    const struct api_operation *operation;
    enum api_found found = API_NO_PATH;
    for (size_t i = 0; (operation = api_operation_at(i)) != NULL; i++) {
        if (!matches(operation, asked))
            continue;
        *operation_r = operation;
        if (operation->method == method)
            return API_FOUND;
        found = API_NO_METHOD;
    }
    return found;
}

void api_allowed(const struct api_asked *asked, char *out, size_t size) {
    const struct api_operation *operation;
    struct buffer list = buffer_make(size);
    for (size_t i = 0; (operation = api_operation_at(i)) != NULL; i++)
        if (matches(operation, asked))
            buffer_printf(&list, "%s%s, ", api_methods[operation->method],
                          operation->method == API_GET ? ", HEAD" : "");
    buffer_printf(&list, "OPTIONS");
    snprintf(out, size, "%.*s", (int)list.length, list.data == NULL ? "" : list.data);
    buffer_free(&list);
}

bool api_takes_body(const struct api_operation *operation) {
    for (const struct api_param *param = operation->params; param->name != NULL; param++)
        if (param->place == API_BODY)
            return true;
    return false;
}

/* --- from all places to one object ------------------------------------------------------------ */

static int digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Decoded, with a 0 behind it, in memory of the JSON; NULL: it is no text. */
static char *decode(struct slice escaped, bool plus) {
    char *text = cJSON_malloc(escaped.length + 1);
    size_t length = 0;
    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < escaped.length; i++) {
        char c = escaped.data[i];
        if (c == '%') {
            int high = i + 2 < escaped.length ? digit(escaped.data[i + 1]) : -1;
            int low = i + 2 < escaped.length ? digit(escaped.data[i + 2]) : -1;
            c = high < 0 || low < 0 ? '\0' : (char)(high * 16 + low);
            i += 2;
        }
        text[length++] = c == '+' && plus ? ' ' : c;
    }
    text[length] = '\0';
    if (strlen(text) != length || !text_is_utf8(slice_make(text, length))) {
        cJSON_free(text);
        return NULL;
    }
    return text;
}

static const struct api_param *find_param(const struct api_operation *operation,
                                          enum api_place place, struct slice name) {
    for (const struct api_param *param = operation->params; param->name != NULL; param++)
        if (param->place == place && slice_equal(slice_text(param->name), name))
            return param;
    return NULL;
}

static void add_text(struct reading *reading, const char *name, struct slice escaped, bool plus) {
    char *text = decode(escaped, plus);
    if (text == NULL)
        reading_fail(reading, "%s is no text in UTF-8", name);
    else if (cJSON_AddStringToObject(reading->json, name, text) == NULL)
        reading_no_memory(reading);
    cJSON_free(text);
}

static void add_path(struct reading *reading, const struct api_operation *operation,
                     const struct api_asked *asked) {
    const char *path = operation->path;
    for (size_t i = 0; i < asked->segment_count; i++) {
        struct slice segment = take_segment(&path);
        if (!is_parameter(segment))
            continue;
        const struct api_param *param =
            find_param(operation, API_PATH, slice_make(segment.data + 1, segment.length - 2));
        if (param != NULL)
            add_text(reading, param->name, asked->segments[i], false);
    }
}

static void add_query(struct reading *reading, const struct api_operation *operation,
                      struct slice query) {
    while (query.length > 0 && reading->err == ERR_OK) {
        const char *end = memchr(query.data, '&', query.length);
        struct slice pair =
            slice_make(query.data, end == NULL ? query.length : (size_t)(end - query.data));
        query =
            end == NULL ? slice_make("", 0) : slice_make(end + 1, query.length - pair.length - 1);
        if (pair.length == 0)
            continue;
        const char *equal = memchr(pair.data, '=', pair.length);
        size_t length = equal == NULL ? pair.length : (size_t)(equal - pair.data);
        const struct api_param *param =
            find_param(operation, API_QUERY, slice_make(pair.data, length));
        if (param == NULL)
            reading_fail(reading, "there is no parameter %.*s", (int)(length < 40 ? length : 40),
                         pair.data);
        else if (cJSON_GetObjectItemCaseSensitive(reading->json, param->name) != NULL)
            reading_fail(reading, "%s stands twice", param->name);
        else
            add_text(reading, param->name,
                     equal == NULL ? slice_make("", 0)
                                   : slice_make(equal + 1, pair.length - length - 1),
                     true);
    }
}

/* Only what the operation knows: a misspelt field would not do what is meant. */
static void check_fields(struct reading *reading, const struct api_operation *operation) {
    const cJSON *item;
    cJSON_ArrayForEach(item, reading->json) {
        if (find_param(operation, API_BODY, slice_text(item->string)) == NULL)
            reading_fail(reading, "there is no field %.40s", item->string);
    }
}

/* --- parameters ------------------------------------------------------------------------------- */

static struct api_value *value_at(struct api_request *request, const struct api_param *param) {
    return &request->values[param - request->operation->params];
}

static void read_word(struct reading *reading, const struct api_param *param,
                      struct api_value *value) {
    struct slice word = {"", 0};
    reading_text(reading, reading->json, param->name, 0, &word);
    if (reading->err != ERR_OK)
        return;
    struct buffer words = buffer_make(DIALECT_FAULT_BYTES);
    for (size_t i = 0; param->words[i] != NULL; i++) {
        buffer_printf(&words, "%s%s", i == 0 ? "" : ", ", param->words[i]);
        if (slice_equal(word, slice_text(param->words[i])))
            value->number = i;
    }
    if (!slice_equal(word, slice_text(param->words[value->number])))
        reading_fail(reading, "%s must be one of: %.*s", param->name, (int)words.length,
                     words.data);
    buffer_free(&words);
}

static void read_sha256(struct reading *reading, const struct api_param *param,
                        struct api_request *request, struct api_value *value) {
    size_t length = 0;
    struct slice digits = {"", 0};
    reading_text(reading, reading->json, param->name, 0, &digits);
    if (reading->err != ERR_OK)
        return;
    if (sodium_hex2bin(request->sha256, sizeof request->sha256, digits.data, digits.length, NULL,
                       &length, NULL) != 0 ||
        length != sizeof request->sha256)
        reading_fail(reading, "%s must be 64 hexadecimal digits", param->name);
    value->text = slice_make((const char *)request->sha256, sizeof request->sha256);
}

/* A decimal id stays a text: auth and group take either. */
static void read_new_id(struct reading *reading, const struct api_param *param,
                        struct api_value *value) {
    struct dialect_id id = {0};
    reading_new_id(reading, reading->json, param->name, &id);
    reading_login(reading, reading->json, param->name, 0, &value->text);
}

static void read_picture(struct reading *reading, const struct api_param *param,
                         struct api_value *value) {
    const cJSON *given = cJSON_GetObjectItemCaseSensitive(reading->json, param->name);
    if (!cJSON_IsString(given) || given->valuestring[0] != '\0')
        reading_hex_id(reading, reading->json, param->name, "a file, or empty", &value->number);
}

static void read_value(struct reading *reading, const struct api_param *param,
                       struct api_request *request, struct api_value *value) {
    cJSON *object = reading->json;
    bool flag = false;
    switch (param->type) {
    case API_ACCOUNT:
    case API_GROUP:
        reading_string_id(reading, object, param->name, &value->id);
        value->number = value->id.number;
        break;
    case API_NEW_ID:
        read_new_id(reading, param, value);
        break;
    case API_STRING:
        reading_text(reading, object, param->name, (size_t)param->most, &value->text);
        break;
    case API_NAME:
        reading_name(reading, object, param->name, &value->text);
        break;
    case API_ABOUT:
        reading_about(reading, object, param->name, &value->text);
        break;
    case API_EMAIL:
        reading_email(reading, object, param->name, &value->text);
        break;
    case API_WHOLE:
        reading_whole(reading, object, param->name, param->least, param->most, &value->number);
        break;
    case API_FLAG:
        reading_flag(reading, object, param->name, &flag);
        value->number = flag;
        break;
    case API_HEX:
        reading_hex_id(reading, object, param->name, "an id of 16 hexadecimal digits",
                       &value->number);
        break;
    case API_PICTURE:
        read_picture(reading, param, value);
        break;
    case API_WORD:
        read_word(reading, param, value);
        break;
    case API_SHA256:
        read_sha256(reading, param, request, value);
        break;
    case API_MENTIONS:
        reading_references(reading); /* with `reply` */
        break;
    }
}

/* `null` is not a value here: it counts as absent, as in the other dialects. */
static void read_values(struct reading *reading, struct api_request *request) {
    for (const struct api_param *param = request->operation->params; param->name != NULL; param++) {
        struct api_value *value = value_at(request, param);
        value->given = field_given(reading->json, param->name);
        if (value->given || (param->needed && !param->actor) || param->type == API_MENTIONS)
            read_value(reading, param, request, value);
    }
}

/* `everyone` counts only where it is true. */
static bool is_given(const struct api_request *request, const char *name) {
    const struct api_value *value = api_value(request, name);
    return value != NULL && value->given && (strcmp(name, "everyone") != 0 || value->number != 0);
}

static void check_peer(struct reading *reading, const struct api_request *request) {
    const struct api_operation *operation = request->operation;
    bool has_everyone = api_value(request, "everyone") != NULL;
    int count =
        is_given(request, "user") + is_given(request, "group") + is_given(request, "everyone");
    if (count > 1 || (count == 0 && operation->peer == API_PEER_ONE))
        reading_fail(reading, "%s one of user%s group%s may be given",
                     operation->peer == API_PEER_ONE ? "exactly" : "only",
                     has_everyone ? "," : " and", has_everyone ? " and everyone" : "");
}

static void read_all(struct reading *reading, const struct api_operation *operation,
                     const struct api_asked *asked, struct api_request *request) {
    check_fields(reading, operation);
    add_path(reading, operation, asked);
    add_query(reading, operation, asked->query);
    reading->body = reading->json;
    read_values(reading, request);
    if (operation->peer != API_PEER_NONE)
        check_peer(reading, request);
    const char *fault = operation->check == NULL ? NULL : operation->check(request);
    if (fault != NULL)
        reading_fail(reading, "%s", fault);
}

enum err api_read(const struct api_operation *operation, const struct api_asked *asked,
                  struct api_request *request_r, char fault_r[DIALECT_FAULT_BYTES]) {
    *request_r = (struct api_request){.operation = operation};
    fault_r[0] = '\0';
    if (asked->body.length == 0)
        request_r->json = cJSON_CreateObject();
    else
        request_r->json = dialect_parse(asked->body, fault_r);
    if (request_r->json == NULL)
        return fault_r[0] == '\0' ? ERR_INTERNAL : ERR_BAD_REQUEST;
    if (fault_r[0] != '\0')
        return ERR_BAD_REQUEST;
    struct reading reading = {.request = &request_r->references,
                              .json = request_r->json,
                              .read_id = reading_string_id,
                              .ext = true,
                              .fault = fault_r};
    read_all(&reading, operation, asked, request_r);
    return reading.err;
}

void api_request_free(struct api_request *request) {
    dialect_request_free(&request->references);
    cJSON_Delete(request->json);
    request->json = NULL;
}

/* --- who acts --------------------------------------------------------------------------------- */

static const struct api_param *actor_of(const struct api_operation *operation) {
    for (const struct api_param *param = operation->params; param->name != NULL; param++)
        if (param->actor)
            return param;
    return NULL;
}

enum err api_act_as(struct api_request *request, uint64_t account,
                    char fault_r[DIALECT_FAULT_BYTES]) {
    const struct api_param *actor = actor_of(request->operation);
    struct api_value *value = actor == NULL ? NULL : value_at(request, actor);
    if (account == 0 && actor != NULL && actor->needed && !value->given) {
        snprintf(fault_r, DIALECT_FAULT_BYTES, "%s is missing", actor->name);
        return ERR_BAD_REQUEST;
    }
    if (account == 0)
        return ERR_OK;
    if (actor == NULL || (value->given && value->number != account)) {
        fault_copy(fault_r, "the API key is an account's own, and can do that for no other");
        return ERR_FORBIDDEN;
    }
    value->given = true;
    value->number = account;
    return ERR_OK;
}
