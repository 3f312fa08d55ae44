/* The dialect YouIM. */
#ifndef PARLEY_GATEWAY_DIALECT_YOUIM_H
#define PARLEY_GATEWAY_DIALECT_YOUIM_H

#include "services/gateway/dialect/form.h"

extern const struct dialect_form dialect_form_youim;

#endif
