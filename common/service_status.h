/* How a service is: its replies to pings and to service.status, and the operator's pages. */
#ifndef PARLEY_COMMON_SERVICE_STATUS_H
#define PARLEY_COMMON_SERVICE_STATUS_H

#include "common/service_core.h"

#define SERVICE_OWN_HANDLERS 2
#define SERVICE_PAGES 3

/* The requests that every service replies to, also while it starts or stops; `context`: the
 * service. */
extern const struct service_handler service_own_handlers[SERVICE_OWN_HANDLERS];
/* /metrics, /healthz and /readyz; `argument`: the service. */
extern const struct http_page service_pages[SERVICE_PAGES];

#endif
