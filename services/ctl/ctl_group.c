/* parleyctl group ...: groups and their members. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/loop.h"
#include "proto/messages.h"
#include "services/ctl/check.h"
#include "services/ctl/ctl_read.h"
#include "services/ctl/ids.h"
#include "services/ctl/instances.h"

#define MINUTE_MS 60000

static const struct db_statement list_groups = {
    "list_groups", "SELECT c.lo, c.string_id, c.name, c.owner, c.dissolved,"
                   " (SELECT COUNT(*) FROM member m WHERE m.conversation = c.id), c.created_ms,"
                   " COALESCE(c.retention_days, '')"
                   " FROM conversation c WHERE c.kind = 1 AND c.lo > ? ORDER BY c.lo LIMIT ?"};
static const struct db_statement show_group = {
    "show_group", "SELECT m.account, a.id, a.name,"
                  " ELT(m.role, 'member', 'administrator', 'owner'), m.joined_ms"
                  " FROM conversation c JOIN member m ON m.conversation = c.id"
                  " JOIN account a ON a.number = m.account"
                  " WHERE c.kind = 1 AND c.lo = ? ORDER BY m.role DESC, m.account"};

/* GROUP and ACCOUNT of a command. */
static int find_both(const struct ctl_settings *settings, char **argv, uint64_t *group_r,
                     uint64_t *account_r) {
    return ids_find_group(settings, argv[0], group_r) != CTL_DONE ||
                   ids_find_account(settings, argv[1], account_r) != CTL_DONE
               ? CTL_FAILED
               : CTL_DONE;
}

static int run_create(const struct ctl_settings *settings, int argc, char **argv) {
    (void)argc;
    if (check_name("--name", settings->name) != CTL_DONE)
        return CTL_USAGE;
    struct group_create ask = {.id = slice_text(argv[0]), .name = slice_text(settings->name)};
    if (ids_find_account(settings, argv[1], &ask.account) != CTL_DONE)
        return CTL_FAILED;
    struct group_create_reply reply;
    struct record_arena arena = {0};
    int status =
        instances_ask(settings, INSTANCE_GROUP, &message_GROUP_CREATE, &ask, &arena, &reply);
    if (status == CTL_DONE)
        printf("group %" PRIu64 " has the id %.*s\n", reply.group, (int)reply.id.length,
               reply.id.data);
    record_arena_free(&arena);
    return status;
}

static int run_add(const struct ctl_settings *settings, int argc, char **argv) {
    (void)argc;
    struct group_add ask = {0};
    if (find_both(settings, argv, &ask.group, &ask.account) != CTL_DONE)
        return CTL_FAILED;
    struct done reply;
    struct record_arena arena = {0};
    int status = instances_ask(settings, INSTANCE_GROUP, &message_GROUP_ADD, &ask, &arena, &reply);
    record_arena_free(&arena);
    if (status == CTL_DONE)
        printf("%s is a member of %s\n", argv[1], argv[0]);
    return status;
}

static int run_remove(const struct ctl_settings *settings, int argc, char **argv) {
    (void)argc;
    struct group_remove ask = {0};
    if (find_both(settings, argv, &ask.group, &ask.account) != CTL_DONE)
        return CTL_FAILED;
    struct done reply;
    struct record_arena arena = {0};
    int status =
        instances_ask(settings, INSTANCE_GROUP, &message_GROUP_REMOVE, &ask, &arena, &reply);
    record_arena_free(&arena);
    if (status == CTL_DONE)
        printf("%s is no longer a member of %s\n", argv[1], argv[0]);
    return status;
}

static int run_mute(const struct ctl_settings *settings, int argc, char **argv) {
    (void)argc;
    struct group_mute ask = {0};
    if (settings->minutes > 0)
        ask.until_ms = (uint64_t)loop_wall_ms() + settings->minutes * MINUTE_MS;
    if (find_both(settings, argv, &ask.group, &ask.account) != CTL_DONE)
        return CTL_FAILED;
    struct done reply;
    struct record_arena arena = {0};
    int status = instances_ask(settings, INSTANCE_GROUP, &message_GROUP_MUTE, &ask, &arena, &reply);
    record_arena_free(&arena);
    if (status == CTL_DONE && settings->minutes > 0)
        printf("%s is muted in %s for %" PRIu64 " minutes\n", argv[1], argv[0], settings->minutes);
    else if (status == CTL_DONE)
        printf("%s is no longer muted in %s\n", argv[1], argv[0]);
    return status;
}

static int set_banned(const struct ctl_settings *settings, char **argv, bool on) {
    struct group_ban ask = {.on = on};
    if (find_both(settings, argv, &ask.group, &ask.account) != CTL_DONE)
        return CTL_FAILED;
    struct done reply;
    struct record_arena arena = {0};
    int status = instances_ask(settings, INSTANCE_GROUP, &message_GROUP_BAN, &ask, &arena, &reply);
    record_arena_free(&arena);
    if (status == CTL_DONE)
        printf("%s is %s %s\n", argv[1], on ? "banned from" : "no longer banned from", argv[0]);
    return status;
}

static int run_ban(const struct ctl_settings *settings, int argc, char **argv) {
    (void)argc;
    return set_banned(settings, argv, true);
}

static int run_unban(const struct ctl_settings *settings, int argc, char **argv) {
    (void)argc;
    return set_banned(settings, argv, false);
}

static int run_retention(const struct ctl_settings *settings, int argc, char **argv) {
    (void)argc;
    struct group_set_retention ask = {.days = strtoull(argv[1], NULL, 10),
                                      .as_all = strcmp(argv[1], "default") == 0};
    if (ids_find_group(settings, argv[0], &ask.group) != CTL_DONE)
        return CTL_FAILED;
    struct done reply;
    struct record_arena arena = {0};
    int status =
        instances_ask(settings, INSTANCE_GROUP, &message_GROUP_SET_RETENTION, &ask, &arena, &reply);
    record_arena_free(&arena);
    if (status == CTL_DONE && ask.as_all)
        printf("messages in %s are kept as retention_days says\n", argv[0]);
    else if (status == CTL_DONE && ask.days == 0)
        printf("messages in %s are kept for ever\n", argv[0]);
    else if (status == CTL_DONE)
        printf("messages in %s are kept for %" PRIu64 " days\n", argv[0], ask.days);
    return status;
}

static int run_list(const struct ctl_settings *settings, int argc, char **argv) {
    (void)argc;
    (void)argv;
    static const char *const columns[] = {"number",    "id",      "name",       "owner",
                                          "dissolved", "members", "created_ms", "retention_days",
                                          NULL};
    return ctl_read(settings, &list_groups,
                    DB_ARGS(db_u64(settings->after), db_u64(settings->limit)), columns, "nttnbnnt",
                    NULL);
}

static int run_show(const struct ctl_settings *settings, int argc, char **argv) {
    (void)argc;
    static const char *const columns[] = {"account", "id", "name", "role", "joined_ms", NULL};
    uint64_t number;
    if (ctl_read_group(settings, argv[0], &number) != CTL_DONE)
        return CTL_FAILED;
    return ctl_read(settings, &show_group, DB_ARGS(db_u64(number)), columns, "ntttn",
                    "such group, or it has no members");
}

static const struct config_option create_options[] = {
    CONFIG_STRING(struct ctl_settings, name, "", "its name; by default the id"),
    CONFIG_INCLUDE(struct ctl_settings, peers, ctl_peer_options), CONFIG_END};

static const struct config_option mute_options[] = {
    CONFIG_U64(struct ctl_settings, minutes, 60, 0, 5256000, "minutes",
               "for how long, by this machine's clock; 0: no longer"),
    CONFIG_INCLUDE(struct ctl_settings, peers, ctl_peer_options), CONFIG_END};

const struct ctl_command ctl_group_commands[] = {
    {"group create", "ID OWNER", "Make a group; OWNER by number or id.", create_options, 2, 2,
     run_create, CTL_CHANGES},
    {"group add", "GROUP ACCOUNT", "Make an account a member; both by number or id.",
     ctl_only_peer_options, 2, 2, run_add, CTL_CHANGES},
    {"group remove", "GROUP ACCOUNT", "End a membership; both by number or id.",
     ctl_only_peer_options, 2, 2, run_remove, CTL_CHANGES},
    {"group mute", "GROUP ACCOUNT", "Keep a member from writing for a while; both by number or id.",
     mute_options, 2, 2, run_mute, CTL_CHANGES},
    {"group ban", "GROUP ACCOUNT",
     "Keep an account out of a group, and end its membership; both by number or id.",
     ctl_only_peer_options, 2, 2, run_ban, CTL_CHANGES},
    {"group unban", "GROUP ACCOUNT", "End a ban; both by number or id.", ctl_only_peer_options, 2,
     2, run_unban, CTL_CHANGES},
    {"group retention", "GROUP DAYS",
     "Set for how long a group's messages are kept; 0: for ever, \"default\": as all others.",
     ctl_only_peer_options, 2, 2, run_retention, CTL_CHANGES},
    {"group list", "", "List groups by number.", ctl_list_options, 0, 0, run_list, CTL_READS},
    {"group show", "GROUP", "Show a group's members and their roles.", ctl_show_options, 1, 1,
     run_show, CTL_READS},
    {0}};
