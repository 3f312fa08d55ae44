/*
 * `--help`, for people, and `--help=markdown`, for docs/options.md: printed from the program's
 * table of options. Inside config alone.
 */
#ifndef PARLEY_COMMON_CONFIG_PRINT_H
#define PARLEY_COMMON_CONFIG_PRINT_H

#include "common/config_options.h"

/* To standard output. `settings` is walked along, neither read nor written. */
void config_print_help(const struct config_program *program, void *settings);
/* A section of docs/options.md: heading, summary, one table. */
void config_print_markdown(const struct config_program *program, void *settings);

#endif
