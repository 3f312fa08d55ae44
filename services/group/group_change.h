/*
 * A change and its notices, in one transaction.
 *
 *     return group_change_run(&(struct group_plan){.service = context, .ask = body,
 *                                                  .message = &message_GROUP_LEAVE,
 *                                                  .nonce = ask->nonce,
 *                                                  .group = ask->group, .by = ask->account,
 *                                                  .subject = ask->account,
 *                                                  .check = check_leave, .write = leave},
 *                             db, arena, reply_r);
 *
 * A transaction locks the head of the plan's group (or pair, or of the conversation of all) and
 * those of the own conversations of its `selves`; then it reads the account that makes the change,
 * and the one that it is about. `check` decides on an error, or on the notices; `write` carries the
 * change out. Then the group's version is raised (so deliveries forget the members that they
 * remember), the notices are appended to their conversations, all of it is committed, and each
 * notice is routed to the readers of its conversation. Neither change nor notice exists without the
 * other.
 *
 * A notice may go to a conversation that is not locked: only `check` finds out who gets it, and an
 * account's own conversation is made when it is first needed. Then the transaction ends before
 * `write`, the conversation is made if need be, and a new transaction locks it too. So:
 * - `check` may run several times, and only reads; an error leaves nothing behind;
 * - changes of one group happen one after the other, and so do those of one person's friends, of
 * which both own conversations are locked;
 * - locks are taken in the order of conversations' ids, and rows only behind them, ascending: two
 *   changes wait, never deadlock.
 *
 * A plan with a nonce is carried out once (group_done.h): the row that says so is written first of
 * all when everything is locked, also where there is nothing to do.
 */
#ifndef PARLEY_GROUP_CHANGE_H
#define PARLEY_GROUP_CHANGE_H

#include "services/audit/audit.h"
#include "services/entries/entry.h"
#include "services/group/group.h"
#include "services/group/group_done.h"

/*
 * limit: delivery | transactions of one change until everything it needs is locked |
 * {GROUP_CHANGE_ATTEMPTS} | `unavailable`, nothing is changed
 */
/* Transactions until every conversation is locked: two, and more when its readers change. */
#define GROUP_CHANGE_ATTEMPTS 5
/* Accounts whose own conversations one change locks; with the group's within ENTRIES_MAX_HEADS. */
#define GROUP_CHANGE_MAX_SELVES (ENTRIES_MAX_HEADS - 1)

struct group_change;
typedef enum err group_step(struct group_change *change);

/* The change to make. Numbers may be whatever a request holds. */
struct group_plan {
    const struct group_service *service;
    const void *ask; /* the request's body */
    /* The message whose body `ask` is, and its nonce; empty: it is never repeated. */
    const struct message_desc *message;
    struct slice nonce;
    enum { CHANGE_OF_GROUP, CHANGE_OF_PAIR, CHANGE_OF_ACCOUNTS, CHANGE_OF_ALL } kind;
    uint64_t group;
    uint64_t pair;        /* CHANGE_OF_PAIR: the conversation, which exists */
    bool operated;        /* by the operator; `by` is 0 */
    uint64_t by, subject; /* the account that makes the change, the one that it is about; 0: none */
    uint64_t selves[2];   /* accounts whose own conversations are locked from the start; 0: none */
    group_step *check;    /* no notice: there is nothing to do, it had been done before */
    group_step *write;    /* NULL: the notice is all */
    enum audit_event audit;       /* AUDIT_NONE: the audit takes no note of it */
    struct slice address, detail; /* as the audit has them */
};

struct group_party {
    uint64_t account;
    struct slice id;      /* empty where it is the number's decimal form */
    bool exists;          /* and was not deleted */
    enum group_role role; /* in the plan's group */
};

struct group_notice {
    enum entry_type type;
    const struct group_party *from, *subject; /* in the change; NULL: nobody */
    /* In whose own conversations it stands, borrowed; none: in that of the change. */
    struct u64_list selves;
    bool accepted;
    uint64_t target;   /* a time, or whatever the entry's type says; 0: nothing */
    struct slice text; /* borrowed */
};

struct group_change {
    const struct group_plan *plan;
    const struct group_done *done;
    struct db *db;
    struct record_arena *arena; /* of the request; holds what a step leaves in the change */
    struct entry_heads heads;
    /* Of the plan's group, never dissolved, with all members as before the change; or of its pair;
     * or of the conversation of all; NULL for a change between accounts. */
    struct entry_head *head;
    struct group_party by, subject; /* `by` is nobody for the operator, with that role */
    /* Set by `check`: at most two notices, to whatever number of conversations. */
    struct group_notice notices[2];
    size_t notice_count;
    struct audit_entry noted; /* as the plan has it; `check` may change it */
    /* Of a request that `check` lets be stored (group_joining.h). */
    struct {
        bool stranger;      /* the one that asks has nothing to do with the one that it asks */
        uint64_t displaces; /* whose request gives way to it; 0: nobody's */
    } request;
    /* Members, ascending, who read the group up to the notice of this change and no further. */
    struct u64_list leavers;
};

/*
 * ERR_OK: committed and routed, or nothing to do (`repeat`), or done by an earlier request with the
 * same nonce (`repeat`). ERR_REF_USED: that was another request. ERR_NO_GROUP; ERR_NO_ACCOUNT for a
 * number in `selves` that can't be one; ERR_TOO_MANY for more readers than GROUP_CHANGE_MAX_SELVES;
 * the steps' own errors; the database's. After ERR_UNAVAILABLE the change may have been committed
 * all the same (db_uncertain); then gateways have their clients read the message log.
 */
enum err group_change_run(const struct group_plan *plan, struct db *db, struct record_arena *arena,
                          struct done *reply) __attribute__((warn_unused_result));

/* For `check`: adds a notice. */
void group_change_notify(struct group_change *change, const struct group_notice *notice);

/* For `check`: the accounts that a statement gives in its only column; they live in the arena. */
enum err group_change_read(struct group_change *change, const struct db_statement *statement,
                           const struct db_value *args, size_t arg_count,
                           struct u64_list *accounts_r) __attribute__((warn_unused_result));

#endif
