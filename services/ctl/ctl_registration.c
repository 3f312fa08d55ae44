/* parleyctl registration-token ...: who may register where `registration` is `token`. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/messages.h"
#include "services/ctl/ctl_read.h"
#include "services/ctl/instances.h"

static const struct db_statement list_tokens = {
    "list_registration_tokens",
    "SELECT number, uses, created_ms, expires_ms FROM registration_token WHERE number > ?"
    " ORDER BY number LIMIT ?"};

static int run_new(const struct ctl_settings *settings, int argc, char **argv) {
    (void)argc;
    (void)argv;
    struct auth_make_registration_token ask = {.uses = settings->uses, .days = settings->days};
    struct auth_make_registration_token_reply reply;
    struct record_arena arena = {0};
    int status = instances_ask(settings, INSTANCE_AUTH, &message_AUTH_MAKE_REGISTRATION_TOKEN, &ask,
                               &arena, &reply);
    if (status == CTL_DONE)
        printf("registration token %" PRIu64 ", shown this once: %.*s\n", reply.number,
               (int)reply.token.length, reply.token.data);
    record_arena_free(&arena);
    return status;
}

static int run_list(const struct ctl_settings *settings, int argc, char **argv) {
    (void)argc;
    (void)argv;
    static const char *const columns[] = {"number", "uses_left", "created_ms", "expires_ms", NULL};
    return ctl_read(settings, &list_tokens,
                    DB_ARGS(db_u64(settings->after), db_u64(settings->limit)), columns, "nnnn",
                    NULL);
}

static int run_revoke(const struct ctl_settings *settings, int argc, char **argv) {
    (void)argc;
    char *end;
    struct auth_revoke_registration_token ask = {.number = strtoull(argv[0], &end, 10)};
    struct done reply = {0};
    struct record_arena arena = {0};
    if (argv[0][0] < '0' || argv[0][0] > '9' || *end != '\0') {
        ctl_fail("NUMBER is the number of a token, as registration-token list shows it");
        return CTL_USAGE;
    }
    int status = instances_ask(settings, INSTANCE_AUTH, &message_AUTH_REVOKE_REGISTRATION_TOKEN,
                               &ask, &arena, &reply);
    record_arena_free(&arena);
    if (status != CTL_DONE)
        return status;
    if (reply.repeat)
        return ctl_fail("there is no registration token %s", argv[0]);
    printf("registration token %s is revoked\n", argv[0]);
    return CTL_DONE;
}

static const struct config_option new_options[] = {
    CONFIG_U64(struct ctl_settings, uses, 1, 1, REGISTRATION_TOKEN_MAX_USES, "accounts",
               "how many accounts it makes"),
    CONFIG_U64(struct ctl_settings, days, 7, 1, REGISTRATION_TOKEN_MAX_DAYS, "days",
               "for how long it is valid"),
    CONFIG_INCLUDE(struct ctl_settings, peers, ctl_peer_options), CONFIG_END};

const struct ctl_command ctl_registration_commands[] = {
    {"registration-token new", "",
     "Make a token that lets people register where `registration` is `token`.", new_options, 0, 0,
     run_new, CTL_CHANGES},
    {"registration-token list", "", "List these tokens by number, with the accounts they may make.",
     ctl_list_options, 0, 0, run_list, CTL_READS},
    {"registration-token revoke", "NUMBER", "End such a token; accounts that it made stay.",
     ctl_only_peer_options, 1, 1, run_revoke, CTL_CHANGES},
    {0}};
