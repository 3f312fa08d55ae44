/* hooks.add, hooks.remove, hooks.retry, hooks.presence, hooks.wake: what the operator and session
 * ask for. */
#include "services/hooks/hook_row.h"
#include "services/hooks/hooks.h"
#include "services/hooks/hooks_sql.h"
#include "services/hooks/reader.h"

/* The secret of the reply. */
static struct slice choose_secret(struct slice given, struct record_arena *arena) {
    char made[SIGNATURE_SECRET_ROOM];
    if (given.length > 0)
        return signature_secret_is_valid(given) ? given : slice_make(NULL, 0);
    signature_secret_make(made);
    return record_arena_copy(arena, slice_text(made));
}

/* Locks the state, so that one hook is changed at a time. */
static enum err begin(struct db *db, uint64_t *seq_r) {
    struct db_rows *rows = NULL;
    enum err err = db_begin(db);
    if (err == ERR_OK)
        err = db_query(db, &hooks_sql_lock, DB_NO_ARGS, &rows);
    if (err == ERR_OK && !db_rows_next(rows))
        err = ERR_INTERNAL;
    if (err == ERR_OK)
        *seq_r = db_rows_u64(rows, 0);
    db_rows_destroy(&rows);
    return err;
}

static enum err end(struct db *db, enum err err) {
    if (err == ERR_OK)
        err = db_query(db, &hooks_sql_changed, DB_NO_ARGS, NULL);
    if (err == ERR_OK)
        err = db_commit(db);
    db_rollback(db); /* nothing after a commit */
    return err;
}

static enum err check_room(struct db *db) {
    struct db_rows *rows = NULL;
    enum err err = db_query(db, &hooks_sql_count, DB_NO_ARGS, &rows);
    if (err == ERR_OK && db_rows_next(rows) && db_rows_u64(rows, 0) >= HOOKS_MAX)
        err = ERR_TOO_MANY;
    db_rows_destroy(&rows);
    return err;
}

static enum err add(struct db *db, const struct hooks_add *ask, struct slice secret, uint64_t seq) {
    char accounts[HOOK_PARTIES_MAX * sizeof(uint64_t)], groups[sizeof accounts];
    return db_query(
        db, &hooks_sql_add,
        DB_ARGS(
            db_text(ask->name), db_text(ask->url), db_text(secret), db_u64(ask->events),
            db_u64(ask->kinds == 0 ? HOOK_KINDS_ALL : ask->kinds),
            db_bytes(selection_pack_parties(ask->accounts.items, ask->accounts.count, accounts)),
            db_bytes(selection_pack_parties(ask->groups.items, ask->groups.count, groups)),
            db_u64(seq)),
        NULL);
}

enum err hooks_handle_add(void *context, struct db *db, struct record_arena *arena,
                          const void *body, void *reply_r) {
    const struct hooks_add *ask = body;
    struct hooks_add_reply *reply = reply_r;
    uint64_t seq = 0;
    (void)context;
    if (!hook_name_is_valid(ask->name) || !hook_url_is_valid(ask->url) || ask->events == 0 ||
        (ask->events & ~(uint64_t)HOOK_FAMILIES_ALL) != 0 ||
        (ask->kinds & ~(uint64_t)HOOK_KINDS_ALL) != 0)
        return ERR_BAD_REQUEST;
    reply->secret = choose_secret(ask->secret, arena);
    if (reply->secret.length == 0)
        return ERR_BAD_REQUEST;
    enum err err = begin(db, &seq);
    if (err == ERR_OK)
        err = check_room(db);
    if (err == ERR_OK)
        err = add(db, ask, reply->secret, seq);
    return end(db, err);
}

static enum err find(struct db *db, struct slice name, bool *found_r) {
    struct db_rows *rows = NULL;
    enum err err = db_query(db, &hooks_sql_find, DB_ARGS(db_text(name)), &rows);
    *found_r = err == ERR_OK && db_rows_next(rows);
    db_rows_destroy(&rows);
    return err;
}

/* `repeat`: there is no such hook. */
static enum err change(struct db *db, const struct db_statement *statement, struct slice name,
                       struct done *reply) {
    uint64_t seq;
    bool found = false;
    enum err err = begin(db, &seq);
    if (err == ERR_OK)
        err = find(db, name, &found);
    reply->repeat = err == ERR_OK && !found;
    if (found)
        err = db_query(db, statement, DB_ARGS(db_text(name)), NULL);
    return end(db, err);
}

enum err hooks_handle_remove(void *context, struct db *db, struct record_arena *arena,
                             const void *body, void *reply_r) {
    const struct hooks_remove *ask = body;
    (void)context;
    (void)arena;
    return change(db, &hooks_sql_remove, ask->name, reply_r);
}

enum err hooks_handle_retry(void *context, struct db *db, struct record_arena *arena,
                            const void *body, void *reply_r) {
    const struct hooks_retry *ask = body;
    (void)context;
    (void)arena;
    return change(db, &hooks_sql_retry, ask->name, reply_r);
}

enum err hooks_handle_presence(void *context, struct call *call, const void *body) {
    const struct hooks *hooks = context;
    const struct hooks_presence *ask = body;
    reader_add_presence(hooks->reader, &ask->accounts, ask->online);
    call_reply(&call, &(struct done){.repeat = false});
    return ERR_OK;
}

enum err hooks_handle_wake(void *context, struct call *call, const void *body) {
    const struct hooks *hooks = context;
    (void)body;
    call_reply(&call, &(struct hooks_wake_reply){.wanted = reader_wake(hooks->reader)});
    return ERR_OK;
}
