/* Reads what a hook is told next; on a worker. */
#ifndef PARLEY_HOOKS_BATCH_READ_H
#define PARLEY_HOOKS_BATCH_READ_H

#include "services/hooks/events.h"
#include "services/hooks/hook_row.h"

/* limit: hooks | rows of the journal that are read at once | {BATCH_READ_ROWS} | the next ones
 * follow */
#define BATCH_READ_ROWS 500

struct batch_read {
    uint64_t newest;      /* rows of the journal up to here have a number */
    uint64_t most_events; /* the batch ends behind so many */
    bool with_text;       /* the event `offline` has the text */
    /* Set by batch_read. */
    uint64_t upto; /* the place behind the batch */
    uint64_t lost; /* rows that were removed before */
};

/* Adds the events that the hook wants, behind row->seq, to `text`. */
enum err batch_read(struct db *db, const struct hook_row *row, struct batch_read *batch,
                    struct event_text *text) __attribute__((warn_unused_result));

#endif
