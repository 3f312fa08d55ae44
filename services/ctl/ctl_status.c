/* parleyctl status, ping, metrics: how the services are. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/loop.h"
#include "common/service.h"
#include "services/ctl/instances.h"
#include "services/ctl/table.h"

/* limit: tool | `status --wait=S` | S seconds, asked every {ROUND_MS} | exit status 1 */
#define ROUND_MS 200
/* Of what is printed for people. */
#define LINE_WIDTH 100

/* One instance that was asked; `caller` is NULL when the name of its service led nowhere. */
struct asked {
    enum instance_service service;
    char address[INSTANCE_ADDRESS_BYTES];
    struct caller *caller;
    struct record_arena arena;
    struct service_status status;
    bool answered;
};

struct round {
    size_t count;
    struct asked asked[INSTANCE_SERVICES * INSTANCES_MAX];
};

static void ask(const struct ctl_settings *settings, struct round *round,
                enum instance_service service, const char *address) {
    const struct service_ping nothing = {0};
    struct asked *asked = &round->asked[round->count++];
    *asked = (struct asked){.service = service};
    snprintf(asked->address, sizeof asked->address, "%s", address);
    asked->caller = instance_caller(settings, service, address);
    if (asked->caller != NULL &&
        caller_send(asked->caller, &message_SERVICE_STATUS, &nothing) != ERR_OK)
        caller_destroy(&asked->caller);
}

/* Asks every instance at once and collects the answers. Whether all are there and ready. */
static bool run_round(const struct ctl_settings *settings, struct round *round) {
    bool ready = true;
    round->count = 0;
    for (int service = 0; service < INSTANCE_SERVICES; service++) {
        struct instances instances;
        instances_find(settings, (enum instance_service)service, &instances);
        for (size_t i = 0; i < instances.count; i++)
            ask(settings, round, (enum instance_service)service, instances.addresses[i]);
        if (instances.count == 0)
            round->asked[round->count++] =
                (struct asked){.service = (enum instance_service)service, .address = "not found"};
    }
    int64_t deadline_ms = loop_now_ms() + ctl_answer_ms(settings);
    for (size_t i = 0; i < round->count; i++) {
        struct asked *asked = &round->asked[i];
        asked->answered = asked->caller != NULL &&
                          caller_receive(asked->caller, &message_SERVICE_STATUS, deadline_ms,
                                         &asked->arena, &asked->status) == ERR_OK;
        ready = ready && asked->answered && asked->status.ready;
    }
    return ready;
}

static void end_round(struct round *round) {
    for (size_t i = 0; i < round->count; i++) {
        caller_destroy(&round->asked[i].caller);
        record_arena_free(&round->asked[i].arena);
    }
    round->count = 0;
}

/* --- queues ---------------------------------------------------------------------------------- */

static size_t queue_count(const struct service_status *status) {
    size_t count = status->queues.count;
    count = status->depths.count < count ? status->depths.count : count;
    return status->limits.count < count ? status->limits.count : count;
}

static void add_queues(struct table *table, const struct service_status *status) {
    for (size_t i = 0; i < queue_count(status); i++)
        table_add_depth(table, "queues", status->queues.items[i], status->depths.items[i],
                        status->limits.items[i]);
}

/* All queues of an instance, as `name depth/limit`, in lines of LINE_WIDTH at most. */
static void print_queues(const struct asked *asked) {
    const struct service_status *status = &asked->status;
    size_t column = LINE_WIDTH;
    printf("\n%s %s\n", instance_service_name(asked->service), asked->address);
    for (size_t i = 0; i < queue_count(status); i++) {
        struct slice name = status->queues.items[i];
        char text[128];
        int length = snprintf(text, sizeof text, "%.*s %" PRIu64 "/%" PRIu64, (int)name.length,
                              name.data, status->depths.items[i], status->limits.items[i]);
        if (column + (size_t)length + 3 > LINE_WIDTH) { /* a comma before, one behind */
            printf("%s    %s", i == 0 ? "" : ",\n", text);
            column = 4 + (size_t)length;
        } else {
            printf(", %s", text);
            column += 2 + (size_t)length;
        }
    }
    puts("");
    if (status->lacks.length > 0)
        printf("    not ready: %.*s\n", (int)status->lacks.length, status->lacks.data);
}

static int print_round(const struct round *round, bool json) {
    static const char *const columns[] = {"service",  "address", "version",  "ready",
                                          "uptime_s", "calls",   "instance", NULL};
    struct table *table = table_new(columns, json);
    for (size_t i = 0; i < round->count; i++) {
        const struct asked *asked = &round->asked[i];
        const struct service_status *status = &asked->status;
        char instance[24];
        snprintf(instance, sizeof instance, "%016" PRIx64, asked->answered ? status->instance : 0);
        table_text(table, slice_text(instance_service_name(asked->service)));
        table_text(table, slice_text(asked->address));
        table_text(table, asked->answered ? status->version : slice_text("-"));
        table_bool(table, asked->answered && status->ready);
        table_number(table, asked->answered ? status->uptime_ms / 1000 : 0);
        table_number(table, asked->answered ? status->calls : 0);
        table_text(table, slice_text(asked->answered ? instance : "-"));
        add_queues(table, status);
    }
    int result = table_print(&table);
    for (size_t i = 0; i < round->count && !json && result == CTL_DONE; i++)
        if (round->asked[i].answered)
            print_queues(&round->asked[i]);
    return result;
}

static int run_status(const struct ctl_settings *settings, int argc, char **argv) {
    (void)argc;
    (void)argv;
    int64_t deadline_ms = loop_now_ms() + (int64_t)settings->wait * 1000;
    struct round *round = calloc(1, sizeof *round);
    if (round == NULL)
        return ctl_fail("out of memory");
    bool ready;
    while (!(ready = run_round(settings, round)) && loop_now_ms() < deadline_ms) {
        end_round(round);
        nanosleep(&(struct timespec){.tv_nsec = ROUND_MS * 1000000}, NULL);
    }
    int printed = print_round(round, settings->json);
    end_round(round);
    free(round);
    return !ready ? ctl_fail("not everything is ready") : printed;
}

static int run_ping(const struct ctl_settings *settings, int argc, char **argv) {
    (void)argc;
    struct caller *caller = instance_caller_at(settings, argv[0]);
    if (caller == NULL)
        return CTL_FAILED;
    bool ready = instance_is_ready(caller, CTL_ANSWER_MS);
    caller_destroy(&caller);
    if (!ready)
        return ctl_fail("%s is not ready", argv[0]);
    puts("ready");
    return CTL_DONE;
}

static int run_metrics(const struct ctl_settings *settings, int argc, char **argv) {
    (void)argc;
    const struct service_ping nothing = {0};
    struct record_arena arena = {0};
    struct service_status status;
    struct caller *caller = instance_caller_at(settings, argv[0]);
    if (caller == NULL)
        return CTL_FAILED;
    int result = CTL_DONE;
    if (caller_ask(caller, &message_SERVICE_STATUS, &nothing, CTL_ANSWER_MS, &arena, &status) !=
        ERR_OK)
        result = ctl_fail("%s", caller_fault(caller));
    else
        fwrite(status.metrics.data, 1, status.metrics.length, stdout);
    record_arena_free(&arena);
    caller_destroy(&caller);
    return result;
}

static const struct config_option status_options[] = {
    CTL_JSON_OPTION,
    CONFIG_U64(struct ctl_settings, wait, 0, 0, 3600, "s", "how long to wait until all are ready"),
    CONFIG_INCLUDE(struct ctl_settings, peers, ctl_peer_options), CONFIG_END};

static const struct config_option ping_options[] = {
    CONFIG_STRING(struct ctl_settings, key_of, "parleyctl",
                  "the program whose key it shows; a service asks itself alone"),
    CONFIG_INCLUDE(struct ctl_settings, peers, ctl_peer_options), CONFIG_END};

const struct ctl_command ctl_status_commands[] = {
    {"status", "",
     "Show every instance of every service and its queues; fail unless all are ready.",
     status_options, 0, 0, run_status, CTL_READS},
    {"ping", "ADDRESS", "Succeed when the instance at tcp://host:port is ready within 2 seconds.",
     ping_options, 1, 1, run_ping, CTL_READS},
    {"metrics", "ADDRESS", "Print the counters of the instance at tcp://host:port.",
     ctl_only_peer_options, 1, 1, run_metrics, CTL_READS},
    {0}};
