/*
 * What several kinds of changes read and write: steps, and parts of steps, of group_change.h.
 */
#ifndef PARLEY_GROUP_RULES_H
#define PARLEY_GROUP_RULES_H

#include "services/group/group_change.h"

struct group_join_state {
    bool asked;                        /* the subject has a stored request to join the group */
    uint64_t requests_of, requests_to; /* that wait: the subject's of any kind, the group's */
};

/* group_requests.c */
enum err group_read_join_state(struct group_change *change, struct group_join_state *state_r)
    __attribute__((warn_unused_result));
/* The subject's request to join the group, if there is one, is answered. */
enum err group_remove_join_request(struct group_change *change) __attribute__((warn_unused_result));

/* group_members.c: the group can take one member more, or ERR_TOO_MANY; the notice that the subject
 * is a member, and what makes it one. */
enum err group_check_room(const struct group_change *change) __attribute__((warn_unused_result));
void group_tell_joined(struct group_change *change);
group_step group_write_joined;

/* group_friends.c: whether `by` and the subject are friends. */
enum err group_are_friends(struct group_change *change, bool *friends_r)
    __attribute__((warn_unused_result));

#endif
