/* WebSocket's and YouIM's frames by hand, for clients of edge_fixture.h. */
#ifndef PARLEY_TESTS_EDGE_FRAMES_H
#define PARLEY_TESTS_EDGE_FRAMES_H

#include "tests/support/edge_fixture.h"

/* --- WebSocket --- */

#define WEBSOCKET_HANDSHAKE(more_)                                                                 \
    "GET /any/path HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"   \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" more_ "\r\n"

enum { WEBSOCKET_TEXT = 1, WEBSOCKET_CLOSE = 8, WEBSOCKET_PING = 9, WEBSOCKET_PONG = 10 };

struct websocket_frame {
    unsigned opcode;
    struct slice payload; /* in `bytes` */
    char *bytes;          /* with a 0 behind; to be freed */
};

/* Connects and shakes hands. */
struct edge_client *websocket_open(struct edge_fixture *fixture);
/* Waits for a whole head of an HTTP answer and takes it off; the caller frees it. */
char *http_take_head(struct edge_client *client);
/* Appends a client's frame: masked. */
void websocket_add(struct buffer *out, unsigned opcode, bool final, struct slice payload);
void websocket_send(struct edge_client *client, unsigned opcode, bool final, struct slice payload);
void websocket_send_text(struct edge_client *client, const char *text);
struct websocket_frame websocket_next(struct edge_client *client);
void websocket_expect_text(struct edge_client *client, const char *text);
/* Waits for a ping; answers it with its payload. */
struct websocket_frame websocket_expect_ping(struct edge_client *client);
void websocket_answer_ping(struct edge_client *client);
/* Waits for a close frame with that status, answers it, and waits for the end. Texts before it are
 * skipped. `reason` may be NULL. */
void websocket_expect_close(struct edge_client *client, unsigned status, const char *reason);

/* --- YouIM --- */

#define YOUIM_HEAD_BYTES 5

void youim_write_head(unsigned char head[YOUIM_HEAD_BYTES], unsigned type, size_t length);
void youim_add(struct buffer *out, unsigned type, struct slice body);
void youim_send(struct edge_client *client, unsigned type, const char *body);
/* Waits for exactly this frame next, and takes it. */
void youim_expect(struct edge_client *client, unsigned type, const char *body);

#endif
