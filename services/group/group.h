/*
 * The service group: groups and their members, friends, and the notices that changes cause.
 *
 * Its handlers run on workers, side by side; they share a struct group_service that nobody changes
 * after the start. All that lasts is in the database, so any number of instances may run: changes
 * are ordered by locks on the heads of conversations (group_change.h).
 */
#ifndef PARLEY_GROUP_H
#define PARLEY_GROUP_H

#include "common/service.h"
#include "proto/messages.h"
#include "proto/shared_options.h"
#include "services/route/route.h"

/* Numbers that a creation tries before it gives up: those taken are ids that people chose. */
#define GROUP_NUMBER_TRIES 100

/*
 * limit: client | friends of an account | {GROUP_MAX_FRIENDS} | `too_many`, whichever of the
 * two has as many
 */
/* Of each account: friends, and requests that wait, made by it or for it to answer; the latter also
 * of a group. */
#define GROUP_MAX_FRIENDS 1000
/*
 * limit: client | requests of an account that wait for an answer, to people and groups |
 * {GROUP_MAX_REQUESTS} | `too_many`
 */
/*
 * limit: client | requests that wait for an account's answer, for a group's |
 * {GROUP_MAX_REQUESTS} | the oldest of a stranger is removed for a new one; where none is a
 * stranger's, `too_many` to the one that asks
 */
#define GROUP_MAX_REQUESTS 1000
/*
 * limit: client | groups of an account that asks for friendship, in which the other one is looked
 * for | {GROUP_COMPARED} | in the rest it is not found: they count as strangers
 */
#define GROUP_COMPARED 1000
/*
 * limit: client | administrators of a group, beside its owner | {GROUP_MAX_ADMINISTRATORS} |
 * `too_many`
 */
/* Of a group, beside its owner: one transaction writes all of them the notice of a request. */
#define GROUP_MAX_ADMINISTRATORS 1000

/*
 * limit: client | accounts that an account blocks | {GROUP_MAX_BLOCKS} | `too_many`
 */
#define GROUP_MAX_BLOCKS 1000
/*
 * limit: client | accounts that are banned from a group | {GROUP_MAX_BANS} | `too_many`
 */
#define GROUP_MAX_BANS 10000

/* The role of an account in a group. Numbers up to GROUP_OWNER are stored: never change one. */
enum group_role {
    GROUP_STRANGER = 0,
    GROUP_MEMBER = 1,
    GROUP_ADMINISTRATOR = 2,
    GROUP_OWNER = 3,
    GROUP_OPERATOR = 4, /* of the server; not in the group */
};

struct group_settings {
    struct service_settings service;
    struct db_settings db;
    uint64_t group_port, group_metrics_port, group_max_members, presence_group_max;
    uint64_t strangers; /* an enum strangers_rule */
    bool profile_by_email;
    uint64_t presence_grace_ms, ref_days, audit_days;
    char *session_peers;
};

struct forgetter;
struct ender;

struct group_service {
    struct group_settings settings;
    uint64_t instance; /* as the writer of conversations */
    struct router *router;
    struct forgetter *forgetter; /* this and the next are the loop's */
    struct ender *ender;
};

service_pool_handler group_handle_create, group_handle_resolve;
service_pool_handler group_handle_befriend, group_handle_answer_friend, group_handle_unfriend;
service_pool_handler group_handle_block;
service_pool_handler group_handle_join, group_handle_answer_join, group_handle_add;
service_pool_handler group_handle_leave, group_handle_remove, group_handle_dissolve;
service_pool_handler group_handle_mute, group_handle_ban;
service_pool_handler group_handle_set_admin, group_handle_rename, group_handle_rename_account;
service_pool_handler group_handle_friends, group_handle_members, group_handle_list_members,
    group_handle_show, group_handle_list;
service_pool_handler group_handle_profile, group_handle_set_profile, group_handle_set_remark;
service_pool_handler group_handle_set_group_profile, group_handle_set_nick;
service_pool_handler group_handle_say, group_handle_presence, group_handle_set_retention;

service_loop_handler group_handle_forget;

#endif
