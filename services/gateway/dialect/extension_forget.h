/* 339: the end of an account. See extension.h. */
#ifndef PARLEY_GATEWAY_DIALECT_EXTENSION_FORGET_H
#define PARLEY_GATEWAY_DIALECT_EXTENSION_FORGET_H

#include "services/gateway/dialect/form.h"

void extension_read_forget(struct reading *reading);

#endif
