/* Pages of a list that hold a text; see search.h. */
#include "services/lookup/search.h"

#include "proto/ids.h"

/* `words` between wildcards; '!' takes their meaning from those that it holds itself. Empty without
 * memory. */
static struct slice pattern_of(struct slice words, struct record_arena *arena) {
    char *pattern = record_arena_alloc(arena, 2 * words.length + 2);
    size_t length = 0;
    if (pattern == NULL)
        return slice_make(NULL, 0);
    pattern[length++] = '%';
    for (size_t i = 0; i < words.length; i++) {
        const char byte = words.data[i];
        if (byte == '%' || byte == '_' || byte == '!')
            pattern[length++] = '!';
        pattern[length++] = byte;
    }
    pattern[length++] = '%';
    return slice_make(pattern, length);
}

enum err search_begin(struct search_page *page_r, struct db *db,
                      const struct db_statement *find_end, uint64_t after, struct slice words,
                      struct record_arena *arena) {
    struct db_rows *rows;
    *page_r = (struct search_page){.until = UINT64_MAX};
    if (!text_is_utf8(words))
        return ERR_BAD_REQUEST;
    page_r->pattern = pattern_of(words, arena);
    if (page_r->pattern.length == 0)
        return ERR_OVERLOADED;
    if (words.length == 0)
        return ERR_OK;
    enum err err =
        db_query(db, find_end, DB_ARGS(db_u64(after), db_u64(SEARCH_AT_ONCE - 1)), &rows);
    if (err == ERR_OK && db_rows_next(rows))
        page_r->until = db_rows_u64(rows, 0);
    db_rows_destroy(&rows);
    return err;
}

uint64_t search_next(const struct search_page *page, bool more, uint64_t last) {
    if (more)
        return last;
    return page->until == UINT64_MAX ? 0 : page->until;
}
