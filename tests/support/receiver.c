/* See receiver.h. */
#include "tests/support/receiver.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/service_process.h"
#include "tests/support/test_list.h"
#include "tests/support/until.h"

#define REQUEST_BYTES ((size_t)1 << 20)
#define REQUESTS_MAX 256
#define RULES_MAX 8

struct rule {
    const char *with, *answer;
};

struct receiver {
    int listener;
    uint16_t port;
    pthread_t thread;
    pthread_mutex_t mutex; /* of the rest */
    pthread_cond_t changed;
    bool ends;
    size_t serving; /* connections */
    struct rule rules[RULES_MAX];
    size_t rule_count, count;
    char *requests[REQUESTS_MAX];
};

struct connection {
    struct receiver *receiver;
    int fd;
};

/* Head and body; false: the connection ended. */
static bool read_request(int fd, char *request) {
    size_t length = 0, wanted = 0;
    while (wanted == 0 || length < wanted) {
        ssize_t more = read(fd, request + length, REQUEST_BYTES - 1 - length);
        if (more <= 0)
            return false;
        length += (size_t)more;
        request[length] = '\0';
        const char *body = strstr(request, "\r\n\r\n");
        const char *bytes = strstr(request, "Content-Length: ");
        if (body != NULL && bytes != NULL)
            wanted = (size_t)(body + 4 - request) + strtoul(bytes + 16, NULL, 10);
    }
    return true;
}

/* With the lock; NULL: none yet. */
static const char *answer_to(const struct receiver *self, const char *request) {
    const struct rule *best = NULL;
    for (size_t i = 0; i < self->rule_count; i++)
        if (strstr(request, self->rules[i].with) != NULL &&
            (best == NULL || strlen(self->rules[i].with) > strlen(best->with)))
            best = &self->rules[i];
    return best == NULL ? "HTTP/1.1 200 X" : best->answer;
}

static void write_answer(int fd, const char *answer) {
    const char *body = strstr(answer, "\r\n\r\n");
    size_t head = body == NULL ? strlen(answer) : (size_t)(body - answer);
    body = body == NULL ? "" : body + 4;
    (void)!dprintf(fd, "%.*s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s", (int)head,
                   answer, strlen(body), body);
}

static void *serve(void *argument) {
    struct connection *connection = argument;
    struct receiver *self = connection->receiver;
    char *request = malloc(REQUEST_BYTES);
    bool whole = request != NULL && read_request(connection->fd, request);
    pthread_mutex_lock(&self->mutex);
    if (whole && self->count < REQUESTS_MAX)
        self->requests[self->count++] = strdup(request);
    const char *answer = NULL;
    while (whole && (answer = answer_to(self, request)) == NULL && !self->ends)
        pthread_cond_wait(&self->changed, &self->mutex);
    pthread_mutex_unlock(&self->mutex);
    if (answer != NULL)
        write_answer(connection->fd, answer);
    close(connection->fd);
    free(request);
    free(connection);
    pthread_mutex_lock(&self->mutex);
    self->serving--;
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->mutex);
    return NULL;
}

static void *listen_on(void *argument) {
    struct receiver *self = argument;
    int fd;
    while ((fd = accept(self->listener, NULL, NULL)) >= 0) {
        pthread_t thread;
        struct connection *connection = malloc(sizeof *connection);
        if (connection == NULL) {
            close(fd);
            continue;
        }
        *connection = (struct connection){self, fd};
        pthread_mutex_lock(&self->mutex);
        self->serving++;
        pthread_mutex_unlock(&self->mutex);
        if (pthread_create(&thread, NULL, serve, connection) == 0)
            pthread_detach(thread);
    }
    return NULL;
}

struct receiver *receiver_new(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    struct receiver *self = calloc(1, sizeof *self);
    assert_non_null(self);
    signal(SIGPIPE, SIG_IGN); /* who asks may have gone */
    pthread_mutex_init(&self->mutex, NULL);
    pthread_cond_init(&self->changed, NULL);
    self->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(self->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(self->listener, 64), 0);
    assert_int_equal(getsockname(self->listener, (struct sockaddr *)&address, &length), 0);
    self->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&self->thread, NULL, listen_on, self), 0);
    return self;
}

uint16_t receiver_port(const struct receiver *self) { return self->port; }

static void forget(struct receiver *self) {
    for (size_t i = 0; i < self->count; i++)
        free(self->requests[i]);
    self->count = 0;
    self->rule_count = 0;
}

void receiver_destroy(struct receiver **self_p) {
    struct receiver *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    shutdown(self->listener, SHUT_RDWR);
    pthread_join(self->thread, NULL);
    close(self->listener);
    pthread_mutex_lock(&self->mutex);
    self->ends = true;
    pthread_cond_broadcast(&self->changed);
    while (self->serving > 0)
        pthread_cond_wait(&self->changed, &self->mutex);
    forget(self);
    pthread_mutex_unlock(&self->mutex);
    free(self);
}

void receiver_answer(struct receiver *self, const char *with, const char *answer) {
    pthread_mutex_lock(&self->mutex);
    size_t at = 0;
    while (at < self->rule_count && strcmp(self->rules[at].with, with) != 0)
        at++;
    self->rules[at] = (struct rule){with, answer};
    self->rule_count = at == self->rule_count ? at + 1 : self->rule_count;
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->mutex);
}

void receiver_reset(struct receiver *self) {
    pthread_mutex_lock(&self->mutex);
    forget(self);
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->mutex);
}

size_t receiver_with(struct receiver *self, const char *text) {
    size_t count = 0;
    pthread_mutex_lock(&self->mutex);
    for (size_t i = 0; i < self->count; i++)
        count += strstr(self->requests[i], text) != NULL;
    pthread_mutex_unlock(&self->mutex);
    return count;
}

void receiver_await(struct receiver *self, const char *text, size_t count) {
    TEST_UNTIL(receiver_with(self, text) >= count, "no request with %s", text);
}

const char *receiver_last(struct receiver *self, const char *text) {
    const char *last = NULL;
    pthread_mutex_lock(&self->mutex);
    for (size_t i = 0; i < self->count; i++)
        last = strstr(self->requests[i], text) != NULL ? self->requests[i] : last;
    pthread_mutex_unlock(&self->mutex);
    if (last == NULL)
        fail_msg("no request with %s", text);
    return last;
}
