/* From replies of services to JSON; see api.h and api_schemas.h. */
#include <assert.h>
#include <string.h>

#include "common/messages.h"
#include "proto/avatar.h"
#include "proto/conversation.h"
#include "services/gateway/dialect/api.h"
#include "services/gateway/dialect/api_schemas.h"
#include "services/gateway/dialect/json.h"

struct writing {
    uint64_t reader;
    const struct dialect_addresses *addresses;
    struct buffer *out;
};

static void write_object(const struct writing *writing, const struct api_schema *schema,
                         const void *record);

/* --- members of a record --- */

/* A table names no other; a test looks at all. */
static const struct record_field *field_of(const struct record_desc *desc, const char *name) {
    const struct record_field *found = NULL;
    for (size_t i = 0; name != NULL && i < desc->field_count; i++)
        if (strcmp(desc->fields[i].name, name) == 0)
            found = &desc->fields[i];
    assert(found != NULL);
    return found;
}

static const void *member(const struct record_desc *desc, const void *record, const char *name) {
    return (const char *)record + field_of(desc, name)->offset;
}

static struct slice text_at(const void *at) { return *(const struct slice *)at; }
static uint64_t number_at(const void *at) { return *(const uint64_t *)at; }

/* --- values --- */

static void write_word(const struct writing *writing, const char *const *words, uint64_t number) {
    size_t count = 0;
    while (words[count] != NULL)
        count++;
    /* A later release may know more. */
    json_text(writing->out, slice_text(number < count ? words[number] : "unknown"));
}

static void write_records(const struct writing *writing, const struct api_schema *schema,
                          const struct record_list *list) {
    json_raw(writing->out, "[");
    for (size_t i = 0; i < list->count; i++) {
        json_raw(writing->out, i == 0 ? "" : ",");
        write_object(writing, schema, (const char *)list->items + i * schema->desc->size);
    }
    json_raw(writing->out, "]");
}

static void write_packed(const struct writing *writing, const struct api_schema *schema,
                         struct slice packed) {
    struct record_arena arena = {0};
    const char *fault;
    union {
        uint64_t align;
        char bytes[1024];
    } record = {0};
    if (schema->desc->size <= sizeof record &&
        record_unpack(schema->desc, packed, &arena, &record, &fault) == 0)
        write_object(writing, schema, &record);
    else
        json_raw(writing->out, "null");
    record_arena_free(&arena);
}

static void write_packed_list(const struct writing *writing, const struct api_schema *schema,
                              const struct slice_list *list) {
    json_raw(writing->out, "[");
    for (size_t i = 0; i < list->count; i++) {
        json_raw(writing->out, i == 0 ? "" : ",");
        write_packed(writing, schema, list->items[i]);
    }
    json_raw(writing->out, "]");
}

static void write_ids(const struct writing *writing, const struct u64_list *numbers,
                      const struct slice_list *ids) {
    json_raw(writing->out, "[");
    for (size_t i = 0; i < numbers->count; i++) {
        json_raw(writing->out, i == 0 ? "" : ",");
        json_string_id(writing->out, numbers->items[i],
                       i < ids->count ? ids->items[i] : slice_make("", 0));
    }
    json_raw(writing->out, "]");
}

static void write_pairs(const struct writing *writing, const struct u64_list *numbers,
                        const struct u64_list *others, const char *other) {
    json_raw(writing->out, "[");
    for (size_t i = 0; i < numbers->count && i < others->count; i++) {
        buffer_printf(writing->out, "%s{\"number\":%llu,\"%s\":%llu}", i == 0 ? "" : ",",
                      (unsigned long long)numbers->items[i], other,
                      (unsigned long long)others->items[i]);
    }
    json_raw(writing->out, "]");
}

static void write_queues(const struct writing *writing, const struct service_status *status) {
    json_raw(writing->out, "[");
    for (size_t i = 0;
         i < status->queues.count && i < status->depths.count && i < status->limits.count; i++) {
        json_raw(writing->out, i == 0 ? "{\"name\":" : ",{\"name\":");
        json_text(writing->out, status->queues.items[i]);
        buffer_printf(writing->out, ",\"depth\":%llu,\"limit\":%llu}",
                      (unsigned long long)status->depths.items[i],
                      (unsigned long long)status->limits.items[i]);
    }
    json_raw(writing->out, "]");
}

/* --- addresses of files --- */

static bool find_address(const struct writing *writing, uint64_t file, bool preview,
                         struct slice name, char out[DIALECT_ADDRESS_BYTES]) {
    const struct dialect_addresses *addresses = writing->addresses;
    return addresses != NULL && addresses->write_file(addresses->context, file, preview, name, out);
}

static bool find_property_address(const struct writing *writing, const struct api_schema *schema,
                                  const struct api_property *property, const void *record,
                                  char out[DIALECT_ADDRESS_BYTES]) {
    const void *at = member(schema->desc, record, property->field);
    const struct dialect_addresses *addresses = writing->addresses;
    uint64_t file;
    bool preview;
    if (property->shape == API_SHOW_AVATAR)
        return avatar_read(text_at(at), &file, &preview) &&
               find_address(writing, file, preview, slice_text("avatar"), out);
    if (property->shape == API_SHOW_UPLOAD) {
        if (addresses != NULL)
            addresses->write_upload(addresses->context, number_at(at),
                                    text_at(member(schema->desc, record, property->other)), out);
        return addresses != NULL;
    }
    const struct file *shown = record;
    if (property->shape == API_SHOW_PREVIEW && shown->preview == 0)
        return false;
    return find_address(writing, shown->id, property->shape == API_SHOW_PREVIEW, shown->name, out);
}

/* --- properties --- */

static bool is_empty_number(const struct api_schema *schema, const struct api_property *property,
                            const void *at) {
    return field_of(schema->desc, property->field)->type == RECORD_BOOL ? !*(const bool *)at
                                                                        : number_at(at) == 0;
}

/* Whether it is left out where it is not always there. */
static bool is_empty(const struct writing *writing, const struct api_schema *schema,
                     const struct api_property *property, const void *record) {
    const void *at = member(schema->desc, record, property->field);
    switch (property->shape) {
    case API_SHOW_TEXT:
    case API_SHOW_PACKED:
        return text_at(at).length == 0;
    case API_SHOW_IDS:
        return ((const struct u64_list *)at)->count == 0;
    case API_SHOW_LIST:
    case API_SHOW_PACKED_LIST:
    case API_SHOW_QUEUES:
        return ((const struct record_list *)at)->count == 0;
    case API_SHOW_NEXT:
        return !*(const bool *)member(schema->desc, record, "more") ||
               ((const struct record_list *)at)->count == 0;
    case API_SHOW_PEER:
        return number_at(at) == 0 || number_at(at) == writing->reader;
    case API_SHOW_NUMBER:
    case API_SHOW_FLAG:
    case API_SHOW_HEX:
    case API_SHOW_ID:
    case API_SHOW_WORD:
        return is_empty_number(schema, property, at);
    default:
        return false;
    }
}

static void write_next(const struct writing *writing, const struct api_schema *schema,
                       const struct api_property *property, const struct record_list *list) {
    const struct record_desc *element = field_of(schema->desc, property->field)->element;
    const void *last = (const char *)list->items + (list->count - 1) * element->size;
    json_number(writing->out, number_at(member(element, last, property->other)));
}

static void write_value(const struct writing *writing, const struct api_schema *schema,
                        const struct api_property *property, const void *record) {
    const void *at = member(schema->desc, record, property->field);
    const struct u64_list *numbers = at;
    switch (property->shape) {
    case API_SHOW_NUMBER:
        json_number(writing->out, number_at(at));
        break;
    case API_SHOW_FLAG:
        json_raw(writing->out, *(const bool *)at ? "true" : "false");
        break;
    case API_SHOW_TEXT:
        json_text(writing->out, text_at(at));
        break;
    case API_SHOW_HEX:
        json_hex_id(writing->out, number_at(at));
        break;
    case API_SHOW_ID:
    case API_SHOW_PEER:
        json_string_id(writing->out, number_at(at),
                       text_at(member(schema->desc, record, property->other)));
        break;
    case API_SHOW_IDS:
        write_ids(writing, numbers, member(schema->desc, record, property->other));
        break;
    case API_SHOW_WORD:
        write_word(writing, property->words, number_at(at));
        break;
    case API_SHOW_KIND:
        write_word(writing, property->words, conversation_kind(number_at(at)));
        break;
    case API_SHOW_LIST:
        write_records(writing, property->schema, at);
        break;
    case API_SHOW_PACKED:
        write_packed(writing, property->schema, text_at(at));
        break;
    case API_SHOW_PACKED_LIST:
        write_packed_list(writing, property->schema, at);
        break;
    case API_SHOW_FIRST:
        json_number(writing->out, numbers->count == 0 ? 0 : numbers->items[0]);
        break;
    case API_SHOW_PAIRS:
        write_pairs(writing, numbers, member(schema->desc, record, property->other),
                    property->other);
        break;
    case API_SHOW_QUEUES:
        write_queues(writing, record);
        break;
    case API_SHOW_NEXT:
        write_next(writing, schema, property, at);
        break;
    case API_SHOW_URL:
    case API_SHOW_PREVIEW:
    case API_SHOW_UPLOAD:
    case API_SHOW_AVATAR:
        break; /* write_property's */
    }
}

static bool is_address(const struct api_property *property) {
    return property->shape == API_SHOW_URL || property->shape == API_SHOW_PREVIEW ||
           property->shape == API_SHOW_UPLOAD || property->shape == API_SHOW_AVATAR;
}

static void write_object(const struct writing *writing, const struct api_schema *schema,
                         const void *record) {
    char address[DIALECT_ADDRESS_BYTES] = "";
    const char *separator = "{";
    for (const struct api_property *property = schema->properties; property->name != NULL;
         property++) {
        if (is_address(property)
                ? !find_property_address(writing, schema, property, record, address)
                : !property->always && is_empty(writing, schema, property, record))
            continue;
        buffer_printf(writing->out, "%s\"%s\":", separator, property->name);
        if (is_address(property))
            json_text(writing->out, slice_text(address));
        else
            write_value(writing, schema, property, record);
        separator = ",";
    }
    json_raw(writing->out, *separator == '{' ? "{}" : "}");
}

void api_write(const struct api_schema *schema, const void *record, uint64_t reader,
               const struct dialect_addresses *addresses, struct buffer *out) {
    const struct writing writing = {reader, addresses, out};
    write_object(&writing, schema, record);
}
