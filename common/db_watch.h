/*
 * Whether a service's database is there, as all of its connections find it.
 *
 *     struct db_watch *watch = db_watch_new();
 *     struct db *db = db_new(&settings, watch);           and so on, for each connection
 *     if (db_watch_fault(watch, out, sizeof out) != NULL) ...
 *
 * It is away as soon as one connection finds it so. It is back once a connection finds it there
 * and none has found it away for DB_WATCH_CALM_MS: where some connections are let in and others
 * are not, it stays away. Each of the two changes is one line of the log.
 *
 * It must outlive its connections. Any thread may call.
 */
#ifndef PARLEY_COMMON_DB_WATCH_H
#define PARLEY_COMMON_DB_WATCH_H

#include <stddef.h>

/*
 * limit: database | the database counts as away | until a connection finds it there, and none
 * has found it away for {DB_WATCH_CALM_MS} | one line in the log when it goes, one when it is
 * back
 */
#define DB_WATCH_CALM_MS 2000

struct db_watch;

/* NULL without memory. */
struct db_watch *db_watch_new(void);
void db_watch_destroy(struct db_watch **self);

/* The database cannot be used; `fault` says why, in one line. Without a watch (NULL) nothing
 * happens, as in db_watch_there. */
void db_watch_away(struct db_watch *self, const char *fault);
/* The database has just answered, and takes writes. */
void db_watch_there(struct db_watch *self);

/* NULL when the database is there; else its fault, in one line in `out`. */
const char *db_watch_fault(struct db_watch *self, char *out, size_t size);

#endif
