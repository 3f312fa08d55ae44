/* After a restore; see restored.h. */
#include "services/entries/restored.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

#include "common/log.h"
#include "common/loop.h"
#include "services/entries/entries.h"

/* no limit: a range */
/* JSON's numbers are exact up to there. */
#define EPOCH_LIMIT ((uint64_t)1 << 53)

struct sequence {
    const char *name;
    uint64_t step;    /* how far it moves */
    uint64_t value;   /* the number of which its values are multiples */
    const char *most; /* SQL for the largest number that is in use */
};

static const struct sequence sequences[] = {
    /* First: the operator is shown its new value. MAX by conversation, which the index skips
     * through. */
    {"cid_block", RESTORED_CIDS, ENTRIES_MAX_ROWS,
     "SELECT COALESCE(MAX(last), 0)"
     " FROM (SELECT MAX(cid) AS last FROM message GROUP BY conversation) AS lasts"},
    {"pair_number", RESTORED_PAIRS, 1,
     "SELECT COALESCE(MAX(id), 0) FROM conversation WHERE kind = 0"},
};
#define SEQUENCES (sizeof sequences / sizeof sequences[0])

/* The first number of a statement; 0 where it has no row. */
static enum err read_number(struct db *db, const char *text, uint64_t *number_r) {
    struct buffer sql = buffer_make(1024);
    buffer_add_text(&sql, text);
    struct db_rows *rows = NULL;
    *number_r = 0;
    enum err err = db_script_run(db, &sql);
    buffer_free(&sql);
    if (err != ERR_OK)
        return err;
    while (db_script_next(db, &rows)) {
        if (rows != NULL && db_rows_next(rows))
            *number_r = db_rows_u64(rows, 0);
        db_rows_destroy(&rows);
    }
    return db_script_end(db);
}

static enum err read_next(struct db *db, const struct sequence *sequence, uint64_t *next_r) {
    char sql[128];
    snprintf(sql, sizeof sql, "SELECT next_not_cached_value FROM %s", sequence->name);
    return read_number(db, sql, next_r);
}

static enum err explain(struct db *db, enum err err, const char *step, char *message_r) {
    if (err != ERR_OK && message_r[0] == '\0')
        snprintf(message_r, SCHEMA_MESSAGE_BYTES, "%s: %s", step, db_fault(db));
    return err;
}

/* --- at the start ---------------------------------------------------------------------------- */

static enum err check_cids(struct db *db, char *message_r) {
    uint64_t next, most = 0;
    int64_t began_ms = loop_now_ms();
    enum err err = read_next(db, &sequences[0], &next);
    if (err != ERR_OK)
        return err;
    db_set_deadline(db, began_ms + ENTRIES_CHECK_MS);
    err = read_number(db, sequences[0].most, &most);
    db_set_deadline(db, INT64_MAX);
    db_rollback(db);
    if (err == ERR_UNAVAILABLE && loop_now_ms() - began_ms >= ENTRIES_CHECK_MS / 2) {
        log_warn("entries_not_checked", "reason=\"there are too many conversations\"");
        return ERR_OK;
    }
    if (err != ERR_OK || most < next)
        return err;
    snprintf(message_r, SCHEMA_MESSAGE_BYTES,
             "the message log has cid %" PRIu64 ", but its sequence continues at %" PRIu64
             ": it was not restored as a whole; run parleyctl restored",
             most, next);
    return ERR_NOT_ALLOWED;
}

enum err entries_check(struct db *db, char message_r[SCHEMA_MESSAGE_BYTES]) {
    enum err err = schema_check(db, message_r);
    return err != ERR_OK
               ? err
               : explain(db, check_cids(db, message_r), "cannot check the message log", message_r);
}

/* --- after a restore ------------------------------------------------------------------------- */

/* Behind the values that were given and those in use, whichever is more. */
static enum err move(struct db *db, const struct sequence *sequence, uint64_t *first_r,
                     char *message_r) {
    char sql[128];
    uint64_t next, most, set = 0;
    enum err err = read_next(db, sequence, &next);
    if (err == ERR_OK)
        err = read_number(db, sequence->most, &most);
    if (err != ERR_OK)
        return err;
    uint64_t first = (most >= next ? most + 1 : next) + sequence->step;
    first = (first + sequence->value - 1) / sequence->value * sequence->value;
    snprintf(sql, sizeof sql, "SELECT SETVAL(%s, %" PRIu64 ", 0)", sequence->name, first);
    err = read_number(db, sql, &set);
    if (err == ERR_OK && set != first) {
        snprintf(message_r, SCHEMA_MESSAGE_BYTES, "%s has no numbers left", sequence->name);
        err = ERR_TOO_MANY;
    }
    *first_r = first;
    return err;
}

static enum err begin_epoch(struct db *db, uint64_t *epoch_r) {
    static const struct db_statement statement = {"begin_epoch",
                                                  "UPDATE epoch SET number = ?, began_ms = ?"};
    uint64_t number = 0;
    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
        return ERR_INTERNAL;
    *epoch_r = 1 + number % (EPOCH_LIMIT - 1);
    return db_query(db, &statement, DB_ARGS(db_u64(*epoch_r), db_u64((uint64_t)loop_wall_ms())),
                    NULL);
}

enum err entries_restored(struct db *db, uint64_t *epoch_r, uint64_t *first_cid_r,
                          char message_r[SCHEMA_MESSAGE_BYTES]) {
    enum err err = schema_check(db, message_r);
    for (size_t i = 0; i < SEQUENCES && err == ERR_OK; i++) {
        uint64_t first = 0;
        err = move(db, &sequences[i], &first, message_r);
        if (i == 0)
            *first_cid_r = first;
    }
    if (err == ERR_OK)
        err = begin_epoch(db, epoch_r);
    return explain(db, err, "cannot finish after the restore", message_r);
}
