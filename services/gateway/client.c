/* A client's connection: from its first object to its close. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "common/log.h"
#include "services/gateway/bindings.h"
#include "services/gateway/client.h"
#include "services/gateway/cursors.h"
#include "services/gateway/feed.h"
#include "services/gateway/gateway.h"
#include "services/gateway/login.h"
#include "services/gateway/marks.h"
#include "services/gateway/names.h"
#include "services/gateway/outbox.h"
#include "services/gateway/reasons.h"
#include "services/gateway/received.h"
#include "services/gateway/request.h"
#include "services/gateway/requests.h"

/* The copy of a text has come so long after that was stored, or what lacks has been noticed. */
#define COPY_MS 5000

static const char *const state_names[] = {"new", "logging_in", "catching_up", "live"};

void client_set_state(struct client *client, enum client_state state) {
    log_debug("client_state", "client=%llu from=%s to=%s", (unsigned long long)client->id,
              state_names[client->state], state_names[state]);
    client->state = state;
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
    if (edge_send(client->edge, text) != 0 && !edge_is_mute(client->edge))
        edge_close(client->edge, 1008, "too much unread output");
}

void client_answer(struct client *client, const struct dialect_request *request,
                   const struct dialect_result *result) {
    struct buffer *out = &client->gateway->scratch;
    struct dialect_account self = client_account(client);
    struct dialect_texts texts = {.out = out};
    struct dialect_result told = *result;
    char reason[DIALECT_FAULT_BYTES];
    buffer_clear(out);
    if (told.err != ERR_OK)
        metric_add(client->gateway->refused_by[told.err], 1);
    log_debug("request_answered", "client=%llu outcome=%s cid=%llu", (unsigned long long)client->id,
              err_word(told.err), (unsigned long long)told.cid);
    told.time_ms = (uint64_t)loop_wall_ms();
    if (told.err != ERR_OK && told.reason.length == 0)
        told.reason = reason_of(request, told.err, reason);
    dialect_write_result(client->dialect, client->ext, client->account == 0 ? NULL : &self, request,
                         &told, &texts);
    size_t from = 0;
    for (size_t i = 0; i < texts.count; i++) {
        send_or_close(client, slice_make(out->data + from, texts.ends[i] - from));
        from = texts.ends[i];
    }
}

static void answer_fault(struct client *client, const char *reason) {
    struct buffer *out = &client->gateway->scratch;
    struct dialect_account self = client_account(client);
    buffer_clear(out);
    dialect_write_fault(client->dialect, client->account == 0 ? NULL : &self, slice_text(reason),
                        (uint64_t)loop_wall_ms(), out);
    send_or_close(client, slice_make(out->data, out->length));
}

void client_finish(struct client *client, const struct dialect_result *result) {
    client_answer(client, &client->current->request, result);
    dialect_request_free(&client->current->request);
    client->current->busy = client->current->started = false;
    client->current->again = NULL;
    client_continue(client);
}

void client_fail(struct client *client, enum err err, const char *reason) {
    client_finish(client, &(struct dialect_result){.err = err, .reason = slice_text(reason)});
}

void client_kick(struct client *client, struct slice reason) {
    static const char sentence[] = "the operator closed this connection";
    char text[DIALECT_FAULT_BYTES];
    bool told = reason.length > 0 && reason.length < sizeof text - sizeof sentence - 2 &&
                text_is_plain(reason);
    snprintf(text, sizeof text, "%s%s%.*s", sentence, told ? ": " : "",
             told ? (int)reason.length : 0, told ? reason.data : "");
    log_info("client_kicked", "client=%llu account=%llu", (unsigned long long)client->id,
             (unsigned long long)client->account);
    answer_fault(client, text);
    edge_close(client->edge, 1008, sentence);
}

void client_give_way(struct client *client, const char *reason) {
    log_debug("client_gives_way", "client=%llu account=%llu reason=\"%s\"",
              (unsigned long long)client->id, (unsigned long long)client->account, reason);
    answer_fault(client, reason);
    /* Before the connection is closed, which waits for what is queued. */
    feed_leave(client);
    bindings_unbind(client);
    client_set_state(client, CLIENT_NEW);
    edge_close(client->edge, 1008, reason);
}

/* --- requests ------------------------------------------------------------------------------ */

/* NULL, or why the request may not be carried out on this connection. */
static const char *forbidden(const struct client *client, const struct dialect_request *request) {
    const struct dialect_id *actor = &request->actor;
    if (request->login_needed && !client_is_in(client))
        return "log in first";
    /* Whoever waits for a 300 that never comes would send the same again and again. */
    if (request->stray_ref)
        return "ref works once \"ext\":1 stands in the login (or registration)";
    if (!request->login_needed)
        return NULL;
    if (actor->present &&
        (actor->text.length == 0 ? actor->number != client->account
                                 : !id_same(actor->text, slice_text(client->account_id))))
        return "the request names another account than the one that is logged in";
    if (request->token_given && !slice_equal(request->token, slice_text(client->login->token)))
        return "token is not this connection's";
    return NULL;
}

static void answer_and_free(struct client *client, struct dialect_request *request, enum err err,
                            const char *reason) {
    client_answer(client, request,
                  &(struct dialect_result){.err = err, .reason = slice_text(reason)});
    dialect_request_free(request);
}

static void peer_found(struct client *client, enum err err, uint64_t number) {
    struct dialect_request request = client->current->request;
    client->current->request = (struct dialect_request){0};
    client->current->busy = false;
    if (err != ERR_OK)
        answer_and_free(client, &request, err, "");
    else
        send_start(client, &request, number);
    client_continue(client);
}

static void take_text(struct client *client, struct dialect_request *request) {
    uint64_t number;
    /* While the name is looked up, the request is the one in progress and keeps its place. */
    client->current->request = *request;
    client->current->busy = true;
    patience_start(&client->current->patience, client->gateway->settings.send_timeout_ms);
    edge_pause(client->edge);
    if (names_find(client, request->recipient_kind, &request->recipient, &number, peer_found))
        peer_found(client, ERR_OK, number);
}

static void take_request(struct client *client, struct dialect_request *request) {
    const char *reason = forbidden(client, request);
    if (reason != NULL) {
        request->operation = OPERATION_NONE; /* 2, 5 and 7 would not tell the reason */
        answer_and_free(client, request, ERR_NOT_ALLOWED, reason);
    } else if (request->operation == OPERATION_HEARTBEAT) {
        answer_and_free(client, request, ERR_OK, ""); /* silent, but for a `ref` */
    } else if (request->operation == OPERATION_SEND) {
        take_text(client, request);
    } else {
        client->current->request = *request;
        client->current->busy = true;
        edge_pause(client->edge);
        /* Texts that were sent before take effect before. */
        if (client->outbox->count == 0)
            operation_start(client);
    }
}

/* Whether a client that reads on, having closed its half, is still to get something of the log:
 * what its login brings, and the copies of its last texts. Those are written by the time that it
 * has caught up. */
static bool awaits_log(struct client *client) {
    if (edge_is_mute(client->edge) || client->gateway->stopping || !client_is_in(client) ||
        client->feed->full)
        return false;
    if (client->outbox->stored_ms != 0 && loop_now_ms() - client->outbox->stored_ms < COPY_MS)
        feed_catch_up(client);
    client->outbox->stored_ms = 0;
    return client->state == CLIENT_CATCHING_UP;
}

static void close_ended(struct client *client) {
    if (client->ended && client->outbox->count == 0 && !awaits_log(client))
        edge_close(client->edge, 0, NULL);
}

void client_continue(struct client *client) {
    if (client->current->busy) {
        if (client->outbox->count == 0 && client->current->request.operation != OPERATION_SEND &&
            !client->current->started)
            operation_start(client);
    } else if (client->outbox->count < CLIENT_MAX_SENDS) {
        edge_resume(client->edge);
        close_ended(client);
    }
}

/* What it has said before it closed is carried out. */
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

/* OurChat's own client cannot take objects as they come. One that has opted in can, and one that
 * speaks over WebSocket. */
void client_set_pace(struct client *client) {
    bool slow = client->dialect == DIALECT_OURCHAT && !client->ext;
    edge_pace(client->edge, slow ? client->gateway->settings.ourchat_tcp_pace_ms : 0);
}

/* An object that may not be carried out for what it holds (dialect_parse). A client that says a
 * text until its `ref` is answered gets that answer, and goes on; to others the object is
 * malformed. */
static void refuse_object(struct client *client, cJSON *json, const char *fault) {
    struct dialect_request request;
    char other_fault[DIALECT_FAULT_BYTES];
    enum dialect before = client->dialect;
    if (before == DIALECT_UNKNOWN)
        client->dialect = dialect_detect(json);
    enum err err = dialect_read(client->dialect, client->ext, json, &request, other_fault);
    if (request.ref.length > 0) { /* read for those who have opted in, and do with this */
        client_set_pace(client);
        edge_count_good(client->edge);
        answer_and_free(client, &request, err == ERR_OK ? ERR_BAD_REQUEST : err, fault);
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
        answer_and_free(client, &request, err, fault);
    else
        take_request(client, &request);
    log_trace_end(before);
}

/* --- life ---------------------------------------------------------------------------------- */

/* A client and its parts, in one piece. */
struct parts {
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
    struct parts *parts = calloc(1, sizeof *parts);
    if (parts == NULL)
        return NULL;
    parts->client.login = &parts->login;
    parts->client.current = &parts->current;
    parts->client.outbox = &parts->outbox;
    parts->client.feed = &parts->feed;
    parts->client.positions = &parts->positions;
    parts->client.marks = &parts->marks;
    parts->client.received = &parts->received;
    return &parts->client;
}

static void on_open(void *argument, struct edge_connection *edge) {
    struct gateway *gateway = argument;
    struct client *client = make_client();
    if (client != NULL)
        client->id = edge_id(edge);
    if (client == NULL || !HASH_TRY_ADD(hh, gateway->clients, id, client)) {
        free(client);
        edge_close(edge, 1013, "no memory");
        return;
    }
    client->gateway = gateway;
    client->edge = edge;
    if (edge_transport(edge) == EDGE_YOUIM)
        client->dialect = DIALECT_YOUIM;
    edge_set_owner(edge, client);
    client_await_login(client);
    metric_add(gateway->accepted, 1);
    metric_set(gateway->connections, HASH_COUNT(gateway->clients));
}

static void on_close(void *argument, struct edge_connection *edge) {
    struct gateway *gateway = argument;
    struct client *client = edge_owner(edge);
    if (client == NULL)
        return;
    HASH_DEL(gateway->clients, client);
    client_end_login(client);
    metric_set(gateway->connections, HASH_COUNT(gateway->clients));
    feed_stop(client);
    received_stop(client);
    bindings_unbind(client);
    send_drop_all(client);
    operation_drop(client);
    cursors_flush(gateway); /* the account may be on its way to another gateway */
    if (client->current->busy)
        dialect_request_free(&client->current->request);
    free(client);
}

static void on_fault(void *argument, struct edge_connection *edge, const char *reason) {
    (void)argument;
    struct client *client = edge_owner(edge);
    if (client == NULL)
        return;
    metric_add(client->gateway->refused_by[ERR_BAD_REQUEST], 1);
    answer_fault(client, reason);
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

const struct edge_handlers client_handlers = {.on_open = on_open,
                                              .on_object = on_object,
                                              .on_fault = on_fault,
                                              .on_reached = on_reached,
                                              .on_end = on_end,
                                              .on_close = on_close,
                                              .on_refused = on_refused,
                                              .on_failed = on_failed};

/* Those that wait for a login stand in a list, in the order in which their time is over. */
void client_await_login(struct client *client) {
    client->login->by_ms = loop_now_ms() + (int64_t)client->gateway->settings.login_timeout_ms;
    DL_APPEND2(client->gateway->login_queue, client, login->prev, login->next);
    client->login->awaited = true;
}

void client_end_login(struct client *client) {
    if (client->login->awaited)
        DL_DELETE2(client->gateway->login_queue, client, login->prev, login->next);
    client->login->awaited = false;
}

void client_tick(struct gateway *gateway, int64_t now_ms) {
    while (gateway->login_queue != NULL && gateway->login_queue->login->by_ms <= now_ms) {
        struct client *client = gateway->login_queue;
        client_end_login(client);
        edge_close(client->edge, 1008, "no login in time");
    }
}
