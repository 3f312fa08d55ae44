/* Uploads that are not finished; see incoming.h. */
#include "services/files/incoming.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/loop.h"

/* Between two tries at a lock. */
#define LOCK_PAUSE_NS 2000000

int incoming_prepare(struct incoming *self, const char *files_folder, uint64_t free_bytes) {
    self->free_bytes = free_bytes;
    int length = snprintf(self->folder, sizeof self->folder, "%s/incoming", files_folder);
    if (length >= (int)sizeof self->folder)
        return -1;
    if (disk_make_folder(self->folder) != 0)
        (void)disk_error(&self->faults, "make_folder", self->folder);
    return 0;
}

static int name_in(char path_r[DISK_PATH_BYTES], const char *folder, const char *name) {
    return snprintf(path_r, DISK_PATH_BYTES, "%s/%s", folder, name) < DISK_PATH_BYTES ? 0 : -1;
}

/* Whether the file that is locked is still the one of this name: the upload may have been removed
 * in the meantime. */
static bool is_still_there(int fd, const char *path) {
    struct stat mine, named;
    return fstat(fd, &mine) == 0 && stat(path, &named) == 0 && mine.st_ino == named.st_ino &&
           mine.st_dev == named.st_dev;
}

static enum err take_lock(struct incoming *self, int fd, const char *path) {
    const int64_t end_ms = loop_now_ms() + INCOMING_LOCK_MS;
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return disk_error(&self->faults, "lock", path);
        if (loop_now_ms() >= end_ms)
            return ERR_OVERLOADED;
        nanosleep(&(struct timespec){.tv_nsec = LOCK_PAUSE_NS}, NULL);
    }
    return ERR_OK;
}

/* ERR_NO_FILE: it is not there, or has just been removed. */
static enum err open_once(struct incoming *self, bool make, const char *lock,
                          struct upload *upload) {
    if (make && mkdir(upload->folder, 0700) != 0 && errno != EEXIST)
        return disk_error(&self->faults, "make_upload", upload->folder);
    upload->lock = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (upload->lock < 0)
        return errno == ENOENT ? ERR_NO_FILE : disk_error(&self->faults, "open_lock", lock);
    enum err err = take_lock(self, upload->lock, lock);
    if (err == ERR_OK && !is_still_there(upload->lock, lock))
        err = ERR_NO_FILE;
    if (err != ERR_OK)
        upload_close(upload);
    return err;
}

enum err incoming_open(struct incoming *self, uint64_t id, bool make, struct upload *upload_r) {
    char lock[DISK_PATH_BYTES];
    *upload_r = (struct upload){.incoming = self, .lock = -1};
    if (disk_path(upload_r->folder, self->folder, id, "") != 0 ||
        name_in(upload_r->part, upload_r->folder, "part") != 0 ||
        name_in(upload_r->whole, upload_r->folder, "whole") != 0 ||
        name_in(upload_r->preview, upload_r->folder, "preview") != 0 ||
        name_in(lock, upload_r->folder, "lock") != 0)
        return ERR_INTERNAL;
    enum err err = open_once(self, make, lock, upload_r);
    /* It was removed between the folder and the lock: once more. */
    return err == ERR_NO_FILE && make ? open_once(self, make, lock, upload_r) : err;
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
    if (err == ERR_OK &&
        (disk_sync_folder(upload->folder) != 0 || disk_sync_folder(upload->incoming->folder) != 0))
        err = disk_error(&upload->incoming->faults, "sync", upload->folder);
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

/* Keeps the smallest ones, in their order. */
static void keep(uint64_t id, uint64_t *ids, size_t most, size_t *count) {
    size_t place = *count;
    while (place > 0 && ids[place - 1] > id)
        place--;
    if (place == most)
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
        if (disk_parse_name(entry->d_name, &id, &suffix) && suffix[0] == '\0' && id > after)
            keep(id, ids, most, count_r);
    }
    closedir(folder);
    return ERR_OK;
}

/* The lock last: whoever waits for it finds that the upload is no more. */
void upload_remove(const struct upload *upload) {
    char lock[DISK_PATH_BYTES];
    if (name_in(lock, upload->folder, "lock") != 0)
        return;
    bool removed = (unlink(upload->part) == 0 || errno == ENOENT) &&
                   (unlink(upload->whole) == 0 || errno == ENOENT) &&
                   (unlink(upload->preview) == 0 || errno == ENOENT) &&
                   (unlink(lock) == 0 || errno == ENOENT) && rmdir(upload->folder) == 0;
    if (!removed)
        (void)disk_error(&upload->incoming->faults, "remove", upload->folder);
}
