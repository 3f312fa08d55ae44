/*
 * Removes the rest of a deleted account: memberships, friendships, requests and, if it wants that,
 * its texts.
 *
 * auth marks the account and adds a row to `ending`, in one transaction. From then on instances of
 * group remove the rest step by step, each step a transaction that may be repeated, and at last
 * that row. So whatever is killed at whatever moment, another instance, or the same one after its
 * start, goes on. An owner's groups pass to the longest administrator, else member, and end where
 * there is none.
 */
#ifndef PARLEY_GROUP_ENDING_H
#define PARLEY_GROUP_ENDING_H

#include "services/group/group.h"

/*
 * limit: delivery | how often group looks for deleted accounts whose rest is to be removed |
 * {GROUP_ENDING_EVERY_S}, and when one is deleted | -
 */
/* Seconds: an instance that was killed may have left something, or not received the request. */
#define GROUP_ENDING_EVERY_S 60.0
/* Seconds after a step that failed. */
#define GROUP_ENDING_AGAIN_S 1.0

struct ender;

/* NULL without memory. It must end after the service's pool. */
struct ender *ender_new(struct service *service, const struct group_service *group)
    __attribute__((warn_unused_result));
void ender_destroy(struct ender **self);

/* One step of some deleted account. `more_r`: there is a further one to take; `account_r`: whose it
 * was, 0 for none. For the worker. */
enum err ending_step(const struct group_service *service, struct db *db, struct record_arena *arena,
                     uint64_t *account_r, bool *more_r) __attribute__((warn_unused_result));

#endif
