/* The SQL of settled cursors. Numbers stand in scripts in decimal. */
#include "services/entries/settled_sql.h"

#include <inttypes.h>

#define END_OF_CURSOR "COALESCE(" CURSOR_END ",0)"

static void add_ids(struct buffer *sql, const uint64_t *ids, size_t count) {
    for (size_t i = 0; i < count; i++)
        buffer_printf(sql, "%s%" PRIu64, i == 0 ? "(" : ",", ids[i]);
    buffer_add_text(sql, ")");
}

void settled_sql_add_idle(struct buffer *sql, const struct settled_end *ends, size_t count) {
    buffer_add_text(sql, "SELECT STRAIGHT_JOIN v.k FROM (");
    for (size_t i = 0; i < count; i++)
        buffer_printf(sql,
                      i == 0 ? "SELECT %" PRIu64 " AS k,%" PRIu64 " AS cid"
                             : " UNION ALL SELECT %" PRIu64 ",%" PRIu64,
                      ends[i].conversation, ends[i].cid);
    buffer_printf(sql,
                  ") v LEFT JOIN message m ON m.conversation=v.k AND m.cid=v.cid WHERE "
                  "COALESCE(m.time_ms,0)+%" PRIu64 "<" DB_NOW_MS
                  " AND (SELECT b.account FROM member b WHERE b.conversation=v.k "
                  "ORDER BY b.account LIMIT 1 OFFSET %u) IS NULL;",
                  SETTLED_IDLE_MS, SETTLED_MAX_MEMBERS);
}

void settled_sql_add_lock(struct buffer *sql, const uint64_t *ids, size_t count) {
    buffer_add_text(
        sql, "BEGIN;SELECT id FROM conversation FORCE INDEX (PRIMARY) WHERE writer=0 AND id IN ");
    add_ids(sql, ids, count);
    buffer_add_text(sql, " ORDER BY id FOR UPDATE SKIP LOCKED;");
}

void settled_sql_add_set(struct buffer *sql, uint64_t account, const uint64_t *ids, size_t count) {
    buffer_printf(sql,
                  "UPDATE `cursor` c SET c.settled=" END_OF_CURSOR ",c.is_settled=TRUE "
                  "WHERE c.account=%" PRIu64 " AND c.received>=" END_OF_CURSOR
                  " AND c.conversation IN ",
                  account);
    add_ids(sql, ids, count);
    buffer_add_text(sql, ";UPDATE conversation SET claimant=0 WHERE id IN ");
    add_ids(sql, ids, count);
    buffer_add_text(sql, ";COMMIT;");
}

void settled_sql_add_undo(struct buffer *sql, const struct settled_reader *readers, size_t count) {
    buffer_add_text(sql, "UPDATE (");
    for (size_t i = 0; i < count; i++)
        buffer_printf(sql,
                      i == 0 ? "SELECT %" PRIu64 " AS a,%" PRIu64 " AS k"
                             : " UNION ALL SELECT %" PRIu64 ",%" PRIu64,
                      readers[i].account, readers[i].conversation);
    /* In this order of the tables only: the other one would wait for everybody's locks. */
    buffer_add_text(sql, ") v STRAIGHT_JOIN `cursor` c ON c.account=v.a AND c.conversation=v.k "
                         "SET c.is_settled=FALSE;");
}
