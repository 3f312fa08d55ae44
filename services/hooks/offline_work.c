/* What the database does to find who is to be woken; see offline_work.h. */
#include "services/hooks/offline_work.h"

#include <inttypes.h>
#include <stdlib.h>

#include "proto/mentions.h"
#include "services/hooks/hooks_sql.h"

/* no limit: OFFLINE_ROWS statements, of at most 128 conversations each */
#define SCRIPT_BYTES ((size_t)1 << 20)

static bool add(struct offline_list *list, const struct offline_found *found) {
    if (list->count == list->room) {
        const size_t room = list->room == 0 ? OFFLINE_FOUND_MAX : 2 * list->room;
        struct offline_found *longer = realloc(list->items, room * sizeof *longer);
        if (longer == NULL)
            return false;
        list->items = longer;
        list->room = room;
    }
    list->items[list->count++] = *found;
    return true;
}

/* Of one row of the journal. */
static enum err find_of_row(struct db *db, const struct db_rows *journal, uint64_t group_max,
                            struct offline_list *list) {
    struct buffer sql = buffer_make(SCRIPT_BYTES);
    struct db_rows *rows = NULL;
    struct offline_found found = {.seq = db_rows_u64(journal, JOURNAL_SEQ)};
    hooks_sql_add_receivers(&sql, db_rows_u64(journal, JOURNAL_BLOCK),
                            db_rows_u64(journal, JOURNAL_ENTRIES),
                            db_rows_slice(journal, JOURNAL_CONVERSATIONS), group_max);
    enum err err = db_script_query(db, &sql, &rows);
    while (err == ERR_OK && db_rows_next(rows)) {
        found.account = db_rows_u64(rows, 0);
        found.conversation = db_rows_u64(rows, 1);
        found.cid = db_rows_u64(rows, 2);
        if (!add(list, &found))
            err = ERR_OVERLOADED;
    }
    db_rows_destroy(&rows);
    buffer_free(&sql);
    return err;
}

enum err offline_find(struct db *db, uint64_t place, uint64_t newest, uint64_t group_max,
                      struct offline_list *found, uint64_t *place_r) {
    struct db_rows *journal = NULL;
    enum err err = db_query(db, &hooks_sql_read_journal,
                            DB_ARGS(db_u64(place), db_u64(OFFLINE_ROWS)), &journal);
    /* Rows that are not there any more were too old. */
    *place_r = err == ERR_OK && db_rows_count(journal) == 0 ? newest : place;
    while (err == ERR_OK && found->count < OFFLINE_FOUND_MAX && db_rows_next(journal)) {
        if (db_rows_u64(journal, JOURNAL_ENTRIES) > 0)
            err = find_of_row(db, journal, group_max, found);
        if (err == ERR_OK)
            *place_r = db_rows_u64(journal, JOURNAL_SEQ);
    }
    db_rows_destroy(&journal);
    return err;
}

static enum err wake(struct db *db, const struct offline_found *of) {
    char packed[MENTION_BYTES];
    const struct db_value account = db_u64(of->account), cid = db_u64(of->cid);
    enum err err = db_begin(db);
    if (err == ERR_OK)
        err = db_query(db, &hooks_sql_set_woken, DB_ARGS(account, db_u64(of->conversation), cid),
                       NULL);
    if (err == ERR_OK)
        err = db_query(db, &hooks_sql_add_offline,
                       DB_ARGS(db_bytes(mentions_pack(&of->conversation, 1, packed)), account, cid),
                       NULL);
    if (err == ERR_OK)
        err = db_commit(db);
    db_rollback(db); /* nothing after a commit */
    return err;
}

/* Columns: received, quiet, woken for, has got that, ms since. */
static void judge(const struct db_rows *rows, uint64_t delay_ms, uint64_t again_ms,
                  struct offline_check *check) {
    const bool woken = !db_rows_null(rows, 2) && db_rows_u64(rows, 3) == 0;
    const uint64_t since_ms = db_rows_u64(rows, 4);
    check->verdict = OFFLINE_WOKEN;
    if (db_rows_u64(rows, 0) >= check->of.cid || db_rows_u64(rows, 1) != 0 ||
        (woken && db_rows_u64(rows, 2) >= check->of.cid)) {
        check->verdict = OFFLINE_FORGET;
    } else if (check->online) {
        check->verdict = OFFLINE_WAIT;
        check->wait_ms = delay_ms;
    } else if (woken && since_ms < again_ms) {
        check->verdict = OFFLINE_WAIT;
        check->wait_ms = again_ms - since_ms;
    }
}

enum err offline_judge(struct db *db, uint64_t delay_ms, uint64_t again_ms,
                       struct offline_check *check) {
    struct db_rows *rows = NULL;
    enum err err =
        db_query(db, &hooks_sql_judge,
                 DB_ARGS(db_u64(check->of.conversation), db_u64(check->of.account)), &rows);
    check->verdict = OFFLINE_FORGET;
    if (err == ERR_OK && db_rows_next(rows))
        judge(rows, delay_ms, again_ms, check);
    db_rows_destroy(&rows);
    return err == ERR_OK && check->verdict == OFFLINE_WOKEN ? wake(db, &check->of) : err;
}
