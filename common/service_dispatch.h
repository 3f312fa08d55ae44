/*
 * Calls: a request that arrives at the ROUTER goes to its handler, and the reply goes back.
 *
 *     dispatch_prepare(service, own, own_count);        once
 *     loop_socket_new(ev, router, dispatch_ready, service);
 *     dispatch_drop_costly(service);                    when the service begins to stop
 *
 * Handlers reply with call_reply and call_fail (service.h).
 */
#ifndef PARLEY_COMMON_SERVICE_DISPATCH_H
#define PARLEY_COMMON_SERVICE_DISPATCH_H

#include "common/service_core.h"

/* Makes the table of the definition's handlers and of the skeleton's own, which get the service as
 * their context. */
void dispatch_prepare(struct service *service, const struct service_handler *own, size_t own_count);
/* Ends the jobs that wait in the costly pool: they would take longer than an orderly end may. */
void dispatch_drop_costly(struct service *service);
/* loop_socket_ready of the ROUTER. */
void dispatch_ready(void *argument, void *socket);

#endif
