/* parleyctl user ...: accounts. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proto/messages.h"
#include "services/ctl/instances.h"

/* One byte more than a password may have, its newline and the 0. */
#define LINE_BYTES (256 + 3)

static int read_password(char line[LINE_BYTES]) {
    if (fgets(line, LINE_BYTES, stdin) == NULL)
        return ctl_fail("no password on standard input");
    line[strcspn(line, "\r\n")] = '\0';
    return line[0] == '\0' ? ctl_fail("the password is empty") : CTL_DONE;
}

static int run_add(const struct ctl_settings *settings, int argc, char **argv) {
    char password[LINE_BYTES] = "";
    if (settings->password_stdin && read_password(password) != CTL_DONE)
        return CTL_FAILED;
    struct auth_register ask = {.id = slice_text(argc > 0 ? argv[0] : ""),
                                .email = slice_text(settings->email),
                                .password = slice_text(password),
                                .name = slice_text(settings->name)};
    struct auth_register_reply reply;
    struct record_arena arena = {0};
    int status =
        instances_ask(settings, INSTANCE_AUTH, &message_AUTH_REGISTER, &ask, &arena, &reply);
    if (status == CTL_DONE)
        printf("account %" PRIu64 " has the id %.*s\n", reply.account, (int)reply.id.length,
               reply.id.data);
    record_arena_free(&arena);
    return status;
}

static const struct config_option add_options[] = {
    CONFIG_BOOL(struct ctl_settings, password_stdin, false,
                "read its password, as clients send it, from standard input; without it, the"
                " account is entered by its id alone"),
    CONFIG_STRING(struct ctl_settings, email, "", "its e-mail address"),
    CONFIG_STRING(struct ctl_settings, name, "", "its nickname; by default the id"),
    CONFIG_INCLUDE(struct ctl_settings, peers, ctl_peer_options), CONFIG_END};

const struct ctl_command ctl_account_commands[] = {
    {"user add", "[ID]", "Make an account; without an id it gets a number.", add_options, 0, 1,
     run_add},
    {0}};
