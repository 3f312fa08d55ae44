/* Who may write to a conversation, as of the transaction that has locked its head. */
#ifndef PARLEY_DELIVERY_RIGHTS_H
#define PARLEY_DELIVERY_RIGHTS_H

#include "common/error.h"
#include "services/entries/entry.h"

/* Whether an account is in a group, `head` (NULL: there is none), or in its pair. */
enum err rights_check_in(const struct entry_head *head, uint64_t account)
    __attribute__((warn_unused_result));
/* The same, and that it may write there at `now_ms`; `friends_only`: to a person only if the two
 * are friends, which the head says then. */
enum err rights_check_write(const struct entry_head *head, uint64_t account, uint64_t now_ms,
                            bool friends_only) __attribute__((warn_unused_result));
/* Of a member that is muted: until when. */
uint64_t rights_muted_until_ms(const struct entry_head *head, uint64_t account);

#endif
