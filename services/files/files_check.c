/*
 * files.check: compares rows with bytes, from one number on, as far as one answer goes. A file that
 * is finished or removed meanwhile is looked at again before it is called wrong.
 */
#include <stdlib.h>

#include "services/files/files.h"
#include "services/files/files_row.h"
#include "services/files/files_sql.h"

/* limit: files | rows, files in the store and uploads that one files.check compares | {CHECK_STEP}
 * | the caller asks for the next ones */
#define CHECK_STEP 512

struct page {
    struct store_item rows[CHECK_STEP]; /* size 0: it is not finished */
    struct store_item items[CHECK_STEP];
    uint64_t uploads[CHECK_STEP];
    size_t row_count, item_count, upload_count;
    uint64_t upto; /* all three are known as far as this number */
};

static void end_at(struct page *page, size_t count, uint64_t last) {
    if (count == CHECK_STEP && last < page->upto)
        page->upto = last;
}

static enum err read_rows(struct db *db, uint64_t after, struct page *page) {
    struct db_rows *rows;
    enum err err = db_query(db, &files_sql_page, DB_ARGS(db_u64(after), db_u64(CHECK_STEP)), &rows);
    while (err == ERR_OK && db_rows_next(rows))
        page->rows[page->row_count++] =
            (struct store_item){.id = db_rows_u64(rows, 0), .size = db_rows_u64(rows, 1)};
    db_rows_destroy(&rows);
    return err;
}

static enum err read_page(struct files *self, struct db *db, uint64_t after, struct page *page) {
    enum err err = store_list(self->store, after, page->items, CHECK_STEP, &page->item_count);
    if (err == ERR_OK)
        err = incoming_list(&self->incoming, after, page->uploads, CHECK_STEP, &page->upload_count);
    if (err == ERR_OK)
        err = read_rows(db, after, page);
    if (err != ERR_OK)
        return err;
    page->upto = UINT64_MAX;
    end_at(page, page->row_count, page->rows[CHECK_STEP - 1].id);
    end_at(page, page->item_count, page->items[CHECK_STEP - 1].id);
    end_at(page, page->upload_count, page->uploads[CHECK_STEP - 1]);
    return ERR_OK;
}

static int compare(const void *a, const void *b) {
    const struct store_item *one = a, *other = b;
    return one->id < other->id ? -1 : one->id > other->id;
}

static const struct store_item *find(const struct store_item *items, size_t count, uint64_t id) {
    const struct store_item wanted = {.id = id};
    return bsearch(&wanted, items, count, sizeof *items, compare);
}

/* Whether its row says that it is finished, and the store has less than that. */
static enum err lacks_bytes(struct files *self, struct db *db, uint64_t id,
                            struct record_arena *arena, bool *lacks_r) {
    struct file_row row;
    uint64_t size = 0;
    *lacks_r = false;
    enum err err = file_row_find(db, &files_sql_find, id, arena, &row);
    if (err == ERR_NO_FILE || (err == ERR_OK && row.finished_ms == 0))
        return ERR_OK;
    if (err == ERR_OK)
        err = store_size(self->store, id, STORE_FILE, &size);
    *lacks_r = err == ERR_NO_FILE || (err == ERR_OK && size < row.file.size);
    return err == ERR_NO_FILE ? ERR_OK : err;
}

/* What shows it then shows a file that is gone. */
static enum err remove_row(struct files *self, struct db *db, uint64_t id) {
    enum err err = db_begin(db);
    if (err == ERR_OK)
        err = db_query(db, &files_sql_remove_stickers_of, DB_ARGS(db_u64(id)), NULL);
    if (err == ERR_OK)
        err = db_query(db, &files_sql_remove, DB_ARGS(db_u64(id)), NULL);
    if (err == ERR_OK)
        err = db_commit(db);
    else
        db_rollback(db);
    if (err == ERR_OK)
        file_bytes_remove(self, id);
    return err;
}

static enum err check_rows(struct files *self, struct db *db, const struct page *page, bool repair,
                           struct record_arena *arena, struct files_check_reply *reply) {
    enum err err = ERR_OK;
    for (size_t i = 0; err == ERR_OK && i < page->row_count; i++) {
        const struct store_item *row = &page->rows[i];
        if (row->size == 0 || row->id > page->upto)
            continue;
        reply->count++;
        const struct store_item *item = find(page->items, page->item_count, row->id);
        bool lacks;
        if (item != NULL && item->size >= row->size)
            continue;
        err = lacks_bytes(self, db, row->id, arena, &lacks);
        if (err != ERR_OK || !lacks)
            continue;
        reply->rows.items[reply->rows.count++] = row->id;
        if (repair)
            err = remove_row(self, db, row->id);
    }
    return err;
}

static enum err check_bytes(struct files *self, struct db *db, uint64_t id, bool repair,
                            struct record_arena *arena, struct files_check_reply *reply) {
    struct file_row row;
    enum err err = file_row_find(db, &files_sql_find, id, arena, &row);
    if (err != ERR_NO_FILE)
        return err;
    reply->bytes.items[reply->bytes.count++] = id;
    if (repair)
        file_bytes_remove(self, id);
    return ERR_OK;
}

enum err files_handle_check(void *context, struct db *db, struct record_arena *arena,
                            const void *body, void *reply_r) {
    struct files *self = context;
    const struct files_check *ask = body;
    struct files_check_reply *reply = reply_r;
    struct page *page = record_arena_alloc(arena, sizeof *page);
    reply->rows.items = record_arena_alloc(arena, CHECK_STEP * sizeof(uint64_t));
    /* Of the store and of uploads. */
    reply->bytes.items = record_arena_alloc(arena, 2 * CHECK_STEP * sizeof(uint64_t));
    if (page == NULL || reply->rows.items == NULL || reply->bytes.items == NULL)
        return ERR_OVERLOADED;
    enum err err = read_page(self, db, ask->after, page);
    if (err == ERR_OK)
        err = check_rows(self, db, page, ask->repair, arena, reply);
    for (size_t i = 0; err == ERR_OK && i < page->item_count && page->items[i].id <= page->upto;
         i++)
        if (find(page->rows, page->row_count, page->items[i].id) == NULL)
            err = check_bytes(self, db, page->items[i].id, ask->repair, arena, reply);
    for (size_t i = 0; err == ERR_OK && i < page->upload_count && page->uploads[i] <= page->upto;
         i++)
        if (find(page->rows, page->row_count, page->uploads[i]) == NULL)
            err = check_bytes(self, db, page->uploads[i], ask->repair, arena, reply);
    reply->after = page->upto == UINT64_MAX ? 0 : page->upto;
    return err;
}
