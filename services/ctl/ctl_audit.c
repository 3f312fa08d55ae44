/* parleyctl audit: lists who did what; and notes the operator's commands. */
#include <stdio.h>
#include <string.h>

#include "common/url.h"
#include "proto/messages.h"
#include "services/audit/audit.h"
#include "services/ctl/ctl_audit.h"
#include "services/ctl/ctl_read.h"
#include "services/ctl/instances.h"

static const struct db_statement list_audit = {
    "list_audit", "SELECT time_ms, event, account, subject, COALESCE(address, ''),"
                  " LOWER(LPAD(HEX(trace), 16, '0')), COALESCE(detail, '') FROM audit"
                  " WHERE ? = 0 OR account = ? OR subject = ? ORDER BY number DESC LIMIT ?"};

static int run_audit(const struct ctl_settings *settings, int argc, char **argv) {
    (void)argc;
    (void)argv;
    static const char *const columns[] = {"time_ms", "event", "account", "subject",
                                          "address", "trace", "detail",  NULL};
    uint64_t number = 0;
    if (settings->user[0] != '\0' &&
        ctl_read_account(settings, settings->user, &number) != CTL_DONE)
        return CTL_FAILED;
    if (settings->group[0] != '\0' &&
        ctl_read_group(settings, settings->group, &number) != CTL_DONE)
        return CTL_FAILED;
    return ctl_read(
        settings, &list_audit,
        DB_ARGS(db_u64(number), db_u64(number), db_u64(number), db_u64(settings->limit)), columns,
        "ntnnttt", NULL);
}

struct note {
    char text[AUDIT_DETAIL_BYTES + 1]; /* cut */
    size_t length;                     /* of all of it */
};

static void add(struct note *note, const char *before, struct slice text) {
    size_t room = sizeof note->text > note->length ? sizeof note->text - note->length : 0;
    if (room > 0)
        note->length += (size_t)snprintf(note->text + note->length, room, "%s%.*s", before,
                                         (int)text.length, text.data);
}

static void add_option(struct note *note, const char *before, const char *value) {
    if (value != NULL && value[0] != '\0')
        add(note, before, slice_text(value));
}

/* The command with its arguments, and for whom it is; without a text that somebody was sent, and
 * without the password of a URL. */
static struct note describe(const struct ctl_settings *settings, const struct ctl_command *command,
                            int argc, char **argv) {
    struct note note = {.length = 0};
    char room[URL_ROOM];
    add(&note, "", slice_text(command->name));
    for (int i = 0; i < argc && strcmp(command->arguments, CTL_TEXT) != 0; i++)
        add(&note, " ", url_without_password(slice_text(argv[i]), room));
    add_option(&note, " --user=", settings->user);
    add_option(&note, " --group=", settings->group);
    if (settings->all)
        add(&note, " --all", slice_text(""));
    return note;
}

void ctl_audit_note(const struct ctl_settings *settings, const struct ctl_command *command,
                    int argc, char **argv) {
    const struct note note = describe(settings, command, argc, argv);
    const struct auth_audit ask = {.detail = slice_text(note.text)};
    struct record_arena arena = {0};
    struct done reply;
    if (command->effect == CTL_CHANGES_DATABASE) {
        struct db *db = db_new(&settings->db, NULL);
        if (db == NULL || audit_add(db, &(struct audit_entry){.event = AUDIT_OPERATOR,
                                                              .detail = ask.detail}) != ERR_OK)
            ctl_fail("the audit has no note of it: %s",
                     db == NULL ? "out of memory" : db_fault(db));
        db_destroy(&db);
    } else if (instances_ask(settings, INSTANCE_AUTH, &message_AUTH_AUDIT, &ask, &arena, &reply) !=
               CTL_DONE) {
        ctl_fail("it is done, but the audit has no note of it");
    }
    record_arena_free(&arena);
}

static const struct config_option audit_options[] = {
    CTL_JSON_OPTION,
    CONFIG_STRING(struct ctl_settings, user, "",
                  "only events that this account caused or that concern it; by number or id"),
    CONFIG_STRING(struct ctl_settings, group, "", "only events that concern this group"),
    CONFIG_U64(struct ctl_settings, limit, 100, 1, 1000000, "", "how many at most"),
    CONFIG_INCLUDE(struct ctl_settings, db, db_options),
    CONFIG_END};

const struct ctl_command ctl_audit_commands[] = {{"audit", "",
                                                  "List who did what, the newest first.",
                                                  audit_options, 0, 0, run_audit, CTL_READS},
                                                 {0}};
