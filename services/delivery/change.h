/*
 * A change of a text that is stored, and its notice, in one transaction.
 *
 *     return change_run(&(struct change_plan){.service = context, .account = ask->account, ...,
 *                                             .type = ENTRY_EDITED, .text = ask->text,
 *                                             .check = check, .write = write},
 *                       db, reply_r);
 *
 * With the head of its conversation locked, the text is read, as far as the account may read it;
 * `check` decides on an error, `write` changes it, and the notice is appended to the message log
 * behind it. So changes and texts are in one order, and a writer never stores beside a change.
 *
 * A change is made once: the notice has its nonce. Where that is there already, nothing is changed
 * and nobody is notified.
 */
#ifndef PARLEY_DELIVERY_CHANGE_H
#define PARLEY_DELIVERY_CHANGE_H

#include "services/delivery/delivery.h"

struct change;
typedef enum err change_step(struct change *change);

/* Numbers may be whatever a request holds. */
struct change_plan {
    const struct delivery *service;
    uint64_t account;     /* who changes the text */
    uint64_t user, group; /* in the conversation with that account, or in that group */
    uint64_t cid;         /* of the text */
    struct slice nonce;   /* empty: the change is never repeated */
    enum entry_type type; /* of the notice */
    struct slice text;    /* of the notice, as it is pushed */
    bool on;              /* its `accepted` */
    bool reworded;        /* the nonce of this edit came with another text */
    bool stored;          /* it was made: nothing is changed now */
    bool retracts;        /* an account that is blocked may do it all the same */
    change_step *check;   /* an error, or whether there is anything to do */
    change_step *write;
};

/* A transaction, with the text as it was before. */
struct change {
    const struct change_plan *plan;
    struct db *db;
    struct record_arena arena;
    struct entry_heads heads;
    struct entry_head *head;
    uint64_t sender, time_ms, edited_ms;
    bool administers; /* the account is the group's owner or an administrator */
    bool shows_file;
    struct u64_list readers;   /* of a group: the members who may read the text */
    struct slice id, other_id; /* of the account, and of the other one of a pair */
    /* Set by `check`. */
    bool done;           /* there is nothing to do */
    uint64_t changed_ms; /* ENTRY_EDITED: the text's edited_ms from now on, unlike any before */
};

/*
 * ERR_OK: committed and routed; or nothing to do, or done by an earlier request with the same nonce
 * (`repeat`). ERR_REF_USED: that was another request. ERR_NO_MESSAGE: the account may read no text
 * with that cid there. The errors of place.h and rights.h; those of `check`; the database's. After
 * ERR_UNAVAILABLE it may have been committed all the same; then gateways read the message log.
 */
enum err change_run(const struct change_plan *plan, struct db *db, struct done *reply)
    __attribute__((warn_unused_result));

/* For `check`: whether the text is the account's own, and was stored within this time. */
enum err change_check_own(const struct change *change, uint64_t minutes)
    __attribute__((warn_unused_result));

#endif
