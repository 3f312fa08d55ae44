/* Every statement of group; see group_sql.h. */
#include "services/group/group_sql.h"

const struct db_statement group_sql_next_number = {"next_number",
                                                   "SELECT NEXT VALUE FOR group_number"};

const struct db_statement group_sql_add_conversation = {
    "add_conversation",
    "INSERT INTO conversation (id, kind, lo, hi, string_id, name, owner, created_ms)"
    " VALUES (?, 1, ?, 0, ?, ?, ?, ?)"};

const struct db_statement group_sql_add_member = {
    "add_member",
    "INSERT INTO member (conversation, account, role, joined_ms) VALUES (?, ?, ?, ?)"};

const struct db_statement group_sql_raise_version = {
    "raise_version", "UPDATE conversation SET version = version + 1 WHERE id = ?"};

const struct db_statement group_sql_find_parties = {
    "find_parties", "SELECT account.number, account.id, COALESCE(member.role, 0) FROM account"
                    " LEFT JOIN member ON member.conversation = ?"
                    " AND member.account = account.number WHERE account.number IN (?, ?)"};

const struct db_statement group_sql_resolve = {
    "resolve", "SELECT string_id, lo FROM conversation"
               " WHERE string_id IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"};
