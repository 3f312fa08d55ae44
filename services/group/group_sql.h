/*
 * Every statement of group. It writes the tables conversation (rows of groups) and member; message
 * rows and cursors it writes through services/log.
 */
#ifndef PARLEY_GROUP_SQL_H
#define PARLEY_GROUP_SQL_H

#include "common/db.h"

/* -> number */
extern const struct db_statement group_sql_next_number;
/* conversation, number, string id, name, owner, created_ms. Keys: see below. */
extern const struct db_statement group_sql_add_conversation;
/* conversation, account, role, joined_ms */
extern const struct db_statement group_sql_add_member;
/* conversation: what is cached of it is void */
extern const struct db_statement group_sql_raise_version;
/* conversation, account, account -> the columns of enum group_party_column, for each that exists */
extern const struct db_statement group_sql_find_parties;
/* GROUP_RESOLVE_AT_ONCE ids -> id, number of those there are */
extern const struct db_statement group_sql_resolve;

#define GROUP_RESOLVE_AT_ONCE 16

enum group_party_column { GROUP_PARTY_NUMBER, GROUP_PARTY_ID, GROUP_PARTY_ROLE };

/* What db_fault_key says when a group can't be added since its number is taken. */
#define GROUP_KEY_NUMBER "PRIMARY"

#endif
