/*
 * The envelope: its header in every form that a writer may choose, and bytes that are no header.
 */
#include "common/envelope.h"
#include "tests/support/test_list.h"

#include <stdlib.h>
#include <string.h>

#define WHOLE(literal_) slice_make(literal_, sizeof(literal_) - 1)

/* Unpacks a copy that ends where its memory ends; the slices of `envelope_r` are not to be read. */
static int unpack(struct slice frame, struct envelope *envelope_r) {
    char *copy = malloc(frame.length == 0 ? 1 : frame.length);
    assert_non_null(copy);
    if (frame.length > 0)
        memcpy(copy, frame.data, frame.length);
    int status = envelope_unpack(slice_make(copy, frame.length), envelope_r);
    free(copy);
    return status;
}

static void pack(uint64_t trace, uint64_t wait_ms, const char *credential, struct buffer *out) {
    const struct envelope header = {.id = 5,
                                    .name = slice_text("a.name"),
                                    .trace = trace,
                                    .wait_ms = wait_ms,
                                    .credential = slice_text(credential)};
    envelope_pack_request(&header, NULL, NULL, out);
}

static void assert_none(struct slice frame) {
    struct envelope envelope;
    assert_int_equal(unpack(frame, &envelope), -1);
}

TEST(kinds_ids_and_names_go_there_and_back) {
    static const uint64_t ids[] = {
        0, 1, 127, 128, 255, 256, 65535, 65536, UINT32_MAX, (uint64_t)UINT32_MAX + 1, UINT64_MAX};
    char name[ENVELOPE_MAX_NAME + 1];
    memset(name, 'n', sizeof name);
    name[ENVELOPE_MAX_NAME] = '\0';
    for (int kind = ENVELOPE_EVENT; kind <= ENVELOPE_ERROR; kind++) {
        for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
            for (size_t skip = 0; skip <= ENVELOPE_MAX_NAME; skip++) {
                struct buffer out = buffer_make(256);
                struct envelope envelope;
                envelope_pack((enum envelope_kind)kind, ids[i], name + skip, NULL, NULL, &out);
                assert_false(out.failed);
                assert_int_equal(envelope_unpack(slice_make(out.data, out.length), &envelope), 0);
                assert_int_equal(envelope.kind, kind);
                assert_true(envelope.id == ids[i]);
                assert_true(slice_equal(envelope.name, slice_text(name + skip)));
                assert_true(slice_equal(envelope.body, WHOLE("\x80")));
                buffer_free(&out);
            }
        }
    }
}

TEST(a_body_travels_behind_the_header) {
    struct envelope_error in = {slice_text("taken"), slice_text("that id is taken")}, back;
    struct buffer out = buffer_make(256);
    struct record_arena arena = {.ready = false};
    struct envelope envelope;
    const char *fault;
    envelope_pack(ENVELOPE_ERROR, 5, "auth.register", &envelope_error_desc, &in, &out);
    assert_int_equal(envelope_unpack(slice_make(out.data, out.length), &envelope), 0);
    assert_int_equal(record_unpack(&envelope_error_desc, envelope.body, &arena, &back, &fault), 0);
    assert_true(slice_equal(back.error, in.error));
    assert_true(slice_equal(back.text, in.text));
    record_arena_free(&arena);
    buffer_free(&out);
}

TEST(a_trace_travels_in_the_header) {
    static const uint64_t traces[] = {0, 1, 127, 128, UINT64_C(1) << 40, UINT64_MAX};
    for (size_t i = 0; i < sizeof traces / sizeof traces[0]; i++) {
        struct buffer out = buffer_make(256);
        struct envelope envelope = {.trace = 77};
        pack(traces[i], 0, "", &out);
        assert_int_equal(envelope_unpack(slice_make(out.data, out.length), &envelope), 0);
        assert_true(envelope.trace == traces[i]);
        assert_int_equal(out.data[0], traces[i] == 0 ? (char)0x93 : (char)0x94);
        assert_true(slice_equal(envelope.name, slice_text("a.name")));
        assert_true(slice_equal(envelope.body, WHOLE("\x80")));
        buffer_free(&out);
    }
    /* Fields that a later version may add are passed over. */
    struct envelope envelope;
    assert_int_equal(envelope_unpack(WHOLE("\x94\x01\x07\xa1n\xa1x\x80"), &envelope), 0);
    assert_true(envelope.trace == 0);
    assert_int_equal(envelope_unpack(WHOLE("\x95\x01\x07\xa1n\x09\xa1x\x80"), &envelope), 0);
    assert_true(envelope.trace == 9);
    assert_true(slice_equal(envelope.body, WHOLE("\x80")));
}

TEST(a_credential_travels_behind_the_wait) {
    char longest[ENVELOPE_MAX_CREDENTIAL + 2];
    memset(longest, 'c', sizeof longest);
    longest[ENVELOPE_MAX_CREDENTIAL] = '\0';
    const char *const credentials[] = {"", "k", longest};
    for (size_t i = 0; i < 3; i++) {
        struct buffer out = buffer_make(256);
        struct envelope envelope = {.credential = WHOLE("before")};
        pack(0, 0, credentials[i], &out);
        assert_int_equal(envelope_unpack(slice_make(out.data, out.length), &envelope), 0);
        assert_true(slice_equal(envelope.credential, slice_text(credentials[i])));
        assert_true(slice_equal(envelope.body, WHOLE("\x80")));
        buffer_free(&out);
    }
    /* One that is too long, or of another type, is passed over. */
    longest[ENVELOPE_MAX_CREDENTIAL] = 'c';
    longest[ENVELOPE_MAX_CREDENTIAL + 1] = '\0';
    struct buffer out = buffer_make(256);
    struct envelope envelope = {.credential = WHOLE("before")};
    pack(1, 2, longest, &out);
    assert_int_equal(envelope_unpack(slice_make(out.data, out.length), &envelope), 0);
    assert_int_equal(envelope.credential.length, 0);
    assert_true(slice_equal(envelope.body, WHOLE("\x80")));
    buffer_free(&out);
    assert_int_equal(unpack(WHOLE("\x96\x01\x05\xa1n\x01\x02\x2a\x80"), &envelope), 0);
    assert_int_equal(envelope.credential.length, 0);
}

TEST(how_long_the_caller_waits_travels_behind_the_trace) {
    static const uint64_t traces[] = {0, 9}, waits[] = {1, 30000, UINT64_MAX};
    for (size_t i = 0; i < 6; i++) {
        struct buffer out = buffer_make(256);
        struct envelope envelope = {.trace = 77};
        pack(traces[i % 2], waits[i / 2], "", &out);
        assert_int_equal(envelope_unpack(slice_make(out.data, out.length), &envelope), 0);
        assert_true(envelope.trace == traces[i % 2]);
        assert_true(envelope.wait_ms == waits[i / 2]);
        assert_true(slice_equal(envelope.body, WHOLE("\x80")));
        buffer_free(&out);
    }
    /* Without it, and where a later version puts something else there, it is not known. */
    struct envelope envelope = {.wait_ms = 77};
    assert_int_equal(envelope_unpack(WHOLE("\x94\x01\x07\xa1n\x09\x80"), &envelope), 0);
    assert_true(envelope.wait_ms == 0);
    assert_int_equal(envelope_unpack(WHOLE("\x95\x01\x07\xa1n\xa1x\x05\x80"), &envelope), 0);
    assert_true(envelope.trace == 0 && envelope.wait_ms == 0);
}

TEST(later_header_elements_are_passed_over) {
    struct envelope envelope;
    struct slice frame = WHOLE("\x96\x01\x07\xa1n\xc0\x82\xa1x\x91\x01\x02\x03\xc4\x02zz\x80");
    assert_int_equal(envelope_unpack(frame, &envelope), 0);
    assert_int_equal(envelope.kind, ENVELOPE_REQUEST);
    assert_int_equal(envelope.id, 7);
    assert_true(slice_equal(envelope.body, WHOLE("\x80")));
    for (size_t length = 0; length < frame.length - 1; length++)
        assert_none(slice_make(frame.data, length));
    assert_none(WHOLE("\x94\x01\x07\xa1n\xc1\x80"));
    assert_none(WHOLE("\x94\x01\x07\xa1n\x91\x91\x91\x91\x91\x91\x91\x91\x91\x01\x80")); /* deep */
}

TEST(numbers_may_have_any_width) {
    static const struct slice frames[] = {
        {"\x93\x02\x05\xa1n\x80", 6},
        {"\x93\xcc\x02\xcc\x05\xd9\x01n\x80", 9},
        {"\x93\xcd\0\x02\xcd\0\x05\xa1n\x80", 10},
        {"\x93\xce\0\0\0\x02\xce\0\0\0\x05\xa1n\x80", 14},
        {"\x93\xcf\0\0\0\0\0\0\0\x02\xcf\0\0\0\0\0\0\0\x05\xa1n\x80", 22},
    };
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        struct envelope envelope;
        assert_int_equal(unpack(frames[i], &envelope), 0);
        assert_int_equal(envelope.kind, ENVELOPE_REPLY);
        assert_int_equal(envelope.id, 5);
        /* The body may be missing as far as the header goes; the record's reader sees that. */
        for (size_t length = 0; length < frames[i].length - 1; length++)
            assert_none(slice_make(frames[i].data, length));
    }
}

TEST(bad_headers_are_refused) {
    assert_none(slice_make(NULL, 0));
    assert_none(WHOLE("\x80"));
    assert_none(WHOLE("\x90"));
    assert_none(WHOLE("\x92\x01\x07\xa1n\x80"));
    assert_none(WHOLE("\xdc\0\x03\x01\x07\xa1n\x80"));
    assert_none(WHOLE("\x93\x04\x07\xa1n\x80")); /* no such kind */
    assert_none(WHOLE("\x93\xcf\x01\0\0\0\0\0\0\x01\x07\xa1n\x80"));
    assert_none(WHOLE("\x93\x01\xff\xa1n\x80")); /* a negative id */
    assert_none(WHOLE("\x93\x01\x07\xc4\x01n\x80"));
    assert_none(WHOLE("\x93\x01\x07\xc0\x80"));
    assert_none(WHOLE("\x93\x01\x07\xda\0\x01n\x80"));
}

/* Every tag where a number belongs, with plenty of bytes behind it: only numbers are taken. */
TEST(only_numbers_are_read_as_numbers) {
    for (unsigned tag = 0; tag < 256; tag++) {
        bool number = tag < 0x80 || (tag >= 0xcc && tag <= 0xcf);
        size_t wide = tag < 0x80 ? 0 : (size_t)1 << (tag & 3);
        char kind[300] = {(char)0x93, (char)tag}, id[300] = {(char)0x93, 0x01, (char)tag};
        memcpy(&kind[2 + (number ? wide : 0)], "\x07\xa1n\x80", 4);
        memcpy(&id[3 + (number ? wide : 0)], "\xa1n\x80", 3);
        struct envelope envelope;
        assert_int_equal(unpack(slice_make(id, sizeof id), &envelope), number ? 0 : -1);
        bool is_kind = number && (tag >= 0x80 || tag <= ENVELOPE_ERROR);
        assert_int_equal(unpack(slice_make(kind, sizeof kind), &envelope), is_kind ? 0 : -1);
        /* A reader of too many bytes would find this. */
        memset(&id[3], 0, sizeof id - 3);
        memcpy(&id[3 + 99], "\xa1n\x80", 3);
        if (!number)
            assert_int_equal(unpack(slice_make(id, sizeof id), &envelope), -1);
    }
}

TEST(names_have_their_limit) {
    for (size_t length = 0; length < 256; length++) {
        char frame[300] = {(char)0x93, 0x01, 0x07, (char)0xd9, (char)length};
        struct envelope envelope;
        memset(&frame[5], 'n', length);
        frame[5 + length] = (char)0x80;
        assert_int_equal(unpack(slice_make(frame, 6 + length), &envelope),
                         length <= ENVELOPE_MAX_NAME ? 0 : -1);
        if (length > 0)
            assert_none(slice_make(frame, 4 + length));
    }
}

TEST(too_small_a_buffer_is_reported) {
    for (size_t max = 1; max < 12; max++) {
        struct buffer out = buffer_make(max);
        envelope_pack(ENVELOPE_REQUEST, 1, "a.name", NULL, NULL, &out);
        assert_int_equal(out.failed, max < 11);
        buffer_free(&out);
    }
}

int main(void) { return test_run_all(NULL, NULL); }
