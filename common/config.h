/*
 * Configuration: one table of options per program, filled from, in rising order, the defaults, the
 * file named by `--config` or PARLEY_CONFIG, the environment (PARLEY_<NAME>), the command line
 * (`--name=value`, `--name value`; `--name` alone sets a bool).
 *
 *     struct settings { char *db_host; uint64_t db_port; bool open_login; };
 *     static const struct config_option options[] = {
 *         CONFIG_STRING(struct settings, db_host, "127.0.0.1", "host of MariaDB"),
 *         CONFIG_U64(struct settings, db_port, 3306, 1, 65535, "port", "port of MariaDB"),
 *         CONFIG_BOOL(struct settings, open_login, true, "log in without a password"),
 *         CONFIG_END};
 *     static const struct config_program program = {"parley-auth", "accounts", "", options};
 *     enum config_status status = config_load(&program, &settings, argc, argv, &rest);
 *     ... config_free(&program, &settings);
 *
 * In a name `-` and `_` are the same. Numbers are decimal; bools are true/false, yes/no, on/off or
 * 1/0; a choice is one of its words. The file holds lines `name = value`, blank lines and lines
 * that begin with `#`; a value runs to the end of its line, without the space around it. The file
 * has at most 64 KiB;
 * `--config=` means none.
 *
 * All programs share one file and one environment, so a name that only another program (or a
 * script, see config_names.h) knows is not an error there; on the command line it is. A name that
 * no program knows is an error everywhere, and the nearest one is shown. The table is also what
 * `--help` and docs/options.md are printed from. Names are unique in a program's tables, at most 64
 * characters.
 */
#ifndef PARLEY_COMMON_CONFIG_H
#define PARLEY_COMMON_CONFIG_H

#include "common/config_options.h"

enum config_status { CONFIG_OK, CONFIG_EXIT, CONFIG_USAGE };

/*
 * Fills `settings`, whose string members become heap copies (config_free). Arguments that are not
 * options are left, in order, in argv[*first_rest_r..argc-1] (GNU order: options may stand
 * anywhere; "--" ends them).
 * CONFIG_OK: go on. CONFIG_EXIT: `--help`, `--help=markdown` or `--version` was printed, exit 0.
 * CONFIG_USAGE: one line on stderr says what was wrong, exit 2. Nothing is to be freed after these
 * two. No line ever shows a secret.
 */
enum config_status config_load(const struct config_program *program, void *settings, int argc,
                               char **argv, int *first_rest_r) __attribute__((warn_unused_result));

/* Frees the values that config_load put into `settings`. */
void config_free(const struct config_program *program, void *settings);

#endif
