/*
 * What the parts that write to a disk share: names of files, syncing, and errors.
 */
#ifndef PARLEY_FILES_DISK_H
#define PARLEY_FILES_DISK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

/* Bytes of a path, with its 0. */
#define DISK_PATH_BYTES 1024
/* limit: files | a fault of the disk in the log | once in {DISK_LOG_MS} | counted only */
#define DISK_LOG_MS 60000

/* A fault of a disk, and when one was logged; it may be shared by threads. */
struct disk_faults {
    _Atomic int64_t logged_ms;
};

/* `folder`/`name` of the file: 16 lower-case hexadecimal digits. -1: it is too long. */
int disk_path(char path_r[DISK_PATH_BYTES], const char *folder, uint64_t id, const char *suffix)
    __attribute__((warn_unused_result));
/* The number that a name begins with, and what follows it; false: it is no such name. */
bool disk_parse_name(const char *name, uint64_t *id_r, const char **suffix_r);

/* Whether a fault is to be logged now: none was of late. */
bool disk_may_log(struct disk_faults *faults);
/* Of `errno`: store_full where there is no room, overloaded where descriptors are short, else
 * unavailable. Logged, unless one was of late. */
enum err disk_error(struct disk_faults *faults, const char *what, const char *path);

/* The folder, if need be made, private to this user; its entry in the folder above is on disk. */
int disk_make_folder(const char *path) __attribute__((warn_unused_result));
/* Has the entries of a folder on disk. */
int disk_sync_folder(const char *path) __attribute__((warn_unused_result));
/* Writes all, or fails with what was written. */
int disk_write(int fd, const char *data, uint64_t length, uint64_t offset)
    __attribute__((warn_unused_result));
/* Whether files may be made and removed in a folder. */
bool disk_can_write(const char *folder);
/* Whether the disk has so many bytes to spare; true where that cannot be found. */
bool disk_has_room(const char *path, uint64_t bytes);

#endif
