/* Every statement of files; see files_sql.h. */
#include "services/files/files_sql.h"

#define COLUMNS                                                                                    \
    "f.id, f.account, f.name, f.mime, f.size, f.sha256, f.width, f.height, f.preview, f.token,"    \
    " f.expires_ms, f.finished_ms, COALESCE(f.announced, f.size), " DB_NOW_MS
#define IS_USED                                                                                    \
    "(EXISTS (SELECT * FROM file_use u WHERE u.file = f.id)"                                       \
    " OR EXISTS (SELECT * FROM sticker s WHERE s.file = f.id))"

const struct db_statement files_sql_lock_account = {
    "lock_account", "SELECT disabled, " DB_NOW_MS " FROM account WHERE number = ? FOR UPDATE"};
const struct db_statement files_sql_room = {
    "room", "SELECT COALESCE(SUM(GREATEST(size, ?)), 0) FROM file WHERE account = ?"};
const struct db_statement files_sql_add = {
    "add", "INSERT INTO file (id, account, name, mime, size, sha256, token, nonce, created_ms,"
           " expires_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"};
const struct db_statement files_sql_find_nonce = {"find_nonce",
                                                  "SELECT " COLUMNS " FROM file f WHERE nonce = ?"};
const struct db_statement files_sql_find = {"find", "SELECT " COLUMNS " FROM file f WHERE id = ?"};
const struct db_statement files_sql_find_served = {
    "find_served", "SELECT " COLUMNS " FROM file f WHERE id = ? AND finished_ms IS NOT NULL"
                   " AND " IS_USED};
const struct db_statement files_sql_lock = {"lock", "SELECT " COLUMNS
                                                    " FROM file f WHERE id = ? FOR UPDATE"};
const struct db_statement files_sql_is_used = {"is_used",
                                               "SELECT 1 FROM file f WHERE id = ? AND " IS_USED};
/* Of the one who has it among its stickers, deleted accounts do not count: these stickers go, too.
 */
#define ACCOUNT_ENDED(account_)                                                                    \
    "EXISTS (SELECT * FROM account a WHERE a.number = " account_ " AND a.deleted_ms IS NOT NULL)"
#define IS_DUE                                                                                     \
    "IF(f.finished_ms IS NULL, f.expires_ms <= " DB_NOW_MS                                         \
    " OR " ACCOUNT_ENDED("f.account") ", (f.finished_ms + ? <= " DB_NOW_MS " OR " ACCOUNT_ENDED(   \
        "f.account") ") AND NOT EXISTS (SELECT * FROM file_use u WHERE u.file = f.id)"             \
                     " AND NOT EXISTS (SELECT * FROM sticker s WHERE s.file = f.id AND"            \
                     " NOT " ACCOUNT_ENDED("s.account") "))"

const struct db_statement files_sql_is_due = {"is_due",
                                              "SELECT 1 FROM file f WHERE " IS_DUE " AND f.id = ?"};
/*
 * Uses that show nothing any more, and may go at any time: of a message that was recalled (15,
 * ENTRY_RECALLED_TEXT) or is gone, and the avatar of a group that was dissolved or of an account
 * that was deleted (2: CONVERSATION_SELF). Who stores a message adds its use in the same
 * transaction.
 */
#define SHOWS_NOTHING(file_)                                                                       \
    " file_use u LEFT JOIN message m ON m.conversation = u.conversation AND m.cid = u.cid"         \
    " LEFT JOIN conversation c ON u.cid = 0 AND c.id = u.conversation AND c.dissolved"             \
    " LEFT JOIN account o ON u.cid = 0 AND u.conversation >> 60 = 2"                               \
    " AND o.number = u.conversation & (1 << 60) - 1 AND o.deleted_ms IS NOT NULL WHERE u.file "    \
    "= " file_                                                                                     \
    " AND IF(u.cid = 0, c.id IS NOT NULL OR o.number IS NOT NULL, COALESCE(m.type, 15) = 15)"
const struct db_statement files_sql_house = {
    "house",
    "SELECT f.id, " IS_DUE
    ", EXISTS (SELECT * FROM sticker t WHERE t.file = f.id AND " ACCOUNT_ENDED(
        "t.account") "), EXISTS (SELECT * FROM" SHOWS_NOTHING("f.id") ") FROM file f WHERE f.id > "
                                                                      "? ORDER BY f.id LIMIT ?"};
const struct db_statement files_sql_remove_ended_uses = {"remove_ended_uses",
                                                         "DELETE u FROM" SHOWS_NOTHING("?")};
const struct db_statement files_sql_remove_ended_stickers = {
    "remove_ended_stickers", "DELETE t FROM sticker t JOIN account a ON a.number = t.account"
                             " WHERE t.file = ? AND a.deleted_ms IS NOT NULL"};
const struct db_statement files_sql_count = {
    "count", "SELECT COUNT(finished_ms), COALESCE(SUM(IF(finished_ms IS NULL, 0, size)), 0),"
             " COUNT(*) - COUNT(finished_ms) FROM file"};
/* Of the database: a server may have several. */
#define HOUSE_LOCK "CONCAT(DATABASE(), '.files')"
const struct db_statement files_sql_lock_house = {"lock_house",
                                                  "SELECT GET_LOCK(" HOUSE_LOCK ", 0)"};
const struct db_statement files_sql_unlock_house = {"unlock_house",
                                                    "DO RELEASE_LOCK(" HOUSE_LOCK ")"};
const struct db_statement files_sql_remove = {"remove", "DELETE FROM file WHERE id = ?"};
/* In this order: `announced` takes the size of before. */
const struct db_statement files_sql_finish = {
    "finish",
    "UPDATE file SET announced = size, size = ?, mime = ?, width = ?, height = ?, preview = ?,"
    " finished_ms = " DB_NOW_MS " WHERE id = ? AND finished_ms IS NULL"};
const struct db_statement files_sql_remove_stickers_of = {"remove_stickers_of",
                                                          "DELETE FROM sticker WHERE file = ?"};
const struct db_statement files_sql_stickers = {
    "stickers", "SELECT " COLUMNS " FROM sticker t JOIN file f ON f.id = t.file"
                " WHERE t.account = ? ORDER BY t.added_ms DESC, t.file LIMIT ?"};
const struct db_statement files_sql_count_stickers = {
    "count_stickers", "SELECT COUNT(*) FROM sticker WHERE account = ?"};
const struct db_statement files_sql_add_sticker = {
    "add_sticker",
    "INSERT IGNORE INTO sticker (account, file, added_ms) VALUES (?, ?, " DB_NOW_MS ")"};
const struct db_statement files_sql_remove_sticker = {
    "remove_sticker", "DELETE FROM sticker WHERE account = ? AND file = ?"};
const struct db_statement files_sql_page = {
    "page",
    "SELECT id, IF(finished_ms IS NULL, 0, size) FROM file WHERE id > ? ORDER BY id LIMIT ?"};
const struct db_statement files_sql_find_key = {"find_key",
                                                "SELECT `key` FROM file_key WHERE number = ?"};
const struct db_statement files_sql_add_key = {
    "add_key", "INSERT IGNORE INTO file_key (number, `key`) VALUES (?, ?)"};
