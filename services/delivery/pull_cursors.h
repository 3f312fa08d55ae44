/*
 * The cursors that a page looks at: of the conversations that it lists, or of all that may have
 * something to read.
 *
 *     pull_cursors_find(db, arena, body, &cursors)      the rows, as delivery_sql.h has them
 *     ... pull_cursors_note_read(&cursors, conversation, end)   of each that has nothing to read
 *     pull_cursors_settle(db, account, &cursors)        when the page is made
 *     pull_cursors_free(&cursors)
 *
 * Cursors that are settled (services/entries/settled.h) have nothing to read. They are there only
 * to be named in the reply, unless there are too many and the gateway does not need them.
 */
#ifndef PARLEY_DELIVERY_PULL_CURSORS_H
#define PARLEY_DELIVERY_PULL_CURSORS_H

#include "common/db.h"
#include "proto/messages.h"
#include "services/entries/settled.h"

/*
 * limit: delivery | settled conversations that a login's first page names, to a gateway of this
 * release | {PULL_MAX_SETTLED} | it names none of them; the connection reads such a conversation
 * once more when something is written there
 */
#define PULL_MAX_SETTLED 100
/*
 * limit: delivery | heads that a page takes over from writers of the release before |
 * {PULL_MAX_TAKEN_OVER} | the next page goes on; until none is left, each first page looks at all
 * conversations
 */
#define PULL_MAX_TAKEN_OVER 16

struct pull_cursors {
    struct db_rows *rows; /* NULL: none */
    bool unnamed;         /* there are settled ones that need not be named */
    bool old_writers;     /* nothing counts as settled */
    /* Cursors that may be settled now. */
    struct settled_end *read;
    size_t read_count;
};

/* An account that reads for the first time gets a cursor in the conversation of all. */
enum err pull_cursors_find(struct db *db, struct record_arena *arena,
                           const struct delivery_pull *body, struct pull_cursors *cursors_r)
    __attribute__((warn_unused_result));
/* The account has everything up to `end`, the last that it may read there. */
void pull_cursors_note_read(struct pull_cursors *self, uint64_t conversation, uint64_t end);
/* Whatever is wrong with it, it is tried again after the next login. */
void pull_cursors_settle(struct db *db, struct record_arena *arena, uint64_t account,
                         struct pull_cursors *self);
void pull_cursors_free(struct pull_cursors *self);

#endif
