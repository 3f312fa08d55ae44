/* Posts in the loop; see poster.h. */
#include "services/webhook/poster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "common/curl_loop.h"
#include "common/log.h"
#include "services/webhook/public_address.h"

/* no limit: more than any hook_retry_max_ms */
#define AFTER_MAX_S 1000000

struct post {
    struct poster *poster;
    CURL *curl;
    struct curl_slist *headers;
    size_t answered;       /* bytes */
    struct buffer *answer; /* the request's */
    char fault[CURL_ERROR_SIZE];
    void (*done)(void *argument, const struct post_result *result);
    void *argument;
    struct post *next, *prev;
};

struct poster {
    const struct poster_options *options;
    struct curl_loop *loop;
    struct post *posts;
};

/* --- the end of a post ----------------------------------------------------------------------- */

static void post_free(struct post *post) {
    DL_DELETE(post->poster->posts, post);
    curl_loop_stop(post->poster->loop, post->curl);
    curl_easy_cleanup(post->curl);
    curl_slist_free_all(post->headers);
    free(post);
}

/* A long answer that nobody reads is cut, which is no fault of what was said before. */
static bool was_cut(const struct post *post, CURLcode code) {
    return code == CURLE_WRITE_ERROR && post->answer == NULL &&
           post->answered > POSTER_ANSWER_BYTES;
}

static void end(void *transfer, CURLcode code) {
    struct post *post = transfer;
    char fault[POSTER_FAULT_BYTES] = "";
    struct post_result result = {.fault = fault};
    curl_off_t after_s = 0;
    if (code == CURLE_OK || was_cut(post, code)) {
        curl_easy_getinfo(post->curl, CURLINFO_RESPONSE_CODE, &result.status);
        curl_easy_getinfo(post->curl, CURLINFO_RETRY_AFTER, &after_s);
        result.retry_after_ms = (after_s < AFTER_MAX_S ? after_s : AFTER_MAX_S) * 1000;
        if (result.status / 100 != 2)
            snprintf(fault, sizeof fault, "the answer is %ld%s", result.status,
                     result.status / 100 == 3 ? ", and redirects are not followed" : "");
    } else if (post->answer != NULL && post->answer->failed) {
        snprintf(fault, sizeof fault, "the answer is too long");
    } else {
        snprintf(fault, sizeof fault, "%s",
                 post->fault[0] != '\0' ? post->fault : curl_easy_strerror(code));
    }
    void (*done)(void *, const struct post_result *) = post->done;
    void *argument = post->argument;
    post_free(post);
    done(argument, &result);
}

/* --- a post ---------------------------------------------------------------------------------- */

static size_t on_answer(char *data, size_t one, size_t length, void *argument) {
    struct post *post = argument;
    (void)one;
    post->answered += length;
    if (post->answer != NULL)
        return buffer_add(post->answer, data, length) == 0 ? length : 0;
    return post->answered > POSTER_ANSWER_BYTES ? 0 : length;
}

static bool add_headers(struct post *post, const char *const *headers) {
    for (size_t i = 0; headers[i] != NULL; i++) {
        struct curl_slist *longer = curl_slist_append(post->headers, headers[i]);
        if (longer == NULL)
            return false;
        post->headers = longer;
    }
    return true;
}

/* Asked for each address that a name leads to, right before it is connected to. */
static curl_socket_t open_public(void *argument, curlsocktype purpose,
                                 struct curl_sockaddr *address) {
    (void)argument;
    (void)purpose;
    if (!address_is_public(&address->addr))
        return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static bool set_up(struct post *post, const struct post_request *request) {
    const char *ca_file = post->poster->options->ca_file;
    const bool public_only = post->poster->options->public_only;
    CURL *curl = post->curl;
    bool done = curl_easy_setopt(curl, CURLOPT_URL, request->url) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR,
                                 public_only ? "https" : "http,https") == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
                (ca_file[0] == '\0' || curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file) == CURLE_OK);
    if (public_only)
        curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_public);
    curl_easy_setopt(curl, CURLOPT_PRIVATE, post);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, post->fault);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "parley/" PARLEY_VERSION);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, post->headers);
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body.data);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.length);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)POSTER_CONNECT_MS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, post);
    return done;
}

struct post *poster_send(struct poster *self, const struct post_request *request) {
    struct post *post = calloc(1, sizeof *post);
    if (post == NULL)
        return NULL;
    *post = (struct post){.poster = self,
                          .curl = curl_easy_init(),
                          .answer = request->answer,
                          .done = request->done,
                          .argument = request->argument};
    DL_APPEND(self->posts, post);
    if (post->curl == NULL || !add_headers(post, request->headers) || !set_up(post, request) ||
        !curl_loop_start(self->loop, post->curl)) {
        post_free(post);
        return NULL;
    }
    return post;
}

void post_cancel(struct post **post) {
    if (*post != NULL)
        post_free(*post);
    *post = NULL;
}

/* --- life ------------------------------------------------------------------------------------ */

struct poster *poster_new(struct ev_loop *ev, const struct poster_options *options) {
    struct poster *self = calloc(1, sizeof *self);
    if (self == NULL || (self->loop = curl_loop_new(ev, POSTER_CONNECTIONS_MAX, end)) == NULL) {
        log_error("start_failed", "reason=\"libcurl does not start\"");
        free(self);
        return NULL;
    }
    self->options = options;
    return self;
}

void poster_destroy(struct poster **self_p) {
    struct poster *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    struct post *post, *next;
    DL_FOREACH_SAFE(self->posts, post, next) { post_free(post); }
    curl_loop_destroy(&self->loop);
    free(self);
}
