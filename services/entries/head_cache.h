/* What a writer remembers of conversations between transactions; see store.h for when it is exact.
 */
#ifndef PARLEY_ENTRIES_HEAD_CACHE_H
#define PARLEY_ENTRIES_HEAD_CACHE_H

#include "services/entries/entries.h"

struct head_memory {
    uint64_t version, last_cid, last_ms;
    struct u64_list members; /* owned by the cache */
};

/* NULL when nothing is remembered. */
const struct head_memory *head_cache_find(const struct head_cache *self, uint64_t conversation);

/* 0 when the pair is not remembered. */
uint64_t head_cache_find_pair(const struct head_cache *self, uint64_t lo, uint64_t hi);
void head_cache_keep_pair(struct head_cache *self, uint64_t lo, uint64_t hi, uint64_t conversation);

/*
 * The newest block of cids that the sequence has given. What is asked for behind that is a newer
 * one, or the sequence has gone back. Others may get and note blocks meanwhile.
 */
uint64_t head_cache_newest_block(const struct head_cache *self);
void head_cache_note_block(struct head_cache *self, uint64_t block);

#endif
