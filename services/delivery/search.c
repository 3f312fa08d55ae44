/*
 * delivery.search: texts by words in them, the newest first.
 *
 * The account may read many streams of texts, a part of a conversation each, and all of them are
 * read backwards. A round reads on in those that reach furthest: a few texts of each, more of one
 * that is read again and again. A text found behind the frontier, up to which some stream is still
 * to be read, is found for good; the rest is found again by the next request, which goes on there.
 *
 * It runs on threads and connections of its own, so that texts and readers never wait for it.
 */
#include <stdlib.h>

#include "common/unicode.h"
#include "proto/conversation.h"
#include "services/delivery/delivery.h"
#include "services/delivery/match.h"
#include "services/delivery/page.h"
#include "services/delivery/place.h"
#include "services/delivery/readable.h"

/*
 * limit: delivery | a search | {SEARCH_ROWS} messages; {SEARCH_BYTES} of text, but one message at
 * least; {SEARCH_MATCHES} matches; {SEARCH_STREAMS} parts of conversations, those with the newest
 * messages | the reply has the place to go on from; texts beyond the parts are found by a search
 * with `peer`
 */
/* Messages that one request reads at most, and their bytes. */
#define SEARCH_ROWS 20000
#define SEARCH_BYTES ((size_t)8 << 20)
/* Matches of one request. */
#define SEARCH_MATCHES 50
/* Streams: so few that a request reads something of each, and so always gets on. */
#define SEARCH_STREAMS 500
/*
 * limit: delivery | a statement of a search | {ROUND_STREAMS} parts, {ROUND_ROWS} messages |
 * several statements
 */
/* Streams and messages of one round. */
#define ROUND_STREAMS 256
#define ROUND_ROWS 512

struct stream {
    struct page_part part; /* what is still to be read; empty: nothing */
    size_t step;           /* how many messages the next round reads */
};

struct found {
    uint64_t conversation, cid;
};

struct search {
    struct db *db;
    struct record_arena *arena;
    const struct delivery_search *ask;
    struct match match;
    struct stream *streams; /* those that reach furthest first */
    size_t stream_count;
    struct found *found; /* SEARCH_ROWS */
    size_t found_count, rows, bytes;
};

/* --- streams ------------------------------------------------------------------------------- */

static int compare_streams(const void *a, const void *b) {
    const struct stream *x = a, *y = b;
    return (y->part.until > x->part.until) - (y->part.until < x->part.until);
}

static int compare_found(const void *a, const void *b) {
    const struct found *x = a, *y = b;
    return (y->cid > x->cid) - (y->cid < x->cid);
}

static enum err open_streams(struct search *search, const struct readable *readable) {
    uint64_t until = search->ask->before == 0 ? UINT64_MAX : search->ask->before - 1;
    search->streams = record_arena_alloc(search->arena, readable->count * sizeof *search->streams);
    search->found = record_arena_alloc(search->arena, SEARCH_ROWS * sizeof *search->found);
    if (search->streams == NULL || search->found == NULL)
        return ERR_INTERNAL;
    /* By all their texts, so the same parts are left out for each `before`. */
    for (size_t i = 0; i < readable->count; i++)
        search->streams[i] = (struct stream){.part = readable->parts[i]};
    qsort(search->streams, readable->count, sizeof *search->streams, compare_streams);
    size_t count = readable->count < SEARCH_STREAMS ? readable->count : SEARCH_STREAMS;
    for (size_t i = 0; i < count; i++) {
        struct stream stream = search->streams[i];
        if (stream.part.until > until)
            stream.part.until = until;
        if (stream.part.after < stream.part.until)
            search->streams[search->stream_count++] = stream;
    }
    /* A statement costs as much as many rows: where there are few streams, more is read of each. */
    size_t step = search->stream_count == 0 ? 0 : SEARCH_ROWS / search->stream_count;
    for (size_t i = 0; i < search->stream_count; i++)
        search->streams[i].step = step < ROUND_ROWS ? step : ROUND_ROWS;
    return ERR_OK;
}

/* Up to where something is still to be read; 0: nothing is. */
static uint64_t frontier(const struct search *search) {
    return search->stream_count == 0 ? 0 : search->streams[0].part.until;
}

/* Puts the streams that a round has read back in their order, and drops those that are empty. */
static void sort_streams(struct search *search) {
    size_t kept = 0;
    for (size_t i = 0; i < search->stream_count; i++)
        if (search->streams[i].part.after < search->streams[i].part.until)
            search->streams[kept++] = search->streams[i];
    search->stream_count = kept;
    qsort(search->streams, kept, sizeof *search->streams, compare_streams);
}

/* --- rounds -------------------------------------------------------------------------------- */

/* How many streams the round reads: no more messages than there may be. */
static size_t plan_round(struct search *search) {
    size_t left = SEARCH_ROWS - search->rows, rows = 0, count = 0;
    if (left > ROUND_ROWS)
        left = ROUND_ROWS;
    while (count < ROUND_STREAMS && count < search->stream_count && rows < left) {
        struct stream *stream = &search->streams[count++];
        if (stream->step > left - rows)
            stream->step = left - rows;
        rows += stream->step;
    }
    return count;
}

static void take_rows(struct search *search, struct stream *stream, struct db_rows *rows) {
    size_t count = 0;
    uint64_t last = 0;
    for (; db_rows_next(rows); count++) {
        struct slice text = db_rows_slice(rows, 1);
        last = db_rows_u64(rows, 0);
        search->bytes += text.length;
        if (match_text(&search->match, text))
            search->found[search->found_count++] = (struct found){stream->part.conversation, last};
    }
    search->rows += count;
    stream->part.until = count < stream->step ? stream->part.after : last - 1;
    stream->step = stream->step < ROUND_ROWS / 2 ? 2 * stream->step : ROUND_ROWS;
}

static enum err run_round(struct search *search) {
    size_t count = plan_round(search), at = 0;
    struct buffer sql = buffer_make(DELIVERY_SCRIPT_BYTES);
    for (size_t i = 0; i < count; i++)
        delivery_sql_add_texts(&sql, &search->streams[i].part, search->streams[i].step);
    enum err err = db_script_run(search->db, &sql);
    buffer_free(&sql);
    if (err != ERR_OK)
        return err;
    for (struct db_rows *rows = NULL; db_script_next(search->db, &rows); db_rows_destroy(&rows))
        if (rows != NULL && at < count)
            take_rows(search, &search->streams[at++], rows);
    err = db_script_end(search->db);
    sort_streams(search);
    return err;
}

/* How many matches lie behind the frontier. */
static size_t count_final(const struct search *search) {
    uint64_t upto = frontier(search);
    size_t count = 0;
    for (size_t i = 0; i < search->found_count; i++)
        count += search->found[i].cid > upto;
    return count;
}

static enum err run_rounds(struct search *search) {
    enum err err = ERR_OK;
    uint64_t first = frontier(search);
    while (err == ERR_OK && search->stream_count > 0 && search->rows < SEARCH_ROWS &&
           (search->bytes < SEARCH_BYTES || frontier(search) == first) &&
           count_final(search) < SEARCH_MATCHES)
        err = run_round(search);
    return err;
}

/* --- the reply ----------------------------------------------------------------------------- */

static enum err pack_found(struct search *search, size_t count,
                           struct delivery_search_reply *reply) {
    struct page_part *parts = record_arena_alloc(search->arena, count * sizeof *parts);
    struct page_rows fetched;
    reply->entries.items = record_arena_alloc(search->arena, count * sizeof *reply->entries.items);
    if (parts == NULL || reply->entries.items == NULL)
        return ERR_INTERNAL;
    for (size_t i = 0; i < count; i++)
        parts[i] = (struct page_part){search->found[i].conversation, search->found[i].cid - 1,
                                      search->found[i].cid};
    enum err err = page_fetch(search->db, search->arena,
                              &(struct page){.account = search->ask->account,
                                             .parts = parts,
                                             .count = count,
                                             .part_limit = 1,
                                             .limit = count,
                                             .newest_first = true},
                              &fetched);
    while (err == ERR_OK && db_rows_next(fetched.rows)) {
        struct entry entry;
        err = page_read_entry(&fetched, &entry);
        /* It may have been recalled meanwhile. */
        if (err == ERR_OK && entry.type == ENTRY_TEXT)
            err = page_pack_entry(search->arena, &entry,
                                  &reply->entries.items[reply->entries.count++]);
    }
    db_rows_destroy(&fetched.rows);
    return err;
}

static enum err fill_reply(struct search *search, struct delivery_search_reply *reply) {
    size_t count = count_final(search);
    if (search->found_count > 0)
        qsort(search->found, search->found_count, sizeof *search->found, compare_found);
    if (count > SEARCH_MATCHES) {
        count = SEARCH_MATCHES;
        reply->before = search->found[count - 1].cid;
    } else if (search->stream_count > 0) {
        reply->before = frontier(search) + 1;
    }
    return count == 0 ? ERR_OK : pack_found(search, count, reply);
}

/* --- the request --------------------------------------------------------------------------- */

static bool is_well_formed(const struct delivery_search *ask) {
    size_t count = unicode_count(ask->text);
    bool one_place =
        ask->everywhere ? ask->user == 0 && ask->group == 0 : ask->user == 0 || ask->group == 0;
    return ask->account != 0 && one_place && count >= SEARCH_LEAST && count <= SEARCH_MOST;
}

enum err begin_search(void *context, struct db *db, struct record_arena *arena, const void *body,
                      void **rest_r, void *reply_r) {
    (void)context;
    (void)db;
    (void)reply_r;
    struct search *search = record_arena_alloc(arena, sizeof *search);
    if (!is_well_formed(body))
        return ERR_BAD_REQUEST;
    if (search == NULL)
        return ERR_INTERNAL;
    search->ask = body;
    *rest_r = search;
    return ERR_OK;
}

static enum err find_streams(struct search *search) {
    const struct delivery_search *ask = search->ask;
    struct place place = {.conversation = 0};
    struct readable readable;
    enum err err = ERR_OK;
    if (!ask->everywhere)
        err = place_find(search->db, ask->account, ask->user, ask->group, &place);
    if (err == ERR_OK && !ask->everywhere && !place.reader) {
        err = place_explain(search->db, ask->account, ask->user, ask->group, &place);
        return err == ERR_NO_MESSAGE ? ERR_OK : err; /* there are no entries yet */
    }
    if (err == ERR_OK)
        err = readable_find(search->db, search->arena, ask->account, place.conversation, &readable);
    return err == ERR_OK ? open_streams(search, &readable) : err;
}

enum err handle_search(void *context, struct db *db, struct record_arena *arena, const void *body,
                       void *rest, void *reply_r) {
    (void)context;
    struct search *search = rest;
    const struct delivery_search *ask = body;
    search->db = db;
    search->arena = arena;
    enum err err =
        match_begin(&search->match, arena, ask->text) ? find_streams(search) : ERR_BAD_REQUEST;
    if (err == ERR_OK)
        err = run_rounds(search);
    return err == ERR_OK ? fill_reply(search, reply_r) : err;
}
