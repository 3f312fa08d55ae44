/*
 * The service group: groups, who is in them, and the notices that changes cause.
 *
 * Its handlers run on workers, side by side; they share a struct group_service that nobody changes
 * after the start. All that lasts is in the database, so any number of instances may run: changes
 * of one group are ordered by the lock on its head (group_change.h).
 */
#ifndef PARLEY_GROUP_H
#define PARLEY_GROUP_H

#include "common/service.h"
#include "proto/messages.h"
#include "services/log/route.h"

/* Numbers that a creation tries before it gives up: those taken are ids that people chose. */
#define GROUP_NUMBER_TRIES 100

/* What an account is in a group. Numbers up to GROUP_OWNER are stored: never change one. */
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
    uint64_t group_port, group_max_members;
    char *session_peers;
};

struct group_service {
    struct group_settings settings;
    uint64_t instance; /* as the writer of conversations */
    struct router *router;
};

service_pool_handler group_handle_create, group_handle_resolve, group_handle_add;

#endif
