/* parley-hooks: tells addresses that the operator has chosen of what happens. */
#include <sodium.h>

#include "common/log.h"
#include "common/peers.h"
#include "proto/shared_options.h"
#include "services/api_keys/api_keys.h"
#include "services/hooks/hooks.h"
#include "services/hooks/reader.h"
#include "services/schema/schema.h"

static const struct config_option options[] = {
    CONFIG_INCLUDE(struct hooks_settings, service, service_options),
    CONFIG_INCLUDE(struct hooks_settings, db, db_options),
    CONFIG_U64(struct hooks_settings, hooks_port, 7106, 1, 65535, "port", "where hooks listens"),
    CONFIG_U64(struct hooks_settings, hooks_metrics_port, 7116, 0, 65535, "port",
               "where hooks serves /metrics, /healthz and /readyz over HTTP; 0: nowhere"),
    /* limit: hooks | time from an event to the look that finds it | {hook_look_ms} | - */
    CONFIG_U64(struct hooks_settings, hook_look_ms, 200, 10, 60000, "ms",
               "how often hooks looks for new events"),
    /* limit: hooks | a request to a hook's address | {hook_timeout_ms} | it has failed */
    CONFIG_U64(struct hooks_settings, hook_timeout_ms, 10000, 100, 300000, "ms",
               "how long a request to a hook's address may take"),
    /* limit: hooks | events of one request | {hook_batch_events}, and those of one more batch of
       delivery | the next request */
    CONFIG_U64(struct hooks_settings, hook_batch_events, 100, 1, 1000, "",
               "a request to a hook's address ends behind so many events"),
    CONFIG_U64(struct hooks_settings, hook_retry_max_ms, 300000, 10, 86400000, "ms",
               "the longest pause before a hook that fails is tried again"),
    /* limit: hooks | a hook that takes nothing | {hook_park_minutes} min | it is parked: shown by
       parleyctl hook list, and not tried until parleyctl hook retry */
    CONFIG_U64(struct hooks_settings, hook_park_minutes, 1440, 0, 525600, "minutes",
               "how long a hook that fails is tried before it is parked"),
    /* limit: hooks | events that wait for a hook that takes nothing | {hook_keep_days} days; then
       rows of the journal are removed | they are lost to it, and counted (`lost`) */
    CONFIG_U64(struct hooks_settings, hook_keep_days, 7, 1, 365, "days",
               "how long events wait for a hook that takes nothing"),
    OPTION_HOOK_CA_FILE(struct hooks_settings),
    CONFIG_STRING(struct hooks_settings, session_peers, "tcp://127.0.0.1:7103",
                  "instances of session, which know who is connected: tcp://host:port or "
                  "dns:name:port, separated by commas"),
    CONFIG_U64(struct hooks_settings, push_delay_ms, 10000, 0, 3600000, "ms",
               "how long after a text an account that has not got it, and has no connection, is "
               "woken: the event `offline`"),
    /* limit: hooks | how often an account is woken that does not come back, where there is
       something new | once in {push_again_ms} | later */
    CONFIG_U64(struct hooks_settings, push_again_ms, 600000, 0, 86400000, "ms",
               "how long an account that was woken, and has not come back, is not woken again"),
    /* limit: hooks | members of a group whose texts wake all of them | {push_group_max} | those
       whom a text mentions are woken */
    CONFIG_U64(struct hooks_settings, push_group_max, 200, 0, 100000, "",
               "members of a group whose texts wake all; in a larger one, those they mention"),
    CONFIG_BOOL(struct hooks_settings, push_text, false,
                "whether the event `offline`, and a message of Web Push, has the text"),
    CONFIG_STRING(
        struct hooks_settings, web_push_contact, "",
        "whom services of Web Push can reach about this server: mailto:... or https://..."),
    CONFIG_BOOL(struct hooks_settings, web_push_private, false,
                "whether browsers may give addresses of private networks, and http, for Web Push; "
                "for tests"),
    CONFIG_END};

static const struct service_handler handlers[] = {
    {&message_HOOKS_LIST, .pool = hooks_handle_list},
    {&message_HOOKS_ADD, .pool = hooks_handle_add},
    {&message_HOOKS_REMOVE, .pool = hooks_handle_remove},
    {&message_HOOKS_RETRY, .pool = hooks_handle_retry},
    {&message_HOOKS_SUBSCRIBE, .pool = hooks_handle_subscribe},
    {&message_HOOKS_PRESENCE, .loop = hooks_handle_presence},
    {&message_HOOKS_WAKE, .loop = hooks_handle_wake},
};

static void count(struct service *service, struct hooks_counts *counts_r) {
    struct metrics *metrics = service_metrics(service);
    counts_r->events =
        metrics_counter(metrics, "hook_events_total", "", "Events that hooks have taken.");
    counts_r->posts =
        metrics_counter(metrics, "hook_posts_total", "", "Requests to addresses of hooks.");
    counts_r->posts_failed = metrics_counter(metrics, "hook_posts_failed_total", "",
                                             "Requests to addresses of hooks that failed.");
    counts_r->lost = metrics_counter(metrics, "hook_lost_total", "",
                                     "Rows of the journal that were too old to tell a hook of.");
    counts_r->live_dropped =
        metrics_counter(metrics, "hook_live_dropped_total", "",
                        "News of presence that a hook was not told of, since too much waited.");
    counts_r->woken = metrics_counter(metrics, "woken_total", "", "Accounts that were woken.");
    counts_r->pushes =
        metrics_counter(metrics, "web_pushes_total", "", "Messages of Web Push that were taken.");
    counts_r->pushes_failed = metrics_counter(metrics, "web_pushes_failed_total", "",
                                              "Messages of Web Push that no service took.");
    counts_r->pushes_gone =
        metrics_counter(metrics, "web_pushes_gone_total", "",
                        "Subscriptions to Web Push that their service no longer knew.");
    counts_r->absent = metrics_gauge(metrics, "accounts_absent", "",
                                     "Accounts that something was said to, and have not got it.");
    counts_r->behind = metrics_gauge(metrics, "hook_behind", "",
                                     "Rows of the journal that the slowest hook was not told of.");
    counts_r->parked = metrics_gauge(metrics, "hooks_parked", "", "Hooks that are parked.");
    counts_r->failing =
        metrics_gauge(metrics, "hooks_failing", "", "Hooks that did not take the last events.");
}

static int start(struct service *service, void *context) {
    struct hooks *self = context;
    self->service = service;
    if (sodium_init() < 0) {
        log_error("start_failed", "reason=\"libsodium does not start\"");
        return -1;
    }
    count(service, &self->counts);
    if (service_use_pool(service, &self->settings.db, schema_check) != 0)
        return -1;
    self->poster_options.ca_file = self->settings.hook_ca_file;
    self->poster = poster_new(service_loop(service), &self->poster_options);
    self->push_poster_options =
        (struct poster_options){.ca_file = "", .public_only = !self->settings.web_push_private};
    self->push_poster = poster_new(service_loop(service), &self->push_poster_options);
    if (self->poster == NULL || self->push_poster == NULL)
        return -1;
    self->sessions =
        peers_new(service, &(struct peers_options){.name = "session",
                                                   .addresses = self->settings.session_peers});
    if (self->sessions == NULL)
        return -1;
    self->reader = reader_new(self);
    if (self->reader == NULL) {
        log_error("start_failed", "reason=\"out of memory\"");
        return -1;
    }
    return 0;
}

static void stop(void *context) {
    struct hooks *self = context;
    reader_stop(self->reader);
}

static bool stopped(void *context) {
    struct hooks *self = context;
    return reader_is_stopped(self->reader);
}

static void finish(void *context) {
    struct hooks *self = context;
    reader_destroy(&self->reader);
    peers_destroy(&self->sessions);
    poster_destroy(&self->poster);
    poster_destroy(&self->push_poster);
}

int main(int argc, char **argv) {
    static struct hooks hooks;
    static const struct service_definition definition = {
        .name = "hooks",
        .program = {"parley-hooks", "tells other programs of what happens", "", options},
        .settings = &hooks.settings,
        .common = &hooks.settings.service,
        .port = &hooks.settings.hooks_port,
        .metrics_port = &hooks.settings.hooks_metrics_port,
        .handlers = handlers,
        .handler_count = sizeof handlers / sizeof handlers[0],
        .context = &hooks,
        .credentials = &api_keys,
        .start = start,
        .stop = stop,
        .stopped = stopped,
        .finish = finish,
    };
    return service_main(&definition, argc, argv);
}
