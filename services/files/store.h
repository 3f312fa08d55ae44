/*
 * Where the bytes of finished files are.
 *
 *     struct store *store = store_folder_new(folder);
 *     store_put(store, id, STORE_FILE, path);                    on disk once it has returned
 *     store_read(store, id, STORE_FILE, offset, into, length, &read);
 *     store_destroy(&store);
 *
 * Always: what is found under a file's name is all of it. Every function may be called on any
 * thread, and may block for as long as the store takes.
 */
#ifndef PARLEY_FILES_STORE_H
#define PARLEY_FILES_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

enum store_part { STORE_FILE, STORE_PREVIEW };

struct store;

/* A file that has bytes in the store, its preview or what is left of a put included. */
struct store_item {
    uint64_t id, size; /* size: of the file itself, 0 where it is missing */
};

/* A kind of store. */
struct store_kind {
    enum err (*put)(struct store *self, uint64_t id, enum store_part part, const char *path);
    enum err (*read)(struct store *self, uint64_t id, enum store_part part, uint64_t offset,
                     char *into, size_t length, size_t *read_r);
    enum err (*size)(struct store *self, uint64_t id, enum store_part part, uint64_t *size_r);
    enum err (*remove)(struct store *self, uint64_t id, enum store_part part);
    enum err (*list)(struct store *self, uint64_t after, struct store_item *items, size_t most,
                     size_t *count_r);
    void (*destroy)(struct store *self);
};

/* The first member of a kind's own structure. */
struct store {
    const struct store_kind *kind;
};

/* Takes the bytes of the file at `path`, which stays as it is; once more replaces them. They are
 * there for good when it returns ERR_OK. */
enum err store_put(struct store *self, uint64_t id, enum store_part part, const char *path)
    __attribute__((warn_unused_result));
/* no_file: there are no such bytes. At the end there are fewer than `length`. */
enum err store_read(struct store *self, uint64_t id, enum store_part part, uint64_t offset,
                    char *into, size_t length, size_t *read_r) __attribute__((warn_unused_result));
/* no_file: there are no such bytes. */
enum err store_size(struct store *self, uint64_t id, enum store_part part, uint64_t *size_r)
    __attribute__((warn_unused_result));
/* The file and its preview; that there are none is no fault. */
enum err store_remove(struct store *self, uint64_t id) __attribute__((warn_unused_result));
/* The files with larger numbers, in their order, `most` of them if there are so many. */
enum err store_list(struct store *self, uint64_t after, struct store_item *items, size_t most,
                    size_t *count_r) __attribute__((warn_unused_result));
void store_destroy(struct store **self);

#endif
