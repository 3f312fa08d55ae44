/* The SQL of reading the message log and of cursors. Numbers stand in scripts in decimal. */
#include "services/delivery/delivery_sql.h"

#include <inttypes.h>

#include "proto/conversation.h"
#include "proto/messages.h"
#include "services/entries/settled_sql.h"

/* The last entry that may be read before an absence; 0: it was removed, with all before it. */
#define ABSENCE_BEGIN                                                                              \
    "COALESCE((SELECT m.cid FROM message m WHERE m.conversation=x.conversation "                   \
    "AND m.cid=x.after),0)"

#define CURSORS                                                                                    \
    "SELECT c.conversation, c.since, c.received, c.until, " CURSOR_END                             \
    ", 0, c.settled FROM `cursor` c "
#define MISSING_AND_ABSENCES                                                                       \
    " UNION ALL SELECT k.id, k.lo, k.hi, NULL, NULL, 2, 0 FROM conversation k WHERE k.id = ? "     \
    "AND NOT EXISTS (SELECT * FROM `cursor` c WHERE c.account = ? "                                \
    "AND c.conversation = k.id) "                                                                  \
    "UNION ALL SELECT x.conversation, " ABSENCE_BEGIN ", x.upto, NULL, NULL, 3, 0 FROM absence x " \
    "WHERE x.account = ? ORDER BY 1, 6, 2"

const struct db_statement delivery_sql_cursors = {
    "cursors", CURSORS
    "FORCE INDEX (cursor_settled) WHERE c.account = ? AND c.is_settled = FALSE "
    "UNION ALL (SELECT conversation, since, received, until, settled, 1, settled FROM `cursor` "
    "FORCE INDEX (cursor_settled) WHERE account = ? AND is_settled = TRUE "
    "LIMIT ?)" MISSING_AND_ABSENCES};
const struct db_statement delivery_sql_all_cursors = {"all_cursors", CURSORS
                                                      "WHERE c.account = ?" MISSING_AND_ABSENCES};
const struct db_statement delivery_sql_old_writer = {"old_writer",
                                                     "SELECT MAX(writer) FROM conversation"};
const struct db_statement delivery_sql_old_heads = {
    "old_heads", "SELECT id FROM conversation WHERE writer > 0 LIMIT ?"};

/* As delivery_sql_cursors, of some conversations. */
void delivery_sql_add_cursors(struct buffer *sql, uint64_t account, struct slice list) {
    const int length = (int)list.length;
    buffer_printf(sql,
                  "SELECT c.conversation,c.since,c.received,c.until," CURSOR_END
                  ",0,c.settled FROM `cursor` c WHERE c.account=%" PRIu64
                  " AND c.conversation IN (%.*s)",
                  account, length, list.data);
    buffer_printf(
        sql,
        " UNION ALL SELECT k.id,k.lo,k.hi,NULL,NULL,2,0 FROM conversation k WHERE k.id=%" PRIu64
        " AND k.id IN (%.*s) AND NOT EXISTS (SELECT * FROM `cursor` c WHERE "
        "c.account=%" PRIu64 " AND c.conversation=k.id)",
        CONVERSATION_OF_ALL, length, list.data, account);
    buffer_printf(sql,
                  " UNION ALL SELECT x.conversation," ABSENCE_BEGIN
                  ",x.upto,NULL,NULL,3,0 FROM absence x "
                  "WHERE x.account=%" PRIu64 " AND x.conversation IN (%.*s) ORDER BY 1,6,2;",
                  account, length, list.data);
}

/* A text that was recalled counts, too. */
const struct db_statement delivery_sql_last_text = {
    "last_text", "SELECT COALESCE(MAX(IF(m.sender = ? AND m.type IN (0, 15), m.time_ms, 0)), 0),"
                 " COALESCE(MIN(m.time_ms), 0), COUNT(*) FROM (SELECT sender, type, time_ms"
                 " FROM message WHERE conversation = ? ORDER BY cid DESC LIMIT ?) m"};

/* IGNORE: another connection of the account may do it at the same time. */
const struct db_statement delivery_sql_join_all = {
    "join_all", "INSERT IGNORE INTO `cursor` (account, conversation, since, received) "
                "SELECT j.number, ?, j.since, j.since FROM (SELECT a.number, "
                "COALESCE((SELECT m.cid FROM message m WHERE m.conversation = ? "
                "AND m.time_ms < a.created_ms ORDER BY m.cid DESC LIMIT 1), 0) AS since "
                "FROM account a WHERE a.number = ?) j"};

/* Shared locks: whoever removes the file waits, and finds its use then. */
void delivery_sql_add_files(struct buffer *sql, uint64_t account, const uint64_t *files,
                            size_t count) {
    const char *separator = "";
    buffer_add_text(sql, "SELECT f.id,f.name,f.mime,f.size,f.width,f.height,f.preview FROM file f"
                         " WHERE f.id IN (");
    for (size_t i = 0; i < count; i++) {
        if (files[i] == 0)
            continue;
        buffer_printf(sql, "%s%" PRIu64, separator, files[i]);
        separator = ",";
    }
    buffer_printf(sql,
                  ") AND f.finished_ms IS NOT NULL AND f.account=%" PRIu64 " LOCK IN SHARE MODE;",
                  account);
}

/* Types as statements have them. */
_Static_assert(ENTRY_TEXT == 0 && ENTRY_RECALLED_TEXT == 15 && ENTRY_RECALLED == 16 &&
                   ENTRY_EDITED == 17 && ENTRY_REACTED == 18,
               "numbers of types never change");

/* The union holds keys alone, in memory: with the rows' bodies in it, it would lie on the disk. */
void delivery_sql_add_page(struct buffer *sql, const struct page *page) {
    const char *order = page->newest_first ? " DESC" : "";
    buffer_add_text(
        sql,
        "SELECT STRAIGHT_JOIN m.conversation,m.cid,m.time_ms,m.type,m.sender,"
        "m.subject,m.accepted,IF(m.type IN (17,18) AND COALESCE(t.type,15)=15,'',"
        "IF(m.type=17,t.body,m.body)),a.id,s.id,k.lo,k.hi,k.string_id,m.about,g."
        "string_id,o.id,"
        "IF(m.type IN (16,17,18) AND (m.target<=c.since OR EXISTS (SELECT * FROM absence x WHERE "
        "x.account=c.account AND x.conversation=c.conversation AND m.target>x.after AND "
        "m.target<=x.upto)),NULL,m.target),"
        "IF(m.type=17,t.edited_ms,m.edited_ms),m.reply,m.mentions,IF(m.type=0,m.file,NULL) FROM (");
    for (size_t i = 0; page->single && i < page->count; i++)
        buffer_printf(sql, "%sSELECT %" PRIu64 " AS conversation,%" PRIu64 " AS cid",
                      i == 0 ? "" : " UNION ALL ", page->parts[i].conversation,
                      page->parts[i].until);
    for (size_t i = 0; !page->single && i < page->count; i++)
        buffer_printf(sql,
                      "%s(SELECT conversation,cid FROM message WHERE conversation=%" PRIu64
                      " AND cid>%" PRIu64 " AND cid<=%" PRIu64 " ORDER BY cid%s LIMIT %zu)",
                      i == 0 ? "" : " UNION ALL ", page->parts[i].conversation,
                      page->parts[i].after, page->parts[i].until, order, page->part_limit);
    buffer_printf(sql,
                  ") p JOIN message m ON m.conversation=p.conversation AND m.cid=p.cid "
                  "JOIN conversation k ON k.id=p.conversation "
                  "LEFT JOIN account a ON a.number=m.sender "
                  "LEFT JOIN account s ON s.number=m.subject "
                  "LEFT JOIN conversation g ON g.kind=1 AND g.lo=m.about AND g.hi=0 "
                  "LEFT JOIN account o ON k.kind=0 AND m.sender=%" PRIu64
                  " AND o.number=IF(k.lo=m.sender,k.hi,k.lo) "
                  "LEFT JOIN message t ON m.type IN (17,18) "
                  "AND t.conversation=m.conversation AND t.cid=m.target "
                  "LEFT JOIN `cursor` c ON m.type IN (16,17,18) AND c.account=%" PRIu64
                  " AND c.conversation=m.conversation ORDER BY p.cid%s LIMIT %zu;",
                  page->account, page->account, order, page->limit);
}

void delivery_sql_add_reactions(struct buffer *sql, uint64_t account, uint64_t conversation,
                                const uint64_t *cids, size_t count) {
    buffer_printf(sql,
                  "SELECT cid,emoji,COUNT(*),MAX(account=%" PRIu64
                  ") FROM reaction WHERE conversation=%" PRIu64 " AND cid IN (",
                  account, conversation);
    for (size_t i = 0; i < count; i++)
        buffer_printf(sql, i == 0 ? "%" PRIu64 : ",%" PRIu64, cids[i]);
    buffer_add_text(sql, ") GROUP BY cid,emoji ORDER BY cid,emoji;");
}

void delivery_sql_add_texts(struct buffer *sql, const struct page_part *part, size_t limit) {
    buffer_printf(sql,
                  "SELECT cid,IF(type=0,body,'') FROM message WHERE conversation=%" PRIu64
                  " AND cid>%" PRIu64 " AND cid<=%" PRIu64 " ORDER BY cid DESC LIMIT %zu;",
                  part->conversation, part->after, part->until, limit);
}

/* The readable entries of a part: without those written while the account was no member. */
static void add_unread(struct buffer *sql, uint64_t account, const struct unread_part *part,
                       uint64_t until) {
    buffer_printf(sql,
                  " FROM message m WHERE m.conversation=%" PRIu64 " AND m.cid>%" PRIu64
                  " AND m.cid<=%" PRIu64 " AND NOT EXISTS (SELECT * FROM absence x WHERE x.account="
                  "%" PRIu64 " AND x.conversation=m.conversation AND m.cid>x.after AND "
                  "m.cid<=x.upto)",
                  part->conversation, part->after, until, account);
}

void delivery_sql_add_cut(struct buffer *sql, uint64_t account, const struct unread_part *part,
                          uint64_t newest) {
    buffer_printf(sql, "%s(SELECT m.conversation,m.cid", sql->length == 0 ? "" : " UNION ALL ");
    add_unread(sql, account, part, part->until);
    buffer_printf(sql, " ORDER BY m.cid DESC LIMIT 1 OFFSET %" PRIu64 ")", newest);
}

void delivery_sql_add_count(struct buffer *sql, uint64_t account, const struct unread_part *part,
                            uint64_t most) {
    buffer_printf(sql, "%sSELECT %" PRIu64 ",COUNT(*) FROM (SELECT 1",
                  sql->length == 0 ? "" : " UNION ALL ", part->conversation);
    add_unread(sql, account, part, part->last);
    buffer_printf(sql, " LIMIT %" PRIu64 ") c", most);
}

const struct db_statement delivery_sql_move = {
    "move", "UPDATE `cursor` SET received = ?"
            " WHERE account = ? AND conversation = ? AND received < ?"};

const struct db_statement delivery_sql_move_seen = {
    "move_seen", "UPDATE `cursor` SET received = GREATEST(received, ?), seen = ?"
                 " WHERE account = ? AND conversation = ? AND seen < ?"};

const struct db_statement delivery_sql_names = {
    "names", "SELECT a.id, COALESCE(o.id, k.string_id) FROM account a"
             " LEFT JOIN account o ON o.number = ?"
             " LEFT JOIN conversation k ON k.id = ?"
             " WHERE a.number = ?"};

/* Where they have no conversation yet, only the row of `block` says so. */
const struct db_statement delivery_sql_pair = {
    "pair",
    "SELECT COALESCE(k.blocked & IF(a.number = k.lo, 1, 2), 0)"
    " OR EXISTS (SELECT * FROM block b WHERE b.account = o.number AND b.blocked = a.number),"
    " EXISTS (SELECT * FROM friendship f WHERE f.lo = LEAST(a.number, o.number)"
    " AND f.hi = GREATEST(a.number, o.number))"
    " FROM account a JOIN account o ON o.number = ?"
    " LEFT JOIN conversation k ON k.kind = 0 AND k.lo = LEAST(a.number, o.number)"
    " AND k.hi = GREATEST(a.number, o.number)"
    " WHERE a.number = ?"};

const struct db_statement delivery_sql_members = {"members",
                                                  "SELECT account, muted_until_ms > " DB_NOW_MS
                                                  " FROM member WHERE conversation = ? LIMIT ?"};

const struct db_statement delivery_sql_quiet = {
    "quiet", "UPDATE `cursor` SET quiet_until_ms = ? WHERE account = ? AND conversation = ?"};

const struct db_statement delivery_sql_place = {
    "place", "SELECT k.id, k.dissolved, c.account, c.received, c.until,"
             " COALESCE((SELECT m.cid FROM message m WHERE m.conversation = k.id"
             " ORDER BY m.cid DESC LIMIT 1), k.removed_cid),"
             " c.since, c.seen, k.blocked,"
             " k.kind = 0 AND EXISTS (SELECT * FROM friendship f WHERE f.lo = k.lo AND f.hi = k.hi)"
             " FROM conversation k"
             " LEFT JOIN `cursor` c ON c.conversation = k.id AND c.account = ?"
             " WHERE k.kind = ? AND k.lo = ? AND k.hi = ?"};

void delivery_sql_add_counts(struct buffer *sql, const uint64_t *accounts, size_t count) {
    buffer_add_text(sql, "SELECT account,COUNT(*) FROM `cursor` WHERE account IN (");
    for (size_t i = 0; i < count; i++)
        buffer_printf(sql, i == 0 ? "%" PRIu64 : ",%" PRIu64, accounts[i]);
    buffer_add_text(sql, ") GROUP BY account ORDER BY account;");
}

void delivery_sql_add_heads(struct buffer *sql, const uint64_t *conversations, size_t count) {
    buffer_add_text(sql, "SELECT k.id,(SELECT m.cid FROM message m WHERE m.conversation=k.id "
                         "ORDER BY m.cid DESC LIMIT 1) FROM conversation k WHERE k.id IN (");
    for (size_t i = 0; i < count; i++)
        buffer_printf(sql, i == 0 ? "%" PRIu64 : ",%" PRIu64, conversations[i]);
    buffer_add_text(sql, ") ORDER BY k.id;");
}

const struct db_statement delivery_sql_message = {
    "message", "SELECT 1 FROM message WHERE conversation = ? AND cid = ? AND type IN (0, 14, 15)"};

const struct db_statement delivery_sql_administers = {
    "administers", "SELECT 1 FROM member WHERE conversation = ? AND account = ? AND role >= 2"};

void delivery_sql_add_id_of(struct buffer *sql, uint64_t account) {
    buffer_printf(sql, "%s%" PRIu64,
                  sql->length == 0 ? "SELECT number,id FROM account WHERE number IN (" : ",",
                  account);
}

const struct db_statement delivery_sql_account = {"account",
                                                  "SELECT 1 FROM account WHERE number = ?"};

const struct db_statement delivery_sql_parties = {
    "parties", "SELECT a.id, b.id, k.string_id, k.name, m.cid IS NOT NULL FROM account a"
               " LEFT JOIN account b ON b.number = ? LEFT JOIN conversation k ON k.id = ?"
               " LEFT JOIN message m ON m.nonce = ? WHERE a.number = ?"};

/* Whether the move may be reported to somebody: it passes texts of the other one of a pair, or
 * entries were read. */
static bool may_be_told(const struct cursor_move *move) {
    return move->seen != 0 ||
           (move->from_others && conversation_kind(move->conversation) == CONVERSATION_PAIR);
}

/* Adds the moves as a table of a, k, cid and s; or, with l and f, only those that may be reported.
 * Returns how many they are: without any, nothing is added. */
static size_t add_moves(struct buffer *sql, const char *begin, const struct cursor_move *moves,
                        size_t count, bool told) {
    size_t added = 0;
    for (size_t i = 0; i < count; i++) {
        const struct cursor_move *move = &moves[i];
        if (told && !may_be_told(move))
            continue;
        bool first = added++ == 0;
        buffer_add_text(sql, first ? begin : " UNION ALL ");
        buffer_printf(sql,
                      first ? "SELECT %" PRIu64 " AS a,%" PRIu64 " AS k,%" PRIu64 " AS cid,%" PRIu64
                              " AS s"
                            : "SELECT %" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64,
                      move->account, move->conversation, move->cid, move->seen);
        if (told)
            buffer_printf(sql, first ? ",%" PRIu64 " AS l,%d AS f" : ",%" PRIu64 ",%d", move->login,
                          move->from_others);
    }
    return added;
}

void delivery_sql_add_advance(struct buffer *sql, const struct cursor_move *moves, size_t count) {
    add_moves(sql, "UPDATE (", moves, count, false);
    /* In this order of the tables only: the other one would wait for everybody's locks. */
    buffer_add_text(sql, ") v STRAIGHT_JOIN `cursor` c ON c.account=v.a AND c.conversation=v.k "
                         "SET c.received=GREATEST(c.received,v.cid),c.seen=GREATEST(c.seen,v.s);");
}

void delivery_sql_add_told(struct buffer *sql, const struct cursor_move *moves, size_t count,
                           bool friends_only) {
#define TOLD                                                                                       \
    "SELECT v.k,v.a,a.id,IF(k.kind=0,IF(k.lo=v.a,k.hi,k.lo),k.lo),"                                \
    "COALESCE(o.id,k.string_id),IF(v.f AND c.received<v.cid AND v.cid>v.s,v.cid,0),"               \
    "IF(c.seen<v.s,v.s,0),v.l,k.kind=0 AND k.blocked=0"
#define TOLD_FRIENDS TOLD " AND EXISTS (SELECT * FROM friendship f WHERE f.lo=k.lo AND f.hi=k.hi)"
    const char *begin = friends_only ? TOLD_FRIENDS " FROM (" : TOLD " FROM (";
    if (add_moves(sql, begin, moves, count, true) == 0)
        return;
    buffer_add_text(sql, ") v STRAIGHT_JOIN `cursor` c ON c.account=v.a AND c.conversation=v.k "
                         "AND (c.received<v.cid OR c.seen<v.s) "
                         "STRAIGHT_JOIN conversation k ON k.id=v.k "
                         "STRAIGHT_JOIN account a ON a.number=v.a "
                         "LEFT JOIN account o ON v.s>0 AND k.kind=0 "
                         "AND o.number=IF(k.lo=v.a,k.hi,k.lo);");
}

void delivery_sql_add_far(struct buffer *sql, uint64_t conversation, const uint64_t *accounts,
                          size_t count) {
    buffer_printf(sql,
                  "SELECT account,received,seen FROM `cursor` WHERE conversation=%" PRIu64
                  " AND account IN (",
                  conversation);
    for (size_t i = 0; i < count; i++)
        buffer_printf(sql, i == 0 ? "%" PRIu64 : ",%" PRIu64, accounts[i]);
    buffer_add_text(sql, ");");
}

/* --- changing texts -------------------------------------------------------------------------- */

const struct db_statement delivery_sql_target = {
    "target", "SELECT m.type, m.sender, m.time_ms, m.edited_ms, r.role >= 2, a.id, o.id,"
              " m.file IS NOT NULL FROM message m"
              " JOIN account a ON a.number = ? LEFT JOIN account o ON o.number = ?"
              " LEFT JOIN member r ON r.conversation = m.conversation AND r.account = a.number"
              " WHERE m.conversation = ? AND m.cid = ?"};
const struct db_statement delivery_sql_text_readers = {
    "text_readers", "SELECT c.account FROM member r"
                    " JOIN `cursor` c ON c.account = r.account AND c.conversation = r.conversation"
                    " WHERE r.conversation = ? AND c.since < ? AND NOT EXISTS (SELECT * FROM"
                    " absence x WHERE x.account = c.account AND x.conversation = c.conversation"
                    " AND x.after < ? AND x.upto >= ?) ORDER BY c.account"};
const struct db_statement delivery_sql_recall = {
    "recall", "UPDATE message SET type = 15, body = '', reply = NULL, mentions = NULL,"
              " edited_ms = NULL, file = NULL WHERE conversation = ? AND cid = ?"};
const struct db_statement delivery_sql_forget_reactions = {
    "forget_reactions", "DELETE FROM reaction WHERE conversation = ? AND cid = ?"};
const struct db_statement delivery_sql_forget_file = {
    "forget_file", "DELETE FROM file_use WHERE conversation = ? AND cid = ?"};
const struct db_statement delivery_sql_edit = {
    "edit", "UPDATE message SET body = ?, edited_ms = ? WHERE conversation = ? AND cid = ?"};
const struct db_statement delivery_sql_newest_edit = {
    "newest_edit", "SELECT t.body FROM message n JOIN message t"
                   " ON t.conversation = n.conversation AND t.cid = n.target"
                   " AND t.type = 0 AND t.edited_ms = n.edited_ms"
                   " WHERE n.conversation = ? AND n.cid = ?"};
const struct db_statement delivery_sql_reactions = {
    "reactions", "SELECT COUNT(DISTINCT emoji), COALESCE(MAX(emoji = ?), 0),"
                 " COALESCE(MAX(emoji = ? AND account = ?), 0)"
                 " FROM reaction WHERE conversation = ? AND cid = ?"};
const struct db_statement delivery_sql_react = {
    "react", "INSERT INTO reaction (conversation, cid, emoji, account) VALUES (?, ?, ?, ?)"};
const struct db_statement delivery_sql_unreact = {
    "unreact", "DELETE FROM reaction"
               " WHERE conversation = ? AND cid = ? AND emoji = ? AND account = ?"};

/* --- retention ------------------------------------------------------------------------------- */

/* Of the database: a server may have several. */
#define RETENTION_LOCK "CONCAT(DATABASE(), '.retention')"

const struct db_statement delivery_sql_lock_retention = {
    "lock_retention", "SELECT GET_LOCK(" RETENTION_LOCK ", 0), " DB_NOW_MS};
const struct db_statement delivery_sql_unlock_retention = {"unlock_retention",
                                                           "DO RELEASE_LOCK(" RETENTION_LOCK ")"};
const struct db_statement delivery_sql_retention = {"retention",
                                                    "SELECT conversation, due_ms FROM retention"};
const struct db_statement delivery_sql_move_retention = {
    "move_retention", "UPDATE retention SET conversation = ?, due_ms = ?"};
const struct db_statement delivery_sql_candidates = {
    "candidates", "SELECT k.id, k.retention_days, (SELECT m.time_ms FROM message m"
                  " WHERE m.conversation = k.id ORDER BY m.cid LIMIT 1)"
                  " FROM conversation k WHERE k.id > ? AND k.id < ? ORDER BY k.id LIMIT ?"};
const struct db_statement delivery_sql_oldest = {
    "oldest", "SELECT cid, time_ms FROM message WHERE conversation = ? ORDER BY cid LIMIT ?"};
const struct db_statement delivery_sql_set_removed = {
    "set_removed", "UPDATE conversation SET removed_cid = ? WHERE id = ?"};
const struct db_statement delivery_sql_remove_reactions = {
    "remove_reactions", "DELETE FROM reaction WHERE conversation = ? AND cid <= ?"};
/* Not the avatar (0). Those of texts that were recalled by the release before go as well. */
const struct db_statement delivery_sql_remove_file_uses = {
    "remove_file_uses", "DELETE FROM file_use WHERE conversation = ? AND cid > 0 AND cid <= ?"};
const struct db_statement delivery_sql_remove = {
    "remove", "DELETE FROM message WHERE conversation = ? AND cid <= ?"};
