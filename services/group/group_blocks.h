/* Accounts that take nothing from others: parts of changes (group_change.h). */
#ifndef PARLEY_GROUP_BLOCKS_H
#define PARLEY_GROUP_BLOCKS_H

#include "services/group/group_change.h"

struct group_block_state {
    bool blocked;    /* the account takes nothing from the other */
    uint64_t blocks; /* of the account */
};

enum err group_read_block(struct group_change *change, uint64_t account, uint64_t other,
                          struct group_block_state *state_r) __attribute__((warn_unused_result));

#endif
