/* The SQL of listing an account's conversations. Numbers stand in scripts in decimal. */
#include "services/delivery/overview_sql.h"

#include <inttypes.h>

#include "proto/conversation.h"

#define CURSOR "SELECT c.conversation, c.since, c.received, c.until, c.seen, c.quiet_until_ms, "

/* The last row is found backwards: for MAX(cid) the server reads all of them. Where all are removed
 * the conversation keeps its place. */
const struct db_statement overview_sql_open = {
    "overview_open",
    CURSOR "COALESCE((SELECT m.cid FROM message m WHERE m.conversation = c.conversation "
           "ORDER BY m.cid DESC LIMIT 1), (SELECT k.removed_cid FROM conversation k "
           "WHERE k.id = c.conversation)) FROM `cursor` c FORCE INDEX (cursor_settled) "
           "WHERE c.account = ? AND c.is_settled <= ?"};
const struct db_statement overview_sql_settled = {
    "overview_settled", CURSOR "c.settled FROM `cursor` c FORCE INDEX (cursor_settled) "
                               "WHERE c.account = ? AND c.is_settled = TRUE AND c.settled > 0 "
                               "AND c.settled < ? ORDER BY c.settled DESC LIMIT ?"};

void overview_sql_add_newest(struct buffer *sql, const struct overview_part *parts, size_t count,
                             size_t most) {
    for (size_t i = 0; i < count; i++)
        buffer_printf(sql,
                      "%s(SELECT conversation,cid,type FROM message WHERE conversation=%" PRIu64
                      " AND cid>%" PRIu64 " AND cid<=%" PRIu64 " ORDER BY cid DESC LIMIT %zu)",
                      i == 0 ? "" : " UNION ALL ", parts[i].conversation, parts[i].since,
                      parts[i].end, most);
    buffer_add_text(sql, " ORDER BY 2 DESC;");
}

/* Counts among the newest rows alone, however few of them are others' texts: the cid in front of
 * them is looked up first. An account stands in `mentions` as eight bytes, the highest first. */
static void add_unread(struct buffer *sql, uint64_t account, const struct overview_part *part) {
    buffer_printf(sql,
                  "SELECT %" PRIu64 ",LEAST(COUNT(*),%d),LEAST(COALESCE(SUM(LOCATE(x'%016" PRIx64
                  "',m.mentions)%%8=1 OR LOCATE(x'0000000000000000',m.mentions)%%8=1),0),%d)"
                  " FROM message m WHERE m.conversation=%" PRIu64 " AND m.cid>%" PRIu64
                  " AND m.cid<=%" PRIu64 " AND m.type=%d AND m.sender<>%" PRIu64,
                  part->conversation, UNREAD_MAX, account, UNREAD_MAX, part->conversation,
                  part->read, part->end, ENTRY_TEXT, account);
    buffer_printf(sql,
                  " AND m.cid>COALESCE((SELECT l.cid FROM message l WHERE l.conversation=%" PRIu64
                  " AND l.cid>%" PRIu64 " AND l.cid<=%" PRIu64
                  " ORDER BY l.cid DESC LIMIT 1 OFFSET %d),0)",
                  part->conversation, part->read, part->end, UNREAD_ROWS);
    if (conversation_kind(part->conversation) != CONVERSATION_GROUP)
        return; /* where nobody is ever absent */
    buffer_printf(sql,
                  " AND NOT EXISTS (SELECT * FROM absence x WHERE x.account=%" PRIu64
                  " AND x.conversation=%" PRIu64 " AND m.cid>x.after AND m.cid<=x.upto)",
                  account, part->conversation);
}

void overview_sql_add_unread(struct buffer *sql, uint64_t account,
                             const struct overview_part *parts, size_t count) {
    const char *separator = "";
    for (size_t i = 0; i < count; i++) {
        if (parts[i].read >= parts[i].end)
            continue;
        buffer_add_text(sql, separator);
        add_unread(sql, account, &parts[i]);
        separator = " UNION ALL ";
    }
}

void overview_sql_add_peers(struct buffer *sql, uint64_t account, const struct overview_part *parts,
                            size_t count) {
    buffer_printf(sql,
                  "SELECT k.id,k.lo,k.hi,k.string_id,k.name,k.avatar,a.id,a.name,a.avatar FROM "
                  "conversation k LEFT JOIN account a ON k.kind IN (%d,%d) AND "
                  "a.number=IF(k.kind=%d AND k.lo=%" PRIu64 ",k.hi,k.lo) WHERE k.id IN (",
                  CONVERSATION_PAIR, CONVERSATION_SELF, CONVERSATION_PAIR, account);
    for (size_t i = 0; i < count; i++)
        buffer_printf(sql, "%s%" PRIu64, i == 0 ? "" : ",", parts[i].conversation);
    buffer_add_text(sql, ");");
}
