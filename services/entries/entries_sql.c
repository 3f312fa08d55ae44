/* The log's SQL. Numbers stand in scripts in decimal, bytes only through db_script_add_bytes. */
#include "services/entries/entries_sql.h"
#include "proto/conversation.h"
#include "services/journal/journal.h"

#include <inttypes.h>

const struct db_statement entries_sql_next_block = {"next_block",
                                                    "SELECT NEXT VALUE FOR cid_block"};

const struct db_statement entries_sql_step = {
    "step", "SELECT cid FROM message WHERE conversation = ? AND cid > ? ORDER BY cid LIMIT 1"
            " OFFSET ?"};

const struct db_statement entries_sql_blank_reactions = {
    "blank_reactions",
    "DELETE r FROM message m JOIN reaction r ON r.conversation = m.conversation AND r.cid = m.cid"
    " WHERE m.conversation = ? AND m.cid > ? AND m.cid <= ? AND m.sender = ? AND m.type = 0"};

const struct db_statement entries_sql_blank_file_uses = {
    "blank_file_uses",
    "DELETE u FROM message m JOIN file_use u ON u.conversation = m.conversation AND u.cid = m.cid"
    " WHERE m.conversation = ? AND m.cid > ? AND m.cid <= ? AND m.sender = ? AND m.type = 0"};

/* As recalled ones (15). */
const struct db_statement entries_sql_blank = {
    "blank",
    "UPDATE message SET type = 15, body = '', reply = NULL, mentions = NULL,"
    " edited_ms = NULL, file = NULL WHERE conversation = ? AND cid > ? AND cid <= ? AND sender = ?"
    " AND type = 0"};

static void add_numbers(struct buffer *sql, const uint64_t *numbers, size_t count) {
    for (size_t i = 0; i < count; i++)
        buffer_printf(sql, "%s%" PRIu64, i == 0 ? "(" : ",", numbers[i]);
    buffer_add_text(sql, ")");
}

static void add_heads(struct buffer *sql, struct entry_head *const *heads, size_t count) {
    for (size_t i = 0; i < count; i++)
        buffer_printf(sql, "%s%" PRIu64, i == 0 ? "(" : ",", heads[i]->id);
    buffer_add_text(sql, ")");
}

/* The friendship is not locked: a text that was sent before it ended may be stored. */
void entries_sql_add_lock(struct buffer *sql, const uint64_t *ids, size_t count, bool friends) {
    buffer_add_text(sql, "BEGIN;SELECT id,lo,hi,string_id,name,owner,blocked,dissolved,version,"
                         "writer,claimant,slow_s");
    if (friends)
        buffer_add_text(sql, ",kind=0 AND EXISTS (SELECT * FROM friendship f"
                             " WHERE f.lo=conversation.lo AND f.hi=conversation.hi)");
    buffer_add_text(sql, " FROM conversation WHERE id IN ");
    add_numbers(sql, ids, count);
    buffer_add_text(sql, " ORDER BY id FOR UPDATE;SELECT NEXT VALUE FOR cid_block," DB_NOW_MS
                         "," JOURNAL_SQL_ANY ";");
}

void entries_sql_add_last_rows(struct buffer *sql, struct entry_head *const *heads, size_t count) {
    /* Found backwards: for MAX(cid) the server may read all of the conversation. */
    buffer_add_text(sql, "SELECT k.id,COALESCE(m.cid,k.removed_cid),COALESCE(m.time_ms,0),a.id,"
                         "b.id FROM conversation k"
                         " LEFT JOIN account a ON k.kind=0 AND a.number=k.lo"
                         " LEFT JOIN account b ON k.kind=0 AND b.number=k.hi"
                         " LEFT JOIN message m ON m.conversation=k.id AND m.cid=(SELECT l.cid FROM"
                         " message l WHERE l.conversation=k.id ORDER BY l.cid DESC LIMIT 1)"
                         " WHERE k.id IN ");
    add_heads(sql, heads, count);
    buffer_add_text(sql, ";");
}

void entries_sql_add_claim(struct buffer *sql, struct entry_head *const *heads, size_t count,
                           uint64_t instance) {
    buffer_printf(sql, "UPDATE conversation SET writer=0,claimant=%" PRIu64 " WHERE id IN ",
                  instance);
    add_heads(sql, heads, count);
    buffer_add_text(sql, ";");
}

void entries_sql_add_members(struct buffer *sql, struct entry_head *const *heads, size_t count) {
    buffer_add_text(sql, "SELECT conversation,account,role>1,muted_until_ms FROM member"
                         " WHERE conversation IN ");
    add_heads(sql, heads, count);
    buffer_add_text(sql, " ORDER BY conversation,account;");
}

static void add_bytes_or_null(struct db *db, struct buffer *sql, struct slice bytes) {
    if (bytes.length == 0)
        buffer_add_text(sql, "NULL");
    else
        db_script_add_bytes(db, sql, bytes);
}

static void add_number_or_null(struct buffer *sql, uint64_t number) {
    if (number == 0)
        buffer_add_text(sql, ",NULL");
    else
        buffer_printf(sql, ",%" PRIu64, number);
}

static void add_row(struct db *db, struct buffer *sql, const struct entry_row *row) {
    buffer_printf(sql, "(%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",",
                  row->conversation, row->cid, row->time_ms, row->type, row->sender);
    add_bytes_or_null(db, sql, row->nonce);
    if (row->notice)
        buffer_printf(sql, ",%" PRIu64 ",%" PRIu64 ",%d,", row->subject, row->about, row->accepted);
    else
        buffer_add_text(sql, ",NULL,NULL,NULL,");
    db_script_add_bytes(db, sql, row->text);
    add_number_or_null(sql, row->target);
    if (row->reworded)
        buffer_add_text(sql, ",0"); /* never edited, and yet not to be compared */
    else
        add_number_or_null(sql, row->edited_ms);
    add_number_or_null(sql, row->reply);
    buffer_add_text(sql, ",");
    add_bytes_or_null(db, sql, row->mentions);
    buffer_add_text(sql, ",");
    add_bytes_or_null(db, sql, row->packed_file);
    buffer_add_text(sql, ")");
}

void entries_sql_add_insert(struct db *db, struct buffer *sql, const struct entry_row *rows,
                            size_t count) {
    buffer_add_text(sql,
                    "INSERT IGNORE INTO message (conversation,cid,time_ms,type,sender,nonce,"
                    "subject,about,accepted,body,target,edited_ms,reply,mentions,file) VALUES ");
    for (size_t i = 0; i < count; i++) {
        buffer_add_text(sql, i == 0 ? "" : ",");
        add_row(db, sql, &rows[i]);
    }
    buffer_add_text(sql, " RETURNING cid;");
}

/* A row whose nonce was there already is not stored, and is not found under its new cid. */
void entries_sql_add_file_uses(struct buffer *sql, const struct entry_row *rows, size_t count) {
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].file == 0)
            continue;
        buffer_printf(sql,
                      any ? " UNION ALL SELECT %" PRIu64 ",%" PRIu64 ",%" PRIu64
                          : "INSERT INTO file_use (conversation,cid,file) SELECT v.k,v.cid,v.f FROM"
                            " (SELECT %" PRIu64 " AS k,%" PRIu64 " AS cid,%" PRIu64 " AS f",
                      rows[i].conversation, rows[i].cid, rows[i].file);
        any = true;
    }
    if (any)
        buffer_add_text(sql, ") v JOIN message m ON m.conversation=v.k AND m.cid=v.cid;");
}

void entries_sql_add_commit(struct buffer *sql) { buffer_add_text(sql, "COMMIT;"); }

void entries_sql_add_find_nonces(struct db *db, struct buffer *sql, const struct entry_row *rows,
                                 size_t count) {
    buffer_add_text(sql,
                    "SELECT nonce,conversation,cid,time_ms,body,type,target,accepted,edited_ms,"
                    "reply,mentions,file,sender "
                    "FROM message WHERE nonce IN ");
    const char *separator = "(";
    for (size_t i = 0; i < count; i++) {
        if (!rows[i].repeat)
            continue;
        buffer_add_text(sql, separator);
        db_script_add_bytes(db, sql, rows[i].nonce);
        separator = ",";
    }
    buffer_add_text(sql, ");");
}
