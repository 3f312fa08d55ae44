/* Files over HTTP; see http.h. */
#include "services/ctl/chat/http.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "common/curl_loop.h"

/* Of an answer that says what was wrong. */
#define ANSWER_BYTES ((size_t)4096)
#define URL_BYTES 2048

struct chat_http {
    struct chat_http_options options;
    struct curl_loop *loop;
    CURL *curl; /* NULL: nothing is under way */
    struct curl_slist *headers;
    FILE *file;
    bool down;
    struct buffer answer; /* to an upload, or a refusal */
    char fault[CURL_ERROR_SIZE];
    chat_http_done *done;
    void *argument;
};

static void on_ended(void *transfer, CURLcode code);

struct chat_http *chat_http_new(struct ev_loop *ev, const struct chat_http_options *options) {
    struct chat_http *self = calloc(1, sizeof *self);
    if (self == NULL || (self->loop = curl_loop_new(ev, 1, on_ended)) == NULL) {
        free(self);
        return NULL;
    }
    self->options = *options;
    self->answer = buffer_make(ANSWER_BYTES);
    return self;
}

void chat_http_stop(struct chat_http *self) {
    if (self->curl == NULL)
        return;
    curl_loop_stop(self->loop, self->curl);
    curl_easy_cleanup(self->curl);
    curl_slist_free_all(self->headers);
    self->curl = NULL;
    self->headers = NULL;
}

void chat_http_destroy(struct chat_http **self_p) {
    struct chat_http *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    chat_http_stop(self);
    curl_loop_destroy(&self->loop);
    buffer_free(&self->answer);
    free(self);
}

bool chat_http_is_busy(const struct chat_http *self) { return self->curl != NULL; }

const char *chat_http_prefix(const char *server, const char *url) {
    return url[0] == '/' ? server : "";
}

/* --- the end --------------------------------------------------------------------------------- */

static bool may_pass(long status) {
    return status == 0 || status == 408 || status == 409 || status == 429 || status / 100 == 5;
}

/* What the answer says, or its status. */
static void find_reason(const struct chat_http *self, long status,
                        char reason_r[CHAT_HTTP_REASON_BYTES]) {
    cJSON *answer = self->answer.length == 0
                        ? NULL
                        : cJSON_ParseWithLength(self->answer.data, self->answer.length);
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(answer, "text"));
    if (text != NULL)
        snprintf(reason_r, CHAT_HTTP_REASON_BYTES, "%s", text);
    else
        snprintf(reason_r, CHAT_HTTP_REASON_BYTES, "the server answered %ld", status);
    cJSON_Delete(answer);
}

static void on_ended(void *transfer, CURLcode code) {
    struct chat_http *self = transfer;
    char reason[CHAT_HTTP_REASON_BYTES] = "";
    long status = 0;
    curl_easy_getinfo(self->curl, CURLINFO_RESPONSE_CODE, &status);
    struct chat_http_result result = {.done = code == CURLE_OK && status / 100 == 2,
                                      .reason = reason};
    /* A refusal in the middle of an upload is its answer, though bytes could not be sent. */
    if (!result.done && (code == CURLE_OK || status / 100 >= 4))
        find_reason(self, status, reason);
    else if (!result.done)
        snprintf(reason, sizeof reason, "%s",
                 self->fault[0] != '\0' ? self->fault : curl_easy_strerror(code));
    /* Where the disk is full it stays so. */
    result.passing = !result.done && code != CURLE_WRITE_ERROR && may_pass(status);
    chat_http_stop(self);
    self->done(self->argument, &result);
}

/* --- its beginning --------------------------------------------------------------------------- */

static size_t on_bytes(char *data, size_t one, size_t length, void *argument) {
    struct chat_http *self = argument;
    long status = 0;
    (void)one;
    curl_easy_getinfo(self->curl, CURLINFO_RESPONSE_CODE, &status);
    if (self->down && status / 100 == 2)
        return fwrite(data, 1, length, self->file);
    /* A long answer is not JSON of ours. */
    if (buffer_add(&self->answer, data, length) != 0)
        buffer_clear(&self->answer);
    return length;
}

static bool begin(struct chat_http *self, const char *url, FILE *file, chat_http_done *done,
                  void *argument) {
    char whole[URL_BYTES];
    int length =
        snprintf(whole, sizeof whole, "%s%s", chat_http_prefix(self->options.server, url), url);
    CURL *curl = self->curl != NULL || length >= URL_BYTES ? NULL : curl_easy_init();
    if (curl == NULL)
        return false;
    self->curl = curl;
    self->file = file;
    self->done = done;
    self->argument = argument;
    self->fault[0] = '\0';
    buffer_clear(&self->answer);
    curl_easy_setopt(curl, CURLOPT_PRIVATE, self);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, self->fault);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "parleyctl/" PARLEY_VERSION);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CHAT_HTTP_CONNECT_MS);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)CHAT_HTTP_SILENCE_S);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, self);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, self->options.verify ? 1L : 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, self->options.verify ? 2L : 0L);
    if (self->options.issuers[0] != '\0')
        curl_easy_setopt(curl, CURLOPT_CAINFO, self->options.issuers);
    return curl_easy_setopt(curl, CURLOPT_URL, whole) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
}

static bool start(struct chat_http *self, bool begun) {
    if (begun && curl_loop_start(self->loop, self->curl))
        return true;
    chat_http_stop(self);
    return false;
}

bool chat_http_up(struct chat_http *self, const char *url, FILE *file, uint64_t size,
                  chat_http_done *done, void *argument) {
    bool begun = begin(self, url, file, done, argument);
    self->down = false;
    if (begun) {
        curl_easy_setopt(self->curl, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(self->curl, CURLOPT_READDATA, file);
        curl_easy_setopt(self->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)size);
        /* It would wait for leave to go on. */
        self->headers = curl_slist_append(NULL, "Expect:");
        curl_easy_setopt(self->curl, CURLOPT_HTTPHEADER, self->headers);
    }
    return start(self, begun);
}

bool chat_http_down(struct chat_http *self, const char *url, FILE *file, chat_http_done *done,
                    void *argument) {
    self->down = true;
    return start(self, begin(self, url, file, done, argument));
}
