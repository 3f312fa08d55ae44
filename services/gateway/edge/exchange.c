/* Requests over HTTP that the owner answers; see exchange.h. */
#include "services/gateway/edge/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/gateway/edge/exchange_parts.h"
#include "services/gateway/edge/exchange_private.h"

/* limit: gateway | written to a download in its turn | {WRITE_BYTES} | the rest in its next one */
#define WRITE_BYTES (2 * EDGE_WRITE_BYTES)
/* limit: client | uploads and downloads over one HTTP socket | {EXCHANGES_MAX} | closed behind the
 * answer */
#define EXCHANGES_MAX 100

/* --- what it is ------------------------------------------------------------------------------ */

void edge_exchange_set_owner(struct edge_exchange *exchange, void *owner) {
    exchange->owner = owner;
}

void *edge_exchange_owner(const struct edge_exchange *exchange) { return exchange->owner; }

enum edge_method edge_exchange_method(const struct edge_exchange *exchange) {
    return exchange->method;
}

struct slice edge_exchange_path(const struct edge_exchange *exchange) {
    return exchange->path;
}

struct slice edge_exchange_raw_path(const struct edge_exchange *exchange) {
    return exchange->request.path;
}

struct slice edge_exchange_query(const struct edge_exchange *exchange) {
    return exchange->query;
}

const char *edge_exchange_host(const struct edge_exchange *exchange) {
    return exchange->socket->remote.host;
}

uint64_t edge_exchange_length(const struct edge_exchange *exchange) { return exchange->length; }

struct slice edge_exchange_header(const struct edge_exchange *exchange, const char *name) {
    return edge_http_value(&exchange->request, name);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void wait_for_kernel(struct edge_exchange *exchange) {
    edge_exchange_wait_for_client(exchange, exchange->shared->settings->vanished_timeout_ms);
    lws_callback_on_writable(exchange->wsi);
}

static void on_timer(struct ev_loop *ev, ev_timer *watcher, int revents) {
    (void)ev;
    (void)revents;
    edge_exchange_look_late(watcher->data);
}

/* The socket is not at it any more. */
static void release(struct edge_exchange *exchange, bool complete) {
    if (exchange->owned)
        edge_exchange_handlers_of(exchange)->on_end(exchange, complete);
    edge_turns_leave(exchange->turns, &exchange->turn);
    ev_io_stop(exchange->shared->ev, &exchange->readable);
    ev_timer_stop(exchange->shared->ev, &exchange->timer);
    exchange->shared->exchanges--;
    edge_address_end_exchange(exchange->socket->remote.counted);
    exchange->socket->exchange = NULL;
    buffer_free(&exchange->asked);
    buffer_free(&exchange->ahead);
    buffer_free(&exchange->head);
    free(exchange);
}

void edge_exchange_free(struct edge_exchange **exchange) {
    if (*exchange != NULL)
        release(*exchange, false);
}

/* --- the answer ------------------------------------------------------------------------------ */

static bool has_no_body(const char *status) {
    return strncmp(status, "204", 3) == 0 || strncmp(status, "304", 3) == 0;
}

/* What is left of the body goes nowhere. */
static void write_head(struct edge_exchange *exchange, const char *status, const char *headers,
                       uint64_t length) {
    struct buffer *head = &exchange->head;
    exchange->answered = true;
    exchange->keep = exchange->keep && exchange->body_left == 0;
    ev_io_stop(exchange->shared->ev, &exchange->readable);
    buffer_printf(head, "HTTP/1.1 %s\r\n", status);
    if (!has_no_body(status))
        buffer_printf(head, "Content-Length: %llu\r\n", (unsigned long long)length);
    buffer_printf(head,
                  "%sX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
                  "Connection: %s\r\n\r\n",
                  headers, exchange->keep ? "keep-alive" : "close");
    exchange->left = exchange->method == EDGE_HEAD || has_no_body(status) ? 0 : length;
    if (head->failed)
        edge_exchange_cut(exchange);
    else
        wait_for_kernel(exchange);
}

void edge_exchange_answer(struct edge_exchange *exchange, const char *status, const char *headers,
                          struct slice body) {
    write_head(exchange, status, headers, body.length);
    if (exchange->left > 0 && buffer_add(&exchange->head, body.data, body.length) != 0)
        edge_exchange_cut(exchange);
    exchange->left = 0;
}

void edge_exchange_begin(struct edge_exchange *exchange, const char *status, const char *headers,
                         uint64_t length) {
    write_head(exchange, status, headers, length);
}

void edge_exchange_write(struct edge_exchange *exchange, struct slice piece) {
    exchange->piece = piece;
    exchange->left -= piece.length;
    exchange->writing = true;
    if (!exchange->cut)
        wait_for_kernel(exchange);
}

/* How many were written, or -1. */
static ssize_t write_some(struct edge_exchange *exchange, const char *bytes, size_t length) {
    if (length > EDGE_WRITE_BYTES)
        length = EDGE_WRITE_BYTES;
    return lws_write(exchange->wsi, (unsigned char *)bytes, length, LWS_WRITE_RAW) < 0
               ? -1
               : (ssize_t)length;
}

/* How much of the owner's piece, or -1: the socket is broken. */
static ssize_t write_out(struct edge_exchange *exchange) {
    struct buffer *head = &exchange->head;
    struct slice *piece = &exchange->piece;
    ssize_t sum = 0;
    while ((size_t)sum < WRITE_BYTES && lws_partial_buffered(exchange->wsi) == 0 &&
           head->length + piece->length > 0) {
        bool of_head = head->length > 0;
        ssize_t done = of_head ? write_some(exchange, head->data, head->length)
                               : write_some(exchange, piece->data, piece->length);
        if (done < 0)
            return -1;
        if (of_head)
            buffer_drop(head, (size_t)done);
        else
            *piece = slice_make(piece->data + done, piece->length - (size_t)done);
        sum += done;
    }
    return sum;
}

static void finish(struct edge_exchange *exchange) {
    struct edge_shared *shared = exchange->shared;
    struct lws *wsi = exchange->wsi;
    edge_http_ask *ask = exchange->ask;
    bool keep = exchange->keep, more = exchange->body_left > 0;
    struct buffer rest = exchange->ahead;
    exchange->ahead = buffer_make(0);
    edge_exchange_announce(exchange, 1);
    release(exchange, true);
    if ((!keep && !more) ||
        edge_http_take_back(shared, wsi, ask, slice_make(rest.data, rest.length), keep,
                            EDGE_DISCARD_BYTES) != 0)
        edge_library_close(&shared->library, wsi);
    buffer_free(&rest);
}

static size_t write_answer(struct edge_exchange *exchange) {
    ssize_t sum = lws_partial_buffered(exchange->wsi) != 0 ? 0 : write_out(exchange);
    if (sum > 0)
        edge_exchange_moved(exchange, (size_t)sum);
    if (sum < 0)
        edge_exchange_cut(exchange);
    if (exchange->cut)
        return 0;
    if (exchange->head.length > 0 || exchange->piece.length > 0 ||
        lws_partial_buffered(exchange->wsi) != 0)
        wait_for_kernel(exchange);
    else if (exchange->left == 0)
        finish(exchange);
    else {
        edge_exchange_wait_for_owner(exchange);
        if (exchange->writing) {
            exchange->writing = false;
            edge_exchange_handlers_of(exchange)->on_taken(exchange);
        }
    }
    return sum > 0 ? (size_t)sum : 0;
}

static size_t take_turn(struct edge_turn *turn) {
    struct edge_exchange *exchange =
        (struct edge_exchange *)((char *)turn - offsetof(struct edge_exchange, turn));
    return exchange->answered ? write_answer(exchange) : edge_exchange_read_body(exchange);
}

void edge_exchange_stand_back(struct edge_exchange *exchange) {
    edge_turns_leave(exchange->turns, &exchange->turn);
    exchange->turns = &exchange->shared->transfers;
}

void edge_exchange_writeable(struct edge_exchange *exchange) {
    if (lws_partial_buffered(exchange->wsi) == 0 && !exchange->cut && exchange->answered)
        edge_exchange_join(exchange);
}

/* --- requests -------------------------------------------------------------------------------- */

static enum edge_method method_of(const struct edge_http_request *request) {
    static const char *const names[EDGE_METHOD_COUNT] = {
        [EDGE_GET] = "GET",        [EDGE_HEAD] = "HEAD",   [EDGE_PUT] = "PUT",
        [EDGE_POST] = "POST",      [EDGE_PATCH] = "PATCH", [EDGE_DELETE] = "DELETE",
        [EDGE_OPTIONS] = "OPTIONS"};
    size_t method = 0;
    while (method < EDGE_METHOD_COUNT && !slice_equal(request->method, slice_text(names[method])))
        method++;
    return (enum edge_method)method;
}

/* false: there is no room. */
static bool read_target(struct edge_exchange *exchange, struct slice path) {
    const struct slice *escaped = &exchange->request.path;
    if (path.length > sizeof exchange->unescaped)
        return false;
    memcpy(exchange->unescaped, path.data, path.length);
    exchange->path = slice_make(exchange->unescaped, path.length);
    const char *at = escaped->data + escaped->length;
    if (*at == '?')
        exchange->query = slice_make(at + 1, strcspn(at + 1, " "));
    return true;
}

static bool may_keep(struct edge_exchange *exchange) {
    return ++exchange->socket->exchanges < EXCHANGES_MAX && exchange->request.is_1_1 &&
           !edge_http_says(&exchange->request, "Connection", "close");
}

/* What the edge itself refuses. */
static void refuse(struct edge_exchange *exchange, const char *status, const char *more,
                   const char *text) {
    char headers[256];
    snprintf(headers, sizeof headers, "Content-Type: text/plain; charset=utf-8\r\n%s", more);
    edge_exchange_answer(exchange, status, headers, slice_text(text));
}

/* NULL: there is room for one more. */
static const char *crowd(struct edge_shared *shared, const struct edge_socket *socket) {
    const struct edge_settings *settings = shared->settings;
    bool of_address =
        edge_address_exchanges(socket->remote.counted) >= settings->transfers.transfers_per_address;
    if (!of_address && shared->exchanges < settings->transfers.transfers_max)
        return NULL;
    shared->handlers->exchanges->on_crowded(shared->argument, of_address);
    return of_address ? "Too many transfers of your address are under way.\n"
                      : "Too many transfers are under way.\n";
}

static void open_exchange(struct edge_exchange *exchange, struct slice path, const char *crowded) {
    bool chunked = edge_http_count(&exchange->request, "Transfer-Encoding") > 0;
    bool has_target = read_target(exchange, path),
         has_length = edge_http_length(&exchange->request, &exchange->length);
    exchange->keep = may_keep(exchange);
    exchange->expects = edge_http_says(&exchange->request, "Expect", "100-continue");
    exchange->body_left = chunked || !has_length               ? EDGE_NO_LENGTH
                          : exchange->length != EDGE_NO_LENGTH ? exchange->length
                                                               : 0;
    edge_exchange_wait_for_owner(exchange);
    if (!has_target)
        refuse(exchange, "414 URI Too Long", "", "The address is too long.\n");
    else if (!has_length)
        refuse(exchange, "400 Bad Request", "", "Content-Length is no number.\n");
    else if (exchange->body_left == EDGE_NO_LENGTH)
        refuse(exchange, "411 Length Required", "",
               "A body needs a Content-Length; chunks are not taken.\n");
    else if (crowded != NULL)
        refuse(exchange, "503 Service Unavailable", "Retry-After: 5\r\n", crowded);
}

/* The head, and what was read behind it. false: no memory. */
static bool take_input(struct edge_exchange *exchange, struct edge_http_socket *socket,
                       const struct edge_http_request *request) {
    struct buffer in;
    size_t length = (size_t)(request->headers.data + request->headers.length - socket->in.data);
    edge_http_leave(socket, &in);
    exchange->asked = buffer_make(EDGE_HEAD_BYTES);
    exchange->ahead = buffer_make(EDGE_HEAD_BYTES);
    bool good = buffer_add(&exchange->asked, in.data, length) == 0 &&
                buffer_add(&exchange->ahead, in.data + length, in.length - length) == 0;
    buffer_free(&in);
    if (good)
        exchange->request =
            edge_http_read(slice_make(exchange->asked.data, exchange->asked.length));
    return good;
}

bool edge_exchange_begin_with(struct edge_http_socket *socket,
                              const struct edge_http_request *request, struct slice path,
                              edge_http_ask *ask) {
    struct edge_shared *shared = socket->shared;
    const struct edge_exchange_handlers *handlers = shared->handlers->exchanges;
    struct lws *wsi = socket->wsi;
    struct edge_socket *far = lws_get_opaque_user_data(wsi);
    if (handlers == NULL || !handlers->is_mine(shared->argument, path))
        return false;
    struct edge_exchange *exchange = calloc(1, sizeof *exchange);
    if (exchange == NULL)
        return false;
    const char *crowded = crowd(shared, far);
    exchange->shared = shared;
    exchange->wsi = wsi;
    exchange->socket = far;
    exchange->ask = ask;
    exchange->turns = &shared->turns;
    exchange->work = take_turn;
    exchange->announced = 1;
    exchange->method = method_of(request);
    exchange->head = buffer_make(EDGE_ANSWER_BYTES);
    ev_timer_init(&exchange->timer, on_timer, 0, 0);
    exchange->timer.data = exchange;
    ev_io_init(&exchange->readable, edge_exchange_readable, lws_get_socket_fd(wsi), EV_READ);
    exchange->readable.data = exchange;
    bool good = take_input(exchange, socket, request);
    far->exchange = exchange;
    shared->exchanges++;
    edge_address_begin_exchange(far->remote.counted);
    if (!good)
        edge_exchange_cut(exchange);
    else
        open_exchange(exchange, path, crowded);
    if (good && !exchange->answered) {
        exchange->owned = true;
        handlers->on_request(shared->argument, exchange);
    }
    return true;
}
