/*
 * The version of the schema: which one the database has, which one this build needs, and the
 * migrations between them.
 *
 * `parleyctl migrate` calls schema_migrate; a service with a database calls schema_check when it
 * starts. The table schema_version has a row for each migration. It is added before the migration
 * runs and gets its finished_ms afterwards, since MariaDB cannot undo changes of tables. A row
 * without finished_ms therefore marks a migration that is running, or that stopped half way;
 * nothing builds on top of that.
 *
 * Errors: ERR_UNAVAILABLE as in db.h, ERR_TIMEOUT when another migration takes longer than
 * SCHEMA_LOCK_SECONDS, ERR_NOT_ALLOWED when the versions do not fit, else the database's error.
 * `message_r` is then one sentence for the operator.
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
 * Applies the missing migrations, in order; `applied` (may be NULL) is called after each. Several
 * may run at once: one does the work, the others find it done. Every statement of a migration must
 * end within the time that db.h waits for an answer.
 */
typedef void schema_applied(void *argument, const struct migration *migration);
enum err schema_migrate(struct db *db, schema_applied *applied, void *argument,
                        char message_r[SCHEMA_MESSAGE_BYTES]) __attribute__((warn_unused_result));

#endif
