/*
 * The files of a web page, read into memory once: a client's path is looked up among them and never
 * reaches the file system.
 *
 *     struct edge_site *site = edge_site_read("/usr/share/parley/web");
 *     const struct edge_site_file *file = edge_site_find(site, "/app/main.js");
 *     edge_site_release(&site);
 *
 * Of the folder and those in it: files whose ending has a type here. Hidden ones and symbolic links
 * are left out, and so are comments in whole lines of scripts and sheets: see lean.h. A site is
 * shared by counting: whoever writes one of its files holds it meanwhile.
 */
#ifndef PARLEY_GATEWAY_EDGE_SITE_H
#define PARLEY_GATEWAY_EDGE_SITE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/record.h"

/*
 * limit: gateway | files of `web_root`; all their bytes | {EDGE_SITE_MAX_FILES};
 * {EDGE_SITE_MAX_BYTES} | `web_root_failed`; at the start exit status 1, at SIGHUP the files from
 * before stay
 */
#define EDGE_SITE_MAX_FILES 256
#define EDGE_SITE_MAX_BYTES ((size_t)4 << 20)
/* In quotes: 32 digits, and "-gzip" or "-br" where that is what they name. */
#define EDGE_SITE_TAG_BYTES 40

/* The file as it is served, plain or compressed. */
struct edge_site_form {
    struct slice bytes;
    char tag[EDGE_SITE_TAG_BYTES]; /* its ETag: a hash of the plain bytes */
};

struct edge_site_file {
    const char *type; /* for Content-Type */
    struct edge_site_form plain;
    /* No bytes: compressing makes it no smaller. */
    struct edge_site_form gzip, brotli;
};

struct edge_site;

/* NULL after a logged line. `folder` must have an index.html. */
struct edge_site *edge_site_read(const char *folder);
struct edge_site *edge_site_hold(struct edge_site *site);
void edge_site_release(struct edge_site **self);

/* By its path from the folder, with a slash in front; a folder's, with one behind, is that of its
 * index.html. NULL: there is none. */
const struct edge_site_file *edge_site_find(const struct edge_site *site, struct slice path);

#endif
