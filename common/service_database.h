/*
 * A service's pools, and its database at the start: it is waited for as long as it takes, then
 * checked once. Only after that does the service become ready and see requests. Services ask for
 * their pools with service_use_pool and service_use_costly_pool (service.h).
 */
#ifndef PARLEY_COMMON_SERVICE_DATABASE_H
#define PARLEY_COMMON_SERVICE_DATABASE_H

#include "common/service_core.h"

/* Logs why the service ends, if it is because its database is not one that this build can use. It
 * is called when the loop has ended, so nothing that the loop still had at hand is logged behind
 * it. */
void service_tell_unfit_database(const struct service *service);
/* Ends the pool, if there is one. */
void service_leave_database(struct service *service);

#endif
