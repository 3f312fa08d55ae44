/* The SQL of opening and closing conversations. Numbers stand in scripts in decimal. */
#include "services/entries/conversations_sql.h"

#include <inttypes.h>

#include "proto/conversation.h"

const struct db_statement conversations_sql_add_absence = {
    "add_absence", "INSERT INTO absence (account, conversation, after, upto)"
                   " SELECT account, conversation, until, ? FROM `cursor`"
                   " WHERE account = ? AND conversation = ? AND until < ?"};
const struct db_statement conversations_sql_open_cursor = {
    "open_cursor", "INSERT INTO `cursor` (account, conversation, since, received)"
                   " VALUES (?, ?, ?, ?) ON DUPLICATE KEY UPDATE until = NULL,"
                   " is_settled = FALSE"};
/* Nothing is locked where the row is there already. */
const struct db_statement conversations_sql_open_broadcast = {
    "open_broadcast", "INSERT IGNORE INTO conversation (id, kind, lo, hi, created_ms)"
                      " SELECT ?, 3, 0, 0, ? FROM DUAL"
                      " WHERE NOT EXISTS (SELECT * FROM conversation WHERE id = ?)"};

/* --- pairs ----------------------------------------------------------------------------------- */

/* The pairs as a table p of lo and hi, which the server joins to the others by their keys. */
static void add_pairs(struct buffer *sql, const struct conversation_pair *pairs, size_t count) {
    for (size_t i = 0; i < count; i++)
        buffer_printf(sql,
                      i == 0 ? "(SELECT %" PRIu64 " AS lo,%" PRIu64 " AS hi"
                             : " UNION ALL SELECT %" PRIu64 ",%" PRIu64,
                      pairs[i].lo, pairs[i].hi);
    buffer_add_text(sql, ") p");
}

#define JOIN_CONVERSATION "JOIN conversation k ON k.kind=0 AND k.lo=p.lo AND k.hi=p.hi"

void conversations_sql_add_find(struct buffer *sql, const struct conversation_pair *pairs,
                                size_t count) {
    buffer_add_text(sql, "SELECT STRAIGHT_JOIN p.lo,p.hi,k.id FROM ");
    add_pairs(sql, pairs, count);
    buffer_add_text(sql, " JOIN account a ON a.number=p.lo AND a.deleted_ms IS NULL"
                         " JOIN account b ON b.number=p.hi AND b.deleted_ms IS NULL"
                         " LEFT " JOIN_CONVERSATION ";");
}

/* A cursor for one side of each pair that has a conversation now. */
static void add_cursors(struct buffer *sql, const char *side, const struct conversation_pair *pairs,
                        size_t count) {
    buffer_printf(sql,
                  "INSERT IGNORE INTO `cursor` (account,conversation)"
                  " SELECT STRAIGHT_JOIN p.%s,k.id FROM ",
                  side);
    add_pairs(sql, pairs, count);
    buffer_add_text(sql, " " JOIN_CONVERSATION ";");
}

/*
 * IGNORE is for pairs that another instance makes at the same time: the first statement waits for
 * its commit, and then those are there with their cursors.
 */
void conversations_sql_add_make(struct buffer *sql, const struct conversation_pair *pairs,
                                size_t count, uint64_t now_ms) {
    buffer_add_text(sql,
                    "BEGIN;INSERT IGNORE INTO conversation (id,kind,lo,hi,created_ms) VALUES ");
    for (size_t i = 0; i < count; i++)
        buffer_printf(sql, "%s(NEXT VALUE FOR pair_number,0,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ")",
                      i == 0 ? "" : ",", pairs[i].lo, pairs[i].hi, now_ms);
    buffer_add_text(sql, ";");
    add_cursors(sql, "lo", pairs, count);
    add_cursors(sql, "hi", pairs, count);
    buffer_add_text(sql, "COMMIT;");
}

/* --- people's own conversations, and cursors ------------------------------------------------- */

static void add_accounts(struct buffer *sql, const uint64_t *accounts, size_t count) {
    for (size_t i = 0; i < count; i++)
        buffer_printf(sql, "%s%" PRIu64, i == 0 ? "(" : ",", accounts[i]);
    buffer_add_text(sql, ")");
}

/* Only missing rows are inserted, so nothing is locked where there are none; IGNORE is for those
 * that another instance inserts at the same time. */
void conversations_sql_add_open_selves(struct buffer *sql, const uint64_t *accounts, size_t count,
                                       uint64_t now_ms) {
    const uint64_t kind = conversation_of_account(0);
    buffer_printf(sql,
                  "INSERT IGNORE INTO conversation (id,kind,lo,hi,created_ms) SELECT %" PRIu64
                  "|a.number,2,a.number,0,%" PRIu64
                  " FROM account a LEFT JOIN conversation k ON k.id=%" PRIu64
                  "|a.number WHERE k.id IS NULL AND a.number IN ",
                  kind, now_ms, kind);
    add_accounts(sql, accounts, count);
    buffer_printf(sql,
                  " ORDER BY a.number;INSERT IGNORE INTO `cursor` (account,conversation)"
                  " SELECT a.number,%" PRIu64
                  "|a.number FROM account a LEFT JOIN `cursor` c ON c.account=a.number"
                  " AND c.conversation=%" PRIu64
                  "|a.number WHERE c.account IS NULL AND a.number IN ",
                  kind, kind);
    add_accounts(sql, accounts, count);
    buffer_add_text(sql, " ORDER BY a.number;");
}

void conversations_sql_add_close_cursors(struct buffer *sql, uint64_t conversation,
                                         const uint64_t *accounts, size_t count, uint64_t until) {
    buffer_printf(
        sql, "UPDATE `cursor` SET until=%" PRIu64 " WHERE conversation=%" PRIu64 " AND account IN ",
        until, conversation);
    add_accounts(sql, accounts, count);
    buffer_add_text(sql, ";");
}
