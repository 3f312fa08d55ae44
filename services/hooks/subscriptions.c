/* hooks.subscribe: browsers that wake people, and the server's key for them. */
#include <sodium.h>

#include "services/hooks/hooks.h"
#include "services/hooks/hooks_sql.h"
#include "services/hooks/push_key.h"
#include "services/hooks/push_subscription.h"
#include "services/hooks/selection.h"

/* limit: client | subscriptions to Web Push (345) of an account, one for each login |
 * {SUBSCRIPTIONS_MAX} | the oldest ends */
#define SUBSCRIPTIONS_MAX 16

/* A number that a statement counts. */
static enum err ask_number(struct db *db, const struct db_statement *statement,
                           const struct db_value *args, size_t count, uint64_t *number_r) {
    struct db_rows *rows = NULL;
    enum err err = db_query(db, statement, args, count, &rows);
    *number_r = err == ERR_OK && db_rows_next(rows) ? db_rows_u64(rows, 0) : 0;
    db_rows_destroy(&rows);
    return err;
}

/* Web Push is one of the hooks, made with the first subscription, so that the journal is written.
 * The state stays locked: the hook does not end (subscriptions_tidy) before the subscription is
 * there.
 */
static enum err make_hook(struct db *db) {
    uint64_t there, seq;
    enum err err = ask_number(db, &hooks_sql_lock, DB_NO_ARGS, &seq);
    if (err == ERR_OK)
        err = ask_number(db, &hooks_sql_has_web_push, DB_NO_ARGS, &there);
    if (err == ERR_OK && there != 0)
        return ERR_OK;
    if (err == ERR_OK)
        err = db_query(db, &hooks_sql_add_web_push,
                       DB_ARGS(db_u64(HOOK_FAMILY_OFFLINE), db_u64(HOOK_KINDS_ALL), db_u64(seq)),
                       NULL);
    return err == ERR_OK ? db_query(db, &hooks_sql_changed, DB_NO_ARGS, NULL) : err;
}

static enum err subscribe(struct db *db, const struct hooks_subscribe *ask,
                          const struct web_push_keys *keys) {
    const struct db_value account = db_u64(ask->account);
    uint64_t count = 0;
    enum err err = db_begin(db);
    if (err == ERR_OK)
        err = make_hook(db);
    if (err == ERR_OK)
        err =
            db_query(db, &hooks_sql_subscribe,
                     DB_ARGS(account, db_u64(ask->login), db_text(ask->endpoint),
                             db_bytes(slice_make((const char *)keys->p256dh, sizeof keys->p256dh)),
                             db_bytes(slice_make((const char *)keys->auth, sizeof keys->auth))),
                     NULL);
    if (err == ERR_OK)
        err = ask_number(db, &hooks_sql_count_subscriptions, DB_ARGS(account), &count);
    if (err == ERR_OK && count > SUBSCRIPTIONS_MAX)
        err = db_query(db, &hooks_sql_unsubscribe_oldest, DB_ARGS(account), NULL);
    if (err == ERR_OK)
        err = db_commit(db);
    db_rollback(db); /* nothing after a commit */
    return err;
}

static enum err write_key(struct db *db, struct record_arena *arena, struct slice *key_r) {
    unsigned char secret[WEB_PUSH_SECRET_BYTES], public[WEB_PUSH_PUBLIC_BYTES];
    char text[WEB_PUSH_PUBLIC_ROOM];
    enum err err = push_key_get(db, secret);
    if (err == ERR_OK && !web_push_key_public(secret, public))
        err = ERR_INTERNAL;
    sodium_memzero(secret, sizeof secret);
    if (err != ERR_OK)
        return err;
    sodium_bin2base64(text, sizeof text, public, sizeof public,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    *key_r = record_arena_copy(arena, slice_text(text));
    return key_r->length == 0 ? ERR_OVERLOADED : ERR_OK;
}

enum err hooks_handle_subscribe(void *context, struct db *db, struct record_arena *arena,
                                const void *body, void *reply_r) {
    const struct hooks *hooks = context;
    const struct hooks_subscribe *ask = body;
    struct hooks_subscribe_reply *reply = reply_r;
    const struct db_value account = db_u64(ask->account), login = db_u64(ask->login);
    struct web_push_keys keys;
    uint64_t on = 0;
    if (ask->endpoint.length > 0 &&
        !push_subscription_read(ask, hooks->settings.web_push_private, &keys))
        return ERR_BAD_REQUEST;
    enum err err = write_key(db, arena, &reply->key);
    if (err == ERR_OK && ask->endpoint.length > 0)
        err = subscribe(db, ask, &keys);
    else if (err == ERR_OK && ask->off)
        err = db_query(db, &hooks_sql_unsubscribe, DB_ARGS(account, login), NULL);
    if (err == ERR_OK)
        err = ask_number(db, &hooks_sql_is_subscribed, DB_ARGS(account, login), &on);
    reply->on = on != 0;
    return err;
}
