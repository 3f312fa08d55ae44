/*
 * Loading of settings. The command line is read twice: first for its shape (--help, --config,
 * unknown names, where the arguments begin), then, after the file and the environment, for its
 * values, which win. Options and the settings structure are visited together by config_walk(),
 * which alone knows included tables.
 */
#include "common/config.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/config_names.h"
#include "common/config_print.h"
#include "common/config_values.h"
#include "common/log.h"

#ifndef PARLEY_VERSION
#define PARLEY_VERSION "0.0.0"
#endif

/* limit: service | the file of options | {FILE_MAX_BYTES} | not read: exit status 2 */
#define FILE_MAX_BYTES ((size_t)64 << 10)

struct load {
    const struct config_program *program;
    void *settings;
    const char *file;
    /* The source of the value at hand, for faults: NULL is the command line. */
    const char *source;
    unsigned line; /* 0 without lines */
};

/* Options of every program; these are no settings, so their offsets mean nothing. */
enum { BUILTIN_CONFIG, BUILTIN_HELP, BUILTIN_VERSION };
static const struct config_option builtins[] = {
    [BUILTIN_CONFIG] = {"config", CONFIG_TYPE_STRING, 0, "", 0, 0, 0, "", ""},
    [BUILTIN_HELP] = {"help", CONFIG_TYPE_BOOL, 0, "", 0, 0, 0, "", ""},
    [BUILTIN_VERSION] = {"version", CONFIG_TYPE_BOOL, 0, "", 0, 0, 0, "", ""},
    CONFIG_END,
};

__attribute__((format(printf, 2, 3))) static int fault(const struct load *load, const char *format,
                                                       ...) {
    char text[512], line[16] = "";
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (load->line != 0)
        snprintf(line, sizeof line, ":%u", load->line);
    fprintf(stderr, "%s: %s%s%s%s\n", load->program->name, text,
            load->source != NULL ? ", in " : "", load->source != NULL ? load->source : "", line);
    return -1;
}

/* --- finding options --- */

struct setting {
    const char *name; /* looked for; `-` and `_` are the same */
    size_t length;
    const struct config_option *option;
    void *member;
    const char *value;
    bool builtin; /* `option` is one of builtins[], `member` is nothing */
};

static bool visit_find(const struct config_option *option, void *member, void *argument) {
    struct setting *setting = argument;
    if (strlen(option->name) != setting->length)
        return true;
    for (size_t i = 0; i < setting->length; i++) {
        char letter = setting->name[i] == '-' ? '_' : setting->name[i];
        if (letter != option->name[i])
            return true;
    }
    setting->option = option;
    setting->member = member;
    return false;
}

static bool find_setting(const struct load *load, struct setting *setting) {
    return !config_walk(load->program->options, load->settings, visit_find, setting);
}

static bool find_builtin(const struct load *load, struct setting *setting) {
    setting->builtin = !config_walk(builtins, load->settings, visit_find, setting);
    return setting->builtin;
}

/* --- unknown names --- */

static bool is_known(const struct load *load, const char *name) {
    struct setting setting = {.name = name, .length = strlen(name)};
    return find_setting(load, &setting) || config_name_is_known(name);
}

/* One sentence for all three: where a name was written as `shown`, `meant` is the like of it. */
static int fault_unknown(const struct load *load, const char *shown, const char *prefix,
                         const char *meant) {
    if (meant != NULL)
        return fault(load, "unknown option %s (did you mean %s%s?)", shown, prefix, meant);
    return fault(load, "unknown option %s (%s has all)", shown,
                 load->source != NULL ? "docs/options.md" : "--help");
}

/* Of a name in the file or the environment, where all programs' options may stand. */
static const char *nearest_of_all(const struct load *load, const char *name) {
    struct config_near near = {.wanted = name};
    config_near_options(&near, load->program->options, load->settings);
    config_near_all(&near);
    return near.name;
}

/* Of a name on the command line, where only this program's may. */
static const char *nearest_of_own(const struct load *load, const char *name) {
    struct config_near near = {.wanted = name};
    config_near_options(&near, load->program->options, load->settings);
    config_near_options(&near, builtins, load->settings);
    return near.name;
}

static int assign(const struct load *load, const struct setting *setting) {
    char text[CONFIG_FAULT_BYTES];
    return config_set(setting->option, setting->member, setting->value, text) == 0
               ? 0
               : fault(load, "%s", text);
}

/* --- defaults, file, environment --- */

/* Before anything can fail, so that config_free() finds no member unset. */
static bool visit_empty(const struct config_option *option, void *member, void *argument) {
    (void)argument;
    if (config_is_text(option))
        *(char **)member = NULL;
    return true;
}

static bool visit_default(const struct config_option *option, void *member, void *argument) {
    const struct load *load = argument;
    struct setting first = {.name = option->name, .length = strlen(option->name)};
    bool unique = find_setting(load, &first) && first.member == member;
    assert(unique); /* two tables with the same name: the second would never be set */
    (void)unique;
    if (config_is_text(option))
        return assign(load, &(struct setting){
                                .option = option, .member = member, .value = option->text}) == 0;
    if (option->type == CONFIG_TYPE_BOOL)
        *(bool *)member = option->number != 0;
    else
        *(uint64_t *)member = option->number;
    return true;
}

static bool visit_environment(const struct config_option *option, void *member, void *argument) {
    struct load *load = argument;
    char name[CONFIG_ENVIRONMENT_NAME_BYTES];
    config_environment_name(option->name, name);
    const char *value = getenv(name);
    if (value == NULL)
        return true;
    load->source = name;
    struct setting setting = {.option = option, .member = member, .value = value};
    bool done = assign(load, &setting) == 0;
    load->source = NULL;
    return done;
}

/* In small letters; false when it has some already, which make it another variable. */
static bool option_name(char out[CONFIG_ENVIRONMENT_NAME_BYTES], const char *variable) {
    bool proper = true;
    size_t i;
    for (i = 0; i + 1 < CONFIG_ENVIRONMENT_NAME_BYTES && variable[i] != '\0'; i++) {
        out[i] = (char)tolower((unsigned char)variable[i]);
        proper = proper && islower((unsigned char)variable[i]) == 0;
    }
    out[i] = '\0';
    return proper && variable[i] == '\0';
}

static int check_variable(const struct load *load, const char *variable) {
    static const char prefix[] = "PARLEY_";
    char name[CONFIG_ENVIRONMENT_NAME_BYTES], meant[CONFIG_ENVIRONMENT_NAME_BYTES];
    if (strncmp(variable, prefix, sizeof prefix - 1) != 0)
        return 0;
    if (option_name(name, variable + sizeof prefix - 1) && is_known(load, name))
        return 0;
    const char *near = nearest_of_all(load, name);
    if (near != NULL)
        config_environment_name(near, meant);
    return fault_unknown(load, variable, "", near == NULL ? NULL : meant);
}

/* A name that no program and no script has is a mistake. */
static int check_environment(struct load *load) {
    int result = 0;
    load->source = "the environment";
    for (char **entry = environ; *entry != NULL && result == 0; entry++) {
        char *variable = strndup(*entry, strcspn(*entry, "="));
        result = variable == NULL ? fault(load, "out of memory") : check_variable(load, variable);
        free(variable);
    }
    load->source = NULL;
    return result;
}

static char *trim(char *text) {
    while (isspace((unsigned char)*text))
        text++;
    char *end = text + strlen(text);
    while (end > text && isspace((unsigned char)end[-1]))
        end--;
    *end = '\0';
    return text;
}

static int load_line(const struct load *load, char *line) {
    line = trim(line);
    if (*line == '\0' || *line == '#')
        return 0;
    char *equals = strchr(line, '=');
    if (equals == NULL || equals == line)
        return fault(load, "a line must be `name = value`"); /* not shown: it may be a secret */
    *equals = '\0';
    char *name = trim(line);
    for (char *dash = name; (dash = strchr(dash, '-')) != NULL;)
        *dash = '_';
    struct setting setting = {.name = name, .length = strlen(name), .value = trim(equals + 1)};
    if (find_setting(load, &setting))
        return assign(load, &setting);
    if (config_name_is_known(name))
        return 0;
    char quoted[LOG_QUOTED_BYTES];
    return fault_unknown(load, log_quote(quoted, name, strlen(name)), "",
                         nearest_of_all(load, name));
}

static int load_lines(struct load *load, char *text, size_t length) {
    if (length > FILE_MAX_BYTES)
        return fault(load, "more than %zu bytes", FILE_MAX_BYTES);
    if (memchr(text, '\0', length) != NULL)
        return fault(load, "not a text");
    text[length] = '\0';
    char *line;
    while ((line = strsep(&text, "\n")) != NULL) {
        load->line++;
        if (load_line(load, line) != 0)
            return -1;
    }
    return 0;
}

static int load_file(struct load *load) {
    if (load->file == NULL || load->file[0] == '\0')
        return 0;
    int result = -1;
    char *text = malloc(FILE_MAX_BYTES + 1); /* one more: a file too large, or the 0 */
    FILE *file = fopen(load->file, "re");
    if (text == NULL || file == NULL) {
        fault(load, "cannot read %s: %s", load->file, strerror(errno));
        goto end;
    }
    size_t length = fread(text, 1, FILE_MAX_BYTES + 1, file);
    if (ferror(file)) {
        fault(load, "cannot read %s: %s", load->file, strerror(errno));
        goto end;
    }
    load->source = load->file;
    result = load_lines(load, text, length);
    load->source = NULL;
    load->line = 0;
end:
    if (file != NULL)
        fclose(file);
    free(text);
    return result;
}

/* --- command line --- */

static bool is_option(const char *argument) { return argument[0] == '-' && argument[1] != '\0'; }

static int fault_unknown_argument(const struct load *load, const char *text) {
    char *shown = strndup(text, strcspn(text, "="));
    int result = shown == NULL ? fault(load, "out of memory")
                               : fault_unknown(load, shown, "--",
                                               nearest_of_own(load, shown + strspn(shown, "-")));
    free(shown);
    return result;
}

/* Reads the option at argv[*index] and moves *index behind it and its value. */
static int read_option(const struct load *load, int argc, char **argv, int *index,
                       struct setting *setting_r) {
    const char *text = argv[(*index)++];
    const char *name = strncmp(text, "--", 2) == 0 ? text + 2 : text;
    const char *equals = strchr(text, '=');
    struct setting setting = {.name = name, .length = strcspn(name, "=")};
    /* The text behind `=` is not shown: a password may stand behind a mistyped name. */
    if (name == text || (!find_builtin(load, &setting) && !find_setting(load, &setting)))
        return fault_unknown_argument(load, text);
    if (equals != NULL) {
        setting.value = equals + 1;
    } else if (setting.option->type == CONFIG_TYPE_BOOL) {
        setting.value = "true";
    } else if (*index < argc) {
        setting.value = argv[(*index)++];
    } else {
        fault(load, "option %s needs a value", text);
        return -1;
    }
    *setting_r = setting;
    return 0;
}

/* Carries out a built-in option; CONFIG_OK to go on. */
static enum config_status obey(struct load *load, const struct setting *setting) {
    bool markdown = strcmp(setting->value, "markdown") == 0;
    bool plain = strcmp(setting->value, "true") == 0;
    switch (setting->option - builtins) {
    case BUILTIN_CONFIG:
        load->file = setting->value;
        return CONFIG_OK;
    case BUILTIN_HELP:
        if (!markdown && !plain)
            break;
        if (markdown)
            config_print_markdown(load->program, load->settings);
        else
            config_print_help(load->program, load->settings);
        return CONFIG_EXIT;
    default:
        if (!plain)
            break;
        printf("%s %s\n", load->program->name, PARLEY_VERSION);
        return CONFIG_EXIT;
    }
    fault(load, "option --%s does not take that value, see --help", setting->option->name);
    return CONFIG_USAGE;
}

/*
 * Checks the shape of the command line, obeys the built-in options, and moves the arguments behind
 * the options: argv[1..*first_rest_r-1] are options, their values and a `--`, nothing else.
 */
static enum config_status scan(struct load *load, int argc, char **argv, int *first_rest_r) {
    enum config_status status = CONFIG_OK;
    size_t rest_count = 0;
    int options_end = 1, index = 1;
    char **rest = calloc((size_t)argc + 1, sizeof *rest);
    if (rest == NULL)
        return fault(load, "out of memory"), CONFIG_USAGE;
    while (index < argc && status == CONFIG_OK) {
        struct setting setting = {0};
        int start = index;
        if (!is_option(argv[index])) {
            rest[rest_count++] = argv[index++];
            continue;
        }
        bool ends = strcmp(argv[index], "--") == 0;
        if (ends)
            index++;
        else if (read_option(load, argc, argv, &index, &setting) != 0)
            status = CONFIG_USAGE;
        else if (setting.builtin)
            status = obey(load, &setting);
        while (start < index)
            argv[options_end++] = argv[start++];
        while (ends && index < argc)
            rest[rest_count++] = argv[index++];
    }
    if (status == CONFIG_OK) {
        memcpy(argv + options_end, rest, rest_count * sizeof *rest);
        *first_rest_r = options_end;
    }
    free(rest);
    return status;
}

/* The values of a command line that scan() has been through. */
static int load_command_line(const struct load *load, int first_rest, char **argv) {
    int index = 1;
    while (index < first_rest && strcmp(argv[index], "--") != 0) {
        struct setting setting = {0};
        if (read_option(load, first_rest, argv, &index, &setting) != 0)
            return -1;
        if (!setting.builtin && assign(load, &setting) != 0)
            return -1;
    }
    return 0;
}

/* --- the whole --- */

enum config_status config_load(const struct config_program *program, void *settings, int argc,
                               char **argv, int *first_rest_r) {
    struct load load = {program, settings, getenv("PARLEY_CONFIG"), NULL, 0};
    enum config_status status = CONFIG_USAGE;
    config_walk(program->options, settings, visit_empty, NULL);
    if (config_walk(program->options, settings, visit_default, &load))
        status = scan(&load, argc, argv, first_rest_r);
    if (status == CONFIG_OK &&
        (load_file(&load) != 0 || check_environment(&load) != 0 ||
         !config_walk(program->options, settings, visit_environment, &load) ||
         load_command_line(&load, *first_rest_r, argv) != 0))
        status = CONFIG_USAGE;
    if (status != CONFIG_OK)
        config_free(program, settings);
    return status;
}

static bool visit_free(const struct config_option *option, void *member, void *argument) {
    (void)argument;
    if (config_is_text(option)) {
        free(*(char **)member);
        *(char **)member = NULL;
    }
    return true;
}

void config_free(const struct config_program *program, void *settings) {
    config_walk(program->options, settings, visit_free, NULL);
}
