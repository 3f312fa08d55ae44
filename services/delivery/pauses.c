/* When accounts were typing last; see pauses.h. */
#include "services/delivery/pauses.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/hash.h"

struct slot {
    struct pauses_key key;
    int64_t until_ms; /* 0: never used */
};

struct pauses {
    pthread_mutex_t lock;
    struct slot slots[PAUSES_SLOTS]; /* under `lock` */
};

struct pauses *pauses_new(void) {
    struct pauses *self = calloc(1, sizeof *self);
    if (self != NULL)
        pthread_mutex_init(&self->lock, NULL);
    return self;
}

void pauses_destroy(struct pauses **self_p) {
    if (*self_p != NULL)
        pthread_mutex_destroy(&(*self_p)->lock);
    free(*self_p);
    *self_p = NULL;
}

static bool same(const struct pauses_key *a, const struct pauses_key *b) {
    return a->account == b->account && a->user == b->user && a->group == b->group;
}

/* Its own slot, or else one that is free; NULL: there is none. */
static struct slot *find(struct pauses *self, const struct pauses_key *key, int64_t now_ms) {
    struct slot *free_slot = NULL;
    uint32_t home = hash_bytes(key, sizeof *key);
    for (uint32_t i = 0; i < PAUSES_PROBES; i++) {
        struct slot *slot = &self->slots[(home + i) % PAUSES_SLOTS];
        if (same(&slot->key, key))
            return slot;
        if (free_slot == NULL && slot->until_ms <= now_ms)
            free_slot = slot;
    }
    return free_slot;
}

bool pauses_runs(struct pauses *self, const struct pauses_key *key, int64_t now_ms) {
    pthread_mutex_lock(&self->lock);
    const struct slot *slot = find(self, key, now_ms);
    bool runs = slot == NULL || slot->until_ms > now_ms;
    pthread_mutex_unlock(&self->lock);
    return runs;
}

bool pauses_begin(struct pauses *self, const struct pauses_key *key, int64_t now_ms) {
    pthread_mutex_lock(&self->lock);
    struct slot *slot = find(self, key, now_ms);
    bool begins = slot != NULL && slot->until_ms <= now_ms;
    if (begins)
        *slot = (struct slot){*key, now_ms + PAUSES_MS};
    pthread_mutex_unlock(&self->lock);
    return begins;
}
