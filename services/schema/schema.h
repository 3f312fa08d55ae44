/*
 * The schema's version: what the database has, what this build needs, and the way from one to the
 * other.
 *
 * `parleyctl migrate` calls schema_migrate; every service with a database has service_use_pool
 * check it. The table schema_version has a row for each migration: it is
 * added before the migration runs and gets its finished_ms after it, since MariaDB cannot undo
 * changes of tables. A row without finished_ms therefore marks a migration that runs, or that
 * stopped half way; nothing builds on top of that.
 *
 * Errors: ERR_UNAVAILABLE as db.h has it (the log has said why), ERR_TIMEOUT when somebody else
 * migrates for longer than SCHEMA_LOCK_SECONDS, ERR_NOT_ALLOWED when the versions do not fit, else
 * what the database said. `message_r` is then one sentence for the operator.
 */
#ifndef PARLEY_SCHEMA_H
#define PARLEY_SCHEMA_H

#include "common/db.h"
#include "services/schema/migrations.h"

#define SCHEMA_MESSAGE_BYTES 256
/* Shorter than the wait for an answer of the database. */
#define SCHEMA_LOCK_SECONDS 15

/* ERR_OK when the database has exactly the version that this build needs. */
enum err schema_check(struct db *db, char message_r[SCHEMA_MESSAGE_BYTES])
    __attribute__((warn_unused_result));

/*
 * Applies what is missing, in order; `applied` (may be NULL) hears of each. Several may run at
 * once: one does it, the others find it done. Every statement of a migration must end within the
 * time that db.h waits for an answer.
 */
typedef void schema_applied(void *argument, const struct migration *migration);
enum err schema_migrate(struct db *db, schema_applied *applied, void *argument,
                        char message_r[SCHEMA_MESSAGE_BYTES]) __attribute__((warn_unused_result));

#endif
