/* parleyctl migrate, restored: the operator's care for the database as a whole. */
#include <inttypes.h>
#include <stdio.h>

#include "services/ctl/ctl.h"
#include "services/entries/restored.h"
#include "services/schema/schema.h"

static void print_applied(void *argument, const struct migration *migration) {
    *(unsigned *)argument += 1;
    printf("applied %s\n", migration->name);
}

static int run_migrate(const struct ctl_settings *settings, int argc, char **argv) {
    (void)argc;
    (void)argv;
    char message[SCHEMA_MESSAGE_BYTES];
    unsigned applied = 0;
    struct db *db = db_new(&settings->db, NULL);
    if (db == NULL)
        return ctl_fail("out of memory");
    enum err err = schema_migrate(db, print_applied, &applied, message);
    db_destroy(&db);
    if (err != ERR_OK)
        return ctl_fail("%s", message);
    printf("the database is at version %u%s\n", migrations[migrations_count - 1].number,
           applied == 0 ? ", nothing to do" : "");
    return CTL_DONE;
}

static int run_restored(const struct ctl_settings *settings, int argc, char **argv) {
    (void)argc;
    (void)argv;
    char message[SCHEMA_MESSAGE_BYTES];
    uint64_t epoch = 0, first_cid = 0;
    struct db *db = db_new(&settings->db, NULL);
    if (db == NULL)
        return ctl_fail("out of memory");
    enum err err = entries_restored(db, &epoch, &first_cid, message);
    db_destroy(&db);
    if (err != ERR_OK)
        return ctl_fail("%s", message);
    printf("the next message gets cid %" PRIu64 " or more; epoch %" PRIu64 " begins\n", first_cid,
           epoch);
    return CTL_DONE;
}

const struct ctl_command ctl_schema_commands[] = {
    {"migrate", "", "Bring the database to the version that this build needs.", ctl_only_db_options,
     0, 0, run_migrate, CTL_CHANGES_DATABASE},
    {"restored", "",
     "Run this after restoring a backup: it keeps ids that clients may have seen from being given "
     "again, and begins a new epoch.",
     ctl_only_db_options, 0, 0, run_restored, CTL_CHANGES_DATABASE},
    {0}};
