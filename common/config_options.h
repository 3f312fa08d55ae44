/*
 * Tables of options: those that config.h describes, and how the parts of config go through one.
 * Programs include config.h.
 */
#ifndef PARLEY_COMMON_CONFIG_OPTIONS_H
#define PARLEY_COMMON_CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum config_type {
    CONFIG_TYPE_STRING,
    CONFIG_TYPE_SECRET,
    CONFIG_TYPE_U64,
    CONFIG_TYPE_BOOL,
    CONFIG_TYPE_CHOICE
};

struct config_option {
    const char *name; /* snake_case; NULL ends the table */
    enum config_type type;
    size_t offset; /* of the member in the settings structure */
    /* Default of a string; the words of a choice, separated by `|`; never NULL (CONFIG_INCLUDE: the
     * table). */
    const char *text;
    uint64_t number;   /* default of a number; 0 or 1 of a bool; of a choice, which word */
    uint64_t min, max; /* range of a number, both included */
    const char *unit;  /* "ms", "bytes", "port", "" */
    const char *help;  /* one line */
};

#define CONFIG_STRING(type_, member_, default_, help_)                                             \
    { #member_, CONFIG_TYPE_STRING, offsetof(type_, member_), default_, 0, 0, 0, "", help_ }
/* A string that is never printed. */
#define CONFIG_SECRET(type_, member_, default_, help_)                                             \
    { #member_, CONFIG_TYPE_SECRET, offsetof(type_, member_), default_, 0, 0, 0, "", help_ }
#define CONFIG_U64(type_, member_, default_, min_, max_, unit_, help_)                             \
    { #member_, CONFIG_TYPE_U64, offsetof(type_, member_), "", default_, min_, max_, unit_, help_ }
#define CONFIG_BOOL(type_, member_, default_, help_)                                               \
    { #member_, CONFIG_TYPE_BOOL, offsetof(type_, member_), "", default_, 0, 1, "", help_ }
/* One of some words, such as "open|closed": the member is a uint64_t, which of them, from 0. */
#define CONFIG_CHOICE(type_, member_, default_, words_, help_)                                     \
    { #member_, CONFIG_TYPE_CHOICE, offsetof(type_, member_), words_, default_, 0, 0, "", help_ }
/* Makes one table of several: an entry whose options live in a member structure. */
#define CONFIG_INCLUDE(type_, member_, table_)                                                     \
    { "", CONFIG_TYPE_STRING, offsetof(type_, member_), (const char *)(table_), 0, 0, 0, "", "" }
#define CONFIG_END                                                                                 \
    { NULL, CONFIG_TYPE_STRING, 0, "", 0, 0, 0, "", "" }

/* A program's own part of its `--help`. */
struct config_program {
    const char *name;    /* "parley-auth" */
    const char *summary; /* one line */
    const char *usage;   /* follows the options in the usage line, "" for options alone */
    const struct config_option *options;
};

/* "PARLEY_" and an option's name in upper case. */
#define CONFIG_ENVIRONMENT_NAME_BYTES 72
void config_environment_name(const char *option, char out[CONFIG_ENVIRONMENT_NAME_BYTES]);

/* Returns false to end the walk. */
typedef bool config_visit(const struct config_option *option, void *member, void *argument);

/* Visits every option and its member of the structure at `base`, included tables in their place.
 * False when a visit ended it. */
bool config_walk(const struct config_option *options, void *base, config_visit *visit,
                 void *argument);

#endif
