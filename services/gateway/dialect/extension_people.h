/* 337: the extensions about people and groups; see form.h. */
#ifndef PARLEY_GATEWAY_DIALECT_EXTENSION_PEOPLE_H
#define PARLEY_GATEWAY_DIALECT_EXTENSION_PEOPLE_H

#include "services/gateway/dialect/form.h"

void extension_read_quiet(struct reading *reading);

extension_notice_writer extension_write_quiet;

#endif
