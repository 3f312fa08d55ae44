/* Links to the other services; see links.h. */
#include "services/gateway/links.h"

#include "services/gateway/bindings.h"
#include "services/gateway/feed.h"
#include "services/gateway/outbox.h"

/* After an instance was lost: by then what it had sent to the database is committed or undone. */
#define COMMITTED_MS 2000

static void on_committed(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    feed_catch_up_all(timer->data, "what that instance was committing can be read by now");
}

/* An instance that commits and then dies before it has routed leaves nobody to tell of it; nor can
 * what the database is still committing be read yet. */
static void writer_changed(void *context, struct peer *peer, enum peer_change change) {
    (void)peer;
    struct gateway *self = context;
    if (change == PEER_LOST) {
        feed_catch_up_all(self, "an instance that writes to the log was lost");
        loop_timer_start(service_loop(self->service), &self->committed, COMMITTED_MS);
    }
    outbox_send_all(self);
}

static int make_peers(struct gateway *self) {
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
                                                               .events = bindings_events,
                                                               .event_count = BINDINGS_EVENTS,
                                                               .context = self,
                                                               .change = bindings_change,
                                                               .pong = bindings_pong});
    return self->session == NULL ? -1 : 0;
}

int links_open(struct gateway *gateway) {
    ev_timer_init(&gateway->committed, on_committed, 0, 0);
    gateway->committed.data = gateway;
    return make_peers(gateway);
}

void links_close(struct gateway *gateway) {
    if (gateway->service != NULL)
        ev_timer_stop(service_loop(gateway->service), &gateway->committed);
    peers_destroy(&gateway->auth);
    peers_destroy(&gateway->group);
    peers_destroy(&gateway->session);
    peers_destroy(&gateway->delivery);
}
