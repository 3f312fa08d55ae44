/*
 * Every statement of auth. It writes the tables account, address, token and registration_token
 * alone.
 *
 * An account and its addresses are added in one transaction, which takes the use of the token that
 * allows it; all else are single statements that
 * commit by themselves.
 */
#ifndef PARLEY_AUTH_SQL_H
#define PARLEY_AUTH_SQL_H

#include "common/db.h"
#include "proto/ids.h"

/* number, id, email or NULL, name, password or NULL, nonce or NULL. Keys: see
 * below. */
extern const struct db_statement auth_sql_add_account;
/* address, account, and twice: address, account; adds none when it is another account's id or
 * e-mail, violates "PRIMARY" when it is another's address */
extern const struct db_statement auth_sql_add_address;
/* ID_FORMS forms of an id, NULL for none; 2 forms of an e-mail; an address -> the columns of enum
 * auth_account_column, a row for each account */
extern const struct db_statement auth_sql_find_by_id, auth_sql_find_by_email,
    auth_sql_find_by_address;
/* nonce -> the columns of enum auth_account_column: the account that it registered */
extern const struct db_statement auth_sql_find_registered;
/* new hash, number, old hash */
extern const struct db_statement auth_sql_replace_password;
/* hash, login, device or NULL, transport, address, how long it is good for in ms, account,
 * password: adds none when the account is disabled by now, or that is no longer the hash of its
 * password */
extern const struct db_statement auth_sql_add_token;
/* The epoch of the message log, which a login's reply carries. */
extern const struct db_statement auth_sql_find_epoch;
/* hash, account: it is valid no longer; the row stays a day, so that its address stays known */
extern const struct db_statement auth_sql_end_token;
/* account, how many -> the addresses of its tokens, one each, NULL: not known */
extern const struct db_statement auth_sql_find_addresses;
/* account, how many: those of its tokens that have ended, then those used least recently */
extern const struct db_statement auth_sql_remove_oldest;
/* account, how many -> as enum auth_device_column: its valid tokens, the newest first */
extern const struct db_statement auth_sql_find_devices;
/* account, id of the device -> login */
extern const struct db_statement auth_sql_find_device;
/* account, id of the device: its token is valid no longer, and its address no longer known; the row
 * stays a day, so that a repeated request gets the login again */
extern const struct db_statement auth_sql_end_device;
/* hash, how many -> of the tokens behind it: hash, 1 when it expired more than a day ago */
extern const struct db_statement auth_sql_find_expired;
/* hash: unless it has not expired more than a day ago */
extern const struct db_statement auth_sql_remove_expired;
/* -> 1: this connection has the lock, without waiting; and its end */
extern const struct db_statement auth_sql_lock_expired, auth_sql_unlock_expired;
/* hash -> number, id, name, disabled of the account, how long the token is good for in ms, 0: no
 * more, the epoch, whether it was used within the hour, and from which address */
extern const struct db_statement auth_sql_find_token;
/* how long it is good for from now on in ms, hash */
extern const struct db_statement auth_sql_renew_token;
/* login, device or NULL, transport, address, hash: where it was resumed */
extern const struct db_statement auth_sql_note_device;
/* hash -> its number, where the token for registrations may make one more account */
extern const struct db_statement auth_sql_find_registration_token;
/* hash: takes one use, where there is one */
extern const struct db_statement auth_sql_use_registration_token;
/* hash, uses, how long it is good for in ms, how many there may be: adds none where there are as
 * many */
extern const struct db_statement auth_sql_add_registration_token;
/* those that expired more than a day ago */
extern const struct db_statement auth_sql_remove_registration_tokens;
/* number */
extern const struct db_statement auth_sql_revoke_registration_token;
/* for resolve_ids */
extern const struct db_statement auth_sql_resolve;

/* number -> a row when there is such an account */
extern const struct db_statement auth_sql_account_exists;
/* id, e-mail -> a row when an account has it */
extern const struct db_statement auth_sql_id_exists, auth_sql_email_exists;
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

enum auth_device_column {
    AUTH_DEVICE_ID,
    AUTH_DEVICE_LOGIN,
    AUTH_DEVICE_NAME,
    AUTH_DEVICE_TRANSPORT,
    AUTH_DEVICE_ADDRESS,
    AUTH_DEVICE_SINCE_MS,
    AUTH_DEVICE_HEARD_MS
};

/* The keys that db_fault_key names when an account can't be added. */
#define AUTH_KEY_NUMBER "PRIMARY"
#define AUTH_KEY_EMAIL "account_email"
#define AUTH_KEY_NONCE "account_register_nonce"

/* hash, name, scopes, addresses, account, calls a minute, ms until it expires or NULL, most keys
 * that there may be */
extern const struct db_statement auth_sql_add_api_key;
/* name */
extern const struct db_statement auth_sql_remove_api_key;

/* account -> the columns below */
extern const struct db_statement auth_sql_show;
/* the account behind which, the last that is read, a pattern three times, most rows -> the same of
 * each, by number */
extern const struct db_statement auth_sql_list;
/* as services/lookup/search.h has it */
extern const struct db_statement auth_sql_find_end;
enum auth_shown_column {
    AUTH_SHOWN_NUMBER,
    AUTH_SHOWN_ID,
    AUTH_SHOWN_EMAIL,
    AUTH_SHOWN_NAME,
    AUTH_SHOWN_ABOUT,
    AUTH_SHOWN_HAS_PASSWORD,
    AUTH_SHOWN_DISABLED,
    AUTH_SHOWN_DELETED,
    AUTH_SHOWN_CREATED_MS
};
/* account -> id, name, disabled, epoch, how many tokens it has; not of one that was deleted */
extern const struct db_statement auth_sql_find_to_log_in;
/* hash, login, device, ms for which it is good, account: no row where that may not log in */
extern const struct db_statement auth_sql_make_token;

/* account -> its number, unless it was deleted */
extern const struct db_statement auth_sql_find_operable;
/* account -> id, e-mail address, password, 1 when it was deleted */
extern const struct db_statement auth_sql_find_to_forget;
/* account: nobody can log in any more */
extern const struct db_statement auth_sql_forget;
/* address, address, account, its id */
extern const struct db_statement auth_sql_remove_address;
/* account, whether its texts are blanked */
extern const struct db_statement auth_sql_add_ending;

/* number, an account or group or 0 three times, most rows -> those below the number, descending */
extern const struct db_statement auth_sql_list_audit;
enum auth_audited_column {
    AUTH_AUDITED_NUMBER,
    AUTH_AUDITED_TIME_MS,
    AUTH_AUDITED_EVENT,
    AUTH_AUDITED_ACCOUNT,
    AUTH_AUDITED_SUBJECT,
    AUTH_AUDITED_ADDRESS,
    AUTH_AUDITED_TRACE,
    AUTH_AUDITED_DETAIL
};

#endif
