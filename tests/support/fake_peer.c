/* A service that a test plays; see fake_peer.h. */
#include "tests/support/fake_peer.h"

#include <czmq.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/loop.h"
#include "common/service.h"
#include "tests/support/service_process.h"
#include "tests/support/test_keys.h"
#include "tests/support/test_listen.h"

#define REPLY_BYTES 4096

struct fake_peer {
    uint64_t instance;
    zsock_t *router; /* the thread's, once that runs */
    zactor_t *thread;
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    zframe_t *messages[FAKE_PEER_MAX_MESSAGES]; /* under `lock`, oldest first */
    size_t count;                               /* under `lock` */
    size_t refusals;                            /* under `lock` */
    enum err refusal;                           /* under `lock` */
    size_t ignored;                             /* under `lock`: still to be ignored */
    bool silent, stopping;                      /* under `lock` */
    const struct message_desc *passed_over;     /* under `lock` */
    zframe_t *taken;                            /* what the last body_r points into */
    struct record_arena arena;
};

/* --- the thread: nothing here may fail the test --- */

static bool is(const struct envelope *envelope, const struct message_desc *message) {
    return slice_equal(envelope->name, slice_text(message->name));
}

static bool is_ready(struct fake_peer *self) {
    pthread_mutex_lock(&self->lock);
    bool ready = !self->stopping;
    pthread_mutex_unlock(&self->lock);
    return ready;
}

static void answer(struct fake_peer *self, zframe_t **caller, const struct envelope *request,
                   enum err err) {
    char name[ENVELOPE_MAX_NAME + 1];
    struct buffer out = buffer_make(REPLY_BYTES);
    struct service_pong pong = {.instance = self->instance, .ready = is_ready(self), .link = 1};
    struct envelope_error error = {slice_text(err_word(err)), slice_text(err_text(err))};
    snprintf(name, sizeof name, "%.*s", (int)request->name.length, request->name.data);
    if (is(request, &message_SERVICE_PING))
        envelope_pack(ENVELOPE_REPLY, request->id, name, message_SERVICE_PING.reply, &pong, &out);
    else if (err != ERR_OK)
        envelope_pack(ENVELOPE_ERROR, request->id, name, &envelope_error_desc, &error, &out);
    else
        envelope_pack(ENVELOPE_REPLY, request->id, name, NULL, NULL, &out);
    zframe_t *frame = zframe_new(out.data, out.length);
    if (zframe_send(caller, self->router, ZFRAME_MORE) == 0)
        zframe_send(&frame, self->router, 0);
    zframe_destroy(&frame);
    buffer_free(&out);
}

/* Takes the frame over. */
static void keep(struct fake_peer *self, zframe_t *frame) {
    pthread_mutex_lock(&self->lock);
    if (self->count < FAKE_PEER_MAX_MESSAGES)
        self->messages[self->count] = frame;
    else
        zframe_destroy(&frame);
    self->count++; /* the test that takes it finds one too many */
    pthread_cond_signal(&self->arrived);
    pthread_mutex_unlock(&self->lock);
}

/* false: it is to have no answer. */
static bool next_outcome(struct fake_peer *self, const struct envelope *request, enum err *err_r) {
    bool ping = is(request, &message_SERVICE_PING), answered = true;
    *err_r = ERR_OK;
    pthread_mutex_lock(&self->lock);
    if (!ping && self->ignored > 0) {
        self->ignored--;
        answered = false;
    } else if (!ping && self->refusals > 0) {
        self->refusals--;
        *err_r = self->refusal;
    }
    pthread_mutex_unlock(&self->lock);
    return answered;
}

static bool is_silent(struct fake_peer *self) {
    pthread_mutex_lock(&self->lock);
    bool silent = self->silent;
    pthread_mutex_unlock(&self->lock);
    return silent;
}

static bool is_passed_over(struct fake_peer *self, const struct envelope *envelope) {
    pthread_mutex_lock(&self->lock);
    bool passed_over = self->passed_over != NULL && is(envelope, self->passed_over);
    pthread_mutex_unlock(&self->lock);
    return passed_over;
}

static void take_message(struct fake_peer *self) {
    zframe_t *caller = zframe_recv(self->router);
    zframe_t *frame = zframe_recv(self->router);
    struct envelope envelope;
    enum err err;
    if (caller != NULL && frame != NULL && !is_silent(self) &&
        envelope_unpack(slice_make((const char *)zframe_data(frame), zframe_size(frame)),
                        &envelope) == 0) {
        if (envelope.kind == ENVELOPE_REQUEST && next_outcome(self, &envelope, &err))
            answer(self, &caller, &envelope, err);
        if (!is(&envelope, &message_SERVICE_PING) && !is_passed_over(self, &envelope)) {
            keep(self, frame);
            frame = NULL;
        }
    }
    zframe_destroy(&caller);
    zframe_destroy(&frame);
}

static void run(zsock_t *pipe, void *argument) {
    struct fake_peer *self = argument;
    zpoller_t *poller = zpoller_new(pipe, self->router, NULL);
    zsock_signal(pipe, 0);
    while (zpoller_wait(poller, -1) == self->router)
        take_message(self);
    zpoller_destroy(&poller);
    zsock_unbind(self->router, "%s", zsock_endpoint(self->router));
    zsock_destroy(&self->router);
}

/* --- the test's side --- */

struct fake_peer *fake_peer_new(const char *name, uint16_t port) {
    static uint64_t instances;
    zsys_handler_set(NULL);
    struct fake_peer *self = calloc(1, sizeof *self);
    assert_non_null(self);
    self->instance = ++instances;
    self->router = zsock_new(ZMQ_ROUTER);
    assert_non_null(self->router);
    zsock_set_linger(self->router, 0);
    zsock_set_router_handover(self->router, 1);
    zsock_set_rcvhwm(self->router, FAKE_PEER_MAX_MESSAGES);
    zsock_set_sndhwm(self->router, FAKE_PEER_MAX_MESSAGES);
    test_keys_serve(zsock_resolve(self->router), name);
    test_listen(self->router, port);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->arrived, &monotonic);
    pthread_condattr_destroy(&monotonic);
    self->thread = zactor_new(run, self);
    assert_non_null(self->thread);
    return self;
}

void fake_peer_destroy(struct fake_peer **self_p) {
    struct fake_peer *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    zactor_destroy(&self->thread);
    for (size_t i = 0; i < self->count && i < FAKE_PEER_MAX_MESSAGES; i++)
        zframe_destroy(&self->messages[i]);
    zframe_destroy(&self->taken);
    record_arena_free(&self->arena);
    pthread_cond_destroy(&self->arrived);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

void fake_peer_refuse(struct fake_peer *self, enum err err, size_t count) {
    pthread_mutex_lock(&self->lock);
    self->refusal = err;
    self->refusals = count;
    pthread_mutex_unlock(&self->lock);
}

void fake_peer_ignore(struct fake_peer *self, size_t count) {
    pthread_mutex_lock(&self->lock);
    self->ignored = count;
    pthread_mutex_unlock(&self->lock);
}

void fake_peer_set_silent(struct fake_peer *self, bool silent) {
    pthread_mutex_lock(&self->lock);
    self->silent = silent;
    pthread_mutex_unlock(&self->lock);
}

void fake_peer_set_ready(struct fake_peer *self, bool ready) {
    pthread_mutex_lock(&self->lock);
    self->stopping = !ready;
    pthread_mutex_unlock(&self->lock);
}

void fake_peer_pass_over(struct fake_peer *self, const struct message_desc *message) {
    pthread_mutex_lock(&self->lock);
    self->passed_over = message;
    pthread_mutex_unlock(&self->lock);
}

size_t fake_peer_waiting(struct fake_peer *self) {
    pthread_mutex_lock(&self->lock);
    size_t count = self->count;
    pthread_mutex_unlock(&self->lock);
    return count;
}

/* NULL when the deadline passes first, or when there were too many. */
static zframe_t *take_oldest(struct fake_peer *self) {
    int64_t deadline_ms = loop_now_ms() + TEST_DEADLINE_MS;
    const struct timespec deadline = {.tv_sec = deadline_ms / 1000,
                                      .tv_nsec = deadline_ms % 1000 * 1000000};
    zframe_t *frame = NULL;
    int status = 0;
    pthread_mutex_lock(&self->lock);
    while (self->count == 0 && status == 0)
        status = pthread_cond_timedwait(&self->arrived, &self->lock, &deadline);
    if (self->count > 0 && self->count <= FAKE_PEER_MAX_MESSAGES) {
        frame = self->messages[0];
        self->count--;
        memmove(self->messages, self->messages + 1, self->count * sizeof(zframe_t *));
    }
    pthread_mutex_unlock(&self->lock);
    return frame;
}

void fake_peer_expect(struct fake_peer *self, const struct message_desc *message, void *body_r) {
    struct envelope envelope;
    const char *fault = "";
    zframe_destroy(&self->taken);
    record_arena_free(&self->arena);
    self->taken = take_oldest(self);
    if (self->taken == NULL)
        fail_msg("%s did not come, or too much else", message->name);
    struct slice bytes =
        slice_make((const char *)zframe_data(self->taken), zframe_size(self->taken));
    assert_int_equal(envelope_unpack(bytes, &envelope), 0);
    if (!is(&envelope, message))
        fail_msg("%.*s came instead of %s", (int)envelope.name.length, envelope.name.data,
                 message->name);
    if (record_unpack(message->body, envelope.body, &self->arena, body_r, &fault) != 0)
        fail_msg("%s is malformed: %s", message->name, fault);
}
