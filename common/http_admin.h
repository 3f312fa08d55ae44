/*
 * A few pages over HTTP, for the operator's tools: made anew for each request, and small.
 *
 *     static const struct http_page pages[] = {{"/healthz", "text/plain", write_health}};
 *     struct http_admin *http = http_admin_new(ev, &at, pages, 1, on_failed, argument);
 *     http_admin_destroy(&http);
 *
 * GET and HEAD alone (others: 405), of these paths alone (404), one request a connection: every
 * answer says `connection: close`. At most HTTP_ADMIN_MAX_CLIENTS connections, further ones are
 * closed at once; each is cut after HTTP_ADMIN_MS, whether it is still sending its request or
 * reading its answer. All of it belongs to the loop's thread; nothing that a visitor does keeps the
 * loop from its other work for longer than writing one page takes.
 */
#ifndef PARLEY_COMMON_HTTP_ADMIN_H
#define PARLEY_COMMON_HTTP_ADMIN_H

#include <ev.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/listen.h"

/*
 * limit: service | connections to its pages over HTTP | {HTTP_ADMIN_MAX_CLIENTS} | closed at
 * once
 */
#define HTTP_ADMIN_MAX_CLIENTS 16
/*
 * limit: service | a connection to its pages: its request, and its answer | one request;
 * {HTTP_ADMIN_MS} for both; {HTTP_ADMIN_HEADER_BYTES} of headers; 2 MiB of page
 * {HTTP_ADMIN_MAX_BYTES:} | cut; cut; 500
 */
#define HTTP_ADMIN_MS 5000
/* A longer page becomes a 500. */
#define HTTP_ADMIN_MAX_BYTES ((size_t)2 << 20)
/* A request's line and headers; a longer one costs the connection. */
#define HTTP_ADMIN_HEADER_BYTES 4096

struct http_admin;

struct http_page {
    const char *path; /* "/metrics" */
    const char *type; /* content-type */
    /* Appends the page; returns the HTTP status. */
    unsigned (*write)(void *argument, struct buffer *body);
};

/* `pages`, `argument` and the target of `at` are borrowed. NULL after one logged line; `failed` is
 * called, after such a line, when the port cannot be had later (listen.h). */
struct http_admin *http_admin_new(struct ev_loop *ev, const struct listen_at *at,
                                  const struct http_page *pages, size_t page_count,
                                  void (*failed)(void *argument), void *argument);
bool http_admin_is_open(const struct http_admin *self);
void http_admin_destroy(struct http_admin **self);

#endif
