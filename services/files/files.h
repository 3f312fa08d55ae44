/*
 * The service files: uploads, and the bytes of finished files.
 *
 * Its handlers run on workers, side by side, and share a struct files that does not change after
 * the start but for its counters. What lasts is in the database and in the store, so any number of
 * instances may run over the same two.
 *
 * A file begins with a row (files.open) that counts towards its account's room. Its bytes come in
 * pieces (incoming.h), are checked at the end (files.finish), put into the store (store.h), and
 * then the row is told to be finished; each step can be repeated after a crash at any moment. Who
 * may see a file is decided elsewhere: table file_use names what shows it.
 */
#ifndef PARLEY_FILES_H
#define PARLEY_FILES_H

#include "common/service.h"
#include "proto/messages.h"
#include "services/files/incoming.h"
#include "services/files/preview.h"
#include "services/files/store_s3.h"

/* limit: client | time for an upload | {FILES_UPLOAD_MS} from its request on | it is no more:
 * `no_file` */
#define FILES_UPLOAD_MS 3600000
/*
 * limit: client | room of an account that a file takes | its size, at least {FILES_LEAST_BYTES}: so
 * there are at most 16,384 files where `account_files_bytes` is 1 GiB | `quota`
 */
#define FILES_LEAST_BYTES ((uint64_t)65536)
/* Bytes of a token before it is written as base64url, and of its stored form: the hash of that
 * text. */
#define FILES_TOKEN_BYTES 32
#define FILES_SHA256_BYTES 32
#define HOUR_MS ((uint64_t)3600000)

/* Where finished files are. */
enum files_store { FILES_STORE_FOLDER, FILES_STORE_S3 };

struct files_settings {
    struct service_settings service;
    struct db_settings db;
    uint64_t files_port, files_metrics_port;
    char *files_folder;
    uint64_t files_store; /* an enum files_store */
    struct store_s3_settings s3;
    uint64_t file_max_bytes, account_files_bytes, files_free_bytes, files_unused_hours;
    uint64_t finish_threads, files_nice;
    struct preview_settings preview;
};

struct house;

struct files_counts {
    struct metric *opened, *finished, *received_bytes, *served_bytes;
};

struct files {
    struct files_settings settings;
    struct incoming incoming;
    struct store *store;
    struct preview preview;
    struct files_counts counts;
    struct house *house;
};

/* How long a file is kept that nothing shows. */
static inline uint64_t files_unused_ms(const struct files *self) {
    return self->settings.files_unused_hours * HOUR_MS;
}

service_pool_handler files_handle_open, files_handle_state, files_handle_append,
    files_handle_abandon, files_handle_find, files_handle_read, files_handle_key,
    files_handle_set_sticker, files_handle_stickers, files_handle_check;
service_first_handler files_begin_finish;
service_costly_handler files_end_finish;

#endif
