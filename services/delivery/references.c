/* The messages and accounts that texts refer to; see references.h. */
#include "services/delivery/references.h"

#include <inttypes.h>
#include <stdlib.h>

#include "proto/conversation.h"
#include "proto/ids.h"
#include "proto/mentions.h"
#include "services/delivery/delivery_sql.h"
#include "services/delivery/readable.h"
#include "services/entries/entries.h"

bool references_fit(const struct delivery_send *body) {
    size_t count = body->texts.count;
    if ((body->replies.count != 0 && body->replies.count != count) ||
        (body->mentions.count != 0 && body->mentions.count != count))
        return false;
    for (size_t i = 0; i < body->mentions.count; i++) {
        size_t length = body->mentions.items[i].length;
        if (length % MENTION_BYTES != 0 || length > MENTIONS_MAX * MENTION_BYTES)
            return false;
    }
    return true;
}

uint64_t references_reply(const struct delivery_send *body, size_t i) {
    return body->replies.count == 0 ? 0 : body->replies.items[i];
}

struct slice references_mentions(const struct delivery_send *body, size_t i) {
    return body->mentions.count == 0 ? slice_make(NULL, 0) : body->mentions.items[i];
}

/* --- may it -------------------------------------------------------------------------------- */

static enum err check_reply(struct db *db, const struct readable *readable, uint64_t conversation,
                            uint64_t cid, enum err *refused_r) {
    struct db_rows *rows = NULL;
    *refused_r = ERR_NO_MESSAGE;
    if (!readable_has(readable, cid))
        return ERR_OK;
    enum err err =
        db_query(db, &delivery_sql_message, DB_ARGS(db_u64(conversation), db_u64(cid)), &rows);
    if (err == ERR_OK && db_rows_next(rows))
        *refused_r = ERR_OK;
    db_rows_destroy(&rows);
    return err;
}

static enum err check_replies(struct db *db, struct record_arena *arena,
                              const struct entry_head *head, const struct delivery_send *body,
                              enum err *refused_r) {
    struct readable readable;
    bool found = false;
    enum err err = ERR_OK;
    for (size_t i = 0; err == ERR_OK && *refused_r == ERR_OK && i < body->replies.count; i++) {
        uint64_t cid = body->replies.items[i];
        if (cid == 0)
            continue;
        if (!found)
            err = readable_find(db, arena, body->account, head->id, &readable);
        found = true;
        if (err == ERR_OK)
            err = check_reply(db, &readable, head->id, cid, refused_r);
    }
    return err;
}

/* Who may mention all: a group's administrators. */
static enum err check_all(struct db *db, const struct entry_head *head, uint64_t account,
                          enum err *refused_r) {
    struct db_rows *rows = NULL;
    *refused_r = ERR_BAD_MENTION;
    if (conversation_kind(head->id) != CONVERSATION_GROUP)
        return ERR_OK;
    enum err err =
        db_query(db, &delivery_sql_administers, DB_ARGS(db_u64(head->id), db_u64(account)), &rows);
    if (err == ERR_OK)
        *refused_r = db_rows_next(rows) ? ERR_OK : ERR_NOT_ALLOWED;
    db_rows_destroy(&rows);
    return err;
}

static bool is_in(const struct entry_head *head, uint64_t account) {
    return conversation_kind(head->id) == CONVERSATION_GROUP
               ? entries_is_member(head, account)
               : account == head->lo || account == head->hi;
}

static enum err check_mentions(struct db *db, const struct entry_head *head, uint64_t account,
                               struct slice mentions, enum err *refused_r) {
    enum err err = ERR_OK;
    for (size_t i = 0; err == ERR_OK && *refused_r == ERR_OK && i < mentions_count(mentions); i++) {
        uint64_t mentioned = mentions_get(mentions, i);
        if (mentioned == 0)
            err = check_all(db, head, account, refused_r);
        else if (!is_in(head, mentioned))
            *refused_r = ERR_BAD_MENTION;
    }
    return err;
}

enum err references_check(struct db *db, struct record_arena *arena, const struct entry_head *head,
                          const struct delivery_send *body, enum err *refused_r) {
    *refused_r = ERR_OK;
    enum err err = check_replies(db, arena, head, body, refused_r);
    for (size_t i = 0; err == ERR_OK && *refused_r == ERR_OK && i < body->mentions.count; i++)
        err = check_mentions(db, head, body->account, body->mentions.items[i], refused_r);
    return err;
}

/* --- how they are shown -------------------------------------------------------------------- */

static int compare_accounts(const void *a, const void *b) {
    const struct mentioned_account *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

static enum err read_ids(struct record_arena *arena, struct db_rows *rows,
                         struct mentioned *mentioned) {
    mentioned->items = record_arena_alloc(arena, db_rows_count(rows) * sizeof *mentioned->items);
    if (mentioned->items == NULL)
        return ERR_INTERNAL;
    while (db_rows_next(rows)) {
        uint64_t number;
        struct slice id = db_rows_slice(rows, 1);
        mentioned->items[mentioned->count++] = (struct mentioned_account){
            .number = db_rows_u64(rows, 0),
            .id = id_is_decimal(id, &number) ? slice_make(NULL, 0) : record_arena_copy(arena, id)};
    }
    qsort(mentioned->items, mentioned->count, sizeof *mentioned->items, compare_accounts);
    return ERR_OK;
}

enum err references_find_ids(struct db *db, struct record_arena *arena, const struct slice *lists,
                             size_t count, struct mentioned *mentioned_r) {
    struct buffer sql = buffer_make(DELIVERY_SCRIPT_BYTES);
    struct db_rows *rows = NULL;
    *mentioned_r = (struct mentioned){.count = 0};
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < mentions_count(lists[i]); k++)
            if (mentions_get(lists[i], k) != 0)
                delivery_sql_add_id_of(&sql, mentions_get(lists[i], k));
    if (sql.length == 0 && !sql.failed)
        return ERR_OK;
    buffer_add_text(&sql, ")");
    enum err err = db_script_query(db, &sql, &rows);
    buffer_free(&sql);
    if (err == ERR_OK)
        err = read_ids(arena, rows, mentioned_r);
    db_rows_destroy(&rows);
    return err;
}

enum err references_show(const struct mentioned *mentioned, struct record_arena *arena,
                         struct slice mentions, struct entry *entry) {
    size_t count = mentions_count(mentions);
    if (count == 0)
        return ERR_OK;
    entry->mentions.items = record_arena_alloc(arena, count * sizeof *entry->mentions.items);
    entry->mention_ids.items = record_arena_alloc(arena, count * sizeof *entry->mention_ids.items);
    if (entry->mentions.items == NULL || entry->mention_ids.items == NULL)
        return ERR_INTERNAL;
    entry->mentions.count = entry->mention_ids.count = count;
    for (size_t i = 0; i < count; i++) {
        struct mentioned_account key = {.number = mentions_get(mentions, i)};
        const struct mentioned_account *found =
            mentioned->count == 0
                ? NULL
                : bsearch(&key, mentioned->items, mentioned->count, sizeof key, compare_accounts);
        entry->mentions.items[i] = key.number;
        entry->mention_ids.items[i] = found == NULL ? slice_make(NULL, 0) : found->id;
    }
    return ERR_OK;
}
