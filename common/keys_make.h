/*
 * Makes and changes the keys of all programs in one folder (keys.h).
 *
 *     keys_make("var/keys", fault)                 what is missing; nothing is overwritten
 *     keys_rotate("var/keys", "gateway", fault)    a new key, which every program trusts beside the
 * old one; the gateway has it from its next start on keys_retire("var/keys", "gateway", fault)
 * nobody trusts any but the gateway's newest key
 *
 * Each returns 0, or -1 with a sentence. Folders are 0700 and files 0600; they belong to whom the
 * program's folder belongs to. A file is replaced as a whole, and one such change runs at a time.
 *
 * The keys that are trusted are those of each `secret`, and those in the `trusted` of parleyctl,
 * who may do everything anyway: so a program that can write to its own folder gains nothing by it.
 */
#ifndef PARLEY_COMMON_KEYS_MAKE_H
#define PARLEY_COMMON_KEYS_MAKE_H

#include "common/keys.h"

int keys_make(const char *folder, char fault_r[KEYS_FAULT_BYTES])
    __attribute__((warn_unused_result));
int keys_rotate(const char *folder, const char *program, char fault_r[KEYS_FAULT_BYTES])
    __attribute__((warn_unused_result));
int keys_retire(const char *folder, const char *program, char fault_r[KEYS_FAULT_BYTES])
    __attribute__((warn_unused_result));

/* The names of the programs that have keys, PROGRAM_COUNT of them. */
extern const char *const keys_programs[];

#endif
