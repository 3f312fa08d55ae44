/* The gateway's options; see gateway_options.h. */
#include "services/gateway/gateway_options.h"

#include "proto/shared_options.h"
#include "services/gateway/gateway.h"

#define SETTINGS struct gateway_settings
const struct config_option gateway_options[] = {
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
