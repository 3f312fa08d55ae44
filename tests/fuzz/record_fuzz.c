/*
 * Any bytes as an internal message: the envelope is read or refused; its body, tried as every
 * record of common/messages.def and proto/messages.def, is refused or becomes a record that packs,
 * reads and prints again as the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/envelope.h"
#include "common/service.h"
#include "proto/messages.h"
#include "tests/fuzz/fuzz.h"

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

/* The record is packed, read again and packed again: the same bytes. */
static void check_again(const struct record_desc *desc, const void *record) {
    struct buffer first = buffer_make(ENVELOPE_MAX_BYTES), second = buffer_make(ENVELOPE_MAX_BYTES);
    struct record_arena arena = {.ready = false};
    const char *fault = NULL;
    void *again = record_arena_alloc(&arena, desc->size);
    record_pack(desc, record, &first);
    CHECK(!first.failed);
    struct slice bytes = slice_make(first.data, first.length);
    CHECK(record_object_length(bytes) == first.length);
    CHECK(record_unpack(desc, bytes, &arena, again, &fault) == 0);
    record_pack(desc, again, &second);
    CHECK(slice_equal(bytes, slice_make(second.data, second.length)));
    buffer_clear(&second);
    record_print(desc, again, &second);
    CHECK(!second.failed && second.length > 0);
    record_arena_free(&arena);
    buffer_free(&first);
    buffer_free(&second);
}

static void try_record(const struct record_desc *desc, struct slice bytes) {
    struct record_arena arena = {.ready = false};
    const char *fault = NULL;
    void *record = record_arena_alloc(&arena, desc->size);
    if (record_unpack(desc, bytes, &arena, record, &fault) == 0)
        check_again(desc, record);
    else
        CHECK(fault != NULL && fault[0] != '\0');
    record_arena_free(&arena);
}

static void try_all(struct slice bytes) {
    CHECK(record_object_length(bytes) <= bytes.length);
    for (size_t i = 0; i < common_records_count; i++)
        try_record(common_records[i], bytes);
    for (size_t i = 0; i < proto_records_count; i++)
        try_record(proto_records[i], bytes);
}

/* As the dispatcher and peers do it: by the name in the header. */
static void try_named(const struct envelope *envelope) {
    for (size_t i = 0; i < proto_messages_count; i++) {
        const struct message_desc *message = proto_messages[i];
        if (!slice_equal(slice_text(message->name), envelope->name))
            continue;
        try_record(message->body, envelope->body);
        if (message->reply != NULL)
            try_record(message->reply, envelope->body);
        return;
    }
    try_all(envelope->body);
}

static void try_envelope(struct slice frame) {
    struct envelope envelope;
    if (envelope_unpack(frame, &envelope) != 0)
        return;
    CHECK(envelope.kind <= ENVELOPE_ERROR && envelope.name.length <= ENVELOPE_MAX_NAME);
    CHECK(envelope.body.data + envelope.body.length == frame.data + frame.length);
    char name[ENVELOPE_MAX_NAME + 1] = "";
    memcpy(name, envelope.name.data, envelope.name.length);
    if (strlen(name) == envelope.name.length) {
        struct buffer out = buffer_make(ENVELOPE_MAX_BYTES);
        struct envelope again;
        envelope_pack(envelope.kind, envelope.id, name, NULL, NULL, &out);
        CHECK(!out.failed && envelope_unpack(slice_make(out.data, out.length), &again) == 0);
        CHECK(again.kind == envelope.kind && again.id == envelope.id);
        CHECK(slice_equal(again.name, envelope.name));
        buffer_free(&out);
    }
    try_named(&envelope);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 65536)
        return 0;
    struct slice bytes = slice_make((const char *)data, size);
    try_envelope(bytes);
    try_all(bytes);
    return 0;
}
