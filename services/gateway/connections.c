/* Clients' connections; see connections.h. */
#include "services/gateway/connections.h"

#include <stdlib.h>

#include "common/log.h"
#include "services/gateway/bindings.h"
#include "services/gateway/client.h"
#include "services/gateway/cursors.h"
#include "services/gateway/feed.h"
#include "services/gateway/http_requests.h"
#include "services/gateway/limits.h"
#include "services/gateway/login.h"
#include "services/gateway/marks.h"
#include "services/gateway/outbox.h"
#include "services/gateway/positions.h"
#include "services/gateway/received.h"
#include "services/gateway/request.h"
#include "services/gateway/requests.h"

/* --- from open to close -------------------------------------------------------------------- */

/* A client and its parts, in one piece. */
struct whole_client {
    struct client client;
    struct client_login login;
    struct client_request current;
    struct client_outbox outbox;
    struct client_feed feed;
    struct positions positions;
    struct client_marks marks;
    struct client_received received;
};

static struct client *make_client(void) {
    struct whole_client *whole = calloc(1, sizeof *whole);
    if (whole == NULL)
        return NULL;
    whole->client.login = &whole->login;
    whole->client.current = &whole->current;
    whole->client.outbox = &whole->outbox;
    whole->client.feed = &whole->feed;
    whole->client.positions = &whole->positions;
    whole->client.marks = &whole->marks;
    whole->client.received = &whole->received;
    return &whole->client;
}

static void on_open(void *argument, struct edge_connection *edge) {
    struct client *client = make_client();
    if (client == NULL || client_open(client, argument, edge, requests_go_on) != 0) {
        free(client);
        edge_close(edge, 1013, "the server is short of memory");
        return;
    }
    edge_set_owner(edge, client);
    login_init(client);
    request_init(client);
    outbox_init(client);
}

static void on_close(void *argument, struct edge_connection *edge) {
    struct gateway *gateway = argument;
    struct client *client = edge_owner(edge);
    if (client == NULL)
        return;
    client_forget(client);
    login_stop(client);
    feed_stop(client);
    received_stop(client);
    bindings_unbind(client, false);
    outbox_stop(client);
    request_stop(client);
    cursors_flush(gateway->cursors); /* the account may be on its way to another gateway */
    free(client);                    /* with its parts */
}

/* Requests that the client sent before it closed are carried out. */
static void on_end(void *argument, struct edge_connection *edge) {
    (void)argument;
    struct client *client = edge_owner(edge);
    if (client == NULL) {
        edge_close(edge, 0, NULL);
        return;
    }
    client->ended = true;
    client_continue(client);
}

/* --- reading ------------------------------------------------------------------------------- */

/* The binary framing has one byte for the number, and those of the extensions are larger. */
static void refuse_ext(struct dialect_request *request, enum err *err,
                       char fault[DIALECT_FAULT_BYTES]) {
    request->ext = false;
    request->ref = slice_make(NULL, 0);
    if (*err == ERR_OK)
        snprintf(fault, DIALECT_FAULT_BYTES, "ext is not possible over the binary framing");
    *err = ERR_BAD_REQUEST;
}

/* Never 0, which means none. */
static uint64_t next_trace(struct gateway *gateway) {
    if (++gateway->last_trace == 0)
        gateway->last_trace = 1;
    return gateway->last_trace;
}

/* An object that may not be carried out because of its content (dialect_parse). A client that
 * repeats a text until its `ref` is answered gets that answer, and goes on; to others the object is
 * malformed. */
static void refuse_object(struct client *client, cJSON *json, const char *fault) {
    struct dialect_request request;
    char other_fault[DIALECT_FAULT_BYTES];
    enum dialect before = client->dialect;
    if (before == DIALECT_UNKNOWN)
        client->dialect = dialect_detect(json);
    enum err err = dialect_read(client->dialect, client->ext, json, &request, other_fault);
    if (request.ref.length > 0) { /* refs are read of clients that have opted in, and of this */
        client_set_pace(client);
        edge_count_good(client->edge);
        requests_answer(client, &request, err == ERR_OK ? ERR_BAD_REQUEST : err, fault);
        return;
    }
    client->dialect = before;
    dialect_request_free(&request);
    edge_count_fault(client->edge, fault);
}

static void on_object(void *argument, struct edge_connection *edge, struct slice text) {
    (void)argument;
    struct client *client = edge_owner(edge);
    char fault[DIALECT_FAULT_BYTES];
    cJSON *json = dialect_parse(text, fault);
    if (json == NULL) {
        edge_count_fault(edge, fault);
        return;
    }
    if (fault[0] != '\0') {
        refuse_object(client, json, fault);
        return;
    }
    if (client->dialect == DIALECT_UNKNOWN) {
        client->dialect = dialect_detect(json);
        client_set_pace(client);
    }
    if (client->dialect == DIALECT_UNKNOWN) {
        cJSON_Delete(json);
        edge_count_fault(edge, "the object has neither code nor msgType");
        return;
    }
    edge_count_good(edge);
    struct dialect_request request;
    enum err err = dialect_read(client->dialect, client->ext, json, &request, fault);
    request.trace = next_trace(client->gateway);
    request.read_us = loop_now_us();
    uint64_t before = log_trace_begin(request.trace);
    log_debug("request", "client=%llu account=%llu number=%llu", (unsigned long long)client->id,
              (unsigned long long)client->account, (unsigned long long)request.number);
    if (request.ext && edge_transport(edge) == EDGE_YOUIM)
        refuse_ext(&request, &err, fault);
    if (err != ERR_OK)
        requests_answer(client, &request, err, fault);
    else
        requests_take(client, &request);
    log_trace_end(before);
}

/* --- the rest ------------------------------------------------------------------------------ */

static void on_fault(void *argument, struct edge_connection *edge, const char *reason) {
    (void)argument;
    struct client *client = edge_owner(edge);
    if (client == NULL)
        return;
    metric_add(client->gateway->refused_by[ERR_BAD_REQUEST], 1);
    client_send_fault(client, reason);
}

static void on_reached(void *argument, struct edge_connection *edge) {
    (void)argument;
    struct client *client = edge_owner(edge);
    if (client != NULL)
        feed_reached(client);
}

/* As the log says; the service can do nothing without its ports. */
static void on_failed(void *argument) {
    service_fail(((const struct gateway *)argument)->service, 1);
}

static void on_refused(void *argument) {
    struct gateway *gateway = argument;
    metric_add(gateway->turned_away, 1);
}

static void on_limited(void *argument, enum edge_limit limit) {
    const struct gateway *gateway = argument;
    limits_count(gateway->limits, limit == EDGE_LIMIT_INPUT ? LIMIT_INPUT : LIMIT_CONNECTIONS);
}

static void write_fault(void *argument, enum edge_transport transport, const char *reason,
                        struct buffer *out) {
    (void)argument;
    dialect_write_fault(transport == EDGE_YOUIM ? DIALECT_YOUIM : DIALECT_UNKNOWN, NULL,
                        slice_text(reason), (uint64_t)loop_wall_ms(), out);
}

static void on_handshake(void *argument, bool done) {
    struct gateway *gateway = argument;
    metric_add(done ? gateway->shaken : gateway->unshaken, 1);
}

const struct edge_handlers connection_handlers = {.on_open = on_open,
                                                  .on_object = on_object,
                                                  .on_fault = on_fault,
                                                  .on_reached = on_reached,
                                                  .on_end = on_end,
                                                  .on_close = on_close,
                                                  .on_handshake = on_handshake,
                                                  .on_refused = on_refused,
                                                  .on_limited = on_limited,
                                                  .write_fault = write_fault,
                                                  .on_failed = on_failed,
                                                  .exchanges = &http_request_handlers};
