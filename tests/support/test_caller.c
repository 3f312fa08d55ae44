/* A caller of a service in a C test; see test_caller.h. */
#include "tests/support/test_caller.h"

#include <czmq.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/loop.h"
#include "common/service.h"
#include "tests/support/service_process.h"
#include "tests/support/test_keys.h"

struct test_caller {
    zsock_t *socket;
    uint64_t last_id, wait_ms;
    char credential[ENVELOPE_MAX_CREDENTIAL + 1];
    struct buffer out;
    zframe_t *answer, *event; /* what the last reply_r and body_r point into */
    struct record_arena answer_arena, event_arena;
    zframe_t *events[TEST_CALLER_MAX_EVENTS]; /* a ring; the oldest is at event_first */
    size_t event_first, event_count;
    char text[512];
};

static void keep_event(struct test_caller *self, zframe_t *frame) {
    if (self->event_count == TEST_CALLER_MAX_EVENTS)
        fail_msg("more than %d events", TEST_CALLER_MAX_EVENTS);
    self->events[(self->event_first + self->event_count++) % TEST_CALLER_MAX_EVENTS] = frame;
}

static zframe_t *take_event(struct test_caller *self) {
    zframe_t *event = self->events[self->event_first];
    self->event_first = (self->event_first + 1) % TEST_CALLER_MAX_EVENTS;
    self->event_count--;
    return event;
}

struct test_caller *test_caller_new(const char *name, uint16_t port) {
    return test_caller_new_as(TEST_KEYS_SELF, name, port);
}

struct test_caller *test_caller_new_as(const char *program, const char *name, uint16_t port) {
    zsys_handler_set(NULL);
    struct test_caller *self = calloc(1, sizeof *self);
    assert_non_null(self);
    self->out = buffer_make(ENVELOPE_MAX_BYTES * 2);
    self->socket = zsock_new(ZMQ_DEALER);
    assert_non_null(self->socket);
    zsock_set_identity(self->socket, name);
    zsock_set_linger(self->socket, 0);
    zsock_set_sndhwm(self->socket, TEST_CALLER_MAX_EVENTS);
    zsock_set_rcvhwm(self->socket, TEST_CALLER_MAX_EVENTS);
    test_keys_call_as(program, zsock_resolve(self->socket), service_process_at(port));
    assert_int_equal(zsock_connect(self->socket, "tcp://127.0.0.1:%u", (unsigned)port), 0);
    return self;
}

void test_caller_destroy(struct test_caller **self_p) {
    struct test_caller *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    while (self->event_count > 0) {
        zframe_t *event = take_event(self);
        zframe_destroy(&event);
    }
    zframe_destroy(&self->answer);
    zframe_destroy(&self->event);
    record_arena_free(&self->answer_arena);
    record_arena_free(&self->event_arena);
    buffer_free(&self->out);
    zsock_destroy(&self->socket);
    free(self);
}

void test_caller_send(struct test_caller *self, struct slice frame) {
    void *socket = zsock_resolve(self->socket);
    assert_int_equal(zmq_send(socket, frame.data, frame.length, 0), frame.length);
}

static struct envelope envelope_of(zframe_t *frame) {
    struct envelope envelope;
    struct slice bytes = slice_make((const char *)zframe_data(frame), zframe_size(frame));
    assert_int_equal(envelope_unpack(bytes, &envelope), 0);
    return envelope;
}

/* The next frame; fails the test when the deadline passes without one. */
static zframe_t *receive(struct test_caller *self, int64_t deadline_ms, const char *awaited) {
    zmq_pollitem_t item = {.socket = zsock_resolve(self->socket), .events = ZMQ_POLLIN};
    int64_t left_ms = deadline_ms - loop_now_ms();
    if (left_ms <= 0 || zmq_poll(&item, 1, (long)left_ms) != 1)
        fail_msg("%s did not come", awaited);
    zframe_t *frame = zframe_recv(self->socket);
    assert_non_null(frame);
    assert_false(zframe_more(frame));
    return frame;
}

static void unpack(const struct record_desc *desc, struct slice bytes, struct record_arena *arena,
                   void *record_r) {
    const char *fault = "";
    if (record_unpack(desc, bytes, arena, record_r, &fault) != 0)
        fail_msg("%s is malformed: %s", desc->name, fault);
}

/* Waits for an answer; leaves it in self->answer. */
static struct envelope await_any(struct test_caller *self, const char *awaited) {
    int64_t deadline_ms = loop_now_ms() + TEST_DEADLINE_MS;
    for (;;) {
        zframe_t *frame = receive(self, deadline_ms, awaited);
        struct envelope envelope = envelope_of(frame);
        if (envelope.kind == ENVELOPE_EVENT) {
            keep_event(self, frame);
            continue;
        }
        assert_true(envelope.kind == ENVELOPE_REPLY || envelope.kind == ENVELOPE_ERROR);
        self->answer = frame;
        return envelope;
    }
}

/* Waits for the answer to the last request, which names it. */
static struct envelope await_answer(struct test_caller *self, const char *name) {
    struct envelope envelope = await_any(self, name);
    assert_int_equal(envelope.id, self->last_id);
    return envelope;
}

/* self->out holds the request. */
static void start(struct test_caller *self) {
    zframe_destroy(&self->answer);
    record_arena_free(&self->answer_arena);
    self->text[0] = '\0';
    assert_false(self->out.failed);
    test_caller_send(self, slice_make(self->out.data, self->out.length));
}

static enum err take_error(struct test_caller *self, const struct envelope *envelope) {
    struct envelope_error error;
    unpack(&envelope_error_desc, envelope->body, &self->answer_arena, &error);
    snprintf(self->text, sizeof self->text, "%.*s", (int)error.text.length, error.text.data);
    return err_from_word(error.error.data, error.error.length);
}

static enum err finish(struct test_caller *self, const char *name, const struct record_desc *desc,
                       void *reply_r) {
    struct envelope envelope = await_answer(self, name);
    if (envelope.kind == ENVELOPE_REPLY) {
        assert_true(slice_equal(envelope.name, slice_text(name)));
        if (reply_r != NULL)
            unpack(desc, envelope.body, &self->answer_arena, reply_r);
        return ERR_OK;
    }
    return take_error(self, &envelope);
}

uint64_t test_caller_post(struct test_caller *self, const struct message_desc *message,
                          const void *body) {
    buffer_clear(&self->out);
    envelope_pack_request(&(struct envelope){.id = ++self->last_id,
                                             .name = slice_text(message->name),
                                             .wait_ms = self->wait_ms,
                                             .credential = slice_text(self->credential)},
                          message->body, body, &self->out);
    start(self);
    return self->last_id;
}

enum err test_caller_take(struct test_caller *self, uint64_t *id_r) {
    zframe_destroy(&self->answer);
    record_arena_free(&self->answer_arena);
    struct envelope envelope = await_any(self, "an answer");
    *id_r = envelope.id;
    return envelope.kind == ENVELOPE_REPLY ? ERR_OK : take_error(self, &envelope);
}

void test_caller_set_wait(struct test_caller *self, uint64_t wait_ms) { self->wait_ms = wait_ms; }

void test_caller_set_credential(struct test_caller *self, struct slice credential) {
    assert_in_range(credential.length, 0, ENVELOPE_MAX_CREDENTIAL);
    snprintf(self->credential, sizeof self->credential, "%.*s", (int)credential.length,
             credential.length == 0 ? "" : credential.data);
}

void test_caller_cancel(struct test_caller *self, uint64_t id) {
    buffer_clear(&self->out);
    envelope_pack(ENVELOPE_EVENT, 0, message_SERVICE_CANCEL.name, message_SERVICE_CANCEL.body,
                  &(struct service_cancel){.id = id}, &self->out);
    test_caller_send(self, slice_make(self->out.data, self->out.length));
}

void test_caller_start(struct test_caller *self, const struct message_desc *message,
                       const void *body) {
    test_caller_post(self, message, body);
}

enum err test_caller_finish(struct test_caller *self, const struct message_desc *message,
                            void *reply_r) {
    return finish(self, message->name, message->reply, reply_r);
}

enum err test_caller_ask(struct test_caller *self, const struct message_desc *message,
                         const void *body, void *reply_r) {
    test_caller_start(self, message, body);
    return test_caller_finish(self, message, reply_r);
}

enum err test_caller_ask_bytes(struct test_caller *self, const char *name, struct slice body) {
    buffer_clear(&self->out);
    envelope_pack(ENVELOPE_REQUEST, ++self->last_id, name, NULL, NULL, &self->out);
    self->out.length--; /* the empty map at its end */
    assert_int_equal(buffer_add(&self->out, body.data, body.length), 0);
    start(self);
    return finish(self, name, NULL, NULL);
}

const char *test_caller_text(const struct test_caller *self) { return self->text; }

void test_caller_event(struct test_caller *self, const struct message_desc *message, void *body_r) {
    int64_t deadline_ms = loop_now_ms() + TEST_DEADLINE_MS;
    if (self->event_count == 0)
        keep_event(self, receive(self, deadline_ms, message->name));
    zframe_destroy(&self->event);
    record_arena_free(&self->event_arena);
    self->event = take_event(self);
    struct envelope envelope = envelope_of(self->event);
    assert_int_equal(envelope.kind, ENVELOPE_EVENT);
    if (!slice_equal(envelope.name, slice_text(message->name)))
        fail_msg("%.*s came instead of %s", (int)envelope.name.length, envelope.name.data,
                 message->name);
    unpack(message->body, envelope.body, &self->event_arena, body_r);
}

size_t test_caller_events(const struct test_caller *self) { return self->event_count; }

size_t test_caller_event_bytes(const struct test_caller *self) { return zframe_size(self->event); }

uint64_t test_caller_metric(struct test_caller *self, const char *name) {
    struct service_status status;
    assert_int_equal(
        test_caller_ask(self, &message_SERVICE_STATUS, &(struct service_ping){0}, &status), ERR_OK);
    char *text = slice_copy(status.metrics), start[128];
    assert_non_null(text);
    snprintf(start, sizeof start, "\nparley_%s ", name);
    const char *line = strstr(text, start);
    if (line == NULL)
        fail_msg("no metric %s in\n%s", name, text);
    uint64_t value = strtoull(line + strlen(start), NULL, 10);
    free(text);
    return value;
}
