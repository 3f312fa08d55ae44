/* Reading the fields of a request; see fields.h. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proto/ids.h"
#include "services/gateway/dialect/fields.h"
#include "services/gateway/dialect/parse.h"

void reading_fail(struct reading *reading, const char *format, ...) {
    if (reading->err != ERR_OK)
        return;
    reading->err = ERR_BAD_REQUEST;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reading->fault, DIALECT_FAULT_BYTES, format, arguments);
    va_end(arguments);
}

void reading_no_memory(struct reading *reading) {
    if (reading->err != ERR_OK)
        return;
    reading_fail(reading, "%s", err_text(ERR_INTERNAL));
    reading->err = ERR_INTERNAL;
}

/* The value under the last part of `name`; NULL when it is absent or null. */
static const cJSON *field_find(const cJSON *object, const char *name) {
    const char *dot = strrchr(name, '.');
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, dot ? dot + 1 : name);
    return cJSON_IsNull(item) ? NULL : item;
}

bool field_given(const cJSON *object, const char *name) { return field_find(object, name) != NULL; }

bool field_number(const cJSON *item, uint64_t *number_r) {
    if (cJSON_IsString(item))
        return id_is_decimal(slice_text(item->valuestring), number_r);
    if (!cJSON_IsNumber(item))
        return false;
    double value = item->valuedouble;
    /* Refuses NaN and infinities too. Below the limit every whole number is exact. */
    if (!(value >= 0 && value < (double)NUMBER_LIMIT) || (double)(uint64_t)value != value)
        return false;
    *number_r = (uint64_t)value;
    return true;
}

static const cJSON *reading_field(struct reading *reading, const cJSON *object, const char *name) {
    if (reading->err != ERR_OK)
        return NULL;
    const cJSON *item = field_find(object, name);
    if (!item)
        reading_fail(reading, "%s is missing", name);
    return item;
}

const cJSON *reading_object(struct reading *reading, const cJSON *object, const char *name) {
    const cJSON *item = reading_field(reading, object, name);
    if (item && !cJSON_IsObject(item))
        reading_fail(reading, "%s must be an object", name);
    return item;
}

/* Keeps a text in the JSON, since all slices of a request live there while it is read. */
static struct slice keep(struct reading *reading, struct slice text) {
    char *copy = slice_copy(text);
    const cJSON *kept = copy ? cJSON_AddStringToObject(reading->json, "", copy) : NULL;
    free(copy);
    if (!kept) {
        reading_no_memory(reading);
        return slice_make("", 0);
    }
    return slice_text(kept->valuestring);
}

/* The text of a string; of a whole number its digits. */
static bool item_text(struct reading *reading, const cJSON *item, struct slice *text_r) {
    uint64_t number;
    if (!cJSON_IsString(item)) {
        if (!field_number(item, &number))
            return false;
        char digits[24];
        snprintf(digits, sizeof digits, "%" PRIu64, number);
        *text_r = keep(reading, slice_text(digits));
        return true;
    }
    *text_r = slice_text(item->valuestring);
    return true;
}

static void check_length(struct reading *reading, const char *name, size_t max_bytes,
                         struct slice text) {
    if (text.length == 0)
        reading_fail(reading, "%s is empty", name);
    else if (max_bytes != 0 && text.length > max_bytes)
        reading_fail(reading, "%s is longer than %zu bytes", name, max_bytes);
}

void reading_text(struct reading *reading, const cJSON *object, const char *name, size_t max_bytes,
                  struct slice *text_r) {
    const cJSON *item = reading_field(reading, object, name);
    if (!item)
        return;
    if (!cJSON_IsString(item)) {
        reading_fail(reading, "%s must be a string", name);
        return;
    }
    struct slice text = slice_text(item->valuestring);
    check_length(reading, name, max_bytes, text);
    if (reading->err == ERR_OK)
        *text_r = text;
}

void reading_login(struct reading *reading, const cJSON *object, const char *name, size_t max_bytes,
                   struct slice *text_r) {
    const cJSON *item = reading_field(reading, object, name);
    if (!item)
        return;
    struct slice text = {"", 0};
    if (!item_text(reading, item, &text)) {
        reading_fail(reading, "%s must be a string or a whole number", name);
        return;
    }
    check_length(reading, name, max_bytes, text);
    if (reading->err == ERR_OK)
        *text_r = text;
}

void reading_name(struct reading *reading, const cJSON *object, const char *name,
                  struct slice *text_r) {
    struct slice text = {"", 0};
    char room[NAME_ROOM];
    reading_login(reading, object, name, 0, &text);
    if (reading->err != ERR_OK)
        return;
    struct slice normal = name_normal(text, room);
    const char *fault = normal.length == 0 ? "is longer than 64 characters" : name_fault(normal);
    if (fault)
        reading_fail(reading, "%s %s", name, fault);
    else
        *text_r = slice_equal(text, normal) ? text : keep(reading, normal);
}

/* Whether the field is the empty string, which removes the old value. */
static bool is_empty(const cJSON *object, const char *name) {
    const cJSON *item = field_find(object, name);
    return cJSON_IsString(item) && item->valuestring[0] == '\0';
}

void reading_about(struct reading *reading, const cJSON *object, const char *name,
                   struct slice *text_r) {
    struct slice text = {"", 0};
    char room[ABOUT_ROOM];
    if (is_empty(object, name))
        return;
    reading_text(reading, object, name, 0, &text);
    if (reading->err != ERR_OK)
        return;
    struct slice normal = about_normal(text, room);
    const char *fault = normal.length == 0 ? "is longer than 512 characters" : about_fault(normal);
    if (fault)
        reading_fail(reading, "%s %s", name, fault);
    else
        *text_r = slice_equal(text, normal) ? text : keep(reading, normal);
}

void reading_remark(struct reading *reading, const cJSON *object, const char *name,
                    struct slice *text_r) {
    if (!is_empty(object, name))
        reading_name(reading, object, name, text_r);
}

void reading_email(struct reading *reading, const cJSON *object, const char *name,
                   struct slice *text_r) {
    struct slice text = {"", 0};
    char room[EMAIL_ROOM];
    reading_text(reading, object, name, EMAIL_MAX_BYTES, &text);
    if (reading->err != ERR_OK)
        return;
    if (email_fault(email_normal(text, room)))
        reading_fail(reading, "%s is not an e-mail address", name);
    else
        *text_r = text;
}

void reading_hex_id(struct reading *reading, const cJSON *object, const char *name,
                    const char *where, uint64_t *id_r) {
    struct slice text = {"", 0};
    reading_text(reading, object, name, 0, &text);
    if (reading->err != ERR_OK)
        return;
    if (text.length != HEX_ID_DIGITS || strspn(text.data, "0123456789abcdef") != HEX_ID_DIGITS) {
        reading_fail(reading, "%s must be %s", name, where);
        return;
    }
    *id_r = strtoull(text.data, NULL, 16);
}

void reading_file_id(struct reading *reading, const cJSON *object, const char *name,
                     uint64_t *file_r) {
    uint64_t file = 0;
    reading_hex_id(reading, object, name, "the id of a file, as 324 gives it", &file);
    if (reading->err == ERR_OK && file == 0)
        reading_fail(reading, "%s must be the id of a file, as 324 gives it", name);
    *file_r = file;
}

void reading_number_id(struct reading *reading, const cJSON *object, const char *name,
                       struct dialect_id *id_r) {
    const cJSON *item = reading_field(reading, object, name);
    if (!item)
        return;
    uint64_t number = 0;
    if (!field_number(item, &number) || number == 0) {
        reading_fail(reading, "%s must be a whole number from 1 to %" PRIu64, name,
                     NUMBER_LIMIT - 1);
        return;
    }
    *id_r = (struct dialect_id){.present = true, .number = number};
}

static bool is_server(struct slice id) {
    return strcasecmp(id.data, "SYSTEM") == 0 || strcmp(id.data, "0") == 0;
}

void reading_string_id(struct reading *reading, const cJSON *object, const char *name,
                       struct dialect_id *id_r) {
    const cJSON *item = reading_field(reading, object, name);
    if (!item)
        return;
    struct dialect_id id = {.present = true};
    if (field_number(item, &id.number) && id.number != 0) {
        *id_r = id;
        return;
    }
    if (!cJSON_IsString(item)) {
        reading_fail(reading, "%s must be a string or a whole number from 1 to %" PRIu64, name,
                     NUMBER_LIMIT - 1);
        return;
    }
    id.text = slice_text(item->valuestring);
    if (id.text.length > ID_MAX_BYTES) {
        char room[ID_ROOM]; /* some scripts take thrice the bytes when they are not in NFC */
        id.text = keep(reading, id_normal(id.text, room));
    }
    if (!id_may_exist(id.text) || is_server(id.text)) {
        reading_fail(reading,
                     "%s must be 1 to %d bytes without control characters, and not SYSTEM or 0",
                     name, ID_MAX_BYTES);
        return;
    }
    *id_r = id;
}

void reading_new_id(struct reading *reading, const cJSON *object, const char *name,
                    struct dialect_id *id_r) {
    struct dialect_id id = {.present = false};
    char room[ID_ROOM];
    reading_string_id(reading, object, name, &id);
    if (reading->err != ERR_OK)
        return;
    const char *fault = id.text.length == 0 ? NULL : id_fault(id_normal(id.text, room));
    if (fault)
        reading_fail(reading, "%s %s", name, fault);
    else
        *id_r = id;
}

void reading_flag(struct reading *reading, const cJSON *object, const char *name, bool *flag_r) {
    const cJSON *item = reading_field(reading, object, name);
    if (!item)
        return;
    const char *text = cJSON_IsString(item) ? item->valuestring : "";
    bool yes = cJSON_IsTrue(item) || strcmp(text, "true") == 0;
    if (!yes && !cJSON_IsFalse(item) && strcmp(text, "false") != 0)
        reading_fail(reading, "%s must be true or false", name);
    else
        *flag_r = yes;
}

void reading_whole(struct reading *reading, const cJSON *object, const char *name, uint64_t least,
                   uint64_t most, uint64_t *number_r) {
    const cJSON *item = reading_field(reading, object, name);
    if (!item)
        return;
    uint64_t number = 0;
    if (!field_number(item, &number) || number < least || number > most)
        reading_fail(reading, "%s must be a whole number from %" PRIu64 " to %" PRIu64, name, least,
                     most);
    else
        *number_r = number;
}

void reading_ext(struct reading *reading, bool ext) {
    struct dialect_request *request = reading->request;
    uint64_t number = 0;
    if (field_number(field_find(reading->body, "ext"), &number) && number == 1)
        request->ext = true;
    if ((ext || request->ext) && field_given(reading->body, "confirm"))
        reading_flag(reading, reading->body, "confirm", &request->confirm);
    if ((ext || request->ext) && field_given(reading->body, "device"))
        reading_name(reading, reading->body, "device", &request->device);
    if (!(ext || request->ext) || !field_given(reading->body, "backlog"))
        return;
    reading_whole(reading, reading->body, "backlog", 1, BACKLOG_MAX, &request->backlog);
}

/* Whether a peer's user is the server itself. */
static bool is_system(const cJSON *user) {
    uint64_t number = 1;
    if (cJSON_IsString(user) && strcmp(user->valuestring, "SYSTEM") == 0)
        return true;
    return field_number(user, &number) && number == 0;
}

void reading_peer(struct reading *reading) {
    const cJSON *peer = reading_object(reading, reading->body, "peer");
    bool group = field_given(peer, "group");
    if (group == field_given(peer, "user"))
        reading_fail(reading, "peer needs exactly one of user and group");
    else if (group)
        reading->read_id(reading, peer, "peer.group", &reading->request->group);
    else if (!is_system(field_find(peer, "user")))
        reading->read_id(reading, peer, "peer.user", &reading->request->person);
}

static void read_mentions(struct reading *reading, const cJSON *list) {
    struct dialect_request *request = reading->request;
    int count = cJSON_GetArraySize(list);
    if (!cJSON_IsArray(list)) {
        reading_fail(reading, "mentions must be a list of ids, or the string all");
        return;
    }
    if (count > MENTIONS_MAX) {
        reading_fail(reading, "mentions has more than %d ids", MENTIONS_MAX);
        return;
    }
    request->mentions = count == 0 ? NULL : calloc((size_t)count, sizeof *request->mentions);
    if (request->mentions == NULL && count > 0)
        reading_no_memory(reading);
    const cJSON *id;
    cJSON_ArrayForEach(id, list) {
        /* Ids are read from objects, by their name; in a list they have none. */
        char name[] = "mentions";
        cJSON named = *id;
        named.next = NULL;
        named.string = name;
        const cJSON object = {.type = cJSON_Object, .child = &named};
        if (reading->err == ERR_OK)
            reading->read_id(reading, &object, "mentions",
                             &request->mentions[request->mention_count++]);
    }
}

void reading_references(struct reading *reading) {
    struct dialect_request *request = reading->request;
    if (!reading->ext)
        return;
    if (field_given(reading->body, "reply"))
        reading_whole(reading, reading->body, "reply", 1, NUMBER_LIMIT - 1, &request->reply);
    const cJSON *mentions = field_find(reading->body, "mentions");
    request->mentions_all = cJSON_IsString(mentions) && strcmp(mentions->valuestring, "all") == 0;
    if (mentions != NULL && !request->mentions_all && reading->err == ERR_OK)
        read_mentions(reading, mentions);
}

bool reading_jwt(struct reading *reading) {
    if (!field_given(reading->body, "token"))
        return false;
    reading->request->operation = OPERATION_ENTER;
    reading_text(reading, reading->body, "token", JWT_MAX_BYTES, &reading->request->token);
    return true;
}

/* Whether it cannot be a token of ours. */
static bool is_foreign(struct slice token) {
    return token.length > CLIENT_TOKEN_BYTES ||
           (token.length > 0 && memchr(token.data, '.', token.length) != NULL);
}

void reading_resumption(struct reading *reading) {
    struct dialect_request *request = reading->request;
    reading_text(reading, reading->body, "token", JWT_MAX_BYTES, &request->token);
    if (is_foreign(request->token))
        request->operation = OPERATION_ENTER;
}

void reading_registration_token(struct reading *reading) {
    if (field_given(reading->body, "registration_token"))
        reading_text(reading, reading->body, "registration_token", REGISTRATION_TOKEN_MAX_BYTES,
                     &reading->request->registration_token);
}

void reading_cid(struct reading *reading) {
    struct dialect_id cid = {.number = 0};
    reading_number_id(reading, reading->body, "cid", &cid);
    reading->request->cid = cid.number;
}
