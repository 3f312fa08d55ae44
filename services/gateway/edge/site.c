/* The files of a web page. */
#include "services/gateway/edge/site.h"

#include <brotli/encode.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "common/log.h"
#include "services/gateway/edge/http_header.h"
#include "services/gateway/edge/lean.h"

#define HASH_BYTES 16
/* zlib's largest window, with gzip's head and tail. */
#define GZIP_WINDOW (MAX_WBITS + 16)

struct entry {
    char *path; /* from the folder, with a slash in front */
    struct edge_site_file file;
};

struct edge_site {
    size_t holders;
    struct entry entries[EDGE_SITE_MAX_FILES]; /* in the order of their paths, once all are read */
    size_t count;
    size_t bytes; /* of all files as they were read */
};

/* --- one file --- */

static bool has_ending(const char *path, const char *ending) {
    size_t length = strlen(path), tail = strlen(ending);
    return length > tail && strcmp(path + length - tail, ending) == 0;
}

static const char *type_of(const char *path) {
    static const struct {
        const char *ending, *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".json", "application/json"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".webmanifest", "application/manifest+json"},
        {".ico", "image/vnd.microsoft.icon"},
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (has_ending(path, types[i].ending))
            return types[i].type;
    return NULL;
}

static int close_failed(int fd, int error) {
    close(fd);
    errno = error;
    return -1;
}

/* The bytes that the file has when it is opened. 0, or -1: see errno. */
static int read_whole(const char *path, size_t room, struct slice *bytes_r) {
    struct stat about;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &about) != 0)
        return fd < 0 ? -1 : close_failed(fd, errno);
    if (about.st_size < 0 || (uint64_t)about.st_size > room)
        return close_failed(fd, EFBIG);
    size_t size = (size_t)about.st_size, at = 0;
    char *bytes = malloc(size + 1);
    ssize_t got = bytes == NULL ? -1 : 1;
    while (got > 0 && at < size) {
        got = read(fd, bytes + at, size - at);
        at += got > 0 ? (size_t)got : 0;
    }
    if (got < 0) {
        int error = errno;
        free(bytes);
        return close_failed(fd, error);
    }
    close(fd);
    *bytes_r = slice_make(bytes, at);
    return 0;
}

/* Less than the plain bytes, or nothing. */
static struct slice compress_gzip(struct slice plain) {
    z_stream stream = {0};
    size_t room = plain.length == 0 ? 0 : plain.length - 1;
    char *bytes = malloc(room + 1);
    if (bytes == NULL || deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP_WINDOW,
                                      MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(bytes);
        return slice_make(NULL, 0);
    }
    stream.next_in = (Bytef *)plain.data;
    stream.avail_in = (uInt)plain.length;
    stream.next_out = (Bytef *)bytes;
    stream.avail_out = (uInt)room;
    bool whole = deflate(&stream, Z_FINISH) == Z_STREAM_END;
    size_t length = room - stream.avail_out;
    deflateEnd(&stream);
    if (whole)
        return slice_make(bytes, length);
    free(bytes);
    return slice_make(NULL, 0);
}

/* Takes long for what does not get smaller, so gzip is tried first. */
static struct slice compress_brotli(struct slice plain) {
    size_t length = plain.length == 0 ? 0 : plain.length - 1;
    char *bytes = malloc(length + 1);
    if (bytes != NULL &&
        BrotliEncoderCompress(BROTLI_MAX_QUALITY, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_TEXT,
                              plain.length, (const uint8_t *)plain.data, &length,
                              (uint8_t *)bytes) == BROTLI_TRUE)
        return slice_make(bytes, length);
    free(bytes);
    return slice_make(NULL, 0);
}

/* The form in which a file is served. */
static struct slice make_lean(const char *path, struct slice bytes) {
    bool is_script = has_ending(path, ".js");
    if (!is_script && !has_ending(path, ".css"))
        return bytes;
    return slice_make(bytes.data, edge_lean_text((char *)bytes.data, bytes.length, is_script));
}

static void fill(struct edge_site_file *file, const char *type, struct slice plain) {
    unsigned char hash[HASH_BYTES];
    char digits[2 * HASH_BYTES + 1];
    crypto_generichash(hash, sizeof hash, (const unsigned char *)plain.data, plain.length, NULL, 0);
    sodium_bin2hex(digits, sizeof digits, hash, sizeof hash);
    file->type = type;
    file->plain.bytes = plain;
    file->gzip.bytes = compress_gzip(plain);
    if (file->gzip.bytes.length > 0)
        file->brotli.bytes = compress_brotli(plain);
    snprintf(file->plain.tag, sizeof file->plain.tag, "\"%s\"", digits);
    snprintf(file->gzip.tag, sizeof file->gzip.tag, "\"%s-gzip\"", digits);
    snprintf(file->brotli.tag, sizeof file->brotli.tag, "\"%s-br\"", digits);
}

/* --- all of them --- */

static int failed(const char *path, const char *reason) {
    char quoted[LOG_QUOTED_BYTES];
    log_error("web_root_failed", "path=%s reason=\"%s\"", log_quote(quoted, path, strlen(path)),
              reason);
    return -1;
}

static int add(struct edge_site *site, const char *path, const char *place) {
    const char *type = type_of(path);
    struct slice bytes = {0};
    if (type == NULL)
        return 0;
    if (site->count == EDGE_SITE_MAX_FILES)
        return failed(place, "too many files");
    if (read_whole(place, EDGE_SITE_MAX_BYTES - site->bytes, &bytes) != 0)
        return failed(place, errno == EFBIG ? "too many bytes in all files" : strerror(errno));
    struct entry *entry = &site->entries[site->count++];
    entry->path = strdup(path);
    fill(&entry->file, type, make_lean(path, bytes));
    site->bytes += bytes.length;
    return entry->path == NULL ? failed(place, "out of memory") : 0;
}

/* One step of the walk. `top`: the length of the folder's own path. */
static int visit(struct edge_site *site, FTS *walk, FTSENT *found, size_t top) {
    switch (found->fts_info) {
    case FTS_D:
    case FTS_F:
        if (found->fts_level > 0 && found->fts_name[0] == '.') {
            fts_set(walk, found, FTS_SKIP);
            return 0;
        }
        if (found->fts_info == FTS_D)
            return 0;
        if (found->fts_level == 0)
            return failed(found->fts_path, "this is no folder");
        return add(site, found->fts_path + top, found->fts_path);
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        return failed(found->fts_path, strerror(found->fts_errno));
    default:
        return 0;
    }
}

static int by_path(const void *a, const void *b) {
    return strcmp(((const struct entry *)a)->path, ((const struct entry *)b)->path);
}

static int read_all(struct edge_site *site, const char *folder) {
    char *copy = strdup(folder), *const tops[] = {copy, NULL};
    size_t top = strlen(folder);
    while (copy != NULL && top > 1 && copy[top - 1] == '/')
        copy[--top] = '\0';
    FTS *walk =
        copy == NULL ? NULL : fts_open(tops, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
    int result = walk == NULL ? failed(folder, strerror(errno)) : 0;
    FTSENT *found;
    while (result == 0 && (found = fts_read(walk)) != NULL)
        result = visit(site, walk, found, top);
    if (walk != NULL)
        fts_close(walk);
    free(copy);
    if (result != 0)
        return result;
    qsort(site->entries, site->count, sizeof site->entries[0], by_path);
    if (edge_site_find(site, slice_text("/")) == NULL)
        return failed(folder, "there is no index.html");
    return 0;
}

/* --- for its users --- */

struct edge_site *edge_site_read(const char *folder) {
    struct edge_site *site = calloc(1, sizeof *site);
    char quoted[LOG_QUOTED_BYTES];
    if (site == NULL) {
        (void)failed(folder, "out of memory");
        return NULL;
    }
    site->holders = 1;
    if (read_all(site, folder) != 0) {
        edge_site_release(&site);
        return NULL;
    }
    log_info("web_root_read", "path=%s files=%zu bytes=%zu",
             log_quote(quoted, folder, strlen(folder)), site->count, site->bytes);
    return site;
}

struct edge_site *edge_site_hold(struct edge_site *site) {
    site->holders++;
    return site;
}

void edge_site_release(struct edge_site **self) {
    struct edge_site *site = *self;
    *self = NULL;
    if (site == NULL || --site->holders > 0)
        return;
    for (size_t i = 0; i < site->count; i++) {
        struct entry *entry = &site->entries[i];
        free((char *)entry->file.plain.bytes.data);
        free((char *)entry->file.gzip.bytes.data);
        free((char *)entry->file.brotli.bytes.data);
        free(entry->path);
    }
    free(site);
}

static int compare(const void *key, const void *member) {
    const struct slice *path = key;
    const char *other = ((const struct entry *)member)->path;
    int order = strncmp(path->data, other, path->length);
    return order != 0 ? order : -(other[path->length] != '\0');
}

const struct edge_site_file *edge_site_find(const struct edge_site *site, struct slice path) {
    char index[EDGE_HEAD_BYTES + sizeof "index.html"];
    if (path.length == 0 || path.length > EDGE_HEAD_BYTES ||
        memchr(path.data, '\0', path.length) != NULL)
        return NULL;
    if (path.data[path.length - 1] == '/') {
        int length = snprintf(index, sizeof index, "%.*sindex.html", (int)path.length, path.data);
        path = slice_make(index, (size_t)length);
    }
    const struct entry *entry =
        bsearch(&path, site->entries, site->count, sizeof site->entries[0], compare);
    return entry == NULL ? NULL : &entry->file;
}
