/* An entry on its way into the message log, and the heads that its transaction has locked. */
#ifndef PARLEY_ENTRIES_ENTRY_H
#define PARLEY_ENTRIES_ENTRY_H

#include "proto/messages.h"

/*
 * limit: delivery | a batch | {ENTRIES_MAX_ROWS} rows; 1 MiB of text {WRITERS_BATCH_BYTES:} |
 * the rest in the next one
 */
/*
 * limit: delivery | notices of one change | 2, each to any number of those conversations,
 * {ENTRIES_MAX_ROWS} rows a statement | -
 */
/* Rows per entries_append; one value of cid_block gives as many cids. */
#define ENTRIES_MAX_ROWS 128
/*
 * limit: delivery | conversations that one transaction locks | {ENTRIES_MAX_HEADS}: a group and
 * {GROUP_CHANGE_MAX_SELVES} people's own | `too_many`; the bounds of friends and administrators are
 * reached first
 */
/* Conversations per entries_lock. */
#define ENTRIES_MAX_HEADS 1024
/*
 * limit: delivery | a script that appends entries; one that reads, or moves cursors |
 * {ENTRIES_SCRIPT_BYTES}; 2 MiB {DELIVERY_SCRIPT_BYTES:} | `internal`; other bounds are reached
 * first
 */
/* Longest script: ENTRIES_MAX_ROWS texts, each byte escaped to two. */
#define ENTRIES_SCRIPT_BYTES ((size_t)24 << 20)

/* A member that is no plain one, or that is or was muted. */
struct entry_standing {
    uint64_t account, muted_until_ms;
    bool administrator; /* or the owner */
};

struct entry_standings {
    struct entry_standing *items; /* ascending by account */
    size_t count;
};

/* A conversation's head while its row is locked. Slices and lists live in the arena. */
struct entry_head {
    uint64_t id, lo, hi, owner, version;
    uint64_t last_cid; /* 0: nothing is stored yet */
    uint64_t last_ms;  /* the time of that row */
    unsigned blocked;  /* of a pair: bit 0 lo, bit 1 hi may not write */
    bool dissolved;
    bool friends;           /* of a pair, where entries_lock was asked for it */
    uint64_t slow_s;        /* of a group: the pause between two texts of a plain member; 0: none */
    struct slice string_id; /* of a group; empty where it is its number's decimal form */
    struct slice lo_id, hi_id; /* of a pair's two accounts; empty as above */
    struct slice name;
    struct u64_list members; /* of a group, ascending */
    struct entry_standings standings;
};

/* The heads of one transaction, ascending by id; ids without a row are left out. */
struct entry_heads {
    struct entry_head *items;
    size_t count;
    uint64_t first_cid; /* of the block for the next entries_append */
    uint64_t now_ms;    /* by the database's clock, once all are locked */
    bool journal;       /* there is a hook: what is appended goes into the journal, too */
    bool committed;     /* set by entries_append, even where it fails afterwards */
};

struct entry_row {
    struct entry_head *head;
    uint64_t type, sender;
    struct slice nonce;      /* 16 bytes, or empty: always stored */
    uint64_t subject, about; /* of a notice: an account, a group; else 0 */
    bool notice, accepted;
    struct slice text;
    uint64_t reply;             /* of a text: the cid that it replies to; 0: none */
    struct slice mentions;      /* of a text: as proto/mentions.h has them */
    bool reworded;              /* of a text: its nonce came with another one */
    uint64_t target, edited_ms; /* of a notice: the text that it is about; 0: none */
    uint64_t file, file_kind;   /* of a text: the file that it shows, and how; 0: none */
    struct slice packed_file;   /* ... and the packed record of it */
    /* Set by entries_append. */
    bool repeat;  /* the nonce was there already; conversation, cid, time are that row's */
    bool clash;   /* ... and that row is another message: nothing of this one is stored */
    bool changed; /* ... and that row is a text that was reworded, or edited or recalled since */
    uint64_t conversation, cid, prev, time_ms;
};

/* A row's time as messages can hold it, whatever clock wrote it. */
static inline uint64_t entries_time_ms(uint64_t stored_ms) {
    return stored_ms < RECORD_NUMBER_MOST ? stored_ms : RECORD_NUMBER_MOST;
}

#endif
