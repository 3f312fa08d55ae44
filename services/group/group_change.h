/*
 * A change of a group, with the notice that tells of it, in one transaction.
 *
 *     struct group_change change;
 *     enum err err = group_change_begin(&change, service, db, arena, group, by, subject);
 *     if (err == ERR_OK)
 *         err = ... checks of change.by, change.subject, change.head; the change's own statements
 *     return group_change_end(&change, err, &(struct group_notice){...});
 *
 * From begin to end the group's head is locked: what the change holds is exact, changes of one
 * group come one after the other, and no message is stored in between. The end raises the group's
 * version (what deliveries have cached of it is void), appends the notice to the group's log,
 * commits, and routes the notice. Neither change nor notice exists without the other.
 */
#ifndef PARLEY_GROUP_CHANGE_H
#define PARLEY_GROUP_CHANGE_H

#include "services/group/group.h"
#include "services/log/store.h"

struct group_party {
    uint64_t account;
    struct slice id; /* empty where it is the number's decimal form */
    bool exists;
    enum group_role role;
};

struct group_change {
    const struct group_service *service;
    struct db *db;
    struct record_arena *arena;
    struct log_heads heads;
    struct log_head *head;          /* never dissolved; with all members, as before the change */
    struct group_party by, subject; /* who changes, whom; account 0 as `by` is the operator */
};

struct group_notice {
    enum entry_type type;
    bool accepted;
    struct slice text; /* borrowed */
};

/*
 * Begins the transaction. `subject` is 0 for a change that is about the group as a whole. An
 * account that does not exist is no error here: see `exists`. ERR_NO_GROUP, or the database's
 * errors: group_change_end is to be called with that error all the same.
 */
enum err group_change_begin(struct group_change *change, const struct group_service *service,
                            struct db *db, struct record_arena *arena, uint64_t group, uint64_t by,
                            uint64_t subject) __attribute__((warn_unused_result));

/*
 * ERR_OK: commits; the notice goes to everyone who was a member before the change, and to the
 * subject. Any other `err`: rolls back and returns it. After ERR_UNAVAILABLE the change may have
 * been committed all the same (db_uncertain); then gateways are told to read the log.
 */
enum err group_change_end(struct group_change *change, enum err err,
                          const struct group_notice *notice) __attribute__((warn_unused_result));

#endif
