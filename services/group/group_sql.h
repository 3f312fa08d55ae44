/*
 * Every statement of group. It writes the tables conversation (rows of groups), member, friendship,
 * request, block, ban, remark and done, and the name and about of an account, since the notice of
 * it must be in the same transaction; entries and cursors it writes through services/entries.
 *
 * Argument lists are in the order of the placeholders. A group's rows are changed while its head is
 * locked; a friendship's or a request's while the own conversations of its accounts (or the group's
 * head) are. So no two changes wait for each other's rows.
 */
#ifndef PARLEY_GROUP_SQL_H
#define PARLEY_GROUP_SQL_H

#include "common/db.h"

/* --- groups -------------------------------------------------------------------------------- */

/* conversation, number, string id, name, owner, created_ms. Keys: see below. */
extern const struct db_statement group_sql_add_conversation;
/* conversation, account, role, joined_ms */
extern const struct db_statement group_sql_add_member;
/* role, conversation, account */
extern const struct db_statement group_sql_set_role;
/* conversation, account */
extern const struct db_statement group_sql_remove_member;
/* conversation */
extern const struct db_statement group_sql_remove_members, group_sql_set_dissolved;
/* conversation: makes the writers' caches of it void */
extern const struct db_statement group_sql_raise_version;
/* conversation -> a row when there is such a group */
extern const struct db_statement group_sql_find_group;
/* days, NULL: as all others; conversation */
extern const struct db_statement group_sql_set_retention;
/* name, conversation */
extern const struct db_statement group_sql_rename_group;
/* name, account */
extern const struct db_statement group_sql_rename_account;
/* about (NULL: none), account */
extern const struct db_statement group_sql_set_about;
/* about (NULL: none), conversation */
extern const struct db_statement group_sql_set_group_about;
/* file, account -> a row when it is a picture of the account's, all of whose bytes are there: it is
 * locked until the transaction ends */
extern const struct db_statement group_sql_find_picture;
/* file or 0, number of the account or conversation */
extern const struct db_statement group_sql_set_avatar, group_sql_set_group_avatar;
/* conversation (an account's own one, or a group's), file; and the conversation alone */
extern const struct db_statement group_sql_use_avatar, group_sql_forget_avatar;
/* slow_s, conversation */
extern const struct db_statement group_sql_set_slow;
/* nick (NULL: none), conversation, account */
extern const struct db_statement group_sql_set_nick;
/* conversation, account, account -> the columns of enum group_party_column, for each that exists */
extern const struct db_statement group_sql_find_parties;
/* conversation -> accounts of the owner and the administrators, ascending */
extern const struct db_statement group_sql_administrators;
/* for resolve_ids */
extern const struct db_statement group_sql_resolve;

enum group_party_column {
    GROUP_PARTY_NUMBER,
    GROUP_PARTY_ID,
    GROUP_PARTY_ROLE,
    GROUP_PARTY_EXISTS
};

/* The key that is violated when a group can't be added since its number is taken. */
#define GROUP_KEY_NUMBER "PRIMARY"

/* --- friends ------------------------------------------------------------------------------- */

/* lo, hi, created_ms */
extern const struct db_statement group_sql_add_friendship;
/* lo, hi */
extern const struct db_statement group_sql_remove_friendship, group_sql_find_friendship;
/* account, account -> its friends */
extern const struct db_statement group_sql_friends;
/* account, other -> the columns of enum group_pair_column, in one row */
extern const struct db_statement group_sql_pair;

enum group_pair_column {
    GROUP_PAIR_FRIENDS,       /* 1: they are */
    GROUP_PAIR_BLOCKED,       /* 1: the other has blocked the account */
    GROUP_PAIR_ASKED,         /* 1: a request of the account's waits for the other's answer */
    GROUP_PAIR_ASKED_BY,      /* 1: the other way round */
    GROUP_PAIR_REQUESTS_FROM, /* requests of any kind that the account waits for */
    GROUP_PAIR_REQUESTS_TO,   /* requests for friendship that wait for the other */
    GROUP_PAIR_FRIENDS_OF,    /* friends of the account */
    GROUP_PAIR_OTHERS_FRIENDS /* friends of the other */
};

/* --- blocks -------------------------------------------------------------------------------- */

/* account, other -> 1 when the account has blocked the other; how many it has blocked */
extern const struct db_statement group_sql_block;
/* account, blocked */
extern const struct db_statement group_sql_add_block, group_sql_remove_block;
/* bits, conversation */
extern const struct db_statement group_sql_set_blocked;

/* account, friend, remark */
extern const struct db_statement group_sql_set_remark;
/* account, friend */
extern const struct db_statement group_sql_remove_remark;

/* --- lists --------------------------------------------------------------------------------- */

/* Five times the account, an account that is left out with all below, a limit; the limit, the
 * account -> the columns of enum group_friend_column, ascending */
extern const struct db_statement group_sql_friends_page;
enum group_friend_column {
    GROUP_FRIEND_ACCOUNT,
    GROUP_FRIEND_ID,
    GROUP_FRIEND_NAME,
    GROUP_FRIEND_AVATAR,
    GROUP_FRIEND_REMARK,
    GROUP_FRIEND_RELATION, /* enum acquaintance_kind */
    GROUP_FRIEND_BLOCKED
};

/* conversation, an account that is left out with all below, limit of members; group, the same
 * account, limit of requests; conversation, the same account, limit of bans; limit -> the columns
 * of enum group_member_column, ascending */
extern const struct db_statement group_sql_members_page;
enum group_member_column {
    GROUP_MEMBER_ACCOUNT,
    GROUP_MEMBER_ID,
    GROUP_MEMBER_NAME,
    GROUP_MEMBER_NICK,
    GROUP_MEMBER_ROLE, /* GROUP_STRANGER: asks to join */
    GROUP_MEMBER_MUTED,
    GROUP_MEMBER_BANNED, /* ... or is banned */
    GROUP_MEMBER_AVATAR
};
/* conversation, account, conversation, a number, conversation -> where the group exists: the
 * account's role, how many members there are, counted up to that number */
extern const struct db_statement group_sql_standing;
/* conversation: the columns below */
extern const struct db_statement group_sql_show;
/* the group behind which, the last that is read, a pattern twice, most rows: the same of each, by
 * number */
extern const struct db_statement group_sql_list;
/* as services/lookup/search.h has it */
extern const struct db_statement group_sql_find_end;
enum group_shown_column {
    GROUP_SHOWN_NUMBER,
    GROUP_SHOWN_ID, /* NULL: the decimal form */
    GROUP_SHOWN_NAME,
    GROUP_SHOWN_ABOUT,
    GROUP_SHOWN_OWNER,
    GROUP_SHOWN_OWNER_ID,
    GROUP_SHOWN_MEMBERS,
    GROUP_SHOWN_SLOW_S,
    GROUP_SHOWN_DISSOLVED,
    GROUP_SHOWN_CREATED_MS,
    GROUP_SHOWN_AVATAR,
    GROUP_SHOWN_RETENTION_DAYS, /* 0 where it is as all, too */
    GROUP_SHOWN_RETENTION_AS_ALL
};

/* --- profiles ------------------------------------------------------------------------------ */

/* the account that asks (three times), the account -> the columns of enum group_profile_column */
extern const struct db_statement group_sql_profile_of_account;
/* the account that asks, the group -> the same columns */
extern const struct db_statement group_sql_profile_of_group;
/* an e-mail address in its normal form -> the account that has it */
extern const struct db_statement group_sql_find_by_email;

enum group_profile_column {
    GROUP_PROFILE_NUMBER,
    GROUP_PROFILE_ID, /* NULL: the decimal form */
    GROUP_PROFILE_NAME,
    GROUP_PROFILE_AVATAR,
    GROUP_PROFILE_ABOUT,
    GROUP_PROFILE_REMARK,
    GROUP_PROFILE_NEAR, /* 1: a friend; a member */
    GROUP_PROFILE_SLOW_S
};

/* --- requests ------------------------------------------------------------------------------ */

/* The purpose of a stored request: its target is an account, or a group. */
enum group_request_kind { GROUP_REQUEST_FRIEND = 1, GROUP_REQUEST_JOIN = 2 };

/* kind, target, account, created_ms, whether by a stranger */
extern const struct db_statement group_sql_add_request;
/* kind, target -> account: whose request is the oldest of a stranger */
extern const struct db_statement group_sql_find_oldest;
/*
 * account, other -> a row where both are in one of the account's first GROUP_COMPARED groups
 */
extern const struct db_statement group_sql_share_group;
/* kind, target, account */
extern const struct db_statement group_sql_remove_request;
/* kind, target */
extern const struct db_statement group_sql_remove_requests;
/* group, account -> the columns of enum group_join_column, in one row */
extern const struct db_statement group_sql_join;

enum group_join_column {
    GROUP_JOIN_ASKED,         /* 1: a request of the account's waits for the group's answer */
    GROUP_JOIN_REQUESTS_FROM, /* requests of any kind that the account waits for */
    GROUP_JOIN_REQUESTS_TO,   /* requests that wait for the group's answer */
    GROUP_JOIN_BANNED         /* 1: the account is banned from the group */
};

/* --- moderation ---------------------------------------------------------------------------- */

/* until_ms, conversation, account */
extern const struct db_statement group_sql_set_mute;
/* conversation, account, by, time_ms */
extern const struct db_statement group_sql_add_ban;
/* conversation, account */
extern const struct db_statement group_sql_remove_ban;
/* conversation -> how many accounts are banned */
extern const struct db_statement group_sql_count_bans;

/* --- deleted accounts ------------------------------------------------------------------------ */

/* -> account, whether its texts are blanked, conversation and cid up to which that is done */
extern const struct db_statement group_sql_find_ending;
/* account -> a group that it is in */
extern const struct db_statement group_sql_find_membership;
/* conversation, account -> another member and its id: the longest administrator, else member */
extern const struct db_statement group_sql_find_successor;
/* owner, conversation */
extern const struct db_statement group_sql_set_owner;
/* account */
extern const struct db_statement group_sql_remove_requests_of, group_sql_remove_blocks,
    group_sql_remove_remarks, group_sql_remove_ending;
/* account, conversation -> its next pair or group, also one that it has left */
extern const struct db_statement group_sql_next_conversation;
/* conversation: of a pair, neither writes to it any more */
extern const struct db_statement group_sql_close_pair;
/* conversation, cid, account */
extern const struct db_statement group_sql_note_ending;

/* --- what was done --------------------------------------------------------------------------- */

/* account, nonce, digest, result */
extern const struct db_statement group_sql_add_done;
/* account, nonce -> digest, result */
extern const struct db_statement group_sql_find_done;
/* ms: GROUP_FORGET_STEP rows of the audit at most that are older than that, the oldest first */
extern const struct db_statement group_sql_forget_audit;
/*
 * limit: delivery | rows of `done` that are removed at once; how often | {GROUP_FORGET_STEP};
 * every {GROUP_FORGET_EVERY_S}, after a full step in {GROUP_FORGET_PAUSE_S}, by each instance
 * of group {GROUP_FORGET_STEP:} | the rest in the next step
 */
/* Rows of `done` that one statement removes. */
#define GROUP_FORGET_STEP 1000
/* ms: GROUP_FORGET_STEP rows at most that are older than that, the oldest first */
extern const struct db_statement group_sql_forget_done;

/* --- presence ------------------------------------------------------------------------------ */

/*
 * limit: session | accounts whose news of presence group looks up at once; receivers that it routes
 * together | {GROUP_PRESENCE_AT_ONCE}; about {BATCH_RECEIVERS} | several look-ups; several
 * routes
 */
#define GROUP_PRESENCE_AT_ONCE 16

/* GROUP_PRESENCE_AT_ONCE accounts, and again -> account, its id, friend; ascending by account */
extern const struct db_statement group_sql_friends_of_all;
/* GROUP_PRESENCE_AT_ONCE accounts -> conversation, group, its string id, account, its id; ascending
 * by conversation */
extern const struct db_statement group_sql_groups_of_all;
/* conversation, limit -> accounts, ascending */
extern const struct db_statement group_sql_members;

#endif
