/*
 * What a hook may be told of, as words for people and as bits in a message or a row. The bits are
 * stored: they never change.
 */
#ifndef PARLEY_PROTO_HOOK_WORDS_H
#define PARLEY_PROTO_HOOK_WORDS_H

#include <stdbool.h>

#include "common/record.h"

/* Families of events. */
#define HOOK_FAMILIES(X)                                                                           \
    X(MESSAGES, 1, "messages")                                                                     \
    X(MEMBERSHIP, 2, "membership")                                                                 \
    X(FRIENDSHIP, 4, "friendship")                                                                 \
    X(ACCOUNT, 8, "account")                                                                       \
    X(PRESENCE, 16, "presence")                                                                    \
    X(OFFLINE, 32, "offline")

/* Kinds of messages. */
#define HOOK_KINDS(X)                                                                              \
    X(TEXT, 1, "text")                                                                             \
    X(STICKER, 2, "sticker")                                                                       \
    X(IMAGE, 4, "image")                                                                           \
    X(FILE, 8, "file")                                                                             \
    X(SYSTEM, 16, "system")                                                                        \
    X(CHANGE, 32, "change")

enum hook_family {
#define X(name, bit, word) HOOK_FAMILY_##name = (bit),
    HOOK_FAMILIES(X)
#undef X
};

enum hook_kind {
#define X(name, bit, word) HOOK_KIND_##name = (bit),
    HOOK_KINDS(X)
#undef X
};

/* All of them. */
#define HOOK_FAMILIES_ALL 63
#define HOOK_KINDS_ALL 63

/* limit: tool | the words of a list of events or kinds | {HOOK_WORDS_BYTES} | exit status 2 */
#define HOOK_WORDS_BYTES 128

/* Reads words with commas between them. false: there is none, or one that is not known. */
bool hook_families_read(const char *text, uint64_t *bits_r);
bool hook_kinds_read(const char *text, uint64_t *bits_r);
/* The words of these bits, with commas between them. */
void hook_families_write(uint64_t bits, char out[HOOK_WORDS_BYTES]);
void hook_kinds_write(uint64_t bits, char out[HOOK_WORDS_BYTES]);

#endif
