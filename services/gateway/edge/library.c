/* Everything that libwebsockets needs besides its callbacks. */
#include "services/gateway/edge/library.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/lws_log.h"

/*
 * limit: client | time to complete an HTTP request | {HANDSHAKE_S}, or `login_timeout_ms` if
 * less | closed
 */
/* To complete an HTTP request, at most. */
#define HANDSHAKE_S 20
#define TIMER_S 1

/* No pings of libwebsockets' own: ours carry marks, and it would not know of those. */
static const lws_retry_bo_t no_pings = {.secs_since_valid_ping = 0, .secs_since_valid_hangup = 0};

static void on_timer(struct ev_loop *ev, ev_timer *watcher, int revents) {
    (void)revents;
    struct edge_library *self = watcher->data;
    if (self->sockets == self->connected)
        ev_timer_stop(ev, watcher);
    else
        lws_cancel_service(self->context);
}

static unsigned handshake_seconds(uint64_t ms) {
    return ms < 2000 ? 1 : ms / 1000 > HANDSHAKE_S ? HANDSHAKE_S : (unsigned)(ms / 1000);
}

int edge_library_start(struct edge_library *self, struct ev_loop *ev,
                       const struct edge_library_protocol protocols[EDGE_LIBRARY_PROTOCOLS],
                       uint64_t handshake_timeout_ms, void *user) {
    unsigned handshake_s = handshake_seconds(handshake_timeout_ms);
    void *loops[] = {ev};
    struct lws_context_creation_info info = {
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_LIBEV,
        .foreign_loops = loops,
        .user = user,
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .vhost_name = "edge",
        .protocols = self->protocols,
        .retry_and_idle_policy = &no_pings,
        .timeout_secs = handshake_s,
        .timeout_secs_ah_idle = handshake_s,
    };
    self->ev = ev;
    ev_timer_init(&self->timer, on_timer, TIMER_S, TIMER_S);
    self->timer.data = self;
    strcpy(self->subprotocol, "edge");
    /* Whole queues are written at once: without a size of their own, writes would be cut at the
     * size of reads, and the rest copied. */
    for (size_t i = 0; i < EDGE_LIBRARY_PROTOCOLS; i++)
        self->protocols[i] = (struct lws_protocols){
            .name = protocols[i].name != NULL ? protocols[i].name : self->subprotocol,
            .callback = protocols[i].callback,
            .rx_buffer_size = protocols[i].read_bytes,
            .tx_packet_size = EDGE_WRITE_BYTES};
    lws_log_open();
    self->context = lws_create_context(&info);
    if (self->context != NULL)
        self->vhost = lws_create_vhost(self->context, &info);
    if (self->vhost != NULL)
        return 0;
    log_error("libwebsockets_failed",
              "text=\"can't start libwebsockets; is its libev plugin installed?\"");
    return -1;
}

void edge_library_stop(struct edge_library *self) {
    if (self->context != NULL)
        lws_context_destroy(self->context);
    self->context = NULL;
    if (self->ev != NULL)
        ev_timer_stop(self->ev, &self->timer);
}

void edge_library_adopt(struct edge_library *self, size_t protocol, int fd,
                        struct edge_remote *remote) {
    bool http = protocol == 0;
    const lws_adopt_desc_t socket = {.vh = self->vhost,
                                     .type = http ? LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP
                                                  : LWS_ADOPT_SOCKET,
                                     .fd = {.sockfd = fd},
                                     .vh_prot_name = http ? NULL : self->protocols[protocol].name,
                                     .opaque = remote};
    /* Closes the descriptor when it fails, and may have announced the socket's end by then. */
    self->adopted = remote;
    if (lws_adopt_descriptor_vhost_via_info(&socket) == NULL)
        free(self->adopted);
    self->adopted = NULL;
    if (!ev_is_active(&self->timer) && self->sockets != self->connected)
        ev_timer_again(self->ev, &self->timer);
}

void edge_library_created(struct edge_library *self) { self->sockets++; }

void edge_library_destroyed(struct edge_library *self, struct lws *wsi) {
    struct edge_remote *remote = lws_get_opaque_user_data(wsi);
    if (remote == self->adopted)
        self->adopted = NULL;
    free(remote);
    self->sockets--;
}

void edge_library_close(struct lws *wsi) {
    lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
    /* Its timers are only looked at when it has an event. */
    lws_cancel_service(lws_get_context(wsi));
}
