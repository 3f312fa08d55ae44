/*
 * Uploads: PUT of all bytes to the address that files.open gave out, or tus 1.0 (core and
 * termination): HEAD, PATCH, DELETE, OPTIONS; POST with X-HTTP-Method-Override is what that says.
 *
 * Bytes go to files in pieces, one at a time, while the next one is read; a client that is faster
 * than files is not read meanwhile. What of a body arrived is kept, however its request ends: the
 * next one goes on behind it (a PUT begins anew, and what is there of it already is passed over).
 * One request works for an upload at a time: a further one with the same token has the socket of
 * the one before closed, and waits until what arrived over that is at files.
 */
#ifndef PARLEY_GATEWAY_FILE_UPLOAD_H
#define PARLEY_GATEWAY_FILE_UPLOAD_H

#include "services/gateway/edge/exchange.h"
#include "services/gateway/gateway.h"

struct file_upload;

/* Uploads that are under way, also those whose client has gone; zero at first. */
struct file_uploads {
    struct file_upload *by_address;
    size_t count;
    struct metric *bytes, *finished;
};

/* Takes the request. */
void file_upload_begin(struct file_uploads *uploads, struct gateway *gateway,
                       struct edge_exchange *exchange);

#endif
