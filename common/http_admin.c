/* Pages over HTTP. libwebsockets gets the accepted sockets (listen.h) and reads requests. */
#include "common/http_admin.h"

#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "common/log.h"
#include "common/loop.h"
#include "common/lws_log.h"

/* limit: service | bytes of a page written at once | {WRITE_BYTES} | the rest in the next turn */
/* Handed to libwebsockets at once: libwebsockets copies the part that the kernel doesn't take. */
#define WRITE_BYTES ((size_t)65536)
/* libwebsockets' descriptors: the visitors' and its own. */
#define LIBRARY_FILES (HTTP_ADMIN_MAX_CLIENTS + 16)

struct visitor {
    struct http_admin *owner;
    struct lws *wsi;
    LIST_ENTRY(visitor) all;
    int64_t deadline_ms;
    struct buffer out; /* LWS_PRE bytes for libwebsockets, then the answer */
    size_t written;    /* bytes of `out`, those before it included */
};

LIST_HEAD(visitor_list, visitor);

struct http_admin {
    struct ev_loop *ev;
    const struct http_page *pages;
    size_t page_count;
    void *argument;
    struct lws_protocols protocols[2];
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct listener *listener;
    void (*failed)(void *argument);
    ev_timer due; /* runs while there are visitors */
    struct visitor_list visitors;
    size_t count;
};

/* --- answering ------------------------------------------------------------------------------- */

static const struct http_page *find_page(const struct http_admin *self, const char *path) {
    for (size_t i = 0; i < self->page_count; i++)
        if (strcmp(self->pages[i].path, path) == 0)
            return &self->pages[i];
    return NULL;
}

static unsigned write_page(const struct http_admin *self, const struct http_page *page,
                           struct buffer *body) {
    if (page == NULL) {
        buffer_add_text(body, "There is nothing here.\n");
        return 404;
    }
    unsigned status = page->write(self->argument, body);
    if (!body->failed)
        return status;
    buffer_clear(body);
    buffer_add_text(body, "The page does not fit.\n");
    return 500;
}

/* Puts the answer into `out`; -1 without memory. */
static int make_answer(struct visitor *visitor, unsigned status, const char *type, bool allow,
                       const struct buffer *body, bool with_body) {
    static const unsigned char zeros[LWS_PRE];
    unsigned char head[1024], *p = head, *end = head + sizeof head;
    struct lws *wsi = visitor->wsi;
    static const char methods[] = "GET, HEAD", no_more[] = "close";
    if (lws_add_http_common_headers(wsi, status, type, body->length, &p, end) ||
        lws_add_http_header_by_token(wsi, WSI_TOKEN_CONNECTION, (const unsigned char *)no_more,
                                     sizeof no_more - 1, &p, end) ||
        (allow && lws_add_http_header_by_name(
                      wsi, (const unsigned char *)"allow:", (const unsigned char *)methods,
                      sizeof methods - 1, &p, end)) ||
        lws_finalize_http_header(wsi, &p, end))
        return -1;
    if (buffer_add(&visitor->out, zeros, sizeof zeros) != 0 ||
        buffer_add(&visitor->out, head, (size_t)(p - head)) != 0 ||
        (with_body && buffer_add(&visitor->out, body->data, body->length) != 0))
        return -1;
    visitor->written = sizeof zeros;
    return 0;
}

static int on_request(struct visitor *visitor, const char *path) {
    struct lws *wsi = visitor->wsi;
    bool head = lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;
    bool get = lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0;
    struct buffer body = buffer_make(HTTP_ADMIN_MAX_BYTES);
    const struct http_page *page = find_page(visitor->owner, path);
    unsigned status = 405;
    if (get || head)
        status = write_page(visitor->owner, page, &body);
    else
        buffer_add_text(&body, "Only GET and HEAD are answered.\n");
    const char *type = status == 200 && page != NULL ? page->type : "text/plain; charset=utf-8";
    int failed = make_answer(visitor, status, type, status == 405, &body, !head);
    buffer_free(&body);
    if (failed == 0)
        lws_callback_on_writable(wsi);
    return failed;
}

/* The next part of the answer; nonzero: that was all, or the visitor is gone. libwebsockets writes
 * the bytes that it still holds before it closes. */
static int on_writeable(struct visitor *visitor) {
    size_t left = visitor->out.length - visitor->written;
    size_t now = left < WRITE_BYTES ? left : WRITE_BYTES;
    unsigned char *bytes = (unsigned char *)visitor->out.data + visitor->written;
    if (left == 0 || lws_write(visitor->wsi, bytes, now, LWS_WRITE_RAW) < 0)
        return -1;
    visitor->written += now;
    if (now == left)
        return -1;
    lws_callback_on_writable(visitor->wsi);
    return 0;
}

/* --- visitors -------------------------------------------------------------------------------- */

static void forget(struct visitor *visitor) {
    LIST_REMOVE(visitor, all);
    visitor->owner->count--;
    buffer_free(&visitor->out);
    free(visitor);
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t length) {
    (void)user;
    (void)length;
    struct visitor *visitor = lws_get_opaque_user_data(wsi);
    switch (reason) {
    case LWS_CALLBACK_HTTP:
        return visitor == NULL || visitor->out.length > 0 ? -1 : on_request(visitor, in);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return visitor == NULL ? -1 : on_writeable(visitor);
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE: /* to a WebSocket, to HTTP/2 */
    case LWS_CALLBACK_RAW_ADOPT:            /* what libwebsockets makes of CONNECT */
    case LWS_CALLBACK_RAW_RX:
        return -1;
    case LWS_CALLBACK_WSI_DESTROY:
        if (visitor != NULL)
            forget(visitor);
        return 0;
    default:
        return 0;
    }
}

static void let_in(void *argument, int fd) {
    struct http_admin *self = argument;
    struct visitor *visitor =
        self->count < HTTP_ADMIN_MAX_CLIENTS ? calloc(1, sizeof *visitor) : NULL;
    if (visitor == NULL) {
        close(fd);
        return;
    }
    lws_sock_file_fd_type descriptor = {.sockfd = fd};
    /* Closes the descriptor when it fails. */
    struct lws *wsi = lws_adopt_descriptor_vhost(self->vhost, LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP,
                                                 descriptor, NULL, NULL);
    if (wsi == NULL) {
        free(visitor);
        return;
    }
    *visitor = (struct visitor){.owner = self,
                                .wsi = wsi,
                                .deadline_ms = loop_now_ms() + HTTP_ADMIN_MS,
                                .out = buffer_make(HTTP_ADMIN_MAX_BYTES + HTTP_ADMIN_HEADER_BYTES)};
    lws_set_opaque_user_data(wsi, visitor);
    LIST_INSERT_HEAD(&self->visitors, visitor, all);
    self->count++;
    if (!ev_is_active(&self->due))
        loop_timer_start(self->ev, &self->due, HTTP_ADMIN_MS);
}

/* Ends the visitors whose time is over; runs again for the next one's, if there is one. */
static void on_due(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)revents;
    struct http_admin *self = timer->data;
    int64_t now_ms = loop_now_ms(), next_ms = INT64_MAX;
    for (struct visitor *visitor = LIST_FIRST(&self->visitors); visitor != NULL;
         visitor = LIST_NEXT(visitor, all)) {
        if (now_ms >= visitor->deadline_ms) {
            visitor->deadline_ms = INT64_MAX; /* it goes when libwebsockets has its turn */
            lws_set_timeout(visitor->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
            lws_cancel_service(
                self->context); /* its timers are only looked at when it has an event */
        }
        next_ms = visitor->deadline_ms < next_ms ? visitor->deadline_ms : next_ms;
    }
    if (next_ms != INT64_MAX)
        loop_timer_start(ev, timer, next_ms - now_ms);
}

/* --- life ------------------------------------------------------------------------------------ */

static int start_library(struct http_admin *self) {
    void *loops[] = {self->ev};
    const struct lws_context_creation_info info = {
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_LIBEV,
        .foreign_loops = loops,
        .user = self,
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .vhost_name = "http_admin",
        .protocols = self->protocols,
        .timeout_secs = HTTP_ADMIN_MS / 1000,
        .timeout_secs_ah_idle = HTTP_ADMIN_MS / 1000,
        .max_http_header_data = HTTP_ADMIN_HEADER_BYTES,
        .max_http_header_pool = HTTP_ADMIN_MAX_CLIENTS,
        .fd_limit_per_thread = LIBRARY_FILES,
    };
    self->protocols[0] =
        (struct lws_protocols){.name = "http", .callback = callback, .tx_packet_size = WRITE_BYTES};
    lws_log_open();
    self->context = lws_create_context(&info);
    if (self->context != NULL)
        self->vhost = lws_create_vhost(self->context, &info);
    if (self->vhost != NULL)
        return 0;
    log_error("start_failed",
              "reason=\"can't start libwebsockets; is its libev plugin installed?\"");
    return -1;
}

static void on_failed(void *argument) {
    struct http_admin *self = argument;
    self->failed(self->argument);
}

static const struct listener_events listener_events = {.accepted = let_in, .failed = on_failed};

struct http_admin *http_admin_new(struct ev_loop *ev, const struct listen_at *at,
                                  const struct http_page *pages, size_t page_count,
                                  void (*failed)(void *argument), void *argument) {
    struct http_admin *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->ev = ev;
    self->pages = pages;
    self->page_count = page_count;
    self->failed = failed;
    self->argument = argument;
    LIST_INIT(&self->visitors);
    ev_timer_init(&self->due, on_due, 0, 0);
    self->due.data = self;
    self->listener = listener_new(ev, at, &listener_events, self);
    if (self->listener == NULL || start_library(self) != 0)
        http_admin_destroy(&self);
    return self;
}

bool http_admin_is_open(const struct http_admin *self) { return listener_is_open(self->listener); }

void http_admin_destroy(struct http_admin **self_p) {
    struct http_admin *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    listener_destroy(&self->listener);
    ev_timer_stop(self->ev, &self->due);
    if (self->context != NULL)
        lws_context_destroy(self->context); /* closes what is left, with the callbacks */
    free(self);
}
