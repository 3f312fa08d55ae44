/* parleyctl group ...: groups and their members. */
#include <inttypes.h>
#include <stdio.h>

#include "proto/messages.h"
#include "services/ctl/check.h"
#include "services/ctl/ctl_read.h"
#include "services/ctl/ids.h"
#include "services/ctl/instances.h"

static const struct db_statement list_groups = {
    "list_groups", "SELECT c.lo, c.string_id, c.name, c.owner, c.dissolved,"
                   " (SELECT COUNT(*) FROM member m WHERE m.conversation = c.id), c.created_ms"
                   " FROM conversation c WHERE c.kind = 1 AND c.lo > ? ORDER BY c.lo LIMIT ?"};
static const struct db_statement show_group = {
    "show_group", "SELECT m.account, a.id, a.name,"
                  " ELT(m.role, 'member', 'administrator', 'owner'), m.joined_ms"
                  " FROM conversation c JOIN member m ON m.conversation = c.id"
                  " JOIN account a ON a.number = m.account"
                  " WHERE c.kind = 1 AND c.lo = ? ORDER BY m.role DESC, m.account"};

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
    if (ids_find_group(settings, argv[0], &ask.group) != CTL_DONE ||
        ids_find_account(settings, argv[1], &ask.account) != CTL_DONE)
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
    if (ids_find_group(settings, argv[0], &ask.group) != CTL_DONE ||
        ids_find_account(settings, argv[1], &ask.account) != CTL_DONE)
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

static int run_list(const struct ctl_settings *settings, int argc, char **argv) {
    (void)argc;
    (void)argv;
    static const char *const columns[] = {"number",    "id",      "name",       "owner",
                                          "dissolved", "members", "created_ms", NULL};
    return ctl_read(settings, &list_groups,
                    DB_ARGS(db_u64(settings->after), db_u64(settings->limit)), columns, "nttnbnn",
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

const struct ctl_command ctl_group_commands[] = {
    {"group create", "ID OWNER", "Make a group; OWNER by number or id.", create_options, 2, 2,
     run_create},
    {"group add", "GROUP ACCOUNT", "Make an account a member; both by number or id.",
     ctl_only_peer_options, 2, 2, run_add},
    {"group remove", "GROUP ACCOUNT", "End a membership; both by number or id.",
     ctl_only_peer_options, 2, 2, run_remove},
    {"group list", "", "List groups by number.", ctl_list_options, 0, 0, run_list},
    {"group show", "GROUP", "Show a group's members and their roles.", ctl_show_options, 1, 1,
     run_show},
    {0}};
