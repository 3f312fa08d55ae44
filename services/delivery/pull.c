/*
 * delivery.pull: the entries that a connection has not been sent yet, oldest first, a page at a
 * time.
 *
 * Of every conversation of the account, the reading starts behind the connection's position in it,
 * or behind the account's cursor where the connection has none. The part to be read there is one
 * part, or several with the account's absences between them; each has a row at least, its last. The
 * page takes the first rows of each part and gives them in the order of cid, as far as that order
 * is certain: up to the smallest last cid among the parts that have more than was taken.
 *
 * The first page looks at all conversations of the account that are not settled and names those of
 * which more is to be read, so every later one asks for these alone and costs nothing for the
 * others.
 */
#include <stdlib.h>

#include "proto/conversation.h"
#include "services/delivery/backlog.h"
#include "services/delivery/delivery.h"
#include "services/delivery/page.h"
#include "services/delivery/pull_cursors.h"
#include "services/delivery/readable.h"

/*
 * limit: delivery | a page | {PAGE_ENTRIES} entries, about {PAGE_BYTES}; of at most
 * {PAGE_PARTS} parts (a conversation is one, and one more for each absence in what is
 * unread), {PAGE_ROWS} rows together and at least {PAGE_MIN_ROWS} of each | the next page; of
 * more parts, those that lag most go first
 */
/* Parts of conversations per page, rows taken from them together, and what one page may hold. */
#define PAGE_PARTS 256
#define PAGE_ROWS 1024
#define PAGE_MIN_ROWS 8
#define PAGE_ENTRIES 256
#define PAGE_BYTES ((size_t)512 << 10)
/* Conversations whose positions a page gives, or which it names as having more to read; as many
 * as messages.def lets a request list. */
#define PULL_MAX_POSITIONS 4096

struct position {
    uint64_t conversation, cid;
    uint64_t skipped; /* entries that are left out before the next one */
};

struct pull {
    struct db *db;
    struct record_arena *arena;
    const struct delivery_pull *body;
    struct delivery_pull_reply *reply;
    struct pull_cursors cursors;
    /* The connection's, and those in front of the backlog that it wants; ascending by
     * conversation. */
    struct position *positions;
    size_t position_count;
    struct page_part parts[PAGE_PARTS];
    size_t part_count, limit;
    /* Of all conversations that have something to read the last such entry, 0 once the page has it;
     * ascending, and NULL when there are too many. */
    struct position *unread;
    size_t unread_count;
};

static int compare_positions(const void *a, const void *b) {
    const struct position *x = a, *y = b;
    return (x->conversation > y->conversation) - (x->conversation < y->conversation);
}

/* Only at the first page: later ones go on from the positions that it gave. */
static bool wants_newest(const struct delivery_pull *body) {
    return body->newest > 0 && !body->resumed && !body->listed;
}

static enum err read_positions(struct pull *pull) {
    const struct delivery_pull *body = pull->body;
    if (body->conversations.count != body->positions.count)
        return ERR_BAD_REQUEST;
    size_t count = body->conversations.count;
    size_t room = count + (wants_newest(body) ? PULL_MAX_POSITIONS : 0);
    pull->positions = record_arena_alloc(pull->arena, room * sizeof *pull->positions);
    if (pull->positions == NULL)
        return ERR_INTERNAL;
    for (size_t i = 0; i < count; i++)
        pull->positions[i] =
            (struct position){body->conversations.items[i], body->positions.items[i], 0};
    pull->position_count = count;
    qsort(pull->positions, count, sizeof *pull->positions, compare_positions);
    return ERR_OK;
}

static const struct position *find_position(const struct pull *pull, uint64_t conversation) {
    struct position key = {.conversation = conversation};
    return bsearch(&key, pull->positions, pull->position_count, sizeof key, compare_positions);
}

/* Where the connection's reading of a conversation starts. One that it has no position of is new to
 * it, or was settled when the first page did not name it. */
static uint64_t start_of(const struct pull *pull, uint64_t conversation,
                         const struct db_rows *row) {
    const struct position *known = find_position(pull, conversation);
    uint64_t since = db_rows_u64(row, CURSOR_SINCE);
    uint64_t start = known != NULL         ? known->cid
                     : pull->body->resumed ? 0
                                           : db_rows_u64(row, CURSOR_RECEIVED);
    if (start == 0 && pull->body->brief)
        start = db_rows_u64(row, CURSOR_SETTLED);
    return start > since ? start : since;
}

static void add_position(struct pull *pull, uint64_t conversation, uint64_t start) {
    struct delivery_pull_reply *reply = pull->reply;
    const struct position *known = find_position(pull, conversation);
    if (pull->body->resumed || (pull->body->listed && known != NULL))
        return;
    if (reply->conversations.count == PULL_MAX_POSITIONS) {
        reply->partial = true;
        return;
    }
    if (wants_newest(pull->body))
        reply->skipped.items[reply->skipped.count++] = known == NULL ? 0 : known->skipped;
    reply->conversations.items[reply->conversations.count++] = conversation;
    reply->positions.items[reply->positions.count++] = start;
}

/* Conversations are ascending, and the parts of one in their order. */
static void note_unread(struct pull *pull, const struct page_part *part) {
    struct position *last = pull->unread_count == 0 ? NULL : &pull->unread[pull->unread_count - 1];
    if (pull->unread == NULL)
        return;
    if (last != NULL && last->conversation == part->conversation)
        last->cid = part->until;
    else if (pull->unread_count == PULL_MAX_POSITIONS)
        pull->unread = NULL;
    else
        pull->unread[pull->unread_count++] = (struct position){part->conversation, part->until, 0};
}

/* Keeps the parts that lag most when there are more than a page reads: of a conversation the first,
 * so that nothing is read before what lies in front of it. */
static void add_part(struct pull *pull, struct page_part part) {
    if (part.after >= part.until)
        return;
    note_unread(pull, &part);
    if (pull->part_count < PAGE_PARTS) {
        pull->parts[pull->part_count++] = part;
        return;
    }
    size_t newest = 0;
    for (size_t i = 1; i < PAGE_PARTS; i++)
        if (pull->parts[i].after > pull->parts[newest].after)
            newest = i;
    if (part.after < pull->parts[newest].after)
        pull->parts[newest] = part;
}

/* All that is to be read of a conversation. */
static struct page_part read_cursor(struct pull *pull, const struct db_rows *row) {
    return readable_behind(row, start_of(pull, db_rows_u64(row, CURSOR_CONVERSATION), row));
}

/* The last entry that is left out is the first to be read: the position lies in front of it. */
static void start_later(struct pull *pull, const struct unread_part *part) {
    if (part->last == 0)
        return;
    struct position cut = {part->conversation, part->last - 1, part->count};
    for (size_t i = 0; i < pull->body->positions.count; i++)
        if (pull->positions[i].conversation == cut.conversation) {
            pull->positions[i] = cut;
            return;
        }
    pull->positions[pull->position_count++] = cut;
}

/* Whether the row is a cursor that the page looks at, or names. */
static bool is_cursor(const struct pull *pull, const struct db_rows *row) {
    uint64_t kind = db_rows_u64(row, CURSOR_KIND);
    return kind == CURSOR_THERE || (kind == CURSOR_THERE_SETTLED && !pull->cursors.unnamed);
}

/* Leaves out entries that are too old, in the conversations whose positions the reply gives. */
static enum err leave_out_old(struct pull *pull, struct db_rows *rows) {
    size_t count = 0, given = 0;
    struct unread_part *parts = record_arena_alloc(pull->arena, PULL_MAX_POSITIONS * sizeof *parts);
    if (parts == NULL)
        return ERR_INTERNAL;
    while (given < PULL_MAX_POSITIONS && db_rows_next(rows)) {
        if (!is_cursor(pull, rows))
            continue;
        struct page_part all = read_cursor(pull, rows);
        given++;
        if (all.after < all.until)
            parts[count++] = (struct unread_part){
                .conversation = all.conversation, .after = all.after, .until = all.until};
    }
    db_rows_rewind(rows);
    enum err err = backlog_cut(pull->db, pull->body->account, parts, count, pull->body->newest);
    for (size_t i = 0; err == ERR_OK && i < count; i++)
        start_later(pull, &parts[i]);
    qsort(pull->positions, pull->position_count, sizeof *pull->positions, compare_positions);
    return err;
}

/* A login's first page finds the cursors that need not be looked at any more. */
static void note_read(struct pull *pull, const struct page_part *all, const struct db_rows *row) {
    if (db_rows_u64(row, CURSOR_KIND) == CURSOR_THERE && !pull->body->resumed &&
        db_rows_u64(row, CURSOR_RECEIVED) >= all->until)
        pull_cursors_note_read(&pull->cursors, all->conversation, all->until);
}

static void read_rows(struct pull *pull, struct db_rows *rows) {
    struct page_part rest = {0};
    while (db_rows_next(rows)) {
        if (is_cursor(pull, rows)) {
            add_part(pull, rest);
            rest = read_cursor(pull, rows);
            pull->reply->count += !pull->body->listed;
            add_position(pull, rest.conversation, rest.after);
            note_read(pull, &rest, rows);
        } else if (db_rows_u64(rows, CURSOR_KIND) == CURSOR_ABSENCE &&
                   db_rows_u64(rows, CURSOR_CONVERSATION) == rest.conversation) {
            add_part(pull, readable_before(rows, &rest));
        }
    }
    add_part(pull, rest);
}

static enum err read_cursors(struct pull *pull) {
    struct pull_cursors *cursors = &pull->cursors;
    enum err err = pull_cursors_find(pull->db, pull->arena, pull->body, cursors);
    if (err == ERR_OK && wants_newest(pull->body))
        err = leave_out_old(pull, cursors->rows);
    if (err == ERR_OK && cursors->rows != NULL)
        read_rows(pull, cursors->rows);
    if (cursors->unnamed)
        pull->reply->count = 0;
    pull->reply->brief = pull->body->brief;
    pull_cursors_free(cursors);
    return err;
}

/* --- the page ------------------------------------------------------------------------------ */

static bool in_part(const struct page_part *part, uint64_t conversation, uint64_t cid) {
    return part->conversation == conversation && cid > part->after && cid <= part->until;
}

/* The cid up to which nothing is missing between the rows of different parts. */
static uint64_t certain_until(const struct pull *pull, struct db_rows *rows) {
    size_t counts[PAGE_PARTS] = {0};
    uint64_t until = UINT64_MAX;
    while (db_rows_next(rows)) {
        uint64_t conversation = db_rows_u64(rows, 0), cid = db_rows_u64(rows, 1);
        for (size_t i = 0; i < pull->part_count; i++)
            if (in_part(&pull->parts[i], conversation, cid) && ++counts[i] == pull->limit &&
                cid < until)
                until = cid;
    }
    db_rows_rewind(rows);
    return until;
}

/* Notes that the page has this entry. */
static void note_on_page(struct pull *pull, uint64_t conversation, uint64_t cid) {
    struct position key = {.conversation = conversation};
    struct position *unread = pull->unread == NULL ? NULL
                                                   : bsearch(&key, pull->unread, pull->unread_count,
                                                             sizeof key, compare_positions);
    if (unread != NULL && cid >= unread->cid)
        unread->cid = 0;
}

/* Names the conversations of which the page does not hold all. An empty page is the end: where the
 * last row that an account may read was removed, nothing more is read. */
static void add_behind(struct pull *pull) {
    struct delivery_pull_reply *reply = pull->reply;
    reply->complete = pull->unread != NULL;
    for (size_t i = 0; reply->complete && reply->entries.count > 0 && i < pull->unread_count; i++)
        if (pull->unread[i].cid != 0)
            reply->behind.items[reply->behind.count++] = pull->unread[i].conversation;
}

static enum err add_entry(struct pull *pull, const struct entry *entry, size_t *bytes) {
    struct slice copy;
    enum err err = page_pack_entry(pull->arena, entry, &copy);
    if (err != ERR_OK)
        return err;
    pull->reply->entries.items[pull->reply->entries.count++] = copy;
    note_on_page(pull, entry->conversation, entry->cid);
    *bytes += copy.length;
    return ERR_OK;
}

static enum err read_page(struct pull *pull, const struct page_rows *fetched) {
    struct db_rows *rows = fetched->rows;
    uint64_t until = certain_until(pull, rows);
    enum err err = ERR_OK;
    size_t bytes = 0;
    while (err == ERR_OK && bytes < PAGE_BYTES && pull->reply->entries.count < PAGE_ENTRIES &&
           db_rows_next(rows)) {
        struct entry entry;
        if (db_rows_u64(rows, 1) > until)
            break;
        err = page_read_entry(fetched, &entry);
        if (err == ERR_OK)
            err = add_entry(pull, &entry, &bytes);
    }
    return err;
}

static enum err fetch_page(struct pull *pull) {
    if (pull->part_count == 0)
        return ERR_OK;
    pull->limit = PAGE_ROWS / pull->part_count;
    if (pull->limit < PAGE_MIN_ROWS)
        pull->limit = PAGE_MIN_ROWS;
    if (pull->limit > PAGE_ENTRIES)
        pull->limit = PAGE_ENTRIES;
    struct page_rows fetched;
    enum err err = page_fetch(pull->db, pull->arena,
                              &(struct page){.account = pull->body->account,
                                             .parts = pull->parts,
                                             .count = pull->part_count,
                                             .part_limit = pull->limit,
                                             .limit = PAGE_ENTRIES},
                              &fetched);
    if (err == ERR_OK)
        err = read_page(pull, &fetched);
    db_rows_destroy(&fetched.rows);
    return err;
}

/* Room for the most that a reply holds. */
static bool make_room(struct pull *pull) {
    struct delivery_pull_reply *reply = pull->reply;
    struct record_arena *arena = pull->arena;
    size_t given = pull->body->resumed ? 0 : PULL_MAX_POSITIONS;
    reply->conversations.items = record_arena_alloc(arena, given * sizeof(uint64_t));
    reply->positions.items = record_arena_alloc(arena, given * sizeof(uint64_t));
    reply->skipped.items = record_arena_alloc(arena, given * sizeof(uint64_t));
    reply->entries.items = record_arena_alloc(arena, PAGE_ENTRIES * sizeof(struct slice));
    reply->behind.items = record_arena_alloc(arena, PULL_MAX_POSITIONS * sizeof(uint64_t));
    pull->unread = record_arena_alloc(arena, PULL_MAX_POSITIONS * sizeof *pull->unread);
    return reply->conversations.items != NULL && reply->positions.items != NULL &&
           reply->skipped.items != NULL && reply->entries.items != NULL &&
           reply->behind.items != NULL && pull->unread != NULL;
}

enum err handle_pull(void *context, struct db *db, struct record_arena *arena, const void *body,
                     void *reply_r) {
    (void)context;
    struct pull pull = {.db = db, .arena = arena, .body = body, .reply = reply_r};
    enum err err = make_room(&pull) ? read_positions(&pull) : ERR_INTERNAL;
    if (err == ERR_OK)
        err = read_cursors(&pull);
    if (err == ERR_OK)
        err = fetch_page(&pull);
    add_behind(&pull);
    if (err == ERR_OK)
        pull_cursors_settle(db, arena, pull.body->account, &pull.cursors);
    return err;
}
