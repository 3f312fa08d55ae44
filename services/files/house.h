/*
 * Keeps house: removes uploads whose time is over, files that nothing shows `files_unused_hours`
 * after they came, and what deleted accounts have left: their stickers, and files that nobody else
 * is shown.
 *
 *     struct house *house = house_new(service, files);
 *
 * It runs for as long as the service does, as steps on the service's pool. A pass looks at one file
 * after the other, in the order of their numbers. A step holds a lock of the database server, so
 * only one instance works at a time; an instance that finds another one at it waits until its next
 * pass is due. Whether a file is to go is looked at again under its row's lock. Where the store
 * cannot be written, nothing is removed. Each pass also counts what there is, for the metrics.
 */
#ifndef PARLEY_FILES_HOUSE_H
#define PARLEY_FILES_HOUSE_H

#include "services/files/files.h"

/*
 * limit: files | files that a step of keeping house looks at; its time; pause behind it |
 * {HOUSE_LOOK}; {HOUSE_STEP_MS}; 4 times as long as it took, at least {HOUSE_PAUSE_MS}
 * {HOUSE_REST:} | the next step goes on
 */
#define HOUSE_LOOK 128
#define HOUSE_STEP_MS 100
#define HOUSE_PAUSE_MS 20
#define HOUSE_REST 4
/* limit: files | time from a pass that keeps house to the next, so from when a file is to go until
 * it has gone | {HOUSE_EVERY_MS} | - */
#define HOUSE_EVERY_MS 600000

struct house;

/* NULL without memory. It must end after the service's pool, before `files`. */
struct house *house_new(struct service *service, struct files *files)
    __attribute__((warn_unused_result));
void house_destroy(struct house **self);

#endif
