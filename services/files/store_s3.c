/* The store `s3`; see store_s3.h. */
#include "services/files/store_s3.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/buffer.h"
#include "common/log.h"
#include "services/files/disk.h"
#include "services/files/file_hash.h"
#include "services/files/s3_list.h"

#define PREFIX "files/"
#define URL_BYTES 1024
#define LIST_KEYS 1000
#define MIB_SHIFT 20
#define SHA256_OF_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

const struct config_option store_s3_options[] = {
    CONFIG_STRING(struct store_s3_settings, s3_endpoint, "",
                  "of files_store s3: the server, https://host:port"),
    CONFIG_STRING(struct store_s3_settings, s3_bucket, "", "of files_store s3: the bucket"),
    CONFIG_STRING(struct store_s3_settings, s3_region, "us-east-1",
                  "of files_store s3: the region that requests are signed for"),
    CONFIG_STRING(struct store_s3_settings, s3_access_key, "", "of files_store s3: the access key"),
    CONFIG_SECRET(struct store_s3_settings, s3_secret_key, "", "of files_store s3: its secret"),
    CONFIG_U64(struct store_s3_settings, s3_timeout_ms, 30000, 100, 600000, "ms",
               "how long a request to the S3 server may take, and a second more for each MiB of a "
               "file that is put"),
    CONFIG_END};

struct store_s3 {
    struct store store; /* the first member */
    const struct store_s3_settings *settings;
    char provider[URL_BYTES], user[URL_BYTES];
    struct disk_faults faults;
    pthread_mutex_t mutex; /* of the next two */
    CURL *handles[S3_HANDLES_MAX];
    size_t handle_count;
};

/* What one request sends and receives. */
struct exchange {
    CURL *curl;
    char url[URL_BYTES];
    struct curl_slist *headers;
    /* Bytes of a file, up to `room`; else an answer of the server. */
    char *into;
    size_t room, got;
    struct buffer answer;
    long status;
};

/* --- a request ------------------------------------------------------------------------------- */

static CURL *take_handle(struct store_s3 *self) {
    pthread_mutex_lock(&self->mutex);
    CURL *curl = self->handle_count > 0 ? self->handles[--self->handle_count] : NULL;
    pthread_mutex_unlock(&self->mutex);
    return curl != NULL ? curl : curl_easy_init();
}

/* With its connection, which the next request goes on with. */
static void give_back(struct store_s3 *self, CURL *curl) {
    if (curl == NULL)
        return;
    curl_easy_reset(curl);
    pthread_mutex_lock(&self->mutex);
    if (self->handle_count < S3_HANDLES_MAX) {
        self->handles[self->handle_count++] = curl;
        curl = NULL;
    }
    pthread_mutex_unlock(&self->mutex);
    curl_easy_cleanup(curl);
}

/* A file's bytes where the server has sent some; what is more than was asked for ends the request.
 */
static size_t on_bytes(char *data, size_t one, size_t length, void *argument) {
    struct exchange *exchange = argument;
    long status = 0;
    (void)one;
    curl_easy_getinfo(exchange->curl, CURLINFO_RESPONSE_CODE, &status);
    if (exchange->into == NULL || status / 100 != 2) {
        buffer_add(&exchange->answer, data, length);
        return exchange->answer.failed ? 0 : length;
    }
    if (length > exchange->room - exchange->got)
        return 0;
    memcpy(exchange->into + exchange->got, data, length);
    exchange->got += length;
    return length;
}

static enum err begin(struct store_s3 *self, struct exchange *exchange, const char *path) {
    const struct store_s3_settings *settings = self->settings;
    *exchange =
        (struct exchange){.curl = take_handle(self), .answer = buffer_make(S3_ANSWER_BYTES)};
    CURL *curl = exchange->curl;
    if (curl == NULL)
        return ERR_OVERLOADED;
    snprintf(exchange->url, sizeof exchange->url, "%s/%s%s", settings->s3_endpoint,
             settings->s3_bucket, path);
    curl_easy_setopt(curl, CURLOPT_URL, exchange->url);
    curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, self->provider);
    curl_easy_setopt(curl, CURLOPT_USERPWD, self->user);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)S3_CONNECT_MS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)settings->s3_timeout_ms);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, exchange);
    return ERR_OK;
}

static enum err begin_object(struct store_s3 *self, struct exchange *exchange, uint64_t id,
                             enum store_part part) {
    char path[URL_BYTES];
    snprintf(path, sizeof path, "/" PREFIX "%016" PRIx64 "%s", id,
             part == STORE_PREVIEW ? ".preview" : "");
    return begin(self, exchange, path);
}

static enum err fail(struct store_s3 *self, const struct exchange *exchange, const char *what,
                     const char *reason) {
    if (disk_may_log(&self->faults))
        log_error("store_failed", "what=%s url=\"%s\" status=%ld reason=\"%s\"", what,
                  exchange->url, exchange->status, reason);
    return exchange->status == 507 ? ERR_STORE_FULL : ERR_UNAVAILABLE;
}

static bool has_no_bucket(const struct exchange *exchange) {
    static const char word[] = "NoSuchBucket";
    return exchange->answer.length > 0 &&
           memmem(exchange->answer.data, exchange->answer.length, word, sizeof word - 1) != NULL;
}

/* Carries it out; frees nothing yet. no_file: there is no such object. */
static enum err perform(struct store_s3 *self, struct exchange *exchange, const char *what) {
    /* Servers want it from all; older releases of libcurl add it to some requests alone. */
    if (exchange->headers == NULL)
        exchange->headers = curl_slist_append(NULL, "x-amz-content-sha256:" SHA256_OF_NOTHING);
    if (exchange->headers == NULL)
        return ERR_OVERLOADED;
    curl_easy_setopt(exchange->curl, CURLOPT_HTTPHEADER, exchange->headers);
    CURLcode code = curl_easy_perform(exchange->curl);
    curl_easy_getinfo(exchange->curl, CURLINFO_RESPONSE_CODE, &exchange->status);
    if (code != CURLE_OK)
        return fail(self, exchange, what, curl_easy_strerror(code));
    if (exchange->status / 100 == 2)
        return ERR_OK;
    if (exchange->status == 404 && !has_no_bucket(exchange))
        return ERR_NO_FILE;
    return fail(self, exchange, what, "the server refused it");
}

static void end(struct store_s3 *self, struct exchange *exchange) {
    give_back(self, exchange->curl);
    curl_slist_free_all(exchange->headers);
    buffer_free(&exchange->answer);
}

/* --- the store ------------------------------------------------------------------------------- */

/* With the hash of its bytes, which the server checks. */
static enum err add_hash(struct exchange *exchange, const char *path) {
    unsigned char sha256[FILE_HASH_BYTES];
    char header[128] = "x-amz-content-sha256:";
    enum err err = file_hash(path, sha256);
    size_t length = strlen(header);
    for (size_t i = 0; i < sizeof sha256; i++)
        length += (size_t)snprintf(header + length, sizeof header - length, "%02x", sha256[i]);
    exchange->headers = curl_slist_append(NULL, header);
    return err == ERR_OK && exchange->headers == NULL ? ERR_OVERLOADED : err;
}

static enum err put_from(struct store_s3 *self, struct exchange *exchange, FILE *file,
                         const char *path) {
    struct stat found;
    if (fstat(fileno(file), &found) != 0)
        return disk_error(&self->faults, "look", path);
    const uint64_t mib = (uint64_t)found.st_size >> MIB_SHIFT;
    curl_easy_setopt(exchange->curl, CURLOPT_TIMEOUT_MS,
                     (long)(self->settings->s3_timeout_ms + S3_MS_PER_MIB * mib));
    curl_easy_setopt(exchange->curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(exchange->curl, CURLOPT_READDATA, file);
    curl_easy_setopt(exchange->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)found.st_size);
    enum err err = add_hash(exchange, path);
    if (err == ERR_OK)
        err = perform(self, exchange, "put");
    /* There is no bucket of that name. */
    return err == ERR_NO_FILE ? fail(self, exchange, "put", "not found") : err;
}

static enum err put(struct store *store, uint64_t id, enum store_part part, const char *path) {
    struct store_s3 *self = (struct store_s3 *)store;
    struct exchange exchange;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return disk_error(&self->faults, "open", path);
    enum err err = begin_object(self, &exchange, id, part);
    if (err == ERR_OK)
        err = put_from(self, &exchange, file, path);
    end(self, &exchange);
    fclose(file);
    return err;
}

static enum err read_part(struct store *store, uint64_t id, enum store_part part, uint64_t offset,
                          char *into, size_t length, size_t *read_r) {
    struct store_s3 *self = (struct store_s3 *)store;
    struct exchange exchange;
    char range[64];
    enum err err = begin_object(self, &exchange, id, part);
    if (err == ERR_OK) {
        snprintf(range, sizeof range, "%" PRIu64 "-%" PRIu64, offset, offset + length - 1);
        exchange.into = into;
        exchange.room = length;
        curl_easy_setopt(exchange.curl, CURLOPT_RANGE, range);
        err = perform(self, &exchange, "read");
        *read_r = exchange.got;
        /* Behind its end. */
        if (err != ERR_OK && exchange.status == 416)
            err = ERR_OK;
    }
    end(self, &exchange);
    return err;
}

static enum err size_of(struct store *store, uint64_t id, enum store_part part, uint64_t *size_r) {
    struct store_s3 *self = (struct store_s3 *)store;
    struct exchange exchange;
    curl_off_t size = 0;
    enum err err = begin_object(self, &exchange, id, part);
    if (err == ERR_OK) {
        curl_easy_setopt(exchange.curl, CURLOPT_NOBODY, 1L);
        err = perform(self, &exchange, "look");
        curl_easy_getinfo(exchange.curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &size);
        *size_r = size > 0 ? (uint64_t)size : 0;
    }
    end(self, &exchange);
    return err;
}

static enum err remove_part(struct store *store, uint64_t id, enum store_part part) {
    struct store_s3 *self = (struct store_s3 *)store;
    struct exchange exchange;
    enum err err = begin_object(self, &exchange, id, part);
    if (err == ERR_OK) {
        curl_easy_setopt(exchange.curl, CURLOPT_CUSTOMREQUEST, "DELETE");
        err = perform(self, &exchange, "remove");
    }
    end(self, &exchange);
    return err == ERR_NO_FILE ? ERR_OK : err;
}

/* The parameters stand in the order in which they are signed. `~` is behind what a preview's key
 * has. */
static enum err list_page(struct store_s3 *self, uint64_t *after, struct store_item *items,
                          size_t most, size_t *count, bool *more_r) {
    struct exchange exchange;
    char path[URL_BYTES];
    snprintf(path, sizeof path,
             "?list-type=2&max-keys=%d&prefix=files%%2F&start-after=files%%2F%016" PRIx64 "~",
             LIST_KEYS, *after);
    enum err err = begin(self, &exchange, path);
    if (err == ERR_OK)
        err = perform(self, &exchange, "list");
    if (err == ERR_OK && !s3_list_read(slice_make(exchange.answer.data, exchange.answer.length),
                                       PREFIX, items, most, count, after, more_r))
        err = fail(self, &exchange, "list", "no list of objects");
    if (err == ERR_NO_FILE)
        err = fail(self, &exchange, "list", "not found");
    end(self, &exchange);
    return err;
}

static enum err list_files(struct store *store, uint64_t after, struct store_item *items,
                           size_t most, size_t *count_r) {
    struct store_s3 *self = (struct store_s3 *)store;
    bool more = true;
    enum err err = ERR_OK;
    while (err == ERR_OK && more && *count_r < most)
        err = list_page(self, &after, items, most, count_r, &more);
    return err;
}

static void destroy(struct store *store) {
    struct store_s3 *self = (struct store_s3 *)store;
    while (self->handle_count > 0)
        curl_easy_cleanup(self->handles[--self->handle_count]);
    pthread_mutex_destroy(&self->mutex);
    free(self);
}

static const struct store_kind kind = {.put = put,
                                       .read = read_part,
                                       .size = size_of,
                                       .remove = remove_part,
                                       .list = list_files,
                                       .destroy = destroy};

/* --- life ------------------------------------------------------------------------------------ */

static bool is_endpoint(const char *text) {
    const size_t length = strlen(text);
    return (strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0) && length > 8 &&
           length < URL_BYTES / 2 && text[length - 1] != '/';
}

/* A name of a bucket needs no quoting in an address. */
static bool is_bucket(const char *text) {
    const size_t length = strlen(text);
    return length >= 3 && length <= 63 &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-") == length;
}

struct store *store_s3_new(const struct store_s3_settings *settings) {
    const char *wrong = !is_endpoint(settings->s3_endpoint)  ? "s3_endpoint"
                        : !is_bucket(settings->s3_bucket)    ? "s3_bucket"
                        : settings->s3_region[0] == '\0'     ? "s3_region"
                        : settings->s3_access_key[0] == '\0' ? "s3_access_key"
                        : settings->s3_secret_key[0] == '\0' ? "s3_secret_key"
                                                             : NULL;
    if (wrong != NULL) {
        log_error("start_failed", "reason=\"files_store=s3 needs %s\"", wrong);
        return NULL;
    }
    struct store_s3 *self = calloc(1, sizeof *self);
    if (self == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        log_error("start_failed", "reason=\"libcurl does not start\"");
        free(self);
        return NULL;
    }
    self->store.kind = &kind;
    self->settings = settings;
    pthread_mutex_init(&self->mutex, NULL);
    snprintf(self->provider, sizeof self->provider, "aws:amz:%s:s3", settings->s3_region);
    snprintf(self->user, sizeof self->user, "%s:%s", settings->s3_access_key,
             settings->s3_secret_key);
    return &self->store;
}
