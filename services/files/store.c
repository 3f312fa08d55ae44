/* Where the bytes of finished files are; see store.h. */
#include "services/files/store.h"

enum err store_put(struct store *self, uint64_t id, enum store_part part, const char *path) {
    return self->kind->put(self, id, part, path);
}

enum err store_read(struct store *self, uint64_t id, enum store_part part, uint64_t offset,
                    char *into, size_t length, size_t *read_r) {
    *read_r = 0;
    return self->kind->read(self, id, part, offset, into, length, read_r);
}

enum err store_size(struct store *self, uint64_t id, enum store_part part, uint64_t *size_r) {
    *size_r = 0;
    return self->kind->size(self, id, part, size_r);
}

/* The file last: while it is there, its preview may be, too. */
enum err store_remove(struct store *self, uint64_t id) {
    enum err err = self->kind->remove(self, id, STORE_PREVIEW);
    return err == ERR_OK ? self->kind->remove(self, id, STORE_FILE) : err;
}

enum err store_list(struct store *self, uint64_t after, struct store_item *items, size_t most,
                    size_t *count_r) {
    *count_r = 0;
    return self->kind->list(self, after, items, most, count_r);
}

void store_destroy(struct store **self) {
    if (*self != NULL)
        (*self)->kind->destroy(*self);
    *self = NULL;
}
