/* Requests of clients; see requests.h. */
/*
 * limit: gateway | texts of a connection of whose ids one is looked up | 1 | nothing is
 * read meanwhile
 */
#include "services/gateway/requests.h"

#include "common/log.h"
#include "proto/ids.h"
#include "services/gateway/change_requests.h"
#include "services/gateway/client.h"
#include "services/gateway/device_requests.h"
#include "services/gateway/feed.h"
#include "services/gateway/file_requests.h"
#include "services/gateway/forget_requests.h"
#include "services/gateway/friend_requests.h"
#include "services/gateway/group_requests.h"
#include "services/gateway/history_requests.h"
#include "services/gateway/limits.h"
#include "services/gateway/login.h"
#include "services/gateway/mentions.h"
#include "services/gateway/moderation_requests.h"
#include "services/gateway/names.h"
#include "services/gateway/outbox.h"
#include "services/gateway/people_lists.h"
#include "services/gateway/people_requests.h"
#include "services/gateway/push_requests.h"
#include "services/gateway/received.h"
#include "services/gateway/request.h"
#include "services/gateway/typing.h"

/*
 * limit: gateway | a client that closes its half gets the copies of its last texts | {COPY_MS}; no
 * longer than its other requests take at most | the copy has arrived, or a gap has been noticed
 */
/* Within this time the copy of a stored text has arrived, or the gateway has noticed that it is
 * missing. */
#define COPY_MS 5000

/* Every operation that goes to a service; HEARTBEAT and SEND are taken before. `looked_up`: by the
 * time of `ask` the group and person that it names have their numbers. `begin`: comes before, once;
 * false: it has ended the request. */
static const struct {
    void (*ask)(struct client *client);
    bool looked_up;
    bool (*begin)(struct client *client);
} operations[OPERATION_COUNT] = {
    [OPERATION_REGISTER] = {login_register, false, NULL},
    [OPERATION_LOGIN] = {login_ask, false, login_begin},
    [OPERATION_RESUME] = {login_resume, false, login_begin},
    [OPERATION_ENTER] = {login_enter, false, login_begin},
    [OPERATION_LOGOUT] = {login_end, false, NULL},
    [OPERATION_RECEIVED] = {received_start, true, NULL},
    [OPERATION_SEARCH] = {history_request_search, true, NULL},
    [OPERATION_HISTORY] = {history_request_read, true, NULL},
    [OPERATION_CONVERSATIONS] = {history_request_list, false, NULL},
    [OPERATION_READ] = {received_start, true, NULL},
    [OPERATION_TYPING] = {typing_start, true, NULL},
    [OPERATION_CREATE_GROUP] = {group_request_create, false, NULL},
    [OPERATION_BEFRIEND] = {friend_request_befriend, true, NULL},
    [OPERATION_ANSWER_FRIEND] = {friend_request_answer, true, NULL},
    [OPERATION_UNFRIEND] = {friend_request_unfriend, true, NULL},
    [OPERATION_JOIN] = {group_request_join, true, NULL},
    [OPERATION_ANSWER_JOIN] = {group_request_answer_join, true, NULL},
    [OPERATION_ADMIT] = {group_request_admit, true, NULL},
    [OPERATION_LEAVE] = {group_request_leave, true, NULL},
    [OPERATION_REMOVE_MEMBER] = {group_request_remove_member, true, NULL},
    [OPERATION_SET_ADMIN] = {group_request_set_admin, true, NULL},
    [OPERATION_DISSOLVE] = {group_request_dissolve, true, NULL},
    [OPERATION_RENAME_GROUP] = {group_request_rename, true, NULL},
    [OPERATION_RENAME_SELF] = {friend_request_rename_self, true, NULL},
    [OPERATION_FRIENDS] = {people_list_friends, false, NULL},
    [OPERATION_MEMBERS] = {people_list_members, true, NULL},
    [OPERATION_PROFILE] = {people_request_profile, true, NULL},
    [OPERATION_SET_PROFILE] = {people_request_set_profile, false, NULL},
    [OPERATION_SET_GROUP_PROFILE] = {people_request_set_group_profile, true, NULL},
    [OPERATION_SET_REMARK] = {people_request_set_remark, true, NULL},
    [OPERATION_SET_NICK] = {people_request_set_nick, true, NULL},
    [OPERATION_QUIET] = {people_request_quiet, true, NULL},
    [OPERATION_DEVICES] = {device_request_list, false, NULL},
    [OPERATION_BLOCK] = {moderation_request_block, true, NULL},
    [OPERATION_MUTE] = {moderation_request_mute, true, NULL},
    [OPERATION_BAN] = {moderation_request_ban, true, NULL},
    [OPERATION_FORGET] = {forget_request_ask, false, NULL},
    [OPERATION_RECALL] = {change_request_recall, true, NULL},
    [OPERATION_EDIT] = {change_request_edit, true, NULL},
    [OPERATION_REACT] = {change_request_react, true, NULL},
    [OPERATION_UPLOAD] = {file_request_upload, false, NULL},
    [OPERATION_SET_STICKER] = {file_request_set_sticker, false, NULL},
    [OPERATION_STICKERS] = {file_request_stickers, false, NULL},
    [OPERATION_PUSH] = {push_request_subscribe, false, NULL},
};

/* --- looking up ids ------------------------------------------------------------------------ */

static void ask(struct client *client, void (*what)(struct client *client)) {
    client->current->ask = what;
    what(client);
}

static void person_found(struct client *client, enum err err, uint64_t number) {
    struct dialect_id *person = &client->current->request.person;
    person->number = number;
    if (err == ERR_OK && person->present && number == 0)
        err = ERR_NO_ACCOUNT;
    if (err != ERR_OK)
        request_fail(client, err, "");
    else
        ask(client, operations[client->current->request.operation].ask);
}

static void person_reply(struct client *client, enum err err, const void *reply) {
    const struct dialect_id *person = &client->current->request.person;
    person_found(client, err,
                 err == ERR_OK ? names_take(client->gateway->names, RECIPIENT_USER, person, reply)
                               : 0);
}

static void find_person(struct client *client) {
    const struct dialect_id *person = &client->current->request.person;
    uint64_t number;
    if (names_find(client->gateway->names, RECIPIENT_USER, person, &number))
        person_found(client, ERR_OK, number);
    else
        names_ask(client, RECIPIENT_USER, person, person_reply);
}

static void group_found(struct client *client, enum err err, uint64_t number) {
    struct dialect_id *group = &client->current->request.group;
    group->number = number;
    if (err == ERR_OK && group->present && number == 0)
        err = ERR_NO_GROUP;
    if (err != ERR_OK)
        request_fail(client, err, "");
    else
        ask(client, find_person);
}

static void group_reply(struct client *client, enum err err, const void *reply) {
    const struct dialect_id *group = &client->current->request.group;
    group_found(client, err,
                err == ERR_OK ? names_take(client->gateway->names, RECIPIENT_GROUP, group, reply)
                              : 0);
}

static void find_group(struct client *client) {
    const struct dialect_id *group = &client->current->request.group;
    uint64_t number;
    if (names_find(client->gateway->names, RECIPIENT_GROUP, group, &number))
        group_found(client, ERR_OK, number);
    else
        names_ask(client, RECIPIENT_GROUP, group, group_reply);
}

/* --- texts --------------------------------------------------------------------------------- */

/* The request in progress has all its numbers, or fails. */
static void end_look_up(struct client *client, enum err err) {
    int64_t until_ms = client->current->retry.until_ms;
    struct dialect_request request = request_release(client);
    if (err != ERR_OK)
        requests_answer(client, &request, err, "");
    else
        outbox_add(client, &request, until_ms);
    client_continue(client);
}

static void mentions_reply(struct client *client, enum err err, const void *reply) {
    if (err == ERR_OK)
        err = mentions_take(client->gateway->names, &client->current->request, reply);
    end_look_up(client, err);
}

static void ask_mentions(struct client *client) { mentions_ask(client, mentions_reply); }

static void recipient_reply(struct client *client, enum err err, const void *reply) {
    struct dialect_request *request = &client->current->request;
    if (err == ERR_OK)
        request->recipient.number =
            names_take(client->gateway->names, request->recipient_kind, &request->recipient, reply);
    if (err != ERR_OK || mentions_find(client->gateway->names, request))
        end_look_up(client, err);
    else
        ask(client, ask_mentions);
}

static void ask_recipient(struct client *client) {
    const struct dialect_request *request = &client->current->request;
    names_ask(client, request->recipient_kind, &request->recipient, recipient_reply);
}

static void take_text(struct client *client, struct dialect_request *request) {
    struct names *names = client->gateway->names;
    bool found =
        names_find(names, request->recipient_kind, &request->recipient, &request->recipient.number);
    bool all = mentions_find(names, request);
    if (found && all) {
        outbox_add(client, request,
                   loop_now_ms() + (int64_t)client->gateway->settings.send_timeout_ms);
        client_continue(client);
    } else { /* while the names are looked up, the text keeps its place */
        request_take(client, request);
        request_start(client, found ? ask_mentions : ask_recipient);
    }
}

/* --- all ----------------------------------------------------------------------------------- */

/* NULL, or why the request may not be carried out on this connection. */
static const char *forbidden(const struct client *client, const struct dialect_request *request) {
    const struct dialect_id *actor = &request->actor;
    if (request->login_needed && !client_is_in(client))
        return "log in first";
    /* A client that waits for a 300 that never arrives would send the same again and again. */
    if (request->stray_ref)
        return "ref needs \"ext\":1 in the login (or registration)";
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

void requests_answer(struct client *client, struct dialect_request *request, enum err err,
                     const char *reason) {
    client_answer(client, request,
                  &(struct dialect_result){.err = err, .reason = slice_text(reason)});
    dialect_request_free(request);
}

static void start(struct client *client) {
    enum operation operation = client->current->request.operation;
    uint64_t before = log_trace_begin(client->current->request.trace);
    if (operations[operation].ask == NULL)
        request_fail(client, ERR_INTERNAL, "");
    else if (operations[operation].begin == NULL || operations[operation].begin(client))
        request_start(client,
                      operations[operation].looked_up ? find_group : operations[operation].ask);
    log_trace_end(before);
}

/* Whether it is one too many. */
static bool is_throttled(const struct client *client, const struct dialect_request *request,
                         char reason_r[DIALECT_FAULT_BYTES]) {
    const struct limits_who who = {client->counted, edge_host(client->edge)};
    return limits_refuse(client->gateway->limits, &who, request->operation, request->read_us,
                         reason_r);
}

void requests_take(struct client *client, struct dialect_request *request) {
    const char *reason = forbidden(client, request);
    char limit[DIALECT_FAULT_BYTES];
    if (reason != NULL) {
        request->operation = OPERATION_NONE; /* 2, 5 and 7 have no room for the reason */
        requests_answer(client, request, ERR_NOT_ALLOWED, reason);
    } else if (is_throttled(client, request, limit)) {
        requests_answer(client, request, ERR_THROTTLED, limit);
    } else if (request->operation == OPERATION_HEARTBEAT) {
        requests_answer(client, request, ERR_OK, ""); /* silent, but for a `ref` */
    } else if (request->operation == OPERATION_SEND) {
        take_text(client, request);
    } else {
        request_take(client, request);
        /* Texts that were sent before take effect before. */
        if (client->outbox->count == 0)
            start(client);
    }
}

/* Whether a client that reads on, having closed its half, is still to get something of the message
 * log: the entries that it missed, and the copies of its last texts. Those are written by the time
 * that it has caught up. */
static bool awaits_log(struct client *client) {
    if (!edge_can_write(client->edge) || client->gateway->stopping || !client_is_in(client) ||
        client->positions->full)
        return false;
    if (client->outbox->stored_ms != 0 && loop_now_ms() - client->outbox->stored_ms < COPY_MS)
        feed_catch_up(client);
    client->outbox->stored_ms = 0;
    return client->state == CLIENT_CATCHING_UP;
}

void requests_go_on(struct client *client) {
    const struct client_request *current = client->current;
    if (current->busy) {
        if (!current->started && client->outbox->count == 0)
            start(client);
        return;
    }
    if (client->outbox->count == OUTBOX_MAX)
        return;
    edge_resume(client->edge);
    if (client->ended && client->outbox->count == 0 && !awaits_log(client))
        edge_close(client->edge, 0, NULL);
}
