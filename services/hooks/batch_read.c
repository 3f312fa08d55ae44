/* Reads what a hook is told next; see batch_read.h. */
#include "services/hooks/batch_read.h"

#include "proto/conversation.h"
#include "proto/mentions.h"
#include "services/hooks/hooks_sql.h"

/* limit: hooks | a script that reads entries | {SCRIPT_BYTES}, for {SCRIPT_ENTRIES} entries, or one
 * row of the journal | the next one reads on */
#define SCRIPT_BYTES ((size_t)1 << 20)
#define SCRIPT_ENTRIES 128

static struct event_party party(const struct db_rows *rows, unsigned number, unsigned id) {
    return (struct event_party){db_rows_u64(rows, number), db_rows_slice(rows, id)};
}

static struct event_entry read_entry(const struct db_rows *rows) {
    const uint64_t lo = db_rows_u64(rows, ENTRY_COLUMN_LO);
    const enum conversation_kind kind =
        conversation_kind(db_rows_u64(rows, ENTRY_COLUMN_CONVERSATION));
    struct event_entry entry = {
        .conversation = db_rows_u64(rows, ENTRY_COLUMN_CONVERSATION),
        .cid = db_rows_u64(rows, ENTRY_COLUMN_CID),
        .time_ms = db_rows_u64(rows, ENTRY_COLUMN_TIME_MS),
        .type = (enum entry_type)db_rows_u64(rows, ENTRY_COLUMN_TYPE),
        .from = party(rows, ENTRY_COLUMN_SENDER, ENTRY_COLUMN_SENDER_ID),
        .subject = party(rows, ENTRY_COLUMN_SUBJECT, ENTRY_COLUMN_SUBJECT_ID),
        .about = party(rows, ENTRY_COLUMN_ABOUT, ENTRY_COLUMN_ABOUT_ID),
        .accepted = db_rows_u64(rows, ENTRY_COLUMN_ACCEPTED) != 0,
        .text = db_rows_slice(rows, ENTRY_COLUMN_BODY),
        .target = db_rows_u64(rows, ENTRY_COLUMN_TARGET),
        .edited_ms = db_rows_u64(rows, ENTRY_COLUMN_EDITED_MS),
        .reply = db_rows_u64(rows, ENTRY_COLUMN_REPLY),
        .mentions = db_rows_slice(rows, ENTRY_COLUMN_MENTIONS),
        .file = db_rows_slice(rows, ENTRY_COLUMN_FILE),
    };
    if (kind == CONVERSATION_GROUP) {
        entry.group = (struct event_party){lo, db_rows_slice(rows, ENTRY_COLUMN_GROUP_ID)};
        entry.group_name = db_rows_slice(rows, ENTRY_COLUMN_GROUP_NAME);
    } else {
        entry.lo = party(rows, ENTRY_COLUMN_LO, ENTRY_COLUMN_LO_ID);
        entry.hi = party(rows, ENTRY_COLUMN_HI, ENTRY_COLUMN_HI_ID);
    }
    return entry;
}

static void add_entry(const struct db_rows *rows, const struct selection *selection,
                      struct event_text *text) {
    const struct event_entry entry = read_entry(rows);
    events_add_entry(text, selection, &entry);
}

/* Whom the text has reached meanwhile, or who is no more, need not be woken. */
static enum err read_offline(struct db *db, const struct db_rows *journal, struct db_rows **rows_r,
                             bool *due_r) {
    const uint64_t cid = db_rows_u64(journal, JOURNAL_SUBJECT);
    const struct slice packed = db_rows_slice(journal, JOURNAL_CONVERSATIONS);
    const struct db_value account = db_u64(db_rows_u64(journal, JOURNAL_ACCOUNT));
    const uint64_t conversation = mentions_count(packed) == 0 ? 0 : mentions_get(packed, 0);
    enum err err = db_query(db, &hooks_sql_read_offline,
                            DB_ARGS(account, account, db_u64(conversation), account), rows_r);
    *due_r = err == ERR_OK && db_rows_next(*rows_r) && db_rows_u64(*rows_r, 2) < cid;
    return err;
}

static enum err add_offline(struct db *db, const struct db_rows *journal,
                            const struct selection *selection, bool with_text,
                            struct event_text *text) {
    struct db_rows *offline = NULL, *rows = NULL;
    struct buffer sql = buffer_make(SCRIPT_BYTES);
    bool due = false;
    enum err err = (selection->families & HOOK_FAMILY_OFFLINE) == 0
                       ? ERR_OK
                       : read_offline(db, journal, &offline, &due);
    if (due) {
        hooks_sql_add_entries(&sql, db_rows_u64(journal, JOURNAL_SUBJECT), 1,
                              db_rows_slice(journal, JOURNAL_CONVERSATIONS));
        err = db_script_query(db, &sql, &rows);
    }
    if (due && err == ERR_OK && db_rows_next(rows)) {
        const struct event_entry entry = read_entry(rows);
        events_add_offline(
            text, selection,
            &(struct event_offline){
                .block = db_rows_u64(journal, JOURNAL_BLOCK),
                .time_ms = db_rows_u64(journal, JOURNAL_TIME_MS),
                .unread = db_rows_u64(offline, 1),
                .account = {db_rows_u64(journal, JOURNAL_ACCOUNT), db_rows_slice(offline, 0)},
                .with_text = with_text},
            &entry);
    }
    db_rows_destroy(&rows);
    db_rows_destroy(&offline);
    buffer_free(&sql);
    return err;
}

static void add_change(const struct db_rows *journal, const struct selection *selection,
                       struct event_text *text) {
    events_add_change(
        text, selection,
        &(struct event_change){.block = db_rows_u64(journal, JOURNAL_BLOCK),
                               .time_ms = db_rows_u64(journal, JOURNAL_TIME_MS),
                               .what = db_rows_slice(journal, JOURNAL_WHAT),
                               .account = party(journal, JOURNAL_ACCOUNT, JOURNAL_ACCOUNT_ID),
                               .subject = party(journal, JOURNAL_SUBJECT, JOURNAL_SUBJECT_ID)});
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
