/* What a writer remembers of conversations between transactions; see store.h for when it is exact.
 */
#ifndef PARLEY_LOG_CACHE_H
#define PARLEY_LOG_CACHE_H

#include "services/log/store.h"

struct log_memory {
    uint64_t version, last_cid, last_ms;
    struct u64_list members; /* owned by the cache */
};

/* NULL when nothing is remembered. */
const struct log_memory *log_cache_find(const struct log_cache *self, uint64_t conversation);

/* 0 when the pair is not remembered. */
uint64_t log_cache_find_pair(const struct log_cache *self, uint64_t lo, uint64_t hi);
void log_cache_keep_pair(struct log_cache *self, uint64_t lo, uint64_t hi, uint64_t conversation);

/*
 * The newest block of cids that the sequence has given. What is asked for behind that is a newer
 * one, or the sequence has gone back. Others may get and note blocks meanwhile.
 */
uint64_t log_cache_newest_block(const struct log_cache *self);
void log_cache_note_block(struct log_cache *self, uint64_t block);

#endif
