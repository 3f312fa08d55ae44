/* 303: reading what was said; see extension.h. */
#ifndef PARLEY_GATEWAY_DIALECT_EXTENSION_HISTORY_H
#define PARLEY_GATEWAY_DIALECT_EXTENSION_HISTORY_H

#include "services/gateway/dialect/form.h"

/* `peer`, one of `before`, `after` and `around` or none, `limit`. */
void extension_read_history(struct reading *reading);
extension_answer_writer extension_write_history;

#endif
