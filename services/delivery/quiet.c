/*
 * delivery.quiet: until when an account wants no mention of a conversation in what wakes its
 * devices. Setting it twice is setting it once, so there is no nonce.
 */
#include "common/log.h"
#include "common/loop.h"
#include "proto/ids.h"
#include "services/delivery/delivery.h"
#include "services/delivery/delivery_sql.h"
#include "services/delivery/place.h"

/* The string form of the other side; empty where it is the decimal form. */
static enum err find_string_id(struct db *db, struct record_arena *arena,
                               const struct delivery_quiet *ask, struct slice *id_r) {
    struct db_rows *rows;
    uint64_t number;
    enum err err = db_query(db, &delivery_sql_string_id,
                            DB_ARGS(db_u64(ask->user), db_u64(ask->group)), &rows);
    *id_r = slice_make(NULL, 0);
    if (err == ERR_OK && db_rows_next(rows) && !id_is_decimal(db_rows_slice(rows, 0), &number))
        *id_r = record_arena_copy(arena, db_rows_slice(rows, 0));
    db_rows_destroy(&rows);
    return err;
}

/* Its connections, this one too, show the same. */
static void route(const struct delivery *self, const struct delivery_quiet *ask,
                  uint64_t conversation, struct slice to_id) {
    struct entry entry = {.conversation = conversation,
                          .time_ms = (uint64_t)loop_wall_ms(),
                          .type = ENTRY_QUIET,
                          .from = ask->account,
                          .to = ask->group != 0 ? ask->group : ask->user,
                          .to_id = to_id,
                          .target = ask->until_ms,
                          .trace = log_trace()};
    struct route_batch *batch = route_batch_new();
    if (batch != NULL && route_batch_add(batch, &entry, &ask->account, 1) == 0)
        route_post_live(self->router, &batch);
    route_batch_destroy(&batch);
}

enum err handle_quiet(void *context, struct db *db, struct record_arena *arena, const void *body,
                      void *reply_r) {
    (void)reply_r;
    const struct delivery_quiet *ask = body;
    struct slice to_id;
    struct place place;
    if (ask->account == 0 || (ask->user != 0) == (ask->group != 0))
        return ERR_BAD_REQUEST;
    if (ask->user == ask->account)
        return ERR_TO_ONESELF;
    enum err err = place_find(db, ask->account, ask->user, ask->group, &place);
    if (err != ERR_OK)
        return err;
    if (!place.reader || place.left)
        return place_explain(db, ask->account, ask->user, ask->group, &place);
    err = find_string_id(db, arena, ask, &to_id);
    if (err == ERR_OK)
        err = db_query(
            db, &delivery_sql_quiet,
            DB_ARGS(db_u64(ask->until_ms), db_u64(ask->account), db_u64(place.conversation)), NULL);
    if (err == ERR_OK)
        route(context, ask, place.conversation, to_id);
    return err;
}
