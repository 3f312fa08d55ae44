/* Which member of a group stands above which. */
#ifndef PARLEY_GROUP_ROLES_H
#define PARLEY_GROUP_ROLES_H

#include "services/group/group_change.h"

/* For `check`, of a change that `by` makes to the subject: the owner stands above anyone else, an
 * administrator above plain members and strangers, the operator above all but the owner. */
enum err group_check_above(const struct group_change *change) __attribute__((warn_unused_result));

#endif
