/*
 * Downloads: GET and HEAD of the signed addresses of files and previews (file_address.h).
 *
 * The file's bytes come from files in pieces, of which at most FILE_DOWNLOAD_PIECES are asked for
 * or here: the next is asked for when the client's kernel has taken one. Where files is not
 * there, the download begins or goes on with the next instance that is found within
 * `send_timeout_ms`; else the client is told, or cut if bytes were sent, and asks for the rest with
 * Range.
 */
#ifndef PARLEY_GATEWAY_FILE_DOWNLOAD_H
#define PARLEY_GATEWAY_FILE_DOWNLOAD_H

#include "services/gateway/edge/exchange.h"
#include "services/gateway/gateway.h"

/* limit: gateway | pieces of a download that are asked for, or wait for the client |
 * {FILE_DOWNLOAD_PIECES}, of {FILE_TRANSFER_PIECE} bytes each | the next is asked for when the
 * client has taken one */
#define FILE_DOWNLOAD_PIECES 2

/* Takes the request. `bytes`: counts what is handed to clients. */
void file_download_begin(struct gateway *gateway, struct edge_exchange *exchange,
                         struct metric *bytes);

#endif
