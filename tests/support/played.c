/* A service that a C test plays; see played.h. */
#include "tests/support/played.h"

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

struct asked {
    struct played *by;
    zframe_t *frame; /* what `envelope` points into */
    struct envelope envelope;
    char name[ENVELOPE_MAX_NAME + 1];
    struct record_arena arena;
    bool taken;
    struct asked *next;
};

struct played {
    const char *name;
    zsock_t *router;
    zframe_t *caller; /* of the last request */
    unsigned pings, cancels;
    uint64_t instance, link, pushed;
    struct asked *asked; /* oldest first */
};

struct played *played_new(const char *name, uint16_t port) {
    static uint64_t instances;
    zsys_handler_set(NULL);
    struct played *self = calloc(1, sizeof *self);
    assert_non_null(self);
    self->name = name;
    self->instance = ++instances;
    self->link = 1000 + instances;
    self->router = zsock_new(ZMQ_ROUTER);
    assert_non_null(self->router);
    zsock_set_linger(self->router, 0);
    zsock_set_router_handover(self->router, 1);
    zsock_set_sndhwm(self->router, 0);
    zsock_set_rcvhwm(self->router, 0);
    test_keys_serve(zsock_resolve(self->router), name);
    test_listen(self->router, port);
    return self;
}

static void asked_free(struct asked *asked) {
    zframe_destroy(&asked->frame);
    record_arena_free(&asked->arena);
    free(asked);
}

void played_destroy(struct played **self_p) {
    struct played *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    while (self->asked != NULL) {
        struct asked *asked = self->asked;
        self->asked = asked->next;
        asked_free(asked);
    }
    zframe_destroy(&self->caller);
    zsock_unbind(self->router, "%s", zsock_endpoint(self->router));
    zsock_destroy(&self->router);
    free(self);
}

void *played_socket(const struct played *self) { return zsock_resolve(self->router); }

/* --- sending --- */

static void send_envelope(struct played *self, enum envelope_kind kind, uint64_t id,
                          const char *name, const struct record_desc *desc, const void *body) {
    struct buffer out = buffer_make(ENVELOPE_MAX_BYTES);
    envelope_pack(kind, id, name, desc, body, &out);
    assert_false(out.failed);
    if (self->caller == NULL)
        fail_msg("%s was never called", self->name);
    zframe_t *frame = zframe_new(out.data, out.length);
    zframe_send(&self->caller, self->router, ZFRAME_MORE | ZFRAME_REUSE);
    zframe_send(&frame, self->router, 0);
    buffer_free(&out);
}

static void unlink_asked(struct asked *asked) {
    struct asked **at = &asked->by->asked;
    while (*at != asked)
        at = &(*at)->next;
    *at = asked->next;
}

static void finish(struct asked **asked_p, enum envelope_kind kind, const struct record_desc *desc,
                   const void *body) {
    struct asked *asked = *asked_p;
    *asked_p = NULL;
    send_envelope(asked->by, kind, asked->envelope.id, asked->name, desc, body);
    unlink_asked(asked);
    asked_free(asked);
}

static const struct message_desc *message_named(const char *name) {
    for (size_t i = 0; i < proto_messages_count; i++)
        if (strcmp(proto_messages[i]->name, name) == 0)
            return proto_messages[i];
    if (strcmp(message_SERVICE_STATUS.name, name) == 0)
        return &message_SERVICE_STATUS;
    fail_msg("the request %s is not one of ours", name);
    return NULL;
}

void played_answer(struct asked **asked, const void *reply) {
    finish(asked, ENVELOPE_REPLY, reply == NULL ? NULL : message_named((*asked)->name)->reply,
           reply);
}

void played_refuse_as(struct asked **asked, const struct envelope_error *error) {
    finish(asked, ENVELOPE_ERROR, &envelope_error_desc, error);
}

void played_refuse(struct asked **asked, enum err err) {
    struct envelope_error error = {slice_text(err_word(err)), slice_text(err_text(err))};
    played_refuse_as(asked, &error);
}

void played_send(struct played *self, const struct message_desc *message, const void *body) {
    send_envelope(self, ENVELOPE_EVENT, 0, message->name, message->body, body);
}

/* --- receiving --- */

static void answer_ping(struct played *self, zframe_t **caller, uint64_t id) {
    struct service_pong pong = {
        .instance = self->instance, .ready = true, .link = self->link, .pushed = self->pushed};
    zframe_destroy(&self->caller);
    self->caller = *caller;
    *caller = NULL;
    self->pings++;
    send_envelope(self, ENVELOPE_REPLY, id, message_SERVICE_PING.name, message_SERVICE_PING.reply,
                  &pong);
}

/* Takes the frame over. */
static void keep(struct played *self, zframe_t *frame, const struct envelope *envelope) {
    struct asked *asked = calloc(1, sizeof *asked), **end = &self->asked;
    assert_non_null(asked);
    *asked = (struct asked){.by = self, .frame = frame, .envelope = *envelope};
    snprintf(asked->name, sizeof asked->name, "%.*s", (int)envelope->name.length,
             envelope->name.data);
    while (*end != NULL)
        end = &(*end)->next;
    *end = asked;
}

void played_poll(struct played *self) {
    while ((zsock_events(self->router) & ZMQ_POLLIN) != 0) {
        zframe_t *caller = zframe_recv(self->router), *frame = zframe_recv(self->router);
        struct envelope envelope;
        assert_non_null(frame);
        assert_int_equal(
            envelope_unpack(slice_make((const char *)zframe_data(frame), zframe_size(frame)),
                            &envelope),
            0);
        if (envelope.kind == ENVELOPE_EVENT &&
            slice_equal(envelope.name, slice_text(message_SERVICE_CANCEL.name))) {
            self->cancels++;
            zframe_destroy(&frame);
            zframe_destroy(&caller);
            continue;
        }
        assert_int_equal(envelope.kind, ENVELOPE_REQUEST);
        if (slice_equal(envelope.name, slice_text(message_SERVICE_PING.name))) {
            answer_ping(self, &caller, envelope.id);
            zframe_destroy(&frame);
        } else {
            keep(self, frame, &envelope);
            zframe_destroy(&self->caller);
            self->caller = caller;
            caller = NULL;
        }
        zframe_destroy(&caller);
    }
}

unsigned played_cancels(const struct played *self) { return self->cancels; }

unsigned played_pings(const struct played *self) { return self->pings; }

void played_read(struct asked *asked, void *body_r) {
    const char *fault = "";
    if (record_unpack(message_named(asked->name)->body, asked->envelope.body, &asked->arena, body_r,
                      &fault) != 0)
        fail_msg("%s is malformed: %s", asked->name, fault);
}

struct asked *played_take_if(struct played *self, const struct message_desc *message, void *body_r,
                             bool (*wanted)(const void *body)) {
    for (struct asked *asked = self->asked; asked != NULL; asked = asked->next) {
        if (asked->taken || strcmp(asked->name, message->name) != 0)
            continue;
        played_read(asked, body_r);
        if (wanted != NULL && !wanted(body_r))
            continue;
        asked->taken = true;
        return asked;
    }
    return NULL;
}

struct asked *played_take(struct played *self, const struct message_desc *message, void *body_r) {
    return played_take_if(self, message, body_r, NULL);
}

const char *played_waiting(const struct played *self) {
    for (const struct asked *asked = self->asked; asked != NULL; asked = asked->next)
        if (!asked->taken)
            return asked->name;
    return NULL;
}

const struct message_desc *played_message(const char *name) {
    size_t i = 0;
    while (i < proto_messages_count && strcmp(proto_messages[i]->name, name) != 0)
        i++;
    assert_true(i < proto_messages_count);
    return proto_messages[i];
}

static size_t count_asked(const struct played *self, const struct message_desc *message,
                          bool taken_too) {
    size_t count = 0;
    for (const struct asked *asked = self->asked; asked != NULL; asked = asked->next)
        count += (taken_too || !asked->taken) && strcmp(asked->name, message->name) == 0;
    return count;
}

size_t played_count(const struct played *self, const struct message_desc *message) {
    return count_asked(self, message, false);
}

size_t played_unanswered(const struct played *self, const struct message_desc *message) {
    return count_asked(self, message, true);
}

/* --- its answers to pings --- */

void played_set_link(struct played *self, uint64_t link) {
    self->link = link;
    self->pushed = 0;
}

void played_set_pushed(struct played *self, uint64_t pushed) { self->pushed = pushed; }

void played_set_instance(struct played *self, uint64_t instance) { self->instance = instance; }

uint64_t played_link(const struct played *self) { return self->link; }

uint64_t played_instance(const struct played *self) { return self->instance; }

uint64_t played_next_seq(struct played *self) { return ++self->pushed; }
