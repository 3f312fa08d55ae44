/* What events are made of, from rows of the database; on a worker. */
#ifndef PARLEY_HOOKS_EVENT_READ_H
#define PARLEY_HOOKS_EVENT_READ_H

#include "common/db.h"
#include "services/hooks/events.h"

/* Slices live as long as the rows. */
struct event_party event_party_read(const struct db_rows *rows, unsigned number, unsigned id);
/* Of a row of hooks_sql_add_entries. */
struct event_entry event_entry_read(const struct db_rows *rows);

/* An account that has to be woken. */
struct event_wake {
    bool due; /* the rest is set; else it has got the text, or is no more */
    struct event_offline offline;
    struct event_entry entry;
    struct db_rows *rows, *entry_rows; /* what the two point into */
};

/* Of a row of the journal that offline.h has made. In any case event_wake_free it. */
enum err event_wake_read(struct db *db, const struct db_rows *journal, bool with_text,
                         struct event_wake *wake_r) __attribute__((warn_unused_result));
void event_wake_free(struct event_wake *wake);

#endif
