/*
 * The session service: its options and state, and the handlers and hooks that main.c puts into the
 * definition. Everything runs on the loop.
 */
#ifndef PARLEY_SESSION_SESSION_H
#define PARLEY_SESSION_SESSION_H

#include "common/service.h"
#include "services/session/admitting.h"
#include "services/session/directory.h"
#include "services/session/endings.h"
#include "services/session/gateway_instances.h"
#include "services/session/hooks_link.h"
#include "services/session/presence.h"
#include "services/session/push.h"
#include "services/session/room.h"

struct session_settings {
    struct service_settings service;
    uint64_t session_port, session_metrics_port;
    uint64_t max_bindings, connections_per_account, heard_timeout_ms, gateway_timeout_ms;
    uint64_t presence_grace_ms, presence_changes;
    char *group_peers, *auth_peers, *hooks_peers;
};

struct session {
    struct session_settings settings;
    struct service *service;
    struct directory *directory;
    struct gateway_instances *gateways;
    struct pusher *pusher;
    struct hooks_link *hooks;
    struct presence *presence;
    struct room *room;
    struct endings *endings;
    struct admitting *admitting;
    struct metric *bindings_gauge, *gateways_gauge;
    ev_timer sweep;   /* looks for gateways that fell silent */
    int64_t swept_ms; /* when it last did */
};

/* session.bind: each pair is tried; ERR_TOO_MANY when at least one could not be bound. */
service_loop_handler session_handle_bind;
/* session.unbind: what is not bound is passed over. */
service_loop_handler session_handle_unbind;
/* session.sync: as session.bind of those that were here before, and it ends what is not listed. */
service_loop_handler session_handle_sync;
/* session.heard: what room.c has asked for. */
service_loop_handler session_handle_heard;
service_loop_handler session_handle_route;
service_loop_handler session_handle_dirty;
service_loop_handler session_handle_online;
service_loop_handler session_handle_list;
service_loop_handler session_handle_kick;
/* logins.c */
service_loop_handler session_handle_logins, session_handle_end_login;

/* The hooks of the definition; `context` is the struct session. */
int session_start(struct service *service, void *context);
void session_stop(void *context);
bool session_stopped(void *context);
void session_finish(void *context);
/* As struct service_credentials has it. */
void session_ask(void *context, struct call *call, struct slice credential,
                 const struct message_desc *message, const void *body);
void session_ping(void *context, struct slice caller, struct service_pong *pong);

#endif
