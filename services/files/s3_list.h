/*
 * Reads the answer to a list of objects (ListObjectsV2): of its XML no more than the keys, their
 * sizes, and whether there are further ones.
 */
#ifndef PARLEY_FILES_S3_LIST_H
#define PARLEY_FILES_S3_LIST_H

#include "common/record.h"
#include "services/files/store.h"

/*
 * Adds the files whose objects are in `xml`, keys without `prefix`, to items[0..*count): a file and
 * its preview become one item. `more_r`: the server has further ones; `last_r`: the number of the
 * last one that was read. false: it is no such answer.
 */
bool s3_list_read(struct slice xml, const char *prefix, struct store_item *items, size_t most,
                  size_t *count, uint64_t *last_r, bool *more_r);

#endif
