/* Two accounts and their conversation. */
#ifndef PARLEY_ENTRIES_CONVERSATION_PAIR_H
#define PARLEY_ENTRIES_CONVERSATION_PAIR_H

#include <stdint.h>

struct conversation_pair {
    uint64_t lo, hi;       /* lo < hi */
    uint64_t conversation; /* 0: none, or not known */
};

static inline struct conversation_pair conversation_pair(uint64_t a, uint64_t b) {
    return (struct conversation_pair){.lo = a < b ? a : b, .hi = a < b ? b : a};
}

#endif
