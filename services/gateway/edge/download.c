/* Long bodies, piece by piece. */
#include "services/gateway/edge/download.h"

#include <stdlib.h>

struct edge_download {
    LIST_ENTRY(edge_download) all;
    struct lws *wsi;
    struct edge_site *site;
    struct slice rest;
    bool keep;
};

void edge_downloads_init(struct edge_downloads *self, uint64_t timeout_ms) {
    LIST_INIT(&self->all);
    self->count = 0;
    self->timeout_s = timeout_ms < 2000 ? 1 : (int)(timeout_ms / 1000);
}

bool edge_downloads_is_full(const struct edge_downloads *self) {
    return self->count >= EDGE_DOWNLOADS_MAX;
}

static struct edge_download *find(const struct edge_downloads *self, const struct lws *wsi) {
    struct edge_download *download;
    LIST_FOREACH(download, &self->all, all)
    if (download->wsi == wsi)
        return download;
    return NULL;
}

static void await_client(const struct edge_downloads *self, struct lws *wsi) {
    lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, self->timeout_s);
    lws_callback_on_writable(wsi);
}

int edge_download_begin(struct edge_downloads *self, struct lws *wsi, struct edge_site *site,
                        struct slice rest, bool keep) {
    struct edge_download *download = calloc(1, sizeof *download);
    if (download == NULL)
        return -1;
    download->wsi = wsi;
    download->site = edge_site_hold(site);
    download->rest = rest;
    download->keep = keep;
    LIST_INSERT_HEAD(&self->all, download, all);
    self->count++;
    await_client(self, wsi);
    return 0;
}

bool edge_download_is_under_way(const struct edge_downloads *self, const struct lws *wsi) {
    return find(self, wsi) != NULL;
}

int edge_download_writeable(struct edge_downloads *self, struct lws *wsi) {
    struct edge_download *download = find(self, wsi);
    if (download == NULL)
        return 0;
    struct slice now = download->rest;
    bool keep = download->keep;
    now.length = now.length < EDGE_PIECE_BYTES ? now.length : EDGE_PIECE_BYTES;
    if (lws_write(wsi, (unsigned char *)now.data, now.length, LWS_WRITE_RAW) < 0)
        return -1;
    download->rest =
        slice_make(download->rest.data + now.length, download->rest.length - now.length);
    if (download->rest.length > 0) {
        await_client(self, wsi);
        return 0;
    }
    edge_downloads_forget(self, wsi);
    return keep ? lws_http_transaction_completed(wsi) : -1;
}

void edge_downloads_forget(struct edge_downloads *self, const struct lws *wsi) {
    struct edge_download *download = find(self, wsi);
    if (download == NULL)
        return;
    LIST_REMOVE(download, all);
    self->count--;
    edge_site_release(&download->site);
    free(download);
}
