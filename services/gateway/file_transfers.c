/* Uploads and downloads of files; see file_transfers.h. */
#include "services/gateway/file_transfers.h"

#include <stdlib.h>
#include <string.h>

#include "services/gateway/file_answer.h"
#include "services/gateway/file_download.h"
#include "services/gateway/file_upload.h"

static const char upload_path[] = "/upload/";

struct file_transfers {
    struct file_uploads uploads;
    struct metric *sent_bytes, *downloads, *started_uploads, *refused, *refused_of_address;
};

struct file_transfers *file_transfers_new(struct gateway *gateway) {
    struct metrics *metrics = service_metrics(gateway->service);
    struct file_transfers *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    const char *bytes = "Bytes of files that clients were sent (down), or that are at files (up).";
    const char *requests = "Requests over HTTP for files (down), and of uploads (up).";
    const char *refused = "Requests over HTTP that were refused, since so many are under way.";
    self->sent_bytes = metrics_counter(metrics, "file_bytes_total", "way=\"down\"", bytes);
    self->uploads.bytes = metrics_counter(metrics, "file_bytes_total", "way=\"up\"", bytes);
    self->downloads = metrics_counter(metrics, "file_requests_total", "way=\"down\"", requests);
    self->started_uploads = metrics_counter(metrics, "file_requests_total", "way=\"up\"", requests);
    self->uploads.finished =
        metrics_counter(metrics, "uploads_total", "", "Uploads whose file can be used.");
    self->refused =
        metrics_counter(metrics, "file_requests_refused_total", "limit=\"all\"", refused);
    self->refused_of_address =
        metrics_counter(metrics, "file_requests_refused_total", "limit=\"address\"", refused);
    return self;
}

void file_transfers_destroy(struct file_transfers **self) {
    free(*self);
    *self = NULL;
}

static bool begins_with(struct slice path, const char *begin) {
    size_t length = strlen(begin);
    return path.length >= length && memcmp(path.data, begin, length) == 0;
}

static bool is_mine(void *argument, struct slice path) {
    (void)argument;
    return begins_with(path, upload_path) || begins_with(path, "/files/") ||
           begins_with(path, "/preview/");
}

static void on_request(void *argument, struct edge_exchange *exchange) {
    struct gateway *gateway = argument;
    struct file_transfers *self = gateway->file_transfers;
    bool up = begins_with(edge_exchange_path(exchange), upload_path);
    metric_add(up ? self->started_uploads : self->downloads, 1);
    edge_exchange_stand_back(exchange);
    if (up)
        file_upload_begin(&self->uploads, gateway, exchange);
    else
        file_download_begin(gateway, exchange, self->sent_bytes);
}

static void on_crowded(void *argument, bool of_address) {
    const struct gateway *gateway = argument;
    const struct file_transfers *self = gateway->file_transfers;
    metric_add(of_address ? self->refused_of_address : self->refused, 1);
}

static void on_body(struct edge_exchange *exchange, struct slice bytes) {
    struct file_transfer *transfer = edge_exchange_owner(exchange);
    if (transfer->calls->on_body != NULL)
        transfer->calls->on_body(transfer, bytes);
}

static void on_body_end(struct edge_exchange *exchange) {
    struct file_transfer *transfer = edge_exchange_owner(exchange);
    if (transfer->calls->on_body_end != NULL)
        transfer->calls->on_body_end(transfer);
}

static void on_taken(struct edge_exchange *exchange) {
    struct file_transfer *transfer = edge_exchange_owner(exchange);
    if (transfer->calls->on_taken != NULL)
        transfer->calls->on_taken(transfer);
}

/* Without one where there was no memory. */
static void on_end(struct edge_exchange *exchange, bool complete) {
    struct file_transfer *transfer = edge_exchange_owner(exchange);
    if (transfer != NULL)
        transfer->calls->on_end(transfer, complete);
}

const struct edge_exchange_handlers file_exchange_handlers = {.is_mine = is_mine,
                                                              .on_request = on_request,
                                                              .on_crowded = on_crowded,
                                                              .on_body = on_body,
                                                              .on_body_end = on_body_end,
                                                              .on_taken = on_taken,
                                                              .on_end = on_end};
