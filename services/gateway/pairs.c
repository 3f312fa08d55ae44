/* The conversations of two accounts: a bounded cache of what entries and replies of delivery say.
 */
#include "services/gateway/pairs.h"

#include <stdlib.h>

#include "common/hash.h"

/*
 * limit: gateway | pairs whose conversation is remembered | {PAIRS_MAX}, some 10 MB | all are
 * forgotten; delivery is asked again
 */
/* Pairs that are remembered; when there are more, all are forgotten. About 10 MB. */
#define PAIRS_MAX 100000

struct pair {
    uint64_t accounts[2]; /* ascending */
    uint64_t conversation;
    UT_hash_handle hh;
};

struct pairs {
    struct pair *all;
};

struct pairs *pairs_new(void) {
    return calloc(1, sizeof(struct pairs));
}

static void forget(struct pairs *self) {
    struct pair *pair, *next;
    HASH_ITER(hh, self->all, pair, next) {
        HASH_DEL(self->all, pair);
        free(pair);
    }
}

void pairs_destroy(struct pairs **self_p) {
    if (*self_p != NULL)
        forget(*self_p);
    free(*self_p);
    *self_p = NULL;
}

static struct pair *find(const struct pairs *self, uint64_t a, uint64_t b) {
    const uint64_t accounts[2] = {a < b ? a : b, a < b ? b : a};
    struct pair *pair = NULL;
    HASH_FIND(hh, self->all, accounts, sizeof accounts, pair);
    return pair;
}

void pairs_keep(struct pairs *self, uint64_t a, uint64_t b, uint64_t conversation) {
    if (find(self, a, b) != NULL)
        return;
    if (HASH_COUNT(self->all) >= PAIRS_MAX)
        forget(self);
    struct pair *pair = calloc(1, sizeof *pair);
    if (pair == NULL)
        return;
    *pair = (struct pair){{a < b ? a : b, a < b ? b : a}, .conversation = conversation};
    if (!HASH_TRY_ADD(hh, self->all, accounts, pair))
        free(pair);
}

uint64_t pairs_find(const struct pairs *self, uint64_t a, uint64_t b) {
    const struct pair *pair = find(self, a, b);
    return pair == NULL ? 0 : pair->conversation;
}
