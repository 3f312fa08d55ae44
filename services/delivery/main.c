/*
 * parley-delivery: appends texts to the message log and reads it.
 *
 * It commits texts in batches (writers.h), hands them to session to be pushed, reads the message
 * log for clients that catch up (pull.c) and moves cursors (advance.c). All that lasts is in the
 * database: any number of instances run side by side.
 */
#include "services/delivery/delivery.h"
#include "services/delivery/pauses.h"
#include "services/delivery/retention.h"
#include "services/delivery/writers.h"
#include "services/entries/restored.h"

static struct delivery delivery;

/* How long a search runs, before any has. */
#define SEARCH_EXPECTED_US 100000

static const struct config_option options[] = {
    CONFIG_INCLUDE(struct delivery_settings, service, service_options),
    CONFIG_INCLUDE(struct delivery_settings, db, db_options),
    CONFIG_INCLUDE(struct delivery_settings, before, before_options),
    CONFIG_U64(struct delivery_settings, delivery_port, 7104, 1, 65535, "port",
               "where delivery listens"),
    CONFIG_U64(struct delivery_settings, delivery_metrics_port, 7114, 0, 65535, "port",
               "where delivery serves /metrics, /healthz and /readyz over HTTP; 0: nowhere"),
    CONFIG_STRING(struct delivery_settings, session_peers, "tcp://127.0.0.1:7103",
                  "instances of session: tcp://host:port or dns:name:port, separated by commas"),
    /* limit: delivery | writers | {writers} threads, each with a connection | - */
    CONFIG_U64(struct delivery_settings, writers, 2, 1, 64, "threads",
               "threads that commit messages, each with a connection beside db_connections"),
    /*
     * limit: delivery | messages that wait for a writer (one request, of up to 64, always may) |
     * {writer_queue}, and {writer_queue_bytes} of text, each writer | `overloaded`; the gateway
     * tries again
     */
    CONFIG_U64(
        struct delivery_settings, writer_queue, 10000, 1, 1000000, "messages",
        "messages that may wait for each writer (one request always may); beyond it requests "
        "are refused (overloaded)"),
    CONFIG_U64(struct delivery_settings, writer_queue_bytes, 64 << 20, 1, 1ULL << 40, "bytes",
               "text that may wait for each writer; beyond it requests are refused, too"),
    /*
     * limit: delivery | searches at once | {search_threads}; some more wait, if they will be done
     * before their callers give up | `overloaded`, at once
     */
    CONFIG_U64(struct delivery_settings, search_threads, 2, 1, 16, "threads",
               "threads that search the message log, each with a connection beside db_connections"),
    OPTION_RECALL_MINUTES(struct delivery_settings), OPTION_EDIT_MINUTES(struct delivery_settings),
    OPTION_STRANGERS(struct delivery_settings),
    CONFIG_U64(struct delivery_settings, retention_days, 0, 0, RETENTION_MAX_DAYS, "days",
               "for so long entries of the message log are kept, unless a group has days of its "
               "own; 0: for ever; the same at every instance"),
    CONFIG_END};

static const struct service_handler handlers[] = {
    {&message_DELIVERY_SEND, .loop = handle_send},
    {&message_DELIVERY_PULL, .pool = handle_pull},
    {&message_DELIVERY_CHECK, .pool = handle_check},
    {&message_DELIVERY_ADVANCE, .pool = handle_advance},
    {&message_DELIVERY_RECEIVED, .pool = handle_received},
    {&message_DELIVERY_RECALL, .pool = handle_recall},
    {&message_DELIVERY_EDIT, .loop = handle_edit},
    {&message_DELIVERY_REACT, .pool = handle_react},
    {&message_DELIVERY_QUIET, .pool = handle_quiet},
    {&message_DELIVERY_HISTORY, .pool = handle_history},
    {&message_DELIVERY_CONVERSATIONS, .pool = handle_conversations},
    {&message_DELIVERY_SEARCH, .first = begin_search, .costly = handle_search},
    {&message_DELIVERY_READ, .pool = handle_read},
    {&message_DELIVERY_TYPING, .pool = handle_typing},
    {&message_DELIVERY_CURSORS, .pool = handle_cursors},
};

static int start(struct service *service, void *context) {
    struct delivery *self = context;
    self->service = service;
    if (service_use_pool(service, &self->settings.db, entries_check) != 0)
        return -1;
    if (service_use_costly_pool(service, "searches", &self->settings.db,
                                self->settings.search_threads, SEARCH_EXPECTED_US) != 0)
        return -1;
    self->router = router_new(service, self->settings.session_peers, 0);
    self->pauses = pauses_new();
    if (self->router == NULL || self->pauses == NULL ||
        before_new(service, &self->settings.before, self, &self->before) != 0)
        return -1;
    self->writers = writers_new(self);
    self->retention = retention_new(service, self->settings.retention_days);
    return self->writers == NULL || self->retention == NULL ? -1 : 0;
}

static const char *missing(void *context) {
    (void)context;
    return "session"; /* the only one that is called */
}

static bool ready(void *context) {
    const struct delivery *self = context;
    return router_ready(self->router);
}

static bool stopped(void *context) {
    const struct delivery *self = context;
    return router_idle(self->router);
}

static void finish(void *context) {
    struct delivery *self = context;
    before_destroy(&self->before);
    retention_destroy(&self->retention);
    writers_destroy(&self->writers);
    router_destroy(&self->router);
    pauses_destroy(&self->pauses);
}

int main(int argc, char **argv) {
    static const struct service_definition definition = {
        .name = "delivery",
        .program = {"parley-delivery", "appends texts to the message log and reads it", "",
                    options},
        .settings = &delivery.settings,
        .common = &delivery.settings.service,
        .port = &delivery.settings.delivery_port,
        .metrics_port = &delivery.settings.delivery_metrics_port,
        .handlers = handlers,
        .handler_count = sizeof handlers / sizeof handlers[0],
        .context = &delivery,
        .start = start,
        .ready = ready,
        .missing = missing,
        .stopped = stopped,
        .finish = finish};
    return service_main(&definition, argc, argv);
}
