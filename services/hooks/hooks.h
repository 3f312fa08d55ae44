/*
 * The service hooks: tells addresses that the operator has chosen of what happens.
 *
 *     reader    one instance works at a time; it numbers the rows of the journal, and has a teller
 *               for each hook
 *     teller    reads behind one hook's place in the journal, posts, and moves the place
 *     offline   finds accounts that have to be woken
 *     poster    HTTP in the loop
 *
 * What lasts is in the database: the hooks with their places, and the journal. So an instance may
 * be killed at any moment: the next one goes on, and repeats at most what was being posted.
 */
#ifndef PARLEY_HOOKS_H
#define PARLEY_HOOKS_H

#include "common/service.h"
#include "proto/messages.h"
#include "services/webhook/poster.h"

/* limit: hooks | hooks | {HOOKS_MAX} | `too_many` */
#define HOOKS_MAX 32

struct hooks_settings {
    struct service_settings service;
    struct db_settings db;
    uint64_t hooks_port, hooks_metrics_port;
    uint64_t hook_look_ms, hook_timeout_ms, hook_batch_events, hook_retry_max_ms, hook_park_minutes,
        hook_keep_days;
    uint64_t push_delay_ms, push_again_ms, push_group_max;
    bool push_text, web_push_private;
    char *hook_ca_file, *session_peers, *web_push_contact;
};

struct hooks_counts {
    struct metric *events, *posts, *posts_failed, *lost, *live_dropped;
    struct metric *woken, *pushes, *pushes_failed, *pushes_gone;
    struct metric *behind, *parked, *failing, *absent; /* gauges */
};

struct peers;
struct reader;

struct hooks {
    struct hooks_settings settings;
    struct poster_options poster_options, push_poster_options;
    struct hooks_counts counts;
    struct service *service;
    struct poster *poster, *push_poster; /* to addresses of the operator, and of strangers */
    struct peers *sessions;
    struct reader *reader;
};

service_pool_handler hooks_handle_list, hooks_handle_add, hooks_handle_remove, hooks_handle_retry,
    hooks_handle_subscribe;
service_loop_handler hooks_handle_presence, hooks_handle_wake;

#endif
