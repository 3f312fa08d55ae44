/* Frames by hand. */
#include "tests/support/edge_frames.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

/* --- WebSocket --- */

void websocket_add(struct buffer *out, unsigned opcode, bool final, struct slice payload) {
    static const unsigned char mask[4] = {0x5a, 0x11, 0xc3, 0x7e};
    unsigned char head[14] = {(unsigned char)((final ? 0x80U : 0U) | opcode)};
    size_t length = 2;
    if (payload.length < 126) {
        head[1] = (unsigned char)(0x80 | payload.length);
    } else if (payload.length < 65536) {
        head[1] = 0x80 | 126;
        head[2] = (unsigned char)(payload.length >> 8);
        head[3] = (unsigned char)payload.length;
        length = 4;
    } else {
        head[1] = 0x80 | 127;
        uint64_t wide = htobe64(payload.length);
        memcpy(head + 2, &wide, sizeof wide);
        length = 10;
    }
    memcpy(head + length, mask, sizeof mask);
    assert_int_equal(buffer_add(out, head, length + sizeof mask), 0);
    for (size_t i = 0; i < payload.length; i++) {
        char masked = (char)((unsigned char)payload.data[i] ^ mask[i & 3]);
        assert_int_equal(buffer_add(out, &masked, 1), 0);
    }
}

void websocket_send(struct edge_client *client, unsigned opcode, bool final, struct slice payload) {
    struct buffer out = buffer_make(1 << 24);
    websocket_add(&out, opcode, final, payload);
    edge_client_write(client, out.data, out.length);
    buffer_free(&out);
}

void websocket_send_text(struct edge_client *client, const char *text) {
    websocket_send(client, WEBSOCKET_TEXT, true, slice_text(text));
}

static char *headers_end(struct edge_client *client) {
    return client->in.data == NULL ? NULL
                                   : memmem(client->in.data, client->in.length, "\r\n\r\n", 4);
}

char *http_take_head(struct edge_client *client) {
    UNTIL(client->fixture,
          (edge_client_read(client), headers_end(client) != NULL || client->ended));
    assert_non_null(headers_end(client));
    size_t length = (size_t)(headers_end(client) - client->in.data) + 4;
    char *head = strndup(client->in.data, length);
    assert_non_null(head);
    buffer_drop(&client->in, length);
    return head;
}

struct edge_client *websocket_open(struct edge_fixture *fixture) {
    struct edge_client *client = edge_client_open(fixture, EDGE_WEBSOCKET);
    edge_client_write_text(client, WEBSOCKET_HANDSHAKE(""));
    char *head = http_take_head(client);
    assert_non_null(strstr(head, "HTTP/1.1 101 "));
    assert_non_null(strstr(head, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    free(head);
    return client;
}

/* Whether a whole frame has arrived; how long it is, and where its payload starts. */
static bool has_frame(struct edge_client *client, size_t *head_r, size_t *length_r) {
    edge_client_read(client);
    const unsigned char *bytes = (const unsigned char *)client->in.data;
    if (client->in.length < 2)
        return false;
    assert_int_equal(bytes[1] & 0x80, 0); /* a server doesn't mask */
    *length_r = bytes[1];
    *head_r = *length_r == 126 ? 4 : *length_r == 127 ? 10 : 2;
    if (client->in.length < *head_r)
        return false;
    if (*head_r == 4)
        *length_r = (size_t)bytes[2] << 8 | bytes[3];
    if (*head_r == 10) {
        uint64_t wide;
        memcpy(&wide, bytes + 2, sizeof wide);
        *length_r = be64toh(wide);
    }
    return client->in.length >= *head_r + *length_r;
}

struct websocket_frame websocket_next(struct edge_client *client) {
    size_t head = 0, length = 0;
    UNTIL(client->fixture, has_frame(client, &head, &length) || client->ended);
    if (!has_frame(client, &head, &length))
        fail_msg("the server closed; events: %s", edge_fixture_events(client->fixture));
    assert_int_equal(client->in.data[0] & 0x70, 0);
    struct websocket_frame frame = {.opcode = client->in.data[0] & 15U,
                                    .bytes = malloc(length + 1)};
    assert_true((client->in.data[0] & 0x80) != 0);
    assert_non_null(frame.bytes);
    memcpy(frame.bytes, client->in.data + head, length);
    frame.bytes[length] = '\0';
    frame.payload = slice_make(frame.bytes, length);
    buffer_drop(&client->in, head + length);
    return frame;
}

void websocket_expect_text(struct edge_client *client, const char *text) {
    struct websocket_frame frame = websocket_next(client);
    assert_int_equal(frame.opcode, WEBSOCKET_TEXT);
    assert_string_equal(frame.bytes, text);
    free(frame.bytes);
}

void websocket_expect_close(struct edge_client *client, unsigned status, const char *reason) {
    struct websocket_frame frame = websocket_next(client);
    while (frame.opcode == WEBSOCKET_TEXT) {
        free(frame.bytes);
        frame = websocket_next(client);
    }
    assert_int_equal(frame.opcode, WEBSOCKET_CLOSE);
    assert_true(frame.payload.length >= 2);
    assert_int_equal((unsigned char)frame.bytes[0] << 8 | (unsigned char)frame.bytes[1], status);
    if (reason != NULL)
        assert_string_equal(frame.bytes + 2, reason);
    websocket_send(client, WEBSOCKET_CLOSE, true, slice_make(frame.bytes, 2));
    free(frame.bytes);
    UNTIL(client->fixture, edge_client_has_ended(client));
    assert_int_equal(client->in.length, 0);
}

struct websocket_frame websocket_expect_ping(struct edge_client *client) {
    struct websocket_frame ping = websocket_next(client);
    assert_int_equal(ping.opcode, WEBSOCKET_PING);
    return ping;
}

void websocket_answer_ping(struct edge_client *client) {
    struct websocket_frame ping = websocket_expect_ping(client);
    websocket_send(client, WEBSOCKET_PONG, true, ping.payload);
    free(ping.bytes);
}

/* --- YouIM --- */

void youim_write_head(unsigned char head[YOUIM_HEAD_BYTES], unsigned type, size_t length) {
    uint32_t wide = htobe32((uint32_t)length);
    head[0] = (unsigned char)type;
    memcpy(head + 1, &wide, sizeof wide);
}

void youim_add(struct buffer *out, unsigned type, struct slice body) {
    unsigned char head[YOUIM_HEAD_BYTES];
    youim_write_head(head, type, body.length);
    assert_int_equal(buffer_add(out, head, sizeof head), 0);
    assert_int_equal(buffer_add(out, body.data, body.length), 0);
}

void youim_send(struct edge_client *client, unsigned type, const char *body) {
    struct buffer out = buffer_make(1 << 20);
    youim_add(&out, type, slice_text(body));
    edge_client_write(client, out.data, out.length);
    buffer_free(&out);
}

void youim_expect(struct edge_client *client, unsigned type, const char *body) {
    unsigned char head[YOUIM_HEAD_BYTES];
    youim_write_head(head, type, strlen(body));
    edge_client_expect_bytes(client, head, sizeof head);
    edge_client_expect(client, body);
}
