/* Uploads that are not finished; see incoming.h. */
#include "services/files/incoming.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/loop.h"

/* Between two tries at a lock. */
#define LOCK_PAUSE_NS 2000000

int incoming_prepare(struct incoming *self, const char *files_folder, uint64_t free_bytes) {
    self->free_bytes = free_bytes;
    int length = snprintf(self->lock, sizeof self->lock, "%s/incoming/lock", files_folder);
    if (length >= (int)sizeof self->lock)
        return -1;
    snprintf(self->folder, sizeof self->folder, "%s/incoming", files_folder);
    if (disk_make_folder(self->folder) != 0)
        (void)disk_error(&self->faults, "make_folder", self->folder);
    return 0;
}

/* On the byte of the file `lock` that has the upload's number. */
static enum err take_lock(struct incoming *self, int fd, uint64_t id) {
    const int64_t end_ms = loop_now_ms() + INCOMING_LOCK_MS;
    struct flock lock = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)(id & INT64_MAX), .l_len = 1};
    while (fcntl(fd, F_OFD_SETLK, &lock) != 0) {
        if (errno != EAGAIN && errno != EACCES && errno != EINTR)
            return disk_error(&self->faults, "lock", self->lock);
        if (loop_now_ms() >= end_ms)
            return ERR_OVERLOADED;
        nanosleep(&(struct timespec){.tv_nsec = LOCK_PAUSE_NS}, NULL);
    }
    return ERR_OK;
}

enum err incoming_open(struct incoming *self, uint64_t id, struct upload *upload_r) {
    *upload_r = (struct upload){.incoming = self, .lock = -1};
    if (disk_path(upload_r->part, self->folder, id, ".part") != 0 ||
        disk_path(upload_r->whole, self->folder, id, ".whole") != 0 ||
        disk_path(upload_r->preview, self->folder, id, ".preview") != 0)
        return ERR_INTERNAL;
    upload_r->lock = open(self->lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return upload_r->lock < 0 ? disk_error(&self->faults, "open_lock", self->lock)
                              : take_lock(self, upload_r->lock, id);
}

void upload_close(struct upload *upload) {
    if (upload->lock >= 0)
        close(upload->lock);
    upload->lock = -1;
}

enum err upload_size(const struct upload *upload, uint64_t *size_r, bool *whole_r) {
    struct stat found;
    *size_r = 0;
    *whole_r = stat(upload->whole, &found) == 0;
    if (!*whole_r && stat(upload->part, &found) != 0)
        return errno == ENOENT ? ERR_OK
                               : disk_error(&upload->incoming->faults, "look", upload->part);
    *size_r = (uint64_t)found.st_size;
    return ERR_OK;
}

/* Their number, too. */
static enum err sync_bytes(const struct upload *upload) {
    int fd = open(upload->part, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? ERR_OK
                               : disk_error(&upload->incoming->faults, "open", upload->part);
    enum err err =
        fdatasync(fd) == 0 ? ERR_OK : disk_error(&upload->incoming->faults, "sync", upload->part);
    close(fd);
    return err;
}

enum err upload_sync(const struct upload *upload) {
    enum err err = sync_bytes(upload);
    if (err == ERR_OK && disk_sync_folder(upload->incoming->folder) != 0)
        err = disk_error(&upload->incoming->faults, "sync", upload->incoming->folder);
    return err;
}

static enum err append_to(int fd, const struct upload *upload, uint64_t offset, struct slice data) {
    struct incoming *incoming = upload->incoming;
    struct stat found;
    if (fstat(fd, &found) != 0)
        return disk_error(&incoming->faults, "look", upload->part);
    if ((uint64_t)found.st_size != offset)
        return ERR_WRONG_OFFSET;
    if (!disk_has_room(incoming->folder, incoming->free_bytes)) {
        errno = ENOSPC;
        return disk_error(&incoming->faults, "keep_free", incoming->folder);
    }
    if (disk_write(fd, data.data, data.length, offset) == 0) {
        /* Writes begin at once, so that the sync at the end finds little to do. */
        (void)sync_file_range(fd, (off_t)offset, (off_t)data.length, SYNC_FILE_RANGE_WRITE);
        return ERR_OK;
    }
    enum err err = disk_error(&incoming->faults, "append", upload->part);
    /* Where that fails, too, the caller finds out by the next offset. */
    if (ftruncate(fd, (off_t)offset) != 0)
        (void)disk_error(&incoming->faults, "truncate", upload->part);
    return err;
}

enum err upload_append(const struct upload *upload, uint64_t offset, struct slice data) {
    int fd = open(upload->part, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return disk_error(&upload->incoming->faults, "open", upload->part);
    enum err err = append_to(fd, upload, offset, data);
    close(fd);
    return err;
}

enum err upload_set_whole(const struct upload *upload) {
    enum err err = sync_bytes(upload);
    if (err == ERR_OK && rename(upload->part, upload->whole) != 0)
        err = disk_error(&upload->incoming->faults, "rename", upload->part);
    return err;
}

enum err upload_clear(const struct upload *upload) {
    if (unlink(upload->part) == 0 || errno == ENOENT)
        return ERR_OK;
    return disk_error(&upload->incoming->faults, "remove", upload->part);
}

/* Keeps the smallest ones, in their order, each once. */
static void keep(uint64_t id, uint64_t *ids, size_t most, size_t *count) {
    size_t place = *count;
    while (place > 0 && ids[place - 1] > id)
        place--;
    if (place == most || (place > 0 && ids[place - 1] == id))
        return;
    if (*count < most)
        ++*count;
    memmove(&ids[place + 1], &ids[place], (*count - place - 1) * sizeof *ids);
    ids[place] = id;
}

enum err incoming_list(struct incoming *self, uint64_t after, uint64_t *ids, size_t most,
                       size_t *count_r) {
    DIR *folder = opendir(self->folder);
    *count_r = 0;
    if (folder == NULL)
        return disk_error(&self->faults, "list", self->folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        const char *suffix;
        uint64_t id;
        if (disk_parse_name(entry->d_name, &id, &suffix) && suffix[0] == '.' && id > after)
            keep(id, ids, most, count_r);
    }
    closedir(folder);
    return ERR_OK;
}

void upload_remove(const struct upload *upload) {
    const char *const paths[] = {upload->part, upload->whole, upload->preview};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        if (unlink(paths[i]) != 0 && errno != ENOENT)
            (void)disk_error(&upload->incoming->faults, "remove", paths[i]);
}
