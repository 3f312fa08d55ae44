/* The gateway's figures for the operator: its queues, and its counters of clients. */
#include "services/gateway/watch.h"

#include "services/gateway/bindings.h"
#include "services/gateway/cursors.h"
#include "services/gateway/edge/http_answer.h"
#include "services/gateway/feed.h"
#include "services/gateway/gateway.h"
#include "services/gateway/limits.h"
#include "services/gateway/outbox.h"

static size_t depth_of_connections(const void *argument) {
    const struct gateway *self = argument;
    return edge_count(self->edge);
}

static size_t depth_of_output(const void *argument) {
    const struct gateway *self = argument;
    return edge_total_queued_bytes(self->edge);
}

static size_t depth_of_input(const void *argument) {
    const struct gateway *self = argument;
    return edge_untrusted_input_bytes(self->edge);
}

static size_t depth_of_downloads(const void *argument) {
    const struct gateway *self = argument;
    return edge_downloads(self->edge);
}

static size_t depth_of_transfers(const void *argument) {
    const struct gateway *self = argument;
    return edge_exchange_count(self->edge);
}

static size_t depth_of_texts(const void *argument) {
    const struct gateway *self = argument;
    return self->waiting_texts;
}

static size_t depth_of_text_bytes(const void *argument) {
    const struct gateway *self = argument;
    return self->outgoing_bytes;
}

static size_t depth_of_pulls(const void *argument) {
    const struct gateway *self = argument;
    return feed_pulls(self->feed);
}

static size_t depth_of_pull_queue(const void *argument) {
    const struct gateway *self = argument;
    return feed_waiting(self->feed);
}

static size_t depth_of_cursors(const void *argument) {
    const struct gateway *self = argument;
    return cursors_waiting(self->cursors);
}

static size_t depth_of_unbinds(const void *argument) {
    const struct gateway *self = argument;
    return bindings_waiting(self->bindings);
}

static size_t depth_of_limits(const void *argument) {
    const struct gateway *self = argument;
    return limits_remembered(self->limits);
}

void watch_queues(struct gateway *self) {
    const struct gateway_settings *settings = &self->settings;
    size_t connections = edge_limit(self->edge);
    const struct {
        const char *name;
        service_depth *depth;
        size_t limit;
    } queues[] = {
        {"connections", depth_of_connections, connections},
        {"output_bytes", depth_of_output, settings->send_queues_bytes},
        {"unauthenticated_input", depth_of_input, settings->unauthenticated_input_bytes},
        {"downloads", depth_of_downloads, EDGE_DOWNLOADS_MAX},
        {"file_transfers", depth_of_transfers, settings->transfers.transfers_max},
        {"texts", depth_of_texts, connections * OUTBOX_MAX},
        {"text_bytes", depth_of_text_bytes, settings->waiting_texts_bytes},
        {"pulls", depth_of_pulls, FEED_MAX_PULLS},
        {"pulls_waiting", depth_of_pull_queue, connections},
        {"cursor_moves", depth_of_cursors, CURSORS_WAITING_MAX},
        {"remembered_limits", depth_of_limits, 2 * (size_t)LIMITS_REMEMBERED_MAX},
        {"unbinds", depth_of_unbinds, ENDED_MAX},
    };
    for (size_t i = 0; i < sizeof queues / sizeof queues[0]; i++)
        service_add_queue(self->service, queues[i].name, queues[i].depth, self, queues[i].limit);
}

void watch_metrics(struct gateway *self) {
    struct metrics *metrics = service_metrics(self->service);
    self->connections = metrics_gauge(metrics, "connections", "", "Clients that are connected.");
    self->accepted =
        metrics_counter(metrics, "connections_total", "", "Clients that have connected.");
    self->turned_away = metrics_counter(metrics, "connections_refused_total", "",
                                        "Clients refused, since there were too many.");
    self->shaken = metrics_counter(metrics, "tls_handshakes_total", "result=\"done\"",
                                   "Handshakes of TLS, by result.");
    self->unshaken = metrics_counter(metrics, "tls_handshakes_total", "result=\"failed\"",
                                     "Handshakes of TLS, by result.");
    self->transfer_budget = metrics_gauge(
        metrics, "file_budget_bytes", "",
        "Bytes of files that may be moved in a second beside texts, as the last text found it.");
    self->certificate_expires =
        metrics_gauge(metrics, "tls_certificate_expires_seconds", "",
                      "Unix time at which the certificate expires; 0: there is none.");
    self->stored = metrics_counter(metrics, "texts_stored_total", "", "Texts that were stored.");
    self->refused = metrics_counter(metrics, "texts_refused_total", "",
                                    "Texts that were answered with an error.");
    self->written =
        metrics_counter(metrics, "entries_written_total", "", "Entries written to clients.");
    self->caught_up = metrics_counter(metrics, "catch_ups_total", "",
                                      "Times that a client had to read the message log again.");
    self->gaps = metrics_counter(metrics, "push_gaps_total", "", "Pushes that were missed.");
    self->send_seconds = metrics_histogram(metrics, "send_seconds", "", HISTOGRAM_SECONDS,
                                           "Time from reading a text to answering that it is "
                                           "stored.");
    self->push_seconds = metrics_histogram(metrics, "push_seconds", "", HISTOGRAM_SECONDS,
                                           "Time from storing an entry, by delivery's clock, to "
                                           "queueing it for its readers here.");
    metrics_errors(metrics, "client_refused_total", "Clients' requests that ended with an error.",
                   self->refused_by);
}
