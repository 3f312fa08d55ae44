/* The life of a service: options, start, loop, stop. */
#include <errno.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/files.h"
#include "common/log.h"
#include "common/service_database.h"
#include "common/service_dispatch.h"
#include "common/service_status.h"

/* How long replies that wait in the ROUTER may take to leave at the end. */
#define LINGER_MS 1000

const struct config_option service_options[] = {
    CONFIG_STRING(struct service_settings, log_level, "info", "error, warn, info or debug"),
    CONFIG_STRING(struct service_settings, bind_address, LISTEN_DEFAULT,
                  "addresses that all ports of the service listen on, IPv4 and IPv6, separated by "
                  "commas; of the default ones, those that the machine has"),
    /*
     * limit: service | a port that somebody has at the moment | tried again every {LISTEN_RETRY_MS}
     * for {listen_wait_ms}, `port_taken` in the log | exit status 1; the line names the port and
     * its option
     */
    CONFIG_U64(struct service_settings, listen_wait_ms, 10000, 0, 600000, "ms",
               "how long to retry a port that is in use at the start"),
    /*
     * limit: service | connections of callers to the inner port; descriptors left besides |
     * {max_callers}; {CALLERS_SPARE_FILES}, or an eighth of all | the oldest that never pinged is
     * ended, else the newest; counted (`callers_refused_total`), logged once in 10 s
     * (`callers_refused`)
     */
    CONFIG_U64(struct service_settings, max_callers, 512, 8, 65536, "connections",
               "connections of other services and tools; beyond it the oldest that never pinged is "
               "closed"),
    /*
     * limit: peer | heartbeat; silence of an instance | {heartbeat_ms}; {peer_timeout_ms} | lost:
     * its requests end with `unavailable`
     */
    CONFIG_U64(struct service_settings, heartbeat_ms, 1000, 10, 60000, "ms",
               "how often each called instance is pinged"),
    CONFIG_U64(struct service_settings, peer_timeout_ms, 3000, 30, 600000, "ms",
               "silence after which a called instance counts as lost; longer than heartbeat_ms"),
    CONFIG_U64(struct service_settings, request_timeout_ms, 5000, 10, 600000, "ms",
               "how long to wait for a reply"),
    /*
     * limit: peer | wait at the start for the services that it calls | {peer_wait_ms} | exit status
     * 1
     */
    CONFIG_U64(struct service_settings, peer_wait_ms, 30000, 0, 3600000, "ms",
               "how long to wait at the start for the services that this one calls"),
    CONFIG_INCLUDE(struct service_settings, keys, keys_options), CONFIG_END};

/* --- ready and stop ------------------------------------------------------------------------ */

static void become_ready(struct service *service) {
    const struct service_definition *definition = service->definition;
    char address[LISTEN_TEXT_BYTES];
    service->state = SERVICE_READY;
    ev_timer_stop(service->ev, &service->limit);
    ev_prepare_stop(service->ev, &service->turn);
    log_info("ready", "address=%s version=%s file_limit=%llu",
             listen_print(address, "tcp://", definition->common->bind_address,
                          (unsigned)*definition->port),
             PARLEY_VERSION, (unsigned long long)files_limit());
}

/* The ports have listen_wait_ms, and the database as long as it takes; the services that this one
 * calls have peer_wait_ms from then on. */
static void wait_for_ready(struct service *service) {
    const struct service_definition *definition = service->definition;
    if (!service_listens(service) || service_waits_for_database(service))
        return;
    if (definition->ready == NULL || definition->ready(definition->context))
        become_ready(service);
    else if (!ev_is_active(&service->limit))
        loop_timer_start(service->ev, &service->limit, (int64_t)definition->common->peer_wait_ms);
}

static void give_up(struct service *service) {
    const struct service_definition *definition = service->definition;
    const char *name =
        definition->missing == NULL ? NULL : definition->missing(definition->context);
    log_error("start_failed", "reason=\"no %s service answers\" waited_ms=%llu",
              name == NULL ? "called" : name, (unsigned long long)definition->common->peer_wait_ms);
    service_fail(service, 1);
}

/* A worker may be busy without a call: with the database's sign of life. */
static bool is_idle(const struct service *service) {
    bool idle = service->calls == 0 && (service->pool == NULL || pool_is_idle(service->pool));
    for (size_t i = 0; i < SERVICE_COSTLY_POOLS; i++)
        idle = idle && (service->costly[i] == NULL || pool_is_idle(service->costly[i]));
    return idle;
}

/* Ends the loop, and with work in progress the process: waiting for the workers would be waiting
 * for the database. Callers repeat the requests that are cut off. */
static void end(struct service *service, const char *reason) {
    ev_break(service->ev, EVBREAK_ALL);
    if (is_idle(service))
        return;
    log_warn("cut_short", "calls=%zu reason=\"%s\"", service->calls, reason);
    _exit(service->status);
}

static void wait_for_stop(struct service *service) {
    const struct service_definition *definition = service->definition;
    if (is_idle(service) &&
        (definition->stopped == NULL || definition->stopped(definition->context)))
        ev_break(service->ev, EVBREAK_ALL);
}

/* Whatever makes the service ready, or lets it end, is an event of this loop: so each turn is
 * looked at, and none is made for it. */
static void on_turn(struct ev_loop *ev, ev_prepare *watcher, int revents) {
    (void)ev;
    (void)revents;
    struct service *service = watcher->data;
    if (service->state == SERVICE_STARTING)
        wait_for_ready(service);
    else if (service->state == SERVICE_STOPPING)
        wait_for_stop(service);
}

static void on_limit(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    struct service *service = timer->data;
    if (service->state == SERVICE_STARTING)
        give_up(service);
    else
        end(service, "these calls took too long");
}

static void on_signal(struct ev_loop *ev, ev_signal *watcher, int revents) {
    (void)revents;
    struct service *service = watcher->data;
    if (service->state == SERVICE_STOPPING) {
        end(service, "a second signal");
        return;
    }
    log_info("stopping", "signal=%d", watcher->signum);
    service->state = SERVICE_STOPPING;
    loop_timer_start(ev, &service->limit, SERVICE_STOP_MS);
    ev_prepare_start(ev, &service->turn);
    if (service->definition->stop != NULL)
        service->definition->stop(service->definition->context);
    dispatch_drop_costly(service);
}

/* --- start --------------------------------------------------------------------------------- */

/* ZeroMQ gets a socket that listens already, and closes it. It ignores the address. */
static void on_opened(void *argument, int fd) {
    struct service *service = argument;
    void *router = zsock_resolve(service->router);
    if (zmq_setsockopt(router, ZMQ_USE_FD, &fd, sizeof fd) == 0 &&
        zmq_bind(router, "tcp://127.0.0.1:*") == 0)
        return;
    log_error("start_failed", "reason=\"ZeroMQ refused the socket: %s\"", zmq_strerror(errno));
    close(fd);
    service_fail(service, 1);
}

static void on_port_failed(void *argument) { service_fail(argument, 1); }

static void set_router_options(struct service *service) {
    int limit_ms = (int)service->definition->common->peer_timeout_ms;
    limit_ms = limit_ms > SERVICE_FRAME_MS ? limit_ms : SERVICE_FRAME_MS;
    zsock_set_router_handover(service->router, 1);
    zsock_set_sndhwm(service->router, SERVICE_SOCKET_HWM);
    zsock_set_rcvhwm(service->router, SERVICE_SOCKET_HWM);
    zsock_set_maxmsgsize(service->router, ENVELOPE_MAX_BYTES);
    zsock_set_linger(service->router, LINGER_MS);
    zsock_set_ipv6(service->router, 1);
    zsock_set_handshake_ivl(service->router, SERVICE_FRAME_MS);
    /* To ZeroMQ, a caller that sends half a message is silent: its connection is closed. */
    zsock_set_heartbeat_ivl(service->router, limit_ms);
    zsock_set_heartbeat_timeout(service->router, limit_ms);
}

static int open_router(struct service *service) {
    static const struct listener_events events = {.opened = on_opened, .failed = on_port_failed};
    const struct service_settings *common = service->definition->common;
    const struct callers_options callers = {
        .port = (uint16_t)*service->definition->port,
        .limit = common->max_callers,
        .refused = metrics_counter(service->metrics, "callers_refused_total", "",
                                   "Connections of callers that were ended: there were too many."),
        .denied = metrics_counter(service->metrics, "callers_denied_total", "",
                                  "Callers that were not let in: they have no listed key.")};
    service->router = zsock_new(ZMQ_ROUTER);
    if (service->router == NULL)
        return -1;
    set_router_options(service);
    void *router = zsock_resolve(service->router);
    if (service->keys != NULL)
        service->admission = admission_new(service->ev, zsys_init(), service->keys, callers.denied);
    if (keys_serve(service->keys, router) != 0 ||
        (service->keys != NULL && service->admission == NULL)) {
        log_error("start_failed", "reason=\"ZeroMQ refused the key: %s\"", zmq_strerror(errno));
        return -1;
    }
    service->callers = callers_new(service->ev, zsys_init(), router, &callers);
    service->input = loop_socket_new(service->ev, router, dispatch_ready, service);
    if (service->callers == NULL || service->input == NULL)
        return -1;
    service_add_queue(service, "callers", callers_count, service->callers, callers.limit);
    snprintf(service->port_option, sizeof service->port_option, "%s_port",
             service->definition->name);
    const struct listen_at at = {.option = service->port_option,
                                 .addresses = common->bind_address,
                                 .port = callers.port,
                                 .wait_ms = common->listen_wait_ms};
    service->listener = listener_new(service->ev, &at, &events, service);
    return service->listener == NULL ? -1 : 0;
}

/* The operator's pages, unless the port is 0. -1 after a logged line. */
static int open_http(struct service *service) {
    const struct service_definition *definition = service->definition;
    if (definition->metrics_port == NULL || *definition->metrics_port == 0)
        return 0;
    snprintf(service->metrics_port_option, sizeof service->metrics_port_option, "%s_metrics_port",
             definition->name);
    const struct listen_at at = {.option = service->metrics_port_option,
                                 .addresses = definition->common->bind_address,
                                 .port = (uint16_t)*definition->metrics_port,
                                 .wait_ms = definition->common->listen_wait_ms};
    service->http =
        http_admin_new(service->ev, &at, service_pages, SERVICE_PAGES, on_port_failed, service);
    return service->http == NULL ? -1 : 0;
}

static void watch(struct service *service) {
    ev_prepare_init(&service->turn, on_turn);
    ev_timer_init(&service->limit, on_limit, 0, 0);
    ev_signal_init(&service->on_term, on_signal, SIGTERM);
    ev_signal_init(&service->on_int, on_signal, SIGINT);
    service->turn.data = service->limit.data = service;
    service->on_term.data = service->on_int.data = service;
    ev_prepare_start(service->ev, &service->turn);
    ev_signal_start(service->ev, &service->on_term);
    ev_signal_start(service->ev, &service->on_int);
}

/* -1 after a logged line. */
static int read_keys(struct service *service) {
    char fault[KEYS_FAULT_BYTES];
    const struct service_definition *definition = service->definition;
    const struct keys_settings *settings = &definition->common->keys;
    if (settings->curve) {
        service->keys = keys_load(settings->keys_folder, definition->name, fault);
        if (service->keys == NULL)
            log_error("start_failed", "reason=\"%s\"", fault);
        return service->keys == NULL ? -1 : 0;
    }
    if (!listen_is_local(definition->common->bind_address))
        log_warn("curve_off",
                 "reason=\"whoever reaches this port may do everything\" "
                 "bind_address=\"%s\"",
                 definition->common->bind_address);
    return 0;
}

static void service_run(struct service *service) {
    const struct service_definition *definition = service->definition;
    service->status = 1;
    watch(service);
    if (read_keys(service) != 0)
        return;
    if (definition->start != NULL && definition->start(service, definition->context) != 0)
        return;
    if (open_router(service) != 0 || open_http(service) != 0)
        return;
    service->status = 0;
    ev_run(service->ev, 0);
    service_tell_unfit_database(service);
    if (service->status == 0)
        log_info("stopped", "after_ms=%lld", (long long)(loop_now_ms() - service->started_ms));
}

static void service_close(struct service *service) {
    const struct service_definition *definition = service->definition;
    http_admin_destroy(&service->http);
    service_leave_database(service);
    if (definition->finish != NULL)
        definition->finish(definition->context);
    db_watch_destroy(&service->database.watch);
    listener_destroy(&service->listener);
    loop_socket_destroy(&service->input);
    callers_destroy(&service->callers);
    zsock_destroy(&service->router);
    admission_destroy(&service->admission);
    keys_destroy(&service->keys);
    buffer_free(&service->scratch);
    metrics_destroy(&service->metrics);
    ev_loop_destroy(service->ev);
}

int service_main(const struct service_definition *definition, int argc, char **argv) {
    int rest = argc;
    enum config_status status =
        config_load(&definition->program, definition->settings, argc, argv, &rest);
    if (status != CONFIG_OK)
        return status == CONFIG_EXIT ? 0 : 2;
    enum log_level level;
    if (rest < argc || log_level_parse(definition->common->log_level, &level) != 0) {
        fprintf(stderr, "%s: %s is not %s\n", definition->program.name,
                rest < argc ? argv[rest] : definition->common->log_level,
                rest < argc ? "an option" : "a log level");
        config_free(&definition->program, definition->settings);
        return 2;
    }
    /* Else an instance would count as silent between any two heartbeats. */
    if (definition->common->peer_timeout_ms <= definition->common->heartbeat_ms) {
        fprintf(stderr, "%s: peer_timeout_ms is not longer than heartbeat_ms\n",
                definition->program.name);
        config_free(&definition->program, definition->settings);
        return 2;
    }
    log_open(definition->name, level);
    files_raise_limit();
    zsys_handler_set(NULL); /* signals are the loop's */
    zsys_init();
    struct service service = {.definition = definition,
                              .ev = ev_loop_new(EVFLAG_AUTO),
                              .metrics = metrics_new(),
                              .scratch = buffer_make(ENVELOPE_MAX_BYTES),
                              .started_ms = loop_now_ms()};
    if (service.ev == NULL || service.metrics == NULL ||
        getrandom(&service.instance, sizeof service.instance, 0) < 0) {
        log_error("start_failed", "reason=\"out of memory\"");
        return 1;
    }
    dispatch_prepare(&service, service_own_handlers, SERVICE_OWN_HANDLERS);
    service_run(&service);
    service_close(&service);
    config_free(&definition->program, definition->settings);
    return service.status;
}
