/* Texts on their way to the message log; see outbox.h. */
/*
 * limit: gateway | texts that were refused in one request | each is sent once more, one after
 * the other | the sender gets the answer to that
 */
/*
 * limit: gateway | requests on their way per connection and conversation | 1 | later texts
 * gather
 */
#include "services/gateway/outbox.h"

#include <stdlib.h>

#include <utlist.h>

#include "common/log.h"
#include "proto/ids.h"
#include "proto/mentions.h"
#include "services/gateway/client.h"
#include "services/gateway/nonces.h"
#include "services/gateway/retry.h"

/* Text of one request; the rest is sent with the next. */
#define CALL_BYTES ((size_t)512 << 10)
/*
 * limit: gateway | a text whose request had no reply in time, and that has little time left
 * itself | {LEAST_TIME_MS} | not sent again; its sender gets the same
 */
/* A text that has less time left than this is not sent again when a request with it timed out. */
#define LEAST_TIME_MS 1000

/* The other end of a conversation of a client's. */
struct recipient {
    enum recipient_kind kind;
    uint64_t number;
};

struct outgoing {
    struct dialect_request request;
    unsigned char nonce[NONCE_BYTES];
    struct recipient to;
    const struct delivery_call *call; /* it is at delivery with this one; NULL: it waits */
    bool alone;                       /* was refused with others: goes with none */
    int64_t due_ms;                   /* not sent before */
    int64_t pause_ms;                 /* the last pause before a retry; 0: none yet */
    bool unknown;                     /* a request with it may have stored it, or may yet */
    int64_t until_ms;
    struct outgoing *prev, *next;
};

/* A request to delivery whose reply is awaited; the client may be gone by then. */
struct delivery_call {
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

static bool goes_to(const struct outgoing *text, struct recipient to) {
    return text->to.kind == to.kind && text->to.number == to.number;
}

static struct ev_loop *loop_of(const struct client *client) {
    return service_loop(client->gateway->service);
}

static void look_at(struct client *client, int64_t due_ms) {
    loop_timer_hasten(loop_of(client), &client->outbox->timer, due_ms - loop_now_ms());
}

/* --- the end of a text --------------------------------------------------------------------- */

static size_t bytes_of(const struct dialect_request *request) {
    return sizeof(struct outgoing) + request->memory_bytes +
           request->mention_count * sizeof *request->mentions;
}

static void remove_text(struct client *client, struct outgoing *text) {
    client->gateway->outgoing_bytes -= bytes_of(&text->request);
    if (text->call == NULL)
        client->gateway->waiting_texts--;
    DL_DELETE(client->outbox->texts, text);
    client->outbox->count--;
    dialect_request_free(&text->request);
    free(text);
}

/* Answers its sender and ends it. */
static void conclude(struct client *client, struct outgoing *text, struct dialect_result result) {
    struct gateway *gateway = client->gateway;
    uint64_t before = log_trace_begin(text->request.trace);
    metric_add(result.err == ERR_OK ? gateway->stored : gateway->refused, 1);
    client_answer(client, &text->request, &result);
    if (result.err == ERR_OK) {
        const int64_t took_us = loop_now_us() - text->request.read_us;
        histogram_observe(gateway->send_seconds, (uint64_t)took_us);
        edge_note_text(gateway->edge, took_us);
        metric_set(gateway->transfer_budget, edge_transfer_budget(gateway->edge));
        client->outbox->stored_ms = loop_now_ms();
    }
    remove_text(client, text);
    log_trace_end(before);
}

/* --- replies ------------------------------------------------------------------------------- */

static void send_waiting(struct client *client, struct recipient to);

static void wait(struct client *client, struct outgoing *text) {
    text->call = NULL;
    client->gateway->waiting_texts++;
    look_at(client, text->until_ms);
}

/* The request with it failed in a way that passes. After one that timed out, texts that have little
 * time left themselves are not sent again: else each would end a request of its own. */
static void wait_to_retry(struct client *client, struct outgoing *text, enum err err) {
    int64_t now_ms = loop_now_ms();
    text->pause_ms = retry_next_pause_ms(text->pause_ms);
    text->due_ms = now_ms + text->pause_ms;
    if (err == ERR_TIMEOUT && text->until_ms < now_ms + LEAST_TIME_MS)
        text->until_ms = now_ms;
    wait(client, text);
    look_at(client, text->due_ms);
}

static struct dialect_result result_of(const struct delivery_send_reply *reply, size_t i) {
    /* The outcome of a text that the reply leaves out is not known. */
    if (i >= reply->cids.count || i >= reply->times_ms.count)
        return (struct dialect_result){.err = ERR_INTERNAL};
    uint64_t cid = reply->cids.items[i];
    return (struct dialect_result){
        .err = cid == 0 ? ERR_REF_USED : ERR_OK, .cid = cid, .stored_ms = reply->times_ms.items[i]};
}

/* Delivery says how long a member has to wait, and what the operator's program said; any other
 * reason names the ids as the client wrote them, which only the gateway knows. */
static struct dialect_result refusal(enum err err, const char *text) {
    bool said = (err == ERR_MUTED || err == ERR_SLOW_MODE || err == ERR_REFUSED) && text != NULL;
    return (struct dialect_result){.err = err, .reason = slice_text(said ? text : "")};
}

/* Whether it was refused by a delivery of the release before, which knows no files: what this
 * gateway sends is well formed. An instance that knows them may take its place in time. */
static bool is_former(const struct outgoing *text, enum err err, const struct delivery_call *call) {
    return err == ERR_BAD_REQUEST && text->request.file != 0 && call->count == 1;
}

/* A request's texts stand in the list in the order in which they stood in the request. */
static void take_reply(struct client *client, const struct delivery_call *call, enum err err,
                       const struct delivery_send_reply *reply, const char *why) {
    bool unknown = retry_is_unknown(err, why);
    struct outgoing *text, *next;
    size_t i = 0;
    DL_FOREACH_SAFE(client->outbox->texts, text, next) {
        if (text->call != call)
            continue;
        if (retry_is_transient_or_overload(err)) {
            text->unknown = text->unknown || unknown;
            wait_to_retry(client, text, err);
        } else if (is_former(text, err, call)) {
            wait_to_retry(client, text, ERR_UNAVAILABLE);
        } else if (err != ERR_OK && call->count > 1) {
            text->alone = true;
            wait(client, text);
        } else {
            conclude(client, text, err == ERR_OK ? result_of(reply, i) : refusal(err, why));
        }
        i++;
    }
}

static void on_reply(void *argument, enum err err, const void *reply, const char *text) {
    struct delivery_call *call = argument;
    struct client *client = client_find(call->gateway, call->client);
    if (client != NULL) {
        take_reply(client, call, err, reply, text);
        if (!retry_is_transient_or_overload(err)) /* else the timer sends them again */
            send_waiting(client, call->to);
        client_continue(client);
    }
    free(call);
}

/* --- requests ------------------------------------------------------------------------------ */

/* The reply is awaited until the time of the first text is over: a text that delivery is still
 * working on is not sent a second time, and delivery drops texts that wait there longer. */
static enum err ask(const struct client *client, struct delivery_call *call,
                    const struct delivery_send *body, int64_t until_ms) {
    struct peers *delivery = client->gateway->delivery;
    int64_t timeout_ms = until_ms - loop_now_ms();
    return peers_ask(
        delivery, peers_by_key(delivery, conversation_key(client->account, call->to)),
        &(struct peers_request){.message = &message_DELIVERY_SEND,
                                .body = body,
                                .trace = body->traces.items[0],
                                .timeout_ms = timeout_ms > 0 ? (uint64_t)timeout_ms : 1,
                                .done = on_reply,
                                .argument = call});
}

/* Lists of files for the texts of one request. */
struct shown_files {
    uint64_t files[DELIVERY_SEND_MAX], kinds[DELIVERY_SEND_MAX];
    struct slice captions[DELIVERY_SEND_MAX];
};

/* What the `i`-th text has to stand in the request's `texts`: its words, unless it shows a file. As
 * long as none does, the lists stay empty. */
static struct slice add_file(const struct dialect_request *request, size_t i,
                             struct shown_files *shown, struct delivery_send *body) {
    const struct slice none = slice_make(NULL, 0);
    if (request->file == 0 && body->files.count == 0)
        return request->text;
    for (size_t at = body->files.count; at <= i; at++) {
        shown->files[at] = at == i ? request->file : 0;
        shown->kinds[at] = at == i ? request->file_kind : FILE_NONE;
        shown->captions[at] = at == i && request->file != 0 ? request->text : none;
    }
    body->files = (struct u64_list){shown->files, i + 1};
    body->file_kinds = (struct u64_list){shown->kinds, i + 1};
    body->captions = (struct slice_list){shown->captions, i + 1};
    return request->file != 0 ? none : request->text;
}

/* Lists of references for the texts of one request. */
struct references {
    uint64_t replies[DELIVERY_SEND_MAX];
    struct slice mentions[DELIVERY_SEND_MAX];
    char bytes[DELIVERY_SEND_MAX][MENTIONS_MAX * MENTION_BYTES];
};

static struct slice pack_mentions(const struct dialect_request *request, char *out) {
    uint64_t accounts[MENTIONS_MAX] = {0}; /* the first stands for all */
    for (size_t i = 0; i < request->mention_count; i++)
        accounts[i] = request->mentions[i].number;
    return mentions_pack(accounts, request->mentions_all ? 1 : request->mention_count, out);
}

/* The references of the `i`-th text; as long as no text has any, the lists stay empty. */
static void add_references(const struct dialect_request *request, size_t i,
                           struct references *references, struct delivery_send *body) {
    bool mentions = request->mentions_all || request->mention_count > 0;
    if (request->reply == 0 && !mentions && body->replies.count == 0)
        return;
    for (size_t before = body->replies.count; before < i; before++) {
        references->replies[before] = 0;
        references->mentions[before] = slice_make(NULL, 0);
    }
    references->replies[i] = request->reply;
    references->mentions[i] = pack_mentions(request, references->bytes[i]);
    body->replies = (struct u64_list){references->replies, i + 1};
    body->mentions = (struct slice_list){references->mentions, i + 1};
}

/* Fills the request with the waiting texts to one recipient, in order: of those that go alone,
 * which stand before all others to it, one. */
static void gather(const struct client *client, struct recipient to, struct references *references,
                   struct shown_files *shown, struct delivery_send *body) {
    size_t bytes = 0;
    if (to.kind == RECIPIENT_GROUP)
        body->to_group = to.number;
    else
        body->to_account = to.number;
    for (const struct outgoing *text = client->outbox->texts; text != NULL; text = text->next) {
        if (!goes_to(text, to))
            continue;
        bytes += text->request.text.length;
        if (body->texts.count == DELIVERY_SEND_MAX || (body->texts.count > 0 && bytes > CALL_BYTES))
            return;
        add_references(&text->request, body->texts.count, references, body);
        struct slice words = add_file(&text->request, body->texts.count, shown, body);
        body->texts.items[body->texts.count++] = words;
        body->traces.items[body->traces.count++] = text->request.trace;
        body->nonces.items[body->nonces.count++] =
            slice_make((const char *)text->nonce, NONCE_BYTES);
        if (text->alone)
            return;
    }
}

static void log_sent(const struct client *client, const struct outgoing *text) {
    uint64_t before = log_trace_begin(text->request.trace);
    log_debug("text_sent", "client=%llu account=%llu to_%s=%llu", (unsigned long long)client->id,
              (unsigned long long)client->account,
              text->to.kind == RECIPIENT_GROUP ? "group" : "account",
              (unsigned long long)text->to.number);
    log_trace_end(before);
}

static void mark_sent(struct client *client, const struct delivery_call *call) {
    size_t count = call->count;
    for (struct outgoing *text = client->outbox->texts; text != NULL && count > 0;
         text = text->next) {
        if (!goes_to(text, call->to))
            continue;
        text->call = call;
        client->gateway->waiting_texts--;
        count--;
        log_sent(client, text);
    }
}

/* Sends the texts that `first` is the first of; false: later. */
static bool send_behind(struct client *client, const struct outgoing *first) {
    struct slice texts[DELIVERY_SEND_MAX], nonces[DELIVERY_SEND_MAX];
    uint64_t traces[DELIVERY_SEND_MAX];
    struct delivery_send body = {.account = client->account,
                                 .account_id = id_beside_number(slice_text(client->account_id)),
                                 .texts = {texts, 0},
                                 .nonces = {nonces, 0},
                                 .traces = {traces, 0}};
    struct delivery_call *call = malloc(sizeof *call);
    if (call == NULL)
        return false;
    struct references references; /* large: left as it is where no text refers to anything */
    struct shown_files shown;     /* the same of files */
    gather(client, first->to, &references, &shown, &body);
    *call = (struct delivery_call){client->gateway, client->id, first->to, body.texts.count};
    if (body.traces.count == 1)
        body.traces.count = 0; /* the request's own trace is the same */
    if (ask(client, call, &body, first->until_ms) != ERR_OK) {
        free(call);
        return false;
    }
    mark_sent(client, call);
    return true;
}

/* Sends the texts that wait for one recipient, unless texts to it are at delivery or none waits. */
static void send_waiting(struct client *client, struct recipient to) {
    const struct outgoing *first = client->outbox->texts;
    while (first != NULL && !goes_to(first, to))
        first = first->next;
    if (first == NULL || first->call != NULL)
        return;
    int64_t now_ms = loop_now_ms();
    if (first->due_ms > now_ms)
        look_at(client, first->due_ms);
    else if (!send_behind(client, first))
        look_at(client, now_ms + RETRY_FIRST_PAUSE_MS);
}

/* --- from outside -------------------------------------------------------------------------- */

static enum err admit(const struct gateway *gateway, const struct dialect_request *request,
                      uint64_t to) {
    if (to == 0)
        return request->recipient_kind == RECIPIENT_GROUP ? ERR_NO_GROUP : ERR_NO_ACCOUNT;
    return gateway->outgoing_bytes + bytes_of(request) > gateway->settings.waiting_texts_bytes
               ? ERR_OVERLOADED
               : ERR_OK;
}

void outbox_add(struct client *client, struct dialect_request *request, int64_t until_ms) {
    struct gateway *gateway = client->gateway;
    uint64_t to = request->recipient.number;
    enum err err = admit(gateway, request, to);
    struct outgoing *text = err == ERR_OK ? calloc(1, sizeof *text) : NULL;
    if (text == NULL) {
        metric_add(gateway->refused, 1);
        client_answer(client, request,
                      &(struct dialect_result){.err = err == ERR_OK ? ERR_OVERLOADED : err});
        dialect_request_free(request);
        return;
    }
    text->request = *request;
    text->to = (struct recipient){request->recipient_kind, to};
    text->until_ms = until_ms;
    nonce_make(gateway, client->account, request, text->nonce);
    DL_APPEND(client->outbox->texts, text);
    gateway->waiting_texts++;
    gateway->outgoing_bytes += bytes_of(request);
    if (++client->outbox->count == OUTBOX_MAX)
        edge_pause(client->edge);
    send_waiting(client, text->to);
    if (text->call == NULL)
        look_at(client, text->until_ms);
}

/* Texts whose time is over fail, the others are sent where they may be. */
static void look(struct client *client) {
    int64_t now_ms = loop_now_ms();
    struct outgoing *text, *next;
    DL_FOREACH_SAFE(client->outbox->texts, text, next) {
        if (text->call != NULL)
            continue;
        if (text->until_ms <= now_ms) {
            conclude(client, text,
                     (struct dialect_result){.err = text->unknown ? ERR_UNKNOWN_OUTCOME
                                                                  : ERR_UNAVAILABLE});
            continue;
        }
        send_waiting(client, text->to);
        if (text->call == NULL)
            look_at(client, text->until_ms);
    }
    client_continue(client);
}

static void on_timer(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    look(timer->data);
}

void outbox_init(struct client *client) {
    ev_timer_init(&client->outbox->timer, on_timer, 0, 0);
    client->outbox->timer.data = client;
}

void outbox_send_all(struct gateway *gateway) {
    struct client *client, *next;
    HASH_ITER(hh, gateway->clients, client, next) {
        if (client->outbox->texts != NULL)
            look(client);
    }
}

void outbox_stop(struct client *client) {
    struct outgoing *text, *next;
    ev_timer_stop(loop_of(client), &client->outbox->timer);
    DL_FOREACH_SAFE(client->outbox->texts, text, next) { remove_text(client, text); }
}
