/*
 * Every message between services, filled: it goes there and back in an envelope, and cut short
 * at any byte it is refused.
 */
#include <stdio.h>
#include <string.h>

#include "common/envelope.h"
#include "common/service.h"
#include "proto/messages.h"
#include "tests/support/test_list.h"

/* Items of each list, and bytes of each text, where the description allows as many. */
#define FILL_ITEMS 3
#define FILL_BYTES 40

/* The records of the common runtime, then those of proto/messages.def. */
static size_t record_count(void) { return common_records_count + proto_records_count; }
static const struct record_desc *record_at(size_t i) {
    return i < common_records_count ? common_records[i] : proto_records[i - common_records_count];
}

/* --- filling --------------------------------------------------------------------------------- */

/* Values that differ from field to field and reach every width. */
static uint64_t next_number(uint64_t *seed) {
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (*seed >> (*seed >> 58)) | 1;
}

/* The same within a field's bound. */
static uint64_t next_bounded(const struct record_field *field, uint64_t *seed) {
    uint64_t number = next_number(seed);
    return field->most != 0 && number > field->most ? field->most : number;
}

static struct slice next_slice(struct record_arena *arena, uint64_t *seed, size_t max) {
    size_t length = max == 0 || max > FILL_BYTES ? FILL_BYTES : max;
    char *bytes = record_arena_alloc(arena, length);
    for (size_t i = 0; i < length; i++)
        bytes[i] = (char)next_number(seed);
    return slice_make(bytes, length);
}

static void fill(const struct record_desc *desc, struct record_arena *arena, uint64_t *seed,
                 void *record);

static void fill_list(const struct record_field *field, struct record_arena *arena, uint64_t *seed,
                      void *member) {
    size_t count = field->max != 0 && field->max < FILL_ITEMS ? field->max : FILL_ITEMS;
    if (field->type == RECORD_U64S) {
        struct u64_list list = {record_arena_alloc(arena, count * sizeof(uint64_t)), count};
        for (size_t i = 0; i < count; i++)
            list.items[i] = next_bounded(field, seed);
        *(struct u64_list *)member = list;
    } else if (field->type == RECORD_LIST) {
        size_t size = field->element->size;
        struct record_list list = {record_arena_alloc(arena, count * size), count};
        for (size_t i = 0; i < count; i++)
            fill(field->element, arena, seed, (char *)list.items + i * size);
        *(struct record_list *)member = list;
    } else {
        struct slice_list list = {record_arena_alloc(arena, count * sizeof(struct slice)), count};
        for (size_t i = 0; i < count; i++)
            list.items[i] = next_slice(arena, seed, 0);
        *(struct slice_list *)member = list;
    }
}

static void fill(const struct record_desc *desc, struct record_arena *arena, uint64_t *seed,
                 void *record) {
    memset(record, 0, desc->size);
    for (size_t i = 0; i < desc->field_count; i++) {
        const struct record_field *field = &desc->fields[i];
        void *member = (char *)record + field->offset;
        if (field->type == RECORD_U64)
            *(uint64_t *)member = next_bounded(field, seed);
        else if (field->type == RECORD_BOOL)
            *(bool *)member = true;
        else if (field->type == RECORD_TEXT || field->type == RECORD_BYTES)
            *(struct slice *)member = next_slice(arena, seed, field->max);
        else
            fill_list(field, arena, seed, member);
    }
}

/* --- comparing ------------------------------------------------------------------------------- */

static bool same(const struct record_desc *desc, const void *a, const void *b);

static bool same_list(const struct record_field *field, const void *a, const void *b) {
    /* All lists begin alike: items, then the count. */
    const struct record_list *one = a, *other = b;
    if (one->count != other->count)
        return false;
    for (size_t i = 0; i < one->count; i++) {
        if (field->type == RECORD_U64S) {
            if (((uint64_t *)one->items)[i] != ((uint64_t *)other->items)[i])
                return false;
        } else if (field->type == RECORD_LIST) {
            size_t at = i * field->element->size;
            if (!same(field->element, (char *)one->items + at, (char *)other->items + at))
                return false;
        } else if (!slice_equal(((struct slice *)one->items)[i], ((struct slice *)other->items)[i]))
            return false;
    }
    return true;
}

static bool same(const struct record_desc *desc, const void *a, const void *b) {
    for (size_t i = 0; i < desc->field_count; i++) {
        const struct record_field *field = &desc->fields[i];
        const void *one = (const char *)a + field->offset, *other = (const char *)b + field->offset;
        bool equal;
        if (field->type == RECORD_U64)
            equal = *(const uint64_t *)one == *(const uint64_t *)other;
        else if (field->type == RECORD_BOOL)
            equal = *(const bool *)one == *(const bool *)other;
        else if (field->type == RECORD_TEXT || field->type == RECORD_BYTES)
            equal = slice_equal(*(const struct slice *)one, *(const struct slice *)other);
        else
            equal = same_list(field, one, other);
        if (!equal) {
            print_message("%s of %s differs\n", field->name, desc->name);
            return false;
        }
    }
    return true;
}

/* --- the tests ------------------------------------------------------------------------------- */

static void check_there_and_back(const char *name, const struct record_desc *desc, uint64_t seed) {
    struct record_arena arena = {.ready = false};
    struct buffer out = buffer_make(ENVELOPE_MAX_BYTES);
    void *in = record_arena_alloc(&arena, desc->size),
         *back = record_arena_alloc(&arena, desc->size);
    fill(desc, &arena, &seed, in);
    envelope_pack(ENVELOPE_REQUEST, seed, name, desc, in, &out);
    assert_false(out.failed);

    struct envelope envelope;
    const char *fault = "";
    assert_int_equal(envelope_unpack(slice_make(out.data, out.length), &envelope), 0);
    assert_int_equal(envelope.kind, ENVELOPE_REQUEST);
    assert_true(envelope.id == seed);
    assert_true(slice_equal(envelope.name, slice_text(name)));
    if (record_unpack(desc, envelope.body, &arena, back, &fault) != 0)
        fail_msg("%s: %s", name, fault);
    assert_true(same(desc, in, back));
    record_arena_free(&arena);
    buffer_free(&out);
}

TEST(every_message_goes_there_and_back) {
    assert_true(proto_messages_count > 0);
    for (size_t i = 0; i < proto_messages_count; i++) {
        const struct message_desc *message = proto_messages[i];
        for (uint64_t seed = 1; seed < 20; seed++) {
            check_there_and_back(message->name, message->body, seed);
            if (message->reply != NULL)
                check_there_and_back(message->name, message->reply, seed);
        }
    }
}

/* A header's end or a whole message must be distinguished from a cut one at every byte. */
static void check_cuts(const struct record_desc *desc) {
    struct record_arena arena = {.ready = false};
    struct buffer out = buffer_make(ENVELOPE_MAX_BYTES);
    uint64_t seed = 7;
    void *in = record_arena_alloc(&arena, desc->size),
         *back = record_arena_alloc(&arena, desc->size);
    fill(desc, &arena, &seed, in);
    envelope_pack(ENVELOPE_EVENT, 0, "some.message", desc, in, &out);
    for (size_t length = 0; length < out.length; length++) {
        struct record_arena scratch = {.ready = false};
        struct envelope envelope;
        const char *fault;
        char *cut = slice_copy(slice_make(out.data, length));
        assert_non_null(cut);
        if (envelope_unpack(slice_make(cut, length), &envelope) == 0)
            assert_int_equal(record_unpack(desc, envelope.body, &scratch, back, &fault), -1);
        record_arena_free(&scratch);
        free(cut);
    }
    record_arena_free(&arena);
    buffer_free(&out);
}

TEST(no_record_is_read_from_a_part_of_it) {
    for (size_t i = 0; i < record_count(); i++)
        check_cuts(record_at(i));
}

TEST(every_record_is_printed) {
    for (size_t i = 0; i < record_count(); i++) {
        const struct record_desc *desc = record_at(i);
        struct record_arena arena = {.ready = false};
        struct buffer out = buffer_make(65536);
        uint64_t seed = 3;
        void *record = record_arena_alloc(&arena, desc->size);
        fill(desc, &arena, &seed, record);
        record_print(desc, record, &out);
        assert_false(out.failed);
        assert_int_equal(buffer_add(&out, "", 1), 0);
        char start[80];
        snprintf(start, sizeof start, "%s{%s=", desc->name, desc->fields[0].name);
        assert_memory_equal(out.data, start, strlen(start));
        assert_int_equal(out.data[out.length - 2], '}');
        buffer_free(&out);
        record_arena_free(&arena);
    }
}

TEST(the_table_is_sound) {
    for (size_t i = 0; i < proto_messages_count; i++) {
        assert_true(strlen(proto_messages[i]->name) <= ENVELOPE_MAX_NAME);
        for (size_t n = 0; n < i; n++)
            assert_string_not_equal(proto_messages[i]->name, proto_messages[n]->name);
    }
    for (size_t i = 0; i < record_count(); i++) {
        const struct record_desc *desc = record_at(i);
        assert_true(desc->field_count <= RECORD_MAX_FIELDS);
        for (size_t n = 0; n < desc->field_count; n++) {
            const struct record_field *field = &desc->fields[n];
            /* A list without a limit would let a message of 8 MiB become many times as much. */
            if (field->type >= RECORD_U64S)
                assert_true(field->max != 0);
        }
    }
}

int main(void) { return test_run_all(NULL, NULL); }
