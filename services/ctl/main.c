/*
 * parleyctl: the operator's tool. Finds the command, reads its options, runs it.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/files.h"
#include "common/log.h"
#include "services/ctl/check.h"
#include "services/ctl/ctl.h"
#include "services/ctl/ctl_audit.h"

#define NAME_BYTES 64
/* Where the settings of a running `make run` or `make up` stand: in PARLEY_VAR, or in this folder,
 * seen from build/bin. */
#define LOCAL_SETTINGS "/run/parley.conf"
#define LOCAL_FOLDER "/../../var"

static const struct ctl_command *const families[] = {
    ctl_schema_commands, ctl_status_commands, ctl_account_commands, ctl_registration_commands,
    ctl_group_commands,  ctl_people_commands, ctl_files_commands,   ctl_audit_commands,
    ctl_chat_commands,   ctl_keys_commands,   ctl_api_key_commands, ctl_hook_commands};
#define FAMILIES (sizeof families / sizeof families[0])

/* The options of parleyctl as a whole, for its --help and the page of all options. */
static const struct config_option all_options[] = {
    CONFIG_INCLUDE(struct ctl_settings, db, db_options),
    CONFIG_INCLUDE(struct ctl_settings, peers, ctl_peer_options), CONFIG_END};

/* How many of argv's words are the command's name; 0 when it is another one. */
static int match(const struct ctl_command *command, int argc, char **argv) {
    char words[NAME_BYTES];
    int count = strchr(command->name, ' ') == NULL ? 1 : 2;
    if (argc < count)
        return 0;
    snprintf(words, sizeof words, "%s%s%s", argv[0], count == 2 ? " " : "",
             count == 2 ? argv[1] : "");
    return strcmp(words, command->name) == 0 ? count : 0;
}

/* `keys rotate` is another command than `keys`. */
static const struct ctl_command *find(int argc, char **argv, int *words_r) {
    const struct ctl_command *found = NULL;
    *words_r = 0;
    for (size_t i = 0; i < FAMILIES; i++)
        for (const struct ctl_command *command = families[i]; command->name != NULL; command++) {
            int words = match(command, argc, argv);
            if (words > *words_r) {
                *words_r = words;
                found = command;
            }
        }
    return found;
}

/* Those whose name starts with `word`, or all for NULL; how many they are. */
static size_t print_commands(const char *word) {
    size_t length = word == NULL ? 0 : strlen(word), count = 0;
    for (size_t i = 0; i < FAMILIES; i++)
        for (const struct ctl_command *command = families[i]; command->name != NULL; command++) {
            if (strncmp(command->name, word == NULL ? "" : word, length) != 0 ||
                (length > 0 && command->name[length] != ' '))
                continue;
            if (count++ == 0)
                puts("Commands (each has a --help of its own):");
            printf("  %s%s%s\n        %s\n", command->name, command->most > 0 ? " " : "",
                   command->arguments, command->help);
        }
    return count;
}

/* parleyctl without a command: --help, --version, or a mistake. */
static int run_without_command(int argc, char **argv) {
    static const struct config_program program = {"parleyctl", "the operator's tool",
                                                  "COMMAND [ARGUMENT]...", all_options};
    struct ctl_settings settings = {0};
    int rest = argc;
    if (argc > 2 && strcmp(argv[2], "--help") == 0 && print_commands(argv[1]) > 0)
        return CTL_DONE;
    if (argc == 2 && strcmp(argv[1], "help") == 0 && print_commands(NULL) > 0)
        return CTL_DONE;
    if (argc > 1 && argv[1][0] != '-') {
        ctl_fail("there is no command '%s%s%s': see parleyctl --help", argv[1],
                 argc > 2 && argv[2][0] != '-' ? " " : "",
                 argc > 2 && argv[2][0] != '-' ? argv[2] : "");
        return CTL_USAGE;
    }
    if (argc > 1 && strcmp(argv[1], "--help") == 0 && print_commands(NULL) > 0)
        putchar('\n');
    enum config_status status = config_load(&program, &settings, argc, argv, &rest);
    if (status == CONFIG_EXIT)
        return CTL_DONE;
    if (status == CONFIG_OK) {
        config_free(&program, &settings);
        ctl_fail("give a command first, then its options: see parleyctl --help");
    }
    return CTL_USAGE;
}

/* A command that asks services shows them its key. */
static int read_keys(struct ctl_settings *settings) {
    char fault[KEYS_FAULT_BYTES];
    const char *program = settings->key_of != NULL ? settings->key_of : "parleyctl";
    if (!settings->peers.keys.curve)
        return CTL_DONE;
    settings->keys = keys_load(settings->peers.keys.keys_folder, program, fault);
    return settings->keys == NULL ? ctl_fail("%s", fault) : CTL_DONE;
}

static int run_command(const struct ctl_command *command, int argc, char **argv) {
    char name[NAME_BYTES];
    snprintf(name, sizeof name, "parleyctl %s", command->name);
    const struct config_program program = {name, command->help, command->arguments,
                                           command->options};
    struct ctl_settings settings = {0};
    int rest = argc, status = CTL_USAGE;
    enum config_status loaded = config_load(&program, &settings, argc, argv, &rest);
    if (loaded != CONFIG_OK)
        return loaded == CONFIG_EXIT ? CTL_DONE : CTL_USAGE;
    if (argc - rest < command->least || argc - rest > command->most)
        ctl_fail("usage: %s [OPTION]...%s%s", name, command->most > 0 ? " " : "",
                 command->arguments);
    else if (check_arguments(command, argc - rest, argv + rest) == CTL_DONE &&
             check_peers(&settings.peers) == CTL_DONE &&
             (status = read_keys(&settings)) == CTL_DONE)
        status = command->run(&settings, argc - rest, argv + rest);
    if (status == CTL_DONE && command->effect != CTL_READS)
        ctl_audit_note(&settings, command, argc - rest, argv + rest);
    keys_destroy(&settings.keys);
    config_free(&program, &settings);
    return status;
}

/* Whether an entry of the environment sets an option. Those that don't are of `make up`
 * (deploy/local) and of `chat`. */
static bool is_setting(const char *entry) {
    static const char *const others[] = {"PARLEY_VAR=", "PARLEY_PORT_BASE=", "PARLEY_CHAT_"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strncmp(entry, others[i], strlen(others[i])) == 0)
            return false;
    return strncmp(entry, "PARLEY_", 7) == 0;
}

/* If the environment sets nothing, the services that run out of the same folder, or out of
 * PARLEY_VAR, are meant: their ports, their database and its password. */
static void use_local_settings(void) {
    char program[PATH_MAX], path[PATH_MAX + sizeof LOCAL_FOLDER + sizeof LOCAL_SETTINGS];
    const char *folder = getenv("PARLEY_VAR");
    for (char **entry = environ; *entry != NULL; entry++)
        if (is_setting(*entry))
            return;
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (folder != NULL)
        snprintf(path, sizeof path, "%s" LOCAL_SETTINGS, folder);
    else if (length > 0)
        snprintf(path, sizeof path, "%.*s" LOCAL_FOLDER LOCAL_SETTINGS,
                 (int)((char *)memrchr(program, '/', (size_t)length) - program), program);
    else
        return;
    if (access(path, R_OK) == 0)
        setenv("PARLEY_CONFIG", path, 1);
}

/* `help COMMAND` and `COMMAND -h` are `COMMAND --help`. */
static void translate_help(int argc, char **argv) {
    static char help[] = "--help";
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "-h") == 0)
            argv[i] = help;
    if (argc < 3 || strcmp(argv[1], "help") != 0)
        return;
    memmove(argv + 1, argv + 2, (size_t)(argc - 2) * sizeof *argv);
    argv[argc - 1] = help;
}

int main(int argc, char **argv) {
    int words = 0;
    log_open("parleyctl", LOG_LEVEL_NONE);
    translate_help(argc, argv);
    use_local_settings();
    (void)files_raise_limit(); /* each instance that it asks takes some */
    const struct ctl_command *command = find(argc - 1, argv + 1, &words);
    if (command == NULL)
        return run_without_command(argc, argv);
    /* The last word of the name stands where the program's name would. */
    int status = run_command(command, argc - words, argv + words);
    if (fflush(stdout) != 0 && status == CTL_DONE)
        status = ctl_fail("cannot write the output");
    return status;
}
