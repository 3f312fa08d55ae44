/*
 * `--help`, for people, and `--help=markdown`, for docs/options.md: both printed from the program's
 * table of options, so that they can't differ from the program.
 */
#include "common/config_print.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/config_values.h"

static const char *placeholder(const struct config_option *option) {
    switch (option->type) {
    case CONFIG_TYPE_U64:
        return "=NUMBER";
    case CONFIG_TYPE_BOOL:
        return "[=BOOL]";
    case CONFIG_TYPE_CHOICE:
        return "=WORD";
    case CONFIG_TYPE_STRING:
    case CONFIG_TYPE_SECRET:
        break;
    }
    return "=TEXT";
}

/* The word of a choice that is its default. */
static const char *default_word(const struct config_option *option, char *out, size_t size) {
    const char *word = option->text;
    for (uint64_t i = 0; i < option->number; i++)
        word += strcspn(word, "|") + 1;
    snprintf(out, size, "%.*s", (int)strcspn(word, "|"), word);
    return out;
}

static const char *default_text(const struct config_option *option, char *out, size_t size) {
    if (option->type == CONFIG_TYPE_CHOICE)
        return default_word(option, out, size);
    if (option->type == CONFIG_TYPE_U64)
        snprintf(out, size, "%" PRIu64, option->number);
    else if (option->type == CONFIG_TYPE_BOOL)
        snprintf(out, size, "%s", option->number != 0 ? "true" : "false");
    else if (option->text[0] == '\0')
        snprintf(out, size, "empty");
    else
        snprintf(out, size, "%s", option->type == CONFIG_TYPE_SECRET ? "hidden" : option->text);
    return out;
}

static bool visit_help(const struct config_option *option, void *member, void *argument) {
    (void)member;
    (void)argument;
    char name[CONFIG_ENVIRONMENT_NAME_BYTES], value[128], words[CONFIG_WORDS_BYTES];
    config_environment_name(option->name, name);
    printf("  --%s%s\n        %s\n        ", option->name, placeholder(option), option->help);
    if (option->type == CONFIG_TYPE_U64)
        printf("%" PRIu64 " to %" PRIu64 "%s%s, ", option->min, option->max,
               option->unit[0] != '\0' ? " " : "", option->unit);
    if (option->type == CONFIG_TYPE_CHOICE)
        printf("%s; ", config_words(option, words));
    printf("default %s, %s\n", default_text(option, value, sizeof value), name);
    return true;
}

void config_print_help(const struct config_program *program, void *settings) {
    printf("usage: %s [OPTION]...%s%s\n%s\n\n", program->name, program->usage[0] != '\0' ? " " : "",
           program->usage, program->summary);
    printf("A value is taken from the command line, else from the environment, else from a line\n"
           "`name = value` of the settings file, else it is the default.\n\n"
           "  --config=FILE\n        the settings file; none by default, PARLEY_CONFIG\n"
           "  --help[=markdown]\n        print this, or the same as a table, and exit\n"
           "  --version\n        print the version and exit\n");
    config_walk(program->options, settings, visit_help, NULL);
}

/* A `|` would end the cell. */
static void print_cell(const char *text) {
    for (; *text != '\0'; text++) {
        if (*text == '|')
            putchar('\\');
        putchar(*text);
    }
}

static bool visit_markdown(const struct config_option *option, void *member, void *argument) {
    (void)member;
    (void)argument;
    char name[CONFIG_ENVIRONMENT_NAME_BYTES], value[128], words[CONFIG_WORDS_BYTES];
    config_environment_name(option->name, name);
    printf("| `%s` | ", option->name);
    print_cell(default_text(option, value, sizeof value));
    if (option->type == CONFIG_TYPE_CHOICE) {
        printf(" | | %s | ", config_words(option, words));
    } else if (option->type == CONFIG_TYPE_U64) {
        printf(" | %s%s| %" PRIu64 " to %" PRIu64 " | ", option->unit,
               option->unit[0] != '\0' ? " " : "", option->min, option->max);
    } else {
        printf(" | | %s | ", option->type == CONFIG_TYPE_BOOL ? "true, false" : "text");
    }
    printf("`%s` | ", name);
    print_cell(option->help);
    printf(" |\n");
    return true;
}

void config_print_markdown(const struct config_program *program, void *settings) {
    printf("## %s\n\n%s\n\n| option | default | unit | range | environment | meaning |\n"
           "| --- | --- | --- | --- | --- | --- |\n",
           program->name, program->summary);
    config_walk(program->options, settings, visit_markdown, NULL);
}
