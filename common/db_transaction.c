/* Transactions on a connection. */
#include <string.h>

#include "common/db_connection.h"
#include "common/log.h"

/* Runs one statement of the text protocol that has no rows. */
static enum err run_text(struct db *self, const char *name, const char *sql, bool commits) {
    if (mysql_real_query(self->mysql, sql, strlen(sql)) != 0)
        return db_fail_last(self, name, commits);
    db_note_state(self);
    return ERR_OK;
}

enum err db_begin(struct db *self) {
    if (self->state == DB_TRANSACTION)
        log_error("database_transaction_left_open", "");
    db_rollback(self);
    enum err err = db_ready(self, "begin", 1);
    return err != ERR_OK ? err : run_text(self, "begin", "START TRANSACTION", false);
}

enum err db_commit(struct db *self) {
    enum err err = db_ready(self, "commit", 1);
    if (err == ERR_OK)
        err = run_text(self, "commit", "COMMIT", true);
    if (err != ERR_OK)
        db_rollback(self);
    return err;
}

void db_rollback(struct db *self) {
    if (self->script.running && db_script_end(self) != ERR_OK)
        log_debug("database_rollback", "text=\"the script had failed\"");
    db_undo(self);
}

bool db_in_transaction(const struct db *self) { return self->state == DB_TRANSACTION; }
