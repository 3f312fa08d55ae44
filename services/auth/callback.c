/* Asking the operator's own backend; see callback.h. */
#include "services/auth/callback.h"

#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "common/log.h"
#include "common/loop.h"
#include "services/auth/callback_answer.h"

#define HTTP_OK 200
#define HTTP_FORBIDDEN 403

const struct config_option callback_options[] = {
    CONFIG_STRING(struct callback_settings, auth_url, "",
                  "address that auth asks about logins whose password it does not have, and about "
                  "tokens that are no JWT; empty: nobody is asked"),
    CONFIG_SECRET(struct callback_settings, auth_url_secret, "",
                  "sent to auth_url as `Authorization: Bearer`; empty: nothing is"),
    CONFIG_STRING(struct callback_settings, auth_url_ca, "",
                  "file with the certificates that auth_url's has to be signed by; empty: those "
                  "that the system trusts"),
    /* limit: service | an answer of auth_url takes | {auth_url_timeout_ms}, connecting included |
     * `no_backend` */
    CONFIG_U64(struct callback_settings, auth_url_timeout_ms, 3000, 100, 30000, "ms",
               "how long auth_url may take for an answer"),
    /* limit: service | questions to auth_url at once | {auth_url_connections}, for each auth | they
     * wait as passwords do; `overloaded` if not all can be asked in time */
    CONFIG_U64(struct callback_settings, auth_url_connections, 8, 1, CALLBACK_CONNECTIONS_MAX,
               "threads",
               "questions to auth_url at once, each with a connection to the database "
               "beside db_connections"),
    CONFIG_END};

struct callback {
    const struct callback_settings *settings;
    struct curl_slist *headers;
    struct metric *faults;
    struct histogram *seconds;
    pthread_mutex_t lock; /* of the rest */
    CURL *handles[CALLBACK_CONNECTIONS_MAX];
    size_t handle_count;
    int64_t logged_ms;
};

/* --- life ----------------------------------------------------------------------------------- */

static bool add_header(struct callback *self, const char *header) {
    struct curl_slist *longer = curl_slist_append(self->headers, header);
    if (longer != NULL)
        self->headers = longer;
    return longer != NULL;
}

static bool add_headers(struct callback *self) {
    struct buffer secret = buffer_make(CALLBACK_HEAD_BYTES);
    bool done = add_header(self, "Content-Type: application/json") && add_header(self, "Expect:");
    if (done && self->settings->auth_url_secret[0] != '\0') {
        buffer_add_text(&secret, "Authorization: Bearer ");
        buffer_add_text(&secret, self->settings->auth_url_secret);
        buffer_add(&secret, "", 1);
        done = !secret.failed && add_header(self, secret.data);
    }
    buffer_free(&secret);
    return done;
}

static bool is_http(const char *url) {
    return strncmp(url, "https://", strlen("https://")) == 0 ||
           strncmp(url, "http://", strlen("http://")) == 0;
}

int callback_new(const struct callback_settings *settings, struct metrics *metrics,
                 struct callback **self_r) {
    *self_r = NULL;
    if (settings->auth_url[0] == '\0')
        return 0;
    if (!is_http(settings->auth_url)) {
        log_error("start_failed", "reason=\"auth_url begins with neither https:// nor http://\"");
        return -1;
    }
    struct callback *self = calloc(1, sizeof *self);
    if (self == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        log_error("start_failed", "reason=\"libcurl does not start\"");
        free(self);
        return -1;
    }
    self->settings = settings;
    pthread_mutex_init(&self->lock, NULL);
    self->faults = metrics_counter(metrics, "auth_url_faults_total", "",
                                   "Questions to auth_url without an answer that can be used.");
    self->seconds = metrics_histogram(metrics, "auth_url_seconds", "", HISTOGRAM_SECONDS,
                                      "Time of a question to auth_url.");
    if (!add_headers(self)) {
        log_error("start_failed", "reason=\"out of memory\"");
        callback_destroy(&self);
        return -1;
    }
    *self_r = self;
    return 0;
}

void callback_destroy(struct callback **self_p) {
    struct callback *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    for (size_t i = 0; i < self->handle_count; i++)
        curl_easy_cleanup(self->handles[i]);
    curl_slist_free_all(self->headers);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

static CURL *take_handle(struct callback *self) {
    pthread_mutex_lock(&self->lock);
    CURL *curl = self->handle_count > 0 ? self->handles[--self->handle_count] : NULL;
    pthread_mutex_unlock(&self->lock);
    return curl != NULL ? curl : curl_easy_init();
}

/* With its connection, which the next question goes on with. */
static void give_back(struct callback *self, CURL *curl) {
    curl_easy_reset(curl);
    pthread_mutex_lock(&self->lock);
    if (self->handle_count < CALLBACK_CONNECTIONS_MAX) {
        self->handles[self->handle_count++] = curl;
        curl = NULL;
    }
    pthread_mutex_unlock(&self->lock);
    curl_easy_cleanup(curl);
}

/* --- faults --------------------------------------------------------------------------------- */

void callback_failed(struct callback *self, const char *reason) {
    int64_t now_ms = loop_now_ms();
    char quoted[LOG_QUOTED_BYTES];
    metric_add(self->faults, 1);
    pthread_mutex_lock(&self->lock);
    bool log = self->logged_ms == 0 || now_ms - self->logged_ms >= CALLBACK_LOG_MS;
    if (log)
        self->logged_ms = now_ms;
    pthread_mutex_unlock(&self->lock);
    if (log)
        log_warn("auth_url_failed", "reason=%s", log_quote(quoted, reason, strlen(reason)));
}

/* --- a question ----------------------------------------------------------------------------- */

struct exchange {
    char fault[CURL_ERROR_SIZE];
    struct buffer answer;
    size_t head_bytes;
};

static size_t on_head(char *data, size_t one, size_t length, void *argument) {
    struct exchange *exchange = argument;
    (void)data;
    (void)one;
    exchange->head_bytes += length;
    return exchange->head_bytes <= CALLBACK_HEAD_BYTES ? length : 0;
}

static size_t on_body(char *data, size_t one, size_t length, void *argument) {
    struct exchange *exchange = argument;
    (void)one;
    buffer_add(&exchange->answer, data, length);
    return exchange->answer.failed ? 0 : length;
}

static bool add_text(cJSON *json, const char *name, struct slice text) {
    char *copy = text.length > 0 ? slice_copy(text) : NULL;
    bool added =
        text.length == 0 || (copy != NULL && cJSON_AddStringToObject(json, name, copy) != NULL);
    free(copy);
    return added;
}

/* The caller frees it. */
static char *write_question(const struct callback_question *question) {
    cJSON *json = cJSON_CreateObject();
    bool whole = json != NULL && add_text(json, "user", question->user) &&
                 add_text(json, "password", question->password) &&
                 add_text(json, "token", question->token) &&
                 add_text(json, "address", question->address);
    char *text = whole ? cJSON_PrintUnformatted(json) : NULL;
    cJSON_Delete(json);
    return text;
}

static bool set_up(const struct callback *self, CURL *curl, const char *question,
                   struct exchange *exchange) {
    const struct callback_settings *settings = self->settings;
    bool done = curl_easy_setopt(curl, CURLOPT_URL, settings->auth_url) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
                (settings->auth_url_ca[0] == '\0' ||
                 curl_easy_setopt(curl, CURLOPT_CAINFO, settings->auth_url_ca) == CURLE_OK);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, exchange->fault);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "parley-auth/" PARLEY_VERSION);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, self->headers);
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, question);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)settings->auth_url_timeout_ms);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)settings->auth_url_timeout_ms);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_head);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, exchange);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, exchange);
    return done;
}

/* The status, or 0 and a fault. */
static long perform(struct callback *self, const char *question, struct exchange *exchange) {
    CURL *curl = take_handle(self);
    long status = 0;
    if (curl == NULL)
        return 0;
    int64_t began_us = loop_now_us();
    CURLcode code =
        set_up(self, curl, question, exchange) ? curl_easy_perform(curl) : CURLE_FAILED_INIT;
    histogram_observe(self->seconds, (uint64_t)(loop_now_us() - began_us));
    if (code == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    else if (exchange->answer.failed || exchange->head_bytes > CALLBACK_HEAD_BYTES)
        snprintf(exchange->fault, sizeof exchange->fault, "the answer is too long");
    else if (exchange->fault[0] == '\0')
        snprintf(exchange->fault, sizeof exchange->fault, "%s", curl_easy_strerror(code));
    give_back(self, curl);
    return status;
}

enum err callback_ask(struct callback *self, const struct callback_question *question,
                      struct record_arena *arena, struct slice *id_r, struct slice *name_r) {
    char *text = write_question(question);
    struct exchange exchange = {.answer = buffer_make(CALLBACK_ANSWER_BYTES)};
    if (text == NULL)
        return ERR_OVERLOADED;
    long status = perform(self, text, &exchange);
    cJSON_free(text);
    enum err err = ERR_NO_BACKEND;
    if (status == HTTP_OK) {
        const struct slice answer = slice_make(exchange.answer.data, exchange.answer.length);
        if (callback_answer_read(answer, arena, id_r, name_r))
            err = ERR_OK;
        else
            callback_failed(self, "the answer is no JSON object with the texts id and name");
    } else if (status == HTTP_FORBIDDEN) {
        err = ERR_BAD_LOGIN;
    } else {
        if (status != 0)
            snprintf(exchange.fault, sizeof exchange.fault, "the status is %ld", status);
        callback_failed(self, exchange.fault);
    }
    buffer_free(&exchange.answer);
    return err;
}
