/*
 * Uploads and downloads of files over HTTP: `/files/`, `/preview/` (file_download.h) and `/upload/`
 * (file_upload.h). At most `transfers_max` at once, `transfers_per_address` of one address.
 */
#ifndef PARLEY_GATEWAY_FILE_TRANSFERS_H
#define PARLEY_GATEWAY_FILE_TRANSFERS_H

#include "services/gateway/edge/exchange.h"
#include "services/gateway/gateway.h"

struct file_transfers;

/* For edge_handlers; their argument is the struct gateway. */
extern const struct edge_exchange_handlers file_exchange_handlers;

/* NULL without memory. */
struct file_transfers *file_transfers_new(struct gateway *gateway);
/* When the edge and the link to files are gone. */
void file_transfers_destroy(struct file_transfers **self);

#endif
