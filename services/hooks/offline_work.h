/* The steps of offline.h that the database does; on a worker. */
#ifndef PARLEY_HOOKS_OFFLINE_WORK_H
#define PARLEY_HOOKS_OFFLINE_WORK_H

#include "common/db.h"

/* limit: hooks | rows of the journal, and accounts, that one step reads | {OFFLINE_ROWS};
 * {OFFLINE_FOUND_MAX}, but one row at least | the next step reads on */
#define OFFLINE_ROWS 64
#define OFFLINE_FOUND_MAX 4096

/* Somebody whom a text is for. */
struct offline_found {
    uint64_t account, conversation, cid, seq;
};

struct offline_list {
    struct offline_found *items;
    size_t count, room;
};

/* Finds whom the texts behind `place` are for, up to `*place_r` of the journal, at most `newest`.
 * Rows are read until OFFLINE_FOUND_MAX are found. */
enum err offline_find(struct db *db, uint64_t place, uint64_t newest, uint64_t group_max,
                      struct offline_list *found, uint64_t *place_r)
    __attribute__((warn_unused_result));

enum offline_verdict {
    OFFLINE_FORGET, /* there is nothing to wake it for */
    OFFLINE_WAIT,   /* until `wait_ms` are over */
    OFFLINE_WOKEN
};

struct offline_check {
    struct offline_found of;
    bool online;
    enum offline_verdict verdict;
    uint64_t wait_ms;
};

/* Judges one, and wakes it if that is due. */
enum err offline_judge(struct db *db, uint64_t delay_ms, uint64_t again_ms,
                       struct offline_check *check) __attribute__((warn_unused_result));

#endif
