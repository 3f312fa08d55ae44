/*
 * Where the services are, and how to reach one of them, for the commands of parleyctl.
 */
#ifndef PARLEY_CTL_INSTANCES_H
#define PARLEY_CTL_INSTANCES_H

#include "services/ctl/caller.h"
#include "services/ctl/ctl.h"

#define INSTANCE_ADDRESS_BYTES 280
/* limit: tool | instances of one service | {INSTANCES_MAX} | further ones are left out */
/* Instances of one service, as for the services themselves; further ones are left out. */
#define INSTANCES_MAX 64

enum instance_service {
    INSTANCE_AUTH,
    INSTANCE_GROUP,
    INSTANCE_SESSION,
    INSTANCE_DELIVERY,
    INSTANCE_FILES,
    INSTANCE_HOOKS,
    INSTANCE_GATEWAY,
    INSTANCE_SERVICES
};

struct instances {
    size_t count;
    char addresses[INSTANCES_MAX][INSTANCE_ADDRESS_BYTES];
};

const char *instance_service_name(enum instance_service service);

/* The configured instances of a service. A name that leads to none gives none. */
void instances_find(const struct ctl_settings *settings, enum instance_service service,
                    struct instances *instances_r);

/* A caller of an instance of this service. NULL after a printed line. */
struct caller *instance_caller(const struct ctl_settings *settings, enum instance_service service,
                               const char *address);
/* The same for an address that the operator gave: whose it is, the settings say, or its key. */
struct caller *instance_caller_at(const struct ctl_settings *settings, const char *address);

/* Whether the instance is ready within the time. Asks again while it is not. */
bool instance_is_ready(struct caller *caller, int64_t timeout_ms);

/*
 * Asks the first instance that is ready. CTL_DONE, or CTL_FAILED after a printed line. `reply_r`
 * and `arena` as of caller_ask.
 */
int instances_ask(const struct ctl_settings *settings, enum instance_service service,
                  const struct message_desc *message, const void *body, struct record_arena *arena,
                  void *reply_r) __attribute__((warn_unused_result));

#endif
