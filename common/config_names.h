/*
 * The names of all options of all programs, and which of them a misspelt one is nearest to. Inside
 * config alone.
 */
#ifndef PARLEY_COMMON_CONFIG_NAMES_H
#define PARLEY_COMMON_CONFIG_NAMES_H

#include "common/config_options.h"

/*
 * In snake_case, NULL ends them. Made by the build (deploy/embed-options) from the tables of all
 * programs, so that a name which only another program has is not taken for a mistake; and from what
 * the scripts call PARLEY_..., since their names stand in the same environment.
 */
extern const char *const config_names[];

/*
 * limit: service | a misspelt option whose nearest name is looked for | {CONFIG_NAME_BYTES} |
 * refused without it
 */
/* The longest name that is compared. */
#define CONFIG_NAME_BYTES 64

/* The best of the names that have been looked through. */
struct config_near {
    const char *wanted; /* the mistyped name */
    const char *name;   /* NULL: nothing is near enough to be meant */
    size_t distance;
};

/* Looks through a table of options; through all names. */
void config_near_options(struct config_near *near, const struct config_option *options,
                         void *settings);
void config_near_all(struct config_near *near);

/* Whether any program or script has it. */
bool config_name_is_known(const char *name);

#endif
