/*
 * Entries in the answer of an extension.
 *
 * A service that lists entries replies with them packed, as delivery.pull does (`bytes[] entries`).
 * The answer shows each as an object of its own, in the dialect's envelope, as the dialect shows it
 * to a client that opted in. Entries for which the dialect has no message are left out, and so are
 * notices with numbers from 300 on: changes of a message stand beside its text (answer.h).
 *
 *     "messages":[{"code":0,"time":1,"data":{..}},{"code":10,"time":1,"data":{..}}]
 *
 * An answer holds LIST_MAX_BYTES of JSON at most, but one entry at least. Only its writer knows how
 * long a text is as JSON, so the writer cuts off the entries that are furthest from the place that
 * was asked for.
 */
#ifndef PARLEY_GATEWAY_DIALECT_ENTRY_LIST_H
#define PARLEY_GATEWAY_DIALECT_ENTRY_LIST_H

#include "services/gateway/dialect/form.h"

/* The part of a list that an answer holds: the entries from one to another, also those that are not
 * shown. */
struct entry_span {
    uint64_t first_cid, last_cid; /* 0: it is empty */
    bool cut;                     /* some of the list did not fit */
};

/* Appends one packed entry as an object; false: nothing of it is shown, and nothing appended. */
bool entry_list_write_one(const struct dialect_form *form, const struct dialect_account *self,
                          struct slice packed, struct buffer *out);
/*
 * Appends `[..]` with the entries on both sides of a place: the `place`-th and those behind it, and
 * those before it, in turns, until the next would not fit. 0: the first stay; the number of
 * entries: the last stay. Without memory `out->failed` is set.
 */
struct entry_span entry_list_write(const struct dialect_form *form,
                                   const struct dialect_account *self,
                                   const struct slice_list *entries, size_t place,
                                   struct buffer *out);
/* In an ascending list the place in front of the first entry with this cid or a larger one. */
size_t entry_list_place(const struct slice_list *entries, uint64_t cid);

#endif
