/*
 * parley-gateway: the edge. Clients speak JSON to it over WebSocket or TCP; it translates to
 * internal messages and back, and holds nothing that cannot be rebuilt.
 */
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/address_ranges.h"
#include "common/log.h"
#include "services/gateway/addresses.h"
#include "services/gateway/api_calls.h"
#include "services/gateway/bindings.h"
#include "services/gateway/connections.h"
#include "services/gateway/cursors.h"
#include "services/gateway/dialect/api.h"
#include "services/gateway/edge/edge.h"
#include "services/gateway/edge/origin.h"
#include "services/gateway/entry_texts.h"
#include "services/gateway/feed.h"
#include "services/gateway/file_address.h"
#include "services/gateway/file_transfers.h"
#include "services/gateway/gateway.h"
#include "services/gateway/gateway_options.h"
#include "services/gateway/info.h"
#include "services/gateway/limits.h"
#include "services/gateway/links.h"
#include "services/gateway/missed.h"
#include "services/gateway/names.h"
#include "services/gateway/pairs.h"
#include "services/gateway/received.h"
#include "services/gateway/watch.h"

static struct gateway gateway;

/* Further moves of cursors: clients that waited for them are answered, and read on. */
static void moves_stored(void *context) {
    struct gateway *self = context;
    received_stored(self->received);
    feed_moves_stored(self->feed);
}

static int make_modules(struct gateway *self) {
    const struct gateway_settings *settings = &self->settings;
    self->names = names_new();
    self->cursors = cursors_new(&(struct cursors_options){.service = self->service,
                                                          .delivery = &self->delivery,
                                                          .flush_ms = settings->cursor_flush_ms,
                                                          .timeout_ms = settings->send_timeout_ms,
                                                          .stored = moves_stored,
                                                          .context = self});
    self->bindings = bindings_new(self);
    self->pairs = pairs_new();
    self->file_address = file_address_new(settings->public_url);
    self->file_transfers = file_transfers_new(self);
    self->api_calls = api_calls_new(self);
    self->limits = limits_new(settings, service_metrics(self->service));
    self->texts = entry_texts_new(addresses_of(self));
    self->feed = feed_new(self);
    self->received = received_new(self);
    self->missed = missed_new(self);
    return self->names == NULL || self->cursors == NULL || self->bindings == NULL ||
                   self->pairs == NULL || self->limits == NULL || self->texts == NULL ||
                   self->feed == NULL || self->received == NULL || self->missed == NULL ||
                   self->file_address == NULL || self->file_transfers == NULL ||
                   self->api_calls == NULL
               ? -1
               : 0;
}

static void show_certificate(struct gateway *self) {
    metric_set(self->certificate_expires, (uint64_t)edge_certificate_expires_s(self->edge));
}

static void on_hangup(struct ev_loop *ev, ev_signal *watcher, int revents) {
    (void)ev;
    (void)revents;
    struct gateway *self = watcher->data;
    edge_read_site(self->edge);
    edge_read_certificate(self->edge);
    show_certificate(self);
}

/* An option's 0 is no port. */
static int port_of(uint64_t option) { return option == 0 ? EDGE_NO_PORT : (int)option; }

static bool knows_certificate(const struct gateway_settings *settings) {
    bool certificate = settings->tls_certificate[0] != '\0', key = settings->tls_key[0] != '\0';
    if (certificate != key)
        log_error("start_failed", "reason=\"%s is set and %s is not: TLS needs both\"",
                  certificate ? "tls_certificate" : "tls_key",
                  certificate ? "tls_key" : "tls_certificate");
    return certificate == key;
}

static bool knows_origins(const struct gateway_settings *settings) {
    struct slice wrong;
    char quoted[LOG_QUOTED_BYTES];
    if (edge_origins_check(settings->allowed_origins, &wrong))
        return true;
    log_error("allowed_origins",
              "origin=%s reason=\"not an origin; write it as https://chat.example.org, without a "
              "path, or *\"",
              log_quote(quoted, wrong.data, wrong.length));
    return false;
}

static bool knows_admin_addresses(const struct gateway_settings *settings) {
    struct slice list = slice_text(settings->admin_addresses), wrong;
    char quoted[LOG_QUOTED_BYTES];
    if (list.length == 0 || address_ranges_are_good(list, &wrong))
        return true;
    log_error("admin_addresses",
              "address=%s reason=\"no address or network; write it as 192.0.2.7 or 192.0.2.0/24\"",
              log_quote(quoted, wrong.data, wrong.length));
    return false;
}

static bool knows_public_url(const struct gateway_settings *settings) {
    char quoted[LOG_QUOTED_BYTES];
    if (file_public_url_is_good(settings->public_url))
        return true;
    log_error("public_url",
              "url=%s reason=\"write it as https://chat.example.org, without a slash at its end\"",
              log_quote(quoted, settings->public_url, strlen(settings->public_url)));
    return false;
}

static int open_edge(struct gateway *self) {
    const struct gateway_settings *settings = &self->settings;
    if (!knows_certificate(settings) || !knows_origins(settings) ||
        !knows_admin_addresses(settings) || !knows_public_url(settings))
        return -1;
    self->info = info_write(settings);
    if (self->info == NULL) {
        log_error("start_failed", "reason=\"out of memory\"");
        return -1;
    }
    self->edge_settings =
        (struct edge_settings){.bind_address = settings->service.bind_address,
                               .http_port = port_of(settings->http_port),
                               .tcp_port = port_of(settings->tcp_port),
                               .youim_port = port_of(settings->youim_port),
                               .https_port = port_of(settings->https_port),
                               .tls_tcp_port = port_of(settings->tls_tcp_port),
                               .tls_youim_port = port_of(settings->tls_youim_port),
                               .tls_certificate = settings->tls_certificate,
                               .tls_key = settings->tls_key,
                               .listen_wait_ms = settings->service.listen_wait_ms,
                               .ping_interval_ms = settings->ping_interval_ms,
                               .vanished_timeout_ms = settings->vanished_timeout_ms,
                               .handshake_timeout_ms = settings->login_timeout_ms,
                               .idle_timeout_ms = UINT64_MAX,
                               .end_timeout_ms = settings->send_timeout_ms,
                               .send_queue_bytes = settings->send_queue_bytes,
                               .send_queues_bytes = settings->send_queues_bytes,
                               .connections_per_address = settings->connections_per_address,
                               .untrusted_input_bytes = settings->unauthenticated_input_bytes,
                               .max_connections = settings->max_connections,
                               .transfers = settings->transfers,
                               .proxy_protocol = settings->proxy_protocol,
                               .allowed_origins = settings->allowed_origins,
                               .admin_addresses = settings->admin_addresses,
                               .web_root = settings->web_root,
                               .info = self->info};
    self->edge =
        edge_new(service_loop(self->service), &self->edge_settings, &connection_handlers, self);
    if (self->edge == NULL)
        return -1;
    show_certificate(self);
    ev_signal_init(&self->on_hangup, on_hangup, SIGHUP);
    self->on_hangup.data = self;
    ev_signal_start(service_loop(self->service), &self->on_hangup);
    return 0;
}

static void log_listening(const struct gateway *self) {
    const struct gateway_settings *settings = &self->settings;
    log_info("listening", "addresses=%s websocket=%u tcp=%u youim=%u",
             settings->service.bind_address, (unsigned)settings->http_port,
             (unsigned)settings->tcp_port, (unsigned)settings->youim_port);
    if (settings->tls_certificate[0] != '\0')
        log_info("listening_tls", "addresses=%s websocket=%u tcp=%u youim=%u",
                 settings->service.bind_address, (unsigned)settings->https_port,
                 (unsigned)settings->tls_tcp_port, (unsigned)settings->tls_youim_port);
}

static int start(struct service *service, void *context) {
    struct gateway *self = context;
    self->service = service;
    self->scratch = buffer_make(2 * GATEWAY_TEXT_BYTES);
    watch_metrics(self);
    randombytes_buf(&self->last_trace, sizeof self->last_trace);
    if (make_modules(self) != 0) {
        log_error("start_failed", "reason=\"out of memory\"");
        return -1;
    }
    if (open_edge(self) != 0 || links_open(self) != 0)
        return -1;
    watch_queues(self);
    log_listening(self);
    return 0;
}

static const char *missing(void *context) {
    const struct gateway *self = context;
    return peers_live_count(self->auth) == 0       ? "auth"
           : peers_live_count(self->group) == 0    ? "group"
           : peers_live_count(self->session) == 0  ? "session"
           : peers_live_count(self->delivery) == 0 ? "delivery"
                                                   : NULL;
}

static bool ready(void *context) { return missing(context) == NULL; }

static bool listens(void *context) {
    return edge_is_listening(((const struct gateway *)context)->edge);
}

static void stop(void *context) {
    struct gateway *self = context;
    self->stopping = true;
    edge_close_all(self->edge);
    cursors_flush(self->cursors);
}

static bool stopped(void *context) {
    const struct gateway *self = context;
    return self->clients == NULL && cursors_idle(self->cursors) && bindings_idle(self->bindings);
}

static void finish(void *context) {
    struct gateway *self = context;
    ev_signal_stop(service_loop(self->service), &self->on_hangup);
    edge_destroy(&self->edge);
    free(self->info);
    links_close(self);
    bindings_destroy(&self->bindings);
    cursors_destroy(&self->cursors);
    names_destroy(&self->names);
    pairs_destroy(&self->pairs);
    file_address_destroy(&self->file_address);
    file_transfers_destroy(&self->file_transfers);
    api_calls_destroy(&self->api_calls);
    limits_destroy(&self->limits);
    missed_destroy(&self->missed);
    received_destroy(&self->received);
    feed_destroy(&self->feed);
    entry_texts_destroy(&self->texts);
    buffer_free(&self->scratch);
}

/* What docs/openapi.json is made of. */
static int print_openapi(void) {
    struct buffer out = buffer_make(API_OPENAPI_BYTES);
    api_write_openapi(&out);
    bool whole =
        !out.failed && fwrite(out.data, 1, out.length, stdout) == out.length && fflush(stdout) == 0;
    buffer_free(&out);
    return whole ? 0 : 1;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--openapi") == 0)
        return print_openapi();
    static const struct service_definition definition = {
        .name = "gateway",
        .program = {"parley-gateway",
                    "clients' connections over WebSocket and TCP, in both dialects", "",
                    gateway_options},
        .settings = &gateway.settings,
        .common = &gateway.settings.service,
        .port = &gateway.settings.gateway_port,
        .metrics_port = &gateway.settings.gateway_metrics_port,
        .context = &gateway,
        .start = start,
        .ready = ready,
        .listens = listens,
        .missing = missing,
        .stop = stop,
        .stopped = stopped,
        .finish = finish};
    return service_main(&definition, argc, argv);
}
