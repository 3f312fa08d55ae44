/*
 * Removes what nobody needs any more of Web Push: subscriptions whose logins have ended (logged
 * out, expired, deleted with their account), and the hook once the last subscription is gone, so
 * that the journal is not written for nobody. The instance that works calls it now and then:
 *
 *     uint64_t place = 0;
 *     enum err err = subscriptions_tidy(db, &place);
 */
#ifndef PARLEY_HOOKS_SUBSCRIPTIONS_TIDY_H
#define PARLEY_HOOKS_SUBSCRIPTIONS_TIDY_H

#include "common/db.h"

/*
 * limit: hooks | subscriptions to Web Push that are looked at for logins that have ended |
 * {SUBSCRIPTIONS_TIDY_ROWS} each time | the next ones follow
 */
#define SUBSCRIPTIONS_TIDY_ROWS 1000

/* Looks at the subscriptions from the account *place_io on, and moves it; 0: from the first. Fails
 * with an error of the database; then nothing has moved. */
enum err subscriptions_tidy(struct db *db, uint64_t *place_io) __attribute__((warn_unused_result));

#endif
