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

bool edge_http_is(const struct edge_http_request *request, const char *method) {
    return slice_equal(request->method, slice_text(method));
}

/* A request with a body is the last one: nobody wants the body. Neither is a socket kept where many
 * others are, since they would take the place of WebSockets. */
static bool may_keep(const struct edge_http_socket *socket,
                     const struct edge_http_request *request) {
    const struct edge_library *library = &socket->shared->library;
    bool plain = edge_http_is(request, "GET") || edge_http_is(request, "HEAD");
    return plain && !edge_http_has_body(request) && request->is_1_1 &&
           !edge_http_says(request, "Connection", "close") &&
           socket->requests < EDGE_REQUESTS_MAX &&
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

void edge_http_answer(struct edge_http_socket *socket, const struct edge_http_request *request,
                      const struct edge_http_answer *answer) {
    static const struct edge_http_answer busy = {
        .status = "503 Service Unavailable",
        .type = "text/plain; charset=utf-8",
        .cache = "no-store",
        .more = "Retry-After: 5\r\n",
        .body = {.data = "Too many clients are reading.\n", .length = 30}};
    bool is_head = edge_http_is(request, "HEAD");
    if (answer->body.length > EDGE_PIECE_BYTES && !is_head &&
        socket->shared->downloads >= EDGE_DOWNLOADS_MAX)
        answer = &busy;
    const struct edge_http_body body = {.bytes = is_head ? slice_make(NULL, 0) : answer->body,
                                        .site = answer->site};
    struct buffer head = buffer_make(HEAD_BYTES + EDGE_PIECE_BYTES);
    bool keep = !answer->last && may_keep(socket, request);
    write_head(&head, answer, keep);
    edge_http_write(socket, &head, &body, keep);
    buffer_free(&head);
}
