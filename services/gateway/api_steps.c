/* What a call of the HTTP API asks of services: ids first, then its messages; see api_call.h. */
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/peers.h"
#include "common/program.h"
#include "services/gateway/addresses.h"
#include "services/gateway/api_call.h"
#include "services/gateway/mentions.h"
#include "services/gateway/names.h"

static void next_step(struct api_call *call);
static void resolve(struct api_call *call);

/* --- asking ------------------------------------------------------------------------------------
 */

static struct peers *service_of(const struct gateway *gateway, const struct message_desc *message) {
    static const char *const names[] = {"auth.",     "group.", "session.",
                                        "delivery.", "files.", "hooks."};
    struct peers *const peers[] = {gateway->auth,     gateway->group, gateway->session,
                                   gateway->delivery, gateway->files, gateway->hooks};
    size_t i = 0;
    while (strncmp(message->name, names[i], strlen(names[i])) != 0)
        i++;
    return peers[i];
}

/* A key that is an account's own acts as the account: services let it do only what needs no key,
 * and what a gateway can't ask without one. */
static struct slice credential_for(const struct api_call *call,
                                   const struct message_desc *message) {
    bool shown = message->scope != 0 &&
                 (call->account == 0 || (message->senders & PROGRAM_BIT_GATEWAY) == 0);
    return slice_text(shown ? call->secret : "");
}

static void ask(struct api_call *call, struct peer *peer, const struct message_desc *message,
                const void *body, peers_done *done) {
    call->asking = true;
    if (call->exchange != NULL)
        edge_exchange_pause(call->exchange); /* its client is to wait */
    enum err err = peers_ask(service_of(call->gateway, message), peer,
                             &(struct peers_request){.message = message,
                                                     .body = body,
                                                     .timeout_ms = retry_remaining_ms(&call->retry),
                                                     .trace = call->trace,
                                                     .credential = credential_for(call, message),
                                                     .done = done,
                                                     .argument = call});
    if (err != ERR_OK)
        done(call, err, NULL, NULL);
}

/* false: that fault stays, or its time is over. */
static bool try_again(struct api_call *call, enum err err) {
    struct gateway *gateway = call->gateway;
    call->retry.pause_ms = retry_next_pause_ms(call->retry.pause_ms);
    if (!retry_is_transient(err) || gateway->stopping ||
        !retry_allows(&call->retry, call->retry.pause_ms))
        return false;
    loop_timer_start(service_loop(gateway->service), &call->timer, call->retry.pause_ms);
    return true;
}

/* The answer to a failure: where an earlier try may have been carried out it must not be that
 * nothing was done. */
static void fail(struct api_call *call, enum err err, const char *text) {
    bool unsure = call->retry.unknown && retry_is_transient(err);
    api_answer_fault(call, unsure ? ERR_UNKNOWN_OUTCOME : err, unsure ? NULL : text);
}

static void on_timer(struct ev_loop *ev, ev_timer *timer, int revents) {
    struct api_call *call = timer->data;
    (void)ev;
    (void)revents;
    call->ask(call);
}

/* --- ids ---------------------------------------------------------------------------------------
 */

static enum recipient_kind kind_of(const struct api_param *param) {
    return param->type == API_GROUP ? RECIPIENT_GROUP : RECIPIENT_USER;
}

/* The next parameter whose number is not known; NULL: there is none. */
static const struct api_param *find_unknown(struct api_call *call) {
    struct api_value *value = call->request.values;
    for (const struct api_param *param = call->operation->params; param->name != NULL;
         param++, value++) {
        bool is_id = param->type == API_ACCOUNT || param->type == API_GROUP;
        if (is_id && value->given && value->number == 0 &&
            !names_find(call->gateway->names, kind_of(param), &value->id, &value->number))
            return param;
    }
    return NULL;
}

static void on_resolved(void *argument, enum err err, const void *reply, const char *text) {
    struct api_call *call = argument;
    const struct api_param *param = call->unknown;
    call->asking = false;
    if (err != ERR_OK) {
        if (!try_again(call, err))
            fail(call, err, text);
        return;
    }
    struct api_value *value = &call->request.values[param - call->operation->params];
    value->number = names_take(call->gateway->names, kind_of(param), &value->id, reply);
    if (value->number == 0)
        api_answer_fault(call, kind_of(param) == RECIPIENT_GROUP ? ERR_NO_GROUP : ERR_NO_ACCOUNT,
                         NULL);
    else
        resolve(call);
}

static void ask_id(struct api_call *call, const struct api_param *param) {
    struct slice id = call->request.values[param - call->operation->params].id.text;
    call->unknown = param;
    if (kind_of(param) == RECIPIENT_GROUP) {
        const struct group_resolve body = {.ids = {&id, 1}};
        ask(call, peers_next(call->gateway->group), &message_GROUP_RESOLVE, &body, on_resolved);
    } else {
        const struct auth_resolve body = {.ids = {&id, 1}};
        ask(call, peers_next(call->gateway->auth), &message_AUTH_RESOLVE, &body, on_resolved);
    }
}

static void on_mentions(void *argument, enum err err, const void *reply, const char *text) {
    struct api_call *call = argument;
    call->asking = false;
    if (err != ERR_OK && try_again(call, err))
        return;
    if (err == ERR_OK)
        err = mentions_take(call->gateway->names, &call->request.references, reply);
    if (err == ERR_OK)
        resolve(call);
    else
        fail(call, err, text);
}

static void ask_mentions(struct api_call *call) {
    struct slice ids[MENTIONS_MAX];
    const struct auth_resolve body = {
        .ids = {ids, mentions_unknown(&call->request.references, ids)}};
    ask(call, peers_next(call->gateway->auth), &message_AUTH_RESOLVE, &body, on_mentions);
}

/* Until all ids are numbers, one look-up after the other. */
static void resolve(struct api_call *call) {
    char fault[DIALECT_FAULT_BYTES] = "";
    const struct api_param *unknown = find_unknown(call);
    call->ask = resolve;
    if (unknown != NULL) {
        ask_id(call, unknown);
        return;
    }
    if (!mentions_find(call->gateway->names, &call->request.references)) {
        ask_mentions(call);
        return;
    }
    enum err err = api_act_as(&call->request, call->account, fault);
    if (err != ERR_OK) {
        api_answer_fault(call, err, fault);
        return;
    }
    next_step(call);
}

/* --- connected accounts ------------------------------------------------------------------------
 */

static int compare_accounts(const void *a, const void *b) {
    uint64_t one = ((const struct api_listed_account *)a)->account;
    uint64_t other = ((const struct api_listed_account *)b)->account;
    return one < other ? -1 : one > other;
}

/* Of one session, beside those of the others. false: no memory. */
static bool add_listed(struct api_listed *listed, const struct session_list_reply *reply) {
    size_t count = reply->accounts.count < reply->connections.count ? reply->accounts.count
                                                                    : reply->connections.count;
    void *grown = realloc(listed->accounts, (listed->count + count + 1) * sizeof *listed->accounts);
    if (grown == NULL)
        return false;
    listed->accounts = grown;
    for (size_t i = 0; i < count; i++)
        listed->accounts[listed->count++] =
            (struct api_listed_account){reply->accounts.items[i], reply->connections.items[i]};
    return true;
}

static void answer_listed(struct api_call *call) {
    struct api_listed *listed = &call->listed;
    uint64_t limit = api_value(&call->request, "limit")->number, numbers[LIST_MAX],
             connections[LIST_MAX];
    size_t most = limit == 0 ? LIST_MAX : limit, count = 0;
    qsort(listed->accounts, listed->count, sizeof *listed->accounts, compare_accounts);
    for (; count < most && count < listed->count; count++) {
        numbers[count] = listed->accounts[count].account;
        connections[count] = listed->accounts[count].connections;
    }
    const struct session_list_reply reply = {.accounts = {numbers, count},
                                             .connections = {connections, count}};
    api_write(call->operation->shows, &reply, 0, NULL, &call->answer);
    api_answer_json(call, call->operation->status);
}

/* --- messages ----------------------------------------------------------------------------------
 */

static const struct api_step *step_of(const struct api_call *call) {
    return &call->operation->steps[call->step];
}

static const struct message_desc *message_of(const struct api_call *call) {
    return api_message(&call->request, step_of(call));
}

static bool lists_sessions(const struct api_call *call) {
    return message_of(call) == &message_SESSION_LIST;
}

/* As the outbox chooses, so that one instance writes a conversation. */
static uint64_t parties_key(const struct delivery_send *body) {
    if (body->to_group != 0)
        return peers_hash(body->to_group, 0);
    return body->account < body->to_account ? peers_hash(body->account, body->to_account)
                                            : peers_hash(body->to_account, body->account);
}

static struct peer *peer_for(struct api_call *call, const void *body) {
    const struct api_step *step = step_of(call);
    struct peers *peers = service_of(call->gateway, message_of(call));
    const struct session_end_login *of_account = body; /* `account` is first in each of these */
    switch (step->target) {
    case API_BY_ACCOUNT:
        return peers_by_key(peers, of_account->account);
    case API_BY_PARTIES:
        return peers_by_key(peers, parties_key(body));
    case API_ALL_INSTANCES:
        return peers_live(peers, call->instance);
    case API_ALL_SERVICES: /* api_status.c */
    case API_ANY:
        break;
    }
    return peers_next(peers);
}

/* The step is done: the same at the next instance, or the next step. */
static void go_on(struct api_call *call, const void *reply) {
    struct peers *peers = service_of(call->gateway, message_of(call));
    bool everywhere = step_of(call)->target == API_ALL_INSTANCES;
    if (everywhere && ++call->instance < peers_live_count(peers)) {
        next_step(call);
        return;
    }
    bool last = call->step + 1 == call->operation->step_count;
    if (last && lists_sessions(call)) {
        answer_listed(call);
    } else if (last) {
        const struct dialect_addresses addresses = addresses_of(call->gateway);
        if (call->operation->shows != NULL)
            api_write(call->operation->shows, reply, api_actor(&call->request), &addresses,
                      &call->answer);
        api_answer_json(call, call->operation->status);
    } else {
        call->step++;
        call->instance = 0;
        next_step(call);
    }
}

static void on_reply(void *argument, enum err err, const void *reply, const char *text) {
    struct api_call *call = argument;
    call->asking = false;
    if (retry_is_unknown(err, text))
        call->retry.unknown = call->operation->method != API_GET;
    if (err != ERR_OK && try_again(call, err))
        return;
    if (err == ERR_OK) {
        call->retry.pause_ms = 0;
        err = api_take(&call->request, step_of(call), reply);
    }
    if (err == ERR_OK && lists_sessions(call) && !add_listed(&call->listed, reply))
        err = ERR_OVERLOADED;
    if (err == ERR_OK)
        go_on(call, reply);
    else
        fail(call, err, text);
}

static void begin_step(struct api_call *call) {
    const struct api_step *step = step_of(call);
    const struct api_given given = {.nonce =
                                        slice_make((const char *)call->nonce, sizeof call->nonce),
                                    .host = slice_text(call->host)};
    struct record_arena arena = {0};
    call->ask = next_step;
    if (api_skips(&call->request, step)) {
        api_answer_json(call, call->operation->status);
        return;
    }
    void *body = record_arena_alloc(&arena, message_of(call)->body->size);
    if (body == NULL || !api_fill(&call->request, step, &given, &arena, body))
        api_answer_fault(call, ERR_OVERLOADED, NULL);
    else
        ask(call, peer_for(call, body), message_of(call), body, on_reply);
    record_arena_free(&arena);
}

static void next_step(struct api_call *call) {
    const struct api_step *step = step_of(call);
    if (step->target == API_ALL_SERVICES)
        api_status_begin(call);
    else if (service_of(call->gateway, message_of(call)) == NULL)
        api_answer_fault(call, ERR_UNAVAILABLE, "this gateway has no such service");
    else
        begin_step(call);
}

/* --- its turn ------------------------------------------------------------------------------- */

/* Those before it came earlier, so their time is over before its own. */
static void on_turn(struct api_call *call) {
    if (retry_allows(&call->retry, 0))
        resolve(call);
    else
        api_answer_fault(call, ERR_OVERLOADED, "too many calls of this API key are under way");
}

void api_steps_begin(struct api_call *call) {
    ev_timer_init(&call->timer, on_timer, 0, 0);
    call->timer.data = call;
    retry_start(&call->retry, call->gateway->settings.send_timeout_ms);
    call->place.owner = call;
    switch (key_lines_enter(call->owner->lines, call->key, &call->place)) {
    case KEY_PLACE_GOES:
        resolve(call);
        return;
    case KEY_PLACE_WAITS:
        call->ask = on_turn;
        if (call->exchange != NULL)
            edge_exchange_pause(call->exchange); /* its client is to wait */
        return;
    case KEY_PLACE_NONE:
        api_answer_fault(call, ERR_OVERLOADED, NULL);
        return;
    }
}
