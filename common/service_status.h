/* How a service is: its replies to pings and to service.status, and the operator's pages. */
#ifndef PARLEY_COMMON_SERVICE_STATUS_H
#define PARLEY_COMMON_SERVICE_STATUS_H

#include "common/service_core.h"

#define SERVICE_OWN_HANDLERS 2
#define SERVICE_PAGES 3

/* What texts and lists of a struct service_status point into. */
struct service_status_room {
    struct slice names[SERVICE_MAX_QUEUES];
    uint64_t depths[SERVICE_MAX_QUEUES], limits[SERVICE_MAX_QUEUES];
    char lacks[SERVICE_REASON_BYTES];
};
/* How the service is, without its counters. Lives as long as the service and the room. */
void service_describe(struct service *service, struct service_status_room *room,
                      struct service_status *status_r);

/* The requests that every service replies to, also while it starts or stops; `context`: the
 * service. */
extern const struct service_handler service_own_handlers[SERVICE_OWN_HANDLERS];
/* /metrics, /healthz and /readyz; `argument`: the service. */
extern const struct http_page service_pages[SERVICE_PAGES];

#endif
