/* The store `folder`; see store_folder.h. */
#include "services/files/store_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/files/disk.h"

/* The number's bits that stand for its folder; there are so many. */
#define SHARD_SHIFT 56
#define SHARDS 256
/* Names that a list makes room for at first. */
#define LIST_ROOM 256

struct store_folder {
    struct store store; /* the first member */
    char folder[DISK_PATH_BYTES];
    struct disk_faults faults;
};

static int shard_of(const struct store_folder *self, uint64_t id, char path_r[DISK_PATH_BYTES]) {
    int length =
        snprintf(path_r, DISK_PATH_BYTES, "%s/%02x", self->folder, (unsigned)(id >> SHARD_SHIFT));
    if (length < DISK_PATH_BYTES)
        return 0;
    errno = ENAMETOOLONG;
    return -1;
}

static int path_of(const struct store_folder *self, uint64_t id, enum store_part part,
                   const char *ending, char path_r[DISK_PATH_BYTES]) {
    char shard[DISK_PATH_BYTES], suffix[32];
    snprintf(suffix, sizeof suffix, "%s%s", part == STORE_PREVIEW ? ".preview" : "", ending);
    return shard_of(self, id, shard) != 0 ? -1 : disk_path(path_r, shard, id, suffix);
}

/* Costs little where nothing has changed since the last one. */
static int sync_file(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int status = fdatasync(fd), error = errno;
    close(fd);
    errno = error;
    return status;
}

/* A second name for the same bytes, so that a crash at any moment leaves the first one. Renaming a
 * name onto another one of the same file does nothing, hence the last line. */
static int put_at(const char *from, const char *new_path, const char *path, const char *shard) {
    if (sync_file(from) != 0 || disk_make_folder(shard) != 0)
        return -1;
    if (unlink(new_path) != 0 && errno != ENOENT)
        return -1;
    if (link(from, new_path) != 0 || rename(new_path, path) != 0)
        return -1;
    if (unlink(new_path) != 0 && errno != ENOENT)
        return -1;
    return disk_sync_folder(shard);
}

static enum err put(struct store *store, uint64_t id, enum store_part part, const char *from) {
    struct store_folder *self = (struct store_folder *)store;
    char shard[DISK_PATH_BYTES], path[DISK_PATH_BYTES], new_path[DISK_PATH_BYTES];
    if (shard_of(self, id, shard) != 0 || path_of(self, id, part, "", path) != 0 ||
        path_of(self, id, part, ".new", new_path) != 0 || put_at(from, new_path, path, shard) != 0)
        return disk_error(&self->faults, "put", self->folder);
    return ERR_OK;
}

static int read_all(int fd, uint64_t offset, char *into, size_t length, size_t *read_r) {
    while (*read_r < length) {
        ssize_t got = pread(fd, into + *read_r, length - *read_r, (off_t)(offset + *read_r));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0 ? 0 : -1;
        *read_r += (size_t)got;
    }
    return 0;
}

static enum err read_part(struct store *store, uint64_t id, enum store_part part, uint64_t offset,
                          char *into, size_t length, size_t *read_r) {
    struct store_folder *self = (struct store_folder *)store;
    char path[DISK_PATH_BYTES];
    if (path_of(self, id, part, "", path) != 0)
        return disk_error(&self->faults, "read", self->folder);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? ERR_NO_FILE : disk_error(&self->faults, "open", path);
    enum err err = read_all(fd, offset, into, length, read_r) == 0
                       ? ERR_OK
                       : disk_error(&self->faults, "read", path);
    close(fd);
    return err;
}

static enum err size_of(struct store *store, uint64_t id, enum store_part part, uint64_t *size_r) {
    struct store_folder *self = (struct store_folder *)store;
    char path[DISK_PATH_BYTES];
    struct stat found;
    if (path_of(self, id, part, "", path) != 0 || stat(path, &found) != 0)
        return errno == ENOENT ? ERR_NO_FILE : disk_error(&self->faults, "look", self->folder);
    *size_r = (uint64_t)found.st_size;
    return ERR_OK;
}

static enum err remove_part(struct store *store, uint64_t id, enum store_part part) {
    struct store_folder *self = (struct store_folder *)store;
    char path[DISK_PATH_BYTES];
    static const char *const endings[] = {".new", ""};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (path_of(self, id, part, endings[i], path) != 0 ||
            (unlink(path) != 0 && errno != ENOENT))
            return disk_error(&self->faults, "remove", self->folder);
    return ERR_OK;
}

/* --- a list ---------------------------------------------------------------------------------- */

struct list {
    struct store_item *items;
    size_t count, room;
};

static int compare(const void *a, const void *b) {
    const struct store_item *one = a, *other = b;
    return one->id < other->id ? -1 : one->id > other->id;
}

static bool add(struct list *list, const struct store_item *item) {
    if (list->count == list->room) {
        const size_t room = list->room == 0 ? LIST_ROOM : 2 * list->room;
        struct store_item *items = realloc(list->items, room * sizeof *items);
        if (items == NULL)
            return false;
        list->items = items;
        list->room = room;
    }
    list->items[list->count++] = *item;
    return true;
}

/* The names of a folder, in the order of their numbers. -1 with errno. */
static int read_shard(const char *path, uint64_t after, struct list *list) {
    DIR *folder = opendir(path);
    if (folder == NULL)
        return errno == ENOENT ? 0 : -1;
    bool room = true;
    for (struct dirent *entry; room && (entry = readdir(folder)) != NULL;) {
        struct store_item item = {0};
        const char *suffix;
        struct stat found;
        if (!disk_parse_name(entry->d_name, &item.id, &suffix) || item.id <= after)
            continue;
        if (suffix[0] == '\0' && fstatat(dirfd(folder), entry->d_name, &found, 0) == 0)
            item.size = (uint64_t)found.st_size;
        room = add(list, &item);
    }
    closedir(folder);
    if (list->count > 0)
        qsort(list->items, list->count, sizeof *list->items, compare);
    errno = ENOMEM;
    return room ? 0 : -1;
}

/* Names of one file become one item. */
static void take(const struct list *list, struct store_item *items, size_t most, size_t *count) {
    for (size_t i = 0; i < list->count; i++) {
        const struct store_item *item = &list->items[i];
        if (*count > 0 && items[*count - 1].id == item->id)
            items[*count - 1].size += item->size;
        else if (*count < most)
            items[(*count)++] = *item;
        else
            return;
    }
}

static enum err list_files(struct store *store, uint64_t after, struct store_item *items,
                           size_t most, size_t *count_r) {
    struct store_folder *self = (struct store_folder *)store;
    char path[DISK_PATH_BYTES];
    int status = 0;
    for (uint64_t shard = after >> SHARD_SHIFT; status == 0 && shard < SHARDS && *count_r < most;
         shard++) {
        struct list list = {0};
        status = shard_of(self, shard << SHARD_SHIFT, path);
        if (status == 0)
            status = read_shard(path, after, &list);
        if (status == 0)
            take(&list, items, most, count_r);
        free(list.items);
    }
    return status == 0 ? ERR_OK : disk_error(&self->faults, "list", self->folder);
}

static void destroy(struct store *store) { free(store); }

static const struct store_kind kind = {.put = put,
                                       .read = read_part,
                                       .size = size_of,
                                       .remove = remove_part,
                                       .list = list_files,
                                       .destroy = destroy};

struct store *store_folder_new(const char *files_folder) {
    struct store_folder *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->store.kind = &kind;
    if (snprintf(self->folder, sizeof self->folder, "%s/kept", files_folder) >=
        (int)sizeof self->folder) {
        free(self);
        return NULL;
    }
    /* On a read-only disk what is there can be read all the same. */
    if (disk_make_folder(self->folder) != 0)
        (void)disk_error(&self->faults, "make_folder", self->folder);
    return &self->store;
}
