/* The texts of one entry, each made once for all the connections that see the same. */
#ifndef PARLEY_GATEWAY_ENTRY_TEXTS_H
#define PARLEY_GATEWAY_ENTRY_TEXTS_H

#include "services/gateway/dialect/dialect.h"

struct entry_texts;

/* For whom an entry is written. */
struct entry_viewer {
    enum dialect dialect;
    bool ext;
    uint64_t account;
};

/* NULL without memory. */
struct entry_texts *entry_texts_new(struct dialect_addresses addresses);
void entry_texts_destroy(struct entry_texts **self);
/* Before another entry. */
void entry_texts_clear(struct entry_texts *self);
/* The entry as the viewer sees it; empty when it sees nothing. Valid until the next
 * entry_texts_get or entry_texts_clear. -1 without memory. */
int entry_texts_get(struct entry_texts *self, const struct entry_viewer *viewer,
                    const struct entry *entry, struct slice *text_r)
    __attribute__((warn_unused_result));

#endif
