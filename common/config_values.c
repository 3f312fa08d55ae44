/* The value of one option; see config_values.h. */
#include "common/config_values.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

bool config_is_text(const struct config_option *option) {
    return option->type == CONFIG_TYPE_STRING || option->type == CONFIG_TYPE_SECRET;
}

static int set_number(const struct config_option *option, uint64_t *member, const char *text,
                      char fault_r[CONFIG_FAULT_BYTES]) {
    bool has_unit = option->unit[0] != '\0';
    const char *open = has_unit ? " (" : "", *close = has_unit ? ")" : "";
    if (text[0] == '\0' || text[strspn(text, "0123456789")] != '\0') {
        char quoted[LOG_QUOTED_BYTES];
        snprintf(fault_r, CONFIG_FAULT_BYTES,
                 "%s: %s is not a number between %" PRIu64 " and %" PRIu64 "%s%s%s", option->name,
                 log_quote(quoted, text, strlen(text)), option->min, option->max, open,
                 option->unit, close);
        return -1;
    }
    errno = 0;
    uintmax_t number = strtoumax(text, NULL, 10);
    if (errno == ERANGE || number < option->min || number > option->max) {
        snprintf(fault_r, CONFIG_FAULT_BYTES,
                 "%s: %.40s is not between %" PRIu64 " and %" PRIu64 "%s%s%s", option->name, text,
                 option->min, option->max, open, option->unit, close);
        return -1;
    }
    *member = number;
    return 0;
}

static int set_bool(const struct config_option *option, bool *member, const char *text,
                    char fault_r[CONFIG_FAULT_BYTES]) {
    static const char *const words[][2] = {
        {"false", "true"}, {"no", "yes"}, {"off", "on"}, {"0", "1"}};
    char quoted[LOG_QUOTED_BYTES];
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        for (size_t value = 0; value < 2; value++) {
            if (strcmp(text, words[i][value]) == 0) {
                *member = value == 1;
                return 0;
            }
        }
    }
    snprintf(fault_r, CONFIG_FAULT_BYTES, "%s: %s is neither true nor false", option->name,
             log_quote(quoted, text, strlen(text)));
    return -1;
}

const char *config_words(const struct config_option *option, char out[CONFIG_WORDS_BYTES]) {
    size_t length = 0;
    for (const char *letter = option->text; *letter != '\0' && length + 3 < CONFIG_WORDS_BYTES;
         letter++) {
        if (*letter != '|') {
            out[length++] = *letter;
            continue;
        }
        out[length++] = ',';
        out[length++] = ' ';
    }
    out[length] = '\0';
    return out;
}

static int set_choice(const struct config_option *option, uint64_t *member, const char *text,
                      char fault_r[CONFIG_FAULT_BYTES]) {
    char quoted[LOG_QUOTED_BYTES], words[CONFIG_WORDS_BYTES];
    const char *word = option->text;
    for (uint64_t which = 0;; which++) {
        size_t length = strcspn(word, "|");
        if (strlen(text) == length && strncmp(text, word, length) == 0) {
            *member = which;
            return 0;
        }
        if (word[length] == '\0')
            break;
        word += length + 1;
    }
    snprintf(fault_r, CONFIG_FAULT_BYTES, "%s: %s is none of %s", option->name,
             log_quote(quoted, text, strlen(text)), config_words(option, words));
    return -1;
}

static int set_text(const struct config_option *option, char **member, const char *text,
                    char fault_r[CONFIG_FAULT_BYTES]) {
    char *copy = strdup(text);
    if (copy == NULL) {
        snprintf(fault_r, CONFIG_FAULT_BYTES, "%s: out of memory", option->name);
        return -1;
    }
    free(*member);
    *member = copy;
    return 0;
}

int config_set(const struct config_option *option, void *member, const char *text,
               char fault_r[CONFIG_FAULT_BYTES]) {
    if (config_is_text(option))
        return set_text(option, member, text, fault_r);
    if (option->type == CONFIG_TYPE_BOOL)
        return set_bool(option, member, text, fault_r);
    if (option->type == CONFIG_TYPE_CHOICE)
        return set_choice(option, member, text, fault_r);
    return set_number(option, member, text, fault_r);
}
