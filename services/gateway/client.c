/* A client's connection; see client.h. */
#include "services/gateway/client.h"

#include <stdio.h>

#include "common/log.h"
#include "proto/ids.h"
#include "services/gateway/addresses.h"
#include "services/gateway/reasons.h"

struct client *client_find(const struct gateway *gateway, uint64_t id) {
    struct client *client = NULL;
    HASH_FIND(hh, gateway->clients, &id, sizeof id, client);
    return client;
}

struct client *client_find_binding(const struct gateway *gateway, uint64_t binding) {
    struct client *client = NULL;
    HASH_FIND(by_binding, gateway->bound, &binding, sizeof binding, client);
    return client;
}

int client_open(struct client *client, struct gateway *gateway, struct edge_connection *edge,
                void (*go_on)(struct client *client)) {
    client->id = edge_id(edge);
    client->gateway = gateway;
    client->edge = edge;
    client->go_on = go_on;
    if (edge_transport(edge) == EDGE_YOUIM)
        client->dialect = DIALECT_YOUIM;
    if (!HASH_TRY_ADD(hh, gateway->clients, id, client))
        return -1;
    metric_add(gateway->accepted, 1);
    metric_set(gateway->connections, HASH_COUNT(gateway->clients));
    return 0;
}

void client_forget(struct client *client) {
    struct gateway *gateway = client->gateway;
    HASH_DEL(gateway->clients, client);
    metric_set(gateway->connections, HASH_COUNT(gateway->clients));
}

static const char *const state_names[] = {"new", "logging_in", "catching_up", "live"};

void client_set_state(struct client *client, enum client_state state) {
    log_debug("client_state", "client=%llu from=%s to=%s", (unsigned long long)client->id,
              state_names[client->state], state_names[state]);
    client->state = state;
}

/* OurChat's own client cannot take several objects at once. A client that has opted in can, and so
 * can one that is connected over WebSocket. */
void client_set_pace(struct client *client) {
    bool slow = client->dialect == DIALECT_OURCHAT && !client->ext;
    edge_pace(client->edge, slow ? client->gateway->settings.ourchat_tcp_pace_ms : 0);
}

bool client_is_in(const struct client *client) {
    return client->state == CLIENT_CATCHING_UP || client->state == CLIENT_LIVE;
}

struct dialect_account client_account(const struct client *client) {
    return (struct dialect_account){client->account, slice_text(client->account_id)};
}

/* --- answers ------------------------------------------------------------------------------- */

/* A client that does not take its answers is not worth waiting for. */
static void send_or_close(struct client *client, struct slice text) {
    if (edge_send(client->edge, text) != 0 && edge_can_write(client->edge))
        edge_close(client->edge, 1008, "too much unread output");
}

void client_answer(struct client *client, const struct dialect_request *request,
                   const struct dialect_result *result) {
    struct buffer *out = &client->gateway->scratch;
    struct dialect_account self = client_account(client);
    const struct dialect_addresses addresses = addresses_of(client->gateway);
    struct dialect_texts texts = {.out = out, .addresses = &addresses};
    struct dialect_result full = *result;
    char reason[DIALECT_FAULT_BYTES];
    buffer_clear(out);
    if (full.err != ERR_OK)
        metric_add(client->gateway->refused_by[full.err], 1);
    log_debug("request_answered", "client=%llu outcome=%s cid=%llu", (unsigned long long)client->id,
              err_word(full.err), (unsigned long long)full.cid);
    full.time_ms = (uint64_t)loop_wall_ms();
    if (full.err != ERR_OK && full.reason.length == 0)
        full.reason = reason_of(request, full.err, reason);
    dialect_write_result(client->dialect, client->ext, client->account == 0 ? NULL : &self, request,
                         &full, &texts);
    size_t from = 0;
    for (size_t i = 0; i < texts.count; i++) {
        send_or_close(client, slice_make(out->data + from, texts.ends[i] - from));
        from = texts.ends[i];
    }
}

void client_send_fault(struct client *client, const char *reason) {
    struct buffer *out = &client->gateway->scratch;
    struct dialect_account self = client_account(client);
    buffer_clear(out);
    dialect_write_fault(client->dialect, client->account == 0 ? NULL : &self, slice_text(reason),
                        (uint64_t)loop_wall_ms(), out);
    send_or_close(client, slice_make(out->data, out->length));
}

void client_kick(struct client *client, struct slice reason) {
    static const char sentence[] = "the operator closed this connection";
    char text[DIALECT_FAULT_BYTES];
    bool given = reason.length > 0 && reason.length < sizeof text - sizeof sentence - 2 &&
                 text_is_plain(reason);
    snprintf(text, sizeof text, "%s%s%.*s", sentence, given ? ": " : "",
             given ? (int)reason.length : 0, given ? reason.data : "");
    log_info("client_kicked", "client=%llu account=%llu", (unsigned long long)client->id,
             (unsigned long long)client->account);
    client_send_fault(client, text);
    edge_close(client->edge, 1008, sentence);
}

void client_continue(struct client *client) { client->go_on(client); }
