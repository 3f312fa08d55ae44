/* Every statement of group; see group_sql.h. */
#include "services/group/group_sql.h"

#include "services/group/group.h"
#include "services/lookup/resolve.h"
#include "services/lookup/search.h"

#define TEXT_OF(number_) #number_
#define TEXT(number_) TEXT_OF(number_)
#define SIXTEEN "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

/* --- groups -------------------------------------------------------------------------------- */

const struct db_statement group_sql_add_conversation = {
    "add_conversation",
    "INSERT INTO conversation (id, kind, lo, hi, string_id, name, owner, created_ms)"
    " VALUES (?, 1, ?, 0, ?, ?, ?, ?)"};

const struct db_statement group_sql_add_member = {
    "add_member",
    "INSERT INTO member (conversation, account, role, joined_ms) VALUES (?, ?, ?, ?)"};

const struct db_statement group_sql_set_role = {
    "set_role", "UPDATE member SET role = ? WHERE conversation = ? AND account = ?"};

const struct db_statement group_sql_remove_member = {
    "remove_member", "DELETE FROM member WHERE conversation = ? AND account = ?"};

const struct db_statement group_sql_remove_members = {"remove_members",
                                                      "DELETE FROM member WHERE conversation = ?"};

const struct db_statement group_sql_set_dissolved = {
    "set_dissolved", "UPDATE conversation SET dissolved = TRUE WHERE id = ?"};

const struct db_statement group_sql_raise_version = {
    "raise_version", "UPDATE conversation SET version = version + 1 WHERE id = ?"};

const struct db_statement group_sql_find_group = {"find_group",
                                                  "SELECT 1 FROM conversation WHERE id = ?"};
const struct db_statement group_sql_set_retention = {
    "set_retention", "UPDATE conversation SET retention_days = ? WHERE id = ?"};

const struct db_statement group_sql_rename_group = {
    "rename_group", "UPDATE conversation SET name = ? WHERE id = ?"};

const struct db_statement group_sql_rename_account = {
    "rename_account", "UPDATE account SET name = ? WHERE number = ?"};

const struct db_statement group_sql_set_about = {"set_about",
                                                 "UPDATE account SET about = ? WHERE number = ?"};

/* As proto/avatar.h has it. */
#define AVATAR                                                                                     \
    "(SELECT CONCAT(LPAD(LOWER(HEX(f.id)), 16, '0'), IF(f.preview > 0, '', '+')) FROM file f"      \
    " WHERE f.id = ?)"
const struct db_statement group_sql_find_picture = {
    "find_picture", "SELECT id FROM file WHERE id = ? AND account = ? AND finished_ms IS NOT NULL"
                    " AND mime LIKE 'image/%' LOCK IN SHARE MODE"};
const struct db_statement group_sql_set_avatar = {
    "set_avatar", "UPDATE account SET avatar = " AVATAR " WHERE number = ?"};
const struct db_statement group_sql_set_group_avatar = {
    "set_group_avatar", "UPDATE conversation SET avatar = " AVATAR " WHERE id = ?"};
const struct db_statement group_sql_use_avatar = {
    "use_avatar", "INSERT INTO file_use (conversation, cid, file) VALUES (?, 0, ?)"
                  " ON DUPLICATE KEY UPDATE file = VALUES(file)"};
const struct db_statement group_sql_forget_avatar = {
    "forget_avatar", "DELETE FROM file_use WHERE conversation = ? AND cid = 0"};
const struct db_statement group_sql_set_group_about = {
    "set_group_about", "UPDATE conversation SET about = ? WHERE id = ?"};

const struct db_statement group_sql_set_slow = {"set_slow",
                                                "UPDATE conversation SET slow_s = ? WHERE id = ?"};

const struct db_statement group_sql_set_nick = {
    "set_nick", "UPDATE member SET nick = ? WHERE conversation = ? AND account = ?"};

const struct db_statement group_sql_find_parties = {
    "find_parties", "SELECT account.number, account.id, COALESCE(member.role, 0),"
                    " account.deleted_ms IS NULL FROM account"
                    " LEFT JOIN member ON member.conversation = ?"
                    " AND member.account = account.number WHERE account.number IN (?, ?)"};

const struct db_statement group_sql_administrators = {
    "administrators", "SELECT account FROM member WHERE conversation = ? AND role >= 2"
                      " ORDER BY account"};

const struct db_statement group_sql_resolve = {
    "resolve", "SELECT string_id, lo FROM conversation WHERE string_id IN " RESOLVE_IDS};

/* --- friends ------------------------------------------------------------------------------- */

const struct db_statement group_sql_add_friendship = {
    "add_friendship", "INSERT INTO friendship (lo, hi, created_ms) VALUES (?, ?, ?)"};

const struct db_statement group_sql_remove_friendship = {
    "remove_friendship", "DELETE FROM friendship WHERE lo = ? AND hi = ?"};

const struct db_statement group_sql_find_friendship = {
    "find_friendship", "SELECT lo FROM friendship WHERE lo = ? AND hi = ?"};

const struct db_statement group_sql_friends = {"friends",
                                               "SELECT hi FROM friendship WHERE lo = ?"
                                               " UNION ALL SELECT lo FROM friendship WHERE hi = ?"};

const struct db_statement group_sql_pair = {
    "pair",
    "SELECT"
    " (SELECT COUNT(*) FROM friendship WHERE lo = LEAST(p.a, p.b) AND hi = GREATEST(p.a, p.b)),"
    " (SELECT COUNT(*) FROM block WHERE account = p.b AND blocked = p.a),"
    " (SELECT COUNT(*) FROM request WHERE kind = 1 AND target = p.b AND account = p.a),"
    " (SELECT COUNT(*) FROM request WHERE kind = 1 AND target = p.a AND account = p.b),"
    " (SELECT COUNT(*) FROM request WHERE account = p.a),"
    " (SELECT COUNT(*) FROM request WHERE kind = 1 AND target = p.b),"
    " (SELECT COUNT(*) FROM friendship WHERE lo = p.a) +"
    " (SELECT COUNT(*) FROM friendship WHERE hi = p.a),"
    " (SELECT COUNT(*) FROM friendship WHERE lo = p.b) +"
    " (SELECT COUNT(*) FROM friendship WHERE hi = p.b)"
    " FROM (SELECT CAST(? AS UNSIGNED) AS a, CAST(? AS UNSIGNED) AS b) p"};

/* --- blocks -------------------------------------------------------------------------------- */

const struct db_statement group_sql_block = {
    "block", "SELECT (SELECT COUNT(*) FROM block WHERE account = p.a AND blocked = p.b),"
             " (SELECT COUNT(*) FROM block WHERE account = p.a)"
             " FROM (SELECT CAST(? AS UNSIGNED) AS a, CAST(? AS UNSIGNED) AS b) p"};

const struct db_statement group_sql_add_block = {
    "add_block", "INSERT INTO block (account, blocked) VALUES (?, ?)"};

const struct db_statement group_sql_remove_block = {
    "remove_block", "DELETE FROM block WHERE account = ? AND blocked = ?"};

const struct db_statement group_sql_set_blocked = {
    "set_blocked", "UPDATE conversation SET blocked = ? WHERE id = ?"};

const struct db_statement group_sql_set_remark = {
    "set_remark", "INSERT INTO remark (account, friend, remark) VALUES (?, ?, ?)"
                  " ON DUPLICATE KEY UPDATE remark = VALUES(remark)"};

const struct db_statement group_sql_remove_remark = {
    "remove_remark", "DELETE FROM remark WHERE account = ? AND friend = ?"};

/* --- lists --------------------------------------------------------------------------------- */

/* Each part reads its index in order, no further than the page goes. */
/* Somebody who is blocked may be a friend, or be asked, too. */
const struct db_statement group_sql_friends_page = {
    "friends_page",
    "SELECT STRAIGHT_JOIN p.n, a.id, a.name, a.avatar, r.remark, p.relation, p.blocked FROM ("
    "SELECT n, MIN(relation) AS relation, MAX(blocked) AS blocked FROM ("
    "(SELECT hi AS n, 0 AS relation, 0 AS blocked FROM friendship WHERE lo = ? AND hi > ?"
    " ORDER BY hi LIMIT ?)"
    " UNION ALL"
    " (SELECT lo, 0, 0 FROM friendship WHERE hi = ? AND lo > ? ORDER BY lo LIMIT ?)"
    " UNION ALL (SELECT target, 1, 0 FROM request WHERE account = ? AND kind = 1 AND target > ?"
    " ORDER BY target LIMIT ?)"
    " UNION ALL (SELECT account, 2, 0 FROM request WHERE kind = 1 AND target = ? AND account > ?"
    " ORDER BY account LIMIT ?)"
    " UNION ALL (SELECT blocked, 3, 1 FROM block WHERE account = ? AND blocked > ?"
    " ORDER BY blocked LIMIT ?)) u GROUP BY n ORDER BY n LIMIT ?) p"
    " LEFT JOIN account a ON a.number = p.n"
    " LEFT JOIN remark r ON r.account = ? AND r.friend = p.n ORDER BY p.n"};

const struct db_statement group_sql_members_page = {
    "members_page",
    "SELECT STRAIGHT_JOIN p.n, a.id, a.name, p.nick, p.role, p.muted, p.banned, a.avatar FROM ("
    "(SELECT account AS n, nick, role, muted_until_ms AS muted, 0 AS banned FROM member"
    " WHERE conversation = ? AND account > ? ORDER BY account LIMIT ?)"
    " UNION ALL (SELECT account, NULL, 0, 0, 0 FROM request WHERE kind = 2 AND target = ?"
    " AND account > ? ORDER BY account LIMIT ?)"
    " UNION ALL (SELECT account, NULL, 0, 0, 1 FROM ban WHERE conversation = ? AND account > ?"
    " ORDER BY account LIMIT ?)) p LEFT JOIN account a ON a.number = p.n"
    " ORDER BY p.n LIMIT ?"};

const struct db_statement group_sql_standing = {
    "standing", "SELECT (SELECT role FROM member WHERE conversation = ? AND account = ?),"
                " (SELECT COUNT(*) FROM (SELECT 1 FROM member WHERE conversation = ? LIMIT ?) m)"
                " FROM conversation WHERE id = ? AND NOT dissolved"};

#define SHOWN_GROUP                                                                                \
    "SELECT c.lo, c.string_id, c.name, c.about, c.owner, a.id,"                                    \
    " (SELECT COUNT(*) FROM member m WHERE m.conversation = c.id), c.slow_s, c.dissolved,"         \
    " c.created_ms, c.avatar, COALESCE(c.retention_days, 0), c.retention_days IS NULL FROM "       \
    "conversation c LEFT JOIN account a ON a.number = c.owner WHERE "

const struct db_statement group_sql_show = {"show_group", SHOWN_GROUP "c.id = ?"};
const struct db_statement group_sql_list = {
    "list_groups",
    SHOWN_GROUP "c.kind = 1 AND c.lo > ? AND c.lo <= ? AND (" SEARCH_IN(
        "COALESCE(c.string_id, c.lo)") " OR " SEARCH_IN("c.name") ") ORDER BY c.lo LIMIT ?"};
const struct db_statement group_sql_find_end = {
    "find_end_of_groups",
    "SELECT lo FROM conversation WHERE kind = 1 AND lo > ? ORDER BY lo LIMIT ?, 1"};

/* --- profiles ------------------------------------------------------------------------------ */

const struct db_statement group_sql_profile_of_account = {
    "profile_of_account",
    "SELECT a.number, a.id, a.name, a.avatar, a.about, r.remark, f.lo IS NOT NULL, 0"
    " FROM account a LEFT JOIN remark r ON r.account = ? AND r.friend = a.number"
    " LEFT JOIN friendship f ON f.lo = LEAST(?, a.number) AND f.hi = GREATEST(?, a.number)"
    " WHERE a.number = ?"};

const struct db_statement group_sql_profile_of_group = {
    "profile_of_group",
    "SELECT k.lo, k.string_id, k.name, k.avatar, k.about, NULL, m.account IS NOT NULL, k.slow_s"
    " FROM conversation k LEFT JOIN member m ON m.conversation = k.id AND m.account = ?"
    " WHERE k.kind = 1 AND k.lo = ? AND k.hi = 0 AND NOT k.dissolved"};

const struct db_statement group_sql_find_by_email = {"find_by_email",
                                                     "SELECT number FROM account WHERE email = ?"};

/* --- requests ------------------------------------------------------------------------------ */

const struct db_statement group_sql_add_request = {
    "add_request", "INSERT INTO request (kind, target, account, created_ms, stranger)"
                   " VALUES (?, ?, ?, ?, ?)"};

/* Else the server reads all requests of the target, and sorts them. */
const struct db_statement group_sql_find_oldest = {
    "find_oldest", "SELECT account FROM request FORCE INDEX (request_stranger) WHERE kind = ?"
                   " AND target = ? AND stranger = TRUE ORDER BY created_ms LIMIT 1"};

const struct db_statement group_sql_share_group = {
    "share_group", "SELECT STRAIGHT_JOIN 1 FROM (SELECT conversation FROM member WHERE account = ?"
                   " ORDER BY conversation LIMIT " TEXT(
                       GROUP_COMPARED) ") g"
                                       " JOIN member m ON m.conversation = g.conversation AND "
                                       "m.account = ? LIMIT 1"};

const struct db_statement group_sql_remove_request = {
    "remove_request", "DELETE FROM request WHERE kind = ? AND target = ? AND account = ?"};

const struct db_statement group_sql_remove_requests = {
    "remove_requests", "DELETE FROM request WHERE kind = ? AND target = ?"};

const struct db_statement group_sql_join = {
    "join", "SELECT"
            " (SELECT COUNT(*) FROM request WHERE kind = 2 AND target = p.g AND account = p.a),"
            " (SELECT COUNT(*) FROM request WHERE account = p.a),"
            " (SELECT COUNT(*) FROM request WHERE kind = 2 AND target = p.g),"
            " (SELECT COUNT(*) FROM ban WHERE conversation = p.g | 1 << 60 AND account = p.a)"
            " FROM (SELECT CAST(? AS UNSIGNED) AS g, CAST(? AS UNSIGNED) AS a) p"};

/* --- moderation ---------------------------------------------------------------------------- */

const struct db_statement group_sql_set_mute = {
    "set_mute", "UPDATE member SET muted_until_ms = ? WHERE conversation = ? AND account = ?"};

const struct db_statement group_sql_add_ban = {
    "add_ban", "INSERT INTO ban (conversation, account, banned_by, time_ms) VALUES (?, ?, ?, ?)"};

const struct db_statement group_sql_remove_ban = {
    "remove_ban", "DELETE FROM ban WHERE conversation = ? AND account = ?"};

const struct db_statement group_sql_count_bans = {
    "count_bans", "SELECT COUNT(*) FROM ban WHERE conversation = ?"};

/* --- deleted accounts ------------------------------------------------------------------------ */

const struct db_statement group_sql_find_ending = {
    "find_ending", "SELECT account, blank, conversation, cid FROM ending ORDER BY account LIMIT 1"};

const struct db_statement group_sql_find_membership = {
    "find_membership", "SELECT k.lo FROM member m JOIN conversation k ON k.id = m.conversation"
                       " WHERE m.account = ? ORDER BY m.conversation LIMIT 1"};

const struct db_statement group_sql_find_successor = {
    "find_successor", "SELECT m.account, a.id FROM member m"
                      " JOIN account a ON a.number = m.account AND a.deleted_ms IS NULL"
                      " WHERE m.conversation = ? AND m.account <> ?"
                      " ORDER BY m.role DESC, m.joined_ms, m.account LIMIT 1"};

const struct db_statement group_sql_set_owner = {"set_owner",
                                                 "UPDATE conversation SET owner = ? WHERE id = ?"};

const struct db_statement group_sql_remove_requests_of = {"remove_requests_of",
                                                          "DELETE FROM request WHERE account = ?"};

const struct db_statement group_sql_remove_blocks = {"remove_blocks",
                                                     "DELETE FROM block WHERE account = ?"};

const struct db_statement group_sql_remove_remarks = {"remove_remarks",
                                                      "DELETE FROM remark WHERE account = ?"};

const struct db_statement group_sql_next_conversation = {
    "next_conversation", "SELECT conversation FROM `cursor` WHERE account = ? AND conversation > ?"
                         " AND conversation < 2 << 60 ORDER BY conversation LIMIT 1"};

const struct db_statement group_sql_close_pair = {
    "close_pair", "UPDATE conversation SET blocked = 3 WHERE id = ? AND kind = 0"};

const struct db_statement group_sql_note_ending = {
    "note_ending", "UPDATE ending SET conversation = ?, cid = ? WHERE account = ?"};

const struct db_statement group_sql_remove_ending = {"remove_ending",
                                                     "DELETE FROM ending WHERE account = ?"};

/* --- what was done --------------------------------------------------------------------------- */

const struct db_statement group_sql_add_done = {
    "add_done",
    "INSERT INTO done (account, nonce, digest, result, time_ms) VALUES (?, ?, ?, ?, " DB_NOW_MS
    ")"};

const struct db_statement group_sql_find_done = {
    "find_done", "SELECT digest, result FROM done WHERE account = ? AND nonce = ?"};

const struct db_statement group_sql_forget_done = {
    "forget_done", "DELETE FROM done WHERE time_ms < " DB_NOW_MS
                   " - ? ORDER BY time_ms LIMIT " TEXT(GROUP_FORGET_STEP)};

const struct db_statement group_sql_forget_audit = {
    "forget_audit", "DELETE FROM audit WHERE time_ms < " DB_NOW_MS
                    " - ? ORDER BY time_ms LIMIT " TEXT(GROUP_FORGET_STEP)};

/* --- presence ------------------------------------------------------------------------------ */

const struct db_statement group_sql_friends_of_all = {
    "friends_of_all",
    "SELECT f.lo, a.id, f.hi FROM friendship f JOIN account a ON a.number = f.lo WHERE f.lo"
    " IN " SIXTEEN " UNION ALL SELECT f.hi, a.id, f.lo FROM friendship f"
    " JOIN account a ON a.number = f.hi WHERE f.hi IN " SIXTEEN " ORDER BY 1, 3"};

const struct db_statement group_sql_groups_of_all = {
    "groups_of_all",
    "SELECT m.conversation, k.lo, k.string_id, m.account, a.id FROM member m"
    " JOIN conversation k ON k.id = m.conversation JOIN account a ON a.number = m.account"
    " WHERE m.account IN " SIXTEEN " ORDER BY m.conversation, m.account"};

const struct db_statement group_sql_members = {
    "members", "SELECT account FROM member WHERE conversation = ? ORDER BY account LIMIT ?"};
