/* delivery.advance: cursors move forward, in bulk. */
#include <stdlib.h>

#include "common/loop.h"
#include "proto/conversation.h"
#include "proto/ids.h"
#include "services/delivery/delivery_sql.h"
#include "services/delivery/live.h"

/* limit: delivery | cursors per statement | {ADVANCE_STEP} | several statements */
/* Cursors per statement. */
#define ADVANCE_STEP 512

static int compare_moves(const void *a, const void *b) {
    const struct cursor_move *x = a, *y = b;
    if (x->account != y->account)
        return x->account > y->account ? 1 : -1;
    if (x->conversation != y->conversation)
        return x->conversation > y->conversation ? 1 : -1;
    return (x->cid > y->cid) - (x->cid < y->cid);
}

/* `move` is the farther one. */
static void merge_into(struct cursor_move *move, const struct cursor_move *other) {
    move->from_others = move->from_others || other->from_others;
    if (other->seen > move->seen) {
        move->seen = other->seen;
        move->login = other->login;
    }
}

/* Sorts the moves and keeps one of each cursor, as far as any; returns how many those are. */
static size_t sort_moves(struct cursor_move *moves, size_t count) {
    size_t kept = 0;
    qsort(moves, count, sizeof *moves, compare_moves);
    for (size_t i = 0; i < count; i++) {
        bool same = kept > 0 && moves[kept - 1].account == moves[i].account &&
                    moves[kept - 1].conversation == moves[i].conversation;
        if (same)
            merge_into(&moves[i], &moves[--kept]);
        moves[kept++] = moves[i];
    }
    return kept;
}

/* One that others get to know of; false without memory. */
static bool add_told(struct route_batch *routes, const struct db_rows *row) {
    uint64_t account = db_rows_u64(row, TOLD_ACCOUNT), peer = db_rows_u64(row, TOLD_PEER);
    uint64_t arrived = db_rows_u64(row, TOLD_ARRIVED), seen = db_rows_u64(row, TOLD_SEEN);
    bool concerned = db_rows_u64(row, TOLD_CONCERNED) != 0;
    struct entry entry = {.conversation = db_rows_u64(row, TOLD_CONVERSATION),
                          .time_ms = (uint64_t)loop_wall_ms(),
                          .from = account,
                          .from_id = id_beside_number(db_rows_slice(row, TOLD_ID)),
                          .to = peer,
                          .to_id = id_beside_number(db_rows_slice(row, TOLD_PEER_ID))};
    if (seen != 0) {
        entry.type = ENTRY_READ;
        entry.target = seen;
        entry.login = db_rows_u64(row, TOLD_LOGIN);
        if (route_batch_add(routes, &entry, (const uint64_t[]){account, peer}, 1 + concerned) != 0)
            return false;
    }
    if (arrived == 0 || !concerned)
        return true;
    entry.type = ENTRY_RECEIVED;
    entry.target = arrived;
    entry.login = 0;
    return route_batch_add(routes, &entry, &peer, 1) == 0;
}

/* If there is no memory for one, they learn it with the next text. */
static void add_all_told(struct route_batch *routes, struct db_rows *rows) {
    while (routes != NULL && rows != NULL && db_rows_next(rows))
        if (!add_told(routes, rows))
            return;
}

static enum err advance(const struct delivery *self, struct db *db, const struct cursor_move *moves,
                        size_t count, struct route_batch *routes) {
    struct buffer sql = buffer_make(DELIVERY_SCRIPT_BYTES);
    delivery_sql_add_told(&sql, moves, count, delivery_friends_only(self));
    delivery_sql_add_advance(&sql, moves, count);
    enum err err = db_script_run(db, &sql);
    buffer_free(&sql);
    if (err != ERR_OK)
        return err;
    for (struct db_rows *rows = NULL; db_script_next(db, &rows);) {
        add_all_told(routes, rows);
        db_rows_destroy(&rows);
    }
    return db_script_end(db);
}

/*
 * An account that was connected when the first broadcast ever was sent has no cursor in that
 * conversation yet: it gets one, so that this move is kept like every other.
 */
static enum err join_broadcast(struct db *db, const struct cursor_move *moves, size_t count) {
    enum err err = ERR_OK;
    for (size_t i = 0; err == ERR_OK && i < count; i++)
        if (moves[i].conversation == CONVERSATION_OF_ALL)
            err = db_query(db, &delivery_sql_join_all,
                           DB_ARGS(db_u64(CONVERSATION_OF_ALL), db_u64(CONVERSATION_OF_ALL),
                                   db_u64(moves[i].account)),
                           NULL);
    return err;
}

static uint64_t item_of(const uint64_t *items, size_t count, size_t i) {
    return i < count ? items[i] : 0;
}

static struct cursor_move *copy_moves(const struct delivery_advance *request,
                                      struct record_arena *arena) {
    size_t count = request->accounts.count;
    struct cursor_move *moves = record_arena_alloc(arena, count * sizeof *moves);
    for (size_t i = 0; moves != NULL && i < count; i++)
        moves[i] = (struct cursor_move){
            .account = request->accounts.items[i],
            .conversation = request->conversations.items[i],
            .cid = request->cids.items[i],
            .seen = item_of(request->seen.items, request->seen.count, i),
            .login = item_of(request->logins.items, request->logins.count, i),
            .from_others = item_of(request->from_others.items, request->from_others.count, i) != 0};
    return moves;
}

enum err handle_advance(void *context, struct db *db, struct record_arena *arena, const void *body,
                        void *reply_r) {
    (void)reply_r;
    const struct delivery *self = context;
    const struct delivery_advance *request = body;
    size_t count = request->accounts.count;
    if (count != request->conversations.count || count != request->cids.count)
        return ERR_BAD_REQUEST;
    struct cursor_move *moves = copy_moves(request, arena);
    if (moves == NULL)
        return ERR_INTERNAL;
    count = sort_moves(moves, count);
    enum err err = join_broadcast(db, moves, count);
    struct route_batch *routes = route_batch_new();
    for (size_t from = 0; err == ERR_OK && from < count; from += ADVANCE_STEP)
        err = advance(self, db, moves + from,
                      count - from < ADVANCE_STEP ? count - from : ADVANCE_STEP, routes);
    /* Also after a failure: it has arrived all the same, and the gateway reports it again. */
    route_post_live(self->router, &routes);
    return err;
}
