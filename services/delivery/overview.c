/*
 * delivery.conversations: an account's conversations, those with the newest entries first.
 *
 * Settled cursors (services/entries/settled.h) hold the last cid that may be read, in an index: of
 * them only as many are looked at as the list takes. Of the others the last row is looked up. What
 * is unread is counted for those in the list alone, and only so far.
 */
#include <stdlib.h>

#include "proto/conversation.h"
#include "proto/ids.h"
#include "services/delivery/delivery.h"
#include "services/delivery/overview_sql.h"
#include "services/delivery/page.h"

/* Conversations of a reply if the request has no limit. */
#define OVERVIEW_DEFAULT 50
/*
 * limit: delivery | newest entries of a conversation among which its list looks for one to show |
 * {OVERVIEW_NEWEST} | it shows none
 */
#define OVERVIEW_NEWEST 8

struct candidate {
    struct overview_part part;
    uint64_t received, seen, quiet_until_ms;
};

struct list {
    struct db *db;
    struct record_arena *arena;
    const struct delivery_conversations *ask;
    struct candidate *candidates; /* the newest first, once they are sorted */
    size_t count, limit;
    bool more;
    /* Of those in the list. */
    struct overview_part parts[LIST_MAX];
    struct overview *items;
};

/* --- which they are ------------------------------------------------------------------------ */

static void add_candidates(struct list *list, struct db_rows *rows) {
    uint64_t before = list->ask->before == 0 ? UINT64_MAX : list->ask->before;
    while (db_rows_next(rows)) {
        struct overview_part part = {.conversation = db_rows_u64(rows, OVERVIEW_CONVERSATION),
                                     .since = db_rows_u64(rows, OVERVIEW_SINCE),
                                     .end = db_rows_u64(rows, OVERVIEW_LAST)};
        if (!db_rows_null(rows, OVERVIEW_UNTIL) && db_rows_u64(rows, OVERVIEW_UNTIL) < part.end)
            part.end = db_rows_u64(rows, OVERVIEW_UNTIL);
        if (part.end <= part.since || part.end >= before)
            continue;
        struct candidate candidate = {part, db_rows_u64(rows, OVERVIEW_RECEIVED),
                                      db_rows_u64(rows, OVERVIEW_SEEN),
                                      db_rows_u64(rows, OVERVIEW_QUIET)};
        candidate.part.read = candidate.seen > part.since ? candidate.seen : part.since;
        list->candidates[list->count++] = candidate;
    }
}

static int compare_candidates(const void *a, const void *b) {
    const struct candidate *x = a, *y = b;
    return (x->part.end < y->part.end) - (x->part.end > y->part.end);
}

/* One more than the list takes. */
static enum err find_candidates(struct list *list) {
    const struct db_value account = db_u64(list->ask->account);
    const struct db_value before = db_u64(list->ask->before == 0 ? INT64_MAX : list->ask->before);
    struct db_rows *old = NULL, *open = NULL, *settled = NULL;
    enum err err = db_query(list->db, &delivery_sql_old_writer, DB_NO_ARGS, &old);
    bool all = err == ERR_OK && db_rows_next(old) && db_rows_u64(old, 0) != 0;
    db_rows_destroy(&old);
    if (err == ERR_OK)
        err = db_query(list->db, &overview_sql_open, DB_ARGS(account, db_u64(all)), &open);
    if (err == ERR_OK)
        err = db_query(list->db, &overview_sql_settled,
                       DB_ARGS(account, before, db_u64(all ? 0 : list->limit + 1)), &settled);
    if (err == ERR_OK) {
        list->candidates = record_arena_alloc(
            list->arena, (db_rows_count(open) + db_rows_count(settled)) * sizeof *list->candidates);
        err = list->candidates == NULL ? ERR_INTERNAL : ERR_OK;
    }
    if (err == ERR_OK) {
        add_candidates(list, open);
        add_candidates(list, settled);
        qsort(list->candidates, list->count, sizeof *list->candidates, compare_candidates);
    }
    db_rows_destroy(&open);
    db_rows_destroy(&settled);
    return err;
}

static enum err make_items(struct list *list) {
    list->more = list->count > list->limit;
    list->count = list->more ? list->limit : list->count;
    list->items = record_arena_alloc(list->arena, list->count * sizeof *list->items);
    if (list->items == NULL)
        return ERR_INTERNAL;
    for (size_t i = 0; i < list->count; i++) {
        const struct candidate *candidate = &list->candidates[i];
        list->parts[i] = candidate->part;
        list->items[i] = (struct overview){.conversation = candidate->part.conversation,
                                           .cid = candidate->part.end,
                                           .received = candidate->received,
                                           .seen = candidate->seen,
                                           .quiet_until_ms = candidate->quiet_until_ms};
    }
    return ERR_OK;
}

/* --- what is known of each ----------------------------------------------------------------- */

static struct overview *find_item(struct list *list, uint64_t conversation) {
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].conversation == conversation)
            return &list->items[i];
    return NULL;
}

typedef void take_row(struct list *list, struct overview *item, const struct db_rows *row);

/* Runs the script, if there is one, and frees it; each row is about the item whose conversation it
 * begins with. */
static enum err run(struct list *list, struct buffer *sql, take_row *take) {
    struct db_rows *rows = NULL;
    bool empty = sql->length == 0 && !sql->failed;
    enum err err = empty ? ERR_OK : db_script_query(list->db, sql, &rows);
    buffer_free(sql);
    while (err == ERR_OK && rows != NULL && db_rows_next(rows)) {
        struct overview *item = find_item(list, db_rows_u64(rows, 0));
        if (item != NULL)
            take(list, item, rows);
    }
    db_rows_destroy(&rows);
    return err;
}

static struct slice copy(const struct list *list, const struct db_rows *row, unsigned column) {
    return record_arena_copy(list->arena, db_rows_slice(row, column));
}

static void take_peer(struct list *list, struct overview *item, const struct db_rows *row) {
    uint64_t lo = db_rows_u64(row, 1), hi = db_rows_u64(row, 2), number;
    bool group = conversation_kind(item->conversation) == CONVERSATION_GROUP;
    item->peer = hi != 0 && lo == list->ask->account ? hi : lo;
    item->peer_id = copy(list, row, group ? 3 : 6);
    item->name = copy(list, row, group ? 4 : 7);
    item->avatar = copy(list, row, group ? 5 : 8);
    if (id_is_decimal(item->peer_id, &number))
        item->peer_id = slice_make(NULL, 0);
}

static void take_unread(struct list *list, struct overview *item, const struct db_rows *row) {
    (void)list;
    item->unread = db_rows_u64(row, 1);
    item->mentions = db_rows_u64(row, 2);
}

/* A change of a message stands beside it, and is not shown by itself. */
static enum err take_last(struct list *list, const struct page_rows *fetched) {
    struct entry entry;
    enum err err = page_read_entry(fetched, &entry);
    struct overview *item = err == ERR_OK ? find_item(list, entry.conversation) : NULL;
    if (item == NULL || entry.type > ENTRY_RECALLED_TEXT)
        return err;
    return page_pack_entry(list->arena, &entry, &item->last);
}

/* Reads these entries, one of a conversation each. */
static enum err read_entries(struct list *list, const struct page_part *entries, size_t count) {
    const struct page page = {.account = list->ask->account,
                              .parts = entries,
                              .count = count,
                              .single = true,
                              .limit = count};
    struct page_rows fetched = {.rows = NULL};
    enum err err = count == 0 ? ERR_OK : page_fetch(list->db, list->arena, &page, &fetched);
    while (err == ERR_OK && fetched.rows != NULL && db_rows_next(fetched.rows))
        err = take_last(list, &fetched);
    db_rows_destroy(&fetched.rows);
    return err;
}

/* Of conversations of which nothing is shown yet the newest entry that is shown by itself. */
static enum err find_shown(struct list *list, const struct overview_part *parts, size_t part_count,
                           struct page_part *shown, size_t *count_r) {
    struct buffer sql = buffer_make(DELIVERY_SCRIPT_BYTES);
    struct db_rows *rows = NULL;
    bool found[LIST_MAX] = {false};
    *count_r = 0;
    overview_sql_add_newest(&sql, parts, part_count, OVERVIEW_NEWEST);
    enum err err = db_script_query(list->db, &sql, &rows);
    buffer_free(&sql);
    while (err == ERR_OK && db_rows_next(rows)) {
        uint64_t conversation = db_rows_u64(rows, 0), cid = db_rows_u64(rows, 1);
        const struct overview *item = find_item(list, conversation);
        if (item == NULL || found[item - list->items] || db_rows_u64(rows, 2) > ENTRY_RECALLED_TEXT)
            continue;
        found[item - list->items] = true;
        shown[(*count_r)++] = (struct page_part){conversation, cid - 1, cid};
    }
    db_rows_destroy(&rows);
    return err;
}

/* The last entry, as a rule; else one before it. */
static enum err read_last(struct list *list) {
    struct page_part shown[LIST_MAX];
    struct overview_part others[LIST_MAX];
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++)
        shown[i] = (struct page_part){list->parts[i].conversation, list->parts[i].end - 1,
                                      list->parts[i].end};
    enum err err = read_entries(list, shown, list->count);
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].last.length == 0)
            others[count++] = list->parts[i];
    if (err != ERR_OK || count == 0)
        return err;
    err = find_shown(list, others, count, shown, &count);
    return err == ERR_OK ? read_entries(list, shown, count) : err;
}

static enum err describe(struct list *list) {
    struct buffer sql = buffer_make(DELIVERY_SCRIPT_BYTES);
    overview_sql_add_peers(&sql, list->ask->account, list->parts, list->count);
    enum err err = run(list, &sql, take_peer);
    if (err == ERR_OK) {
        sql = buffer_make(DELIVERY_SCRIPT_BYTES);
        overview_sql_add_unread(&sql, list->ask->account, list->parts, list->count);
        err = run(list, &sql, take_unread);
    }
    return err == ERR_OK ? read_last(list) : err;
}

/* The list ends where it has enough bytes. */
static void fill_reply(const struct list *list, struct delivery_conversations_reply *reply) {
    size_t bytes = 0, count = 0;
    for (; count < list->count; count++) {
        bytes += list->items[count].last.length;
        if (count > 0 && bytes > LIST_MAX_BYTES)
            break;
    }
    reply->conversations.items = list->items;
    reply->conversations.count = count;
    reply->more = list->more || count < list->count;
}

enum err handle_conversations(void *context, struct db *db, struct record_arena *arena,
                              const void *body, void *reply_r) {
    (void)context;
    const struct delivery_conversations *ask = body;
    struct list list = {.db = db,
                        .arena = arena,
                        .ask = ask,
                        .limit = ask->limit == 0 ? OVERVIEW_DEFAULT : ask->limit};
    if (ask->account == 0 || ask->limit > LIST_MAX)
        return ERR_BAD_REQUEST;
    enum err err = find_candidates(&list);
    if (err == ERR_OK)
        err = make_items(&list);
    if (err == ERR_OK && list.count > 0)
        err = describe(&list);
    if (err == ERR_OK)
        fill_reply(&list, reply_r);
    return err;
}
