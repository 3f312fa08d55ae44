/*
 * delivery.quiet: until when an account wants no mention of a conversation in messages that wake
 * its devices. Setting it twice is setting it once, so there is no nonce.
 */
#include "services/delivery/delivery.h"
#include "services/delivery/delivery_sql.h"
#include "services/delivery/live.h"
#include "services/delivery/place.h"

enum err handle_quiet(void *context, struct db *db, struct record_arena *arena, const void *body,
                      void *reply_r) {
    (void)arena;
    (void)reply_r;
    const struct delivery_quiet *ask = body;
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
    err = db_query(db, &delivery_sql_quiet,
                   DB_ARGS(db_u64(ask->until_ms), db_u64(ask->account), db_u64(place.conversation)),
                   NULL);
    if (err != ERR_OK)
        return err;
    struct entry entry = {.conversation = place.conversation,
                          .type = ENTRY_QUIET,
                          .from = ask->account,
                          .to = ask->group != 0 ? ask->group : ask->user,
                          .target = ask->until_ms,
                          .login = ask->login};
    live_push(context, db, &entry, &ask->account, 1);
    return ERR_OK;
}
