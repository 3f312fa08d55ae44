/* A row of the table hook; see hook_row.h. */
#include "services/hooks/hook_row.h"

#include <stdio.h>
#include <string.h>

#include "common/url.h"

static void copy(char *out, size_t room, struct slice text) {
    snprintf(out, room, "%.*s", (int)text.length, text.length == 0 ? "" : text.data);
}

void hook_row_read(const struct db_rows *rows, struct hook_row *row_r) {
    *row_r = (struct hook_row){
        .number = db_rows_u64(rows, 0),
        .selection = {.families = db_rows_u64(rows, 4), .kinds = db_rows_u64(rows, 5)},
        .seq = db_rows_u64(rows, 8),
        .failing = !db_rows_null(rows, 9),
        .parked = !db_rows_null(rows, 10)};
    copy(row_r->name, sizeof row_r->name, db_rows_slice(rows, 1));
    copy(row_r->url, sizeof row_r->url, db_rows_slice(rows, 2));
    copy(row_r->secret, sizeof row_r->secret, db_rows_slice(rows, 3));
    selection_read_parties(db_rows_slice(rows, 6), &row_r->selection.accounts);
    selection_read_parties(db_rows_slice(rows, 7), &row_r->selection.groups);
}

bool hook_name_is_valid(struct slice name) {
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    for (size_t i = 0; i < name.length; i++)
        if (name.data[i] == '\0' || strchr(allowed, name.data[i]) == NULL)
            return false;
    return name.length > 0 && name.length < HOOK_NAME_ROOM &&
           !slice_equal(name, slice_text(HOOK_WEB_PUSH));
}

bool hook_url_is_valid(struct slice url) { return url.length < HOOK_URL_ROOM && url_is_http(url); }
