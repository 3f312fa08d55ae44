/*
 * parley-group: groups, members, friends, the operator's messages, and the notices of all of it.
 */
#include "services/api_keys/api_keys.h"
#include "services/entries/restored.h"
#include "services/group/group.h"
#include "services/group/group_ending.h"
#include "services/group/group_forget.h"

static const struct config_option options[] = {
    CONFIG_INCLUDE(struct group_settings, service, service_options),
    CONFIG_INCLUDE(struct group_settings, db, db_options),
    CONFIG_U64(struct group_settings, group_port, 7102, 1, 65535, "port", "where group listens"),
    CONFIG_U64(struct group_settings, group_metrics_port, 7112, 0, 65535, "port",
               "where group serves /metrics, /healthz and /readyz over HTTP; 0: nowhere"),
    CONFIG_STRING(struct group_settings, session_peers, "tcp://127.0.0.1:7103",
                  "instances of session: tcp://host:port or dns:name:port, separated by commas"),
    CONFIG_U64(
        struct group_settings, presence_grace_ms, 3000, 0, 600000, "ms",
        "how long presence is held back after an instance of session was found or lost, as the "
        "same option of session; longer than gateways take to find one"),
    /* limit: client | members of a group | {group_max_members} | `too_many` */
    CONFIG_U64(struct group_settings, group_max_members, 5000, 1, 60000, "accounts",
               "members that a group has at most"),
    /*
     * limit: client | members of a group that reports presence | {presence_group_max} | the
     * group reports no presence; friends still receive it as friends
     */
    CONFIG_U64(struct group_settings, presence_group_max, 200, 0, 60000, "accounts",
               "members of the largest group in which they receive each other's presence; its cost "
               "grows with the square of the size"),
    /*
     * limit: client | how long the `ref` of a request that is no text is remembered | {ref_days}
     * days | a request with it is done again
     */
    CONFIG_U64(struct group_settings, ref_days, 7, 1, 3650, "days",
               "how long a request that is sent again under the same ref is not done again"),
    OPTION_STRANGERS(struct group_settings),
    CONFIG_BOOL(struct group_settings, profile_by_email, false,
                "whether a client with ext may find an account by its exact e-mail address"),
    /*
     * limit: service | rows of the audit | {audit_days} days | removed, 1000 at a time
     * {GROUP_FORGET_STEP:}
     */
    CONFIG_U64(struct group_settings, audit_days, 365, 0, 36500, "days",
               "how long the audit keeps who did what; 0: for ever"),
    CONFIG_END};

static const struct service_handler handlers[] = {
    {&message_GROUP_CREATE, .pool = group_handle_create},
    {&message_GROUP_RESOLVE, .pool = group_handle_resolve},
    {&message_GROUP_ADD, .pool = group_handle_add},
    {&message_GROUP_BEFRIEND, .pool = group_handle_befriend},
    {&message_GROUP_ANSWER_FRIEND, .pool = group_handle_answer_friend},
    {&message_GROUP_UNFRIEND, .pool = group_handle_unfriend},
    {&message_GROUP_BLOCK, .pool = group_handle_block},
    {&message_GROUP_JOIN, .pool = group_handle_join},
    {&message_GROUP_ANSWER_JOIN, .pool = group_handle_answer_join},
    {&message_GROUP_LEAVE, .pool = group_handle_leave},
    {&message_GROUP_REMOVE, .pool = group_handle_remove},
    {&message_GROUP_SET_ADMIN, .pool = group_handle_set_admin},
    {&message_GROUP_MUTE, .pool = group_handle_mute},
    {&message_GROUP_BAN, .pool = group_handle_ban},
    {&message_GROUP_DISSOLVE, .pool = group_handle_dissolve},
    {&message_GROUP_RENAME, .pool = group_handle_rename},
    {&message_GROUP_RENAME_ACCOUNT, .pool = group_handle_rename_account},
    {&message_GROUP_FRIENDS, .pool = group_handle_friends},
    {&message_GROUP_LIST_MEMBERS, .pool = group_handle_list_members},
    {&message_GROUP_SHOW, .pool = group_handle_show},
    {&message_GROUP_LIST, .pool = group_handle_list},
    {&message_GROUP_MEMBERS, .pool = group_handle_members},
    {&message_GROUP_PROFILE, .pool = group_handle_profile},
    {&message_GROUP_SET_PROFILE, .pool = group_handle_set_profile},
    {&message_GROUP_SET_GROUP_PROFILE, .pool = group_handle_set_group_profile},
    {&message_GROUP_SET_REMARK, .pool = group_handle_set_remark},
    {&message_GROUP_SET_NICK, .pool = group_handle_set_nick},
    {&message_GROUP_FORGET, .loop = group_handle_forget},
    {&message_GROUP_SAY, .pool = group_handle_say},
    {&message_GROUP_SET_RETENTION, .pool = group_handle_set_retention},
    {&message_GROUP_PRESENCE, .pool = group_handle_presence},
};

static int start(struct service *service, void *context) {
    struct group_service *self = context;
    self->instance = service_instance(service);
    if (service_use_pool(service, &self->settings.db, entries_check) != 0)
        return -1;
    self->router =
        router_new(service, self->settings.session_peers, self->settings.presence_grace_ms);
    self->forgetter = forgetter_new(service, self->settings.ref_days, self->settings.audit_days);
    self->ender = ender_new(service, self);
    return self->router == NULL || self->forgetter == NULL || self->ender == NULL ? -1 : 0;
}

static const char *missing(void *context) {
    (void)context;
    return "session"; /* the only one that is called */
}

static bool ready(void *context) {
    const struct group_service *self = context;
    return router_ready(self->router);
}

static bool stopped(void *context) {
    struct group_service *self = context;
    return router_idle(self->router);
}

static void finish(void *context) {
    struct group_service *self = context;
    ender_destroy(&self->ender);
    forgetter_destroy(&self->forgetter);
    router_destroy(&self->router);
}

int main(int argc, char **argv) {
    static struct group_service self;
    const struct service_definition definition = {
        .name = "group",
        .program = {"parley-group", "groups and friends, and the notices of their changes", "",
                    options},
        .settings = &self.settings,
        .common = &self.settings.service,
        .port = &self.settings.group_port,
        .metrics_port = &self.settings.group_metrics_port,
        .handlers = handlers,
        .handler_count = sizeof handlers / sizeof handlers[0],
        .context = &self,
        .credentials = &api_keys,
        .start = start,
        .ready = ready,
        .missing = missing,
        .stopped = stopped,
        .finish = finish,
    };
    return service_main(&definition, argc, argv);
}
