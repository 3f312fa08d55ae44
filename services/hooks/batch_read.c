/* Reads what a hook is told next; see batch_read.h. */
#include "services/hooks/batch_read.h"

#include "services/hooks/event_read.h"
#include "services/hooks/hooks_sql.h"

/* limit: hooks | a script that reads entries | {SCRIPT_BYTES}, for {SCRIPT_ENTRIES} entries, or one
 * row of the journal | the next one reads on */
#define SCRIPT_BYTES ((size_t)1 << 20)
#define SCRIPT_ENTRIES 128

static void add_entry(const struct db_rows *rows, const struct selection *selection,
                      struct event_text *text) {
    const struct event_entry entry = event_entry_read(rows);
    events_add_entry(text, selection, &entry);
}

static enum err add_offline(struct db *db, const struct db_rows *journal,
                            const struct selection *selection, bool with_text,
                            struct event_text *text) {
    struct event_wake wake = {.due = false};
    if ((selection->families & HOOK_FAMILY_OFFLINE) == 0)
        return ERR_OK;
    enum err err = event_wake_read(db, journal, with_text, &wake);
    if (wake.due)
        events_add_offline(text, selection, &wake.offline, &wake.entry);
    event_wake_free(&wake);
    return err;
}

static void add_change(const struct db_rows *journal, const struct selection *selection,
                       struct event_text *text) {
    events_add_change(
        text, selection,
        &(struct event_change){
            .block = db_rows_u64(journal, JOURNAL_BLOCK),
            .time_ms = db_rows_u64(journal, JOURNAL_TIME_MS),
            .what = db_rows_slice(journal, JOURNAL_WHAT),
            .account = event_party_read(journal, JOURNAL_ACCOUNT, JOURNAL_ACCOUNT_ID),
            .subject = event_party_read(journal, JOURNAL_SUBJECT, JOURNAL_SUBJECT_ID)});
}

/* Some rows of the journal, of which those with entries have a statement in `sql`. */
struct piece {
    struct buffer sql;
    uint64_t entries, upto;
    struct db_rows *rows; /* at the row behind the piece's last one */
};

/* Runs what the piece asks for. */
static enum err read_piece(struct db *db, struct piece *piece, const struct selection *selection,
                           struct event_text *text) {
    if (piece->sql.length == 0)
        return ERR_OK;
    struct db_rows *rows = NULL;
    enum err err = db_script_run(db, &piece->sql);
    while (err == ERR_OK && db_script_next(db, &rows)) {
        while (rows != NULL && db_rows_next(rows))
            add_entry(rows, selection, text);
        db_rows_destroy(&rows);
    }
    buffer_clear(&piece->sql);
    piece->entries = 0;
    return err == ERR_OK ? db_script_end(db) : err;
}

static bool is_full(const struct event_text *text, const struct batch_read *batch) {
    return text->count >= batch->most_events || text->json.length >= EVENTS_FULL_BYTES;
}

/* Rows stand in the order of their blocks: what waits in the piece is read before a change. */
static enum err take_row(struct db *db, const struct hook_row *row, bool with_text,
                         struct piece *piece, struct event_text *text) {
    const uint64_t entries = db_rows_u64(piece->rows, JOURNAL_ENTRIES);
    const bool offline =
        slice_equal(db_rows_slice(piece->rows, JOURNAL_WHAT), slice_text("offline"));
    enum err err = ERR_OK;
    if (entries == 0 || piece->entries + entries > SCRIPT_ENTRIES)
        err = read_piece(db, piece, &row->selection, text);
    if (err == ERR_OK && offline)
        err = add_offline(db, piece->rows, &row->selection, with_text, text);
    else if (err == ERR_OK && entries == 0)
        add_change(piece->rows, &row->selection, text);
    if (err == ERR_OK && entries > 0) {
        piece->entries += entries;
        hooks_sql_add_entries(&piece->sql, db_rows_u64(piece->rows, JOURNAL_BLOCK), entries,
                              db_rows_slice(piece->rows, JOURNAL_CONVERSATIONS));
    }
    return err;
}

enum err batch_read(struct db *db, const struct hook_row *row, struct batch_read *batch,
                    struct event_text *text) {
    struct piece piece = {.sql = buffer_make(SCRIPT_BYTES)};
    batch->upto = row->seq;
    batch->lost = 0;
    if (row->seq >= batch->newest)
        return ERR_OK;
    enum err err = db_query(db, &hooks_sql_read_journal,
                            DB_ARGS(db_u64(row->seq), db_u64(BATCH_READ_ROWS)), &piece.rows);
    bool any = false;
    while (err == ERR_OK && !is_full(text, batch) && db_rows_next(piece.rows)) {
        const uint64_t seq = db_rows_u64(piece.rows, JOURNAL_SEQ);
        batch->lost += seq - batch->upto - 1;
        batch->upto = seq;
        any = true;
        err = take_row(db, row, batch->with_text, &piece, text);
        /* Otherwise a full batch is only noticed at the next piece. */
        if (err == ERR_OK && text->count + piece.entries >= batch->most_events)
            err = read_piece(db, &piece, &row->selection, text);
    }
    if (err == ERR_OK)
        err = read_piece(db, &piece, &row->selection, text);
    if (err == ERR_OK && !any) {
        batch->lost = batch->newest - batch->upto;
        batch->upto = batch->newest;
    }
    db_rows_destroy(&piece.rows);
    buffer_free(&piece.sql);
    return err;
}
