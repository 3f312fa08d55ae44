/*
 * delivery.history: a piece of a conversation, wherever its reader wants to look.
 *
 * A piece has two sides, the entries before a place and those behind it; but for `around` one of
 * them is empty. Each side is read from that place on through the parts that the account may read,
 * by ranges of the primary key, and cut where it has enough entries or bytes: so the entries left
 * out are the furthest from the place.
 */
#include "proto/conversation.h"
#include "services/delivery/delivery.h"
#include "services/delivery/page.h"
#include "services/delivery/place.h"
#include "services/delivery/reactions.h"
#include "services/delivery/readable.h"

/*
 * limit: delivery | parts of a conversation per statement of a piece of it (one more for each
 * absence) | {HISTORY_PARTS} | several statements
 */
/* Parts per statement. */
#define HISTORY_PARTS 256
/* Entries of a reply if the request has no limit. */
#define HISTORY_DEFAULT 50

/* One side of a piece; its entries in the order of reading, away from the place. */
struct side {
    bool wanted, older;
    size_t limit, max_bytes;
    struct slice entries[LIST_MAX];
    size_t count, bytes;
    bool more;
};

/* Takes entries until the side is full; there is room for the first, however long it is. */
static enum err take_rows(struct side *side, const struct page_rows *fetched,
                          const struct reactions *reactions) {
    while (!side->more && db_rows_next(fetched->rows)) {
        struct entry entry;
        struct slice packed;
        enum err err = page_read_entry(fetched, &entry);
        entry.reactions = reactions_of(reactions, entry.cid);
        if (err == ERR_OK)
            err = page_pack_entry(fetched->arena, &entry, &packed);
        if (err != ERR_OK)
            return err;
        if (side->count == side->limit ||
            (side->count > 0 && side->bytes + packed.length > side->max_bytes)) {
            side->more = true;
        } else {
            side->entries[side->count++] = packed;
            side->bytes += packed.length;
        }
    }
    return ERR_OK;
}

/* Reads on through the parts of the side, the nearest first; one row more than it takes. */
static enum err read_side(struct side *side, struct db *db, struct record_arena *arena,
                          uint64_t account, const struct readable *readable) {
    enum err err = ERR_OK;
    for (size_t done = 0, count; err == ERR_OK && !side->more && done < readable->count;
         done += count) {
        size_t left = readable->count - done;
        count = left < HISTORY_PARTS ? left : HISTORY_PARTS;
        struct page page = {.account = account,
                            .parts = readable->parts + (side->older ? left - count : done),
                            .count = count,
                            .part_limit = side->limit + 1 - side->count,
                            .limit = side->limit + 1 - side->count,
                            .newest_first = side->older};
        struct page_rows fetched;
        struct reactions reactions;
        err = page_fetch(db, arena, &page, &fetched);
        if (err == ERR_OK)
            err = reactions_find(db, arena, account, fetched.rows, &reactions);
        if (err == ERR_OK)
            err = take_rows(side, &fetched, &reactions);
        db_rows_destroy(&fetched.rows);
    }
    return err;
}

/* Of the readable parts, those behind `after` and up to `until`. */
static enum err select_parts(const struct readable *all, uint64_t after, uint64_t until,
                             struct record_arena *arena, struct readable *readable_r) {
    *readable_r =
        (struct readable){.parts = record_arena_alloc(arena, all->count * sizeof *all->parts)};
    if (readable_r->parts == NULL && all->count > 0)
        return ERR_INTERNAL;
    for (size_t i = 0; i < all->count; i++) {
        struct page_part part = all->parts[i];
        part.after = part.after > after ? part.after : after;
        part.until = part.until < until ? part.until : until;
        if (part.after < part.until)
            readable_r->parts[readable_r->count++] = part;
    }
    return ERR_OK;
}

struct piece {
    uint64_t after, until; /* the older side ends at `until`, the newer begins behind `after` */
    struct side older, newer;
};

/* Where the piece is, and how much of each side it takes. */
static void plan(struct piece *piece, const struct delivery_history *ask) {
    size_t limit = ask->limit == 0 ? HISTORY_DEFAULT : ask->limit;
    piece->older = (struct side){
        .wanted = ask->after == 0, .older = true, .limit = limit, .max_bytes = LIST_MAX_BYTES};
    piece->newer = (struct side){
        .wanted = ask->after != 0 || ask->around != 0, .limit = limit, .max_bytes = LIST_MAX_BYTES};
    piece->until = ask->before == 0 ? UINT64_MAX : ask->before - 1;
    piece->after = ask->after;
    if (ask->around == 0)
        return;
    piece->older.limit = limit / 2;
    piece->newer.limit = limit - limit / 2;
    piece->older.max_bytes = piece->newer.max_bytes = LIST_MAX_BYTES / 2;
    piece->until = piece->after = ask->around - 1;
}

static enum err read_piece(struct piece *piece, struct db *db, struct record_arena *arena,
                           uint64_t account, const struct readable *all) {
    struct readable parts;
    enum err err = ERR_OK;
    if (piece->older.wanted) {
        err = select_parts(all, 0, piece->until, arena, &parts);
        if (err == ERR_OK)
            err = read_side(&piece->older, db, arena, account, &parts);
    }
    if (err == ERR_OK && piece->newer.wanted) {
        err = select_parts(all, piece->after, UINT64_MAX, arena, &parts);
        if (err == ERR_OK)
            err = read_side(&piece->newer, db, arena, account, &parts);
    }
    return err;
}

static enum err fill_reply(const struct piece *piece, struct record_arena *arena,
                           struct delivery_history_reply *reply) {
    const struct side *older = &piece->older, *newer = &piece->newer;
    struct slice *items = record_arena_alloc(arena, (older->count + newer->count) * sizeof *items);
    if (items == NULL)
        return ERR_INTERNAL;
    for (size_t i = 0; i < older->count; i++)
        items[older->count - 1 - i] = older->entries[i];
    for (size_t i = 0; i < newer->count; i++)
        items[older->count + i] = newer->entries[i];
    reply->entries = (struct slice_list){items, older->count + newer->count};
    reply->more = older->more || newer->more;
    return ERR_OK;
}

static bool is_well_formed(const struct delivery_history *ask) {
    int places = (ask->before != 0) + (ask->after != 0) + (ask->around != 0);
    return ask->account != 0 && (ask->user == 0 || ask->group == 0) && places <= 1 &&
           ask->limit <= LIST_MAX;
}

enum err handle_history(void *context, struct db *db, struct record_arena *arena, const void *body,
                        void *reply_r) {
    (void)context;
    const struct delivery_history *ask = body;
    struct place place;
    struct readable all = {.count = 0};
    struct piece piece;
    if (!is_well_formed(ask))
        return ERR_BAD_REQUEST;
    enum err err = place_find(db, ask->account, ask->user, ask->group, &place);
    if (err == ERR_OK && !place.reader) {
        err = place_explain(db, ask->account, ask->user, ask->group, &place);
        return err == ERR_NO_MESSAGE ? ERR_OK : err; /* there are no entries yet */
    }
    if (err == ERR_OK)
        err = readable_find(db, arena, ask->account, place.conversation, &all);
    plan(&piece, ask);
    if (err == ERR_OK)
        err = read_piece(&piece, db, arena, ask->account, &all);
    return err == ERR_OK ? fill_reply(&piece, arena, reply_r) : err;
}
