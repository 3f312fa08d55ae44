/*
 * parley-files: takes uploads, keeps the bytes of stickers, pictures and files, and reads them.
 */
#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "services/files/files.h"
#include "services/files/house.h"
#include "services/files/store_folder.h"
#include "services/schema/schema.h"

/* How long it takes to finish an upload, before any has been. */
#define FINISH_EXPECTED_US 100000

static const struct config_option options[] = {
    CONFIG_INCLUDE(struct files_settings, service, service_options),
    CONFIG_INCLUDE(struct files_settings, db, db_options),
    CONFIG_INCLUDE(struct files_settings, preview, preview_options),
    CONFIG_U64(struct files_settings, files_port, 7105, 1, 65535, "port", "where files listens"),
    CONFIG_U64(struct files_settings, files_metrics_port, 7115, 0, 65535, "port",
               "where files serves /metrics, /healthz and /readyz over HTTP; 0: nowhere"),
    CONFIG_STRING(struct files_settings, files_folder, "/var/lib/parley/files",
                  "the folder of uploads and files; the same one for all instances"),
    CONFIG_CHOICE(struct files_settings, files_store, FILES_STORE_FOLDER, "folder|s3",
                  "where finished files are: in files_folder, or in a bucket of an S3 server"),
    CONFIG_INCLUDE(struct files_settings, s3, store_s3_options),
    /* limit: client | size of a file | {file_max_bytes} | `file_too_large` */
    CONFIG_U64(struct files_settings, file_max_bytes, 100 << 20, 1, 1ULL << 40, "bytes",
               "how large a file may be"),
    /* limit: client | files of an account together, with uploads that are not finished (by the
       size that they announced) | {account_files_bytes} | `quota` */
    CONFIG_U64(struct files_settings, account_files_bytes, 1 << 30, 1, 1ULL << 50, "bytes",
               "how much room the files of an account may take together"),
    /* limit: files | room that uploads leave on the disk | {files_free_bytes} | `store_full` */
    CONFIG_U64(struct files_settings, files_free_bytes, 1 << 28, 0, 1ULL << 60, "bytes",
               "how much room uploads leave free on the disk of files_folder"),
    /* limit: client | a file that is never sent, or that nothing shows any more, since it was
       uploaded | {files_unused_hours} h | removed */
    CONFIG_U64(struct files_settings, files_unused_hours, 24, 1, 8760, "hours",
               "how long after its upload a file is kept that nothing shows"),
    /* limit: files | uploads that are finished at once | {finish_threads}; some more wait, if they
       will be done before their callers give up | `overloaded`, at once */
    CONFIG_U64(struct files_settings, finish_threads, 2, 1, DB_MAX_CONNECTIONS, "threads",
               "threads that check finished uploads and put them into the store, each with a "
               "connection beside db_connections"),
    CONFIG_U64(
        struct files_settings, files_nice, 5, 0, 19, "",
        "how far files, and what it starts for previews, stand back behind other programs on "
        "a machine that is busy (see nice(1)); 0: not at all"),
    CONFIG_END};

static const struct service_handler handlers[] = {
    {&message_FILES_OPEN, .pool = files_handle_open},
    {&message_FILES_STATE, .pool = files_handle_state},
    {&message_FILES_APPEND, .pool = files_handle_append},
    {&message_FILES_FINISH, .first = files_begin_finish, .costly = files_end_finish},
    {&message_FILES_ABANDON, .pool = files_handle_abandon},
    {&message_FILES_FIND, .pool = files_handle_find},
    {&message_FILES_READ, .pool = files_handle_read},
    {&message_FILES_KEY, .pool = files_handle_key},
    {&message_FILES_SET_STICKER, .pool = files_handle_set_sticker},
    {&message_FILES_STICKERS, .pool = files_handle_stickers},
    {&message_FILES_CHECK, .pool = files_handle_check},
};

static void count(struct service *service, struct files_counts *counts_r) {
    struct metrics *metrics = service_metrics(service);
    counts_r->opened =
        metrics_counter(metrics, "uploads_opened_total", "", "Uploads that were begun.");
    counts_r->finished =
        metrics_counter(metrics, "uploads_finished_total", "", "Uploads that were finished.");
    counts_r->received_bytes =
        metrics_counter(metrics, "upload_bytes_total", "", "Bytes of files that were taken.");
    counts_r->served_bytes =
        metrics_counter(metrics, "file_bytes_read_total", "", "Bytes of files that were read.");
}

/* NULL after a logged line. */
static struct store *store_new(const struct files_settings *settings) {
    if (settings->files_store == FILES_STORE_S3)
        return store_s3_new(&settings->s3);
    struct store *store = store_folder_new(settings->files_folder);
    if (store == NULL)
        log_error("start_failed", "reason=\"files_folder is too long a name, or out of memory\"");
    return store;
}

/* For this thread, those that it starts, and their processes. */
static void stand_back(uint64_t by) {
    errno = 0;
    if (nice((int)by) == -1 && errno != 0)
        log_warn("nice_failed", "reason=\"%s\"", strerror(errno));
}

static int start(struct service *service, void *context) {
    struct files *self = context;
    const struct files_settings *settings = &self->settings;
    stand_back(settings->files_nice);
    /* A file that grows over the process's limit is an error of the write, as a full disk is. */
    signal(SIGXFSZ, SIG_IGN);
    if (sodium_init() < 0) {
        log_error("start_failed", "reason=\"libsodium does not start\"");
        return -1;
    }
    if (disk_make_folder(settings->files_folder) != 0) {
        struct disk_faults faults = {0};
        (void)disk_error(&faults, "make_folder", settings->files_folder);
        return -1;
    }
    self->store = store_new(settings);
    if (self->store == NULL)
        return -1;
    if (incoming_prepare(&self->incoming, settings->files_folder, settings->files_free_bytes) !=
        0) {
        log_error("start_failed", "reason=\"files_folder is too long a name\"");
        return -1;
    }
    count(service, &self->counts);
    if (preview_prepare(&self->preview, &settings->preview, service_metrics(service)) != 0)
        return -1;
    if (service_use_pool(service, &settings->db, schema_check) != 0)
        return -1;
    self->house = house_new(service, self);
    if (self->house == NULL) {
        log_error("start_failed", "reason=\"out of memory\"");
        return -1;
    }
    return service_use_costly_pool(service, "finishes", &settings->db, settings->finish_threads,
                                   FINISH_EXPECTED_US);
}

static void finish(void *context) {
    struct files *self = context;
    house_destroy(&self->house);
    store_destroy(&self->store);
}

int main(int argc, char **argv) {
    static struct files files;
    const struct service_definition definition = {
        .name = "files",
        .program = {"parley-files", "keeps the bytes of files", "", options},
        .settings = &files.settings,
        .common = &files.settings.service,
        .port = &files.settings.files_port,
        .metrics_port = &files.settings.files_metrics_port,
        .handlers = handlers,
        .handler_count = sizeof handlers / sizeof handlers[0],
        .context = &files,
        .start = start,
        .finish = finish,
    };
    return service_main(&definition, argc, argv);
}
