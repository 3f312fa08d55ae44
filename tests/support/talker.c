/* A client of the gateway in a C test; see talker.h. */
#include "tests/support/talker.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/loop.h"
#include "tests/support/service_process.h"

#define IN_BYTES ((size_t)64 << 20)
#define OPCODE_TEXT 1
#define OPCODE_CLOSE 8
#define OPCODE_PING 9
#define OPCODE_PONG 10

/* --- connecting --- */

static const char handshake[] =
    "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

static void wait_for_socket(const struct talker *self, short events) {
    struct pollfd fd = {.fd = self->fd, .events = events};
    if (poll(&fd, 1, TEST_DEADLINE_MS) != 1)
        fail_msg("the gateway neither reads nor writes");
}

static void receive(struct talker *self) {
    char bytes[65536];
    ssize_t got;
    while ((got = recv(self->fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
        if (buffer_add(&self->in, bytes, (size_t)got) != 0)
            fail_msg("more than %zu bytes came", IN_BYTES);
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        self->ended = true;
        shutdown(self->fd, SHUT_WR); /* as clients do: the server's end awaits it for 2 s */
    }
}

static void shake_hands(struct talker *self) {
    const char *end = NULL;
    talker_say_raw(self, handshake, strlen(handshake));
    while (end == NULL && !self->ended) {
        wait_for_socket(self, POLLIN);
        receive(self);
        if (self->in.length > 0)
            end = memmem(self->in.data, self->in.length, "\r\n\r\n", 4);
    }
    if (end == NULL || strncmp(self->in.data, "HTTP/1.1 101 ", 13) != 0)
        fail_msg("no WebSocket: %.*s", (int)self->in.length, self->in.data);
    buffer_drop(&self->in, (size_t)(end - self->in.data) + 4);
}

struct talker *talker_new(uint16_t port, bool websocket, int receive_bytes) {
    struct talker *self = calloc(1, sizeof *self);
    assert_non_null(self);
    self->websocket = websocket;
    self->in = buffer_make(IN_BYTES);
    self->last_ping = buffer_make(128);
    self->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(self->fd >= 0);
    if (receive_bytes != 0)
        setsockopt(self->fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(self->fd, (struct sockaddr *)&address, sizeof address) != 0)
        fail_msg("cannot connect to port %u: %s", (unsigned)port, strerror(errno));
    if (websocket)
        shake_hands(self);
    return self;
}

void talker_destroy(struct talker **self_p) {
    struct talker *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    close(self->fd);
    for (size_t i = 0; i < self->text_count; i++)
        free(self->texts[i]);
    buffer_free(&self->in);
    buffer_free(&self->last_ping);
    free(self);
}

/* --- speaking --- */

void talker_say_raw(struct talker *self, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t sent = send(self->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return; /* closed by the server: seen when reading */
        if (sent < 0)
            wait_for_socket(self, POLLOUT);
        bytes += sent > 0 ? sent : 0;
        length -= sent > 0 ? (size_t)sent : 0;
    }
}

void talker_send_frame(struct talker *self, unsigned opcode, const char *bytes, size_t length) {
    static const unsigned char mask[4] = {0x5a, 0x11, 0xc3, 0x7e};
    unsigned char head[14] = {(unsigned char)(0x80U | opcode), (unsigned char)(0x80U | length)};
    size_t head_length = 2;
    if (length >= 65536) {
        uint64_t wide = htobe64(length);
        head[1] = 0x80 | 127;
        memcpy(head + 2, &wide, sizeof wide);
        head_length = 10;
    } else if (length >= 126) {
        head[1] = 0x80 | 126;
        head[2] = (unsigned char)(length >> 8);
        head[3] = (unsigned char)length;
        head_length = 4;
    }
    memcpy(head + head_length, mask, sizeof mask);
    head_length += sizeof mask;
    char *frame = malloc(head_length + length);
    assert_non_null(frame);
    memcpy(frame, head, head_length);
    for (size_t i = 0; i < length; i++)
        frame[head_length + i] = (char)((unsigned char)bytes[i] ^ mask[i & 3]);
    talker_say_raw(self, frame, head_length + length);
    free(frame);
}

void talker_send_pong(struct talker *self) {
    talker_send_frame(self, OPCODE_PONG, self->last_ping.data, self->last_ping.length);
}

void talker_say(struct talker *self, const char *format, ...) {
    char *text;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    assert_true(length >= 0);
    for (char *c = text; *c != '\0'; c++)
        if (*c == '\'')
            *c = '"';
    if (self->websocket)
        talker_send_frame(self, OPCODE_TEXT, text, (size_t)length);
    else
        talker_say_raw(self, text, (size_t)length);
    free(text);
}

/* --- listening --- */

static void keep_text(struct talker *self, const char *bytes, size_t length) {
    if (self->text_count == TALKER_MAX_TEXTS)
        fail_msg("more than %d texts that nobody looked at", TALKER_MAX_TEXTS);
    self->texts[self->text_count++] = strndup(bytes, length);
}

/* How much of the input the first line takes; 0 when it is not whole. */
static size_t take_line(struct talker *self) {
    const char *end = memchr(self->in.data, '\n', self->in.length);
    if (end == NULL)
        return 0;
    size_t length = (size_t)(end - self->in.data);
    keep_text(self, self->in.data, length);
    return length + 1;
}

static void take_payload(struct talker *self, unsigned opcode, const char *bytes, size_t length) {
    const unsigned char *status = (const unsigned char *)bytes;
    switch (opcode) {
    case OPCODE_TEXT:
        keep_text(self, bytes, length);
        break;
    case OPCODE_CLOSE:
        self->close_status = length >= 2 ? (unsigned)(status[0] << 8 | status[1]) : 1005;
        talker_send_frame(self, OPCODE_CLOSE, bytes, length >= 2 ? 2 : 0);
        break;
    case OPCODE_PING:
        self->pings++;
        buffer_clear(&self->last_ping);
        buffer_add(&self->last_ping, bytes, length);
        if (!self->pongless)
            talker_send_pong(self);
        break;
    default:
        fail_msg("a frame with opcode %u", opcode);
    }
}

/* As take_line; a server's frames are whole and not masked. */
static size_t take_frame(struct talker *self) {
    const unsigned char *bytes = (const unsigned char *)self->in.data;
    if (self->in.length < 2)
        return 0;
    size_t length = bytes[1], head = length == 127 ? 10 : length == 126 ? 4 : 2;
    if (self->in.length < head)
        return 0;
    if (head == 4)
        length = (size_t)bytes[2] << 8 | bytes[3];
    if (head == 10) {
        uint64_t wide;
        memcpy(&wide, bytes + 2, sizeof wide);
        length = be64toh(wide);
    }
    if (self->in.length - head < length)
        return 0;
    assert_int_equal(bytes[0] & 0xf0, 0x80);
    take_payload(self, bytes[0] & 15U, self->in.data + head, length);
    return head + length;
}

void talker_poll(struct talker *self) {
    if (self->deaf || self->ended)
        return;
    receive(self);
    size_t used;
    while (self->in.length > 0 && (used = self->websocket ? take_frame(self) : take_line(self)) > 0)
        buffer_drop(&self->in, used);
}

char *talker_take(struct talker *self) {
    assert_true(self->text_count > 0);
    char *text = self->texts[0];
    memmove(self->texts, self->texts + 1, --self->text_count * sizeof(char *));
    return text;
}

bool talker_matches(const char *pattern, const char *text) {
    for (; *pattern != '\0'; pattern++) {
        if (*pattern == '#') {
            if (!isdigit((unsigned char)*text))
                return false;
            while (isdigit((unsigned char)*text))
                text++;
        } else if (*pattern == '~') {
            text += strcspn(text, "\"");
        } else if (*text != *pattern && !(*pattern == '\'' && *text == '"')) {
            return false;
        } else {
            text++;
        }
    }
    return *text == '\0';
}
