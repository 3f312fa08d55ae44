/* The conversations of two accounts: a bounded cache of what entries and delivery report. */
#ifndef PARLEY_GATEWAY_PAIRS_H
#define PARLEY_GATEWAY_PAIRS_H

#include <stdint.h>

struct pairs;

struct pairs *pairs_new(void) __attribute__((warn_unused_result));
void pairs_destroy(struct pairs **self);
/* Remembers the conversation of two accounts, which never changes, as far as there is room. */
void pairs_keep(struct pairs *self, uint64_t a, uint64_t b, uint64_t conversation);
/* 0: not remembered. */
uint64_t pairs_find(const struct pairs *self, uint64_t a, uint64_t b);

#endif
