/*
 * Failed logins, counted per name and per client address, so that passwords cannot be guessed fast.
 *
 *     if (!throttle_allows(throttle, name, address)) return ERR_THROTTLED;
 *     ... the password was wrong:   throttle_failed(throttle, name, address);
 *     ... it was right:             throttle_passed(throttle, name);
 *
 * A window of THROTTLE_WINDOW_MS starts with the first failure; within it a name may fail
 * `per_name` times and an address `per_address` times, beyond that it is refused without a look at
 * the password. 0 means no limit. The table holds THROTTLE_SLOTS names and addresses; a new one
 * takes the place of the one that hashes to the same slot, so flooding it forgets, and memory
 * stays. Each instance counts for itself. Thread-safe.
 */
#ifndef PARLEY_AUTH_THROTTLE_H
#define PARLEY_AUTH_THROTTLE_H

#include "common/record.h"

/*
 * limit: client | how long failed logins count | {THROTTLE_WINDOW_MS} from the first of them |
 * forgotten; an account's also at a login that succeeds
 */
#define THROTTLE_WINDOW_MS 60000
/*
 * limit: client | accounts and addresses whose failures are counted | {THROTTLE_SLOTS}
 * together, 1.5 MiB | a new one takes the place of the one that hashes to the same slot
 */
#define THROTTLE_SLOTS 65536

struct throttle;

/* NULL without memory. */
struct throttle *throttle_new(uint64_t per_name, uint64_t per_address)
    __attribute__((warn_unused_result));
void throttle_destroy(struct throttle **self);

/* An empty name or address counts for nothing. `now_ms`: monotonic. */
bool throttle_allows(struct throttle *self, struct slice name, struct slice address,
                     int64_t now_ms);
void throttle_failed(struct throttle *self, struct slice name, struct slice address,
                     int64_t now_ms);
void throttle_passed(struct throttle *self, struct slice name);

#endif
