/* Every statement of auth; see auth_sql.h. */
#include "services/auth/auth_sql.h"

#include "services/lookup/resolve.h"
#include "services/lookup/search.h"

#define ACCOUNT_COLUMNS "number, id, name, password, disabled"

const struct db_statement auth_sql_add_account = {
    "add_account", "INSERT INTO account (number, id, email, name, password, created_ms,"
                   " register_nonce) VALUES (?, ?, ?, ?, ?, " DB_NOW_MS ", ?)"};

/* The rows of accounts that the release before makes meanwhile are missing in `address`. */
const struct db_statement auth_sql_add_address = {
    "add_address", "INSERT INTO address (folded, account) SELECT ?, ? FROM DUAL"
                   " WHERE NOT EXISTS (SELECT * FROM account e WHERE e.email = ? AND e.number <> ?)"
                   " AND NOT EXISTS (SELECT * FROM account i WHERE i.id = ? AND i.number <> ?)"};

const struct db_statement auth_sql_find_by_id = {
    "find_by_id", "SELECT " ACCOUNT_COLUMNS " FROM account WHERE id IN (?, ?, ?)"};

const struct db_statement auth_sql_find_by_email = {
    "find_by_email", "SELECT " ACCOUNT_COLUMNS " FROM account WHERE email IN (?, ?)"};

const struct db_statement auth_sql_find_by_address = {
    "find_by_address",
    "SELECT " ACCOUNT_COLUMNS " FROM address JOIN account ON number = account WHERE folded = ?"};

const struct db_statement auth_sql_find_registered = {
    "find_registered", "SELECT " ACCOUNT_COLUMNS ", email FROM account WHERE register_nonce = ?"};

const struct db_statement auth_sql_replace_password = {
    "replace_password", "UPDATE account SET password = ? WHERE number = ? AND password = ?"};

/* The lock puts it before or after a change by the operator, which removes the tokens there are. */
const struct db_statement auth_sql_add_token = {
    "add_token",
    "INSERT INTO token (hash, login, device, transport, address, account, created_ms, heard_ms,"
    " expires_ms) "
    "SELECT ?, ?, ?, ?, ?, a.number, " DB_NOW_MS ", " DB_NOW_MS ", " DB_NOW_MS
    " + ? FROM account a WHERE a.number = ? "
    "AND a.disabled = FALSE AND a.password <=> ? LOCK IN SHARE MODE"};

const struct db_statement auth_sql_find_epoch = {"find_epoch", "SELECT number FROM epoch"};

const struct db_statement auth_sql_end_token = {
    "end_token", "UPDATE token SET expires_ms = " DB_NOW_MS
                 " WHERE hash = ? AND account = ? AND expires_ms > " DB_NOW_MS};

const struct db_statement auth_sql_find_addresses = {
    "find_addresses", "SELECT address FROM token WHERE account = ? LIMIT ?"};

const struct db_statement auth_sql_remove_oldest = {
    "remove_oldest", "DELETE FROM token WHERE account = ? ORDER BY expires_ms > " DB_NOW_MS
                     ", COALESCE(heard_ms, created_ms), hash LIMIT ?"};

/* Of before the last day: a clock that was wrong for a while takes none. */
#define IS_LONG_EXPIRED "expires_ms < " DB_NOW_MS " - 86400000"

const struct db_statement auth_sql_find_expired = {
    "find_expired",
    "SELECT hash, " IS_LONG_EXPIRED " FROM token WHERE hash > ? ORDER BY hash LIMIT ?"};

const struct db_statement auth_sql_remove_expired = {
    "remove_expired", "DELETE FROM token WHERE hash = ? AND " IS_LONG_EXPIRED};

/* Locks of this kind are named for the whole server. */
const struct db_statement auth_sql_lock_expired = {
    "lock_expired", "SELECT COALESCE(GET_LOCK(CONCAT('parley_expired_', DATABASE()), 0), 0)"};

const struct db_statement auth_sql_unlock_expired = {
    "unlock_expired", "DO RELEASE_LOCK(CONCAT('parley_expired_', DATABASE()))"};

const struct db_statement auth_sql_find_token = {
    "find_token", "SELECT a.number, a.id, a.name, a.disabled,"
                  " IF(t.expires_ms > " DB_NOW_MS ", t.expires_ms - " DB_NOW_MS ", 0),"
                  " (SELECT number FROM epoch),"
                  " t.heard_ms > " DB_NOW_MS " - 3600000, t.address FROM token t"
                  " JOIN account a ON a.number = t.account WHERE t.hash = ?"};

const struct db_statement auth_sql_renew_token = {
    "renew_token",
    "UPDATE token SET expires_ms = " DB_NOW_MS " + ? WHERE hash = ? AND expires_ms > " DB_NOW_MS};

const struct db_statement auth_sql_note_device = {
    "note_device",
    "UPDATE token SET login = ?, device = COALESCE(?, device), transport = ?, address = ?,"
    " heard_ms = " DB_NOW_MS " WHERE hash = ?"};

const struct db_statement auth_sql_find_devices = {
    "find_devices",
    "SELECT LEFT(hash, 8), login, device, transport, address, created_ms,"
    " COALESCE(heard_ms, created_ms) FROM token WHERE account = ? AND expires_ms > " DB_NOW_MS
    " ORDER BY COALESCE(heard_ms, created_ms) DESC, hash LIMIT ?"};

const struct db_statement auth_sql_find_device = {
    "find_device", "SELECT login FROM token WHERE account = ? AND LEFT(hash, 8) = ?"};

const struct db_statement auth_sql_end_device = {
    "end_device", "UPDATE token SET address = NULL, expires_ms = LEAST(expires_ms, " DB_NOW_MS
                  ") WHERE account = ? AND LEFT(hash, 8) = ?"};

const struct db_statement auth_sql_find_registration_token = {
    "find_registration_token", "SELECT number FROM registration_token WHERE hash = ? AND uses > 0"
                               " AND expires_ms > " DB_NOW_MS};

const struct db_statement auth_sql_use_registration_token = {
    "use_registration_token", "UPDATE registration_token SET uses = uses - 1 WHERE hash = ?"
                              " AND uses > 0 AND expires_ms > " DB_NOW_MS};

const struct db_statement auth_sql_add_registration_token = {
    "add_registration_token", "INSERT INTO registration_token (hash, uses, created_ms, expires_ms)"
                              " SELECT ?, ?, " DB_NOW_MS ", " DB_NOW_MS " + ? FROM DUAL"
                              " WHERE (SELECT COUNT(*) FROM registration_token) < ?"};

const struct db_statement auth_sql_remove_registration_tokens = {
    "remove_registration_tokens",
    "DELETE FROM registration_token WHERE expires_ms < " DB_NOW_MS " - 86400000"};

const struct db_statement auth_sql_revoke_registration_token = {
    "revoke_registration_token", "DELETE FROM registration_token WHERE number = ?"};

#define SHOWN_ACCOUNT                                                                              \
    "SELECT number, id, email, name, about, password IS NOT NULL, disabled,"                       \
    " deleted_ms IS NOT NULL, created_ms FROM account WHERE "

const struct db_statement auth_sql_show = {"show_account", SHOWN_ACCOUNT "number = ?"};
const struct db_statement auth_sql_list = {
    "list_accounts",
    SHOWN_ACCOUNT "number > ? AND number <= ? AND (" SEARCH_IN("id") " OR " SEARCH_IN(
        "name") " OR " SEARCH_IN("email") ") ORDER BY number LIMIT ?"};
const struct db_statement auth_sql_find_end = {
    "find_end_of_accounts",
    "SELECT number FROM account WHERE number > ? ORDER BY number LIMIT ?, 1"};

const struct db_statement auth_sql_find_to_log_in = {
    "find_to_log_in", "SELECT id, name, disabled, (SELECT number FROM epoch),"
                      " (SELECT COUNT(*) FROM token t WHERE t.account = a.number) FROM account a"
                      " WHERE number = ? AND deleted_ms IS NULL"};

const struct db_statement auth_sql_make_token = {
    "make_token",
    "INSERT INTO token (hash, login, device, transport, account, created_ms, heard_ms,"
    " expires_ms) SELECT ?, ?, ?, 0, a.number, " DB_NOW_MS ", " DB_NOW_MS ", " DB_NOW_MS
    " + ? FROM account a WHERE a.number = ? AND a.disabled = FALSE"
    " LOCK IN SHARE MODE"};

const struct db_statement auth_sql_add_api_key = {
    "add_api_key", "INSERT INTO api_key (hash, name, scopes, addresses, account, per_minute,"
                   " created_ms, expires_ms) SELECT ?, ?, ?, ?, ?, ?, " DB_NOW_MS ", " DB_NOW_MS
                   " + ? FROM DUAL WHERE (SELECT COUNT(*) FROM api_key) < ?"};

const struct db_statement auth_sql_remove_api_key = {"remove_api_key",
                                                     "DELETE FROM api_key WHERE name = ?"};

const struct db_statement auth_sql_resolve = {
    "resolve", "SELECT id, number FROM account WHERE id IN " RESOLVE_IDS};

const struct db_statement auth_sql_id_exists = {"id_exists",
                                                "SELECT number FROM account WHERE id = ?"};
const struct db_statement auth_sql_email_exists = {"email_exists",
                                                   "SELECT number FROM account WHERE email = ?"};
const struct db_statement auth_sql_account_exists = {"account_exists",
                                                     "SELECT number FROM account WHERE number = ?"};
const struct db_statement auth_sql_find_operable = {
    "find_operable", "SELECT number FROM account WHERE number = ? AND deleted_ms IS NULL"};
const struct db_statement auth_sql_find_to_forget = {
    "find_to_forget",
    "SELECT id, email, password, deleted_ms IS NOT NULL FROM account WHERE number = ?"};
const struct db_statement auth_sql_forget = {
    "forget", "UPDATE account SET deleted_ms = " DB_NOW_MS ", disabled = TRUE, password = NULL,"
              " email = NULL, name = 'deleted account', about = NULL, avatar = NULL"
              " WHERE number = ? AND deleted_ms IS NULL"};
/* An id that is an address, too, stays taken. */
const struct db_statement auth_sql_remove_address = {
    "remove_address", "DELETE FROM address WHERE folded IN (?, LOWER(?)) AND account = ?"
                      " AND folded <> LOWER(?)"};
const struct db_statement auth_sql_add_ending = {
    "add_ending", "INSERT IGNORE INTO ending (account, blank) VALUES (?, ?)"};
const struct db_statement auth_sql_set_password = {
    "set_password", "UPDATE account SET password = ? WHERE number = ?"};
const struct db_statement auth_sql_set_disabled = {
    "set_disabled", "UPDATE account SET disabled = ? WHERE number = ?"};
const struct db_statement auth_sql_remove_tokens = {"remove_tokens",
                                                    "DELETE FROM token WHERE account = ?"};

const struct db_statement auth_sql_list_audit = {
    "list_audit", "SELECT number, time_ms, event, account, subject, COALESCE(address, ''), trace,"
                  " COALESCE(detail, '') FROM audit WHERE number < ?"
                  " AND (? = 0 OR account = ? OR subject = ?) ORDER BY number DESC LIMIT ?"};
