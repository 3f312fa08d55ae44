/*
 * What a hook wants to be told of, as its row says; pure.
 *
 *     struct selection selection = {...};                  selection_read_parties for each list
 *     if (selection_takes(&selection, &about)) ...
 */
#ifndef PARLEY_HOOKS_SELECTION_H
#define PARLEY_HOOKS_SELECTION_H

#include "proto/hook_words.h"
#include "proto/messages.h"

struct parties {
    uint64_t items[HOOK_PARTIES_MAX];
    size_t count;
};

struct selection {
    uint64_t families, kinds;        /* bits of proto/hook_words.h */
    struct parties accounts, groups; /* both empty: all */
};

/* Accounts that an event concerns: who did it, to whom, and the two of a pair. */
#define SELECTION_ACCOUNTS 4

/* What an event is about. */
struct selection_about {
    enum hook_family family;
    enum hook_kind kind;                   /* of a message */
    uint64_t accounts[SELECTION_ACCOUNTS]; /* 0: none */
    uint64_t group;                        /* 0: none */
};

/* A list as the table hook has it: 8 bytes each, big-endian. */
void selection_read_parties(struct slice packed, struct parties *parties_r);
/* `out` has room for HOOK_PARTIES_MAX times 8 bytes. */
struct slice selection_pack_parties(const uint64_t *items, size_t count, char *out);

bool selection_takes(const struct selection *selection, const struct selection_about *about);

#endif
