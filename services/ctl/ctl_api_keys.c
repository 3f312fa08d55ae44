/* parleyctl key ...: API keys, by which an app's own backend uses the HTTP API. */
#include <inttypes.h>
#include <stdio.h>

#include "common/address_ranges.h"
#include "common/scope.h"
#include "proto/messages.h"
#include "services/ctl/check.h"
#include "services/ctl/ctl_read.h"
#include "services/ctl/ids.h"
#include "services/ctl/instances.h"

static const struct db_statement list_keys = {
    "list_api_keys",
    "SELECT number, name, scopes, addresses, account, per_minute, created_ms,"
    " COALESCE(expires_ms, 0) FROM api_key WHERE number > ? ORDER BY number LIMIT ?"};

#define X(name_, word_, text_) word_ " "
static const char all_scopes[] = PARLEY_SCOPES(X);
#undef X

static int check_key(const struct ctl_settings *settings, const char *name) {
    struct slice addresses = slice_text(settings->addresses), wrong;
    struct slice scopes = slice_text(settings->scopes);
    if (check_name("NAME", name) != CTL_DONE)
        return CTL_USAGE;
    unsigned bits = scopes_of_words(scopes.data, scopes.length);
    if (bits == 0) {
        ctl_fail("--scopes needs words with commas between them, of: %s", all_scopes);
        return CTL_USAGE;
    }
    if (settings->user[0] != '\0' && (bits & ~(unsigned)SCOPES_OF_ACCOUNT) != 0) {
        ctl_fail("--scopes of a key with --user are some of: logins groups messages people files");
        return CTL_USAGE;
    }
    if (addresses.length > 0 && !address_ranges_are_good(addresses, &wrong)) {
        ctl_fail("--addresses: \"%.*s\" is no address and no network such as 192.0.2.0/24",
                 (int)wrong.length, wrong.data);
        return CTL_USAGE;
    }
    return CTL_DONE;
}

static int run_add(const struct ctl_settings *settings, int argc, char **argv) {
    (void)argc;
    struct auth_make_api_key ask = {.name = slice_text(argv[0]),
                                    .scopes = slice_text(settings->scopes),
                                    .addresses = slice_text(settings->addresses),
                                    .per_minute = settings->per_minute,
                                    .days = settings->days};
    int status = check_key(settings, argv[0]);
    if (status == CTL_DONE && settings->user[0] != '\0')
        status = ids_find_account(settings, settings->user, &ask.account);
    if (status != CTL_DONE)
        return status;
    struct auth_make_api_key_reply reply;
    struct record_arena arena = {0};
    status =
        instances_ask(settings, INSTANCE_AUTH, &message_AUTH_MAKE_API_KEY, &ask, &arena, &reply);
    if (status == CTL_DONE)
        printf("API key %s, shown this once: %.*s\n", argv[0], (int)reply.key.length,
               reply.key.data);
    record_arena_free(&arena);
    return status;
}

static int run_list(const struct ctl_settings *settings, int argc, char **argv) {
    (void)argc;
    (void)argv;
    static const char *const columns[] = {"number",     "name",       "scopes",
                                          "addresses",  "account",    "per_minute",
                                          "created_ms", "expires_ms", NULL};
    return ctl_read(settings, &list_keys, DB_ARGS(db_u64(settings->after), db_u64(settings->limit)),
                    columns, "ntttnnnn", NULL);
}

static int run_remove(const struct ctl_settings *settings, int argc, char **argv) {
    (void)argc;
    struct auth_remove_api_key ask = {.name = slice_text(argv[0])};
    struct done reply = {0};
    struct record_arena arena = {0};
    int status =
        instances_ask(settings, INSTANCE_AUTH, &message_AUTH_REMOVE_API_KEY, &ask, &arena, &reply);
    record_arena_free(&arena);
    if (status != CTL_DONE)
        return status;
    if (reply.repeat)
        return ctl_fail("there is no API key %s", argv[0]);
    printf("API key %s is removed\n", argv[0]);
    return CTL_DONE;
}

static const struct config_option add_options[] = {
    CONFIG_STRING(struct ctl_settings, scopes, "",
                  "what it may be used for, with commas between them: accounts, logins, groups, "
                  "messages, system, people, sessions, files, audit, status, hooks"),
    CONFIG_STRING(
        struct ctl_settings, addresses, "",
        "networks from which it may be used, such as 192.0.2.0/24,2001:db8::7; empty: any"),
    CONFIG_STRING(struct ctl_settings, user, "",
                  "the only account that it acts as (a bot), by number or id; empty: any"),
    CONFIG_U64(struct ctl_settings, per_minute, 6000, 1, API_KEY_PER_MINUTE_MAX, "calls a minute",
               "how many calls it may make, at once and then in a minute, at each gateway"),
    CONFIG_U64(struct ctl_settings, days, 365, 0, API_KEY_DAYS_MAX, "days",
               "for how long it is valid; 0: until it is removed"),
    CONFIG_INCLUDE(struct ctl_settings, peers, ctl_peer_options),
    CONFIG_END};

const struct ctl_command ctl_api_key_commands[] = {
    {"key add", "NAME", "Make an API key, by which an app's own backend uses the HTTP API.",
     add_options, 1, 1, run_add, CTL_CHANGES},
    {"key list", "", "List API keys by number; the keys themselves are not stored.",
     ctl_list_options, 0, 0, run_list, CTL_READS},
    {"key remove", "NAME", "End an API key, everywhere within seconds.", ctl_only_peer_options, 1,
     1, run_remove, CTL_CHANGES},
    {0}};
