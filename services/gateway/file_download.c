/* Downloads of files over HTTP; see file_download.h. */
#include "services/gateway/file_download.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "proto/messages.h"
#include "services/gateway/edge/http_header.h"
#include "services/gateway/file_address.h"
#include "services/gateway/file_answer.h"
#include "services/gateway/file_range.h"
#include "services/gateway/file_type.h"
#include "services/gateway/retry.h"

#define HEADERS_BYTES 4096
#define TAG_BYTES 40

enum piece_state { PIECE_NONE, PIECE_ASKED, PIECE_HERE, PIECE_WRITTEN };

struct file_download;

struct piece {
    struct file_download *download;
    enum piece_state state;
    uint64_t from;
    size_t length;
    struct buffer bytes;
};

struct file_download {
    struct file_transfer transfer; /* first */
    struct metric *bytes;
    uint64_t file, until_s;
    bool preview;
    bool describing; /* files.find is under way */
    bool described;  /* it is known what there is to send */
    uint64_t size;
    uint64_t from, end;  /* what of it is wanted */
    uint64_t asked_end;  /* up to there it is asked for */
    uint64_t write_from; /* what is written next */
    bool is_part;        /* a range was asked for */
    bool begun;          /* the answer's head is made */
    bool failed;         /* that is told: pieces that come now go nowhere */
    struct piece pieces[FILE_DOWNLOAD_PIECES];
    struct retry retry; /* of pieces, since the last one came */
    ev_timer timer;
    char name[FILE_NAME_MAX_BYTES], mime[FILE_MIME_MAX_BYTES + 1];
    size_t name_length;
    char tag[TAG_BYTES], if_range[TAG_BYTES], range[64];
    char if_none_match[512];
};

static void ask_for_pieces(struct file_download *self);
static void describe(struct file_download *self);

/* --- its end --------------------------------------------------------------------------------- */

static void free_if_idle(struct file_download *self) {
    bool idle = self->transfer.exchange == NULL && !self->describing;
    for (size_t i = 0; i < FILE_DOWNLOAD_PIECES; i++)
        idle = idle && self->pieces[i].state != PIECE_ASKED;
    if (!idle)
        return;
    ev_timer_stop(service_loop(self->transfer.gateway->service), &self->timer);
    for (size_t i = 0; i < FILE_DOWNLOAD_PIECES; i++)
        buffer_free(&self->pieces[i].bytes);
    free(self);
}

static void on_end(struct file_transfer *transfer, bool complete) {
    struct file_download *self = (struct file_download *)transfer;
    (void)complete;
    transfer->exchange = NULL;
    free_if_idle(self);
}

/* Nothing of it can be written any more, for whatever reason. */
static void fail(struct file_download *self, enum err err, const char *text) {
    if (self->transfer.exchange == NULL)
        return;
    self->failed = true;
    log_debug("download_failed", "file=%016" PRIx64 " error=%s", self->file, err_word(err));
    if (self->begun)
        edge_exchange_cut(self->transfer.exchange);
    else
        file_answer_fault(&self->transfer, err, text, "");
}

/* --- pieces ---------------------------------------------------------------------------------- */

/* The piece that is to be written next, if it is here. */
static void write_next(struct file_download *self) {
    for (size_t i = 0; i < FILE_DOWNLOAD_PIECES; i++)
        if (self->pieces[i].state == PIECE_WRITTEN)
            return;
    for (size_t i = 0; i < FILE_DOWNLOAD_PIECES; i++) {
        struct piece *piece = &self->pieces[i];
        if (piece->state != PIECE_HERE || piece->from != self->write_from)
            continue;
        piece->state = PIECE_WRITTEN;
        self->write_from += piece->length;
        metric_add(self->bytes, piece->length);
        edge_exchange_write(self->transfer.exchange,
                            slice_make(piece->bytes.data, piece->bytes.length));
        return;
    }
}

static void begin_answer(struct file_download *self);

/* After a pause. false: that is of no use, or its time is over. */
static bool try_again(struct file_download *self, enum err err) {
    struct gateway *gateway = self->transfer.gateway;
    self->retry.pause_ms = retry_next_pause_ms(self->retry.pause_ms);
    if (!retry_is_transient_or_overload(err) || !retry_allows(&self->retry, self->retry.pause_ms))
        return false;
    loop_timer_start(service_loop(gateway->service), &self->timer, self->retry.pause_ms);
    return true;
}

static void on_piece(void *argument, enum err err, const void *reply, const char *text) {
    struct piece *piece = argument;
    struct file_download *self = piece->download;
    const struct files_read_reply *found = reply;
    piece->state = PIECE_NONE;
    if (self->transfer.exchange == NULL || self->failed) {
        free_if_idle(self);
        return;
    }
    if (err == ERR_OK && found->data.length != piece->length)
        err = ERR_INTERNAL;
    if (err == ERR_OK) {
        buffer_clear(&piece->bytes);
        if (buffer_add(&piece->bytes, found->data.data, found->data.length) != 0)
            err = ERR_OVERLOADED;
    }
    if (err == ERR_OK) {
        piece->state = PIECE_HERE;
        retry_start(&self->retry, self->transfer.gateway->settings.send_timeout_ms);
        if (!self->begun)
            begin_answer(self);
        write_next(self);
        return;
    }
    if (self->asked_end > piece->from)
        self->asked_end = piece->from;
    if (!try_again(self, err))
        fail(self, err, text);
}

static bool is_wanted(const struct file_download *self, uint64_t from) {
    for (size_t i = 0; i < FILE_DOWNLOAD_PIECES; i++)
        if (self->pieces[i].state != PIECE_NONE && self->pieces[i].from == from)
            return false;
    return true;
}

static void ask_for_piece(struct file_download *self, struct piece *piece) {
    struct gateway *gateway = self->transfer.gateway;
    uint64_t left = self->end - self->asked_end;
    piece->from = self->asked_end;
    piece->length = left < FILE_TRANSFER_PIECE ? (size_t)left : FILE_TRANSFER_PIECE;
    piece->state = PIECE_ASKED;
    self->asked_end += piece->length;
    const struct files_read body = {.file = self->file,
                                    .preview = self->preview,
                                    .offset = piece->from,
                                    .length = piece->length};
    enum err err = peers_ask(gateway->files, peers_by_key(gateway->files, self->file),
                             &(struct peers_request){.message = &message_FILES_READ,
                                                     .body = &body,
                                                     .timeout_ms = retry_remaining_ms(&self->retry),
                                                     .trace = self->transfer.trace,
                                                     .done = on_piece,
                                                     .argument = piece});
    if (err != ERR_OK)
        on_piece(piece, err, NULL, NULL);
}

/* Behind those that are asked for or here; one that failed is asked for again. */
static void ask_for_pieces(struct file_download *self) {
    for (size_t i = 0; i < FILE_DOWNLOAD_PIECES && !ev_is_active(&self->timer); i++) {
        while (self->asked_end < self->end && !is_wanted(self, self->asked_end))
            self->asked_end += FILE_TRANSFER_PIECE;
        if (self->asked_end >= self->end || self->transfer.exchange == NULL || self->failed)
            return;
        if (self->pieces[i].state == PIECE_NONE)
            ask_for_piece(self, &self->pieces[i]);
    }
}

static void on_timer(struct ev_loop *ev, ev_timer *watcher, int revents) {
    struct file_download *self = watcher->data;
    (void)ev;
    (void)revents;
    if (self->transfer.exchange == NULL)
        return;
    edge_exchange_pause(self->transfer.exchange);
    if (self->described)
        ask_for_pieces(self);
    else
        describe(self);
}

static void on_taken(struct file_transfer *transfer) {
    struct file_download *self = (struct file_download *)transfer;
    for (size_t i = 0; i < FILE_DOWNLOAD_PIECES; i++)
        if (self->pieces[i].state == PIECE_WRITTEN)
            self->pieces[i].state = PIECE_NONE;
    write_next(self);
    ask_for_pieces(self);
}

/* --- the answer's head ----------------------------------------------------------------------- */

static void write_headers(const struct file_download *self, struct buffer *out) {
    uint64_t now_s = (uint64_t)loop_wall_ms() / 1000;
    buffer_printf(out, "ETag: %s\r\nCache-Control: private, immutable, max-age=%" PRIu64 "\r\n",
                  self->tag, self->until_s > now_s ? self->until_s - now_s : 0);
    buffer_printf(out, "Accept-Ranges: %s\r\n", self->preview ? "none" : "bytes");
    if (self->preview)
        buffer_add_text(out, FILE_TYPE_OF_PREVIEW);
    else
        file_type_write(slice_text(self->mime), slice_make(self->name, self->name_length), out);
    file_answer_headers(&self->transfer, out);
}

static void begin_with(struct file_download *self, const char *status, struct buffer *headers,
                       uint64_t length) {
    self->begun = true;
    buffer_add(headers, "", 1);
    if (headers->failed)
        edge_exchange_cut(self->transfer.exchange);
    else
        edge_exchange_begin(self->transfer.exchange, status, headers->data, length);
    buffer_free(headers);
}

/* Once the first bytes are here: a file whose bytes are gone, or a store that is away, is told. */
static void begin_answer(struct file_download *self) {
    struct buffer headers = buffer_make(HEADERS_BYTES);
    if (self->is_part)
        buffer_printf(&headers, "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n",
                      self->from, self->end - 1, self->size);
    write_headers(self, &headers);
    begin_with(self, self->is_part ? "206 Partial Content" : "200 OK", &headers,
               self->end - self->from);
}

/* The range counts if it is of what the client has, or it says nothing of that. */
static bool find_range(struct file_download *self) {
    struct buffer headers = buffer_make(HEADERS_BYTES);
    bool counts =
        !self->preview && (self->if_range[0] == '\0' || strcmp(self->if_range, self->tag) == 0);
    enum file_range_result result =
        file_range_read(counts ? slice_text(self->range) : slice_make(NULL, 0), self->size,
                        &self->from, &self->end);
    self->is_part = result == FILE_RANGE_PART;
    if (result != FILE_RANGE_NONE)
        return true;
    buffer_printf(&headers, "Content-Range: bytes */%" PRIu64 "\r\n", self->size);
    file_answer_headers(&self->transfer, &headers);
    begin_with(self, "416 Range Not Satisfiable", &headers, 0);
    return false;
}

static void on_described(void *argument, enum err err, const void *reply, const char *text) {
    struct file_download *self = argument;
    const struct file *file = reply;
    self->describing = false;
    if (self->transfer.exchange == NULL) {
        free_if_idle(self);
        return;
    }
    if (err == ERR_OK && self->preview && file->preview == 0)
        err = ERR_NO_FILE;
    if (err != ERR_OK) {
        if (!try_again(self, err))
            fail(self, err, err == ERR_NO_FILE ? "the file is there no more" : text);
        return;
    }
    self->described = true;
    retry_start(&self->retry, self->transfer.gateway->settings.send_timeout_ms);
    memcpy(self->name, file->name.data, file->name.length);
    self->name_length = file->name.length;
    snprintf(self->mime, sizeof self->mime, "%.*s", (int)file->mime.length, file->mime.data);
    self->size = self->preview ? file->preview : file->size;
    if (edge_http_has_tag(slice_text(self->if_none_match), slice_text(self->tag))) {
        struct buffer headers = buffer_make(HEADERS_BYTES);
        write_headers(self, &headers);
        begin_with(self, "304 Not Modified", &headers, 0);
        return;
    }
    if (!find_range(self))
        return;
    self->asked_end = self->write_from = self->from;
    if (edge_exchange_method(self->transfer.exchange) == EDGE_HEAD)
        begin_answer(self);
    else
        ask_for_pieces(self);
}

/* --- the request ----------------------------------------------------------------------------- */

static const struct file_transfer_calls calls = {.on_taken = on_taken, .on_end = on_end};

/* As much of it as there is room for: what is longer is nothing that this server knows. */
static void copy_header(struct file_download *self, const char *name, char *out, size_t size) {
    struct slice value = edge_exchange_header(self->transfer.exchange, name);
    snprintf(out, size, "%.*s", (int)value.length, value.length > 0 ? value.data : "");
}

static void describe(struct file_download *self) {
    struct gateway *gateway = self->transfer.gateway;
    const struct files_find body = {.file = self->file};
    self->describing = true;
    enum err err = peers_ask(gateway->files, peers_by_key(gateway->files, self->file),
                             &(struct peers_request){.message = &message_FILES_FIND,
                                                     .body = &body,
                                                     .timeout_ms = retry_remaining_ms(&self->retry),
                                                     .trace = self->transfer.trace,
                                                     .done = on_described,
                                                     .argument = self});
    if (err != ERR_OK)
        on_described(self, err, NULL, NULL);
}

static void check_and_describe(struct file_download *self) {
    struct file_transfer *transfer = &self->transfer;
    const struct file_address *address = transfer->gateway->file_address;
    enum edge_method method = edge_exchange_method(transfer->exchange);
    struct slice query = edge_exchange_query(transfer->exchange);
    bool expired;
    if (method == EDGE_OPTIONS)
        file_answer_refusal(transfer, "204 No Content", "", "",
                            "Access-Control-Allow-Methods: GET, HEAD\r\n"
                            "Access-Control-Allow-Headers: Range, If-Range, If-None-Match\r\n"
                            "Access-Control-Max-Age: 3600\r\n");
    else if (method != EDGE_GET && method != EDGE_HEAD)
        file_answer_refusal(transfer, "405 Method Not Allowed", "bad_request",
                            "only GET and HEAD are answered here", "Allow: GET, HEAD, OPTIONS\r\n");
    else if (!file_address_has_key(address))
        file_answer_fault(transfer, ERR_UNAVAILABLE, NULL, "");
    else if (!file_address_check(address, edge_exchange_path(transfer->exchange), query,
                                 (uint64_t)loop_wall_ms(), &self->file, &self->preview, &expired))
        file_answer_fault(transfer, ERR_NOT_ALLOWED, "the address is not one that was signed here",
                          "");
    else if (expired)
        file_answer_refusal(transfer, "410 Gone", "too_late",
                            "the address has expired: history has a fresh one", "");
    else {
        self->until_s = file_address_until_s(query);
        snprintf(self->tag, sizeof self->tag, "\"%016" PRIx64 "%s\"", self->file,
                 self->preview ? "-preview" : "");
        describe(self);
    }
}

void file_download_begin(struct gateway *gateway, struct edge_exchange *exchange,
                         struct metric *bytes) {
    struct file_download *self = calloc(1, sizeof *self);
    if (self == NULL) {
        edge_exchange_cut(exchange);
        return;
    }
    file_transfer_init(&self->transfer, gateway, exchange, &calls);
    self->bytes = bytes;
    for (size_t i = 0; i < FILE_DOWNLOAD_PIECES; i++) {
        self->pieces[i].download = self;
        self->pieces[i].bytes = buffer_make(FILE_TRANSFER_PIECE);
    }
    ev_timer_init(&self->timer, on_timer, 0, 0);
    self->timer.data = self;
    retry_start(&self->retry, gateway->settings.send_timeout_ms);
    copy_header(self, "Range", self->range, sizeof self->range);
    copy_header(self, "If-Range", self->if_range, sizeof self->if_range);
    copy_header(self, "If-None-Match", self->if_none_match, sizeof self->if_none_match);
    check_and_describe(self);
}
