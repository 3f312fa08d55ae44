/*
 * The files that texts show. A text with a file has its words in `captions`, which may be empty.
 * Texts without files cost nothing here.
 */
#ifndef PARLEY_DELIVERY_FILES_H
#define PARLEY_DELIVERY_FILES_H

#include "common/db.h"
#include "proto/messages.h"

/* Whether the lists of a request fit its texts. */
bool files_fit(const struct delivery_send *body);
/* The file that its `i`-th text shows; 0: none. */
uint64_t files_of(const struct delivery_send *body, size_t i);

/*
 * Whether the sender may show all the files that its texts do: its own (as its stickers are), all
 * of whose bytes are there. In the transaction that stores the texts: it locks the files, so nobody
 * removes one before its use is committed. `packed_r`: of each text the packed record of its file,
 * in the arena; NULL when none shows one. `refused_r` is ERR_OK or ERR_NO_FILE; the result is the
 * database's.
 */
enum err files_check(struct db *db, struct record_arena *arena, const struct delivery_send *body,
                     struct slice **packed_r, enum err *refused_r)
    __attribute__((warn_unused_result));

#endif
