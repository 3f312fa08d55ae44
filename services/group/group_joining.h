/*
 * How an account becomes a member of a group, and ceases to be one: parts of the changes
 * (group_change.h) that do so.
 *
 * In a change's `check`: group_read_join_state, group_check_room, group_notify_joined; or
 * group_notify_end. In its `write`: group_write_joined, or group_remove_join_request where the
 * request is refused; or group_write_gone.
 */
#ifndef PARLEY_GROUP_JOINING_H
#define PARLEY_GROUP_JOINING_H

#include "services/group/group_change.h"
#include "services/group/group_sql.h"

struct group_join_state {
    bool asked;  /* the subject has a stored request to join the group */
    bool banned; /* it may not become a member */
    /* Requests that wait for an answer: of any kind by the subject, and to join the group. */
    uint64_t requests_of, requests_to;
};

enum err group_read_join_state(struct group_change *change, struct group_join_state *state_r)
    __attribute__((warn_unused_result));
/*
 * A request of `kind` to `target`, which has `waiting` of them. Where these are as many as there
 * may be, the oldest of a stranger gives way, so that a flood of throwaway accounts keeps nobody
 * out; ERR_TOO_MANY where none is a stranger's. The first for `check`, the second for `write`.
 */
enum err group_check_request(struct group_change *change, enum group_request_kind kind,
                             uint64_t target, uint64_t waiting) __attribute__((warn_unused_result));
enum err group_write_request(struct group_change *change, enum group_request_kind kind,
                             uint64_t target, uint64_t account) __attribute__((warn_unused_result));
/* ERR_TOO_MANY when the group is full. */
enum err group_check_room(const struct group_change *change) __attribute__((warn_unused_result));
/* The notice that the subject is a member from now on. */
void group_notify_joined(struct group_change *change);
/* Makes the subject a member; its request to join, if there is one, is answered by that. */
group_step group_write_joined;
/* The subject's request to join, if there is one, is answered. */
enum err group_remove_join_request(struct group_change *change) __attribute__((warn_unused_result));

/* The notice that the subject is no member any more; it reads up to there. */
void group_notify_end(struct group_change *change, enum entry_type type);
/* Ends the subject's membership. */
group_step group_write_gone;
/* The notice of the group's end, by `from`, which all members read as the last; and its end. */
void group_notify_dissolved(struct group_change *change, const struct group_party *from);
group_step group_write_dissolved;

#endif
