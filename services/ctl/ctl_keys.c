/* parleyctl keys: makes and changes the keys of the links between programs. */
#include <stdio.h>
#include <string.h>

#include "common/keys_make.h"
#include "services/ctl/ctl.h"

static const char *folder_of(const struct ctl_settings *settings, int argc, char **argv) {
    return argc > 0 ? argv[0] : settings->keys_folder;
}

static int run_make(const struct ctl_settings *settings, int argc, char **argv) {
    char fault[KEYS_FAULT_BYTES];
    const char *folder = folder_of(settings, argc, argv);
    if (keys_make(folder, fault) != 0)
        return ctl_fail("%s", fault);
    printf("%s has a key for every program\n", folder);
    return CTL_DONE;
}

static int run_rotate(const struct ctl_settings *settings, int argc, char **argv) {
    char fault[KEYS_FAULT_BYTES];
    (void)argc;
    if (keys_rotate(settings->keys_folder, argv[0], fault) != 0)
        return ctl_fail("%s", fault);
    printf("%s has a new key, which all programs trust beside the old one.\n"
           "Restart every instance of %s, then run `parleyctl keys retire %s`.\n",
           argv[0], argv[0], argv[0]);
    return CTL_DONE;
}

static int run_retire(const struct ctl_settings *settings, int argc, char **argv) {
    char fault[KEYS_FAULT_BYTES];
    (void)argc;
    if (keys_retire(settings->keys_folder, argv[0], fault) != 0)
        return ctl_fail("%s", fault);
    printf("only the newest key of %s is trusted\n", argv[0]);
    return CTL_DONE;
}

/* Public keys alone. */
static int run_show(const struct ctl_settings *settings, int argc, char **argv) {
    char fault[KEYS_FAULT_BYTES], path[KEYS_PATH_BYTES], secret[KEYS_TEXT_BYTES];
    char newest[PROGRAM_COUNT][KEYS_TEXT_BYTES];
    struct keys_list list;
    const char *folder = folder_of(settings, argc, argv);
    for (size_t i = 0; i < PROGRAM_COUNT; i++) {
        if (!keys_path(path, folder, keys_programs[i], "secret"))
            return ctl_fail("%s is too long", folder);
        if (keys_read_secret(path, secret, newest[i], fault) != 0)
            return ctl_fail("%s", fault);
        explicit_bzero(secret, sizeof secret);
    }
    if (!keys_path(path, folder, keys_programs[PROGRAM_CTL], "trusted"))
        return ctl_fail("%s is too long", folder);
    if (keys_read_trusted(path, &list, fault) != 0)
        return ctl_fail("%s", fault);
    for (size_t i = 0; i < list.count; i++) {
        const struct keys_entry *entry = &list.entries[i];
        bool old = entry->number == PROGRAM_COUNT || strcmp(newest[entry->number], entry->key) != 0;
        printf("%-10s %s%s\n", entry->program, entry->key, old ? "  old" : "");
    }
    return CTL_DONE;
}

static const struct config_option folder_options[] = {
    CONFIG_STRING(struct ctl_settings, keys_folder, "/etc/parley/keys",
                  "the folder of all keys, where none is given"),
    CONFIG_END};

const struct ctl_command ctl_keys_commands[] = {
    {"keys", "[FOLDER]",
     "Make a folder of keys for every program, or what is missing of it; nothing is overwritten.",
     folder_options, 0, 1, run_make, CTL_READS},
    {"keys rotate", "PROGRAM",
     "Make a new key of a program; all trust it beside the old one until `keys retire`.",
     folder_options, 1, 1, run_rotate, CTL_READS},
    {"keys retire", "PROGRAM", "Have all trust only the newest key of a program.", folder_options,
     1, 1, run_retire, CTL_READS},
    {"keys show", "[FOLDER]", "Print the public keys that are trusted.", folder_options, 0, 1,
     run_show, CTL_READS},
    {0}};
