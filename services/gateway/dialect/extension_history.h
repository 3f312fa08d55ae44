/* 303 and 331: reading and searching old messages; see extension.h. */
#ifndef PARLEY_GATEWAY_DIALECT_EXTENSION_HISTORY_H
#define PARLEY_GATEWAY_DIALECT_EXTENSION_HISTORY_H

#include "services/gateway/dialect/form.h"

/* `peer`, one of `before`, `after` and `around` or none, `limit`. */
void extension_read_history(struct reading *reading);
extension_answer_writer extension_write_history;
/* `text`, `peer` or none, `before` or none. */
void extension_read_search(struct reading *reading);
extension_answer_writer extension_write_search;

#endif
