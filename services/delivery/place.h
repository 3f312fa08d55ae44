/*
 * How an account stands in a conversation that is named by those in it: `group`; or `user`, which
 * is another account, or the same one for its own notices; or, both 0, that of all.
 */
#ifndef PARLEY_DELIVERY_PLACE_H
#define PARLEY_DELIVERY_PLACE_H

#include "common/db.h"

struct place {
    uint64_t conversation; /* 0: there is none */
    uint64_t since, received, seen, last;
    bool dissolved, reader;
    bool left;    /* it may read only the entries written until then */
    bool blocked; /* one of a pair takes nothing from the other */
    bool friends; /* a pair's two */
};

/* Any numbers. `last`: of the entries that the account may read. */
enum err place_find(struct db *db, uint64_t account, uint64_t user, uint64_t group,
                    struct place *place_r) __attribute__((warn_unused_result));
/* Why there is nothing for an account that is no reader: never ERR_OK. */
enum err place_explain(struct db *db, uint64_t account, uint64_t user, uint64_t group,
                       const struct place *place) __attribute__((warn_unused_result));

#endif
