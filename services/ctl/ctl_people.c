/* parleyctl say, sessions, kick: system messages, and the connected accounts. */
#include <stdio.h>

#include "common/loop.h"
#include "proto/messages.h"
#include "services/ctl/check.h"
#include "services/ctl/ids.h"
#include "services/ctl/instances.h"
#include "services/ctl/table.h"

/* --- say ------------------------------------------------------------------------------------- */

static int find_addressee(const struct ctl_settings *settings, struct group_say *ask) {
    int named = settings->all + (settings->user[0] != '\0') + (settings->group[0] != '\0');
    if (named != 1) {
        ctl_fail("use one of --all, --user ID and --group ID");
        return CTL_USAGE;
    }
    if (settings->all)
        return CTL_DONE;
    if (check_id(settings->user[0] != '\0' ? "--user" : "--group",
                 settings->user[0] != '\0' ? settings->user : settings->group) != CTL_DONE)
        return CTL_USAGE;
    return settings->user[0] != '\0' ? ids_find_account(settings, settings->user, &ask->to_account)
                                     : ids_find_group(settings, settings->group, &ask->to_group);
}

static int run_say(const struct ctl_settings *settings, int argc, char **argv) {
    (void)argc;
    struct group_say ask = {.text = slice_text(argv[0])};
    int status = find_addressee(settings, &ask);
    if (status != CTL_DONE)
        return status;
    struct done reply;
    struct record_arena arena = {0};
    status = instances_ask(settings, INSTANCE_GROUP, &message_GROUP_SAY, &ask, &arena, &reply);
    record_arena_free(&arena);
    if (status == CTL_DONE)
        puts("sent");
    return status;
}

/* --- connected accounts ---------------------------------------------------------------------- */

/* Asks one session for a page behind *after; false when there is no more, or on a failure. */
static bool list_page(const struct ctl_settings *settings, struct caller *caller, uint64_t *after,
                      struct table *table, int *status) {
    struct session_list ask = {.after = *after};
    struct session_list_reply reply;
    struct record_arena arena = {0};
    bool more = false;
    if (caller_ask(caller, &message_SESSION_LIST, &ask, (uint64_t)ctl_answer_ms(settings), &arena,
                   &reply) != ERR_OK) {
        *status = ctl_fail("%s", caller_fault(caller));
    } else {
        for (size_t i = 0; i < reply.accounts.count && i < reply.connections.count; i++) {
            if (reply.accounts.items[i] <= *after) { /* else it would be asked for without end */
                *status = ctl_fail("%s lists accounts that do not ascend", caller_address(caller));
                more = false;
                break;
            }
            table_text(table, slice_text(caller_address(caller)));
            table_number(table, reply.accounts.items[i]);
            table_number(table, reply.connections.items[i]);
            *after = reply.accounts.items[i];
            more = true;
        }
    }
    record_arena_free(&arena);
    return more;
}

static int run_sessions(const struct ctl_settings *settings, int argc, char **argv) {
    (void)argc;
    (void)argv;
    static const char *const columns[] = {"session", "account", "connections", NULL};
    struct instances instances;
    struct table *table = table_new(columns, settings->json);
    int status = CTL_DONE;
    instances_find(settings, INSTANCE_SESSION, &instances);
    for (size_t i = 0; i < instances.count; i++) {
        struct caller *caller = instance_caller(settings, INSTANCE_SESSION, instances.addresses[i]);
        uint64_t after = 0;
        while (caller != NULL && list_page(settings, caller, &after, table, &status))
            ;
        caller_destroy(&caller);
    }
    if (instances.count == 0)
        status = ctl_fail("no session is configured");
    int printed = table_print(&table);
    return status == CTL_DONE ? printed : status;
}

int ctl_kick(const struct ctl_settings *settings, uint64_t account, const char *reason) {
    struct session_kick ask = {.account = account, .reason = slice_text(reason)};
    struct instances instances;
    int status = CTL_DONE;
    instances_find(settings, INSTANCE_SESSION, &instances);
    for (size_t i = 0; i < instances.count; i++) {
        struct caller *caller = instance_caller(settings, INSTANCE_SESSION, instances.addresses[i]);
        struct done reply;
        struct record_arena arena = {0};
        if (caller == NULL)
            status = CTL_FAILED;
        else if (caller_ask(caller, &message_SESSION_KICK, &ask, (uint64_t)ctl_answer_ms(settings),
                            &arena, &reply) != ERR_OK)
            status = ctl_fail("%s", caller_fault(caller));
        record_arena_free(&arena);
        caller_destroy(&caller);
    }
    return status;
}

static int run_kick(const struct ctl_settings *settings, int argc, char **argv) {
    uint64_t account;
    if (ids_find_account(settings, argv[0], &account) != CTL_DONE)
        return CTL_FAILED;
    int status = ctl_kick(settings, account, argc > 1 ? argv[1] : "");
    if (status == CTL_DONE)
        printf("%s is disconnected\n", argv[0]);
    return status;
}

static const struct config_option say_options[] = {
    CONFIG_BOOL(struct ctl_settings, all, false, "to everyone"),
    CONFIG_STRING(struct ctl_settings, user, "", "to this account, by number or id"),
    CONFIG_STRING(struct ctl_settings, group, "", "to this group, by number or id"),
    CONFIG_INCLUDE(struct ctl_settings, peers, ctl_peer_options), CONFIG_END};
static const struct config_option sessions_options[] = {
    CTL_JSON_OPTION, CONFIG_INCLUDE(struct ctl_settings, peers, ctl_peer_options), CONFIG_END};

const struct ctl_command ctl_people_commands[] = {
    {"say", CTL_TEXT,
     "Send a system message; it is stored, and every account receives it, now or at its next "
     "login.",
     say_options, 1, 1, run_say, CTL_CHANGES},
    {"sessions", "", "List the connected accounts, with how many connections each has.",
     sessions_options, 0, 0, run_sessions, CTL_READS},
    {"kick", "ID [REASON]", "End an account's connections.", ctl_only_peer_options, 1, 2, run_kick,
     CTL_CHANGES},
    {0}};
