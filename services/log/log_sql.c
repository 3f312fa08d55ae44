/* The log's SQL. Numbers stand in scripts in decimal, bytes only through db_script_add_bytes. */
#include "services/log/log_sql.h"

#include <inttypes.h>

const struct db_statement log_sql_find_pair = {
    "find_pair", "SELECT id FROM conversation WHERE kind = 0 AND lo = ? AND hi = ?"};
const struct db_statement log_sql_count_accounts = {
    "count_accounts", "SELECT COUNT(*) FROM account WHERE number IN (?, ?)"};
const struct db_statement log_sql_next_pair = {"next_pair", "SELECT NEXT VALUE FOR pair_number"};
const struct db_statement log_sql_insert_pair = {
    "insert_pair",
    "INSERT INTO conversation (id, kind, lo, hi, created_ms) VALUES (?, 0, ?, ?, ?)"};
const struct db_statement log_sql_insert_cursors = {
    "insert_cursors", "INSERT INTO `cursor` (account, conversation) VALUES (?, ?), (?, ?)"};
const struct db_statement log_sql_open_cursor = {
    "open_cursor", "INSERT INTO `cursor` (account, conversation, since, received)"
                   " VALUES (?, ?, ?, ?) ON DUPLICATE KEY UPDATE since = VALUES(since),"
                   " received = VALUES(received), until = NULL"};

static void add_heads(struct buffer *sql, struct log_head *const *heads, size_t count) {
    for (size_t i = 0; i < count; i++)
        buffer_printf(sql, "%s%" PRIu64, i == 0 ? "(" : ",", heads[i]->id);
    buffer_add_text(sql, ")");
}

void log_sql_add_lock(struct buffer *sql, const uint64_t *ids, size_t count) {
    buffer_add_text(sql, "BEGIN;SELECT id,lo,hi,string_id,name,owner,blocked,dissolved,version,"
                         "writer FROM conversation WHERE id IN ");
    for (size_t i = 0; i < count; i++)
        buffer_printf(sql, "%s%" PRIu64, i == 0 ? "(" : ",", ids[i]);
    buffer_add_text(sql, ") ORDER BY id FOR UPDATE;SELECT NEXT VALUE FOR cid_block;");
}

void log_sql_add_last_cids(struct buffer *sql, struct log_head *const *heads, size_t count) {
    buffer_add_text(sql, "SELECT conversation,MAX(cid) FROM message WHERE conversation IN ");
    add_heads(sql, heads, count);
    buffer_add_text(sql, " GROUP BY conversation;");
}

void log_sql_add_claim(struct buffer *sql, struct log_head *const *heads, size_t count,
                       uint64_t instance) {
    buffer_printf(sql, "UPDATE conversation SET writer=%" PRIu64 " WHERE id IN ", instance);
    add_heads(sql, heads, count);
    buffer_add_text(sql, ";");
}

void log_sql_add_members(struct buffer *sql, struct log_head *const *heads, size_t count) {
    buffer_add_text(sql, "SELECT conversation,account FROM member WHERE conversation IN ");
    add_heads(sql, heads, count);
    buffer_add_text(sql, " ORDER BY conversation,account;");
}

static void add_bytes_or_null(struct db *db, struct buffer *sql, struct slice bytes) {
    if (bytes.length == 0)
        buffer_add_text(sql, "NULL");
    else
        db_script_add_bytes(db, sql, bytes);
}

static void add_row(struct db *db, struct buffer *sql, const struct log_row *row) {
    buffer_printf(sql, "(%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",",
                  row->conversation, row->cid, row->time_ms, row->type, row->sender);
    add_bytes_or_null(db, sql, row->nonce);
    if (row->notice)
        buffer_printf(sql, ",%" PRIu64 ",%" PRIu64 ",%d,", row->subject, row->about, row->accepted);
    else
        buffer_add_text(sql, ",NULL,NULL,NULL,");
    db_script_add_bytes(db, sql, row->text);
    buffer_add_text(sql, ")");
}

void log_sql_add_insert(struct db *db, struct buffer *sql, const struct log_row *rows,
                        size_t count) {
    buffer_add_text(sql, "INSERT IGNORE INTO message (conversation,cid,time_ms,type,sender,nonce,"
                         "subject,about,accepted,body) VALUES ");
    for (size_t i = 0; i < count; i++) {
        buffer_add_text(sql, i == 0 ? "" : ",");
        add_row(db, sql, &rows[i]);
    }
    buffer_add_text(sql, " RETURNING cid;");
}

void log_sql_add_commit(struct buffer *sql) { buffer_add_text(sql, "COMMIT;"); }

void log_sql_add_find_nonces(struct db *db, struct buffer *sql, const struct log_row *rows,
                             size_t count) {
    buffer_add_text(sql, "SELECT nonce,conversation,cid,time_ms FROM message WHERE nonce IN ");
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
