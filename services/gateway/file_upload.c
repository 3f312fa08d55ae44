/* Uploads of files over HTTP; see file_upload.h. */
#include "services/gateway/file_upload.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "services/gateway/edge/http_header.h"
#include "services/gateway/file_upload_parts.h"

/* limit: gateway | memory of an upload | two pieces, and some KiB {FILE_TRANSFER_PIECE:} | its
 * client is not read until one is at files */
/* A piece may be full by the last bytes that the edge hands over in one go. */
#define BUFFER_BYTES (FILE_TRANSFER_PIECE + EDGE_BODY_PIECE_BYTES)
#define TUS_TYPE "application/offset+octet-stream"

#define TUS_OPTIONS                                                                                \
    TUS_VERSION "Tus-Version: 1.0.0\r\nTus-Extension: termination\r\n"                             \
                "Access-Control-Allow-Methods: PUT, HEAD, PATCH, POST, DELETE, OPTIONS\r\n"        \
                "Access-Control-Allow-Headers: Content-Type, Tus-Resumable, Upload-Offset, "       \
                "Upload-Length, X-HTTP-Method-Override, X-Requested-With, X-Request-ID\r\n"        \
                "Access-Control-Max-Age: 3600\r\n"

static void go_on(struct file_upload *self);

/* --- asking files ---------------------------------------------------------------------------- */

static void ask(struct file_upload *self, const struct message_desc *message, const void *body,
                peers_done *done) {
    struct gateway *gateway = self->transfer.gateway;
    self->asking = true;
    enum err err = peers_ask(gateway->files, peers_by_key(gateway->files, self->address.file),
                             &(struct peers_request){.message = message,
                                                     .body = body,
                                                     .timeout_ms = retry_remaining_ms(&self->retry),
                                                     .trace = self->transfer.trace,
                                                     .done = done,
                                                     .argument = self});
    if (err != ERR_OK)
        done(self, err, NULL, NULL);
}

/* Files is not there, or nobody knows what it did: looks after a pause how far the upload is.
 * false: that is not so, or its time is over. */
static bool try_again(struct file_upload *self, enum err err) {
    struct gateway *gateway = self->transfer.gateway;
    self->retry.pause_ms = retry_next_pause_ms(self->retry.pause_ms);
    if (!retry_is_transient_or_overload(err) || gateway->stopping ||
        !retry_allows(&self->retry, self->retry.pause_ms))
        return false;
    loop_timer_start(service_loop(gateway->service), &self->timer, self->retry.pause_ms);
    return true;
}

static void restart_retry(struct file_upload *self) {
    retry_start(&self->retry, self->transfer.gateway->settings.send_timeout_ms);
}

static void on_appended(void *argument, enum err err, const void *reply, const char *text) {
    struct file_upload *self = argument;
    const struct files_append_reply *found = reply;
    self->asking = false;
    if (err == ERR_OK && found->offset != self->offset + self->sent.length)
        err = ERR_INTERNAL; /* that makes no sense */
    if (err == ERR_OK) {
        metric_add(self->uploads->bytes, self->sent.length);
        self->offset = found->offset;
        buffer_clear(&self->sent);
        restart_retry(self);
        go_on(self);
    } else if (!try_again(self, err)) {
        file_upload_fail(self, err, text);
    }
}

static void append(struct file_upload *self) {
    const struct files_append body = {.file = self->address.file,
                                      .token = slice_text(self->address.token),
                                      .offset = self->offset,
                                      .data = slice_make(self->sent.data, self->sent.length)};
    self->step = UPLOAD_APPEND;
    ask(self, &message_FILES_APPEND, &body, on_appended);
}

static void on_finished(void *argument, enum err err, const void *reply, const char *text) {
    struct file_upload *self = argument;
    self->asking = false;
    if (err == ERR_OK) {
        metric_add(self->uploads->finished, 1);
        if (self->method == EDGE_PUT)
            file_upload_tell_file(self, reply);
        else
            file_upload_tell_offset(self, "204 No Content", false);
    } else if (!try_again(self, err)) {
        file_upload_fail(self, err, text);
    }
}

static void finish(struct file_upload *self) {
    const struct files_finish body = {.file = self->address.file,
                                      .token = slice_text(self->address.token)};
    self->step = UPLOAD_FINISH;
    if (self->transfer.exchange != NULL)
        edge_exchange_pause(self->transfer.exchange);
    ask(self, &message_FILES_FINISH, &body, on_finished);
}

static void on_abandoned(void *argument, enum err err, const void *reply, const char *text) {
    struct file_upload *self = argument;
    (void)reply;
    self->asking = false;
    if (err == ERR_OK)
        file_upload_succeed(self, "204 No Content", "", NULL);
    else if (!try_again(self, err))
        file_upload_fail(self, err, text);
}

static void abandon(struct file_upload *self) {
    const struct files_abandon body = {.file = self->address.file,
                                       .token = slice_text(self->address.token)};
    self->step = UPLOAD_ABANDON;
    ask(self, &message_FILES_ABANDON, &body, on_abandoned);
}

/* --- going on -------------------------------------------------------------------------------- */

/* A piece is sent once it is full, or the last one; then the next is read. Where the client has
 * gone, all that arrived is sent. */
static void go_on(struct file_upload *self) {
    struct edge_exchange *exchange = self->transfer.exchange;
    if (self->asking || ev_is_active(&self->timer) || self->step == UPLOAD_DONE || !self->looked)
        return;
    bool last = self->body_ended || exchange == NULL;
    if (self->filling.length >= FILE_TRANSFER_PIECE || (last && self->filling.length > 0)) {
        struct buffer filled = self->filling;
        self->filling = self->sent;
        self->sent = filled;
        append(self);
    } else if (self->offset == self->size && last) {
        finish(self);
    } else if (self->body_ended) { /* of a PATCH */
        file_upload_tell_offset(self, "204 No Content", false);
    } else if (exchange == NULL) {
        file_upload_end(self);
        file_upload_free_if_idle(self);
        return;
    }
    if (exchange != NULL && !self->body_ended && self->filling.length < FILE_TRANSFER_PIECE)
        edge_exchange_read(exchange);
}

static void on_body(struct file_transfer *transfer, struct slice bytes) {
    struct file_upload *self = (struct file_upload *)transfer;
    if (self->step == UPLOAD_DONE)
        return;
    size_t over = bytes.length < self->passed_over ? bytes.length : (size_t)self->passed_over;
    self->passed_over -= over;
    if (buffer_add(&self->filling, bytes.data + over, bytes.length - over) != 0) {
        file_upload_fail(self, ERR_OVERLOADED, NULL);
        return;
    }
    go_on(self);
    if (self->filling.length >= FILE_TRANSFER_PIECE && self->transfer.exchange != NULL)
        edge_exchange_pause(self->transfer.exchange);
}

static void on_body_end(struct file_transfer *transfer) {
    struct file_upload *self = (struct file_upload *)transfer;
    self->body_ended = true;
    go_on(self);
}

static void on_end(struct file_transfer *transfer, bool complete) {
    struct file_upload *self = (struct file_upload *)transfer;
    (void)complete;
    transfer->exchange = NULL;
    if (transfer->gateway->stopping && !self->asking)
        file_upload_end(self);
    if (self->step == UPLOAD_APPEND && !self->asking)
        go_on(self);
    else
        file_upload_free_if_idle(self);
}

/* --- how far it is --------------------------------------------------------------------------- */

static void begin_put(struct file_upload *self) {
    uint64_t length = edge_exchange_length(self->transfer.exchange);
    if (length > self->size)
        file_upload_fail(self, ERR_FILE_TOO_LARGE, "the body is longer than was announced");
    else if (length < self->size)
        file_upload_fail(self, ERR_BAD_REQUEST, "the body is shorter than was announced");
    else {
        self->passed_over = self->offset;
        self->step = UPLOAD_APPEND;
        edge_exchange_read(self->transfer.exchange);
    }
}

static void begin_patch(struct file_upload *self) {
    char more[64];
    uint64_t length = edge_exchange_length(self->transfer.exchange);
    snprintf(more, sizeof more, "Upload-Offset: %" PRIu64 "\r\n", self->offset);
    if (self->given_offset != self->offset)
        file_upload_fail_with(self, ERR_WRONG_OFFSET, NULL, more);
    else if (length > self->size - self->offset)
        file_upload_fail(self, ERR_FILE_TOO_LARGE,
                         "the body is longer than what is left of the file");
    else {
        self->step = UPLOAD_APPEND;
        edge_exchange_read(self->transfer.exchange);
    }
}

/* The piece that was sent when files went away is there, or it is not. */
static void reconcile(struct file_upload *self, uint64_t offset) {
    if (offset == self->offset + self->sent.length) {
        self->offset = offset;
        buffer_clear(&self->sent);
        go_on(self);
    } else if (offset == self->offset) {
        append(self);
    } else {
        file_upload_fail(self, ERR_WRONG_OFFSET, NULL);
    }
}

static void on_looked(void *argument, enum err err, const void *reply, const char *text) {
    struct file_upload *self = argument;
    const struct upload_state *found = reply;
    self->asking = false;
    if (err == ERR_OK && found->offset > found->size)
        err = ERR_INTERNAL; /* that makes no sense */
    if (err != ERR_OK) {
        if (!try_again(self, err))
            file_upload_fail(self, err, text);
        return;
    }
    restart_retry(self);
    uint64_t offset = found->finished ? found->size : found->offset;
    if (self->looked && self->step == UPLOAD_FINISH) {
        self->offset = offset;
        if (offset == self->size)
            finish(self);
        else
            file_upload_fail(self, ERR_WRONG_OFFSET, NULL);
        return;
    }
    if (self->looked && self->sent.length > 0) {
        reconcile(self, offset);
        return;
    }
    self->looked = true;
    self->size = found->size;
    self->offset = offset;
    if (self->transfer.exchange == NULL)
        file_upload_free_if_idle(self);
    else if (self->method == EDGE_HEAD)
        file_upload_tell_offset(self, "200 OK", true);
    else if (self->method == EDGE_PUT)
        begin_put(self);
    else
        begin_patch(self);
}

static void look(struct file_upload *self) {
    const struct files_state body = {.file = self->address.file,
                                     .token = slice_text(self->address.token)};
    ask(self, &message_FILES_STATE, &body, on_looked);
}

static void on_timer(struct ev_loop *ev, ev_timer *watcher, int revents) {
    struct file_upload *self = watcher->data;
    (void)ev;
    (void)revents;
    if (self->transfer.exchange != NULL)
        edge_exchange_pause(self->transfer.exchange);
    if (self->step == UPLOAD_ABANDON)
        abandon(self);
    else
        look(self);
}

/* --- the request ----------------------------------------------------------------------------- */

static const struct file_transfer_calls calls = {
    .on_body = on_body, .on_body_end = on_body_end, .on_end = on_end};

static bool has_header(const struct file_upload *self, const char *name, const char *wanted) {
    struct slice given = edge_exchange_header(self->transfer.exchange, name);
    return given.length == strlen(wanted) && strncasecmp(given.data, wanted, given.length) == 0;
}

/* Upload-Offset. */
static bool read_offset(struct file_upload *self) {
    struct slice given = edge_exchange_header(self->transfer.exchange, "Upload-Offset");
    self->given_offset = 0;
    for (size_t i = 0; i < given.length && i < 16; i++) {
        if (!isdigit((unsigned char)given.data[i]))
            return false;
        self->given_offset = self->given_offset * 10 + (uint64_t)(given.data[i] - '0');
    }
    return given.length > 0 && given.length < 16;
}

/* With what a POST says that it means, for clients that can't send others. */
static enum edge_method find_method(const struct file_upload *self) {
    enum edge_method method = edge_exchange_method(self->transfer.exchange);
    if (method != EDGE_POST)
        return method;
    return has_header(self, "X-HTTP-Method-Override", "PATCH")    ? EDGE_PATCH
           : has_header(self, "X-HTTP-Method-Override", "DELETE") ? EDGE_DELETE
                                                                  : EDGE_POST;
}

/* false: it is answered. */
static bool check(struct file_upload *self) {
    struct file_transfer *transfer = &self->transfer;
    if (transfer->is_foreign)
        file_upload_refuse(self, "403 Forbidden", "pages of that server may not upload here", "");
    else if (self->method == EDGE_OPTIONS)
        file_upload_refuse(self, "204 No Content", "", TUS_OPTIONS);
    else if (self->method == EDGE_GET || self->method == EDGE_POST)
        file_upload_refuse(self, "405 Method Not Allowed", "an upload is PUT, or is one of tus 1.0",
                           "Allow: PUT, HEAD, PATCH, DELETE, OPTIONS\r\n");
    else if (self->is_tus && !has_header(self, "Tus-Resumable", "1.0.0"))
        file_upload_refuse(self, "412 Precondition Failed",
                           "the header Tus-Resumable must be 1.0.0",
                           TUS_VERSION "Tus-Version: 1.0.0\r\n");
    else if (!upload_address_read(edge_exchange_path(transfer->exchange), &self->address))
        file_upload_fail(self, ERR_NO_FILE, "there is no such upload");
    else if ((self->method == EDGE_PUT || self->method == EDGE_PATCH) &&
             edge_exchange_length(transfer->exchange) == EDGE_NO_LENGTH)
        file_upload_refuse(self, "411 Length Required", "a body needs a Content-Length", "");
    else if (self->method == EDGE_PATCH && !has_header(self, "Content-Type", TUS_TYPE))
        file_upload_refuse(self, "415 Unsupported Media Type",
                           "the Content-Type of PATCH is " TUS_TYPE, TUS_VERSION);
    else if (self->method == EDGE_PATCH && !read_offset(self))
        file_upload_refuse(self, "400 Bad Request",
                           "PATCH needs the header Upload-Offset, a number", TUS_VERSION);
    else
        return true;
    return false;
}

/* No other request works for it. */
static void begin(struct file_upload *self) {
    bool changes = self->method == EDGE_PUT || self->method == EDGE_PATCH;
    if (self->transfer.exchange == NULL) {
        file_upload_free_if_idle(self);
        return;
    }
    if (changes)
        self->is_listed = HASH_TRY_ADD(hh, self->uploads->by_address, address, self);
    restart_retry(self);
    if (changes && !self->is_listed)
        file_upload_fail(self, ERR_OVERLOADED, NULL);
    else if (self->method == EDGE_DELETE)
        abandon(self);
    else
        look(self);
}

void file_upload_begin(struct file_uploads *uploads, struct gateway *gateway,
                       struct edge_exchange *exchange) {
    struct file_upload *self = calloc(1, sizeof *self), *before = NULL;
    if (self == NULL) {
        edge_exchange_cut(exchange);
        return;
    }
    uploads->count++;
    self->uploads = uploads;
    self->begin = begin;
    self->filling = buffer_make(BUFFER_BYTES);
    self->sent = buffer_make(BUFFER_BYTES);
    ev_timer_init(&self->timer, on_timer, 0, 0);
    self->timer.data = self;
    file_transfer_init(&self->transfer, gateway, exchange, &calls);
    self->method = find_method(self);
    self->is_tus = self->method != EDGE_PUT;
    if (!check(self))
        return;
    HASH_FIND(hh, uploads->by_address, &self->address, sizeof self->address, before);
    if (before == NULL) {
        begin(self);
    } else if (before->next != NULL) {
        file_upload_fail(self, ERR_OVERLOADED, "another request works for this upload");
    } else {
        before->next = self;
        self->waits = true;
        if (before->transfer.exchange != NULL)
            edge_exchange_cut(before->transfer.exchange);
    }
}
