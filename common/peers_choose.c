/* Which instance gets a request: by a key, or in turn. */
#include "common/peers_private.h"

uint64_t peers_hash(uint64_t a, uint64_t b) {
    /* The finalizer of SplitMix64, over both numbers. */
    uint64_t x = a + UINT64_C(0x9e3779b97f4a7c15) * (b + 1);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

struct peer *peers_by_key(const struct peers *self, uint64_t key) {
    struct peer *best = NULL;
    uint64_t best_score = 0;
    for (size_t i = 0; i < self->count; i++) {
        if (self->peers[i]->state != PEER_STATE_LIVE)
            continue;
        uint64_t score = peers_hash(key, self->peers[i]->hash);
        if (best == NULL || score > best_score) {
            best = self->peers[i];
            best_score = score;
        }
    }
    return best;
}

struct peer *peers_next(struct peers *self) {
    for (size_t n = 0; n < self->count; n++) {
        struct peer *peer = self->peers[++self->turn % self->count];
        if (peer->state == PEER_STATE_LIVE)
            return peer;
    }
    return NULL;
}

struct peer *peers_live(const struct peers *self, size_t index) {
    for (size_t i = 0; i < self->count; i++)
        if (self->peers[i]->state == PEER_STATE_LIVE && index-- == 0)
            return self->peers[i];
    return NULL;
}

size_t peers_live_count(const struct peers *self) {
    size_t count = 0;
    for (size_t i = 0; i < self->count; i++)
        count += self->peers[i]->state == PEER_STATE_LIVE;
    return count;
}
