/*
 * Inside config alone: what the loader (config.c) and the printing of `--help` (config_print.c)
 * share. Programs use config.h.
 */
#ifndef PARLEY_COMMON_CONFIG_PRINT_H
#define PARLEY_COMMON_CONFIG_PRINT_H

#include "common/config.h"

/* "PARLEY_" and an option's name in upper case. */
#define CONFIG_ENVIRONMENT_NAME_BYTES 72
void config_environment_name(const char *option, char out[CONFIG_ENVIRONMENT_NAME_BYTES]);

/* Returns false to end the walk. */
typedef bool config_visit(const struct config_option *option, void *member, void *argument);

/* Visits every option and its member of the structure at `base`, included tables in their place.
 * False when a visit ended it. */
bool config_walk(const struct config_option *options, void *base, config_visit *visit,
                 void *argument);

/* To standard output. `settings` is walked along, neither read nor written. */
void config_print_help(const struct config_program *program, void *settings);
/* A section of docs/options.md: heading, summary, one table. */
void config_print_markdown(const struct config_program *program, void *settings);

#endif
