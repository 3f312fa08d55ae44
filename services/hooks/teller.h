/*
 * Tells one hook: reads what lies behind its place in the journal, posts it, moves the place.
 *
 *     struct teller *teller = teller_new(hooks, instance, &row);
 *     teller_wake(teller, newest);        rows up to `newest` have a number by now
 *     teller_set(teller, &row);           the operator has changed the hook
 *     teller_add_presence(teller, &presence);
 *     teller_stop(teller);                nothing more is begun
 *     while (teller_is_busy(teller)) ...
 *     teller_release(&teller);            it goes; what is being posted is given up
 *
 * One request is under way at a time, and the place is moved when its answer was 2xx: so a hook is
 * told of everything, in order, and of what was under way once more after a crash. A request that
 * failed is made again with the same bytes, after a pause that doubles from TELLER_PAUSE_MS to
 * `hook_retry_max_ms`, at random half of it at least; after `hook_park_minutes` of failing, or the
 * answer 410, the hook is parked. No teller waits for another one.
 *
 * What is not stored (presence) rides along. It waits in a bounded list, and is lost with the
 * process.
 */
#ifndef PARLEY_HOOKS_TELLER_H
#define PARLEY_HOOKS_TELLER_H

#include "services/hooks/events.h"
#include "services/hooks/hook_row.h"
#include "services/hooks/hooks.h"

/* limit: hooks | pause before a hook is tried again | {TELLER_PAUSE_MS}, doubled each time up to
 * `hook_retry_max_ms`, of which half is left to chance; an answer's Retry-After up to
 * `hook_retry_max_ms`, too | - */
#define TELLER_PAUSE_MS 1000
/* limit: hooks | pause before what a hook took is stored again, while the database is away |
 * {TELLER_STORE_MS} | - */
#define TELLER_STORE_MS 500
/* limit: hooks | news of presence that waits for a hook | {TELLER_PRESENCE_MAX} | further news is
 * dropped and counted (`hook_live_dropped_total`) */
#define TELLER_PRESENCE_MAX 4096

struct teller;

/* `row` is copied. NULL without memory. */
struct teller *teller_new(struct hooks *hooks, uint64_t instance, const struct hook_row *row);
void teller_stop(struct teller *self);
bool teller_is_busy(const struct teller *self);
void teller_release(struct teller **self);

void teller_wake(struct teller *self, uint64_t newest);
void teller_set(struct teller *self, const struct hook_row *row);
void teller_add_presence(struct teller *self, const struct event_presence *presence);

uint64_t teller_number(const struct teller *self);
/* Rows of the journal that it was not told of. */
uint64_t teller_behind(const struct teller *self);
/* Whether the hook is told of accounts that have to be woken. */
bool teller_wants_offline(const struct teller *self);
bool teller_is_parked(const struct teller *self);
bool teller_is_failing(const struct teller *self);
/* Whether the hook turned out to be another instance's: nothing more is told. */
bool teller_has_lost(const struct teller *self);

#endif
