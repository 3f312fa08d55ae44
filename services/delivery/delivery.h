/* The service delivery: its settings, and what its handlers share. */
#ifndef PARLEY_DELIVERY_H
#define PARLEY_DELIVERY_H

#include "proto/shared_options.h"
#include "services/delivery/before.h"
#include "services/entries/entries.h"
#include "services/route/route.h"

struct delivery_settings {
    struct service_settings service;
    struct db_settings db;
    struct before_settings before;
    uint64_t delivery_port, delivery_metrics_port, writers, writer_queue, writer_queue_bytes;
    uint64_t search_threads;
    uint64_t recall_minutes, edit_minutes, retention_days;
    uint64_t strangers; /* an enum strangers_rule */
    char *session_peers;
};

struct writers;
struct pauses;
struct retention;

struct delivery {
    struct delivery_settings settings;
    struct service *service;
    struct router *router;
    struct before *before; /* NULL: nobody is asked about texts */
    struct writers *writers;
    struct pauses *pauses; /* of accounts that are typing */
    struct retention *retention;
};

/* Whether people get texts, and what shows how far others are, from friends alone. */
static inline bool delivery_friends_only(const struct delivery *self) {
    return self->settings.strangers != STRANGERS_OPEN;
}

service_loop_handler handle_send, handle_edit;
service_first_handler begin_search;
service_costly_handler handle_search;
service_pool_handler handle_pull, handle_check, handle_cursors;
service_pool_handler handle_advance, handle_received, handle_read;
service_pool_handler handle_history, handle_conversations;
service_pool_handler handle_recall, handle_react;
service_pool_handler handle_quiet, handle_typing;

#endif
