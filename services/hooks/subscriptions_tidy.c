/* Removes subscriptions whose logins have ended; see subscriptions_tidy.h. */
#include "services/hooks/subscriptions_tidy.h"

#include "services/hooks/hooks_sql.h"

/* Of how many an account has, a page holds more: so it always gets on. */
static enum err find_end(struct db *db, uint64_t place, uint64_t *until_r) {
    struct db_rows *rows = NULL;
    enum err err = db_query(db, &hooks_sql_find_subscriptions_end,
                            DB_ARGS(db_u64(place), db_u64(SUBSCRIPTIONS_TIDY_ROWS - 1)), &rows);
    *until_r = err == ERR_OK && db_rows_next(rows) ? db_rows_u64(rows, 0) : UINT64_MAX;
    db_rows_destroy(&rows);
    return err;
}

static enum err remove_ended(struct db *db, uint64_t place, uint64_t until) {
    struct db_rows *rows = NULL;
    enum err err =
        db_query(db, &hooks_sql_ended_subscriptions, DB_ARGS(db_u64(place), db_u64(until)), &rows);
    while (err == ERR_OK && db_rows_next(rows))
        err = db_query(db, &hooks_sql_unsubscribe,
                       DB_ARGS(db_u64(db_rows_u64(rows, 0)), db_u64(db_rows_u64(rows, 1))), NULL);
    db_rows_destroy(&rows);
    return err;
}

/* Whoever subscribes has the state locked, too: it finds the hook, or makes it. */
static enum err remove_hook(struct db *db) {
    enum err err = db_begin(db);
    if (err == ERR_OK)
        err = db_query(db, &hooks_sql_lock, DB_NO_ARGS, NULL);
    if (err == ERR_OK)
        err = db_query(db, &hooks_sql_remove_unused_web_push, DB_NO_ARGS, NULL);
    if (err == ERR_OK && db_affected(db) > 0)
        err = db_query(db, &hooks_sql_changed, DB_NO_ARGS, NULL);
    if (err == ERR_OK)
        err = db_commit(db);
    db_rollback(db); /* nothing after a commit */
    return err;
}

static enum err is_unused(struct db *db, bool *unused_r) {
    struct db_rows *rows = NULL;
    enum err err = db_query(db, &hooks_sql_is_web_push_unused, DB_NO_ARGS, &rows);
    *unused_r = err == ERR_OK && db_rows_next(rows);
    db_rows_destroy(&rows);
    return err;
}

enum err subscriptions_tidy(struct db *db, uint64_t *place_io) {
    uint64_t until = 0;
    bool unused = false;
    enum err err = find_end(db, *place_io, &until);
    if (err == ERR_OK)
        err = remove_ended(db, *place_io, until);
    if (err == ERR_OK)
        err = is_unused(db, &unused);
    if (err == ERR_OK && unused)
        err = remove_hook(db);
    if (err == ERR_OK)
        *place_io = until == UINT64_MAX ? 0 : until;
    return err;
}
