/*
 * Bytes from outside as records: nothing is built before depth and declared counts are compared
 * with the bytes that are there, and nothing behind the last byte is read. Inputs stand in memory
 * of exactly their size, so that the sanitizers see a read too far.
 */
#include "common/record.h"

#include <stdlib.h>
#include <string.h>

#include "proto/messages.h"
#include "tests/support/test_list.h"

/* record_object_length of a copy that ends where its memory ends. */
static size_t length_of(const void *bytes, size_t length) {
    char *copy = malloc(length == 0 ? 1 : length);
    assert_non_null(copy);
    memcpy(copy, bytes, length);
    size_t found = record_object_length(slice_make(copy, length));
    free(copy);
    return found;
}

enum counted { BYTES, ITEMS, PAIRS };

/* Every header that declares a count: its tag, the bytes of the count, what it counts, and bytes
 * that follow the count in any case (the type of an ext). */
static const struct {
    unsigned char tag;
    size_t wide, fixed;
    enum counted counted;
} headers[] = {
    {0xc4, 1, 0, BYTES}, {0xc5, 2, 0, BYTES}, {0xc6, 4, 0, BYTES}, {0xc7, 1, 1, BYTES},
    {0xc8, 2, 1, BYTES}, {0xc9, 4, 1, BYTES}, {0xd9, 1, 0, BYTES}, {0xda, 2, 0, BYTES},
    {0xdb, 4, 0, BYTES}, {0xdc, 2, 0, ITEMS}, {0xdd, 4, 0, ITEMS}, {0xde, 2, 0, PAIRS},
    {0xdf, 4, 0, PAIRS},
};

/* A header with this count in front of `payload` bytes; each is a small number as an object. */
static size_t length_with(size_t header, uint64_t count, size_t payload) {
    unsigned char bytes[1024] = {headers[header].tag};
    size_t wide = headers[header].wide;
    for (size_t i = 0; i < wide; i++)
        bytes[1 + i] = (unsigned char)(count >> 8 * (wide - 1 - i));
    return length_of(bytes, 1 + wide + headers[header].fixed + payload);
}

TEST(no_count_is_believed_beyond_the_bytes_there) {
    for (size_t h = 0; h < sizeof headers / sizeof headers[0]; h++) {
        size_t unit = headers[h].counted == PAIRS ? 2 : 1;
        size_t head = 1 + headers[h].wide + headers[h].fixed;
        for (uint64_t count = 0; count < 200; count += 33) {
            assert_int_equal(length_with(h, count, count * unit), head + count * unit);
            assert_int_equal(length_with(h, count, count * unit + 3), head + count * unit);
            assert_int_equal(length_with(h, count + 1, count * unit), 0);
            assert_int_equal(length_with(h, count + 1, count * unit + unit - 1), 0);
        }
        uint64_t most = headers[h].wide == 4 ? UINT32_MAX : (1u << 8 * headers[h].wide) - 1;
        assert_int_equal(length_with(h, most, 100), 0);
        assert_int_equal(length_with(h, most / 2 + 1, 100), 0);
    }
}

TEST(small_headers_are_checked_too) {
    for (unsigned tag = 0x80; tag < 0xc0; tag++) {
        unsigned char bytes[64] = {(unsigned char)tag};
        size_t count = tag < 0x90 ? 2 * (tag & 0x0f) : tag < 0xa0 ? tag & 0x0f : tag & 0x1f;
        for (size_t payload = 0; payload < count; payload++)
            assert_int_equal(length_of(bytes, 1 + payload), 0);
        assert_int_equal(length_of(bytes, 1 + count), 1 + count);
        assert_int_equal(length_of(bytes, 1 + count + 5), 1 + count);
    }
}

TEST(fixed_objects_need_all_their_bytes) {
    static const struct {
        unsigned char tag;
        size_t length;
    } objects[] = {{0x00, 1}, {0x7f, 1}, {0xe0, 1},  {0xff, 1}, {0xc0, 1}, {0xc2, 1},
                   {0xc3, 1}, {0xca, 5}, {0xcb, 9},  {0xcc, 2}, {0xcd, 3}, {0xce, 5},
                   {0xcf, 9}, {0xd0, 2}, {0xd1, 3},  {0xd2, 5}, {0xd3, 9}, {0xd4, 3},
                   {0xd5, 4}, {0xd6, 6}, {0xd7, 10}, {0xd8, 18}};
    for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++) {
        unsigned char bytes[32] = {objects[i].tag};
        for (size_t length = 0; length < objects[i].length; length++)
            assert_int_equal(length_of(bytes, length), 0);
        assert_int_equal(length_of(bytes, objects[i].length), objects[i].length);
        assert_int_equal(length_of(bytes, sizeof bytes), objects[i].length);
    }
    assert_int_equal(length_of("\xc1\0\0\0", 4), 0); /* the tag that msgpack never uses */
}

/* `depth` arrays or maps within each other around a nil. */
static size_t nested_length(bool maps, size_t depth) {
    char bytes[128];
    size_t length = 0;
    for (size_t i = 0; i < depth; i++) {
        bytes[length++] = (char)(maps ? 0x81 : 0x91);
        if (maps)
            bytes[length++] = (char)0xc0;
    }
    bytes[length++] = (char)0xc0;
    size_t found = length_of(bytes, length);
    assert_true(found == 0 || found == length);
    return found;
}

TEST(depth_has_its_limit) {
    for (size_t depth = 0; depth < 40; depth++) {
        assert_int_equal(nested_length(false, depth) != 0, depth <= RECORD_MAX_DEPTH);
        assert_int_equal(nested_length(true, depth) != 0, depth <= RECORD_MAX_DEPTH);
    }
}

/* An unknown key is passed over whatever it holds, yet within the limit. */
TEST(depth_is_limited_under_unknown_keys_too) {
    for (size_t depth = 1; depth < 12; depth++) {
        char bytes[64] = "\x81\xa5later";
        size_t length = 7;
        for (size_t i = 0; i < depth; i++)
            bytes[length++] = (char)0x91;
        bytes[length++] = 1;
        struct record_arena arena = {.ready = false};
        struct done done;
        const char *fault;
        int status = record_unpack(&done_desc, slice_make(bytes, length), &arena, &done, &fault);
        assert_int_equal(status, depth < RECORD_MAX_DEPTH ? 0 : -1);
        record_arena_free(&arena);
    }
}

TEST(many_declared_items_cost_nothing_before_they_are_there) {
    /* Arrays within arrays that each declare 2^32-1 items: refused at once, not tried. */
    char bytes[5 * RECORD_MAX_DEPTH];
    for (size_t i = 0; i < sizeof bytes; i += 5)
        memcpy(bytes + i, "\xdd\xff\xff\xff\xff", 5);
    assert_int_equal(length_of(bytes, sizeof bytes), 0);
    struct record_arena arena = {.ready = false};
    struct done done;
    const char *fault;
    assert_int_equal(
        record_unpack(&done_desc, slice_make(bytes, sizeof bytes), &arena, &done, &fault), -1);
    assert_string_equal(fault, "cut short, or too deep");
    record_arena_free(&arena);
}

/* Any bytes: no crash, no read beyond the end, a length within them. */
TEST(arbitrary_bytes_are_survived) {
    uint64_t x = 88172645463325252u;
    for (int round = 0; round < 20000; round++) {
        unsigned char bytes[48];
        for (size_t i = 0; i < sizeof bytes; i++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            /* Headers more often than chance would have them. */
            bytes[i] = (unsigned char)((x >> 8 & 1) != 0 ? 0x80 | (x & 0x7f) : x & 0x0f);
        }
        size_t length = (size_t)round % (sizeof bytes + 1);
        assert_true(length_of(bytes, length) <= length);
    }
}

/* --- numbers ------------------------------------------------------------------------------- */

/* Whether a record that was packed with whatever numbers can be unpacked; `fault_r` is why not. */
static bool is_taken(const struct record_desc *desc, const void *record, void *record_r,
                     const char **fault_r) {
    struct record_arena arena = {.ready = false};
    struct buffer out = buffer_make(4096);
    record_pack(desc, record, &out);
    assert_false(out.failed);
    int status = record_unpack(desc, slice_make(out.data, out.length), &arena, record_r, fault_r);
    record_arena_free(&arena);
    buffer_free(&out);
    return status == 0;
}

TEST(numbers_of_others_are_bounded) {
    static const uint64_t beyond[] = {UINT64_C(1) << 53, UINT64_C(1) << 63, UINT64_MAX};
    struct entry entry = {.conversation = UINT64_MAX, .cid = 1, .time_ms = RECORD_NUMBER_MOST};
    struct entry read;
    const char *fault;
    assert_true(is_taken(&entry_desc, &entry, &read, &fault));
    assert_true(read.time_ms == RECORD_NUMBER_MOST && read.conversation == UINT64_MAX);
    for (size_t i = 0; i < sizeof beyond / sizeof beyond[0]; i++) {
        struct entry late = {.cid = 1, .time_ms = beyond[i]};
        assert_false(is_taken(&entry_desc, &late, &read, &fault));
        assert_string_equal(fault, "time_ms");
        struct entry far = {.cid = beyond[i]};
        assert_false(is_taken(&entry_desc, &far, &read, &fault));
        assert_string_equal(fault, "cid");
        uint64_t good[] = {1, 2}, bad[] = {1, beyond[i]};
        struct delivery_send_reply reply = {.cids = {good, 2}, .times_ms = {bad, 2}}, read_reply;
        assert_false(is_taken(&delivery_send_reply_desc, &reply, &read_reply, &fault));
        assert_string_equal(fault, "times_ms");
        reply.times_ms.items = good;
        assert_true(is_taken(&delivery_send_reply_desc, &reply, &read_reply, &fault));
        reply.repeats = beyond[i];
        assert_false(is_taken(&delivery_send_reply_desc, &reply, &read_reply, &fault));
    }
}

/* Whatever is a time in any message has the bound. */
TEST(every_time_is_bounded) {
    size_t times = 0;
    for (size_t m = 0; m < proto_messages_count; m++) {
        const struct record_desc *const parts[] = {proto_messages[m]->body,
                                                   proto_messages[m]->reply, &entry_desc};
        for (size_t p = 0; p < 3; p++)
            for (size_t i = 0; parts[p] != NULL && i < parts[p]->field_count; i++) {
                const struct record_field *field = &parts[p]->fields[i];
                size_t length = strlen(field->name);
                if (length < 3 || strcmp(field->name + length - 3, "_ms") != 0)
                    continue;
                if (field->most != RECORD_NUMBER_MOST)
                    fail_msg("%s of %s may be any number", field->name, parts[p]->name);
                times++;
            }
    }
    assert_true(times > 1);
}

int main(void) { return test_run_all(NULL, NULL); }
