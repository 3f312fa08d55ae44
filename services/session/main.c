/* parley-session: which account has which connections at which gateway; pushes go through it. */
#include "proto/messages.h"
#include "services/session/session.h"

static const struct config_option options[] = {
    CONFIG_INCLUDE(struct session_settings, service, service_options),
    CONFIG_U64(struct session_settings, session_port, 7103, 1, 65535, "port",
               "where session listens"),
    CONFIG_U64(struct session_settings, session_metrics_port, 7113, 0, 65535, "port",
               "where session serves /metrics, /healthz and /readyz over HTTP; 0: nowhere"),
    /*
     * limit: session | connections in the directory | {max_bindings} (56 bytes and up to 44 of hash
     * tables each) | the bind, so the login, fails with `too_many`
     */
    CONFIG_U64(struct session_settings, max_bindings, 1000000, 1, 100000000, "",
               "connections that the directory holds at most"),
    /*
     * limit: client | connections of one account | {connections_per_account}, at most 64 | the
     * connection that was heard from least recently is closed, 1008
     */
    /*
     * limit: session | connections of one account that are bound at another session by now | count
     * with the others, until `presence_grace_ms` and `peer_timeout_ms` after the last change
     * {connections_per_account:} | the connection that was heard from least recently is closed,
     * 1008
     */
    CONFIG_U64(struct session_settings, connections_per_account, 8, 1,
               DIRECTORY_MAX_PER_ACCOUNT / 2, "",
               "connections of one account at once; a further login closes the one that the server "
               "has heard from least recently"),
    /*
     * limit: session | how long gateways have to tell when connections were heard from |
     * {heard_timeout_ms} | each is judged by the last reply, or by the time of its binding
     */
    CONFIG_U64(struct session_settings, heard_timeout_ms, 500, 10, 60000, "ms",
               "how long gateways have to tell when they heard from an account's connections, of "
               "which one has to end"),
    /*
     * limit: session | silence of a gateway | {gateway_timeout_ms} {peer_timeout_ms:} | its
     * connections are forgotten; when it comes back it binds again
     */
    CONFIG_U64(struct session_settings, gateway_timeout_ms, 5000, 50, 3600000, "ms",
               "silence after which a gateway and its connections are forgotten; longer than its "
               "peer_timeout_ms"),
    /*
     * limit: gateway | how long after sessions were started or stopped a gateway marks log-ins and
     * log-outs as `moving` | {presence_grace_ms} | they are reported at once again;
     * `peer_timeout_ms` later each session forgets the bindings that gateways do not report, and
     * reports that fail are tried again 50 ms later
     */
    /*
     * limit: session | how long an account without a connection counts as online; how long news
     * waits after sessions were started or stopped, at session for log-ins and log-outs, at group
     * before it is routed | {presence_grace_ms} | it is sent
     */
    CONFIG_U64(
        struct session_settings, presence_grace_ms, 3000, 0, 600000, "ms",
        "how long an account without a connection still counts as online, unless it has logged "
        "out; longer than gateways and groups take to find an instance of session"),
    /*
     * limit: client | how often friends and members hear that an account comes or goes |
     * {presence_changes} times a minute | then its news is held for a minute
     */
    CONFIG_U64(
        struct session_settings, presence_changes, 10, 0, 1000000, "per minute",
        "how often friends and members hear that an account comes or goes; beyond, they hear "
        "a minute later what it is by then; 0: no limit"),
    CONFIG_STRING(struct session_settings, group_peers, "tcp://127.0.0.1:7102",
                  "instances of group, which receive presence: tcp://host:port or dns:name:port, "
                  "separated by commas"),
    CONFIG_STRING(struct session_settings, auth_peers, "tcp://127.0.0.1:7101",
                  "instances of auth, which check API keys: tcp://host:port or dns:name:port, "
                  "separated by commas"),
    CONFIG_STRING(
        struct session_settings, hooks_peers, "",
        "instances of hooks, which receive presence, too, and are woken when something was "
        "committed; empty: none"),
    CONFIG_END};

static const struct service_handler handlers[] = {
    {&message_SESSION_BIND, .loop = session_handle_bind},
    {&message_SESSION_UNBIND, .loop = session_handle_unbind},
    {&message_SESSION_SYNC, .loop = session_handle_sync},
    {&message_SESSION_HEARD, .loop = session_handle_heard},
    {&message_SESSION_ROUTE, .loop = session_handle_route},
    {&message_SESSION_DIRTY, .loop = session_handle_dirty},
    {&message_SESSION_ONLINE, .loop = session_handle_online},
    {&message_SESSION_LIST, .loop = session_handle_list},
    {&message_SESSION_KICK, .loop = session_handle_kick},
    {&message_SESSION_LOGINS, .loop = session_handle_logins},
    {&message_SESSION_END_LOGIN, .loop = session_handle_end_login},
};

int main(int argc, char **argv) {
    static struct session session;
    static const struct service_credentials credentials = {.ask = session_ask};
    static const struct service_definition definition = {
        .name = "session",
        .program = {"parley-session", "the directory of connections, and pushes to them", "",
                    options},
        .settings = &session.settings,
        .common = &session.settings.service,
        .port = &session.settings.session_port,
        .metrics_port = &session.settings.session_metrics_port,
        .handlers = handlers,
        .handler_count = sizeof handlers / sizeof handlers[0],
        .context = &session,
        .credentials = &credentials,
        .start = session_start,
        .stop = session_stop,
        .stopped = session_stopped,
        .finish = session_finish,
        .ping = session_ping,
    };
    return service_main(&definition, argc, argv);
}
