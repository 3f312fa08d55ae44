/* The HTTP port: its plain answers, and the upgrade to a WebSocket. */
#include "services/gateway/edge/http.h"

#include <string.h>

#include "services/gateway/edge/websocket.h"

/* --- opening --- */

/*
 * libwebsockets refuses clients that offer only subprotocols which it doesn't know; browsers and
 * proxies do offer some. So protocols[0] takes the name of what is offered, while the
 * handshake looks it up, and no name when the answer is made, which then names none.
 */
static void accept_any_subprotocol(struct edge_library *library, struct lws *wsi) {
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
        (void)lws_tokenize_cstr(&tokens, library->subprotocol, sizeof library->subprotocol);
}

static int on_upgrade(struct edge_library *library, struct lws *wsi, const char *protocol) {
    if (protocol == NULL || strcasecmp(protocol, "websocket") != 0)
        return -1; /* h2c and the like */
    accept_any_subprotocol(library, wsi);
    return 0;
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

/* For a person who opens the address in a browser. */
static const char about[] =
    "This is parley, an instant-messaging server.\n"
    "\n"
    "Chat programs connect here over WebSocket, at any path. docs/protocol.md\n"
    "describes the messages, docs/clients.md the settings of each client, README.md\n"
    "how to begin. They are in the folder that the server was built from.\n"
    "\n"
    "/healthz answers while the server runs.\n";

static int on_http(struct lws *wsi, const char *path) {
    if (path != NULL && strcmp(path, "/") == 0)
        return answer_http(wsi, HTTP_STATUS_OK, about);
    if (path != NULL && strcmp(path, "/healthz") == 0)
        return answer_http(wsi, HTTP_STATUS_OK, "ok\n");
    return answer_http(wsi, HTTP_STATUS_NOT_FOUND, "There is nothing here.\n");
}

/* --- libwebsockets --- */

int edge_http_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                       size_t length) {
    struct edge_shared *shared = lws_context_user(lws_get_context(wsi));
    switch (reason) {
    /* These two are called for every socket, those of the other transports too. */
    case LWS_CALLBACK_WSI_CREATE:
        edge_library_created(&shared->library);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        if (user != NULL) /* libwebsockets left out the proper callback */
            edge_connection_socket_closed(user);
        edge_library_destroyed(&shared->library, wsi);
        return 0;
    case LWS_CALLBACK_HTTP:
        return on_http(wsi, in);
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return on_upgrade(&shared->library, wsi, in);
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        shared->library.subprotocol[0] = '\0';
        return 0;
    case LWS_CALLBACK_RAW_ADOPT: /* what libwebsockets makes of HTTP's CONNECT */
    case LWS_CALLBACK_RAW_RX:
        return -1;
    default:
        return edge_websocket_event(shared, wsi, reason, user, slice_make(in, length));
    }
}
