/*
 * Uploads that are not finished, on disk, in the folder `incoming`: the bytes of each that have
 * come (`ID.part`), later all of them, checked (`ID.whole`), and their preview (`ID.preview`).
 *
 *     struct upload upload;
 *     enum err err = incoming_open(incoming, id, &upload);           has the upload's lock
 *     if (err == ERR_OK) err = upload_append(&upload, offset, data);
 *     upload_close(&upload);
 *
 * The lock is on a byte of the file `lock` in that folder, so it holds among instances on one
 * machine and, where the file system takes it along (NFS 4), among machines; a process that ends
 * has none. What was written stays where a process is killed. It is safe from the machine's end
 * once upload_sync has returned.
 *
 * An upload is one inode, which the store takes over, and no folder or lock of its own: ext4 finds
 * new inodes the slower, the more were freed of late.
 */
#ifndef PARLEY_FILES_INCOMING_H
#define PARLEY_FILES_INCOMING_H

#include "common/record.h"
#include "services/files/disk.h"

/*
 * limit: files | wait for another request that works at the same upload | {INCOMING_LOCK_MS} |
 * `overloaded`
 */
#define INCOMING_LOCK_MS 1000

struct incoming {
    char folder[DISK_PATH_BYTES], lock[DISK_PATH_BYTES];
    uint64_t free_bytes; /* that uploads leave free on the disk */
    struct disk_faults faults;
};

struct upload {
    struct incoming *incoming;
    char part[DISK_PATH_BYTES], whole[DISK_PATH_BYTES], preview[DISK_PATH_BYTES];
    int lock; /* -1: there is none */
};

/* In this folder, which is made if it can be: on a read-only disk uploads fail, and nothing else
 * does. -1: the folder's name is too long. */
int incoming_prepare(struct incoming *self, const char *files_folder, uint64_t free_bytes)
    __attribute__((warn_unused_result));

/* Locks an upload, whether anything has come of it or not. upload_close it, also after an error. */
enum err incoming_open(struct incoming *self, uint64_t id, struct upload *upload_r)
    __attribute__((warn_unused_result));
void upload_close(struct upload *upload);
/* The numbers of uploads larger than `after`, in their order, `most` of them if there are so many.
 */
enum err incoming_list(struct incoming *self, uint64_t after, uint64_t *ids, size_t most,
                       size_t *count_r) __attribute__((warn_unused_result));

/* Bytes that have come; `whole_r`: all of them, and they are checked. */
enum err upload_size(const struct upload *upload, uint64_t *size_r, bool *whole_r)
    __attribute__((warn_unused_result));
/* Has them stay there whatever happens. */
enum err upload_sync(const struct upload *upload) __attribute__((warn_unused_result));
/* wrong_offset unless as many bytes are there. After an error they are still as many. */
enum err upload_append(const struct upload *upload, uint64_t offset, struct slice data)
    __attribute__((warn_unused_result));
/* Notes that the bytes are all there, and right. Where that is found they are; the machine's end
 * may take the upload as a whole, until store_put has taken the bytes. */
enum err upload_set_whole(const struct upload *upload) __attribute__((warn_unused_result));
/* It begins anew. */
enum err upload_clear(const struct upload *upload) __attribute__((warn_unused_result));
/* Removes all that is there of it; what cannot be removed stays. */
void upload_remove(const struct upload *upload);

#endif
