/* The private key of Web Push; see push_key.h. */
#include "services/hooks/push_key.h"

#include <sodium.h>
#include <string.h>

#include "services/hooks/hooks_sql.h"

static enum err find(struct db *db, unsigned char *secret_r, bool *found_r) {
    struct db_rows *rows = NULL;
    enum err err = db_query(db, &hooks_sql_push_key, DB_NO_ARGS, &rows);
    *found_r = err == ERR_OK && db_rows_next(rows) &&
               db_rows_slice(rows, 0).length == WEB_PUSH_SECRET_BYTES;
    if (*found_r)
        memcpy(secret_r, db_rows_slice(rows, 0).data, WEB_PUSH_SECRET_BYTES);
    db_rows_destroy(&rows);
    return err;
}

/* Of several that make one at once, the first one's counts. */
enum err push_key_get(struct db *db, unsigned char secret_r[WEB_PUSH_SECRET_BYTES]) {
    unsigned char made[WEB_PUSH_SECRET_BYTES];
    bool found;
    enum err err = find(db, secret_r, &found);
    if (err != ERR_OK || found)
        return err;
    if (!web_push_key_make(made))
        return ERR_INTERNAL;
    err = db_query(db, &hooks_sql_add_push_key,
                   DB_ARGS(db_bytes(slice_make((const char *)made, sizeof made))), NULL);
    sodium_memzero(made, sizeof made);
    if (err == ERR_OK)
        err = find(db, secret_r, &found);
    return err == ERR_OK && !found ? ERR_INTERNAL : err;
}
