/*
 * delivery.check: which conversations have entries that a gateway does not know of.
 *
 * A gateway asks when it has lost an instance that writes entries, for many connections at once:
 * that instance may have committed entries and handed them to nobody. An entry is behind the last
 * one that the gateway knows in its conversation, or in a conversation that the account has entered
 * meanwhile; so heads and numbers of conversations are compared, and nothing else is read.
 */
#include <stdlib.h>

#include "services/delivery/delivery.h"
#include "services/delivery/delivery_sql.h"

/* limit: delivery | accounts, or conversations, per statement of a comparison | {CHECK_STEP} |
 * several statements */
/* Accounts, or conversations, per statement. */
#define CHECK_STEP 1024

struct known {
    uint64_t key, value;
};

/* Keys with their values; `failed` lists those for which the database has another value. */
struct check {
    struct db *db;
    void (*add_sql)(struct buffer *sql, const uint64_t *keys, size_t count);
    bool (*differs)(uint64_t known, uint64_t found);
    struct known *known; /* ascending by key */
    uint64_t *keys;
    size_t count;
    struct u64_list *failed, *found; /* `found` may be NULL: their values */
};

static bool is_another(uint64_t known, uint64_t found) { return known != found; }

static bool is_further(uint64_t known, uint64_t found) { return found > known; }

static int compare_known(const void *a, const void *b) {
    const struct known *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

static void compare(struct check *check, size_t at, uint64_t found) {
    if (!check->differs(check->known[at].value, found))
        return;
    check->failed->items[check->failed->count++] = check->known[at].key;
    if (check->found != NULL)
        check->found->items[check->found->count++] = found;
}

/* Both are ascending; the database has no row where the value is 0. */
static void compare_rows(struct check *check, size_t from, size_t upto, struct db_rows *rows) {
    bool more = db_rows_next(rows);
    for (size_t at = from; at < upto; at++) {
        while (more && db_rows_u64(rows, 0) < check->known[at].key)
            more = db_rows_next(rows);
        bool there = more && db_rows_u64(rows, 0) == check->known[at].key;
        compare(check, at, there ? db_rows_u64(rows, 1) : 0);
    }
}

static enum err run_step(struct check *check, size_t from, size_t upto) {
    struct buffer sql = buffer_make(DELIVERY_SCRIPT_BYTES);
    check->add_sql(&sql, check->keys + from, upto - from);
    enum err err = db_script_run(check->db, &sql);
    buffer_free(&sql);
    if (err != ERR_OK)
        return err;
    for (struct db_rows *rows = NULL; db_script_next(check->db, &rows); db_rows_destroy(&rows))
        if (rows != NULL)
            compare_rows(check, from, upto, rows);
    return db_script_end(check->db);
}

static enum err run(struct check *check, struct record_arena *arena, const struct u64_list *keys,
                    const struct u64_list *values) {
    if (keys->count != values->count)
        return ERR_BAD_REQUEST;
    check->count = keys->count;
    check->known = record_arena_alloc(arena, keys->count * sizeof *check->known);
    check->keys = record_arena_alloc(arena, keys->count * sizeof *check->keys);
    check->failed->items = record_arena_alloc(arena, keys->count * sizeof(uint64_t));
    if (check->found != NULL)
        check->found->items = record_arena_alloc(arena, keys->count * sizeof(uint64_t));
    if (check->known == NULL || check->keys == NULL || check->failed->items == NULL ||
        (check->found != NULL && check->found->items == NULL))
        return ERR_INTERNAL;
    for (size_t i = 0; i < keys->count; i++)
        check->known[i] = (struct known){keys->items[i], values->items[i]};
    qsort(check->known, check->count, sizeof *check->known, compare_known);
    for (size_t i = 0; i < check->count; i++)
        check->keys[i] = check->known[i].key;
    enum err err = ERR_OK;
    for (size_t from = 0; err == ERR_OK && from < check->count; from += CHECK_STEP)
        err = run_step(check, from,
                       check->count - from < CHECK_STEP ? check->count : from + CHECK_STEP);
    return err;
}

enum err handle_check(void *context, struct db *db, struct record_arena *arena, const void *body,
                      void *reply_r) {
    (void)context;
    const struct delivery_check *ask = body;
    struct delivery_check_reply *reply = reply_r;
    struct check accounts = {.db = db,
                             .add_sql = delivery_sql_add_counts,
                             .differs = is_another,
                             .failed = &reply->accounts};
    struct check conversations = {.db = db,
                                  .add_sql = delivery_sql_add_heads,
                                  .differs = is_further,
                                  .failed = &reply->conversations,
                                  .found = &reply->heads};
    enum err err = run(&accounts, arena, &ask->accounts, &ask->counts);
    return err == ERR_OK ? run(&conversations, arena, &ask->conversations, &ask->cids) : err;
}
