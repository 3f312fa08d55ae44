/* parleyctl group ...: groups and who is in them. */
#include <inttypes.h>
#include <stdio.h>

#include "proto/messages.h"
#include "services/ctl/ids.h"
#include "services/ctl/instances.h"

static int run_create(const struct ctl_settings *settings, int argc, char **argv) {
    (void)argc;
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

static const struct config_option create_options[] = {
    CONFIG_STRING(struct ctl_settings, name, "", "its name; by default the id"),
    CONFIG_INCLUDE(struct ctl_settings, peers, ctl_peer_options), CONFIG_END};

const struct ctl_command ctl_group_commands[] = {
    {"group create", "ID OWNER", "Make a group; OWNER by number or id.", create_options, 2, 2,
     run_create},
    {"group add", "GROUP ACCOUNT", "Make an account a member; both by number or id.",
     ctl_only_peer_options, 2, 2, run_add},
    {0}};
