/* The HTTP port: its plain answers, and the upgrade to a WebSocket. */
#include "services/gateway/edge/http.h"

#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "services/gateway/edge/admin.h"
#include "services/gateway/edge/exchange_private.h"
#include "services/gateway/edge/http_answer.h"
#include "services/gateway/edge/origin.h"
#include "services/gateway/edge/websocket.h"

#define EDGE_KEY_BYTES 24
/* What a key is hashed with (RFC 6455, 1.3). */
#define KEY_SUFFIX "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define SHA1_BYTES 20
#define ACCEPT_BYTES 32

/* --- plain HTTP --- */

static const char text_type[] = "text/plain; charset=utf-8";

static void answer_text(struct edge_http_socket *socket, const struct edge_http_request *request,
                        const char *status, const char *more, const char *text) {
    const struct edge_http_answer answer = {.status = status,
                                            .type = text_type,
                                            .cache = "no-store",
                                            .more = more,
                                            .body = slice_text(text)};
    edge_http_answer(socket, request, &answer);
}

/* The smallest form that the client takes. `coding_r`: for Content-Encoding, or NULL. */
static const struct edge_site_form *choose_form(const struct edge_site_file *file,
                                                struct slice accepted, const char **coding_r) {
    *coding_r = "br";
    if (file->brotli.bytes.length > 0 && edge_http_takes(accepted, *coding_r))
        return &file->brotli;
    *coding_r = "gzip";
    if (file->gzip.bytes.length > 0 && edge_http_takes(accepted, *coding_r))
        return &file->gzip;
    *coding_r = NULL;
    return &file->plain;
}

static void answer_file(struct edge_http_socket *socket, const struct edge_http_request *request,
                        const struct edge_site_file *file) {
    char more[128];
    const char *coding;
    const struct edge_site_form *form =
        choose_form(file, edge_http_value(request, "Accept-Encoding"), &coding);
    bool known =
        edge_http_has_tag(edge_http_value(request, "If-None-Match"), slice_text(form->tag));
    const struct edge_http_answer answer = {.status = known ? "304 Not Modified" : "200 OK",
                                            .type = known ? NULL : file->type,
                                            .cache = "no-cache",
                                            .more = more,
                                            .body = known ? slice_make(NULL, 0) : form->bytes,
                                            .site = socket->shared->site};
    int length = snprintf(more, sizeof more, "ETag: %s\r\nVary: Accept-Encoding\r\n", form->tag);
    if (coding != NULL && !known)
        snprintf(more + length, sizeof more - (size_t)length, "Content-Encoding: %s\r\n", coding);
    edge_http_answer(socket, request, &answer);
}

/* For a person who opens the address of a gateway without a page. */
static const char about[] =
    "This is parley, an instant-messaging server.\n"
    "\n"
    "Chat programs connect here over WebSocket, at any path. docs/protocol.md\n"
    "describes the messages, docs/clients.md the settings of each client, README.md\n"
    "how to begin. They are in the folder that the server was built from.\n"
    "\n"
    "/healthz answers while the server runs.\n";

static bool on_head(struct edge_http_socket *socket, enum edge_http_verdict verdict,
                    const struct edge_http_request *request);

/* NULL: there is none, for this client. */
static const struct edge_site_file *find_file(const struct edge_http_socket *socket,
                                              const struct edge_http_request *request,
                                              struct slice path) {
    const struct edge_shared *shared = socket->shared;
    const struct edge_settings *settings = shared->settings;
    const struct edge_socket *far = lws_get_opaque_user_data(socket->wsi);
    if (shared->site == NULL ||
        (edge_admin_is_at(path) &&
         !edge_admin_is_open(settings->admin_addresses, settings->proxy_protocol, far->remote.host,
                             request)))
        return NULL;
    return edge_site_find(shared->site, path);
}

/* false: the socket was left. */
static bool on_http(struct edge_http_socket *socket, const struct edge_http_request *request) {
    const struct edge_shared *shared = socket->shared;
    const struct edge_http_answer info = {.status = "200 OK",
                                          .type = "application/json",
                                          .cache = "no-store",
                                          .more = "",
                                          .body = slice_text(shared->settings->info)};
    char unescaped[EDGE_HEAD_BYTES];
    struct slice path = slice_make(unescaped, edge_http_unescape(request->path, unescaped));
    const struct edge_site_file *file = find_file(socket, request, path);
    if (edge_exchange_begin_with(socket, request, path, on_head))
        return false;
    if (!edge_http_is(request, "GET") && !edge_http_is(request, "HEAD"))
        answer_text(socket, request, "405 Method Not Allowed", "Allow: GET, HEAD\r\n",
                    "Only GET and HEAD are answered.\n");
    else if (slice_equal(path, slice_text("/healthz")))
        answer_text(socket, request, "200 OK", "", "ok\n");
    else if (slice_equal(path, slice_text("/api/info")))
        edge_http_answer(socket, request, &info);
    else if (file != NULL)
        answer_file(socket, request, file);
    else if (shared->site == NULL && slice_equal(path, slice_text("/")))
        answer_text(socket, request, "200 OK", "", about);
    else
        answer_text(socket, request, "404 Not Found", "", "There is nothing here.\n");
    return true;
}

/* --- the upgrade --- */

static bool is_from_allowed_page(const struct edge_http_socket *socket,
                                 const struct edge_http_request *request) {
    if (edge_http_count(request, "Origin") == 0)
        return true; /* no browser */
    return edge_http_count(request, "Origin") == 1 &&
           edge_origin_is_allowed(socket->shared->settings->allowed_origins,
                                  edge_http_value(request, "Origin"),
                                  edge_http_value(request, "Host"));
}

static void refuse_upgrade(struct edge_http_socket *socket, const struct edge_http_request *request,
                           const char *status, const char *text) {
    const struct edge_http_answer answer = {.status = status,
                                            .type = text_type,
                                            .cache = "no-store",
                                            .more = "Upgrade: websocket\r\n"
                                                    "Sec-WebSocket-Version: 13\r\n",
                                            .body = slice_text(text),
                                            .last = true};
    edge_http_answer(socket, request, &answer);
}

/* No subprotocol is chosen, whatever a client offers. */
static void write_acceptance(struct buffer *out, struct slice key) {
    char joined[EDGE_KEY_BYTES + sizeof KEY_SUFFIX], accept[ACCEPT_BYTES];
    unsigned char hash[SHA1_BYTES];
    memcpy(joined, key.data, EDGE_KEY_BYTES);
    memcpy(joined + EDGE_KEY_BYTES, KEY_SUFFIX, sizeof KEY_SUFFIX);
    lws_SHA1((const unsigned char *)joined, sizeof joined - 1, hash);
    lws_b64_encode_string((const char *)hash, sizeof hash, accept, sizeof accept);
    buffer_printf(out,
                  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                  "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                  accept);
}

/* false: the socket was left. */
static bool open_websocket(struct edge_http_socket *socket,
                           const struct edge_http_request *request) {
    struct edge_shared *shared = socket->shared;
    struct lws *wsi = socket->wsi;
    struct buffer out = buffer_make(1024), rest;
    write_acceptance(&out, edge_http_value(request, "Sec-WebSocket-Key"));
    bool refused = edge_websocket_is_refused(shared, wsi, &out);
    if (refused || out.failed) {
        edge_http_write(socket, &out, &(const struct edge_http_body){0}, false);
        buffer_free(&out);
        return true;
    }
    int written = lws_write(wsi, (unsigned char *)out.data, out.length, LWS_WRITE_RAW);
    buffer_free(&out);
    size_t length = (size_t)(request->headers.data + request->headers.length - socket->in.data);
    edge_http_leave(socket, &rest);
    if (written < 0)
        edge_library_close(&shared->library, wsi);
    else
        edge_websocket_open(shared, wsi, slice_make(rest.data + length, rest.length - length));
    buffer_free(&rest);
    return false;
}

static bool on_upgrade(struct edge_http_socket *socket, const struct edge_http_request *request) {
    if (!edge_http_says(request, "Upgrade", "websocket")) /* h2c and the like */
        refuse_upgrade(socket, request, "426 Upgrade Required",
                       "The only upgrade here is that to a WebSocket.\n");
    else if (!slice_equal(edge_http_value(request, "Sec-WebSocket-Version"), slice_text("13")))
        refuse_upgrade(socket, request, "426 Upgrade Required",
                       "The only version of WebSockets here is 13.\n");
    else if (!edge_http_is(request, "GET") || !edge_http_says(request, "Connection", "upgrade") ||
             edge_http_count(request, "Host") != 1 ||
             edge_http_count(request, "Sec-WebSocket-Key") != 1 ||
             edge_http_value(request, "Sec-WebSocket-Key").length != EDGE_KEY_BYTES)
        refuse_upgrade(socket, request, "400 Bad Request",
                       "A WebSocket begins with GET, Host, Connection: Upgrade and a "
                       "Sec-WebSocket-Key of 24 characters (RFC 6455, 4.1).\n");
    else if (!is_from_allowed_page(socket, request))
        refuse_upgrade(socket, request, "403 Forbidden",
                       "Pages of another server may not connect here, unless the option "
                       "allowed_origins names their Origin; a proxy must pass the header "
                       "Host on.\n");
    else
        return open_websocket(socket, request);
    return true;
}

/* --- heads that are refused --- */

static void refuse(struct edge_http_socket *socket, const struct edge_http_request *request,
                   const char *status, const char *text) {
    log_debug("http_refused", "status=\"%s\" bytes=%zu", status, socket->in.length);
    const struct edge_http_answer answer = {.status = status,
                                            .type = text_type,
                                            .cache = "no-store",
                                            .more = "",
                                            .body = slice_text(text),
                                            .last = true};
    edge_http_answer(socket, request, &answer);
}

static bool on_head(struct edge_http_socket *socket, enum edge_http_verdict verdict,
                    const struct edge_http_request *request) {
    switch (verdict) {
    case EDGE_HTTP_PART:
        break;
    case EDGE_HTTP_WHOLE:
        if (edge_http_count(request, "Host") > 1)
            refuse(socket, request, "400 Bad Request",
                   "A request has one header Host, and no second one (RFC 9112, 3.2).\n");
        else if (edge_http_count(request, "Upgrade") > 0)
            return on_upgrade(socket, request);
        else
            return on_http(socket, request);
        break;
    case EDGE_HTTP_TOO_LARGE:
        refuse(socket, request, "431 Request Header Fields Too Large",
               "At most 8192 bytes of a request line and headers are taken.\n");
        break;
    case EDGE_HTTP_BAD:
        refuse(socket, request, "400 Bad Request",
               "A request begins with a line such as \"GET / HTTP/1.1\" and has one header on each "
               "line; lines end with CR LF and have no other control characters.\n");
        break;
    }
    return true;
}

/* --- libwebsockets --- */

/* The socket is closed, whatever it was. */
static void on_closed(struct lws *wsi, struct edge_connection *connection) {
    struct edge_socket *socket = lws_get_opaque_user_data(wsi);
    if (socket != NULL) {
        edge_http_free(&socket->http);
        edge_exchange_free(&socket->exchange);
    }
    if (connection != NULL)
        edge_connection_socket_closed(connection);
}

/* Events of a socket that is no connection, or not yet. */
static int on_socket(struct edge_shared *shared, struct lws *wsi,
                     enum lws_callback_reasons reason) {
    struct edge_socket *socket = lws_get_opaque_user_data(wsi);
    if (socket->http != NULL && reason == LWS_CALLBACK_RAW_WRITEABLE) {
        edge_http_writeable(socket->http);
        return 0;
    }
    if (socket->exchange != NULL && reason == LWS_CALLBACK_RAW_WRITEABLE) {
        edge_exchange_writeable(socket->exchange);
        return 0;
    }
    return edge_library_take(wsi) ? edge_http_begin(shared, wsi, on_head) : 0;
}

int edge_http_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                       size_t length) {
    (void)length;
    struct edge_shared *shared = lws_context_user(lws_get_context(wsi));
    switch (reason) {
    case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
        return edge_tls_set_up(&shared->tls, user);
    case LWS_CALLBACK_SSL_INFO:
        edge_connection_shakes(shared, wsi, in);
        return 0;
    /* These two are called for every socket, those of the other transports too. */
    case LWS_CALLBACK_WSI_CREATE:
        edge_library_created(&shared->library);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        on_closed(wsi, user); /* libwebsockets may have left out the proper callback */
        if (edge_library_failed_to_shake(wsi))
            shared->handlers->on_handshake(shared->argument, false);
        edge_library_destroyed(&shared->library, wsi);
        return 0;
    case LWS_CALLBACK_RAW_ADOPT:
        return on_socket(shared, wsi, reason);
    case LWS_CALLBACK_RAW_WRITEABLE:
        return user != NULL ? edge_connection_writeable(user) : on_socket(shared, wsi, reason);
    case LWS_CALLBACK_RAW_CLOSE:
        on_closed(wsi, user);
        return 0;
    default:
        return 0;
    }
}
