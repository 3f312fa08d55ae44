/*
 * Lets programs with a listed key in, and nobody else: it answers ZeroMQ's question who may connect
 * to the CURVE servers of this process (ZAP, https://rfc.zeromq.org/spec/27/).
 *
 *     struct admission *admission = admission_new(ev, context, keys, denied);
 *     ...                                          before the servers are bound
 *     admission_destroy(&admission);
 *
 * Every message that such a caller sends has its public key as its `User-Id`. The trusted keys are
 * read again when their file changes, and before an unknown key is refused.
 */
#ifndef PARLEY_COMMON_ADMISSION_H
#define PARLEY_COMMON_ADMISSION_H

#include <ev.h>

#include "common/keys.h"

/* limit: service | lines about callers that are refused | one of a kind in {ADMISSION_LOG_MS} |
 * counted (`callers_denied_total`) */
#define ADMISSION_LOG_MS 10000
/* limit: service | callers that are let in or refused in one turn of the loop | {ADMISSION_BUDGET}
 * | the next turn */
#define ADMISSION_BUDGET 64

struct admission;
struct metric;

/* `context` is ZeroMQ's, `keys` and `denied` (it counts the refused) are borrowed. NULL without
 * memory or descriptors. One in a context. */
struct admission *admission_new(struct ev_loop *ev, void *context, struct keys *keys,
                                struct metric *denied);
/* After the servers are closed. */
void admission_destroy(struct admission **self);

#endif
