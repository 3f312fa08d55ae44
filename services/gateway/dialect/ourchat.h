/* The dialect OurChat. */
#ifndef PARLEY_GATEWAY_DIALECT_OURCHAT_H
#define PARLEY_GATEWAY_DIALECT_OURCHAT_H

#include "services/gateway/dialect/form.h"

extern const struct dialect_form dialect_form_ourchat;

#endif
