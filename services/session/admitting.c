/* API keys shown to session; see admitting.h. */
#include "services/session/admitting.h"

#include <stdlib.h>

#include "common/log.h"
#include "common/peers.h"
#include "proto/messages.h"

struct admitting {
    struct peers *auth;
};

struct admitting *admitting_new(struct service *service, const char *auth_peers) {
    struct admitting *self = calloc(1, sizeof *self);
    if (self == NULL) {
        log_error("start_failed", "reason=\"out of memory\"");
        return NULL;
    }
    self->auth =
        peers_new(service, &(struct peers_options){.name = "auth", .addresses = auth_peers});
    if (self->auth == NULL)
        admitting_destroy(&self);
    return self;
}

void admitting_destroy(struct admitting **self) {
    if (*self != NULL)
        peers_destroy(&(*self)->auth);
    free(*self);
    *self = NULL;
}

static void on_reply(void *argument, enum err err, const void *reply, const char *text) {
    struct call *call = argument;
    (void)reply;
    (void)text;
    call_admit(&call, err);
}

void admitting_ask(struct admitting *self, struct call *call, struct slice credential,
                   const struct message_desc *message, uint64_t account) {
    const struct auth_admit body = {
        .key = credential, .message = slice_text(message->name), .account = account};
    enum err err = peers_ask(self->auth, peers_next(self->auth),
                             &(struct peers_request){.message = &message_AUTH_ADMIT,
                                                     .body = &body,
                                                     .trace = call_trace(call),
                                                     .done = on_reply,
                                                     .argument = call});
    if (err != ERR_OK)
        call_admit(&call, err);
}
