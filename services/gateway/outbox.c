/*
 * Texts on their way to the log.
 *
 * A connection's texts stand in a list in the order in which they were read. Those to one
 * conversation travel together: while some are on their way, later ones gather behind them and
 * leave in one request when the answer is there. So they can never overtake each other, whatever
 * fails, and each is stored once: a request without an answer is asked again, of whichever instance
 * has the conversation then, with the same nonces.
 *
 * Delivery refuses a request as a whole. When one with several texts is refused, each of these is
 * asked again alone, in order, for a verdict of its own: an earlier request, whose answer was lost,
 * may have stored it, or only its neighbour may be at fault.
 */
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "common/log.h"
#include "services/gateway/client.h"
#include "services/gateway/gateway.h"
#include "services/gateway/nonces.h"
#include "services/gateway/outbox.h"
#include "services/gateway/request.h"

/* Text of one request; what is beyond leaves with the next. */
#define FLIGHT_BYTES ((size_t)512 << 10)
/* A text that has less time left than this is not sent again when its flight had no answer. */
#define FLIGHT_LEAST_MS 1000

/* Whom a client writes to, which is what makes a conversation of its. */
struct recipient {
    enum recipient_kind kind;
    uint64_t number;
};

struct outgoing {
    struct dialect_request request;
    unsigned char nonce[NONCE_BYTES];
    struct recipient to;
    struct flight *flight;      /* that it is on its way with; NULL: waits */
    bool alone;                 /* was refused with others: goes with none */
    int64_t again_ms, pause_ms; /* when it may go again, and after which pause it did last */
    bool unknown;               /* one of its flights may have stored it, or may yet */
    int64_t deadline_ms;
    struct outgoing *prev, *next;
};

/* One request on its way. Its client may be gone when it is answered. */
struct flight {
    struct gateway *gateway;
    uint64_t client;
    struct recipient to;
    size_t count; /* of its texts */
};

/* For choosing an instance. Two conversations may have the same. */
static uint64_t conversation_key(uint64_t account, struct recipient to) {
    if (to.kind == RECIPIENT_GROUP)
        return peers_hash(to.number, 0);
    return account < to.number ? peers_hash(account, to.number) : peers_hash(to.number, account);
}

static bool goes_to(const struct outgoing *send, struct recipient to) {
    return send->to.kind == to.kind && send->to.number == to.number;
}

/* --- the end of a text --------------------------------------------------------------------- */

static size_t bytes_of(const struct dialect_request *request) {
    return sizeof(struct outgoing) + request->memory_bytes;
}

static void remove_send(struct client *client, struct outgoing *send) {
    client->gateway->send_bytes -= bytes_of(&send->request);
    if (send->flight == NULL)
        client->gateway->waiting_sends--;
    DL_DELETE(client->outbox->texts, send);
    client->outbox->count--;
    dialect_request_free(&send->request);
    free(send);
}

/* Answers its sender and ends it. */
static void conclude(struct client *client, struct outgoing *send, struct dialect_result result) {
    struct gateway *gateway = client->gateway;
    uint64_t before = log_trace_begin(send->request.trace);
    metric_add(result.err == ERR_OK ? gateway->stored : gateway->refused, 1);
    client_answer(client, &send->request, &result);
    if (result.err == ERR_OK) {
        histogram_observe(gateway->send_seconds, (uint64_t)(loop_now_us() - send->request.read_us));
        client->outbox->stored_ms = loop_now_ms();
    }
    remove_send(client, send);
    log_trace_end(before);
}

/* --- flights ------------------------------------------------------------------------------- */

static void depart(struct client *client, struct recipient to);

/* A text whose flight failed in a way that passes. After one that got no answer in time, those that
 * have little time left themselves are not asked again: else each would end a request of its own.
 */
static void wait_again(struct client *client, struct outgoing *send, enum err err) {
    int64_t now_ms = loop_now_ms();
    send->flight = NULL;
    client->gateway->waiting_sends++;
    send->pause_ms = patience_next_pause_ms(send->pause_ms);
    send->again_ms = now_ms + send->pause_ms;
    if (err == ERR_TIMEOUT && send->deadline_ms < now_ms + FLIGHT_LEAST_MS)
        send->deadline_ms = now_ms;
}

/* A flight's texts stand in the list in the order in which they stood in the request. */
static void land(struct client *client, const struct flight *flight, enum err err,
                 const struct delivery_send_reply *reply, bool unknown) {
    struct outgoing *send, *next;
    size_t i = 0;
    bool passes = patience_will_pass(err), together = flight->count > 1;
    DL_FOREACH_SAFE(client->outbox->texts, send, next) {
        if (send->flight != flight)
            continue;
        if (passes) {
            wait_again(client, send, err);
            send->unknown = send->unknown || unknown;
            continue;
        }
        if (err != ERR_OK && together) {
            send->flight = NULL;
            send->alone = true;
            client->gateway->waiting_sends++;
            continue;
        }
        struct dialect_result result = {.err = err};
        if (err == ERR_OK && i < reply->cids.count && i < reply->times_ms.count) {
            result.cid = reply->cids.items[i];
            result.stored_ms = reply->times_ms.items[i];
            if (result.cid == 0)
                result.err = ERR_REF_USED;
        } else if (err == ERR_OK) {
            result.err = ERR_INTERNAL; /* an answer that leaves a text out says nothing of it */
        }
        i++;
        conclude(client, send, result);
    }
}

static void answered(void *argument, enum err err, const void *reply, const char *text) {
    struct flight *flight = argument;
    struct client *client = gateway_client(flight->gateway, flight->client);
    if (client != NULL) {
        land(client, flight, err, reply, patience_is_unknown(err, text));
        /* After a failure that may pass, send_tick tries again. */
        if (!patience_will_pass(err))
            depart(client, flight->to);
        client_continue(client);
    }
    free(flight);
}

/* It is waited for until the first of its texts has to be told: what delivery is still at is not
 * sent a second time, and it drops what waits there longer. */
static bool ask(struct client *client, struct flight *flight, const struct delivery_send *body,
                int64_t deadline_ms) {
    struct peers *delivery = client->gateway->delivery;
    int64_t left_ms = deadline_ms - loop_now_ms();
    return peers_ask(delivery,
                     peers_by_key(delivery, conversation_key(client->account, flight->to)),
                     &(struct peers_request){.message = &message_DELIVERY_SEND,
                                             .body = body,
                                             .trace = body->traces.items[0],
                                             .timeout_ms = left_ms > 0 ? (uint64_t)left_ms : 1,
                                             .done = answered,
                                             .argument = flight}) == ERR_OK;
}

/* Fills the request with the waiting texts to one conversation, in order: of those that go alone,
 * which stand before all others to it, one. */
static void gather(const struct client *client, struct recipient to, struct delivery_send *body) {
    size_t bytes = 0;
    if (to.kind == RECIPIENT_GROUP)
        body->to_group = to.number;
    else
        body->to_account = to.number;
    for (const struct outgoing *send = client->outbox->texts; send != NULL; send = send->next) {
        if (!goes_to(send, to))
            continue;
        bytes += send->request.text.length;
        if (body->texts.count == DELIVERY_SEND_MAX ||
            (body->texts.count > 0 && bytes > FLIGHT_BYTES))
            return;
        body->texts.items[body->texts.count++] = send->request.text;
        body->traces.items[body->traces.count++] = send->request.trace;
        body->nonces.items[body->nonces.count++] =
            slice_make((const char *)send->nonce, NONCE_BYTES);
        if (send->alone)
            return;
    }
}

static void note_departure(const struct client *client, const struct outgoing *send) {
    uint64_t before = log_trace_begin(send->request.trace);
    log_debug("text_sent", "client=%llu account=%llu to_%s=%llu", (unsigned long long)client->id,
              (unsigned long long)client->account,
              send->to.kind == RECIPIENT_GROUP ? "group" : "account",
              (unsigned long long)send->to.number);
    log_trace_end(before);
}

static void board(struct client *client, struct flight *flight) {
    size_t count = flight->count;
    for (struct outgoing *send = client->outbox->texts; send != NULL && count > 0;
         send = send->next) {
        if (!goes_to(send, flight->to))
            continue;
        send->flight = flight;
        client->gateway->waiting_sends--;
        count--;
        note_departure(client, send);
    }
}

/* Sends what waits for one conversation, unless texts to it are on their way or none waits. */
static void depart(struct client *client, struct recipient to) {
    const struct outgoing *first = client->outbox->texts;
    while (first != NULL && !goes_to(first, to))
        first = first->next;
    if (first == NULL || first->flight != NULL || first->again_ms > loop_now_ms())
        return;
    struct slice texts[DELIVERY_SEND_MAX], nonces[DELIVERY_SEND_MAX];
    uint64_t traces[DELIVERY_SEND_MAX];
    struct slice account_id = slice_text(client->account_id);
    uint64_t number;
    struct delivery_send body = {
        .account = client->account,
        .account_id = id_is_decimal(account_id, &number) ? slice_make(NULL, 0) : account_id,
        .texts = {texts, 0},
        .nonces = {nonces, 0},
        .traces = {traces, 0}};
    struct flight *flight = malloc(sizeof *flight);
    if (flight == NULL)
        return;
    gather(client, to, &body);
    *flight = (struct flight){client->gateway, client->id, to, body.texts.count};
    if (body.traces.count == 1)
        body.traces.count = 0; /* the request's own says it */
    if (ask(client, flight, &body, first->deadline_ms))
        board(client, flight);
    else
        free(flight);
}

/* --- from outside -------------------------------------------------------------------------- */

static enum err admit(const struct gateway *gateway, const struct dialect_request *request,
                      uint64_t to) {
    if (to == 0)
        return request->recipient_kind == RECIPIENT_GROUP ? ERR_NO_GROUP : ERR_NO_ACCOUNT;
    return gateway->send_bytes + bytes_of(request) > gateway->settings.waiting_texts_bytes
               ? ERR_OVERLOADED
               : ERR_OK;
}

void send_start(struct client *client, struct dialect_request *request, uint64_t to) {
    struct gateway *gateway = client->gateway;
    enum err err = admit(gateway, request, to);
    struct outgoing *send = err == ERR_OK ? calloc(1, sizeof *send) : NULL;
    if (send == NULL) {
        metric_add(gateway->refused, 1);
        client_answer(client, request,
                      &(struct dialect_result){.err = err == ERR_OK ? ERR_OVERLOADED : err});
        dialect_request_free(request);
        return;
    }
    send->request = *request;
    send->to = (struct recipient){request->recipient_kind, to};
    send->deadline_ms = client->current->patience.until_ms;
    client_nonce(client, request, send->nonce);
    DL_APPEND(client->outbox->texts, send);
    gateway->waiting_sends++;
    gateway->send_bytes += bytes_of(request);
    if (++client->outbox->count == CLIENT_MAX_SENDS)
        edge_pause(client->edge);
    depart(client, send->to);
}

static void retry(struct client *client, int64_t now_ms) {
    struct outgoing *send, *next;
    DL_FOREACH_SAFE(client->outbox->texts, send, next) {
        if (send->flight == NULL && send->deadline_ms <= now_ms)
            conclude(client, send,
                     (struct dialect_result){.err = send->unknown ? ERR_UNKNOWN_OUTCOME
                                                                  : ERR_UNAVAILABLE});
        else if (send->flight == NULL)
            depart(client, send->to);
    }
    client_continue(client);
}

void send_tick(struct gateway *gateway, int64_t now_ms) {
    struct client *client, *next;
    if (gateway->waiting_sends == 0)
        return;
    HASH_ITER(hh, gateway->clients, client, next) {
        if (client->outbox->texts != NULL)
            retry(client, now_ms);
    }
}

void send_drop_all(struct client *client) {
    struct outgoing *send, *next;
    DL_FOREACH_SAFE(client->outbox->texts, send, next) { remove_send(client, send); }
}
