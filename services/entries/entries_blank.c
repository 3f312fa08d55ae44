/* Blanks the texts of a deleted account; see entries_blank.h. */
#include "services/entries/entries_blank.h"

#include "services/entries/entries_sql.h"

#define NO_CID UINT64_MAX

enum err entries_blank(struct db *db, uint64_t conversation, uint64_t account, uint64_t after,
                       uint64_t *upto_r) {
    struct db_rows *rows;
    const struct db_value where = db_u64(conversation), from = db_u64(after);
    *upto_r = 0;
    enum err err = db_query(db, &entries_sql_step,
                            DB_ARGS(where, from, db_u64(ENTRIES_BLANK_STEP - 1)), &rows);
    if (err == ERR_OK && db_rows_next(rows))
        *upto_r = db_rows_u64(rows, 0);
    db_rows_destroy(&rows);
    const struct db_value upto = db_u64(*upto_r == 0 ? NO_CID : *upto_r), sender = db_u64(account);
    if (err == ERR_OK)
        err = db_query(db, &entries_sql_blank_reactions, DB_ARGS(where, from, upto, sender), NULL);
    if (err == ERR_OK)
        err = db_query(db, &entries_sql_blank_file_uses, DB_ARGS(where, from, upto, sender), NULL);
    if (err == ERR_OK)
        err = db_query(db, &entries_sql_blank, DB_ARGS(where, from, upto, sender), NULL);
    return err;
}
