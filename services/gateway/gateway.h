/* The gateway's context: its settings, its links, and what each of its modules keeps. */
#ifndef PARLEY_GATEWAY_H
#define PARLEY_GATEWAY_H

#include "common/loop.h"
#include "common/metrics.h"
#include "common/peers.h"
#include "services/gateway/edge/edge.h"

/*
 * limit: gateway | unwritten output of a paced client when a further entry is queued | 2 KiB
 * {GATEWAY_PACED_BYTES:} | back to catching up, the rest waits in the message log
 */
/* The bytes that a paced client may have unwritten when a further entry is queued for it. So
 * little, because answers wait behind it, and unwritten entries are sent anew at the next login. */
#define GATEWAY_PACED_BYTES ((size_t)2048)
/*
 * limit: gateway | JSON of one entry | {GATEWAY_TEXT_BYTES} | cannot be reached by a text of
 * 65,000 bytes
 */
/* Room for the JSON of one entry: its text escaped to six times its length. */
#define GATEWAY_TEXT_BYTES ((size_t)512 << 10)

struct gateway_settings {
    struct service_settings service;
    uint64_t gateway_port, gateway_metrics_port, http_port, tcp_port, youim_port;
    uint64_t https_port, tls_tcp_port, tls_youim_port;
    uint64_t ping_interval_ms, vanished_timeout_ms, login_timeout_ms, send_timeout_ms;
    uint64_t max_connections, send_queue_bytes, send_queues_bytes, waiting_texts_bytes;
    uint64_t unauthenticated_input_bytes, connections_per_address;
    struct edge_transfers_settings transfers;
    uint64_t registrations_per_address, texts_per_minute, groups_per_minute;
    uint64_t invitations_per_minute, history_per_minute, searches_per_minute, uploads_per_minute;
    uint64_t requests_per_minute;
    uint64_t reach_interval_ms, cursor_flush_ms, ourchat_tcp_pace_ms, presence_grace_ms;
    uint64_t registration, recall_minutes, edit_minutes; /* as others enforce them */
    bool proxy_protocol, demo;
    char *web_root, *admin_addresses, *server_name, *allowed_origins, *tls_certificate, *tls_key;
    char *auth_peers, *group_peers, *session_peers, *delivery_peers, *files_peers, *hooks_peers,
        *public_url;
};

struct api_calls;
struct bindings;
struct client;
struct cursors;
struct entry_texts;
struct feed;
struct file_address;
struct file_transfers;
struct limits;
struct missed;
struct names;
struct pairs;
struct received;

struct gateway {
    struct gateway_settings settings;
    struct service *service;
    struct edge_settings edge_settings;
    struct edge *edge;
    char *info;          /* the answer to GET /api/info */
    ev_signal on_hangup; /* SIGHUP: the page's files and the certificate are read again */
    struct peers *auth, *group, *session, *delivery, *files;
    struct peers *hooks;               /* NULL: there are none */
    struct file_address *file_address; /* signs and checks the addresses of files */
    struct file_transfers *file_transfers;
    struct api_calls *api_calls;
    ev_timer on_file_key;   /* asks for its key again */
    struct client *clients; /* by id */
    struct client *bound;   /* by binding */
    uint64_t last_binding;
    struct names *names;
    struct cursors *cursors;
    struct bindings *bindings;
    struct pairs *pairs;
    struct limits *limits;
    struct feed *feed;
    struct received *received;
    struct missed *missed;
    struct entry_texts *texts; /* scratch of the entry that is being written */
    struct buffer scratch;     /* one answer at a time */
    uint64_t nonce_counter;
    size_t waiting_texts;  /* that are not at delivery */
    size_t outgoing_bytes; /* of all texts that are not stored yet */
    bool stopping;
    uint64_t last_trace; /* that was given to a client's request */
    struct metric *connections, *accepted, *turned_away, *stored, *refused, *written;
    struct metric *caught_up, *gaps;
    struct metric *shaken, *unshaken, *certificate_expires, *transfer_budget;
    struct metric *refused_by[ERR_COUNT];
    struct histogram *send_seconds, *push_seconds;
};

#endif
