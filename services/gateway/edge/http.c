/* The HTTP port: its plain answers, and the upgrade to a WebSocket. */
#include "services/gateway/edge/http.h"

#include <stdio.h>
#include <string.h>

#include "services/gateway/edge/http_answer.h"
#include "services/gateway/edge/http_header.h"
#include "services/gateway/edge/origin.h"
#include "services/gateway/edge/websocket.h"

/* libwebsockets takes lists of at most 126 bytes, and names of at most 62, in a request for an
 * upgrade. */
#define EDGE_LIST_BYTES 127
#define EDGE_KEY_BYTES 24

/* --- plain HTTP --- */

static const char text_type[] = "text/plain; charset=utf-8";

static int answer_text(struct edge_shared *shared, struct lws *wsi, const char *status,
                       const char *more, const char *text) {
    const struct edge_http_answer answer = {.status = status,
                                            .type = text_type,
                                            .cache = "no-store",
                                            .more = more,
                                            .body = slice_text(text)};
    return edge_http_answer(shared, wsi, &answer);
}

/* The header's lines, joined; empty where there is none, or it is too long to be of use. */
static struct slice header(struct lws *wsi, enum lws_token_indexes token, char *out, int size) {
    int length = lws_hdr_copy(wsi, out, size, token);
    return slice_make(out, length > 0 ? (size_t)length : 0);
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

static int answer_file(struct edge_shared *shared, struct lws *wsi,
                       const struct edge_site_file *file) {
    char accepted[512], tags[512], more[128];
    const char *coding;
    const struct edge_site_form *form = choose_form(
        file, header(wsi, WSI_TOKEN_HTTP_ACCEPT_ENCODING, accepted, sizeof accepted), &coding);
    bool known = edge_http_has_tag(header(wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH, tags, sizeof tags),
                                   slice_text(form->tag));
    const struct edge_http_answer answer = {.status = known ? "304 Not Modified" : "200 OK",
                                            .type = known ? NULL : file->type,
                                            .cache = "no-cache",
                                            .more = more,
                                            .body = known ? slice_make(NULL, 0) : form->bytes,
                                            .site = shared->site};
    int length = snprintf(more, sizeof more, "ETag: %s\r\nVary: Accept-Encoding\r\n", form->tag);
    if (coding != NULL && !known)
        snprintf(more + length, sizeof more - (size_t)length, "Content-Encoding: %s\r\n", coding);
    return edge_http_answer(shared, wsi, &answer);
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

static int on_http(struct edge_shared *shared, struct lws *wsi, struct slice path) {
    const struct edge_http_answer info = {.status = "200 OK",
                                          .type = "application/json",
                                          .cache = "no-store",
                                          .more = "",
                                          .body = slice_text(shared->settings->info)};
    if (lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) <= 0 &&
        lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) <= 0)
        return answer_text(shared, wsi, "405 Method Not Allowed", "Allow: GET, HEAD\r\n",
                           "Only GET and HEAD are answered.\n");
    if (slice_equal(path, slice_text("/healthz")))
        return answer_text(shared, wsi, "200 OK", "", "ok\n");
    if (slice_equal(path, slice_text("/api/info")))
        return edge_http_answer(shared, wsi, &info);
    const struct edge_site_file *file =
        shared->site == NULL ? NULL : edge_site_find(shared->site, path);
    if (file != NULL)
        return answer_file(shared, wsi, file);
    if (shared->site == NULL && slice_equal(path, slice_text("/")))
        return answer_text(shared, wsi, "200 OK", "", about);
    return answer_text(shared, wsi, "404 Not Found", "", "There is nothing here.\n");
}

/* --- the upgrade --- */

/*
 * libwebsockets refuses clients that offer only subprotocols which it doesn't know; browsers and
 * proxies do offer some. So protocols[0] takes the name of the offered protocol while the handshake
 * looks it up, and no name when the answer is made, which then names none. false: libwebsockets
 * would not take the offer, and close without a word.
 */
static bool accept_any_subprotocol(struct edge_library *library, struct lws *wsi) {
    char offered[EDGE_LIST_BYTES];
    struct lws_tokenize tokens;
    int length = lws_hdr_copy(wsi, offered, sizeof offered, WSI_TOKEN_PROTOCOL);
    if (length <= 0)
        return length == 0;
    lws_tokenize_init(&tokens, offered,
                      LWS_TOKENIZE_F_COMMA_SEP_LIST | LWS_TOKENIZE_F_MINUS_NONTERM |
                          LWS_TOKENIZE_F_DOT_NONTERM | LWS_TOKENIZE_F_RFC7230_DELIMS);
    tokens.len = (size_t)length;
    lws_tokenize_elem element = lws_tokenize(&tokens);
    while (element == LWS_TOKZE_DELIMITER)
        element = lws_tokenize(&tokens);
    return element == LWS_TOKZE_TOKEN &&
           lws_tokenize_cstr(&tokens, library->subprotocol, sizeof library->subprotocol) == 0;
}

/* The header Connection names the upgrade, in a form that libwebsockets takes. */
static bool asks_for_upgrade(struct lws *wsi) {
    char list[EDGE_LIST_BYTES];
    return edge_http_has_word(header(wsi, WSI_TOKEN_CONNECTION, list, sizeof list), "upgrade");
}

static bool is_from_allowed_page(const struct edge_shared *shared, struct lws *wsi) {
    char origin[512], host[512];
    if (lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) <= 0)
        return true; /* no browser */
    return edge_origin_is_allowed(shared->settings->allowed_origins,
                                  header(wsi, WSI_TOKEN_ORIGIN, origin, sizeof origin),
                                  header(wsi, WSI_TOKEN_HOST, host, sizeof host));
}

static int refuse_upgrade(struct edge_shared *shared, struct lws *wsi, const char *status,
                          const char *text) {
    const struct edge_http_answer answer = {.status = status,
                                            .type = text_type,
                                            .cache = "no-store",
                                            .more = "Upgrade: websocket\r\n"
                                                    "Sec-WebSocket-Version: 13\r\n",
                                            .body = slice_text(text),
                                            .last = true};
    return edge_http_answer(shared, wsi, &answer);
}

static int on_upgrade(struct edge_shared *shared, struct lws *wsi, const char *protocol) {
    char version[8], key[32];
    if (protocol == NULL || strcasecmp(protocol, "websocket") != 0) /* h2c and the like */
        return refuse_upgrade(shared, wsi, "426 Upgrade Required",
                              "The only upgrade here is that to a WebSocket.\n");
    if (!slice_equal(header(wsi, WSI_TOKEN_VERSION, version, sizeof version), slice_text("13")))
        return refuse_upgrade(shared, wsi, "426 Upgrade Required",
                              "The only version of WebSockets here is 13.\n");
    if (lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) <= 0 || !asks_for_upgrade(wsi) ||
        lws_hdr_total_length(wsi, WSI_TOKEN_HOST) <= 0 ||
        header(wsi, WSI_TOKEN_KEY, key, sizeof key).length != EDGE_KEY_BYTES)
        return refuse_upgrade(shared, wsi, "400 Bad Request",
                              "A WebSocket begins with GET, Host, Connection: Upgrade and a "
                              "Sec-WebSocket-Key of 24 characters (RFC 6455, 4.1).\n");
    if (!is_from_allowed_page(shared, wsi))
        return refuse_upgrade(shared, wsi, "403 Forbidden",
                              "Pages of another server may not connect here, unless the option "
                              "allowed_origins names their Origin; a proxy must pass the header "
                              "Host on.\n");
    if (!accept_any_subprotocol(&shared->library, wsi))
        return refuse_upgrade(shared, wsi, "400 Bad Request",
                              "Sec-WebSocket-Protocol is too long, or no list of names: at most "
                              "126 bytes, 62 for the first name. It may be left out.\n");
    return 0;
}

/* --- libwebsockets --- */

int edge_http_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                       size_t length) {
    struct edge_shared *shared = lws_context_user(lws_get_context(wsi));
    switch (reason) {
    case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
        return edge_tls_set_up(&shared->tls, user);
    case LWS_CALLBACK_SSL_INFO:
        (void)edge_connection_shakes(shared, wsi, in);
        return 0;
    /* These two are called for every socket, those of the other transports too. */
    case LWS_CALLBACK_WSI_CREATE:
        edge_library_created(&shared->library);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        if (user != NULL) /* libwebsockets left out the proper callback */
            edge_connection_socket_closed(user);
        edge_downloads_forget(&shared->downloads, wsi);
        if (edge_library_failed_to_shake(wsi))
            shared->handlers->on_handshake(shared->argument, false);
        edge_library_destroyed(&shared->library, wsi);
        return 0;
    case LWS_CALLBACK_HTTP:
        return on_http(shared, wsi, slice_make(in, length));
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return edge_download_writeable(&shared->downloads, wsi);
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return on_upgrade(shared, wsi, in);
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
