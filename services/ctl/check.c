/* Checks of a command before any service is asked; see check.h. */
/*
 * limit: tool | an id; a reason of `kick`; a text of `say` | 64; 100; 65,000 bytes | exit
 * status 2, nobody is asked
 */
#include "services/ctl/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/peers_list.h"
#include "proto/ids.h"
#include "proto/messages.h"

/* limit: tool | reason of `kick` | {REASON_MAX_BYTES} | exit status 2, nobody is asked */
/* As session.kick takes it. */
#define REASON_MAX_BYTES 100

__attribute__((format(printf, 1, 2))) static int refuse(const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    ctl_fail("%s", text);
    return CTL_USAGE;
}

/* Ids that exist may be older than the rules for new ones, which the services know. */
int check_id(const char *what, const char *id) {
    struct slice text = slice_text(id);
    if (text.length == 0 || text.length > ID_MAX_BYTES || !text_is_plain(text))
        return refuse("%s must be a number or an id: 1 to %d bytes without control characters",
                      what, ID_MAX_BYTES);
    if (strcmp(id, "0") == 0 || strcasecmp(id, "SYSTEM") == 0)
        return refuse("%s must not be %s, which is the server itself", what, id);
    return CTL_DONE;
}

int check_name(const char *what, const char *name) {
    char room[NAME_ROOM];
    if (name[0] == '\0')
        return CTL_DONE;
    const char *fault = name_fault(name_normal(slice_text(name), room));
    if (fault != NULL)
        return refuse("%s must be 1 to %d characters without control characters: it %s", what,
                      NAME_MAX_CHARACTERS, fault);
    return CTL_DONE;
}

int check_email(const char *what, const char *email) {
    const char *at = strrchr(email, '@');
    if (email[0] == '\0')
        return CTL_DONE;
    if (at == NULL || at == email || at[1] == '\0' || strlen(email) > EMAIL_MAX_BYTES ||
        !text_is_plain(slice_text(email)))
        return refuse("%s must be an e-mail address of at most %d bytes", what, EMAIL_MAX_BYTES);
    return CTL_DONE;
}

static int check_text(const char *what, const char *text, size_t most) {
    if (text[0] == '\0')
        return refuse("%s is empty", what);
    if (strlen(text) > most)
        return refuse("%s is longer than %zu bytes", what, most);
    if (!text_is_utf8(slice_text(text)))
        return refuse("%s is not UTF-8", what);
    return CTL_DONE;
}

static int check_days(const char *what, const char *days) {
    uint64_t number;
    if (strcmp(days, "default") == 0 || strcmp(days, "0") == 0 ||
        (id_is_decimal(slice_text(days), &number) && number <= RETENTION_MAX_DAYS))
        return CTL_DONE;
    return refuse("%s is \"default\", or a number from 0 to %d", what, RETENTION_MAX_DAYS);
}

/* --- addresses ------------------------------------------------------------------------------- */

static int check_address(const char *what, const char *address) {
    struct peers_list list;
    char reason[PEERS_REASON_BYTES];
    if (strncmp(address, "tcp://", 6) == 0 && peers_list_read(address, &list, reason) &&
        list.count == 1)
        return CTL_DONE;
    return refuse("%s must be an address like tcp://127.0.0.1:7101", what);
}

/* An empty one stands for an instance on this machine. */
static int check_list(const char *what, const char *list) {
    struct peers_list parts;
    char reason[PEERS_REASON_BYTES];
    if (list[0] == '\0' || peers_list_read(list, &parts, reason))
        return CTL_DONE;
    return refuse("%s: %s", what, reason);
}

int check_peers(const struct ctl_peers *peers) {
    const struct {
        const char *name, *list;
    } lists[] = {{"auth_peers", peers->auth_peers},       {"group_peers", peers->group_peers},
                 {"session_peers", peers->session_peers}, {"delivery_peers", peers->delivery_peers},
                 {"files_peers", peers->files_peers},     {"hooks_peers", peers->hooks_peers},
                 {"gateway_peers", peers->gateway_peers}};
    int status = CTL_DONE;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0] && status == CTL_DONE; i++)
        /* A command that asks no service has none. */
        if (lists[i].list != NULL)
            status = check_list(lists[i].name, lists[i].list);
    return status;
}

/* --- arguments ------------------------------------------------------------------------------- */

static int check_argument(const char *word, const char *argument) {
    if (strcmp(word, "ADDRESS") == 0)
        return check_address(word, argument);
    if (strcmp(word, "TEXT") == 0)
        return check_text(word, argument, TEXT_MAX_BYTES);
    if (strcmp(word, "DAYS") == 0)
        return check_days(word, argument);
    if (strcmp(word, "REASON") == 0)
        return check_text(word, argument, REASON_MAX_BYTES);
    if (strcmp(word, "FOLDER") == 0 || strcmp(word, "PROGRAM") == 0 || strcmp(word, "URL") == 0)
        return CTL_DONE;             /* whoever uses it says what is wrong with it */
    return check_id(word, argument); /* ID, OWNER, GROUP, ACCOUNT */
}

int check_arguments(const struct ctl_command *command, int argc, char **argv) {
    char words[64], *place = NULL;
    int status = CTL_DONE;
    snprintf(words, sizeof words, "%s", command->arguments);
    char *word = strtok_r(words, " []", &place);
    for (int i = 0; i < argc && word != NULL && status == CTL_DONE; i++) {
        status = check_argument(word, argv[i]);
        word = strtok_r(NULL, " []", &place);
    }
    return status;
}
