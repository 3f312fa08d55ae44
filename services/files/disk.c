/* Names, syncing and errors of a disk; see disk.h. */
#include "services/files/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/log.h"
#include "common/loop.h"

#define NAME_DIGITS 16

int disk_path(char path_r[DISK_PATH_BYTES], const char *folder, uint64_t id, const char *suffix) {
    int length = snprintf(path_r, DISK_PATH_BYTES, "%s/%016" PRIx64 "%s", folder, id, suffix);
    if (length < DISK_PATH_BYTES)
        return 0;
    errno = ENAMETOOLONG;
    return -1;
}

bool disk_parse_name(const char *name, uint64_t *id_r, const char **suffix_r) {
    if (strspn(name, "0123456789abcdef") != NAME_DIGITS)
        return false;
    *suffix_r = name + NAME_DIGITS;
    char digits[NAME_DIGITS + 1] = "";
    memcpy(digits, name, NAME_DIGITS);
    *id_r = strtoull(digits, NULL, 16);
    return *id_r != 0;
}

bool disk_may_log(struct disk_faults *faults) {
    const int64_t now_ms = loop_now_ms();
    int64_t logged_ms = atomic_load(&faults->logged_ms);
    return (logged_ms == 0 || now_ms - logged_ms >= DISK_LOG_MS) &&
           atomic_compare_exchange_strong(&faults->logged_ms, &logged_ms, now_ms);
}

enum err disk_error(struct disk_faults *faults, const char *what, const char *path) {
    const int error = errno;
    if (disk_may_log(faults))
        log_error("store_failed", "what=%s path=\"%s\" reason=\"%s\"", what, path, strerror(error));
    switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return ERR_STORE_FULL;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        return ERR_OVERLOADED;
    default:
        return ERR_UNAVAILABLE;
    }
}

int disk_sync_folder(const char *path) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int status = fsync(fd), error = errno;
    close(fd);
    errno = error;
    return status;
}

int disk_make_folder(const char *path) {
    char above[DISK_PATH_BYTES];
    if (mkdir(path, 0700) != 0)
        return errno == EEXIST ? 0 : -1;
    const char *last = strrchr(path, '/');
    if (last == NULL || last == path)
        return 0;
    snprintf(above, sizeof above, "%.*s", (int)(last - path), path);
    return disk_sync_folder(above);
}

int disk_write(int fd, const char *data, uint64_t length, uint64_t offset) {
    while (length > 0) {
        ssize_t written = pwrite(fd, data, length, (off_t)offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return -1;
        data += written;
        offset += (uint64_t)written;
        length -= (uint64_t)written;
    }
    return 0;
}

bool disk_can_write(const char *folder) { return access(folder, W_OK | X_OK) == 0; }

bool disk_has_room(const char *path, uint64_t bytes) {
    struct statvfs room;
    return statvfs(path, &room) != 0 || (uint64_t)room.f_bavail >= bytes / room.f_frsize;
}
