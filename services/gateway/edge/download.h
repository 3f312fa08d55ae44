/*
 * Long bodies over HTTP, on their way to clients piece by piece.
 *
 *     edge_download_begin(&downloads, wsi, site, rest, keep);     its head and first piece are
 * written edge_download_writeable(&downloads, wsi);                   the next piece
 *     edge_downloads_forget(&downloads, wsi);                     its socket is closed
 *
 * A piece is handed over once the kernel has taken the one before, so a slow client costs a piece
 * and its socket. One that takes nothing for `vanished_timeout_ms` is cut.
 */
#ifndef PARLEY_GATEWAY_EDGE_DOWNLOAD_H
#define PARLEY_GATEWAY_EDGE_DOWNLOAD_H

#include <libwebsockets.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "services/gateway/edge/site.h"

/* limit: gateway | a file over HTTP that is handed over in one piece | {EDGE_PIECE_BYTES} | the
 * rest piece by piece, each once the client has taken the one before */
#define EDGE_PIECE_BYTES ((size_t)65536)
/* limit: gateway | files larger than that on their way at once | {EDGE_DOWNLOADS_MAX} | 503, with
 * Retry-After */
#define EDGE_DOWNLOADS_MAX 64

struct edge_download;
LIST_HEAD(edge_download_list, edge_download);

struct edge_downloads {
    struct edge_download_list all;
    size_t count;
    int timeout_s; /* for the client to take anything */
};

void edge_downloads_init(struct edge_downloads *self, uint64_t timeout_ms);
bool edge_downloads_is_full(const struct edge_downloads *self);
/* The rest of a body of `site`, which is held meanwhile. `keep`: a further request may follow on
 * this socket. 0, or -1 without memory. */
int edge_download_begin(struct edge_downloads *self, struct lws *wsi, struct edge_site *site,
                        struct slice rest, bool keep) __attribute__((warn_unused_result));
bool edge_download_is_under_way(const struct edge_downloads *self, const struct lws *wsi);
/* libwebsockets can write. Nonzero: close now. */
int edge_download_writeable(struct edge_downloads *self, struct lws *wsi);
void edge_downloads_forget(struct edge_downloads *self, const struct lws *wsi);

#endif
