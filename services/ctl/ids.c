/* Accounts and groups by number or by string id; see ids.h. */
#include "services/ctl/ids.h"

#include "proto/ids.h"
#include "proto/messages.h"
#include "services/ctl/instances.h"

int ids_find_account(const struct ctl_settings *settings, const char *id, uint64_t *number_r) {
    struct slice text = slice_text(id);
    if (id_is_decimal(text, number_r))
        return CTL_DONE;
    struct auth_resolve ask = {.ids = {&text, 1}};
    struct auth_resolve_reply reply;
    struct record_arena arena = {0};
    int status =
        instances_ask(settings, INSTANCE_AUTH, &message_AUTH_RESOLVE, &ask, &arena, &reply);
    *number_r = status == CTL_DONE && reply.accounts.count == 1 ? reply.accounts.items[0] : 0;
    record_arena_free(&arena);
    if (status == CTL_DONE && *number_r == 0)
        status = ctl_fail("there is no account '%s'", id);
    return status;
}

int ids_find_group(const struct ctl_settings *settings, const char *id, uint64_t *number_r) {
    struct slice text = slice_text(id);
    if (id_is_decimal(text, number_r))
        return CTL_DONE;
    struct group_resolve ask = {.ids = {&text, 1}};
    struct group_resolve_reply reply;
    struct record_arena arena = {0};
    int status =
        instances_ask(settings, INSTANCE_GROUP, &message_GROUP_RESOLVE, &ask, &arena, &reply);
    *number_r = status == CTL_DONE && reply.groups.count == 1 ? reply.groups.items[0] : 0;
    record_arena_free(&arena);
    if (status == CTL_DONE && *number_r == 0)
        status = ctl_fail("there is no group '%s'", id);
    return status;
}
