/* parleyctl user ...: accounts. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proto/messages.h"
#include "services/ctl/check.h"
#include "services/ctl/ctl_export.h"
#include "services/ctl/ctl_read.h"
#include "services/ctl/ids.h"
#include "services/ctl/instances.h"

/* One byte more than a password may have, its newline and the 0. */
#define LINE_BYTES (PASSWORD_MAX_BYTES + 3)

static const struct db_statement list_accounts = {
    "list_accounts", "SELECT number, id, email, name, password IS NOT NULL, disabled, created_ms"
                     " FROM account WHERE number > ? ORDER BY number LIMIT ?"};
static const struct db_statement show_account = {
    "show_account",
    "SELECT a.number, a.id, a.email, a.name, a.password IS NOT NULL, a.disabled, a.created_ms,"
    " (SELECT COUNT(*) FROM friendship f WHERE f.lo = a.number OR f.hi = a.number),"
    " (SELECT COUNT(*) FROM member m WHERE m.account = a.number)"
    " FROM account a WHERE a.number = ?"};

static int read_password(char line[LINE_BYTES]) {
    if (fgets(line, LINE_BYTES, stdin) == NULL)
        return ctl_fail("no password on standard input");
    line[strcspn(line, "\r\n")] = '\0';
    if (strlen(line) > PASSWORD_MAX_BYTES)
        return ctl_fail("the password is longer than %d bytes", PASSWORD_MAX_BYTES);
    return line[0] == '\0' ? ctl_fail("the password is empty") : CTL_DONE;
}

static int run_add(const struct ctl_settings *settings, int argc, char **argv) {
    char password[LINE_BYTES] = "";
    if (check_email("--email", settings->email) != CTL_DONE ||
        check_name("--name", settings->name) != CTL_DONE)
        return CTL_USAGE;
    if (settings->password_stdin && read_password(password) != CTL_DONE)
        return CTL_FAILED;
    struct auth_register ask = {.id = slice_text(argc > 0 ? argv[0] : ""),
                                .email = slice_text(settings->email),
                                .password = slice_text(password),
                                .name = slice_text(settings->name)};
    struct auth_register_reply reply;
    struct record_arena arena = {0};
    int status = instances_ask(settings, INSTANCE_AUTH, &message_AUTH_ADD, &ask, &arena, &reply);
    if (status == CTL_DONE)
        printf("account %" PRIu64 " has the id %.*s\n", reply.account, (int)reply.id.length,
               reply.id.data);
    if (status == CTL_DONE && password[0] == '\0' && !reply.vouched)
        fprintf(stderr,
                "WARNING: this account has no password: ANYBODY who knows its id can log in to it."
                "\nTo set one: echo PASSWORD | parleyctl user password %.*s\n"
                "(or have auth refuse such logins to all accounts: youim_open_login=false)\n",
                (int)reply.id.length, reply.id.data);
    record_arena_free(&arena);
    return status;
}

static int run_list(const struct ctl_settings *settings, int argc, char **argv) {
    (void)argc;
    (void)argv;
    static const char *const columns[] = {"number",       "id",       "email",      "name",
                                          "has_password", "disabled", "created_ms", NULL};
    return ctl_read(settings, &list_accounts,
                    DB_ARGS(db_u64(settings->after), db_u64(settings->limit)), columns, "ntttbbn",
                    NULL);
}

static int run_show(const struct ctl_settings *settings, int argc, char **argv) {
    (void)argc;
    static const char *const columns[] = {"number",       "id",       "email",      "name",
                                          "has_password", "disabled", "created_ms", "friends",
                                          "groups",       NULL};
    uint64_t number;
    if (ctl_read_account(settings, argv[0], &number) != CTL_DONE)
        return CTL_FAILED;
    return ctl_read(settings, &show_account, DB_ARGS(db_u64(number)), columns, "ntttbbnnn",
                    "such account");
}

static int run_export(const struct ctl_settings *settings, int argc, char **argv) {
    (void)argc;
    uint64_t number;
    return ctl_read_account(settings, argv[0], &number) == CTL_DONE ? ctl_export(settings, number)
                                                                    : CTL_FAILED;
}

static int run_password(const struct ctl_settings *settings, int argc, char **argv) {
    (void)argc;
    char password[LINE_BYTES];
    struct auth_set_password ask = {0};
    struct done reply;
    struct record_arena arena = {0};
    if (read_password(password) != CTL_DONE ||
        ids_find_account(settings, argv[0], &ask.account) != CTL_DONE)
        return CTL_FAILED;
    ask.password = slice_text(password);
    int status =
        instances_ask(settings, INSTANCE_AUTH, &message_AUTH_SET_PASSWORD, &ask, &arena, &reply);
    record_arena_free(&arena);
    if (status == CTL_DONE)
        status = ctl_kick(settings, ask.account, "the account has a new password");
    if (status == CTL_DONE)
        printf("%s has a new password\n", argv[0]);
    return status;
}

static int set_disabled(const struct ctl_settings *settings, const char *id, bool disabled) {
    struct auth_set_disabled ask = {.disabled = disabled};
    struct done reply;
    struct record_arena arena = {0};
    if (ids_find_account(settings, id, &ask.account) != CTL_DONE)
        return CTL_FAILED;
    int status =
        instances_ask(settings, INSTANCE_AUTH, &message_AUTH_SET_DISABLED, &ask, &arena, &reply);
    record_arena_free(&arena);
    if (status == CTL_DONE && disabled)
        status = ctl_kick(settings, ask.account, "the account is disabled");
    if (status == CTL_DONE)
        printf("%s is %s\n", id, disabled ? "disabled" : "enabled");
    return status;
}

static int run_disable(const struct ctl_settings *settings, int argc, char **argv) {
    (void)argc;
    return set_disabled(settings, argv[0], true);
}

static int run_enable(const struct ctl_settings *settings, int argc, char **argv) {
    (void)argc;
    return set_disabled(settings, argv[0], false);
}

static int run_delete(const struct ctl_settings *settings, int argc, char **argv) {
    (void)argc;
    struct auth_remove ask = {.blank = settings->blank};
    struct done reply;
    struct record_arena arena = {0};
    if (ids_find_account(settings, argv[0], &ask.account) != CTL_DONE)
        return CTL_FAILED;
    struct group_forget rest = {.account = ask.account};
    int status = instances_ask(settings, INSTANCE_AUTH, &message_AUTH_REMOVE, &ask, &arena, &reply);
    if (status == CTL_DONE)
        status =
            instances_ask(settings, INSTANCE_GROUP, &message_GROUP_FORGET, &rest, &arena, &reply);
    record_arena_free(&arena);
    if (status == CTL_DONE)
        status = ctl_kick(settings, ask.account, "the account was deleted");
    if (status == CTL_DONE)
        printf("%s is deleted\n", argv[0]);
    return status;
}

static const struct config_option delete_options[] = {
    CONFIG_BOOL(struct ctl_settings, blank, false, "blank its texts, too"),
    CONFIG_INCLUDE(struct ctl_settings, peers, ctl_peer_options), CONFIG_END};

static const struct config_option add_options[] = {
    CONFIG_BOOL(struct ctl_settings, password_stdin, false,
                "read its password, as clients send it, from standard input; without one the"
                " id alone is enough to log in"),
    CONFIG_STRING(struct ctl_settings, email, "", "its e-mail address"),
    CONFIG_STRING(struct ctl_settings, name, "", "its nickname; by default the id"),
    CONFIG_INCLUDE(struct ctl_settings, peers, ctl_peer_options), CONFIG_END};

const struct ctl_command ctl_account_commands[] = {
    {"user add", "[ID]", "Make an account; without an id it gets a number.", add_options, 0, 1,
     run_add, CTL_CHANGES},
    {"user list", "", "List accounts by number.", ctl_list_options, 0, 0, run_list, CTL_READS},
    {"user show", "ID", "Show an account, by number, id or e-mail address.", ctl_show_options, 1, 1,
     run_show, CTL_READS},
    {"user export", "ID",
     "Print what an account has made, as JSON lines: profile, friends, groups, its own texts.",
     ctl_only_db_options, 1, 1, run_export, CTL_READS},
    {"user password", "ID",
     "Give an account the password on standard input, as clients send it; its logins end.",
     ctl_only_peer_options, 1, 1, run_password, CTL_CHANGES},
    {"user disable", "ID", "Lock an account and end its connections.", ctl_only_peer_options, 1, 1,
     run_disable, CTL_CHANGES},
    {"user enable", "ID", "Unlock an account.", ctl_only_peer_options, 1, 1, run_enable,
     CTL_CHANGES},
    {"user delete", "ID",
     "End an account for good: its logins, address, friendships and memberships; its id stays "
     "taken.",
     delete_options, 1, 1, run_delete, CTL_CHANGES},
    {0}};
