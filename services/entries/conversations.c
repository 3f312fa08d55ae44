/* Opening conversations, and opening and closing them for their readers. */
#include "services/entries/conversations.h"

#include <assert.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/loop.h"
#include "proto/conversation.h"
#include "services/entries/conversations_sql.h"
#include "services/entries/entry.h"
#include "services/entries/head_cache.h"

/* limit: delivery | cursors per statement that ends memberships | {CLOSE_STEP} | several statements
 */
/* Cursors per statement. */
#define CLOSE_STEP 1024

/* --- pairs ----------------------------------------------------------------------------------- */

/* Pairs that nobody remembers: ascending, each once. */
struct unknown {
    struct conversation_pair pairs[CONVERSATIONS_MAX_PAIRS];
    size_t count;
};

static int compare_pairs(const void *a, const void *b) {
    const struct conversation_pair *x = a, *y = b;
    if (x->lo != y->lo)
        return x->lo > y->lo ? 1 : -1;
    return (x->hi > y->hi) - (x->hi < y->hi);
}

static struct conversation_pair *find_pair(struct unknown *unknown,
                                           const struct conversation_pair *pair) {
    return bsearch(pair, unknown->pairs, unknown->count, sizeof *pair, compare_pairs);
}

static void recall_pairs(const struct head_cache *cache, struct conversation_pair *pairs,
                         size_t count, struct unknown *unknown) {
    size_t all = 0;
    for (size_t i = 0; i < count; i++) {
        struct conversation_pair *pair = &pairs[i];
        pair->conversation = cache == NULL ? 0 : head_cache_find_pair(cache, pair->lo, pair->hi);
        if (pair->conversation == 0 && pair->lo < pair->hi)
            unknown->pairs[all++] = *pair;
    }
    qsort(unknown->pairs, all, sizeof unknown->pairs[0], compare_pairs);
    unknown->count = 0;
    for (size_t i = 0; i < all; i++)
        if (i == 0 || compare_pairs(&unknown->pairs[i - 1], &unknown->pairs[i]) != 0)
            unknown->pairs[unknown->count++] = unknown->pairs[i];
}

/* Reads conversations_sql_add_find's rows; copies pairs that have accounts but no conversation to
 * `missing`. */
static void read_found(struct db_rows *rows, struct unknown *unknown, struct unknown *missing) {
    missing->count = 0;
    while (db_rows_next(rows)) {
        const struct conversation_pair key = {.lo = db_rows_u64(rows, 0),
                                              .hi = db_rows_u64(rows, 1)};
        struct conversation_pair *pair = find_pair(unknown, &key);
        if (pair == NULL)
            continue;
        pair->conversation = db_rows_u64(rows, 2);
        if (pair->conversation == 0)
            missing->pairs[missing->count++] = *pair;
    }
}

/* Looks the pairs up, after it has made those of `missing` where there are any. */
static enum err find_pairs(struct db *db, struct unknown *unknown, struct unknown *missing) {
    struct buffer sql = buffer_make(ENTRIES_SCRIPT_BYTES);
    if (missing->count > 0) {
        qsort(missing->pairs, missing->count, sizeof missing->pairs[0], compare_pairs);
        conversations_sql_add_make(&sql, missing->pairs, missing->count, (uint64_t)loop_wall_ms());
    }
    conversations_sql_add_find(&sql, unknown->pairs, unknown->count);
    enum err err = db_script_run(db, &sql);
    buffer_free(&sql);
    if (err != ERR_OK)
        return err;
    for (struct db_rows *rows = NULL; db_script_next(db, &rows); db_rows_destroy(&rows))
        if (rows != NULL)
            read_found(rows, unknown, missing);
    return db_script_end(db);
}

/*
 * Two people who exist have a conversation by now, unless the number that it was to get is in use:
 * the database was restored, and its sequences have not been moved on (restored.h).
 */
static enum err refuse_restored(const struct conversation_pair *pair) {
    log_error(
        "entries_restored",
        "reason=\"the sequence of conversations is behind the stored ones: run parleyctl restored\""
        " account=%llu account=%llu",
        (unsigned long long)pair->lo, (unsigned long long)pair->hi);
    return ERR_UNAVAILABLE;
}

enum err conversations_open_pairs(struct db *db, struct head_cache *cache,
                                  struct conversation_pair *pairs, size_t count) {
    struct unknown unknown, missing;
    assert(count <= CONVERSATIONS_MAX_PAIRS);
    recall_pairs(cache, pairs, count, &unknown);
    if (unknown.count == 0)
        return ERR_OK;
    missing.count = 0;
    enum err err = find_pairs(db, &unknown, &missing);
    if (err == ERR_OK && missing.count > 0)
        err = find_pairs(db, &unknown, &missing);
    if (err == ERR_OK && missing.count > 0)
        err = refuse_restored(&missing.pairs[0]);
    if (err != ERR_OK) {
        db_rollback(db);
        return err;
    }
    for (size_t i = 0; i < count; i++) {
        const struct conversation_pair *found =
            pairs[i].conversation == 0 ? find_pair(&unknown, &pairs[i]) : NULL;
        if (found != NULL)
            pairs[i].conversation = found->conversation;
    }
    for (size_t i = 0; cache != NULL && i < unknown.count; i++) {
        const struct conversation_pair *pair = &unknown.pairs[i];
        if (pair->conversation != 0)
            head_cache_keep_pair(cache, pair->lo, pair->hi, pair->conversation);
    }
    return ERR_OK;
}

/* --- people's own conversations, and that of all ---------------------------------------------- */

/* Runs a script that gives no rows, and frees it. */
static enum err run_script(struct db *db, struct buffer *sql) {
    enum err err = db_script_run(db, sql);
    buffer_free(sql);
    if (err != ERR_OK)
        return err;
    for (struct db_rows *rows = NULL; db_script_next(db, &rows);)
        db_rows_destroy(&rows);
    return db_script_end(db);
}

enum err conversations_open_selves(struct db *db, const uint64_t *accounts, size_t count) {
    if (count == 0)
        return ERR_OK;
    struct buffer sql = buffer_make(ENTRIES_SCRIPT_BYTES);
    conversations_sql_add_open_selves(&sql, accounts, count, (uint64_t)loop_wall_ms());
    return run_script(db, &sql);
}

enum err conversations_open_broadcast(struct db *db) {
    return db_query(db, &conversations_sql_open_broadcast,
                    DB_ARGS(db_u64(CONVERSATION_OF_ALL), db_u64((uint64_t)loop_wall_ms()),
                            db_u64(CONVERSATION_OF_ALL)),
                    NULL);
}

/* --- cursors --------------------------------------------------------------------------------- */

enum err conversations_open_cursor(struct db *db, uint64_t conversation, uint64_t account,
                                   uint64_t last_cid) {
    const struct db_value who = db_u64(account), where = db_u64(conversation),
                          last = db_u64(last_cid);
    enum err err =
        db_query(db, &conversations_sql_add_absence, DB_ARGS(last, who, where, last), NULL);
    if (err != ERR_OK)
        return err;
    return db_query(db, &conversations_sql_open_cursor, DB_ARGS(who, where, last, last), NULL);
}

enum err conversations_close_cursors(struct db *db, uint64_t conversation, const uint64_t *accounts,
                                     size_t count, uint64_t until) {
    enum err err = ERR_OK;
    for (size_t at = 0; err == ERR_OK && at < count; at += CLOSE_STEP) {
        struct buffer sql = buffer_make(ENTRIES_SCRIPT_BYTES);
        conversations_sql_add_close_cursors(&sql, conversation, accounts + at,
                                            count - at < CLOSE_STEP ? count - at : CLOSE_STEP,
                                            until);
        err = run_script(db, &sql);
    }
    return err;
}
