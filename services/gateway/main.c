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
#include "proto/shared_options.h"
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
#include "services/gateway/info.h"
#include "services/gateway/limits.h"
#include "services/gateway/links.h"
#include "services/gateway/missed.h"
#include "services/gateway/names.h"
#include "services/gateway/pairs.h"
#include "services/gateway/received.h"
#include "services/gateway/watch.h"

static struct gateway gateway;

#define SETTINGS struct gateway_settings
static const struct config_option options[] = {
    CONFIG_INCLUDE(SETTINGS, service, service_options),
    CONFIG_U64(SETTINGS, gateway_port, 7100, 1, 65535, "port", "port for parleyctl"),
    CONFIG_U64(SETTINGS, gateway_metrics_port, 7110, 0, 65535, "port",
               "where gateway serves /metrics, /healthz and /readyz over HTTP; 0: nowhere"),
    CONFIG_U64(SETTINGS, http_port, 5999, 0, 65535, "port",
               "WebSocket and HTTP for clients; 0: none"),
    CONFIG_U64(SETTINGS, tcp_port, 54088, 0, 65535, "port", "JSON over TCP for clients; 0: none"),
    CONFIG_U64(SETTINGS, youim_port, 5566, 0, 65535, "port",
               "YouIM's binary framing over TCP for clients; 0: none"),
    CONFIG_STRING(
        SETTINGS, tls_certificate, "",
        "PEM file of the server's certificate with those of its issuers behind it, read at "
        "the start and at SIGHUP; empty: no TLS"),
    CONFIG_STRING(SETTINGS, tls_key, "",
                  "PEM file of the certificate's private key, without a passphrase"),
    CONFIG_U64(SETTINGS, https_port, 5998, 0, 65535, "port",
               "as http_port, with TLS, where there is a certificate; 0: none"),
    CONFIG_U64(SETTINGS, tls_tcp_port, 54089, 0, 65535, "port",
               "as tcp_port, with TLS, where there is a certificate; 0: none"),
    CONFIG_U64(SETTINGS, tls_youim_port, 5567, 0, 65535, "port",
               "as youim_port, with TLS, where there is a certificate; 0: none"),
    /*
     * limit: client | silence of a WebSocket; wait for the answer to a ping | {ping_interval_ms};
     * 30 s {EDGE_UNANSWERED_PINGS:} | pinged; closed, 1001, when two pings in a row stay
     * unanswered, unless output still flows or the server itself has paused reading
     */
    CONFIG_U64(
        SETTINGS, ping_interval_ms, 30000, 100, 86400000, "ms",
        "silence after which a WebSocket is pinged; it is closed when two pings stay unanswered "
        "for as long"),
    /*
     * limit: client | a host that vanished, or a client that reads nothing | {vanished_timeout_ms}:
     * half of it silent, then `KEEPALIVE_PROBES` 3 (`edge/listen.c`) | the kernel ends the
     * connection
     */
    CONFIG_U64(SETTINGS, vanished_timeout_ms, 120000, 2000, 3600000, "ms",
               "how long a client's host may acknowledge nothing before its connection is closed"),
    /* limit: client | time until login, and after a log-out | {login_timeout_ms} | closed, 1008 */
    CONFIG_U64(SETTINGS, login_timeout_ms, 30000, 100, 86400000, "ms",
               "how long a client may stay connected without logging in"),
    /*
     * limit: gateway | how long a text is tried | {send_timeout_ms}, each time again after a pause
     * of {RETRY_FIRST_PAUSE_MS} to {RETRY_MAX_PAUSE_MS}; an instance that is there is waited for
     * | its sender gets `unavailable` or `unknown_outcome`
     */
    /*
     * limit: gateway | wait for a 301 with a `ref` to be stored | {send_timeout_ms}; one for each
     * connection, which is not read meanwhile | `unavailable`; it may still be stored
     */
    /*
     * limit: gateway | carrying out the requests of a client that has closed, and answering one
     * that closed only its half | {send_timeout_ms}; counts as a connection until then | cut:
     * requests that were not sent to a service are dropped
     */
    CONFIG_U64(SETTINGS, send_timeout_ms, 30000, 100, 600000, "ms",
               "how long the gateway tries a request before it answers with a fault"),
    /*
     * limit: client | connections of a gateway | {max_connections} | WebSocket: accepted and closed
     * with 1013; TCP: closed at once
     */
    CONFIG_U64(SETTINGS, max_connections, 15000, 1, 1000000, "connections",
               "clients at once; further ones are refused"),
    /*
     * limit: client | connections of one address (IPv6: its /64), at each gateway |
     * {connections_per_address} | refused with a reason: WebSocket 1013; TCP: a fault, then closed
     */
    CONFIG_U64(
        SETTINGS, connections_per_address, 1000, 0, 1000000, "connections",
        "clients of one address at once (IPv6: of one /64); further ones are refused; 0: no limit"),
    CONFIG_INCLUDE(SETTINGS, transfers, edge_transfers_options),
    /*
     * limit: client | accounts registered from one address (IPv6: its /64), at each gateway |
     * {registrations_per_address} a minute, and as many at once as in 5 minutes | `throttled`
     * before any work (OurChat: 5, state 1)
     */
    CONFIG_U64(SETTINGS, registrations_per_address, 20, 0, 1000000, "accounts a minute",
               "accounts registered from one address in a minute, at once as many as in 5 "
               "minutes; 0: no limit"),
    /*
     * limit: client | texts of one account, at each gateway | {texts_per_minute} a minute, and as
     * many at once | `throttled`, until the time that its text names
     */
    CONFIG_U64(SETTINGS, texts_per_minute, 1200, 0, 1000000, "texts a minute",
               "texts of one account, at once and then in a minute; 0: no limit"),
    /*
     * limit: client | groups that one account makes, at each gateway | {groups_per_minute} a
     * minute, and as many at once | `throttled`, until the time that its text names
     */
    CONFIG_U64(SETTINGS, groups_per_minute, 20, 0, 1000000, "groups a minute",
               "groups that one account makes, at once and then in a minute; 0: no limit"),
    /*
     * limit: client | requests of one account for friendship or to join a group, at each gateway |
     * {invitations_per_minute} a minute, and as many at once | `throttled`, until the time that its
     * text names
     */
    CONFIG_U64(SETTINGS, invitations_per_minute, 60, 0, 1000000, "requests a minute",
               "requests of one account for friendship or to join a group, at once and then in a "
               "minute; 0: no limit"),
    /*
     * limit: client | requests of one account for history (303), at each gateway |
     * {history_per_minute} a minute, and as many at once | `throttled`, until the time that its
     * text names
     */
    CONFIG_U64(
        SETTINGS, history_per_minute, 600, 0, 1000000, "requests a minute",
        "requests of one account for history (303), at once and then in a minute; 0: no limit"),
    /*
     * limit: client | searches of one account (331), at each gateway | {searches_per_minute} a
     * minute, and as many at once | `throttled`, until the time that its text names
     */
    CONFIG_U64(SETTINGS, searches_per_minute, 60, 0, 1000000, "searches a minute",
               "searches of one account (331), at once and then in a minute; 0: no limit"),
    /*
     * limit: client | files that one account uploads (323), at each gateway | {uploads_per_minute}
     * a minute, and as many at once | `throttled`, until the time that its text names
     */
    CONFIG_U64(SETTINGS, uploads_per_minute, 60, 0, 1000000, "files a minute",
               "files that one account uploads, at once and then in a minute; 0: no limit"),
    /*
     * limit: client | all other requests of one account but logins, 301, 302 and heartbeats, at
     * each gateway | {requests_per_minute} a minute, and as many at once | `throttled`, until the
     * time that its text names
     */
    CONFIG_U64(SETTINGS, requests_per_minute, 1200, 0, 1000000, "requests a minute",
               "all other requests of one account but logins, 301, 302 and heartbeats, at once and "
               "then in a minute; 0: no limit"),
    CONFIG_BOOL(
        SETTINGS, proxy_protocol, false,
        "clients connect through a proxy that sends their addresses (PROXY protocol, version 1)"),
    /*
     * limit: gateway | unwritten output per connection | 1 MiB {send_queue_bytes:} | an entry: back
     * to catching up, the rest waits in the message log; an answer: closed, 1008
     */
    CONFIG_U64(SETTINGS, send_queue_bytes, 1 << 20, GATEWAY_TEXT_BYTES, 1 << 30, "bytes",
               "unwritten output per client; beyond it the rest waits in the message log"),
    /*
     * limit: gateway | unwritten output of all connections | {send_queues_bytes}; beyond it
     * {EDGE_SHARE_BYTES}, or one text, each | as for one connection
     */
    CONFIG_U64(SETTINGS, send_queues_bytes, 512 << 20, 1 << 20, 1ULL << 40, "bytes",
               "unwritten output of all clients; beyond it each may have 64 KiB"),
    /*
     * limit: gateway | memory of all texts that are not stored yet; each counts its text, `ref`,
     * token and ids, and some 400 bytes | {waiting_texts_bytes} | a further text is refused:
     * `overloaded`
     */
    CONFIG_U64(SETTINGS, waiting_texts_bytes, 256 << 20, 1 << 16, 1ULL << 40, "bytes",
               "memory of texts that are not stored yet; beyond it further ones are refused"),
    /*
     * limit: gateway | memory of input of all connections that are not logged in: objects that have
     * not arrived in whole, and what waits behind a login | {unauthenticated_input_bytes} | one of
     * those that hold most, and of these the one that has held it for the longest, is closed (1013)
     */
    CONFIG_U64(SETTINGS, unauthenticated_input_bytes, 8 << 20, 256 << 10, 1ULL << 40, "bytes",
               "memory of input that has not arrived in whole, of all connections that are not "
               "logged in; beyond it those that hold most are closed"),
    /*
     * limit: gateway | how often a mark is sent; looked at (TCP) | {reach_interval_ms};
     * {MARK_INTERVAL_S} | -
     */
    CONFIG_U64(SETTINGS, reach_interval_ms, 500, 10, 60000, "ms",
               "how often the gateway checks how much has reached a client"),
    /*
     * limit: gateway | how often cursors are stored | {cursor_flush_ms}, and when a client logs in
     * or out, or closes | -
     */
    CONFIG_U64(SETTINGS, cursor_flush_ms, 1000, 10, 60000, "ms",
               "how often the gateway stores how much has reached clients"),
    CONFIG_U64(SETTINGS, presence_grace_ms, 3000, 0, 600000, "ms",
               "how long a connection that ended may be made again before its account counts as "
               "gone, as the same option of session; longer than other gateways take to find an "
               "instance of session"),
    /*
     * limit: gateway | an object to OurChat over TCP without `ext` | one at a time,
     * {ourchat_tcp_pace_ms} behind the acknowledgement of the one before, which is looked at every
     * {LOOK_S} | it waits: answers in the queue above, entries as below
     */
    CONFIG_U64(SETTINGS, ourchat_tcp_pace_ms, 150, 0, 10000, "ms",
               "pause between two objects for OurChat over TCP without ext, whose client takes one "
               "read for one object; 0: none"),
    CONFIG_STRING(
        SETTINGS,
        web_root,
        "",
        "folder with the page that the HTTP port serves, read at the start and at SIGHUP; "
        "empty: no page"),
    CONFIG_STRING(
        SETTINGS,
        allowed_origins, "",
        "origins of other servers' pages that may open WebSockets, separated by commas, such as "
        "https://chat.example.org; *: any. Pages of this server may in any case"),
    CONFIG_STRING(SETTINGS, admin_addresses, "127.0.0.0/8,::1",
                  "addresses and networks that see the operator's page at /admin/, such as "
                  "192.0.2.0/24, separated by commas; empty: nobody. Behind the PROXY protocol the "
                  "client's address counts"),
    CONFIG_STRING(SETTINGS, server_name, "parley", "the server's name on the page"),
    CONFIG_BOOL(SETTINGS, demo, false,
                "the page logs in without being asked by links such as /?as=anna"),
    OPTION_REGISTRATION(SETTINGS), OPTION_RECALL_MINUTES(SETTINGS), OPTION_EDIT_MINUTES(SETTINGS),
    CONFIG_STRING(SETTINGS, auth_peers, "tcp://127.0.0.1:7101",
                  "instances of auth: tcp://host:port or dns:name:port, separated by commas"),
    CONFIG_STRING(SETTINGS, group_peers, "tcp://127.0.0.1:7102",
                  "instances of group: tcp://host:port or dns:name:port, separated by commas"),
    CONFIG_STRING(SETTINGS, session_peers, "tcp://127.0.0.1:7103",
                  "instances of session: tcp://host:port or dns:name:port, separated by commas"),
    CONFIG_STRING(SETTINGS, delivery_peers, "tcp://127.0.0.1:7104",
                  "instances of delivery: tcp://host:port or dns:name:port, separated by commas"),
    CONFIG_STRING(SETTINGS, files_peers, "tcp://127.0.0.1:7105",
                  "instances of files: tcp://host:port or dns:name:port, separated by commas"),
    CONFIG_STRING(SETTINGS, hooks_peers, "",
                  "instances of hooks, for Web Push (345); empty: there is none"),
    CONFIG_STRING(SETTINGS, public_url, "",
                  "what addresses of files begin with, such as https://chat.example.org; empty: "
                  "they are paths on the client's own server"),
    CONFIG_END};

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
                    "clients' connections over WebSocket and TCP, in both dialects", "", options},
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
