/* Why a request was refused, in a sentence that names the ids as the client wrote them. */
#ifndef PARLEY_GATEWAY_REASONS_H
#define PARLEY_GATEWAY_REASONS_H

#include "common/error.h"
#include "services/gateway/dialect/dialect.h"

/* A sentence with the request's own ids ("group ccc does not exist"), in `out`; empty where
 * err_text(err) says enough. */
struct slice reason_of(const struct dialect_request *request, enum err err,
                       char out[DIALECT_FAULT_BYTES]);

#endif
