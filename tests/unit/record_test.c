/*
 * Records: a packed one is unpacked, a field that does not fit the description is refused by name,
 * and fields that a reader does not know are passed over. record_bounds_test.c has the bounds of
 * bytes.
 */
#include "common/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/messages.h"
#include "tests/support/test_list.h"

#define OUT_BYTES 65536
#define WHOLE(literal_) slice_make(literal_, sizeof(literal_) - 1)

/* The buffer that one test packs into, and the arena that it unpacks into. */
struct bench {
    struct buffer out;
    struct record_arena arena;
    const char *fault;
};

static int set_up(void **state) {
    static struct bench bench;
    bench = (struct bench){.out = buffer_make(OUT_BYTES)};
    *state = &bench;
    return 0;
}

static int tear_down(void **state) {
    struct bench *bench = *state;
    buffer_free(&bench->out);
    record_arena_free(&bench->arena);
    return 0;
}

#define RECORD_TEST(name_) TEST_WITH(name_, struct bench *bench, set_up, tear_down)

static void pack(struct bench *bench, const struct record_desc *desc, const void *record) {
    buffer_clear(&bench->out);
    record_pack(desc, record, &bench->out);
    assert_false(bench->out.failed);
}

static int unpack(struct bench *bench, const struct record_desc *desc, struct slice bytes,
                  void *record_r) {
    record_arena_free(&bench->arena);
    bench->fault = "";
    memset(record_r, 0x5a, desc->size); /* earlier bytes must not show */
    return record_unpack(desc, bytes, &bench->arena, record_r, &bench->fault);
}

static void assert_takes(struct bench *bench, struct slice bytes, struct outer *out_r) {
    if (unpack(bench, &outer_desc, bytes, out_r) != 0)
        fail_msg("refused: %s", bench->fault);
}

static int unpack_packed(struct bench *bench, const struct record_desc *desc, void *record_r) {
    return unpack(bench, desc, slice_make(bench->out.data, bench->out.length), record_r);
}

static void assert_fault(struct bench *bench, const struct record_desc *desc, struct slice bytes,
                         const char *fault) {
    char record[sizeof(struct needing)];
    assert_true(desc->size <= sizeof record);
    assert_int_equal(unpack(bench, desc, bytes, record), -1);
    assert_string_equal(bench->fault, fault);
}

static void assert_slice(struct slice found, struct slice expected) {
    assert_int_equal(found.length, expected.length);
    assert_true(slice_equal(found, expected));
}

/* --- there and back -------------------------------------------------------------------------- */

static struct outer full_outer(void) {
    static uint64_t numbers[] = {0, 127, UINT64_MAX};
    static struct slice texts[] = {{"a", 1}, {NULL, 0}, {"\xc3\xa9\xe2\x82\xac", 5}};
    static struct slice blobs[] = {{"\0\xff", 2}, {NULL, 0}};
    static struct inner items[] = {{1, {"one", 3}}, {0, {NULL, 0}}};
    return (struct outer){.number = UINT64_MAX,
                          .flag = true,
                          .text = {"a\0bc", 4},
                          .bytes = {"\xff\0\xfe", 3},
                          .numbers = {numbers, 3},
                          .texts = {texts, 3},
                          .blobs = {blobs, 2},
                          .items = {items, 2}};
}

RECORD_TEST(every_type_goes_there_and_back) {
    struct outer in = full_outer(), out;
    pack(bench, &outer_desc, &in);
    assert_int_equal(unpack_packed(bench, &outer_desc, &out), 0);
    assert_true(out.number == UINT64_MAX);
    assert_true(out.flag);
    assert_slice(out.text, in.text);
    assert_slice(out.bytes, in.bytes);
    assert_int_equal(out.numbers.count, 3);
    assert_memory_equal(out.numbers.items, in.numbers.items, 3 * sizeof(uint64_t));
    assert_int_equal(out.texts.count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_slice(out.texts.items[i], in.texts.items[i]);
    assert_int_equal(out.blobs.count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_slice(out.blobs.items[i], in.blobs.items[i]);
    assert_int_equal(out.items.count, 2);
    const struct inner *items = out.items.items;
    assert_int_equal(items[0].number, 1);
    assert_slice(items[0].word, slice_text("one"));
    assert_int_equal(items[1].number, 0);
    assert_int_equal(items[1].word.length, 0);
}

RECORD_TEST(numbers_of_every_width) {
    for (unsigned shift = 0; shift < 64; shift++) {
        for (int beside = -1; beside <= 1; beside++) {
            struct outer in = {.number = (UINT64_C(1) << shift) + (uint64_t)beside}, out;
            pack(bench, &outer_desc, &in);
            assert_int_equal(unpack_packed(bench, &outer_desc, &out), 0);
            assert_true(out.number == in.number);
        }
    }
}

RECORD_TEST(optional_fields_that_are_empty_do_not_travel) {
    struct outer in = {.number = 0}, out;
    pack(bench, &outer_desc, &in);
    assert_slice(slice_make(bench->out.data, bench->out.length), WHOLE("\x80"));
    assert_int_equal(unpack_packed(bench, &outer_desc, &out), 0);
    assert_memory_equal(&out, &in, sizeof in);
}

RECORD_TEST(required_fields_that_are_empty_travel) {
    struct needing in = {.number = 0}, out;
    pack(bench, &needing_desc, &in);
    assert_int_equal(bench->out.data[0], (char)0x88);
    assert_int_equal(unpack_packed(bench, &needing_desc, &out), 0);
    assert_int_equal(out.number, 0);
    assert_false(out.flag);
    assert_int_equal(out.text.length + out.bytes.length, 0);
    assert_int_equal(out.numbers.count + out.texts.count + out.blobs.count + out.items.count, 0);
}

RECORD_TEST(a_full_buffer_is_reported) {
    struct outer in = full_outer();
    pack(bench, &outer_desc, &in);
    for (size_t max = 1; max <= bench->out.length; max++) {
        struct buffer small = buffer_make(max);
        record_pack(&outer_desc, &in, &small);
        assert_int_equal(small.failed, max < bench->out.length);
        buffer_free(&small);
    }
}

/* --- accepted bytes -------------------------------------------------------------------------- */

RECORD_TEST(unknown_keys_are_passed_over) {
    struct outer out;
    assert_takes(bench,
                 WHOLE("\x84"
                       "\xa5later\x92\x01\x81\xa1x\xc0"
                       "\xa6number\x07"
                       "\xa0\xc0"
                       "\xa5numbe\x09"),
                 &out);
    assert_int_equal(out.number, 7);
    assert_int_equal(out.numbers.count, 0);
}

RECORD_TEST(keys_come_in_any_order_and_the_last_wins) {
    struct outer out;
    assert_takes(bench,
                 WHOLE("\x84\xa4text\xa1x\xa6number\x01\xa4text\xa1y\xa4"
                       "flag\xc3"),
                 &out);
    assert_slice(out.text, slice_text("y"));
    assert_int_equal(out.number, 1);
    assert_true(out.flag);
}

RECORD_TEST(bytes_behind_the_map_are_left) {
    struct outer out;
    assert_takes(bench, WHOLE("\x81\xa6number\x05\xc1\xc1"), &out);
    assert_int_equal(out.number, 5);
}

RECORD_TEST(longer_forms_of_the_same_are_taken) {
    struct outer out;
    /* map 16, str 8 key, a positive int 64, str 32, array 32, bin 16 */
    assert_takes(bench,
                 WHOLE("\xde\x00\x04"
                       "\xd9\x06number\xd3\0\0\0\0\0\0\0\x05"
                       "\xa4text\xdb\0\0\0\x02hi"
                       "\xa7numbers\xdd\0\0\0\x01\xcf\0\0\0\0\0\0\0\x06"
                       "\xa5"
                       "bytes\xc5\0\x01z"),
                 &out);
    assert_int_equal(out.number, 5);
    assert_slice(out.text, slice_text("hi"));
    assert_int_equal(out.numbers.items[0], 6);
    assert_slice(out.bytes, slice_text("z"));
}

/* --- refused bytes --------------------------------------------------------------------------- */

/* Packs a map of all fields of `needing` but the one with this index. */
static void pack_without(struct bench *bench, size_t left_out) {
    struct record_field fields[RECORD_MAX_FIELDS];
    struct record_desc desc = needing_desc;
    memcpy(fields, desc.fields, desc.field_count * sizeof fields[0]);
    desc.field_count--;
    memmove(&fields[left_out], &fields[left_out + 1],
            (desc.field_count - left_out) * sizeof fields[0]);
    desc.fields = fields;
    struct needing empty = {.number = 0};
    pack(bench, &desc, &empty);
}

RECORD_TEST(a_required_field_that_is_missing_is_named) {
    for (size_t i = 0; i < needing_desc.field_count; i++) {
        pack_without(bench, i);
        assert_fault(bench, &needing_desc, slice_make(bench->out.data, bench->out.length),
                     needing_desc.fields[i].name);
    }
}

/* A value of every msgpack type, and the record types that take it. */
static const struct {
    struct slice value;
    unsigned takers; /* bits of enum record_type */
} values[] = {
    {{"\x01", 1}, 1u << RECORD_U64},
    {{"\xff", 1}, 0},     /* -1 */
    {{"\xd0\x80", 2}, 0}, /* -128 */
    {{"\xc0", 1}, 0},     /* nil */
    {{"\xc3", 1}, 1u << RECORD_BOOL},
    {{"\xca\x3f\x80\0\0", 5}, 0}, /* 1.0 */
    {{"\xcb\x3f\xf0\0\0\0\0\0\0", 9}, 0},
    {{"\xa1x", 2}, 1u << RECORD_TEXT},
    {{"\xc4\x01x", 3}, 1u << RECORD_BYTES},
    {{"\x90", 1}, 1u << RECORD_U64S | 1u << RECORD_TEXTS | 1u << RECORD_BLOBS | 1u << RECORD_LIST},
    {{"\x91\x01", 2}, 1u << RECORD_U64S},
    {{"\x92\x01\xff", 3}, 0},
    {{"\x91\xa1x", 3}, 1u << RECORD_TEXTS},
    {{"\x92\xa1x\x01", 4}, 0},
    {{"\x91\xc4\x01x", 4}, 1u << RECORD_BLOBS},
    {{"\x91\x81\xa6number\x01", 10}, 1u << RECORD_LIST},
    {{"\x91\xc0", 2}, 0},
    {{"\x80", 1}, 0},
    {{"\xd4\x01x", 3}, 0}, /* ext */
};

RECORD_TEST(wrong_types_are_refused_by_name) {
    for (size_t v = 0; v < sizeof values / sizeof values[0]; v++) {
        for (size_t i = 0; i < outer_desc.field_count; i++) {
            const struct record_field *field = &outer_desc.fields[i];
            buffer_clear(&bench->out);
            buffer_printf(&bench->out, "\x81%c%s", (int)(0xa0 | strlen(field->name)), field->name);
            buffer_add(&bench->out, values[v].value.data, values[v].value.length);
            struct outer out;
            int status = unpack_packed(bench, &outer_desc, &out);
            assert_int_equal(status, values[v].takers >> field->type & 1 ? 0 : -1);
            if (status != 0 && field->type != RECORD_LIST)
                assert_string_equal(bench->fault, field->name);
        }
    }
}

RECORD_TEST(limits_hold_to_the_byte_and_the_item) {
    static const struct {
        struct slice fits, over;
        const char *fault;
    } cases[] = {
        {{"\x81\xa4text\xa4"
          "1234",
          11},
         {"\x81\xa4text\xa5"
          "12345",
          12},
         "text"},
        {{"\x81\xa5"
          "bytes\xc4\x04"
          "1234",
          13},
         {"\x81\xa5"
          "bytes\xc4\x05"
          "12345",
          14},
         "bytes"},
        {{"\x81\xa7numbers\x93\1\2\3", 13}, {"\x81\xa7numbers\x94\1\2\3\4", 14}, "numbers"},
        {{"\x81\xa5texts\x93\xa0\xa0\xa0", 11}, {"\x81\xa5texts\x94\xa0\xa0\xa0\xa0", 12}, "texts"},
        {{"\x81\xa5"
          "blobs\x91\xc4\0",
          10},
         {"\x81\xa5"
          "blobs\x94\xc4\0\xc4\0\xc4\0\xc4\0",
          16},
         "blobs"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct outer out;
        assert_int_equal(unpack(bench, &outer_desc, cases[i].fits, &out), 0);
        assert_fault(bench, &outer_desc, cases[i].over, cases[i].fault);
    }
}

RECORD_TEST(items_of_a_list_are_held_to_their_description) {
    assert_fault(bench, &outer_desc, WHOLE("\x81\xa5items\x91\x80"), "number");
    assert_fault(bench, &outer_desc, WHOLE("\x81\xa5items\x92\x81\xa6number\x01\x05"), "not a map");
    assert_fault(bench, &outer_desc,
                 WHOLE("\x81\xa5items\x91\x82\xa6number\x01\xa4word\xa5"
                       "12345"),
                 "word");
    struct inner items[4] = {{1, {NULL, 0}}, {2, {NULL, 0}}, {3, {NULL, 0}}, {4, {NULL, 0}}};
    struct outer in = {.items = {items, 4}};
    pack(bench, &outer_desc, &in);
    assert_fault(bench, &outer_desc, slice_make(bench->out.data, bench->out.length), "items");
}

RECORD_TEST(bytes_that_are_no_map_are_refused) {
    assert_fault(bench, &outer_desc, WHOLE("\x90"), "not a map");
    assert_fault(bench, &outer_desc, WHOLE("\x01"), "not a map");
    assert_fault(bench, &outer_desc, WHOLE("\x81\x01\x01"), "a key is no text");
    assert_fault(bench, &outer_desc, WHOLE("\x81\xc4\x06number\x01"), "a key is no text");
    assert_fault(bench, &outer_desc, WHOLE(""), "cut short, or too deep");
    assert_fault(bench, &outer_desc, slice_make(NULL, 0), "cut short, or too deep");
}

/* --- printing, slices and arenas ------------------------------------------------------------- */

static void assert_prints(struct bench *bench, const struct outer *record, const char *expected) {
    buffer_clear(&bench->out);
    record_print(&outer_desc, record, &bench->out);
    assert_int_equal(buffer_add(&bench->out, "", 1), 0);
    assert_string_equal(bench->out.data, expected);
}

RECORD_TEST(records_are_printed) {
    struct outer record = full_outer();
    record.text = slice_text("a \"b\"\n");
    assert_prints(bench, &record,
                  "outer{number=18446744073709551615 flag=true text=\"a \\\"b\\\"\\n\" "
                  "bytes=<3 bytes> numbers=[0 127 18446744073709551615] "
                  "texts=[\"a\" \"\" \"\xc3\xa9\xe2\x82\xac\"] blobs=[<2 bytes> <0 bytes>] "
                  "items=[inner{number=1 word=\"one\"} inner{number=0 word=\"\"}]}");
    assert_prints(bench, &(struct outer){.number = 0},
                  "outer{number=0 flag=false text=\"\" bytes=<0 bytes> numbers=[] texts=[] "
                  "blobs=[] items=[]}");
}

RECORD_TEST(long_lists_are_printed_in_part) {
    uint64_t numbers[11] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    assert_prints(bench, &(struct outer){.numbers = {numbers, 11}},
                  "outer{number=0 flag=false text=\"\" bytes=<0 bytes> "
                  "numbers=[1 2 3 4 5 6 7 8 and 3 more] texts=[] blobs=[] items=[]}");
}

RECORD_TEST(slices_are_compared_and_copied) {
    (void)bench;
    assert_true(slice_equal(slice_text(NULL), slice_make("x", 0)));
    assert_true(slice_equal(slice_text("ab"), slice_make("abc", 2)));
    assert_false(slice_equal(slice_text("ab"), slice_text("ac")));
    assert_false(slice_equal(slice_text("ab"), slice_text("abc")));
    char *copy = slice_copy(slice_make("a\0b", 3)), *empty = slice_copy(slice_make(NULL, 0));
    assert_memory_equal(copy, "a\0b", 4);
    assert_string_equal(empty, "");
    free(copy);
    free(empty);
}

RECORD_TEST(an_arena_gives_zeroed_memory_until_it_is_freed) {
    (void)bench;
    struct record_arena arena = {.ready = false};
    record_arena_free(&arena);
    for (size_t bytes = 0; bytes < 100000; bytes = bytes * 3 + 1) {
        unsigned char *memory = record_arena_alloc(&arena, bytes);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % sizeof(uint64_t), 0);
        for (size_t i = 0; i < bytes; i++)
            assert_int_equal(memory[i], 0);
        memset(memory, 0xff, bytes);
    }
    assert_slice(record_arena_copy(&arena, slice_text("words")), slice_text("words"));
    assert_int_equal(record_arena_copy(&arena, slice_make(NULL, 0)).length, 0);
    record_arena_free(&arena);
    record_arena_free(&arena);
}

int main(void) { return test_run_all(NULL, NULL); }
