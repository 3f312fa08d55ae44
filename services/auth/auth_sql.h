/*
 * Every statement of auth. It writes the tables account and token alone.
 *
 * All of these are single statements that commit by themselves: no change of auth's has to span
 * two.
 */
#ifndef PARLEY_AUTH_SQL_H
#define PARLEY_AUTH_SQL_H

#include "common/db.h"

/* -> number */
extern const struct db_statement auth_sql_next_number;
/* number, id, email or NULL, name, password or NULL, created_ms, nonce or NULL. Keys: see
 * below. */
extern const struct db_statement auth_sql_add_account;
/* id, or email -> the columns of enum auth_account_column */
extern const struct db_statement auth_sql_find_by_id, auth_sql_find_by_email;
/* nonce -> the columns of enum auth_account_column: the account that it registered */
extern const struct db_statement auth_sql_find_registered;
/* new hash, number, old hash */
extern const struct db_statement auth_sql_replace_password;
/* hash, created_ms, expires_ms, account, password: adds none when the account is disabled by now,
 * or that is no longer the hash of its password */
extern const struct db_statement auth_sql_add_token;
/* Of the log, told with a login. */
extern const struct db_statement auth_sql_find_epoch;
/* hash, account */
extern const struct db_statement auth_sql_remove_token;
/* account, now_ms: its expired ones, a bounded number of them */
extern const struct db_statement auth_sql_remove_expired;
/* hash -> number, id, name, disabled, expires_ms of the account and the token */
extern const struct db_statement auth_sql_find_token;
/* expires_ms, hash */
extern const struct db_statement auth_sql_renew_token;
/* for resolve_ids */
extern const struct db_statement auth_sql_resolve;

/* number -> a row when there is such an account */
extern const struct db_statement auth_sql_account_exists;
/* hash or NULL, number */
extern const struct db_statement auth_sql_set_password;
/* 1 or 0, number */
extern const struct db_statement auth_sql_set_disabled;
/* number: all its tokens */
extern const struct db_statement auth_sql_remove_tokens;

enum auth_account_column {
    AUTH_ACCOUNT_NUMBER,
    AUTH_ACCOUNT_ID,
    AUTH_ACCOUNT_NAME,
    AUTH_ACCOUNT_PASSWORD,
    AUTH_ACCOUNT_DISABLED,
    AUTH_ACCOUNT_EMAIL /* of auth_sql_find_registered alone */
};

/* What db_fault_key says when an account can't be added. */
#define AUTH_KEY_NUMBER "PRIMARY"
#define AUTH_KEY_EMAIL "account_email"
#define AUTH_KEY_NONCE "account_register_nonce"

#endif
