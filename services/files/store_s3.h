/*
 * The store `s3`: the objects `files/ID` and `files/ID.preview` of a bucket, at any server that
 * speaks S3, by path (ENDPOINT/BUCKET/KEY), signed with AWS's signature 4. Uploads wait in
 * `files_folder` until they are finished.
 *
 * Errors: store_full where the server has no room (507), unavailable for everything else that a
 * later try may mend; logged like those of a disk (disk.h), never with a key.
 */
#ifndef PARLEY_FILES_STORE_S3_H
#define PARLEY_FILES_STORE_S3_H

#include "common/config.h"
#include "services/files/store.h"

/*
 * limit: files | connecting to the S3 server; all of a request to it | {S3_CONNECT_MS};
 * {s3_timeout_ms}, and {S3_MS_PER_MIB} more for each MiB that is put | `unavailable`
 */
#define S3_CONNECT_MS 5000
#define S3_MS_PER_MIB 1000
/* limit: files | an answer of the S3 server that is no file: a list, a fault | {S3_ANSWER_BYTES} |
 * `unavailable` */
#define S3_ANSWER_BYTES ((size_t)4 << 20)
/* limit: files | connections to the S3 server that are kept | {S3_HANDLES_MAX} | closed */
#define S3_HANDLES_MAX 64

struct store_s3_settings {
    char *s3_endpoint, *s3_bucket, *s3_region, *s3_access_key, *s3_secret_key;
    uint64_t s3_timeout_ms;
};
extern const struct config_option store_s3_options[];

/* `settings` must outlive it. NULL after a logged line: an option is missing or wrong, or memory.
 */
struct store *store_s3_new(const struct store_s3_settings *settings)
    __attribute__((warn_unused_result));

#endif
