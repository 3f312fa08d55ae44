/* Events from rows; see event_read.h. */
#include "services/hooks/event_read.h"

#include "proto/conversation.h"
#include "proto/mentions.h"
#include "services/hooks/hooks_sql.h"

/* no limit: one statement, for one entry */
#define SCRIPT_BYTES ((size_t)8192)

struct event_party event_party_read(const struct db_rows *rows, unsigned number, unsigned id) {
    return (struct event_party){db_rows_u64(rows, number), db_rows_slice(rows, id)};
}

struct event_entry event_entry_read(const struct db_rows *rows) {
    const uint64_t lo = db_rows_u64(rows, ENTRY_COLUMN_LO);
    const enum conversation_kind kind =
        conversation_kind(db_rows_u64(rows, ENTRY_COLUMN_CONVERSATION));
    struct event_entry entry = {
        .conversation = db_rows_u64(rows, ENTRY_COLUMN_CONVERSATION),
        .cid = db_rows_u64(rows, ENTRY_COLUMN_CID),
        .time_ms = db_rows_u64(rows, ENTRY_COLUMN_TIME_MS),
        .type = (enum entry_type)db_rows_u64(rows, ENTRY_COLUMN_TYPE),
        .from = event_party_read(rows, ENTRY_COLUMN_SENDER, ENTRY_COLUMN_SENDER_ID),
        .subject = event_party_read(rows, ENTRY_COLUMN_SUBJECT, ENTRY_COLUMN_SUBJECT_ID),
        .about = event_party_read(rows, ENTRY_COLUMN_ABOUT, ENTRY_COLUMN_ABOUT_ID),
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
        entry.lo = event_party_read(rows, ENTRY_COLUMN_LO, ENTRY_COLUMN_LO_ID);
        entry.hi = event_party_read(rows, ENTRY_COLUMN_HI, ENTRY_COLUMN_HI_ID);
    }
    return entry;
}

/* Whom the text has reached meanwhile, or who is no more, need not be woken. */
static enum err find_account(struct db *db, const struct db_rows *journal,
                             struct event_wake *wake_r) {
    const struct slice packed = db_rows_slice(journal, JOURNAL_CONVERSATIONS);
    const struct db_value account = db_u64(db_rows_u64(journal, JOURNAL_ACCOUNT));
    const uint64_t conversation = mentions_count(packed) == 0 ? 0 : mentions_get(packed, 0);
    enum err err =
        db_query(db, &hooks_sql_read_offline,
                 DB_ARGS(account, account, db_u64(conversation), account), &wake_r->rows);
    wake_r->due = err == ERR_OK && db_rows_next(wake_r->rows) &&
                  db_rows_u64(wake_r->rows, 2) < db_rows_u64(journal, JOURNAL_SUBJECT);
    return err;
}

static enum err find_entry(struct db *db, const struct db_rows *journal,
                           struct event_wake *wake_r) {
    struct buffer sql = buffer_make(SCRIPT_BYTES);
    hooks_sql_add_entries(&sql, db_rows_u64(journal, JOURNAL_SUBJECT), 1,
                          db_rows_slice(journal, JOURNAL_CONVERSATIONS));
    enum err err = db_script_query(db, &sql, &wake_r->entry_rows);
    buffer_free(&sql);
    wake_r->due = err == ERR_OK && db_rows_next(wake_r->entry_rows);
    if (wake_r->due)
        wake_r->entry = event_entry_read(wake_r->entry_rows);
    return err;
}

enum err event_wake_read(struct db *db, const struct db_rows *journal, bool with_text,
                         struct event_wake *wake_r) {
    *wake_r = (struct event_wake){.due = false};
    enum err err = find_account(db, journal, wake_r);
    if (wake_r->due)
        err = find_entry(db, journal, wake_r);
    if (wake_r->due)
        wake_r->offline = (struct event_offline){
            .block = db_rows_u64(journal, JOURNAL_BLOCK),
            .time_ms = db_rows_u64(journal, JOURNAL_TIME_MS),
            .unread = db_rows_u64(wake_r->rows, 1),
            .account = {db_rows_u64(journal, JOURNAL_ACCOUNT), db_rows_slice(wake_r->rows, 0)},
            .with_text = with_text};
    return err;
}

void event_wake_free(struct event_wake *wake) {
    db_rows_destroy(&wake->rows);
    db_rows_destroy(&wake->entry_rows);
}
