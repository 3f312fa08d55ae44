/* Answers over HTTP. */
#include "services/gateway/edge/http_answer.h"

#include <string.h>

#define HEAD_BYTES ((size_t)2048)

/* Every answer has these. A page may load files and send requests from and to this server alone; no
 * other page may show it in a frame. */
static const char guards[] =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self';"
    " manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'; require-trusted-types-for 'script'\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n";

static bool is_head(struct lws *wsi) { return lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0; }

/* A request with a body is the last one: nobody wants the body. Neither is a socket kept where many
 * others are, since they would take the place of WebSockets. */
static bool may_keep(const struct edge_shared *shared, struct lws *wsi) {
    const struct edge_library *library = &shared->library;
    char version[16] = "";
    bool plain = is_head(wsi) || lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0;
    bool body = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0 ||
                lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0;
    if (lws_hdr_copy(wsi, version, sizeof version, WSI_TOKEN_HTTP) <= 0)
        return false;
    return plain && !body && strcmp(version, "HTTP/1.1") == 0 &&
           library->sockets - library->connected <= EDGE_KEPT_SOCKETS;
}

static void write_head(struct buffer *out, const struct edge_http_answer *answer, bool keep) {
    buffer_printf(out, "HTTP/1.1 %s\r\n", answer->status);
    if (answer->type != NULL)
        buffer_printf(out, "Content-Type: %s\r\nContent-Length: %zu\r\n", answer->type,
                      answer->body.length);
    buffer_printf(out, "Cache-Control: %s\r\n%s%sConnection: %s\r\n\r\n", answer->cache,
                  answer->more, guards, keep ? "keep-alive" : "close");
}

/* With the body, so that one send takes both. */
static int write_all(struct edge_shared *shared, struct lws *wsi,
                     const struct edge_http_answer *answer) {
    struct buffer out = buffer_make(HEAD_BYTES + EDGE_PIECE_BYTES);
    struct slice now = is_head(wsi) ? slice_make(NULL, 0) : answer->body;
    struct slice rest = slice_make(NULL, 0);
    bool last = edge_library_is_last_request(wsi) || answer->last;
    bool keep = !last && may_keep(shared, wsi);
    if (now.length > EDGE_PIECE_BYTES) {
        rest = slice_make(now.data + EDGE_PIECE_BYTES, now.length - EDGE_PIECE_BYTES);
        now.length = EDGE_PIECE_BYTES;
    }
    write_head(&out, answer, keep);
    buffer_add(&out, now.data, now.length);
    int written =
        out.failed ? -1 : lws_write(wsi, (unsigned char *)out.data, out.length, LWS_WRITE_RAW);
    buffer_free(&out);
    if (written < 0)
        return -1;
    if (rest.length > 0)
        return edge_download_begin(&shared->downloads, wsi, answer->site, rest, keep);
    return keep ? lws_http_transaction_completed(wsi) : -1;
}

int edge_http_answer(struct edge_shared *shared, struct lws *wsi,
                     const struct edge_http_answer *answer) {
    static const struct edge_http_answer busy = {
        .status = "503 Service Unavailable",
        .type = "text/plain; charset=utf-8",
        .cache = "no-store",
        .more = "Retry-After: 5\r\n",
        .body = {.data = "Too many clients are reading.\n", .length = 30}};
    bool is_long = answer->body.length > EDGE_PIECE_BYTES && !is_head(wsi);
    if (edge_download_is_under_way(&shared->downloads, wsi))
        return -1; /* libwebsockets hands over the next request before this one is answered */
    return write_all(shared, wsi,
                     is_long && edge_downloads_is_full(&shared->downloads) ? &busy : answer);
}
