/* 305 and 306: which conversations there are; see extension.h. */
#ifndef PARLEY_GATEWAY_DIALECT_EXTENSION_CONVERSATIONS_H
#define PARLEY_GATEWAY_DIALECT_EXTENSION_CONVERSATIONS_H

#include "services/gateway/dialect/form.h"

/* `before`, `limit`. */
void extension_read_conversations(struct reading *reading);
extension_answer_writer extension_write_conversations;

#endif
