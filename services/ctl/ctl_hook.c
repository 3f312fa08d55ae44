/* parleyctl hook ...: addresses that are told of what happens. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/url.h"
#include "proto/hook_words.h"
#include "proto/messages.h"
#include "services/ctl/ctl_read.h"
#include "services/ctl/ids.h"
#include "services/ctl/instances.h"

/* MAKE_SET names the bits as proto/hook_words.h does. */
#define FAMILIES_SQL                                                                               \
    "MAKE_SET(h.events, 'messages', 'membership', 'friendship', 'account', 'presence', 'offline')"
#define KINDS_SQL "MAKE_SET(h.kinds, 'text', 'sticker', 'image', 'file', 'system', 'change')"
#define STATE_SQL                                                                                  \
    "CASE WHEN h.parked_ms IS NOT NULL THEN 'parked'"                                              \
    " WHEN h.failing_since_ms IS NOT NULL THEN 'failing' ELSE 'well' END"

static const struct db_statement list_hooks = {
    "list_hooks", "SELECT h.name, " STATE_SQL ", " FAMILIES_SQL ", s.seq - LEAST(h.seq, s.seq),"
                  " h.told, h.lost, h.url FROM hook h JOIN hook_state s WHERE h.number > ?"
                  " ORDER BY h.name LIMIT ?"};

static const struct db_statement show_hook = {
    "show_hook",
    "SELECT h.name, " STATE_SQL ", h.url, " FAMILIES_SQL ", " KINDS_SQL ","
    " LENGTH(h.accounts) DIV 8, LENGTH(h.`groups`) DIV 8, s.seq - LEAST(h.seq, s.seq), h.told,"
    " COALESCE(h.told_ms, 0), h.lost, COALESCE(h.failing_since_ms, 0), COALESCE(h.parked_ms, 0),"
    " COALESCE(h.fault, ''), h.created_ms FROM hook h JOIN hook_state s WHERE h.name = ?"};

static int refuse(const char *sentence) {
    ctl_fail("%s", sentence);
    return CTL_USAGE;
}

/* Finds the number of each id of a list with commas between them. */
static int find_all(const struct ctl_settings *settings, const char *list,
                    int find(const struct ctl_settings *, const char *, uint64_t *),
                    struct u64_list *numbers_r) {
    char *copy = strdup(list), *rest = NULL;
    int status = copy == NULL ? ctl_fail("out of memory") : CTL_DONE;
    for (char *id = copy == NULL ? NULL : strtok_r(copy, ",", &rest);
         id != NULL && status == CTL_DONE; id = strtok_r(NULL, ",", &rest)) {
        if (numbers_r->count == HOOK_PARTIES_MAX)
            status =
                ctl_fail("a hook is limited to %d accounts and groups at most", HOOK_PARTIES_MAX);
        else
            status = find(settings, id, &numbers_r->items[numbers_r->count++]);
    }
    free(copy);
    return status;
}

static int ask_add(const struct ctl_settings *settings, const struct hooks_add *ask) {
    struct hooks_add_reply reply;
    struct record_arena arena = {0};
    int status = instances_ask(settings, INSTANCE_HOOKS, &message_HOOKS_ADD, ask, &arena, &reply);
    if (status == CTL_DONE)
        printf("hook %s is told from now on; its secret, shown this once: %.*s\n", ask->name.data,
               (int)reply.secret.length, reply.secret.data);
    record_arena_free(&arena);
    return status;
}

static int run_add(const struct ctl_settings *settings, int argc, char **argv) {
    uint64_t accounts[HOOK_PARTIES_MAX], groups[HOOK_PARTIES_MAX];
    struct hooks_add ask = {.name = slice_text(argv[0]),
                            .url = slice_text(argv[1]),
                            .secret = slice_text(settings->hook_secret),
                            .accounts = {accounts, 0},
                            .groups = {groups, 0}};
    (void)argc;
    if (!url_is_http(ask.url))
        return refuse("URL begins with http:// or https://, names a host, and has no spaces");
    if (!hook_families_read(settings->events, &ask.events))
        return refuse("--events is a list of messages, membership, friendship, account, presence, "
                      "offline, with commas between them");
    if (!hook_kinds_read(settings->kinds, &ask.kinds))
        return refuse("--kinds is a list of text, sticker, image, file, system, change, with "
                      "commas between them");
    if (find_all(settings, settings->users, ids_find_account, &ask.accounts) != CTL_DONE ||
        find_all(settings, settings->groups, ids_find_group, &ask.groups) != CTL_DONE)
        return CTL_FAILED;
    return ask_add(settings, &ask);
}

static int run_list(const struct ctl_settings *settings, int argc, char **argv) {
    static const char *const columns[] = {"name", "state", "events", "behind",
                                          "told", "lost",  "url",    NULL};
    (void)argc;
    (void)argv;
    return ctl_read(settings, &list_hooks,
                    DB_ARGS(db_u64(settings->after), db_u64(settings->limit)), columns, "tttnnnu",
                    NULL);
}

static int run_show(const struct ctl_settings *settings, int argc, char **argv) {
    static const char *const columns[] = {"name",      "state",    "url",        "events",
                                          "kinds",     "accounts", "groups",     "behind",
                                          "told",      "told_ms",  "lost",       "failing_since_ms",
                                          "parked_ms", "fault",    "created_ms", NULL};
    (void)argc;
    return ctl_read(settings, &show_hook, DB_ARGS(db_text(slice_text(argv[0]))), columns,
                    "ttuttnnnnnnnntn", "hook");
}

/* A change of one hook by its name. */
static int change(const struct ctl_settings *settings, const struct message_desc *message,
                  const void *ask, const char *name, const char *outcome) {
    struct done reply = {0};
    struct record_arena arena = {0};
    int status = instances_ask(settings, INSTANCE_HOOKS, message, ask, &arena, &reply);
    record_arena_free(&arena);
    if (status != CTL_DONE)
        return status;
    if (reply.repeat)
        return ctl_fail("there is no hook %s", name);
    printf("hook %s %s\n", name, outcome);
    return CTL_DONE;
}

static int run_remove(const struct ctl_settings *settings, int argc, char **argv) {
    const struct hooks_remove ask = {.name = slice_text(argv[0])};
    (void)argc;
    return change(settings, &message_HOOKS_REMOVE, &ask, argv[0], "is told no longer");
}

static int run_retry(const struct ctl_settings *settings, int argc, char **argv) {
    const struct hooks_retry ask = {.name = slice_text(argv[0])};
    (void)argc;
    return change(settings, &message_HOOKS_RETRY, &ask, argv[0], "is tried again");
}

static const struct config_option add_options[] = {
    CONFIG_STRING(struct ctl_settings, events, "messages,membership,friendship,account",
                  "what it is told of: messages, membership, friendship, account, presence, "
                  "offline, with commas between them"),
    CONFIG_STRING(struct ctl_settings, kinds, "text,sticker,image,file,system,change",
                  "of messages, only these kinds"),
    CONFIG_STRING(struct ctl_settings, users, "",
                  "only what concerns one of these accounts, with commas between them, or one of "
                  "the groups"),
    CONFIG_STRING(struct ctl_settings, groups, "",
                  "only what concerns one of these groups, or one of the accounts"),
    CONFIG_SECRET(struct ctl_settings, hook_secret, "",
                  "a secret that you have already, `whsec_...`; by default one is made"),
    CONFIG_INCLUDE(struct ctl_settings, peers, ctl_peer_options),
    CONFIG_END};

const struct ctl_command ctl_hook_commands[] = {
    {"hook add", "NAME URL",
     "Have an address told of what happens from now on, by signed requests.", add_options, 2, 2,
     run_add, CTL_CHANGES},
    {"hook list", "", "List hooks, how they are, and how many rows of the journal they are behind.",
     ctl_list_options, 0, 0, run_list, CTL_READS},
    {"hook show", "NAME", "Show a hook, and why it fails.", ctl_show_options, 1, 1, run_show,
     CTL_READS},
    {"hook remove", "NAME", "End a hook.", ctl_only_peer_options, 1, 1, run_remove, CTL_CHANGES},
    {"hook retry", "NAME", "Try a hook again now, also one that is parked.", ctl_only_peer_options,
     1, 1, run_retry, CTL_CHANGES},
    {0}};
