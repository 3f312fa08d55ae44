/* Secret keys that all instances share; see files_keys.h. */
#include "services/files/files_keys.h"

#include <sodium.h>
#include <string.h>

#include "services/files/files_sql.h"

static enum err read_key(struct db *db, enum files_key_number number, char key_r[FILES_KEY_BYTES],
                         bool *found_r) {
    struct db_rows *rows;
    enum err err = db_query(db, &files_sql_find_key, DB_ARGS(db_u64(number)), &rows);
    *found_r =
        err == ERR_OK && db_rows_next(rows) && db_rows_slice(rows, 0).length == FILES_KEY_BYTES;
    if (*found_r)
        memcpy(key_r, db_rows_slice(rows, 0).data, FILES_KEY_BYTES);
    db_rows_destroy(&rows);
    return err;
}

/* Two instances may make it at once: the one that was stored counts. */
enum err files_find_key(struct db *db, enum files_key_number number, char key_r[FILES_KEY_BYTES]) {
    bool found;
    enum err err = read_key(db, number, key_r, &found);
    if (err != ERR_OK || found)
        return err;
    randombytes_buf(key_r, FILES_KEY_BYTES);
    err = db_query(db, &files_sql_add_key,
                   DB_ARGS(db_u64(number), db_bytes(slice_make(key_r, FILES_KEY_BYTES))), NULL);
    if (err == ERR_OK)
        err = read_key(db, number, key_r, &found);
    return err == ERR_OK && !found ? ERR_INTERNAL : err;
}
