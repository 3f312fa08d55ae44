/* The request in progress; see request.h. */
/*
 * limit: gateway | requests, and look-ups of ids, that wait to be asked again | 1 of each per
 * connection | nothing more is read from it
 */
#include "services/gateway/request.h"

#include <stdlib.h>
#include <string.h>

#include "services/gateway/client.h"
#include "services/gateway/nonces.h"

/*
 * limit: gateway | how often clients whose login or registration waits for a hash are looked at
 * | {LOOK_INTERVAL_MS} | one that closed its WebSocket is given up, and its hash
 */
/* How often it is looked whether a client that waits for a hash is still there. */
#define LOOK_INTERVAL_MS 1000

/* A request to another service whose reply is awaited; the client may be gone by then. */
struct pending_call {
    struct gateway *gateway;
    uint64_t client;
    struct peers_ticket ticket;
    const struct message_desc *message;
    request_done *done;
};

static struct ev_loop *loop_of(const struct client *client) {
    return service_loop(client->gateway->service);
}

static void start_timer(struct client *client, int64_t delay_ms) {
    loop_timer_start(loop_of(client), &client->current->timer, delay_ms);
}

/* Hashing a password is costly, and so is asking the operator's backend: neither is done for a
 * client that has left. */
static bool awaits_hash(const struct client *client) {
    enum operation operation = client->current->request.operation;
    return client->current->call != NULL &&
           (operation == OPERATION_LOGIN || operation == OPERATION_RESUME ||
            operation == OPERATION_ENTER || operation == OPERATION_REGISTER);
}

/* While its request is in progress, nothing is read from a client, its close neither. */
static void on_timer(struct ev_loop *ev, ev_timer *timer, int revents) {
    struct client *client = timer->data;
    (void)ev;
    (void)revents;
    if (client->current->call == NULL)
        client->current->ask(client);
    else if (edge_remote_end(client->edge) == EDGE_REMOTE_LEFT)
        edge_close(client->edge, 1001, "");
    else
        start_timer(client, LOOK_INTERVAL_MS);
}

void request_init(struct client *client) {
    ev_timer_init(&client->current->timer, on_timer, 0, 0);
    client->current->timer.data = client;
}

void request_take(struct client *client, const struct dialect_request *request) {
    client->current->request = *request;
    client->current->busy = true;
    edge_pause(client->edge);
}

void request_start(struct client *client, void (*ask)(struct client *client)) {
    struct client_request *self = client->current;
    self->started = true;
    self->ask = ask;
    nonce_make(client->gateway, client->account, &self->request, self->nonce);
    retry_start(&self->retry, client->gateway->settings.send_timeout_ms);
    ask(client);
}

struct dialect_request request_release(struct client *client) {
    struct dialect_request request = client->current->request;
    client->current->request = (struct dialect_request){0};
    client->current->busy = client->current->started = false;
    return request;
}

struct slice request_nonce(const struct client *client) {
    return slice_make((const char *)client->current->nonce, NONCE_BYTES);
}

void *request_keep(struct client *client, size_t bytes) {
    free(client->current->kept);
    client->current->kept = calloc(1, bytes);
    return client->current->kept;
}

static void forget_kept(struct client *client) {
    free(client->current->kept);
    client->current->kept = NULL;
}

/* --- asking -------------------------------------------------------------------------------- */

/* Whether it matters that it may have been carried out unseen: whatever does, has a nonce. */
static bool changes_something(const struct message_desc *message) {
    for (size_t i = 0; i < message->body->field_count; i++)
        if (strcmp(message->body->fields[i].name, "nonce") == 0)
            return true;
    return false;
}

/* The error when it is not asked again. Where an earlier try may have been carried out, the answer
 * must not be that nothing was done. */
static enum err final_error(const struct client *client, enum err err) {
    if (!retry_is_transient(err))
        return err;
    if (client->current->retry.unknown)
        return ERR_UNKNOWN_OUTCOME;
    return err == ERR_UNKNOWN_OUTCOME ? ERR_UNAVAILABLE : err;
}

static bool ask_again(struct client *client) {
    struct retry *retry = &client->current->retry;
    retry->pause_ms = retry_next_pause_ms(retry->pause_ms);
    if (!retry_allows(retry, retry->pause_ms))
        return false;
    start_timer(client, retry->pause_ms);
    return true;
}

static void conclude(struct client *client, request_done *done, enum err err, const void *reply) {
    if (err == ERR_OK)
        client->current->retry.pause_ms = 0;
    if (!retry_is_transient(err) || !ask_again(client))
        done(client, final_error(client, err), reply);
}

static void on_reply(void *argument, enum err err, const void *reply, const char *text) {
    const struct pending_call call = *(struct pending_call *)argument;
    free(argument);
    struct client *client = client_find(call.gateway, call.client);
    if (client == NULL)
        return;
    ev_timer_stop(loop_of(client), &client->current->timer);
    client->current->call = NULL;
    if (retry_is_unknown(err, text) && changes_something(call.message))
        client->current->retry.unknown = true;
    client->current->said = text;
    conclude(client, call.done, err, reply);
    client->current->said = NULL;
}

void request_ask_peer(struct client *client, struct peers *peers, struct peer *peer,
                      const struct message_desc *message, const void *body, request_done *done) {
    struct pending_call *call = malloc(sizeof *call);
    enum err err = ERR_OVERLOADED;
    if (call != NULL) {
        *call = (struct pending_call){
            .gateway = client->gateway, .client = client->id, .message = message, .done = done};
        /* As long as the client waits, not shorter: a second try would only stand in the queue
         * behind the first. When an instance is lost, the reply is that. */
        err = peers_ask(
            peers, peer,
            &(struct peers_request){.message = message,
                                    .body = body,
                                    .trace = client->current->request.trace,
                                    .timeout_ms = retry_remaining_ms(&client->current->retry),
                                    .done = on_reply,
                                    .argument = call,
                                    .ticket_r = &call->ticket});
    }
    if (err != ERR_OK) {
        free(call);
        conclude(client, done, err, NULL);
        return;
    }
    client->current->call = call;
    if (awaits_hash(client))
        start_timer(client, LOOK_INTERVAL_MS);
}

void request_ask_by_account(struct client *client, struct peers *peers,
                            const struct message_desc *message, const void *body,
                            request_done *done) {
    request_ask_peer(client, peers, peers_by_key(peers, client->account), message, body, done);
}

void request_ask(struct client *client, struct peers *peers, const struct message_desc *message,
                 const void *body, request_done *done) {
    request_ask_peer(client, peers, peers_next(peers), message, body, done);
}

bool request_ask_later(struct client *client, uint64_t wait_ms,
                       void (*ask)(struct client *client)) {
    if (!retry_allows(&client->current->retry, (int64_t)wait_ms))
        return false;
    client->current->ask = ask;
    start_timer(client, (int64_t)wait_ms);
    return true;
}

/* --- the end ------------------------------------------------------------------------------- */

/* The request's memory is not needed any more. */
static void drop_kept(struct client_request *self) {
    dialect_request_free(&self->request);
    record_arena_free(&self->arena);
    self->page = NULL;
}

void request_finish(struct client *client, const struct dialect_result *result) {
    client_answer(client, &client->current->request, result);
    drop_kept(client->current);
    forget_kept(client);
    client->current->busy = client->current->started = false;
    client_continue(client);
}

void request_fail(struct client *client, enum err err, const char *reason) {
    request_finish(client, &(struct dialect_result){.err = err, .reason = slice_text(reason)});
}

/* What the operator's program says about a text is for its sender; any other reason is ours. */
void request_end(struct client *client, enum err err, const void *reply) {
    const char *said = err == ERR_REFUSED ? client->current->said : NULL;
    (void)reply;
    request_fail(client, err, said);
}

void request_show(struct client *client, enum err err, const void *reply) {
    request_finish(client,
                   &(struct dialect_result){.err = err, .reply = err == ERR_OK ? reply : NULL});
}

void request_stop(struct client *client) {
    ev_timer_stop(loop_of(client), &client->current->timer);
    if (awaits_hash(client))
        peers_cancel(&client->current->call->ticket);
    forget_kept(client);
    if (client->current->busy)
        drop_kept(client->current);
}
