/* Lets programs with a listed key in; see admission.h. */
#include "common/admission.h"

#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "common/log.h"
#include "common/loop.h"
#include "common/metrics.h"

/* The parts of a question, in their order. */
enum part {
    PART_VERSION,
    PART_REQUEST,
    PART_DOMAIN,
    PART_ADDRESS,
    PART_IDENTITY,
    PART_MECHANISM,
    PART_KEY,
    PARTS
};
#define PART_BYTES 128

struct admission {
    struct ev_loop *ev;
    struct keys *keys;
    struct metric *denied;
    void *socket; /* REP */
    struct loop_socket *input;
    ev_stat file; /* of trusted keys */
    int64_t logged_ms;
};

struct question {
    char parts[PARTS][PART_BYTES]; /* with a 0 behind each */
    size_t lengths[PARTS], count;
};

static void reload(struct admission *self) {
    char fault[KEYS_FAULT_BYTES];
    if (keys_reload(self->keys, fault) != 0)
        log_warn("keys_kept", "reason=\"%s\"", fault);
}

static void on_file(struct ev_loop *ev, ev_stat *watcher, int revents) {
    (void)ev;
    (void)revents;
    struct admission *self = watcher->data;
    reload(self);
    log_info("keys_read", "trusted=%zu", keys_count(self->keys, NULL));
}

/* false: nothing waits. A part too long is cut, one too many is left out: neither is a key. */
static bool take(struct admission *self, struct question *question_r) {
    int more = 1;
    question_r->count = 0;
    for (size_t i = 0; more != 0; i++) {
        char spare[PART_BYTES];
        char *part = i < PARTS ? question_r->parts[i] : spare;
        size_t size = sizeof more;
        int length = zmq_recv(self->socket, part, PART_BYTES - 1, ZMQ_DONTWAIT);
        if (length < 0)
            return false;
        if (i < PARTS) {
            question_r->lengths[i] = (size_t)(length < PART_BYTES ? length : 0);
            part[question_r->lengths[i]] = '\0';
            question_r->count++;
        }
        if (zmq_getsockopt(self->socket, ZMQ_RCVMORE, &more, &size) != 0)
            return false;
    }
    return true;
}

/* NULL: it may not come in. `key_r` is what it showed. */
static const struct keys_entry *entry_of(struct admission *self, const struct question *question,
                                         char key_r[KEYS_TEXT_BYTES]) {
    key_r[0] = '\0';
    if (question->count != PARTS || question->lengths[PART_KEY] != 32 ||
        strcmp(question->parts[PART_MECHANISM], "CURVE") != 0 ||
        zmq_z85_encode(key_r, (const uint8_t *)question->parts[PART_KEY], 32) == NULL)
        return NULL;
    const struct keys_entry *entry = keys_find(self->keys, key_r);
    if (entry == NULL) {
        reload(self);
        entry = keys_find(self->keys, key_r);
    }
    return entry;
}

static void log_denied(struct admission *self, const struct question *question, const char *key) {
    char address[LOG_QUOTED_BYTES];
    int64_t now_ms = loop_now_ms();
    metric_add(self->denied, 1);
    if (self->logged_ms != 0 && now_ms - self->logged_ms < ADMISSION_LOG_MS)
        return;
    self->logged_ms = now_ms;
    log_warn("caller_denied", "reason=\"its key is not listed\" address=%s key=\"%s\" list=\"%s\"",
             log_quote(address, question->parts[PART_ADDRESS], question->lengths[PART_ADDRESS]),
             key, keys_trusted_path(self->keys));
}

static void answer(struct admission *self, const struct question *question) {
    char key[KEYS_TEXT_BYTES];
    bool known = entry_of(self, question, key) != NULL;
    const char *const parts[] = {"1.0",
                                 question->parts[PART_REQUEST],
                                 known ? "200" : "400",
                                 known ? "OK" : "this key is not listed",
                                 known ? key : "",
                                 ""};
    const size_t count = sizeof parts / sizeof parts[0];
    if (!known)
        log_denied(self, question, key);
    for (size_t i = 0; i < count; i++) {
        size_t length = i == 1 ? question->lengths[PART_REQUEST] : strlen(parts[i]);
        (void)!zmq_send(self->socket, parts[i], length,
                        ZMQ_DONTWAIT | (i + 1 < count ? ZMQ_SNDMORE : 0));
    }
}

static void on_questions(void *argument, void *socket) {
    (void)socket;
    struct admission *self = argument;
    struct question question;
    for (int i = 0; i < ADMISSION_BUDGET && take(self, &question); i++)
        answer(self, &question);
}

struct admission *admission_new(struct ev_loop *ev, void *context, struct keys *keys,
                                struct metric *denied) {
    struct admission *self = calloc(1, sizeof *self);
    const int no_linger = 0;
    if (self == NULL)
        return NULL;
    self->ev = ev;
    self->keys = keys;
    self->denied = denied;
    self->socket = zmq_socket(context, ZMQ_REP);
    if (self->socket != NULL &&
        zmq_setsockopt(self->socket, ZMQ_LINGER, &no_linger, sizeof no_linger) == 0 &&
        zmq_bind(self->socket, "inproc://zeromq.zap.01") == 0)
        self->input = loop_socket_new(ev, self->socket, on_questions, self);
    ev_stat_init(&self->file, on_file, keys_trusted_path(keys), 0.);
    self->file.data = self;
    if (self->input == NULL)
        admission_destroy(&self);
    else
        ev_stat_start(ev, &self->file);
    return self;
}

void admission_destroy(struct admission **self_p) {
    struct admission *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    ev_stat_stop(self->ev, &self->file);
    loop_socket_destroy(&self->input);
    if (self->socket != NULL)
        zmq_close(self->socket);
    free(self);
}
