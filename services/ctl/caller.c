/* A caller that waits for the replies; see caller.h. */
#include "services/ctl/caller.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "common/loop.h"

#define FAULT_BYTES 256

struct caller {
    void *context, *socket;
    char *address;
    uint64_t last_id;
    char fault[FAULT_BYTES];
};

/* NULL with errno. */
static void *connect_with(struct caller *self, const struct keys *keys, const char *program,
                          size_t turn) {
    const int no_linger = 0, ipv6 = 1;
    const int64_t max_bytes = (int64_t)ENVELOPE_MAX_BYTES;
    void *socket = zmq_socket(self->context, ZMQ_DEALER);
    if (socket == NULL)
        return NULL;
    if (zmq_setsockopt(socket, ZMQ_LINGER, &no_linger, sizeof no_linger) == 0 &&
        zmq_setsockopt(socket, ZMQ_IPV6, &ipv6, sizeof ipv6) == 0 &&
        zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &max_bytes, sizeof max_bytes) == 0 &&
        keys_call(keys, socket, program, turn) == 0 && zmq_connect(socket, self->address) == 0)
        return socket;
    int failure = errno;
    zmq_close(socket);
    errno = failure;
    return NULL;
}

static void ping(void *socket) {
    struct buffer frame = buffer_make(256);
    envelope_pack(ENVELOPE_REQUEST, 0, message_SERVICE_PING.name, NULL, NULL, &frame);
    if (!frame.failed)
        (void)!zmq_send(socket, frame.data, frame.length, ZMQ_DONTWAIT);
    buffer_free(&frame);
}

/* Of sockets that differ in the key that they expect, the one that the instance answers; its answer
 * is dropped. */
static size_t find_answered(void *const sockets[], size_t count) {
    zmq_pollitem_t items[KEYS_MAX];
    char answer[1];
    for (size_t i = 0; i < count; i++) {
        items[i] = (zmq_pollitem_t){.socket = sockets[i], .events = ZMQ_POLLIN};
        ping(sockets[i]);
    }
    if (zmq_poll(items, (int)count, CALLER_PROBE_MS) <= 0)
        return 0;
    for (size_t i = 0; i < count; i++)
        if ((items[i].revents & ZMQ_POLLIN) != 0 &&
            zmq_recv(sockets[i], answer, sizeof answer, ZMQ_DONTWAIT) >= 0)
            return i;
    return 0;
}

static void *connect_any(struct caller *self, const struct keys *keys, const char *program) {
    void *sockets[KEYS_MAX];
    size_t keys_there = keys == NULL ? 1 : keys_count(keys, program), count = 0;
    do {
        sockets[count] = connect_with(self, keys, program, count);
    } while (sockets[count] != NULL && ++count < keys_there);
    if (count <= 1)
        return count == 0 ? NULL : sockets[0];
    size_t chosen = find_answered(sockets, count);
    for (size_t i = 0; i < count; i++)
        if (i != chosen)
            zmq_close(sockets[i]);
    return sockets[chosen];
}

struct caller *caller_new(const char *address, const struct keys *keys, const char *program) {
    struct caller *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->address = strdup(address);
    self->context = zmq_ctx_new();
    if (self->address != NULL && self->context != NULL)
        self->socket = connect_any(self, keys, program);
    if (self->socket == NULL) {
        int failure = errno;
        caller_destroy(&self);
        errno = failure;
    }
    return self;
}

void caller_destroy(struct caller **self) {
    if (*self == NULL)
        return;
    if ((*self)->socket != NULL)
        zmq_close((*self)->socket);
    if ((*self)->context != NULL)
        zmq_ctx_term((*self)->context);
    free((*self)->address);
    free(*self);
    *self = NULL;
}

const char *caller_address(const struct caller *self) { return self->address; }

const char *caller_fault(const struct caller *self) { return self->fault; }

static enum err fail(struct caller *self, enum err err, const char *text) {
    snprintf(self->fault, sizeof self->fault, "%s", text);
    return err;
}

/* The next frame within the time, copied into the arena; empty when there is none. */
static struct slice receive(struct caller *self, int64_t deadline_ms, struct record_arena *arena) {
    struct slice frame = {NULL, 0};
    int64_t left = deadline_ms - loop_now_ms();
    zmq_pollitem_t item = {.socket = self->socket, .events = ZMQ_POLLIN};
    zmq_msg_t message;
    if (zmq_poll(&item, 1, left > 0 ? (long)left : 0) <= 0)
        return frame;
    zmq_msg_init(&message);
    if (zmq_msg_recv(&message, self->socket, ZMQ_DONTWAIT) > 0)
        frame =
            record_arena_copy(arena, slice_make(zmq_msg_data(&message), zmq_msg_size(&message)));
    zmq_msg_close(&message);
    return frame;
}

static enum err take_error(struct caller *self, const struct envelope *envelope,
                           struct record_arena *arena) {
    struct envelope_error error;
    const char *fault;
    if (record_unpack(&envelope_error_desc, envelope->body, arena, &error, &fault) != 0)
        return fail(self, ERR_INTERNAL, "the reply is malformed");
    snprintf(self->fault, sizeof self->fault, "%.*s", (int)error.text.length, error.text.data);
    enum err err = err_from_word(error.error.data, error.error.length);
    return err == ERR_OK ? ERR_INTERNAL : err;
}

static enum err wait_for_answer(struct caller *self, int64_t deadline_ms,
                                struct record_arena *arena, const struct record_desc *reply_desc,
                                void *reply_r) {
    struct envelope envelope = {0};
    const char *fault;
    do {
        struct slice frame = receive(self, deadline_ms, arena);
        if (frame.length == 0 && loop_now_ms() >= deadline_ms) {
            snprintf(self->fault, sizeof self->fault, "%s does not answer", self->address);
            return ERR_TIMEOUT;
        }
        if (frame.length == 0 || envelope_unpack(frame, &envelope) != 0)
            envelope.id = 0;
    } while (envelope.id != self->last_id);
    if (envelope.kind == ENVELOPE_ERROR)
        return take_error(self, &envelope, arena);
    if (reply_desc != NULL &&
        record_unpack(reply_desc, envelope.body, arena, reply_r, &fault) != 0) {
        snprintf(self->fault, sizeof self->fault, "the reply is malformed: %s", fault);
        return ERR_INTERNAL;
    }
    return ERR_OK;
}

static enum err send_bytes(struct caller *self, const char *name, struct slice body) {
    struct buffer frame = buffer_make(ENVELOPE_MAX_BYTES);
    self->fault[0] = '\0';
    envelope_pack(ENVELOPE_REQUEST, ++self->last_id, name, NULL, NULL, &frame);
    /* The empty map at its end makes way for the body. */
    frame.length -= frame.length > 0;
    buffer_add(&frame, body.data, body.length);
    bool sent =
        !frame.failed && zmq_send(self->socket, frame.data, frame.length, ZMQ_DONTWAIT) >= 0;
    buffer_free(&frame);
    return sent ? ERR_OK : fail(self, ERR_INTERNAL, "the request is too large");
}

enum err caller_send(struct caller *self, const struct message_desc *message, const void *body) {
    struct buffer packed = buffer_make(ENVELOPE_MAX_BYTES);
    record_pack(message->body, body, &packed);
    enum err err = packed.failed
                       ? fail(self, ERR_INTERNAL, "the request is too large")
                       : send_bytes(self, message->name, slice_make(packed.data, packed.length));
    buffer_free(&packed);
    return err;
}

enum err caller_receive(struct caller *self, const struct message_desc *message,
                        int64_t deadline_ms, struct record_arena *arena, void *reply_r) {
    return wait_for_answer(self, deadline_ms, arena, message->reply, reply_r);
}

enum err caller_ask(struct caller *self, const struct message_desc *message, const void *body,
                    uint64_t timeout_ms, struct record_arena *arena, void *reply_r) {
    int64_t deadline_ms = loop_now_ms() + (int64_t)timeout_ms;
    enum err err = caller_send(self, message, body);
    return err != ERR_OK ? err : caller_receive(self, message, deadline_ms, arena, reply_r);
}

enum err caller_ask_bytes(struct caller *self, const char *name, struct slice body,
                          uint64_t timeout_ms, struct record_arena *arena,
                          const struct record_desc *reply_desc, void *reply_r) {
    int64_t deadline_ms = loop_now_ms() + (int64_t)timeout_ms;
    enum err err = send_bytes(self, name, body);
    return err != ERR_OK ? err : wait_for_answer(self, deadline_ms, arena, reply_desc, reply_r);
}
