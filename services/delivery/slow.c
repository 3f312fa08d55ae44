/* Slow mode; see slow.h. */
#include "services/delivery/slow.h"

#include "services/delivery/delivery_sql.h"
#include "services/entries/entries.h"

/* Mostly as many entries reach back far enough. */
#define FIRST_ENTRIES 100

bool slow_concerns(const struct entry_head *head, uint64_t account) {
    return head->slow_s > 0 && !entries_standing(head, account).administrator;
}

/* Of the newest `limit` entries. `enough_r`: older ones do not matter. */
static enum err look(struct db *db, const struct entry_head *head, uint64_t account, uint64_t limit,
                     uint64_t since_ms, uint64_t *last_ms_r, bool *enough_r) {
    struct db_rows *rows;
    enum err err = db_query(db, &delivery_sql_last_text,
                            DB_ARGS(db_u64(account), db_u64(head->id), db_u64(limit)), &rows);
    if (err == ERR_OK && db_rows_next(rows)) {
        *last_ms_r = db_rows_u64(rows, 0);
        *enough_r =
            *last_ms_r > 0 || db_rows_u64(rows, 1) <= since_ms || db_rows_u64(rows, 2) < limit;
    } else if (err == ERR_OK) {
        err = ERR_INTERNAL;
    }
    db_rows_destroy(&rows);
    return err;
}

enum err slow_wait(struct db *db, const struct entry_head *head, uint64_t account, uint64_t now_ms,
                   uint64_t *wait_ms_r) {
    const uint64_t pause_ms = head->slow_s * 1000;
    const uint64_t since_ms = now_ms > pause_ms ? now_ms - pause_ms : 0;
    uint64_t last_ms = 0;
    bool enough = false;
    enum err err = look(db, head, account, FIRST_ENTRIES, since_ms, &last_ms, &enough);
    if (err == ERR_OK && !enough)
        err = look(db, head, account, SLOW_MOST_ENTRIES, since_ms, &last_ms, &enough);
    *wait_ms_r = last_ms > since_ms ? last_ms - since_ms : 0;
    return err;
}
