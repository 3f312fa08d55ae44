/*
 * WebSocket and HTTP, as libwebsockets calls for them: assembling messages, the close frames, the
 * marks (pings), and the two answers that plain HTTP gets.
 */
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "services/gateway/edge/private.h"

#define OPCODE_PING 9
#define MARK_BYTES sizeof(uint64_t)

static const char too_long[] = "the message is longer than 65536 bytes";
static const char no_memory[] = "the server is short of memory";

/* --- sending --- */

size_t edge_frame_head(unsigned char head[EDGE_FRAME_HEAD_BYTES], unsigned opcode, size_t length) {
    head[0] = (unsigned char)(0x80 | opcode); /* a whole message */
    if (length < 126) {
        head[1] = (unsigned char)length;
        return 2;
    }
    if (length < 65536) {
        head[1] = 126;
        head[2] = (unsigned char)(length >> 8);
        head[3] = (unsigned char)length;
        return 4;
    }
    head[1] = 127;
    uint64_t wide = htobe64(length);
    memcpy(head + 2, &wide, sizeof wide);
    return EDGE_FRAME_HEAD_BYTES;
}

int edge_websocket_ping(struct edge_connection *connection) {
    unsigned char head[EDGE_FRAME_HEAD_BYTES];
    size_t head_length = edge_frame_head(head, OPCODE_PING, MARK_BYTES);
    uint64_t payload = htobe64(connection->mark);
    const struct slice pieces[] = {slice_make((const char *)head, head_length),
                                   slice_make((const char *)&payload, MARK_BYTES)};
    return edge_queue(connection, pieces, 2);
}

int edge_websocket_mark(struct edge_connection *connection) {
    connection->mark++;
    return edge_websocket_ping(connection);
}

static void on_pong(struct edge_connection *connection, const void *payload, size_t length) {
    uint64_t number;
    if (!connection->marked || length != MARK_BYTES)
        return; /* a client may send pongs of its own */
    memcpy(&number, payload, sizeof number);
    if (be64toh(number) != connection->mark)
        return;
    connection->marked = false;
    connection->edge->handlers->on_reached(connection->edge->argument, connection);
}

/* --- receiving --- */

static void hand_over(struct edge_connection *connection, struct slice message) {
    struct slice object;
    const char *fault = edge_json_check(message, &object);
    if (fault == NULL) {
        connection->edge->handlers->on_object(connection->edge->argument, connection, object);
        return;
    }
    edge_count_fault(connection, fault);
    if (fault == edge_json_not_utf8)
        edge_close(connection, 1007, fault);
}

static void keep_waiting(struct edge_connection *connection, struct slice message) {
    uint32_t length = (uint32_t)message.length;
    if (buffer_add(&connection->waiting, &length, sizeof length) != 0 ||
        buffer_add(&connection->waiting, message.data, message.length) != 0)
        edge_close(connection, 1011, no_memory);
}

void edge_websocket_resume(struct edge_connection *connection, struct slice waiting) {
    while (waiting.length != 0 && connection->state == EDGE_OPEN && !connection->paused) {
        uint32_t length;
        memcpy(&length, waiting.data, sizeof length);
        struct slice message = slice_make(waiting.data + sizeof length, length);
        waiting.data += sizeof length + length;
        waiting.length -= sizeof length + length;
        hand_over(connection, message);
    }
    if (connection->state == EDGE_OPEN &&
        buffer_add(&connection->waiting, waiting.data, waiting.length) != 0)
        edge_close(connection, 1011, no_memory);
}

static void on_message(struct edge_connection *connection, struct slice message) {
    if (edge_must_wait(connection))
        keep_waiting(connection, message);
    else
        hand_over(connection, message);
}

/* A part of a message: libwebsockets tells of each frame in as many pieces as it was read in. */
static void on_part(struct edge_connection *connection, struct slice part) {
    if (connection->state != EDGE_OPEN || connection->end_told)
        return;
    size_t rest = lws_remaining_packet_payload(connection->wsi);
    size_t room = EDGE_MAX_OBJECT - connection->message.length;
    if (part.length > room || rest > room - part.length) {
        edge_count_fault(connection, too_long);
        edge_close(connection, 1009, too_long);
        return;
    }
    bool whole = lws_is_final_fragment(connection->wsi) && rest == 0;
    if (whole && connection->message.length == 0) { /* the usual case, without a copy */
        on_message(connection, part);
        return;
    }
    if (buffer_add(&connection->message, part.data, part.length) != 0) {
        edge_close(connection, 1011, no_memory);
        return;
    }
    if (!whole)
        return;
    /* Taken over first: a handler that closes would free it in the middle of its use. */
    struct buffer message = connection->message;
    connection->message = buffer_make(message.max);
    on_message(connection, slice_make(message.data, message.length));
    buffer_free(&message);
}

/* --- opening --- */

/*
 * libwebsockets refuses clients that offer only subprotocols which it doesn't know; browsers and
 * proxies do offer some. So protocols[0] takes the name of what is offered, for as long as the
 * handshake looks it up, and no name when the answer is made, which then names none.
 */
static void accept_any_subprotocol(struct edge *edge, struct lws *wsi) {
    char offered[256];
    struct lws_tokenize tokens;
    int length = lws_hdr_copy(wsi, offered, sizeof offered - 1, WSI_TOKEN_PROTOCOL);
    if (length <= 0)
        return;
    lws_tokenize_init(&tokens, offered,
                      LWS_TOKENIZE_F_COMMA_SEP_LIST | LWS_TOKENIZE_F_MINUS_NONTERM |
                          LWS_TOKENIZE_F_DOT_NONTERM | LWS_TOKENIZE_F_RFC7230_DELIMS);
    tokens.len = (size_t)length;
    lws_tokenize_elem element = lws_tokenize(&tokens);
    while (element == LWS_TOKZE_DELIMITER)
        element = lws_tokenize(&tokens);
    if (element == LWS_TOKZE_TOKEN)
        (void)lws_tokenize_cstr(&tokens, edge->subprotocol, sizeof edge->subprotocol);
}

static int on_upgrade(struct edge *edge, struct lws *wsi, const char *protocol) {
    if (protocol == NULL || strcasecmp(protocol, "websocket") != 0)
        return -1; /* h2c and the like */
    accept_any_subprotocol(edge, wsi);
    return 0;
}

static int on_established(struct edge *edge, struct lws *wsi) {
    if (edge->count >= edge->limit) {
        edge_refused(edge, EDGE_WEBSOCKET);
        lws_callback_on_writable(wsi); /* without a connection: refused there */
        return 0;
    }
    return edge_connection_new(edge, wsi, EDGE_WEBSOCKET) != NULL ? 0 : -1;
}

static int refuse(struct lws *wsi) {
    static char reason[] = "the server is full";
    lws_close_reason(wsi, (enum lws_close_status)1013, (unsigned char *)reason, sizeof reason - 1);
    return -1;
}

/* --- plain HTTP --- */

static int answer_http(struct lws *wsi, unsigned status, const char *text) {
    unsigned char bytes[LWS_PRE + 1024], *start = bytes + LWS_PRE, *p = start;
    unsigned char *limit = bytes + sizeof bytes - 1;
    bool get = lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0;
    bool head = lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;
    size_t length = strlen(text);
    if (lws_add_http_common_headers(wsi, status, "text/plain; charset=utf-8", length, &p, limit) ||
        lws_finalize_http_header(wsi, &p, limit) || length > (size_t)(limit - p))
        return -1;
    if (!head) { /* behind the headers, so that one send takes both */
        memcpy(p, text, length);
        p += length;
    }
    if (lws_write(wsi, start, (size_t)(p - start), LWS_WRITE_HTTP_HEADERS) < 0)
        return -1;
    if (!get && !head)
        return -1; /* a body may follow, which nobody wants */
    return lws_http_transaction_completed(wsi);
}

/* What somebody sees who opens the address in a browser. */
static const char about[] =
    "This is parley, an instant-messaging server.\n"
    "\n"
    "Chat programs come here over WebSocket, at any path. Which messages they say\n"
    "stands in docs/protocol.md, what to point where in docs/clients.md, how to\n"
    "begin in README.md: all in the folder that the server was built from.\n"
    "\n"
    "/healthz tells whether the server runs.\n";

static int on_http(struct lws *wsi, const char *path) {
    if (path != NULL && strcmp(path, "/") == 0)
        return answer_http(wsi, HTTP_STATUS_OK, about);
    if (path != NULL && strcmp(path, "/healthz") == 0)
        return answer_http(wsi, HTTP_STATUS_OK, "ok\n");
    return answer_http(wsi, HTTP_STATUS_NOT_FOUND, "There is nothing here.\n");
}

/* --- libwebsockets --- */

/* Callbacks of a WebSocket that has its connection. */
static int on_connection(struct edge_connection *connection, enum lws_callback_reasons reason,
                         void *in, size_t length) {
    switch (reason) {
    case LWS_CALLBACK_RECEIVE:
        on_part(connection, slice_make(in, length));
        return 0;
    case LWS_CALLBACK_RECEIVE_PONG:
        on_pong(connection, in, length);
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return edge_writeable(connection);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
    case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL:
        edge_abandon(connection);
        return 0;
    case LWS_CALLBACK_CLOSED:
        edge_lost(connection);
        return 0;
    default:
        return 0;
    }
}

int edge_websocket_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                            size_t length) {
    struct edge *edge = lws_context_user(lws_get_context(wsi));
    switch (reason) {
    /* These two come for every socket, those of the other transport too. */
    case LWS_CALLBACK_WSI_CREATE:
        edge->sockets++;
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        if (user != NULL) /* libwebsockets left out the proper callback */
            edge_lost(user);
        edge_proxy_forget(edge, wsi);
        edge->sockets--;
        return 0;
    case LWS_CALLBACK_HTTP:
        return on_http(wsi, in);
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return on_upgrade(edge, wsi, in);
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        edge->subprotocol[0] = '\0';
        return 0;
    case LWS_CALLBACK_ESTABLISHED:
        return on_established(edge, wsi);
    case LWS_CALLBACK_RAW_ADOPT: /* what libwebsockets makes of HTTP's CONNECT */
    case LWS_CALLBACK_RAW_RX:
        return -1;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        if (user == NULL)
            return refuse(wsi);
        break;
    default:
        break;
    }
    return user != NULL ? on_connection(user, reason, in, length) : 0;
}
