/* The SQL of reading the message log and of cursors. */
#ifndef PARLEY_DELIVERY_SQL_H
#define PARLEY_DELIVERY_SQL_H

#include "common/db.h"
#include "proto/conversation.h"

/* Longest script of a pull or an advance. */
#define DELIVERY_SCRIPT_BYTES ((size_t)2 << 20)

/* account, account, most, CONVERSATION_OF_ALL, account, account -> the columns of enum
 * cursor_column, ascending by conversation: each one's cursor, of the settled ones so many at most,
 * then the absences there in their order. The last row may be one without a cursor: that of the
 * conversation of all, when there is one and the account has not read it yet. */
extern const struct db_statement delivery_sql_cursors;
/* account, CONVERSATION_OF_ALL, account, account -> the same, with the last row of each looked up
 */
extern const struct db_statement delivery_sql_all_cursors;
/* -> not 0: a writer of the release before has claimed a head, and the settled cursors are not
 * known */
extern const struct db_statement delivery_sql_old_writer;
/* most -> so many of these heads */
extern const struct db_statement delivery_sql_old_heads;
enum cursor_column {
    CURSOR_CONVERSATION,
    CURSOR_SINCE,
    CURSOR_RECEIVED,
    CURSOR_UNTIL, /* NULL: none */
    CURSOR_LAST,  /* cid of the last row that the account may read, NULL: none */
    CURSOR_KIND,  /* enum cursor_kind */
    CURSOR_SETTLED,
    ABSENCE_AFTER = CURSOR_SINCE,
    ABSENCE_UPTO = CURSOR_RECEIVED,
};
enum cursor_kind { CURSOR_THERE, CURSOR_THERE_SETTLED, CURSOR_MISSING, CURSOR_ABSENCE };
/* The same of the conversations in `list`: numbers, at least one, with commas between them. */
void delivery_sql_add_cursors(struct buffer *sql, uint64_t account, struct slice list);
/* account, conversation, limit -> of its newest entries, as many as the limit: when the account's
 * last text was stored (0: there is none among them), when the oldest one was, how many there are
 */
extern const struct db_statement delivery_sql_last_text;
/* CONVERSATION_OF_ALL, CONVERSATION_OF_ALL, account: lets an account that exists read entries that
 * were sent to all since it was made */
extern const struct db_statement delivery_sql_join_all;

/* account, kind, lo, hi -> the columns of enum place_column: a conversation, and how an account
 * stands in it */
extern const struct db_statement delivery_sql_place;
enum place_column {
    PLACE_CONVERSATION,
    PLACE_DISSOLVED,
    PLACE_ACCOUNT, /* NULL: has no cursor, was never in it */
    PLACE_RECEIVED,
    PLACE_UNTIL, /* NULL: none */
    PLACE_LAST,  /* cid of the last row, or of the last that was removed; 0: none */
    PLACE_SINCE,
    PLACE_SEEN,
    PLACE_BLOCKED, /* not 0: one of a pair takes nothing from the other */
    PLACE_FRIENDS, /* not 0: a pair's two are friends */
};
/* cid, account, conversation, cid: moves that cursor forward */
extern const struct db_statement delivery_sql_move;
/* quiet_until_ms, account, conversation */
extern const struct db_statement delivery_sql_quiet;
/* cid, cid, account, conversation, cid: the same for read entries, which are received, too */
extern const struct db_statement delivery_sql_move_seen;
/* number or 0, conversation or 0, number -> the last account's string id, and that of the first, or
 * else of the group; a row when the last one exists */
extern const struct db_statement delivery_sql_names;
/* other one, account -> whether the other one takes nothing from it, whether they are friends; a
 * row when both exist */
extern const struct db_statement delivery_sql_pair;
/* conversation, limit -> account of each member, whether it is muted */
extern const struct db_statement delivery_sql_members;
/* conversation, cid -> a row when there is such a message, also one that was recalled */
extern const struct db_statement delivery_sql_message;
/* conversation, account -> a row when it is an administrator or the owner */
extern const struct db_statement delivery_sql_administers;
/* Begins, or goes on with, a statement that gives accounts with their string ids; ")" ends it. */
void delivery_sql_add_id_of(struct buffer *sql, uint64_t account);
/* Of those of these files (0: none; one at least is not) that the account may show, which are
 * locked until the transaction ends: id, name, mime, size, width, height, preview. */
void delivery_sql_add_files(struct buffer *sql, uint64_t account, const uint64_t *files,
                            size_t count);
/* number -> a row when there is such an account */
extern const struct db_statement delivery_sql_account;

/* other account (0: none), conversation of a group (0: none), nonce, account -> where there is such
 * an account: its string id, the other one's, the group's, the group's name, whether the nonce is
 * stored */
extern const struct db_statement delivery_sql_parties;

/* account, other account, conversation, cid -> the columns of enum target_column, where that
 * account may read that message */
extern const struct db_statement delivery_sql_target;
enum target_column {
    TARGET_TYPE,
    TARGET_SENDER,
    TARGET_TIME_MS,
    TARGET_EDITED_MS,   /* NULL: never */
    TARGET_ADMINISTERS, /* whether the account is an administrator or owner; NULL: no member */
    TARGET_ACCOUNT_ID,
    TARGET_OTHER_ID, /* NULL: there is no other account */
    TARGET_SHOWS_FILE,
};
/* conversation, cid, cid, cid -> the members of a group who may read that text, ascending */
extern const struct db_statement delivery_sql_text_readers;
/* conversation, cid: makes a text one that was recalled, and takes its reactions away */
extern const struct db_statement delivery_sql_recall, delivery_sql_forget_reactions;
/* conversation, cid: the text shows its file no longer */
extern const struct db_statement delivery_sql_forget_file;
/* text, edited_ms, conversation, cid */
extern const struct db_statement delivery_sql_edit;
/* conversation, cid of a notice -> the words of the text that it is about, if the text was edited
 * by this notice and never again */
extern const struct db_statement delivery_sql_newest_edit;
/* emoji, emoji, account, conversation, cid -> how many kinds of emoji a text has, whether this one
 * is among them, whether the account has put it there */
extern const struct db_statement delivery_sql_reactions;
/* conversation, cid, emoji, account */
extern const struct db_statement delivery_sql_react, delivery_sql_unreact;

/* Of accounts: in how many conversations each is, ascending by account; none: in none. Of
 * conversations that exist: the last cid of each, ascending by id. */
void delivery_sql_add_counts(struct buffer *sql, const uint64_t *accounts, size_t count);
void delivery_sql_add_heads(struct buffer *sql, const uint64_t *conversations, size_t count);

/* A part of a page, of one conversation: rows behind `after` and up to `until`. */
struct page_part {
    uint64_t conversation, after, until;
};

/* Rows of the message log as an account reads them: of the first `part_limit` rows of each part, at
 * least one, the first `limit`. */
struct page {
    uint64_t account;
    const struct page_part *parts;
    size_t count, part_limit, limit;
    bool newest_first; /* the first are the last */
    bool single;       /* each part is the row at its end alone */
};

/*
 * The page's rows by cid: conversation, cid, time_ms, type, sender, subject, accepted, body,
 * sender's string id, subject's string id, lo, hi, group's string id, about, that group's string
 * id, of the account's own texts in a pair the other one's string id, target, edited_ms, reply,
 * mentions, file. Of a notice that a text was edited, body and edited_ms are the text's as they are
 * now. A notice that a text was edited or reacted to has no body where the text was recalled since;
 * one about a text that the account may not read has no target.
 */
void delivery_sql_add_page(struct buffer *sql, const struct page *page);
enum page_column { PAGE_CONVERSATION, PAGE_CID, PAGE_TYPE = 3 };

/* Of each kind of emoji beside these texts a row, ascending by cid: cid, emoji, how many accounts
 * have put it there, whether `account` has. */
void delivery_sql_add_reactions(struct buffer *sql, uint64_t account, uint64_t conversation,
                                const uint64_t *cids, size_t count);

/* The last `limit` rows of a part, newest first: cid, and body where it is a text. */
void delivery_sql_add_texts(struct buffer *sql, const struct page_part *part, size_t limit);

/* The unread entries of a conversation, of which only the newest are wanted. */
struct unread_part {
    uint64_t conversation, after, until;
    uint64_t last;  /* of those left out; 0: none is */
    uint64_t count; /* of it, `last` included */
};

/* Of each part a row, if there are more than `newest`: conversation, cid of the last that is left
 * out. */
void delivery_sql_add_cut(struct buffer *sql, uint64_t account, const struct unread_part *part,
                          uint64_t newest);
/* Of each part that is cut a row: conversation, how many are left out, counted up to `most`. */
void delivery_sql_add_count(struct buffer *sql, uint64_t account, const struct unread_part *part,
                            uint64_t most);

/* Moves cursors that exist forward; rows ascending, so that two advances never deadlock, and each
 * cursor once: the server changes a row once, by any of its moves. */
struct cursor_move {
    uint64_t account, conversation, cid;
    uint64_t seen, login; /* read up to here, 0: as before; the login that reported it */
    bool from_others;     /* texts of others are among the entries that arrived */
};
void delivery_sql_add_advance(struct buffer *sql, const struct cursor_move *moves, size_t count);
/* Before that: of those that others may get to know of, and that move their cursor, the columns of
 * enum told_column; `friends_only`: that concern friends, of those in pairs. Nothing is added
 * without such a move. */
void delivery_sql_add_told(struct buffer *sql, const struct cursor_move *moves, size_t count,
                           bool friends_only);
enum told_column {
    TOLD_CONVERSATION,
    TOLD_ACCOUNT,
    TOLD_ID,      /* its string id */
    TOLD_PEER,    /* the other one of a pair, the group, the account itself, or 0 */
    TOLD_PEER_ID, /* string id of one of the first two */
    TOLD_ARRIVED, /* 0, or up to where others' texts have arrived now */
    TOLD_SEEN,    /* 0, or up to where is read now */
    TOLD_LOGIN,
    TOLD_CONCERNED /* not 0: the other one of a pair gets to know */
};
/* How far accounts are in a conversation: account, received, seen. */
void delivery_sql_add_far(struct buffer *sql, uint64_t conversation, const uint64_t *accounts,
                          size_t count);

/* -> 1 where this connection has the lock of retention from now on, and the time; */
extern const struct db_statement delivery_sql_lock_retention, delivery_sql_unlock_retention;
/* -> conversation, due_ms; and the same, to be set */
extern const struct db_statement delivery_sql_retention, delivery_sql_move_retention;
/* two conversations, limit -> of those between them, ascending: number, days that its entries are
 * kept (NULL: as the option has it), time of its oldest entry (NULL: none) */
extern const struct db_statement delivery_sql_candidates;
/* conversation, limit -> cid and time of its first entries, ascending */
extern const struct db_statement delivery_sql_oldest;
/* cid, conversation: the last that was removed of one that has none left */
extern const struct db_statement delivery_sql_set_removed;
/* conversation, cid: all up to that one */
extern const struct db_statement delivery_sql_remove_reactions, delivery_sql_remove_file_uses,
    delivery_sql_remove;

#endif
