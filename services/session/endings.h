/*
 * Accounts and logins whose connections were ended lately: a connection of theirs that is bound
 * after that may have logged in before.
 *
 *     endings_note(endings, account, login, cause, now_ms);      its connections are ended
 *     if (endings_may_concern(endings, account, login, now_ms))  a login is bound: its token is
 *                                                                to be looked at again
 *     ending = endings_find(endings, account, login, now_ms);    a connection of another instance
 *                                                                is bound here: it is ended, too
 *
 * At most ENDINGS_MAX are kept. Beyond, the oldest is forgotten, and until its time would have
 * passed every login may be concerned. Nothing is stored: a login whose binding fails because
 * session is lost is looked at again by its gateway.
 */
#ifndef PARLEY_SESSION_ENDINGS_H
#define PARLEY_SESSION_ENDINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/messages.h"

/*
 * limit: session | accounts and logins that were ended lately; how long a login of theirs is looked
 * at again | {ENDINGS_MAX}; {ENDINGS_MS}, longer than any login may take | the oldest is forgotten,
 * and every login is looked at again for that time: one more look-up in auth for each
 */
#define ENDINGS_MAX 4096
#define ENDINGS_MS 660000
/*
 * limit: session | how long a connection that comes from another instance of session is ended here,
 * too | {ENDINGS_MOVING_MS} after its account or login was ended | it was ended where it was
 */
#define ENDINGS_MOVING_MS 60000

struct ending {
    uint64_t account, login; /* login 0: all of the account's */
    enum kick_cause cause;
    int64_t at_ms;
};

struct endings;

/* NULL without memory. */
struct endings *endings_new(void) __attribute__((warn_unused_result));
void endings_destroy(struct endings **self);

void endings_note(struct endings *self, const struct ending *ending);
bool endings_may_concern(const struct endings *self, uint64_t account, uint64_t login,
                         int64_t now_ms);
/* The newest, within ENDINGS_MOVING_MS; NULL: none. Valid until the next change. */
const struct ending *endings_find(const struct endings *self, uint64_t account, uint64_t login,
                                  int64_t now_ms);

#endif
