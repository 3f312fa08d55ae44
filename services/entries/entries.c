/* Locking conversations and appending to them; SQL as scripts, since batches vary in length. */
#include "services/entries/entries.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "proto/conversation.h"
#include "proto/ids.h"
#include "services/entries/entries_sql.h"
#include "services/entries/head_cache.h"
#include "services/entries/settled.h"
#include "services/journal/journal.h"

/* --- locking --------------------------------------------------------------------------------- */

static int compare_u64(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static size_t sort_unique(uint64_t *ids, size_t count) {
    qsort(ids, count, sizeof *ids, compare_u64);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || ids[kept - 1] != ids[i])
            ids[kept++] = ids[i];
    return kept;
}

/* Locked heads of which something is not remembered, and has to be read. */
struct missing {
    struct entry_head *last_row[ENTRIES_MAX_HEADS], *members[ENTRIES_MAX_HEADS];
    struct entry_head *settled[ENTRIES_MAX_HEADS]; /* cursors may be */
    size_t last_row_count, members_count, settled_count;
};

/* A string id, or nothing where it is its number's decimal form. */
static struct slice read_id(const struct db_rows *rows, unsigned column,
                            struct record_arena *arena) {
    struct slice id = db_rows_slice(rows, column);
    uint64_t number;
    return id_is_decimal(id, &number) ? slice_make(NULL, 0) : record_arena_copy(arena, id);
}

static void read_head(const struct db_rows *rows, bool friends, struct record_arena *arena,
                      struct entry_head *head) {
    *head = (struct entry_head){.id = db_rows_u64(rows, 0),
                                .lo = db_rows_u64(rows, 1),
                                .hi = db_rows_u64(rows, 2),
                                .string_id = read_id(rows, 3, arena),
                                .name = record_arena_copy(arena, db_rows_slice(rows, 4)),
                                .owner = db_rows_u64(rows, 5),
                                .blocked = (unsigned)db_rows_u64(rows, 6),
                                .dissolved = db_rows_u64(rows, 7) != 0,
                                .version = db_rows_u64(rows, 8),
                                .slow_s = db_rows_u64(rows, 11),
                                .friends = friends && db_rows_u64(rows, 12) != 0};
}

static bool copy_members(const struct head_memory *memory, struct record_arena *arena,
                         struct entry_head *head) {
    const struct u64_list *members = &memory->members;
    const struct entry_standings *standings = &memory->standings;
    uint64_t *accounts = record_arena_alloc(arena, members->count * sizeof *accounts);
    struct entry_standing *items = record_arena_alloc(arena, standings->count * sizeof *items);
    if (accounts == NULL || items == NULL)
        return false;
    if (members->count > 0)
        memcpy(accounts, members->items, members->count * sizeof *accounts);
    if (standings->count > 0)
        memcpy(items, standings->items, standings->count * sizeof *items);
    head->members = (struct u64_list){accounts, members->count};
    head->standings = (struct entry_standings){items, standings->count};
    return true;
}

/* The writer that has claimed a head: this one; another one of this release; or none, or one of the
 * release before, and then cursors may be settled. */
enum claim { CLAIM_OWN, CLAIM_OTHER, CLAIM_NONE };

static enum claim read_claim(const struct db_rows *rows, uint64_t instance) {
    uint64_t writer = db_rows_u64(rows, 9), claimant = db_rows_u64(rows, 10);
    if (writer != 0 || claimant == 0)
        return CLAIM_NONE;
    return claimant == instance ? CLAIM_OWN : CLAIM_OTHER;
}

/* Takes the values that the cache knows exactly, and notes the others. */
static void recall(const struct head_cache *cache, enum claim claim, struct record_arena *arena,
                   struct entry_head *head, struct missing *missing) {
    const struct head_memory *memory = cache == NULL ? NULL : head_cache_find(cache, head->id);
    if (memory != NULL && claim == CLAIM_OWN) {
        head->last_cid = memory->last_cid;
        head->last_ms = memory->last_ms;
        head->lo_id = record_arena_copy(arena, memory->lo_id);
        head->hi_id = record_arena_copy(arena, memory->hi_id);
    } else {
        missing->last_row[missing->last_row_count++] = head;
        if (claim == CLAIM_NONE)
            missing->settled[missing->settled_count++] = head;
    }
    if (conversation_kind(head->id) != CONVERSATION_GROUP)
        return;
    if (memory == NULL || memory->version != head->version || !copy_members(memory, arena, head))
        missing->members[missing->members_count++] = head;
}

static void read_last_rows(struct db_rows *rows, struct record_arena *arena,
                           const struct entry_heads *heads) {
    while (rows != NULL && db_rows_next(rows)) {
        struct entry_head *head = entries_find_head(heads, db_rows_u64(rows, 0));
        if (head == NULL)
            continue;
        head->last_cid = db_rows_u64(rows, 1);
        head->last_ms = entries_time_ms(db_rows_u64(rows, 2));
        head->lo_id = read_id(rows, 3, arena);
        head->hi_id = read_id(rows, 4, arena);
    }
}

static struct entry_standing read_standing(const struct db_rows *rows) {
    return (struct entry_standing){.account = db_rows_u64(rows, 1),
                                   .administrator = db_rows_u64(rows, 2) != 0,
                                   .muted_until_ms = db_rows_u64(rows, 3)};
}

/* Rows ascend by conversation and account. Returns false without memory: members would count as
 * strangers. */
static bool read_members(struct db_rows *rows, const struct entry_heads *heads,
                         struct record_arena *arena) {
    size_t total = db_rows_count(rows), special = 0;
    uint64_t *accounts = record_arena_alloc(arena, total * sizeof *accounts);
    struct entry_standing *standings = record_arena_alloc(arena, total * sizeof *standings);
    if (accounts == NULL || standings == NULL)
        return false;
    struct entry_head *head = NULL;
    for (size_t i = 0; i < total && db_rows_next(rows); i++) {
        uint64_t conversation = db_rows_u64(rows, 0);
        struct entry_standing standing = read_standing(rows);
        accounts[i] = standing.account;
        if (head == NULL || head->id != conversation) {
            head = entries_find_head(heads, conversation);
            if (head == NULL)
                return false;
            head->members = (struct u64_list){&accounts[i], 0};
            head->standings = (struct entry_standings){&standings[special], 0};
        }
        head->members.count++;
        if (!standing.administrator && standing.muted_until_ms == 0)
            continue;
        standings[special++] = standing;
        head->standings.count++;
    }
    return true;
}

static enum err read_missing(struct db *db, uint64_t instance, const struct missing *missing,
                             struct record_arena *arena, struct entry_heads *heads) {
    if (missing->last_row_count == 0 && missing->members_count == 0)
        return ERR_OK;
    struct buffer sql = buffer_make(ENTRIES_SCRIPT_BYTES);
    if (missing->last_row_count > 0) {
        entries_sql_add_last_rows(&sql, missing->last_row, missing->last_row_count);
        entries_sql_add_claim(&sql, missing->last_row, missing->last_row_count, instance);
    }
    if (missing->members_count > 0)
        entries_sql_add_members(&sql, missing->members, missing->members_count);
    enum err err = db_script_run(db, &sql);
    buffer_free(&sql);
    struct db_rows *rows = NULL;
    bool last_rows = missing->last_row_count > 0, complete = true;
    while (err == ERR_OK && db_script_next(db, &rows)) {
        if (rows != NULL && last_rows) {
            read_last_rows(rows, arena, heads);
            last_rows = false;
        } else if (rows != NULL) {
            complete = read_members(rows, heads, arena) && complete;
        }
        db_rows_destroy(&rows);
    }
    if (err == ERR_OK)
        err = db_script_end(db);
    if (err == ERR_OK && !complete)
        err = ERR_INTERNAL;
    return err == ERR_OK ? settled_undo(db, missing->settled, missing->settled_count) : err;
}

/* Reads the heads and the block of cids from the results of the locking script. */
static enum err read_lock(struct db *db, const struct head_cache *cache, uint64_t instance,
                          bool friends, struct record_arena *arena, struct entry_heads *heads,
                          struct missing *missing) {
    struct db_rows *rows = NULL;
    size_t results = 0; /* that have rows: the heads, then the block */
    while (db_script_next(db, &rows)) {
        if (rows == NULL)
            continue;
        if (results == 0) {
            while (heads->count < ENTRIES_MAX_HEADS && db_rows_next(rows)) {
                struct entry_head *head = &heads->items[heads->count++];
                read_head(rows, friends, arena, head);
                recall(cache, read_claim(rows, instance), arena, head, missing);
            }
        } else if (db_rows_next(rows)) {
            heads->first_cid = db_rows_u64(rows, 0);
            heads->now_ms = db_rows_u64(rows, 1);
            heads->journal = db_rows_u64(rows, 2) != 0;
        }
        results++;
        db_rows_destroy(&rows);
    }
    return db_script_end(db);
}

/*
 * The sequence of cids went back: the database was restored while this process runs, and entries
 * stored now would have cids that clients have seen on other messages. Nothing is stored until
 * `parleyctl restored` has moved the sequence on.
 */
static enum err refuse_restored(const char *why, uint64_t cid) {
    log_error("entries_restored", "reason=\"cid %llu %s: run parleyctl restored\"",
              (unsigned long long)cid, why);
    return ERR_UNAVAILABLE;
}

/* `newest`: of those that were given before this one was asked for. */
static enum err check_block(struct head_cache *cache, uint64_t newest, uint64_t block) {
    if (block <= newest) {
        head_cache_clear(cache);
        return refuse_restored("was given before", block);
    }
    head_cache_note_block(cache, block);
    return ERR_OK;
}

enum err entries_lock(struct db *db, struct head_cache *cache, uint64_t instance, uint64_t *ids,
                      size_t count, bool friends, struct record_arena *arena,
                      struct entry_heads *heads_r) {
    assert(count > 0 && count <= ENTRIES_MAX_HEADS);
    size_t unique = sort_unique(ids, count);
    *heads_r =
        (struct entry_heads){.items = record_arena_alloc(arena, unique * sizeof *heads_r->items)};
    struct buffer sql = buffer_make(ENTRIES_SCRIPT_BYTES);
    entries_sql_add_lock(&sql, ids, unique, friends);
    uint64_t newest_block = cache == NULL ? 0 : head_cache_newest_block(cache);
    struct missing missing; /* large: left as it is behind its counts */
    missing.last_row_count = missing.members_count = missing.settled_count = 0;
    enum err err = sql.failed || heads_r->items == NULL ? ERR_INTERNAL : db_script_run(db, &sql);
    buffer_free(&sql);
    if (err == ERR_OK)
        err = read_lock(db, cache, instance, friends, arena, heads_r, &missing);
    if (err == ERR_OK && cache != NULL)
        err = check_block(cache, newest_block, heads_r->first_cid);
    if (err == ERR_OK)
        err = read_missing(db, instance, &missing, arena, heads_r);
    if (err != ERR_OK)
        db_rollback(db);
    return err;
}

struct entry_head *entries_find_head(const struct entry_heads *heads, uint64_t conversation) {
    /* `id` is the first member. */
    return bsearch(&conversation, heads->items, heads->count, sizeof *heads->items, compare_u64);
}

bool entries_is_member(const struct entry_head *head, uint64_t account) {
    return head->members.count > 0 && bsearch(&account, head->members.items, head->members.count,
                                              sizeof account, compare_u64) != NULL;
}

struct entry_standing entries_standing(const struct entry_head *head, uint64_t account) {
    const struct entry_standing *found = NULL;
    /* `account` is the first member. */
    if (head->standings.count > 0)
        found = bsearch(&account, head->standings.items, head->standings.count,
                        sizeof *head->standings.items, compare_u64);
    if (found == NULL)
        return (struct entry_standing){.account = account};
    return *found;
}

/* --- appending ------------------------------------------------------------------------------- */

/* Time never falls within a conversation: the database's clock may have been set back, or be
 * another server's than before. */
static enum err assign(const struct entry_heads *heads, struct entry_row *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint64_t last_ms = rows[i].head->last_ms;
        if (rows[i].head->last_cid >= heads->first_cid)
            return refuse_restored("is not after its conversation's last one", heads->first_cid);
        rows[i].cid = heads->first_cid + i;
        rows[i].conversation = rows[i].head->id;
        rows[i].time_ms = heads->now_ms > last_ms ? heads->now_ms : last_ms;
        rows[i].repeat = true; /* until the insert says otherwise */
    }
    return ERR_OK;
}

/* The insert returns the cids of the rows that it stored; the others' nonces were there. */
static void read_stored(struct db_rows *stored, const struct entry_heads *heads,
                        struct entry_row *rows, size_t count) {
    while (db_rows_next(stored)) {
        uint64_t i = db_rows_u64(stored, 0) - heads->first_cid;
        if (i < count)
            rows[i].repeat = false;
    }
    for (size_t i = 0; i < count; i++) {
        if (rows[i].repeat)
            continue;
        rows[i].prev = rows[i].head->last_cid;
        rows[i].head->last_cid = rows[i].cid;
        rows[i].head->last_ms = rows[i].time_ms;
    }
}

static bool is_changed_text(const struct db_rows *found) {
    uint64_t type = db_rows_u64(found, 5);
    return type == ENTRY_RECALLED_TEXT || (type == ENTRY_TEXT && !db_rows_null(found, 8));
}

/* Whether a stored text shows the row's file, in the same way. */
static bool shows_same_file(struct slice packed, const struct entry_row *row) {
    struct record_arena arena = {0};
    struct file file = {.id = 0};
    const char *fault;
    bool readable =
        packed.length == 0 || record_unpack(&file_desc, packed, &arena, &file, &fault) == 0;
    record_arena_free(&arena);
    return readable && file.id == row->file && file.kind == row->file_kind;
}

/* Whether the row under this one's nonce is the one that this one would store. The old words of a
 * changed text, and those that a reworded one came with, are not there: any text under its nonce
 * that shows the same file counts as that one, and any at all where it was recalled. */
static bool is_same(const struct db_rows *found, const struct entry_row *row) {
    if (db_rows_u64(found, 1) != row->head->id || db_rows_u64(found, 12) != row->sender)
        return false;
    bool recalled = db_rows_u64(found, 5) == ENTRY_RECALLED_TEXT;
    if (!recalled && !shows_same_file(db_rows_slice(found, 11), row))
        return false;
    if (is_changed_text(found) || (row->reworded && db_rows_u64(found, 5) == ENTRY_TEXT))
        return row->type == ENTRY_TEXT;
    return db_rows_u64(found, 5) == row->type && db_rows_u64(found, 6) == row->target &&
           (db_rows_u64(found, 7) != 0) == row->accepted &&
           slice_equal(db_rows_slice(found, 4), row->text) && db_rows_u64(found, 9) == row->reply &&
           slice_equal(db_rows_slice(found, 10), row->mentions);
}

static void take_repeat(const struct db_rows *found, struct entry_row *rows, size_t count) {
    struct slice nonce = db_rows_slice(found, 0);
    for (size_t i = 0; i < count; i++) {
        if (!rows[i].repeat || !slice_equal(rows[i].nonce, nonce))
            continue;
        rows[i].conversation = db_rows_u64(found, 1);
        rows[i].cid = db_rows_u64(found, 2);
        rows[i].time_ms = entries_time_ms(db_rows_u64(found, 3));
        /* The row before it is not known; with this one, a reader that misses the row reads the
         * message log. */
        rows[i].prev = rows[i].cid - 1;
        rows[i].changed = is_changed_text(found) || rows[i].reworded;
        rows[i].clash = !is_same(found, &rows[i]);
    }
}

/* A row that was ignored for another reason than its nonce must not count as stored. */
static bool all_found(const struct entry_row *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (rows[i].cid != 0)
            continue;
        log_error("row_not_stored", "conversation=%llu", (unsigned long long)rows[i].conversation);
        return false;
    }
    return true;
}

/* The stored rows of those that count as repeats; where there is none, cid stays 0. */
static enum err look_up_repeats(struct db *db, struct entry_row *rows, size_t count) {
    size_t repeats = 0;
    for (size_t i = 0; i < count; i++) {
        repeats += rows[i].repeat;
        if (rows[i].repeat)
            rows[i].cid = 0;
    }
    if (repeats == 0)
        return ERR_OK;
    struct buffer sql = buffer_make(ENTRIES_SCRIPT_BYTES);
    entries_sql_add_find_nonces(db, &sql, rows, count);
    enum err err = db_script_run(db, &sql);
    buffer_free(&sql);
    struct db_rows *found = NULL;
    while (err == ERR_OK && db_script_next(db, &found)) {
        while (found != NULL && db_rows_next(found))
            take_repeat(found, rows, count);
        db_rows_destroy(&found);
    }
    if (err == ERR_OK)
        err = db_script_end(db);
    return err;
}

enum err entries_find_repeats(struct db *db, struct entry_row *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        rows[i].repeat = rows[i].nonce.length > 0;
        rows[i].cid = 0;
    }
    enum err err = look_up_repeats(db, rows, count);
    for (size_t i = 0; i < count; i++)
        rows[i].repeat = rows[i].cid != 0;
    if (err != ERR_OK)
        db_rollback(db);
    return err;
}

/* For hooks; a row that turns out to be a repeat is not found there. */
static void add_journal(struct buffer *sql, const struct entry_heads *heads,
                        const struct entry_row *rows, size_t count) {
    uint64_t conversations[ENTRIES_MAX_ROWS];
    for (size_t i = 0; i < count; i++)
        conversations[i] = rows[i].conversation;
    journal_add_append(sql, heads->first_cid, count, heads->now_ms, conversations,
                       sort_unique(conversations, count));
}

enum err entries_append(struct db *db, struct entry_heads *heads, struct entry_row *rows,
                        size_t count, bool commit) {
    assert(count > 0 && count <= ENTRIES_MAX_ROWS);
    struct buffer sql = buffer_make(ENTRIES_SCRIPT_BYTES);
    enum err err = assign(heads, rows, count);
    if (err == ERR_OK) {
        entries_sql_add_insert(db, &sql, rows, count);
        entries_sql_add_file_uses(&sql, rows, count);
        if (heads->journal)
            add_journal(&sql, heads, rows, count);
        if (commit)
            entries_sql_add_commit(&sql);
        err = db_script_run(db, &sql);
    }
    buffer_free(&sql);
    struct db_rows *stored = NULL;
    while (err == ERR_OK && db_script_next(db, &stored)) {
        if (stored != NULL)
            read_stored(stored, heads, rows, count);
        db_rows_destroy(&stored);
    }
    if (err == ERR_OK)
        err = db_script_end(db);
    heads->committed = err == ERR_OK && commit;
    if (err == ERR_OK)
        err = look_up_repeats(db, rows, count);
    if (err == ERR_OK && !all_found(rows, count))
        err = ERR_INTERNAL;
    if (err != ERR_OK)
        db_rollback(db);
    return err;
}

enum err entries_next_block(struct db *db, struct entry_heads *heads) {
    struct db_rows *rows;
    enum err err = db_query(db, &entries_sql_next_block, DB_NO_ARGS, &rows);
    if (err == ERR_OK && !db_rows_next(rows))
        err = ERR_INTERNAL;
    if (err == ERR_OK)
        heads->first_cid = db_rows_u64(rows, 0);
    db_rows_destroy(&rows);
    if (err != ERR_OK)
        db_rollback(db);
    return err;
}
