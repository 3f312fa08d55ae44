/* 345 and 346: Web Push. */
#ifndef PARLEY_GATEWAY_DIALECT_EXTENSION_PUSH_H
#define PARLEY_GATEWAY_DIALECT_EXTENSION_PUSH_H

#include "services/gateway/dialect/form.h"

void extension_read_push(struct reading *reading);
extension_answer_writer extension_write_push;

#endif
