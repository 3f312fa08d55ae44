/*
 * Files over HTTP, up and down, in the loop. One at a time.
 *
 *     struct chat_http *http = chat_http_new(ev, &options);
 *     if (chat_http_up(http, "/upload/...", file, size, done, argument)) ...
 *     if (chat_http_down(http, "/files/...", file, done, argument)) ...
 *     chat_http_stop(http);                          it is given up: `done` is not called
 *     chat_http_destroy(&http);
 *
 * A transfer that stands still for CHAT_HTTP_SILENCE_S has failed. Redirects are not followed.
 */
#ifndef PARLEY_CTL_CHAT_HTTP_H
#define PARLEY_CTL_CHAT_HTTP_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* limit: tool | a file's transfer of `chat` that stands still | {CHAT_HTTP_SILENCE_S} | it is tried
 * again */
#define CHAT_HTTP_SILENCE_S 30
/* limit: tool | connecting of `chat` for a file | {CHAT_HTTP_CONNECT_MS} | it is tried again */
#define CHAT_HTTP_CONNECT_MS 10000
#define CHAT_HTTP_REASON_BYTES 256

struct chat_http;

struct chat_http_options {
    const char *server;  /* what paths stand behind: "https://chat.example.org:5998" */
    const char *issuers; /* a file of certificates (PEM), in place of the system's; "": those */
    bool verify;
};

struct chat_http_result {
    bool done;
    bool passing; /* if not: the same may succeed later */
    const char *reason;
};

typedef void chat_http_done(void *argument, const struct chat_http_result *result);

/* The options' texts are borrowed. NULL without memory. */
struct chat_http *chat_http_new(struct ev_loop *ev, const struct chat_http_options *options);
void chat_http_destroy(struct chat_http **self);

/* `url`: a path of the server's, or a whole address. `file` is borrowed until the end, and is at
 * its begin. false: it does not start. */
bool chat_http_up(struct chat_http *self, const char *url, FILE *file, uint64_t size,
                  chat_http_done *done, void *argument) __attribute__((warn_unused_result));
bool chat_http_down(struct chat_http *self, const char *url, FILE *file, chat_http_done *done,
                    void *argument) __attribute__((warn_unused_result));
void chat_http_stop(struct chat_http *self);
bool chat_http_is_busy(const struct chat_http *self);
/* What stands before it in the whole address: the server, or nothing. */
const char *chat_http_prefix(const char *server, const char *url);

#endif
