/*
 * What the tables of the HTTP API's operations are written with: api_accounts.c, api_groups.c,
 * api_talk.c, api_operator.c. Operations on one path stand together.
 */
#ifndef PARLEY_GATEWAY_DIALECT_API_TABLES_H
#define PARLEY_GATEWAY_DIALECT_API_TABLES_H

#include "common/scope.h"
#include "services/gateway/dialect/api.h"
#include "services/gateway/dialect/api_schemas.h"

/* Each ends with one without a name. */
extern const struct api_operation api_accounts_table[], api_groups_table[], api_talk_table[],
    api_operator_table[];

#define PARAMS (const struct api_param[])
#define STEPS(count_, ...) .steps = (const struct api_step[]){__VA_ARGS__}, .step_count = (count_)
#define STEP(name_)                                                                                \
    { .message = &message_##name_ }
/* Ends the account's connections, at all sessions. */
#define KICK(cause_, reason_)                                                                      \
    {                                                                                              \
        .message = &message_SESSION_KICK, .target = API_ALL_INSTANCES, .fixed = {                  \
            {.field = "cause", .number = (cause_)},                                                \
            {.field = "reason", .text = (reason_)}                                                 \
        }                                                                                          \
    }

/* --- parameters that many have --- */

#define ACCOUNT                                                                                    \
    { .name = "account", .type = API_ACCOUNT, .needed = true, .help = "the account" }
#define OWN_ACCOUNT                                                                                \
    {                                                                                              \
        .name = "account", .type = API_ACCOUNT, .needed = true, .actor = true,                     \
        .help = "the account that acts"                                                            \
    }
#define GROUP                                                                                      \
    { .name = "group", .type = API_GROUP, .needed = true, .help = "the group" }
#define AS(place_)                                                                                 \
    {                                                                                              \
        .name = "as", .type = API_ACCOUNT, .place = (place_), .needed = true, .actor = true,       \
        .field = "account", .help = "the account that acts"                                        \
    }
#define BY_HELP "the account that does it, with its rights; without it the operator does"
#define BY(place_)                                                                                 \
    {                                                                                              \
        .name = "as", .type = API_ACCOUNT, .place = (place_), .actor = true, .field = "by",        \
        .help = BY_HELP                                                                            \
    }
#define USER(place_)                                                                               \
    {                                                                                              \
        .name = "user", .type = API_ACCOUNT, .place = (place_),                                    \
        .help = "the account on the other side; or"                                                \
    }
#define IN_GROUP(place_)                                                                           \
    { .name = "group", .type = API_GROUP, .place = (place_), .help = "the group" }
#define CID                                                                                        \
    {                                                                                              \
        .name = "cid", .type = API_WHOLE, .least = 1, .most = NUMBER_LIMIT - 1, .needed = true,    \
        .help = "the message"                                                                      \
    }
#define AFTER                                                                                      \
    {                                                                                              \
        .name = "after", .type = API_WHOLE, .place = API_QUERY, .most = NUMBER_LIMIT - 1,          \
        .help = "`next` of the page before"                                                        \
    }
#define PAGE_SIZE                                                                                  \
    {                                                                                              \
        .name = "limit", .type = API_WHOLE, .place = API_QUERY, .least = 1, .most = LIST_MAX,      \
        .help = "how many at most"                                                                 \
    }
#define SEARCH(help_)                                                                              \
    { .name = "search", .type = API_NAME, .place = API_QUERY, .help = (help_) }
#define BEFORE                                                                                     \
    {                                                                                              \
        .name = "before", .type = API_WHOLE, .place = API_QUERY, .least = 1,                       \
        .most = NUMBER_LIMIT - 1, .help = "only what is older than this cid"                       \
    }
#define NAME(needed_, help_)                                                                       \
    { .name = "name", .type = API_NAME, .place = API_BODY, .needed = (needed_), .help = (help_) }
#define END                                                                                        \
    { 0 }

#endif
