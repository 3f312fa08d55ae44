/*
 * When accounts were typing last, so that each is shown typing in a conversation only now and then.
 *
 * A table of fixed size. Each instance knows its own; gateways ask by account, so it is the same
 * one as long as no instance is found or lost. Thread-safe.
 */
#ifndef PARLEY_DELIVERY_PAUSES_H
#define PARLEY_DELIVERY_PAUSES_H

#include <stdbool.h>
#include <stdint.h>

/*
 * limit: client | how often an account is shown typing in a conversation | once in {PAUSES_MS} |
 * dropped; the client gets no error
 */
#define PAUSES_MS 3000
/*
 * limit: delivery | accounts that are typing, counted by conversation | {PAUSES_SLOTS}, 512 KiB |
 * one for which there is no place is not shown typing
 */
#define PAUSES_SLOTS 16384
/* Where one may stand: so many slots from where its hash is. */
#define PAUSES_PROBES 16

struct pauses;

struct pauses_key {
    uint64_t account, user, group;
};

/* NULL without memory. */
struct pauses *pauses_new(void) __attribute__((warn_unused_result));
void pauses_destroy(struct pauses **self);
/* `now_ms`: monotonic. */
bool pauses_runs(struct pauses *self, const struct pauses_key *key, int64_t now_ms);
/* Begins a pause; false: the last one is not over, or there is no room. */
bool pauses_begin(struct pauses *self, const struct pauses_key *key, int64_t now_ms)
    __attribute__((warn_unused_result));

#endif
