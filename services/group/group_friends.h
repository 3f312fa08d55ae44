/* Friends, for the rules of groups. */
#ifndef PARLEY_GROUP_FRIENDS_H
#define PARLEY_GROUP_FRIENDS_H

#include "services/group/group_change.h"

/* Whether `by` and the subject of the change are friends. */
enum err group_are_friends(struct group_change *change, bool *friends_r)
    __attribute__((warn_unused_result));

#endif
