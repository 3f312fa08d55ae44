/* Links to the other services; see links.h. */
#include "services/gateway/links.h"

#include "services/gateway/bindings.h"
#include "services/gateway/file_link.h"
#include "services/gateway/missed.h"
#include "services/gateway/outbox.h"
#include "services/gateway/session_link.h"

/* An instance that commits and then dies before it has routed leaves nobody to report it. */
static void writer_changed(void *context, struct peer *peer, enum peer_change change) {
    (void)peer;
    struct gateway *self = context;
    if (change == PEER_LOST)
        missed_compare_later(self->missed);
    outbox_send_all(self);
}

int links_open(struct gateway *self) {
    const struct gateway_settings *settings = &self->settings;
    struct service *service = self->service;
    self->auth = peers_new(
        service, &(struct peers_options){.name = "auth", .addresses = settings->auth_peers});
    if (self->auth == NULL)
        return -1;
    self->group = peers_new(service, &(struct peers_options){.name = "group",
                                                             .addresses = settings->group_peers,
                                                             .context = self,
                                                             .change = writer_changed});
    if (self->group == NULL)
        return -1;
    self->delivery =
        peers_new(service, &(struct peers_options){.name = "delivery",
                                                   .addresses = settings->delivery_peers,
                                                   .context = self,
                                                   .change = writer_changed});
    if (self->delivery == NULL)
        return -1;
    self->session = peers_new(service, &(struct peers_options){.name = "session",
                                                               .addresses = settings->session_peers,
                                                               .events = session_link_events,
                                                               .event_count = SESSION_LINK_EVENTS,
                                                               .context = self,
                                                               .change = bindings_change,
                                                               .pong = session_link_pong});
    if (self->session == NULL)
        return -1;
    /* The gateway is ready without it. */
    if (settings->hooks_peers[0] != '\0' &&
        (self->hooks = peers_new(
             service,
             &(struct peers_options){.name = "hooks", .addresses = settings->hooks_peers})) == NULL)
        return -1;
    return file_link_open(self);
}

void links_close(struct gateway *self) {
    file_link_close(self);
    peers_destroy(&self->auth);
    peers_destroy(&self->group);
    peers_destroy(&self->session);
    peers_destroy(&self->delivery);
    peers_destroy(&self->hooks);
}
