/* The facts about this server that a page, or any program, may know before it logs in: GET
 * /api/info. */
#ifndef PARLEY_GATEWAY_INFO_H
#define PARLEY_GATEWAY_INFO_H

#include "services/gateway/gateway.h"

/* JSON that the caller frees; NULL without memory. */
char *info_write(const struct gateway_settings *settings);

#endif
