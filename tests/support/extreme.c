/* See extreme.h. */
#include "tests/support/extreme.h"

#include <stddef.h>
#include <string.h>

#include "proto/messages.h"
#include "tests/support/test_list.h"

const uint64_t extreme_numbers[EXTREME_COUNT] = {
    0,         1, RECORD_NUMBER_MOST, RECORD_NUMBER_MOST + 1, INT64_MAX, (uint64_t)INT64_MAX + 1,
    UINT64_MAX};

static void *make(size_t bytes, struct record_arena *arena) {
    void *memory = record_arena_alloc(arena, bytes);
    assert_non_null(memory);
    return memory;
}

static bool has_number(const struct record_desc *desc) {
    for (size_t i = 0; i < desc->field_count; i++) {
        const struct record_field *field = &desc->fields[i];
        if (field->type == RECORD_U64 || field->type == RECORD_U64S ||
            (field->type == RECORD_LIST && has_number(field->element)))
            return true;
    }
    return false;
}

static void fill(const struct record_field *field, char *member, size_t chosen, uint64_t number,
                 struct record_arena *arena) {
    struct slice text = slice_text("a");
    switch (field->type) {
    case RECORD_U64:
        *(uint64_t *)member = number;
        return;
    case RECORD_BOOL:
        *(bool *)member = true;
        return;
    case RECORD_TEXT:
    case RECORD_BYTES:
        *(struct slice *)member = text;
        return;
    case RECORD_U64S: {
        struct u64_list *list = (struct u64_list *)member;
        *list = (struct u64_list){make(sizeof number, arena), 1};
        list->items[0] = number;
        return;
    }
    case RECORD_TEXTS:
    case RECORD_BLOBS: {
        struct slice_list *list = (struct slice_list *)member;
        *list = (struct slice_list){make(sizeof text, arena), 1};
        list->items[0] = text;
        return;
    }
    case RECORD_LIST: {
        struct record_list *list = (struct record_list *)member;
        *list = (struct record_list){extreme_record(field->element, chosen, number, arena), 1};
        if (list->items == NULL) /* it has no number */
            list->count = 0;
        return;
    }
    }
}

void *extreme_record(const struct record_desc *desc, size_t chosen, uint64_t number,
                     struct record_arena *arena) {
    char *record = make(desc->size, arena);
    if (!has_number(desc))
        return NULL;
    if (chosen != EXTREME_ALL) {
        const struct record_field *field = &desc->fields[chosen];
        if (field->type != RECORD_U64 && field->type != RECORD_U64S &&
            (field->type != RECORD_LIST || !has_number(field->element)))
            return NULL;
    }
    for (size_t i = 0; i < desc->field_count; i++) {
        bool is_chosen = chosen == EXTREME_ALL || chosen == i;
        fill(&desc->fields[i], record + desc->fields[i].offset, EXTREME_ALL, is_chosen ? number : 1,
             arena);
    }
    return record;
}

/* --- shapes -------------------------------------------------------------------------------- */

const char *const extreme_shape_names[EXTREME_SHAPES] = {
    "empty", "one", "most", "sign", "over", "full", "counted", "uneven", "strange"};

/* Bytes of a text or blob without a limit of its own, and of one that may hold a packed entry. */
#define LONG_BYTES ((size_t)65536)
#define ENTRY_ROOM ((size_t)131072)
/* Items of a list whose items are each another. */
#define COUNTED_MOST ((size_t)1024)

struct making {
    enum extreme_shape shape;
    struct record_arena *arena;
    size_t room;  /* what is left for items and long texts */
    size_t index; /* of the item that is being made, from 0 */
};

static uint64_t number_of(const struct making *making, const struct record_field *field) {
    uint64_t most = field->most == 0 ? UINT64_MAX : field->most;
    switch (making->shape) {
    case EXTREME_EMPTY:
        return 0;
    case EXTREME_MOST:
    case EXTREME_FULL:
        return most;
    case EXTREME_SIGN:
        return field->most == 0 ? (uint64_t)INT64_MAX + 1 : (most + 1) / 2;
    case EXTREME_OVER:
        return field->most == 0 ? most : most + 1;
    default:
        return making->index + 1;
    }
}

static struct slice repeated(const struct making *making, const char *pattern, size_t length) {
    size_t period = strlen(pattern);
    char *text = make(length + 1, making->arena);
    for (size_t i = 0; i < length; i++)
        text[i] = pattern[i % period];
    return slice_make(text, length);
}

static struct slice text_of(struct making *making, const struct record_field *field) {
    static const char strange[] =
        "\"\n\r\t\\\xff\xed\xa0\x80\xc0\x01}\xf4\x90\x80\x80'%s%n\x7f\xc3";
    size_t most = field->max == 0 || field->max > LONG_BYTES ? LONG_BYTES : field->max;
    switch (making->shape) {
    case EXTREME_EMPTY:
        return slice_make(NULL, 0);
    case EXTREME_OVER:
        return repeated(making, "a", field->max == 0 ? 1 : field->max + 1);
    case EXTREME_FULL: {
        size_t length = most > making->room ? 1 : most;
        making->room -= most > making->room ? 0 : most;
        return repeated(making, "a", length);
    }
    case EXTREME_STRANGE:
        return repeated(making, strange, most < sizeof strange ? most : sizeof strange);
    default:
        return slice_text("a");
    }
}

/* Of all types in all kinds of conversations; then with one field at an end of its range. */
static void vary_entry(struct entry *entry, size_t index) {
    const size_t types = ENTRY_QUIET + 2;
    if (index < 4 * types) {
        entry->type = index / 4;
        entry->conversation = (uint64_t)(index % 4) << 60 | (index % 4 == 3 ? 0 : index + 1);
        return;
    }
    index = (index - 4 * types) % (entry_desc.field_count * EXTREME_COUNT);
    const struct record_field *field = &entry_desc.fields[index / EXTREME_COUNT];
    entry->type = ENTRY_TEXT;
    entry->conversation = index + 1;
    if (field->type == RECORD_U64 &&
        (field->most == 0 || extreme_numbers[index % EXTREME_COUNT] <= field->most))
        *(uint64_t *)((char *)entry + field->offset) = extreme_numbers[index % EXTREME_COUNT];
}

static struct slice entry_of(struct making *making) {
    struct buffer packed = buffer_make(EXTREME_ROOM);
    bool varies = making->shape == EXTREME_COUNTED || making->shape == EXTREME_UNEVEN;
    struct entry *entry =
        extreme_shaped(&entry_desc, varies ? EXTREME_ONE : making->shape, making->arena);
    if (varies) {
        entry->cid = entry->time_ms = making->index + 1;
        entry->from_id = entry->to_id = entry->subject_id = slice_make(NULL, 0);
        vary_entry(entry, making->index);
    }
    record_pack(&entry_desc, entry, &packed);
    assert_false(packed.failed);
    struct slice copy = record_arena_copy(making->arena, slice_make(packed.data, packed.length));
    buffer_free(&packed);
    return copy;
}

/* What an entry shows. */
static struct slice file_of(const struct making *making) {
    struct buffer packed = buffer_make(EXTREME_ROOM);
    record_pack(&file_desc, extreme_shaped(&file_desc, making->shape, making->arena), &packed);
    assert_false(packed.failed);
    struct slice copy = record_arena_copy(making->arena, slice_make(packed.data, packed.length));
    buffer_free(&packed);
    return copy;
}

static struct slice bytes_of(struct making *making, const struct record_field *field) {
    bool is_entry = field->max == 0 || field->max >= ENTRY_ROOM;
    bool is_file = field->name != NULL && strcmp(field->name, "file") == 0;
    if ((!is_entry && !is_file) || making->shape == EXTREME_EMPTY ||
        making->shape == EXTREME_STRANGE || making->shape == EXTREME_OVER)
        return text_of(making, field);
    struct slice packed = is_file ? file_of(making) : entry_of(making);
    making->room -= packed.length < making->room ? packed.length : making->room;
    return packed;
}

static size_t size_of_item(const struct record_field *field) {
    switch (field->type) {
    case RECORD_U64S:
        return sizeof(uint64_t);
    case RECORD_LIST:
        return field->element->size;
    default:
        return sizeof(struct slice);
    }
}

/* `nth`: of the record's lists. */
static size_t count_of(const struct making *making, const struct record_field *field, size_t nth) {
    size_t most = field->max == 0 || field->max > LONG_BYTES ? LONG_BYTES : field->max;
    switch (making->shape) {
    case EXTREME_EMPTY:
        return 0;
    case EXTREME_FULL:
        return most;
    case EXTREME_COUNTED:
        return most < COUNTED_MOST ? most : COUNTED_MOST;
    case EXTREME_UNEVEN:
        return (nth * 3 + 2) % 5; /* 2, 0, 3, 1, 4 */
    default:
        return 1;
    }
}

static void shape_record(struct making *making, const struct record_desc *desc, char *record);

static void shape_item(struct making *making, const struct record_field *field, char *item) {
    switch (field->type) {
    case RECORD_U64S:
        *(uint64_t *)item = number_of(making, field);
        return;
    case RECORD_TEXTS:
        *(struct slice *)item = text_of(making, field);
        return;
    case RECORD_BLOBS:
        *(struct slice *)item = bytes_of(making, &(struct record_field){.type = RECORD_BYTES});
        return;
    default:
        shape_record(making, field->element, item);
    }
}

/* A list of any type is a pointer and a count. */
static void shape_list(struct making *making, const struct record_field *field, char *member,
                       size_t nth) {
    struct record_list *list = (struct record_list *)member;
    size_t index = making->index, count = count_of(making, field, nth);
    size_t size = size_of_item(field);
    char *items = make(count * size + 1, making->arena);
    size_t made = 0;
    for (; made < count && making->room > LONG_BYTES; made++) {
        making->index = made;
        making->room -= size;
        shape_item(making, field, items + made * size);
    }
    making->index = index;
    *list = (struct record_list){items, made};
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as records are described */
static void shape_record(struct making *making, const struct record_desc *desc, char *record) {
    size_t lists = 0;
    for (size_t i = 0; i < desc->field_count; i++) {
        const struct record_field *field = &desc->fields[i];
        char *member = record + field->offset;
        if (field->type == RECORD_U64)
            *(uint64_t *)member = number_of(making, field);
        else if (field->type == RECORD_BOOL)
            *(bool *)member = making->shape != EXTREME_EMPTY;
        else if (field->type == RECORD_TEXT)
            *(struct slice *)member = text_of(making, field);
        else if (field->type == RECORD_BYTES)
            *(struct slice *)member = bytes_of(making, field);
        else
            shape_list(making, field, member, lists++);
    }
}

void *extreme_shaped(const struct record_desc *desc, enum extreme_shape shape,
                     struct record_arena *arena) {
    struct making making = {shape, arena, EXTREME_ROOM, 0};
    char *record = make(desc->size, arena);
    shape_record(&making, desc, record);
    return record;
}
