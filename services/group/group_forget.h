/* Removes old rows of the tables `done` and `audit`, a bounded number at a time, as long as the
 * service runs. */
#ifndef PARLEY_GROUP_FORGET_H
#define PARLEY_GROUP_FORGET_H

#include "common/service.h"

/* The pause after a statement that removed as many rows as it may, and after a smaller one. */
#define GROUP_FORGET_PAUSE_S 0.5
#define GROUP_FORGET_EVERY_S 60.0

struct forgetter;

/* Rows are kept for so many days, those of the audit for `audit_days`, 0: for ever. NULL without
 * memory. It must end after the service's pool. */
struct forgetter *forgetter_new(struct service *service, uint64_t days, uint64_t audit_days)
    __attribute__((warn_unused_result));
void forgetter_destroy(struct forgetter **self);

#endif
