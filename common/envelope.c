/* The envelope: header array and body map in one frame. */
#include "common/envelope.h"

#include <string.h>

static int pack_write(void *out, const char *bytes, size_t length) {
    return buffer_add(out, bytes, length);
}

static void pack(const struct envelope *header, const struct record_desc *desc, const void *body,
                 struct buffer *out) {
    msgpack_packer packer;
    msgpack_packer_init(&packer, out, pack_write);
    size_t elements = header->credential.length != 0 ? 6
                      : header->wait_ms != 0         ? 5
                      : header->trace != 0           ? 4
                                                     : 3;
    msgpack_pack_array(&packer, elements);
    msgpack_pack_uint8(&packer, (uint8_t)header->kind);
    msgpack_pack_uint64(&packer, header->id);
    msgpack_pack_str_with_body(&packer, header->name.data, header->name.length);
    if (elements > 3)
        msgpack_pack_uint64(&packer, header->trace);
    if (elements > 4)
        msgpack_pack_uint64(&packer, header->wait_ms);
    if (elements > 5)
        msgpack_pack_str_with_body(&packer, header->credential.data, header->credential.length);
    if (body == NULL)
        msgpack_pack_map(&packer, 0);
    else
        record_pack(desc, body, out);
}

void envelope_pack(enum envelope_kind kind, uint64_t id, const char *name,
                   const struct record_desc *desc, const void *body, struct buffer *out) {
    pack(&(struct envelope){.kind = kind, .id = id, .name = slice_text(name)}, desc, body, out);
}

void envelope_pack_request(const struct envelope *header, const struct record_desc *desc,
                           const void *body, struct buffer *out) {
    struct envelope request = *header;
    request.kind = ENVELOPE_REQUEST;
    pack(&request, desc, body, out);
}

/*
 * The header is read from its bytes directly: three known small objects stand in front of every
 * message, and an object tree for them would cost an allocation each time.
 */
static bool read_uint(struct slice *bytes, uint64_t *value_r) {
    if (bytes->length == 0)
        return false;
    unsigned char tag = (unsigned char)bytes->data[0];
    bool small = tag < 0x80;
    if (!small && (tag < 0xcc || tag > 0xcf))
        return false;
    size_t wide = small ? 0 : (size_t)1 << (tag - 0xcc);
    if (bytes->length < 1 + wide)
        return false;
    uint64_t value = small ? tag : 0;
    for (size_t i = 1; i <= wide; i++)
        value = value << 8 | (unsigned char)bytes->data[i];
    *value_r = value;
    *bytes = slice_make(bytes->data + 1 + wide, bytes->length - 1 - wide);
    return true;
}

static bool read_text(struct slice *bytes, size_t most, struct slice *text_r) {
    if (bytes->length < 2)
        return false;
    unsigned char tag = (unsigned char)bytes->data[0];
    size_t head = tag == 0xd9 ? 2 : 1;
    size_t length = tag == 0xd9 ? (unsigned char)bytes->data[1] : tag & 0x1fu;
    if ((tag != 0xd9 && (tag & 0xe0) != 0xa0) || bytes->length < head + length || length > most)
        return false;
    *text_r = slice_make(bytes->data + head, length);
    *bytes = slice_make(bytes->data + head + length, bytes->length - head - length);
    return true;
}

int envelope_unpack(struct slice frame, struct envelope *envelope_r) {
    uint64_t kind;
    if (frame.length == 0 || ((unsigned char)frame.data[0] & 0xf0) != 0x90)
        return -1;
    size_t elements = (unsigned char)frame.data[0] & 0x0f;
    struct slice rest = slice_make(frame.data + 1, frame.length - 1);
    if (elements < 3 || !read_uint(&rest, &kind) || kind > ENVELOPE_ERROR ||
        !read_uint(&rest, &envelope_r->id) ||
        !read_text(&rest, ENVELOPE_MAX_NAME, &envelope_r->name))
        return -1;
    /* A later version may put something else there: then it is passed over like the others. */
    envelope_r->trace = envelope_r->wait_ms = 0;
    envelope_r->credential = slice_make(NULL, 0);
    size_t read = 3;
    if (elements > 3 && read_uint(&rest, &envelope_r->trace))
        read++;
    if (read == 4 && elements > 4 && read_uint(&rest, &envelope_r->wait_ms))
        read++;
    if (read == 5 && elements > 5 &&
        read_text(&rest, ENVELOPE_MAX_CREDENTIAL, &envelope_r->credential))
        read++;
    for (size_t i = read; i < elements; i++) {
        size_t length = record_object_length(rest);
        if (length == 0)
            return -1;
        rest = slice_make(rest.data + length, rest.length - length);
    }
    envelope_r->kind = (enum envelope_kind)kind;
    envelope_r->body = rest;
    return 0;
}
