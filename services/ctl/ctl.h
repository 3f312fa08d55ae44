/*
 * Shared by the commands of parleyctl: the table's entry, the settings, and how they fail.
 *
 * A command is `parleyctl NAME [OPTION]... [ARGUMENT]...`; it prints its result on standard output
 * and, when it fails, one line on standard error. Nothing else is written there, so all that a
 * command finds out goes into that line.
 */
#ifndef PARLEY_CTL_H
#define PARLEY_CTL_H

#include "common/db.h"
#include "common/keys.h"
#include "common/record.h"

/* Exit statuses. */
#define CTL_DONE 0
#define CTL_FAILED 1
#define CTL_USAGE 2

/*
 * limit: tool | an instance's answer to `status`, `ping`, `metrics` | {CTL_ANSWER_MS}
 * {request_timeout_ms:} | not ready
 */
/* How long an instance may take to say how it is; request_timeout_ms where that is less. */
#define CTL_ANSWER_MS 2000

/* Where the services are. */
struct ctl_peers {
    char *auth_peers, *group_peers, *session_peers, *delivery_peers, *files_peers, *hooks_peers,
        *gateway_peers;
    uint64_t auth_port, group_port, session_port, delivery_port, files_port, hooks_port,
        gateway_port;
    uint64_t request_timeout_ms;
    struct keys_settings keys;
};

struct ctl_settings {
    struct db_settings db;
    struct ctl_peers peers;
    struct keys *keys; /* NULL: CURVE is off, or the command asks no service */
    /* of single commands */
    uint64_t wait;
    bool password_stdin, json, all, blank;
    char *email, *name, *user, *group;
    uint64_t after, limit, minutes;
    char *keys_folder, *key_of;
    char *as, *to, *server, *chat_password, *password_file, *cacert;
    char *http;
    uint64_t tcp_port, tls_tcp_port, http_port, https_port;
    bool registers, insecure;
    char *registration_token;
    uint64_t uses, days, per_minute;
    char *scopes, *addresses;
    char *events, *kinds, *users, *groups, *hook_secret;
};

#define CTL_JSON_OPTION CONFIG_BOOL(struct ctl_settings, json, false, "print JSON, for machines")
/* The options of struct ctl_peers, for CONFIG_INCLUDE. */
extern const struct config_option ctl_peer_options[];
/* Commands that need nothing of their own take one of these. */
extern const struct config_option ctl_no_options[], ctl_only_db_options[], ctl_only_peer_options[];
/* Lists and single rows that are read from the database. */
extern const struct config_option ctl_list_options[], ctl_show_options[];

/* The kind of a command, for the audit. */
enum ctl_effect {
    CTL_READS,
    CTL_CHANGES,         /* it asks services to change something */
    CTL_CHANGES_DATABASE /* it changes the database itself */
};

/* The argument of a command that sends it, which is nobody else's to read. */
#define CTL_TEXT "TEXT"

struct ctl_command {
    const char *name;      /* "group add" */
    const char *arguments; /* of the usage line */
    const char *help;      /* one line */
    const struct config_option *options;
    int least, most; /* arguments; strings in argv[0..argc-1] */
    int (*run)(const struct ctl_settings *settings, int argc, char **argv);
    enum ctl_effect effect;
};

/* The families; each ends with an entry without a name. */
extern const struct ctl_command ctl_schema_commands[], ctl_status_commands[],
    ctl_account_commands[], ctl_registration_commands[], ctl_group_commands[],
    ctl_people_commands[], ctl_files_commands[], ctl_audit_commands[], ctl_chat_commands[],
    ctl_keys_commands[], ctl_api_key_commands[], ctl_hook_commands[];

int64_t ctl_answer_ms(const struct ctl_settings *settings);

/* Has every session end the account's connections. CTL_DONE, or CTL_FAILED after a printed line. */
int ctl_kick(const struct ctl_settings *settings, uint64_t account, const char *reason)
    __attribute__((warn_unused_result));

/* Prints `parleyctl: ...` and returns CTL_FAILED. */
int ctl_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
