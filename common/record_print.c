/* Records as text, for logs at debug level. */
#include <inttypes.h>

#include "common/log.h"
#include "common/record.h"

/* Items of a list that are shown; the rest is counted. */
#define PRINT_ITEMS 8

static void print_slice(const struct record_field *field, struct slice slice, struct buffer *out) {
    char quoted[LOG_QUOTED_BYTES];
    if (field->type == RECORD_TEXT || field->type == RECORD_TEXTS)
        buffer_add_text(out, log_quote(quoted, slice.data, slice.length));
    else
        buffer_printf(out, "<%zu bytes>", slice.length);
}

static void print_item(const struct record_field *field, const void *member, size_t i,
                       struct buffer *out) {
    if (field->type == RECORD_U64S)
        buffer_printf(out, "%" PRIu64, ((const struct u64_list *)member)->items[i]);
    else if (field->type == RECORD_LIST)
        record_print(field->element,
                     (const char *)((const struct record_list *)member)->items +
                         i * field->element->size,
                     out);
    else
        print_slice(field, ((const struct slice_list *)member)->items[i], out);
}

static size_t list_count(const struct record_field *field, const void *member) {
    if (field->type == RECORD_U64S)
        return ((const struct u64_list *)member)->count;
    if (field->type == RECORD_LIST)
        return ((const struct record_list *)member)->count;
    return ((const struct slice_list *)member)->count;
}

static void print_list(const struct record_field *field, const void *member, struct buffer *out) {
    size_t count = list_count(field, member);
    buffer_add_text(out, "[");
    for (size_t i = 0; i < count && i < PRINT_ITEMS; i++) {
        buffer_add_text(out, i == 0 ? "" : " ");
        print_item(field, member, i, out);
    }
    if (count > PRINT_ITEMS)
        buffer_printf(out, " and %zu more", count - PRINT_ITEMS);
    buffer_add_text(out, "]");
}

void record_print(const struct record_desc *desc, const void *record, struct buffer *out) {
    buffer_printf(out, "%s{", desc->name);
    for (size_t i = 0; i < desc->field_count; i++) {
        const struct record_field *field = &desc->fields[i];
        const void *member = (const char *)record + field->offset;
        buffer_printf(out, "%s%s=", i == 0 ? "" : " ", field->name);
        if (field->type == RECORD_U64)
            buffer_printf(out, "%" PRIu64, *(const uint64_t *)member);
        else if (field->type == RECORD_BOOL)
            buffer_add_text(out, *(const bool *)member ? "true" : "false");
        else if (field->type == RECORD_TEXT || field->type == RECORD_BYTES)
            print_slice(field, *(const struct slice *)member, out);
        else
            print_list(field, member, out);
    }
    buffer_add_text(out, "}");
}
