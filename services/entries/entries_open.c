/* Opening conversations, and opening and closing them for their readers. */
#include "common/loop.h"
#include "proto/conversation.h"
#include "services/entries/entries_sql.h"
#include "services/entries/head_cache.h"

/* Cursors per statement. */
#define CLOSE_STEP 1024

/* --- pairs ----------------------------------------------------------------------------------- */

static enum err make_pair(struct db *db, uint64_t lo, uint64_t hi, uint64_t *conversation_r) {
    struct db_rows *rows = NULL;
    enum err err =
        db_query(db, &entries_sql_count_accounts, DB_ARGS(db_u64(lo), db_u64(hi)), &rows);
    if (err == ERR_OK && (!db_rows_next(rows) || db_rows_u64(rows, 0) != 2))
        err = ERR_NO_ACCOUNT;
    db_rows_destroy(&rows);
    if (err == ERR_OK)
        err = db_query(db, &entries_sql_next_pair, DB_NO_ARGS, &rows);
    if (err == ERR_OK && db_rows_next(rows))
        *conversation_r = db_rows_u64(rows, 0);
    db_rows_destroy(&rows);
    if (err == ERR_OK)
        err = db_begin(db);
    if (err != ERR_OK)
        return err;
    uint64_t id = *conversation_r;
    err = db_query(db, &entries_sql_insert_pair,
                   DB_ARGS(db_u64(id), db_u64(lo), db_u64(hi), db_u64((uint64_t)loop_wall_ms())),
                   NULL);
    if (err == ERR_OK)
        err = db_query(db, &entries_sql_insert_cursors,
                       DB_ARGS(db_u64(lo), db_u64(id), db_u64(hi), db_u64(id)), NULL);
    if (err == ERR_OK)
        err = db_commit(db);
    if (err != ERR_OK)
        db_rollback(db);
    return err;
}

static enum err find_pair(struct db *db, uint64_t lo, uint64_t hi, uint64_t *conversation_r) {
    struct db_rows *rows = NULL;
    enum err err = db_query(db, &entries_sql_find_pair, DB_ARGS(db_u64(lo), db_u64(hi)), &rows);
    *conversation_r = err == ERR_OK && db_rows_next(rows) ? db_rows_u64(rows, 0) : 0;
    db_rows_destroy(&rows);
    return err;
}

enum err entries_open_pair(struct db *db, struct head_cache *cache, uint64_t a, uint64_t b,
                           uint64_t *conversation_r) {
    uint64_t lo = a < b ? a : b, hi = a < b ? b : a;
    *conversation_r = cache == NULL ? 0 : head_cache_find_pair(cache, lo, hi);
    if (*conversation_r != 0)
        return ERR_OK;
    enum err err = find_pair(db, lo, hi, conversation_r);
    if (err == ERR_OK && *conversation_r == 0) {
        err = make_pair(db, lo, hi, conversation_r);
        if (err == ERR_TAKEN) /* another instance was quicker */
            err = find_pair(db, lo, hi, conversation_r);
    }
    if (err == ERR_OK && cache != NULL)
        head_cache_keep_pair(cache, lo, hi, *conversation_r);
    return err;
}

/* --- people's own conversations, and that of all ---------------------------------------------- */

/* Runs a script that gives no rows, and frees it. */
static enum err run_script(struct db *db, struct buffer *sql) {
    enum err err = sql->failed ? ERR_INTERNAL : db_script_run(db, sql);
    buffer_free(sql);
    if (err != ERR_OK)
        return err;
    for (struct db_rows *rows = NULL; db_script_next(db, &rows);)
        db_rows_destroy(&rows);
    return db_script_end(db);
}

enum err entries_open_selves(struct db *db, const uint64_t *accounts, size_t count) {
    if (count == 0)
        return ERR_OK;
    struct buffer sql = buffer_make(ENTRIES_SCRIPT_BYTES);
    entries_sql_add_open_selves(&sql, accounts, count, (uint64_t)loop_wall_ms());
    return run_script(db, &sql);
}

enum err entries_open_broadcast(struct db *db) {
    return db_query(db, &entries_sql_open_broadcast,
                    DB_ARGS(db_u64(CONVERSATION_OF_ALL), db_u64((uint64_t)loop_wall_ms()),
                            db_u64(CONVERSATION_OF_ALL)),
                    NULL);
}

/* --- cursors --------------------------------------------------------------------------------- */

enum err entries_open_cursor(struct db *db, uint64_t conversation, uint64_t account,
                             uint64_t last_cid) {
    const struct db_value who = db_u64(account), where = db_u64(conversation),
                          last = db_u64(last_cid);
    enum err err = db_query(db, &entries_sql_add_absence, DB_ARGS(last, who, where, last), NULL);
    if (err != ERR_OK)
        return err;
    return db_query(db, &entries_sql_open_cursor, DB_ARGS(who, where, last, last), NULL);
}

enum err entries_close_cursors(struct db *db, uint64_t conversation, const uint64_t *accounts,
                               size_t count, uint64_t until) {
    enum err err = ERR_OK;
    for (size_t at = 0; err == ERR_OK && at < count; at += CLOSE_STEP) {
        struct buffer sql = buffer_make(ENTRIES_SCRIPT_BYTES);
        entries_sql_add_close_cursors(&sql, conversation, accounts + at,
                                      count - at < CLOSE_STEP ? count - at : CLOSE_STEP, until);
        err = run_script(db, &sql);
    }
    return err;
}
