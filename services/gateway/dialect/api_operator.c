/* Operations of the HTTP API on the server itself, which the operator's page uses. */
#include "common/messages.h"
#include "services/gateway/dialect/api_tables.h"

#define HOOK                                                                                       \
    {                                                                                              \
        .name = "hook", .type = API_STRING, .needed = true, .most = HOOK_NAME_BYTES,               \
        .field = "name", .help = "its name"                                                        \
    }
#define HOOK_NAME_BYTES 64

/* Of hooks.remove and hooks.retry. */
static enum err judge_hook(const void *reply) {
    const struct done *done = reply;
    return done->repeat ? ERR_NO_HOOK : ERR_OK;
}

const struct api_operation api_operator_table[] = {
    {"listAudit", API_GET, "/audit", "Lists who did what, the newest first.", SCOPE_BIT_AUDIT,
     PARAMS{{.name = "account",
             .type = API_ACCOUNT,
             .place = API_QUERY,
             .field = "party",
             .help = "only what this account did, or what was done to it; or to a group, by its "
                     "number"},
            {.name = "before",
             .type = API_WHOLE,
             .place = API_QUERY,
             .least = 1,
             .most = NUMBER_LIMIT - 1,
             .help = "`next` of the page before"},
            PAGE_SIZE,
            END},
     STEPS(1, STEP(AUTH_LIST_AUDIT)), .status = 200, .shows = &api_audit},
    {"listServices", API_GET, "/services",
     "Lists all instances of the services, how they are, and how full their queues.",
     SCOPE_BIT_STATUS, PARAMS{END},
     STEPS(1, {.message = &message_SERVICE_STATUS, .target = API_ALL_SERVICES}), .status = 200,
     .shows = &api_services},
    {"listHooks", API_GET, "/hooks", "Lists hooks, and how they are.", SCOPE_BIT_HOOKS,
     PARAMS{PAGE_SIZE, END}, STEPS(1, STEP(HOOKS_LIST)), .status = 200, .shows = &api_hooks},
    {"removeHook", API_DELETE, "/hooks/{hook}",
     "Ends a hook; what it was not told of it will never be.", SCOPE_BIT_HOOKS, PARAMS{HOOK, END},
     STEPS(1, STEP(HOOKS_REMOVE)), .judge = judge_hook, .status = 204},
    {"retryHook", API_POST, "/hooks/{hook}/retry",
     "Tries a hook again now, also one that is parked.", SCOPE_BIT_HOOKS, PARAMS{HOOK, END},
     STEPS(1, STEP(HOOKS_RETRY)), .judge = judge_hook, .status = 204},
    {0}};
