/*
 * Failed logins, counted so that passwords cannot be guessed fast and nobody is locked out by what
 * others do.
 *
 *     const struct throttle_try attempt = {.account = id, .address = key, .known = known};
 *     if (!throttle_take(throttle, &attempt, loop_now_ms())) return ERR_THROTTLED;
 *     ... the password is looked at; it was right:   throttle_give_back(throttle, &attempt, ...);
 *
 * A try is counted as a failure before the password is looked at, and given back when it was right,
 * so that tries side by side are not more than tries one after the other. There are three counts:
 *
 * - of an account from an address: `login_failures`. Failures from elsewhere don't count there.
 * - of an account from all addresses that it is not known at: `login_failures_per_account`. It
 *   bounds guesses from very many addresses, and refuses none from a known one.
 * - of an address: `login_failures_per_address`. Beyond it the address may still try accounts that
 *   are known there, and any other once in THROTTLE_SLOW_MS.
 *
 * A window of THROTTLE_WINDOW_MS starts with the first failure; a limit of 0 is none. Each instance
 * counts for itself. Thread-safe.
 *
 * The table is bounded. A new count takes the place of one that is over, else of the one with the
 * fewest failures of THROTTLE_WAYS. So somebody who fills the table, from very many addresses, has
 * counts with few failures forgotten before those at their limit: it gives some more guesses at an
 * account that nobody else tries, and opens none that is refused.
 */
#ifndef PARLEY_AUTH_THROTTLE_H
#define PARLEY_AUTH_THROTTLE_H

#include <stdbool.h>

#include "common/record.h"

/*
 * limit: client | how long failed logins count | {THROTTLE_WINDOW_MS} from the first of them |
 * forgotten; those of an account from an address also at its login from there
 */
#define THROTTLE_WINDOW_MS 60000
/*
 * limit: client | counts of failed logins: of an account from an address, of an account, of an
 * address | {THROTTLE_SLOTS} together, 2 MiB | a new one takes the place of one that is over, or
 * of the one of {THROTTLE_WAYS} that has the fewest
 */
#define THROTTLE_SLOTS 65536
#define THROTTLE_WAYS 8
/*
 * limit: client | logins of an address beyond its failures, to accounts that have not logged in
 * from there | 1 in {THROTTLE_SLOW_MS} | `throttled`
 */
#define THROTTLE_SLOW_MS 1000

struct throttle_limits {
    uint64_t per_account_and_address, per_account, per_address;
};

/* `account`: up to THROTTLE_NAME_BYTES count. `address`: any bytes; none where it is not known,
 * then nothing counts for it. `known`: the account has logged in from there lately. */
#define THROTTLE_NAME_BYTES 320
struct throttle_try {
    struct slice account, address;
    bool known;
};

struct throttle;

/* NULL without memory. */
struct throttle *throttle_new(const struct throttle_limits *limits)
    __attribute__((warn_unused_result));
void throttle_destroy(struct throttle **self);

/* Whether the next try would be allowed. `now_ms`: monotonic. */
bool throttle_allows(struct throttle *self, const struct throttle_try *attempt, int64_t now_ms);
/* Counts a try as failed; false, and nothing is counted, at a limit. */
bool throttle_take(struct throttle *self, const struct throttle_try *attempt, int64_t now_ms)
    __attribute__((warn_unused_result));
/* The try has not failed. The account's failures from this address are forgotten with it when it
 * `passed`: the password was right. */
void throttle_give_back(struct throttle *self, const struct throttle_try *attempt, bool passed,
                        int64_t now_ms);

#endif
