/* Packing, unpacking and printing of records, driven by their descriptions. */
/*
 * limit: service | declared lengths of lists and texts | the rest of the message, and the
 * field's own | `bad_request`, before anything is allocated
 */
#include "common/record.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_CHUNK_BYTES 1024

struct slice slice_make(const char *data, size_t length) {
    return (struct slice){data, length};
}

struct slice slice_text(const char *text) {
    return (struct slice){text, text == NULL ? 0 : strlen(text)};
}

bool slice_equal(struct slice a, struct slice b) {
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

char *slice_copy(struct slice slice) {
    char *copy = malloc(slice.length + 1);
    if (copy == NULL)
        return NULL;
    if (slice.length > 0)
        memcpy(copy, slice.data, slice.length);
    copy[slice.length] = '\0';
    return copy;
}

static int arena_prepare(struct record_arena *arena) {
    if (!arena->ready && msgpack_zone_init(&arena->zone, ARENA_CHUNK_BYTES))
        arena->ready = true;
    return arena->ready ? 0 : -1;
}

void *record_arena_alloc(struct record_arena *arena, size_t bytes) {
    if (arena_prepare(arena) != 0)
        return NULL;
    void *memory = msgpack_zone_malloc(&arena->zone, bytes == 0 ? 1 : bytes);
    if (memory != NULL)
        memset(memory, 0, bytes);
    return memory;
}

struct slice record_arena_copy(struct record_arena *arena, struct slice slice) {
    if (slice.length == 0)
        return slice_make(NULL, 0);
    char *copy = record_arena_alloc(arena, slice.length);
    if (copy == NULL)
        return slice_make(NULL, 0);
    memcpy(copy, slice.data, slice.length);
    return slice_make(copy, slice.length);
}

void record_arena_free(struct record_arena *arena) {
    if (arena->ready)
        msgpack_zone_destroy(&arena->zone);
    arena->ready = false;
}

/* --- packing ------------------------------------------------------------------------------- */

static int pack_write(void *out, const char *bytes, size_t length) {
    return buffer_add(out, bytes, length);
}

static bool field_is_empty(const struct record_field *field, const void *member) {
    switch (field->type) {
    case RECORD_U64:
        return *(const uint64_t *)member == 0;
    case RECORD_BOOL:
        return !*(const bool *)member;
    case RECORD_TEXT:
    case RECORD_BYTES:
        return ((const struct slice *)member)->length == 0;
    case RECORD_U64S:
        return ((const struct u64_list *)member)->count == 0;
    case RECORD_TEXTS:
    case RECORD_BLOBS:
        return ((const struct slice_list *)member)->count == 0;
    case RECORD_LIST:
        return ((const struct record_list *)member)->count == 0;
    }
    return true;
}

static void pack_slice(msgpack_packer *packer, bool text, struct slice slice) {
    if (text)
        msgpack_pack_str_with_body(packer, slice.data, slice.length);
    else
        msgpack_pack_bin_with_body(packer, slice.data, slice.length);
}

static void pack_slices(msgpack_packer *packer, bool text, const struct slice_list *list) {
    msgpack_pack_array(packer, list->count);
    for (size_t i = 0; i < list->count; i++)
        pack_slice(packer, text, list->items[i]);
}

static void pack_field(const struct record_field *field, const void *member, msgpack_packer *packer,
                       struct buffer *out) {
    switch (field->type) {
    case RECORD_U64:
        msgpack_pack_uint64(packer, *(const uint64_t *)member);
        break;
    case RECORD_BOOL:
        if (*(const bool *)member)
            msgpack_pack_true(packer);
        else
            msgpack_pack_false(packer);
        break;
    case RECORD_TEXT:
    case RECORD_BYTES:
        pack_slice(packer, field->type == RECORD_TEXT, *(const struct slice *)member);
        break;
    case RECORD_U64S: {
        const struct u64_list *list = member;
        msgpack_pack_array(packer, list->count);
        for (size_t i = 0; i < list->count; i++)
            msgpack_pack_uint64(packer, list->items[i]);
        break;
    }
    case RECORD_TEXTS:
    case RECORD_BLOBS:
        pack_slices(packer, field->type == RECORD_TEXTS, member);
        break;
    case RECORD_LIST: {
        const struct record_list *list = member;
        msgpack_pack_array(packer, list->count);
        for (size_t i = 0; i < list->count; i++)
            record_pack(field->element, (const char *)list->items + i * field->element->size, out);
        break;
    }
    }
}

void record_pack(const struct record_desc *desc, const void *record, struct buffer *out) {
    msgpack_packer packer;
    msgpack_packer_init(&packer, out, pack_write);
    bool present[RECORD_MAX_FIELDS];
    size_t count = 0;
    for (size_t i = 0; i < desc->field_count; i++) {
        const struct record_field *field = &desc->fields[i];
        present[i] =
            field->required || !field_is_empty(field, (const char *)record + field->offset);
        count += present[i];
    }
    msgpack_pack_map(&packer, count);
    for (size_t i = 0; i < desc->field_count; i++) {
        if (!present[i])
            continue;
        const struct record_field *field = &desc->fields[i];
        msgpack_pack_str_with_body(&packer, field->name, strlen(field->name));
        pack_field(field, (const char *)record + field->offset, &packer, out);
    }
}

/* --- bounds -------------------------------------------------------------------------------- */

static uint64_t big_endian(const unsigned char *bytes, size_t count) {
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++)
        value = value << 8 | bytes[i];
    return value;
}

/*
 * The shape of the object whose first byte is `tag`: bytes of its header behind the tag that hold a
 * count (`wide`), bytes of fixed payload, and the kind of things counted.
 */
enum shape_counts { COUNTS_NOTHING, COUNTS_BYTES, COUNTS_ITEMS, COUNTS_PAIRS, COUNTS_INVALID };
struct shape {
    size_t wide;
    size_t fixed;
    enum shape_counts counts;
};

static struct shape shape_of(unsigned char tag) {
    static const struct shape shapes[32] = {
        /* c0 nil, c1 unused, c2 false, c3 true */
        {0, 0, COUNTS_NOTHING},
        {0, 0, COUNTS_INVALID},
        {0, 0, COUNTS_NOTHING},
        {0, 0, COUNTS_NOTHING},
        /* c4..c6 bin, c7..c9 ext: the type byte is fixed payload */
        {1, 0, COUNTS_BYTES},
        {2, 0, COUNTS_BYTES},
        {4, 0, COUNTS_BYTES},
        {1, 1, COUNTS_BYTES},
        {2, 1, COUNTS_BYTES},
        {4, 1, COUNTS_BYTES},
        /* ca, cb float; cc..cf uint; d0..d3 int */
        {0, 4, COUNTS_NOTHING},
        {0, 8, COUNTS_NOTHING},
        {0, 1, COUNTS_NOTHING},
        {0, 2, COUNTS_NOTHING},
        {0, 4, COUNTS_NOTHING},
        {0, 8, COUNTS_NOTHING},
        {0, 1, COUNTS_NOTHING},
        {0, 2, COUNTS_NOTHING},
        {0, 4, COUNTS_NOTHING},
        {0, 8, COUNTS_NOTHING},
        /* d4..d8 fixext */
        {0, 2, COUNTS_NOTHING},
        {0, 3, COUNTS_NOTHING},
        {0, 5, COUNTS_NOTHING},
        {0, 9, COUNTS_NOTHING},
        {0, 17, COUNTS_NOTHING},
        /* d9..db str, dc dd array, de df map */
        {1, 0, COUNTS_BYTES},
        {2, 0, COUNTS_BYTES},
        {4, 0, COUNTS_BYTES},
        {2, 0, COUNTS_ITEMS},
        {4, 0, COUNTS_ITEMS},
        {2, 0, COUNTS_PAIRS},
        {4, 0, COUNTS_PAIRS}};
    return shapes[tag - 0xc0];
}

static size_t object_length(const unsigned char *bytes, size_t length, int depth) {
    if (length == 0 || depth > RECORD_MAX_DEPTH)
        return 0;
    unsigned char tag = bytes[0];
    size_t used = 1;
    uint64_t count = 0;
    enum shape_counts counts = COUNTS_NOTHING;
    if (tag >= 0xc0 && tag < 0xe0) {
        struct shape shape = shape_of(tag);
        if (shape.counts == COUNTS_INVALID || length - used < shape.wide + shape.fixed)
            return 0;
        count = big_endian(bytes + 1, shape.wide);
        used += shape.wide + shape.fixed;
        counts = shape.counts;
    } else if (tag >= 0x80 && tag < 0xc0) {
        count = tag < 0xa0 ? tag & 0x0fu : tag & 0x1fu;
        counts = tag < 0x90 ? COUNTS_PAIRS : tag < 0xa0 ? COUNTS_ITEMS : COUNTS_BYTES;
    }
    if (counts == COUNTS_PAIRS)
        count *= 2;
    /* Every item takes a byte at least, so no count may exceed what is left. */
    if (counts != COUNTS_NOTHING && count > length - used)
        return 0;
    if (counts == COUNTS_BYTES)
        return used + (size_t)count;
    for (uint64_t i = 0; i < count; i++) {
        size_t item = object_length(bytes + used, length - used, depth + 1);
        if (item == 0)
            return 0;
        used += item;
    }
    return used;
}

size_t record_object_length(struct slice bytes) {
    return object_length((const unsigned char *)bytes.data, bytes.length, 0);
}

/* --- unpacking ----------------------------------------------------------------------------- */

static int read_record(const struct record_desc *desc, const msgpack_object *object,
                       struct record_arena *arena, void *record, const char **fault_r);

static bool read_slice(const msgpack_object *object, bool text, size_t max, struct slice *slice_r) {
    if (text && object->type == MSGPACK_OBJECT_STR)
        *slice_r = slice_make(object->via.str.ptr, object->via.str.size);
    else if (!text && object->type == MSGPACK_OBJECT_BIN)
        *slice_r = slice_make(object->via.bin.ptr, object->via.bin.size);
    else
        return false;
    return max == 0 || slice_r->length <= max;
}

static bool read_u64(const struct record_field *field, const msgpack_object *object,
                     uint64_t *number_r) {
    if (object->type != MSGPACK_OBJECT_POSITIVE_INTEGER ||
        (field->most != 0 && object->via.u64 > field->most))
        return false;
    *number_r = object->via.u64;
    return true;
}

static bool read_u64s(const struct record_field *field, const msgpack_object_array *array,
                      struct record_arena *arena, struct u64_list *list) {
    list->items = record_arena_alloc(arena, array->size * sizeof *list->items);
    if (list->items == NULL)
        return false;
    for (uint32_t i = 0; i < array->size; i++)
        if (!read_u64(field, &array->ptr[i], &list->items[i]))
            return false;
    list->count = array->size;
    return true;
}

static bool read_slices(const struct record_field *field, const msgpack_object_array *array,
                        struct record_arena *arena, struct slice_list *list) {
    list->items = record_arena_alloc(arena, array->size * sizeof *list->items);
    if (list->items == NULL)
        return false;
    for (uint32_t i = 0; i < array->size; i++)
        if (!read_slice(&array->ptr[i], field->type == RECORD_TEXTS, 0, &list->items[i]))
            return false;
    list->count = array->size;
    return true;
}

static bool read_records(const struct record_field *field, const msgpack_object_array *array,
                         struct record_arena *arena, struct record_list *list,
                         const char **fault_r) {
    char *items = record_arena_alloc(arena, array->size * field->element->size);
    if (items == NULL)
        return false;
    for (uint32_t i = 0; i < array->size; i++)
        if (read_record(field->element, &array->ptr[i], arena, items + i * field->element->size,
                        fault_r) != 0)
            return false;
    list->items = items;
    list->count = array->size;
    return true;
}

static bool read_list(const struct record_field *field, const msgpack_object *object,
                      struct record_arena *arena, void *member, const char **fault_r) {
    if (object->type != MSGPACK_OBJECT_ARRAY)
        return false;
    const msgpack_object_array *array = &object->via.array;
    if (field->max != 0 && array->size > field->max)
        return false;
    switch (field->type) {
    case RECORD_U64S:
        return read_u64s(field, array, arena, member);
    case RECORD_TEXTS:
    case RECORD_BLOBS:
        return read_slices(field, array, arena, member);
    default:
        return read_records(field, array, arena, member, fault_r);
    }
}

static bool read_field(const struct record_field *field, const msgpack_object *object,
                       struct record_arena *arena, void *member, const char **fault_r) {
    switch (field->type) {
    case RECORD_U64:
        return read_u64(field, object, member);
    case RECORD_BOOL:
        if (object->type != MSGPACK_OBJECT_BOOLEAN)
            return false;
        *(bool *)member = object->via.boolean;
        return true;
    case RECORD_TEXT:
    case RECORD_BYTES:
        return read_slice(object, field->type == RECORD_TEXT, field->max, member);
    default:
        return read_list(field, object, arena, member, fault_r);
    }
}

/* The index of the field named `key`, looked for from `hint` on, since writers keep the order. */
static size_t find_field(const struct record_desc *desc, struct slice key, size_t hint) {
    for (size_t n = 0; n < desc->field_count; n++) {
        size_t i = (hint + n) % desc->field_count;
        if (slice_equal(slice_text(desc->fields[i].name), key))
            return i;
    }
    return desc->field_count;
}

static int read_record(const struct record_desc *desc, const msgpack_object *object,
                       struct record_arena *arena, void *record, const char **fault_r) {
    memset(record, 0, desc->size);
    *fault_r = "not a map";
    if (object->type != MSGPACK_OBJECT_MAP)
        return -1;
    uint32_t seen = 0;
    size_t hint = 0;
    for (uint32_t n = 0; n < object->via.map.size; n++) {
        const msgpack_object_kv *pair = &object->via.map.ptr[n];
        struct slice key;
        *fault_r = "a key is no text";
        if (!read_slice(&pair->key, true, 0, &key))
            return -1;
        size_t i = find_field(desc, key, hint);
        if (i == desc->field_count)
            continue;
        const struct record_field *field = &desc->fields[i];
        const char *inner = field->name;
        if (!read_field(field, &pair->val, arena, (char *)record + field->offset, &inner)) {
            *fault_r = inner;
            return -1;
        }
        seen |= UINT32_C(1) << i;
        hint = i + 1;
    }
    for (size_t i = 0; i < desc->field_count; i++) {
        if (desc->fields[i].required && (seen >> i & 1) == 0) {
            *fault_r = desc->fields[i].name;
            return -1;
        }
    }
    return 0;
}

int record_unpack(const struct record_desc *desc, struct slice bytes, struct record_arena *arena,
                  void *record_r, const char **fault_r) {
    memset(record_r, 0, desc->size);
    size_t length = record_object_length(bytes);
    *fault_r = "cut short, or too deep";
    if (length == 0)
        return -1;
    *fault_r = "out of memory";
    if (arena_prepare(arena) != 0)
        return -1;
    msgpack_object object;
    size_t offset = 0;
    msgpack_unpack_return status =
        msgpack_unpack(bytes.data, length, &offset, &arena->zone, &object);
    *fault_r = "not msgpack";
    if (status != MSGPACK_UNPACK_SUCCESS && status != MSGPACK_UNPACK_EXTRA_BYTES)
        return -1;
    return read_record(desc, &object, arena, record_r, fault_r);
}
