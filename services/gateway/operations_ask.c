/* Asking other services on behalf of a client; what failed for now is asked again. */
#include <stdlib.h>

#include <utlist.h>

#include "services/gateway/operations_private.h"
#include "services/gateway/requests.h"

/* How often clients that wait for a hash are looked at. */
#define LOOK_FOR_LEFT_MS 1000

/* A request on its way; its client may be gone when it is answered. */
struct errand {
    struct gateway *gateway;
    uint64_t client;
    struct peers_ticket ticket;
    void (*done)(struct client *client, enum err err, const void *reply);
};

/* Whether it matters that a request may have been carried out unseen: a log-out is repeated. */
static bool changes_something(const struct client *client) {
    enum operation operation = client->current->request.operation;
    return client->current->again != NULL && operation != OPERATION_LOGIN &&
           operation != OPERATION_RESUME && operation != OPERATION_RECEIVED &&
           operation != OPERATION_LOGOUT;
}

/* How it ends when it is not asked again: nobody is told that something was not done that may have
 * been. */
static enum err last_word(const struct client *client, enum err err) {
    if (!patience_may_pass(err))
        return err;
    if (client->current->patience.unknown && changes_something(client))
        return ERR_UNKNOWN_OUTCOME;
    return err == ERR_UNKNOWN_OUTCOME ? ERR_UNAVAILABLE : err;
}

static void retry_later(struct client *client) {
    DL_APPEND2(client->gateway->retry_queue, client, current->prev_retry, current->next_retry);
    client->current->awaits_retry = true;
}

bool operation_wait(struct client *client, uint64_t wait_ms, void (*again)(struct client *client)) {
    int64_t again_ms = loop_now_ms() + (int64_t)wait_ms;
    if (again_ms >= client->current->patience.until_ms)
        return false;
    client->current->patience.again_ms = again_ms;
    client->current->again = again;
    retry_later(client);
    return true;
}

/* `done` hears of it, unless it can be asked again. */
static void conclude(struct client *client, const struct errand *errand, enum err err,
                     const void *reply) {
    if (client->current->again == NULL || !patience_may_pass(err) ||
        !patience_wait(&client->current->patience)) {
        errand->done(client, last_word(client, err), reply);
        return;
    }
    retry_later(client);
}

static void errand_done(void *argument, enum err err, const void *reply, const char *text) {
    struct errand errand = *(struct errand *)argument;
    free(argument);
    struct client *client = gateway_client(errand.gateway, errand.client);
    if (client == NULL)
        return;
    client->current->errand = NULL;
    client->current->patience.unknown =
        client->current->patience.unknown || patience_is_unknown(err, text);
    conclude(client, &errand, err, reply);
}

void operation_ask(struct client *client, struct peers *peers, const struct message_desc *message,
                   const void *body,
                   void (*done)(struct client *client, enum err err, const void *reply)) {
    const struct errand errand = {.gateway = client->gateway, .client = client->id, .done = done};
    struct errand *copy = malloc(sizeof *copy);
    /* As long as the client waits, not shorter: a second asking would only stand in the queue
     * behind the first. When an instance is lost, the answer is that. */
    uint64_t wait_ms = client->current->again == NULL
                           ? service_common(client->gateway->service)->request_timeout_ms
                           : patience_left_ms(&client->current->patience);
    enum err err = ERR_OVERLOADED;
    if (copy != NULL) {
        *copy = errand;
        err = peers_ask(peers, peers_next(peers),
                        &(struct peers_request){.message = message,
                                                .body = body,
                                                .trace = client->current->request.trace,
                                                .timeout_ms = wait_ms,
                                                .done = errand_done,
                                                .argument = copy,
                                                .ticket_r = &copy->ticket});
    }
    if (err != ERR_OK) {
        free(copy);
        conclude(client, &errand, err, NULL);
        return;
    }
    client->current->errand = copy;
}

void operation_end(struct client *client, enum err err, const void *reply) {
    (void)reply;
    client_finish(client, &(struct dialect_result){.err = err});
}

static void await_no_more(struct client *client) {
    DL_DELETE2(client->gateway->retry_queue, client, current->prev_retry, current->next_retry);
    client->current->awaits_retry = false;
}

/* Whether it waits for the hash of a password, which is costly. */
static bool awaits_hash(const struct client *client) {
    enum operation operation = client->current->request.operation;
    return client->current->errand != NULL &&
           (operation == OPERATION_LOGIN || operation == OPERATION_REGISTER);
}

/* While its request is carried out, nothing is read from a client, its close neither. */
static void end_left(struct gateway *gateway) {
    struct client *client, *next;
    HASH_ITER(hh, gateway->clients, client, next) {
        if (awaits_hash(client) && edge_is_left(client->edge))
            edge_close(client->edge, 1001, "");
    }
}

void operation_tick(struct gateway *gateway, int64_t now_ms) {
    struct client *client, *next;
    if (now_ms >= gateway->look_for_left_ms) {
        gateway->look_for_left_ms = now_ms + LOOK_FOR_LEFT_MS;
        end_left(gateway);
    }
    DL_FOREACH_SAFE2(gateway->retry_queue, client, next, current->next_retry) {
        if (client->current->patience.again_ms > now_ms)
            continue;
        await_no_more(client);
        client->current->again(client);
    }
}

void operation_drop(struct client *client) {
    if (client->current->awaits_retry)
        await_no_more(client);
    if (awaits_hash(client))
        peers_cancel(&client->current->errand->ticket);
}
