/* Every statement of hooks; see hooks_sql.h. */
#include "services/hooks/hooks_sql.h"

#include <inttypes.h>
#include <stdio.h>

#include "proto/mentions.h"

const struct db_statement hooks_sql_look = {
    "look", "SELECT s.instance, s.until_ms, " DB_NOW_MS ", s.seq, s.version,"
            " s.offline_seq, j.block"
            " FROM hook_state s LEFT JOIN (SELECT block FROM journal WHERE block > ?"
            " ORDER BY block LIMIT ?) j ON TRUE WHERE s.one = 1 ORDER BY j.block"};

const struct db_statement hooks_sql_take_lease = {
    "take_lease", "UPDATE hook_state SET instance = ?, until_ms = " DB_NOW_MS " + ?"
                  " WHERE one = 1 AND (instance = ? OR until_ms <= " DB_NOW_MS ")"};

const struct db_statement hooks_sql_release_lease = {
    "release_lease", "UPDATE hook_state SET until_ms = 0 WHERE one = 1 AND instance = ?"};

const struct db_statement hooks_sql_lock_state = {
    "lock_state", "SELECT seq FROM hook_state WHERE one = 1 AND instance = ? FOR UPDATE"};

const struct db_statement hooks_sql_list = {
    "list", "SELECT number, name, url, secret, events, kinds, accounts, `groups`, seq,"
            " failing_since_ms, parked_ms FROM hook ORDER BY number"};

static void add_blocks(struct buffer *sql, const uint64_t *blocks, size_t count) {
    for (size_t i = 0; i < count; i++)
        buffer_printf(sql, "%s%" PRIu64, i == 0 ? "(" : ",", blocks[i]);
    buffer_add_text(sql, ");");
}

void hooks_sql_add_numbering(struct buffer *sql, uint64_t seq, const uint64_t *blocks,
                             size_t count) {
    buffer_printf(sql,
                  "INSERT INTO journal_numbered (seq,block,entries,time_ms,conversations,what,"
                  "account,subject) SELECT %" PRIu64 "+ROW_NUMBER() OVER (ORDER BY block),block,"
                  "entries,time_ms,conversations,what,account,subject FROM journal"
                  " WHERE block IN ",
                  seq);
    add_blocks(sql, blocks, count);
    buffer_add_text(sql, "DELETE FROM journal WHERE block IN ");
    add_blocks(sql, blocks, count);
    buffer_printf(sql, "UPDATE hook_state SET seq=%" PRIu64 " WHERE one=1;", seq + count);
}

const struct db_statement hooks_sql_oldest = {
    "oldest", "SELECT j.seq, j.time_ms + ? < " DB_NOW_MS ","
              " (SELECT LEAST(s.offline_seq, COALESCE((SELECT MIN(h.seq) FROM hook h), s.seq))"
              " FROM hook_state s)"
              " FROM journal_numbered j ORDER BY j.seq LIMIT 1"};

const struct db_statement hooks_sql_tidy = {"tidy",
                                            "DELETE FROM journal_numbered WHERE seq <= ?"
                                            " AND (time_ms + ? < " DB_NOW_MS " OR seq <= ?)"};

const struct db_statement hooks_sql_read_journal = {
    "read_journal",
    "SELECT j.seq, j.block, j.entries, j.time_ms, j.conversations, j.what, j.account, a.id,"
    " j.subject, COALESCE(b.id, g.string_id) FROM journal_numbered j"
    " LEFT JOIN account a ON a.number = j.account"
    " LEFT JOIN account b ON j.what NOT IN ('group_made', 'offline') AND b.number = j.subject"
    " LEFT JOIN conversation g ON j.what = 'group_made' AND g.kind = 1 AND g.lo = j.subject"
    " AND g.hi = 0 WHERE j.seq > ? ORDER BY j.seq LIMIT ?"};

/* The entries of a row of the journal, by their primary key. */
static void add_range(struct buffer *sql, uint64_t block, uint64_t entries,
                      struct slice conversations) {
    buffer_add_text(sql, " WHERE m.conversation IN ");
    for (size_t i = 0; i < mentions_count(conversations); i++)
        buffer_printf(sql, "%s%" PRIu64, i == 0 ? "(" : ",", mentions_get(conversations, i));
    buffer_printf(sql, ") AND m.cid>=%" PRIu64 " AND m.cid<%" PRIu64, block, block + entries);
}

void hooks_sql_add_entries(struct buffer *sql, uint64_t block, uint64_t entries,
                           struct slice conversations) {
    buffer_add_text(
        sql,
        "SELECT m.conversation,m.cid,m.time_ms,m.type,m.sender,s.id,m.subject,u.id,m.about,"
        "g.string_id,m.accepted,COALESCE(t.body,m.body),m.target,"
        "IF(m.type=17,t.edited_ms,m.edited_ms),m.reply,m.mentions,m.file,k.lo,a.id,k.hi,b.id,"
        "k.string_id,k.name FROM message m"
        " JOIN conversation k ON k.id=m.conversation"
        " LEFT JOIN account s ON s.number=m.sender"
        " LEFT JOIN account u ON u.number=m.subject"
        " LEFT JOIN conversation g ON g.kind=1 AND g.lo=m.about AND g.hi=0"
        " LEFT JOIN message t ON m.type=17 AND t.conversation=m.conversation AND t.cid=m.target"
        " LEFT JOIN account a ON k.kind IN (0,2) AND a.number=k.lo"
        " LEFT JOIN account b ON k.kind=0 AND b.number=k.hi");
    add_range(sql, block, entries, conversations);
    buffer_add_text(sql, " ORDER BY m.cid;");
}

/* Texts (0) and the operator's messages (14). */
static void add_receiver(struct buffer *sql, const char *account, const char *join,
                         const char *condition, uint64_t block, uint64_t entries,
                         struct slice conversations) {
    buffer_printf(sql,
                  "SELECT %s AS account,m.conversation,m.cid FROM message m"
                  " JOIN conversation k ON k.id=m.conversation%s",
                  account, join);
    add_range(sql, block, entries, conversations);
    buffer_printf(sql, " AND m.type IN (0,14) AND m.sender<>%s AND %s", account, condition);
}

void hooks_sql_add_receivers(struct buffer *sql, uint64_t block, uint64_t entries,
                             struct slice conversations, uint64_t group_max) {
    char members[256];
    snprintf(members, sizeof members,
             "k.kind=1 AND ((SELECT COUNT(*) FROM member x WHERE x.conversation=m.conversation)"
             "<=%" PRIu64 " OR LOCATE(UNHEX(LPAD(HEX(b.account),16,'0')),m.mentions)%%8=1)",
             group_max);
    buffer_add_text(sql, "SELECT r.account,r.conversation,MAX(r.cid) FROM (");
    add_receiver(sql, "k.lo", "", "k.kind IN (0,2)", block, entries, conversations);
    buffer_add_text(sql, " UNION ALL ");
    add_receiver(sql, "k.hi", "", "k.kind=0", block, entries, conversations);
    buffer_add_text(sql, " UNION ALL ");
    add_receiver(sql, "b.account", " JOIN member b ON b.conversation=m.conversation", members,
                 block, entries, conversations);
    buffer_add_text(sql, ") r LEFT JOIN `cursor` c ON c.account=r.account AND"
                         " c.conversation=r.conversation WHERE COALESCE(c.received,0)<r.cid AND"
                         " COALESCE(c.quiet_until_ms,0)<=" DB_NOW_MS
                         " GROUP BY r.account,r.conversation;");
}

const struct db_statement hooks_sql_judge = {
    "judge", "SELECT COALESCE(c.received, 0), COALESCE(c.quiet_until_ms, 0) > " DB_NOW_MS ","
             " w.cid, COALESCE(x.received, 0) >= w.cid,"
             " IF(w.told_ms < " DB_NOW_MS ", " DB_NOW_MS " - w.told_ms, 0) FROM account a"
             " LEFT JOIN `cursor` c ON c.account = a.number AND c.conversation = ?"
             " LEFT JOIN wake w ON w.account = a.number"
             " LEFT JOIN `cursor` x ON x.account = a.number AND x.conversation = w.conversation"
             " WHERE a.number = ? AND NOT a.disabled"};

const struct db_statement hooks_sql_set_woken = {
    "set_woken", "REPLACE INTO wake (account, conversation, cid, told_ms)"
                 " VALUES (?, ?, ?, " DB_NOW_MS ")"};

const struct db_statement hooks_sql_add_offline = {
    "add_offline",
    "INSERT INTO journal (block, entries, time_ms, conversations, what, account, subject)"
    " VALUES (NEXT VALUE FOR cid_block, 0, " DB_NOW_MS ", ?, 'offline', ?, ?)"};

const struct db_statement hooks_sql_set_offline_place = {
    "set_offline_place", "UPDATE hook_state SET offline_seq = ? WHERE one = 1 AND instance = ?"};

const struct db_statement hooks_sql_skip_offline = {
    "skip_offline", "UPDATE hook_state SET offline_seq = seq WHERE one = 1 AND instance = ?"};

/* Where an account never says what it has read, what it has got counts. */
const struct db_statement hooks_sql_read_offline = {
    "read_offline",
    "SELECT a.id, (SELECT COUNT(*) FROM (SELECT 1 FROM `cursor` c JOIN message m"
    " ON m.conversation = c.conversation AND m.cid > IF(c.seen > 0, c.seen, c.received)"
    " AND m.cid > c.since WHERE c.account = ? AND NOT c.is_settled"
    " AND (c.until IS NULL OR m.cid <= c.until) AND m.type = 0 AND m.sender <> ?"
    " AND c.quiet_until_ms <= " DB_NOW_MS " LIMIT 999) u), COALESCE(x.received, 0)"
    " FROM account a LEFT JOIN `cursor` x ON x.account = a.number AND x.conversation = ?"
    " WHERE a.number = ?"};

const struct db_statement hooks_sql_told = {
    "told", "UPDATE hook h JOIN hook_state s ON s.one = 1 SET h.seq = ?, h.told = h.told + ?,"
            " h.lost = h.lost + ?, h.told_ms = " DB_NOW_MS ", h.failing_since_ms = NULL,"
            " h.fault = NULL WHERE h.number = ? AND s.instance = ?"};

/* Right in whatever order the columns are set. */
const struct db_statement hooks_sql_failed = {
    "failed", "UPDATE hook h JOIN hook_state s ON s.one = 1 SET h.fault = ?,"
              " h.failing_since_ms = COALESCE(h.failing_since_ms, " DB_NOW_MS "),"
              " h.parked_ms = IF(? OR COALESCE(h.failing_since_ms, " DB_NOW_MS ") + ? <= " DB_NOW_MS
              ", " DB_NOW_MS ", NULL)"
              " WHERE h.number = ? AND s.instance = ?"};

const struct db_statement hooks_sql_parked = {
    "parked", "SELECT h.parked_ms FROM hook h JOIN hook_state s ON s.one = 1"
              " WHERE h.number = ? AND s.instance = ?"};

const struct db_statement hooks_sql_read_wakes = {
    "read_wakes",
    "SELECT seq, block, entries, time_ms, conversations, what, account, NULL, subject,"
    " NULL FROM journal_numbered WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?"};
const struct db_statement hooks_sql_subscriptions = {
    "subscriptions",
    "SELECT p.login, p.endpoint, p.p256dh, p.auth, EXISTS (SELECT * FROM token t WHERE"
    " t.account = p.account AND t.login = p.login AND t.expires_ms > " DB_NOW_MS ")"
    " FROM push_subscription p WHERE p.account = ? ORDER BY p.login"};
const struct db_statement hooks_sql_unsubscribe = {
    "unsubscribe", "DELETE FROM push_subscription WHERE account = ? AND login = ?"};
const struct db_statement hooks_sql_is_subscribed = {
    "is_subscribed", "SELECT 1 FROM push_subscription WHERE account = ? AND login = ?"};
const struct db_statement hooks_sql_subscribe = {
    "subscribe",
    "REPLACE INTO push_subscription (account, login, endpoint, p256dh, auth, created_ms)"
    " VALUES (?, ?, ?, ?, ?, " DB_NOW_MS ")"};
const struct db_statement hooks_sql_count_subscriptions = {
    "count_subscriptions", "SELECT COUNT(*) FROM push_subscription WHERE account = ?"};
const struct db_statement hooks_sql_unsubscribe_oldest = {
    "unsubscribe_oldest",
    "DELETE FROM push_subscription WHERE account = ? ORDER BY created_ms, login LIMIT 1"};
const struct db_statement hooks_sql_find_subscriptions_end = {
    "find_subscriptions_end", "SELECT account FROM push_subscription WHERE account >= ?"
                              " ORDER BY account, login LIMIT ?, 1"};
const struct db_statement hooks_sql_ended_subscriptions = {
    "ended_subscriptions",
    "SELECT p.account, p.login FROM push_subscription p WHERE p.account >= ? AND p.account <= ?"
    " AND NOT EXISTS (SELECT * FROM token t WHERE t.account = p.account AND t.login = p.login"
    " AND t.expires_ms > " DB_NOW_MS ")"};
#define WEB_PUSH_IS_UNUSED                                                                         \
    " FROM hook WHERE url = '' AND NOT EXISTS (SELECT * FROM push_subscription)"
const struct db_statement hooks_sql_is_web_push_unused = {"is_web_push_unused",
                                                          "SELECT 1" WEB_PUSH_IS_UNUSED};
const struct db_statement hooks_sql_remove_unused_web_push = {"remove_unused_web_push",
                                                              "DELETE" WEB_PUSH_IS_UNUSED};
const struct db_statement hooks_sql_push_key = {"push_key",
                                                "SELECT secret FROM push_key WHERE one = 1"};
const struct db_statement hooks_sql_add_push_key = {
    "add_push_key", "INSERT IGNORE INTO push_key (one, secret) VALUES (1, ?)"};
const struct db_statement hooks_sql_has_web_push = {"has_web_push",
                                                    "SELECT 1 FROM hook WHERE url = ''"};
const struct db_statement hooks_sql_add_web_push = {
    "add_web_push", "INSERT IGNORE INTO hook (name, url, secret, events, kinds, accounts, "
                    "`groups`, seq, created_ms)"
                    " VALUES ('web-push', '', '', ?, ?, '', '', ?, " DB_NOW_MS ")"};

const struct db_statement hooks_sql_lock = {
    "lock", "SELECT seq, version FROM hook_state WHERE one = 1 FOR UPDATE"};
const struct db_statement hooks_sql_changed = {
    "changed", "UPDATE hook_state SET version = version + 1 WHERE one = 1"};
const struct db_statement hooks_sql_count = {"count", "SELECT COUNT(*) FROM hook"};
const struct db_statement hooks_sql_add = {
    "add",
    "INSERT INTO hook (name, url, secret, events, kinds, accounts, `groups`, seq, created_ms)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, " DB_NOW_MS ")"};
const struct db_statement hooks_sql_remove = {"remove", "DELETE FROM hook WHERE name = ?"};
const struct db_statement hooks_sql_retry = {
    "retry", "UPDATE hook SET parked_ms = NULL, failing_since_ms = NULL, fault = NULL"
             " WHERE name = ?"};
const struct db_statement hooks_sql_find = {"find", "SELECT 1 FROM hook WHERE name = ?"};
const struct db_statement hooks_sql_show_all = {
    "show_all", "SELECT h.name, h.url, h.events, s.seq - LEAST(h.seq, s.seq), h.told,"
                " COALESCE(h.told_ms, 0), h.lost, COALESCE(h.failing_since_ms, 0),"
                " h.parked_ms IS NOT NULL, COALESCE(h.fault, ''), h.created_ms"
                " FROM hook h JOIN hook_state s ON s.one = 1 ORDER BY h.name LIMIT ?"};
