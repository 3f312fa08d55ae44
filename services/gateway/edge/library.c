/* Everything that libwebsockets needs besides its callbacks. */
#include "services/gateway/edge/library.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/lws_log.h"
#include "services/gateway/edge/tls.h"

/* limit: client | TLS' handshake | {HANDSHAKE_S}, or `login_timeout_ms` if less | closed */
#define HANDSHAKE_S 20
#define TIMER_S 1
/*
 * limit: client | messages of TLS' handshake after it (keys that change), and alerts |
 * {LATER_MESSAGES_MAX} | closed
 */
#define LATER_MESSAGES_MAX 64

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

unsigned edge_library_seconds(uint64_t ms, unsigned most) {
    return ms < 2000 ? 1 : ms / 1000 > most ? most : (unsigned)(ms / 1000);
}

/* Its certificate is ours to load: LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS. */
static int start_tls(struct edge_library *self, struct lws_context_creation_info *info) {
    info->vhost_name = "edge with TLS";
    info->options |= LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX;
    info->alpn = "http/1.1";
    info->ssl_info_event_mask = SSL_CB_HANDSHAKE_DONE | SSL_CB_LOOP | SSL_CB_ALERT;
    self->tls = lws_create_vhost(self->context, info);
    if (self->tls != NULL)
        return 0;
    log_error("libwebsockets_failed", "text=\"can't start libwebsockets' TLS\"");
    return -1;
}

static void free_socket(struct edge_library *self, struct edge_socket *socket) {
    if (socket == NULL)
        return;
    edge_addresses_release(&self->addresses, socket->remote.counted);
    if (socket->wsi != NULL)
        LIST_REMOVE(socket, closing);
    free(socket);
}

/* --- closing --- */

static void on_closer(struct ev_loop *ev, ev_prepare *watcher, int revents) {
    (void)ev;
    (void)revents;
    struct edge_library *self = watcher->data;
    struct edge_socket *socket;
    while ((socket = LIST_FIRST(&self->closing)) != NULL) {
        struct lws *wsi = socket->wsi;
        LIST_REMOVE(socket, closing);
        socket->wsi = NULL;
        lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_SYNC);
    }
}

void edge_library_close(struct edge_library *self, struct lws *wsi) {
    struct edge_socket *socket = lws_get_opaque_user_data(wsi);
    if (socket->wsi != NULL)
        return;
    socket->wsi = wsi;
    LIST_INSERT_HEAD(&self->closing, socket, closing);
    ev_feed_event(self->ev, &self->closer, EV_CUSTOM);
}

/* --- life --- */

static void give(struct edge_library *self, size_t protocol, int fd, struct edge_socket *socket) {
    bool tls = socket->tls;
    unsigned type = LWS_ADOPT_SOCKET | (tls ? LWS_ADOPT_ALLOW_SSL : 0U);
    const lws_adopt_desc_t adopted = {.vh = tls ? self->tls : self->plain,
                                      .type = (lws_adoption_type)type,
                                      .fd = {.sockfd = fd},
                                      .vh_prot_name = self->protocols[protocol].name,
                                      .opaque = socket};
    /* Closes the descriptor when it fails, and may have announced the socket's end by then. */
    self->adopted = socket;
    if (lws_adopt_descriptor_vhost_via_info(&adopted) == NULL)
        free_socket(self, self->adopted);
    self->adopted = NULL;
}

int edge_library_start(struct edge_library *self, struct ev_loop *ev,
                       const struct edge_library_protocol protocols[EDGE_LIBRARY_PROTOCOLS],
                       const struct edge_settings *settings, bool tls, void *user) {
    unsigned handshake_s = edge_library_seconds(settings->handshake_timeout_ms, HANDSHAKE_S);
    void *loops[] = {ev};
    struct lws_context_creation_info info = {
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_LIBEV |
                   (tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0),
        .foreign_loops = loops,
        .user = user,
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .vhost_name = "edge",
        .protocols = self->protocols,
        .retry_and_idle_policy = &no_pings,
        .timeout_secs = handshake_s,
    };
    self->ev = ev;
    LIST_INIT(&self->closing);
    ev_prepare_init(&self->closer, on_closer);
    ev_set_priority(&self->closer, EV_MINPRI);
    self->closer.data = self;
    ev_timer_init(&self->timer, on_timer, TIMER_S, TIMER_S);
    self->timer.data = self;
    /* Whole queues are written at once: without a size of their own, writes would be cut at the
     * size of reads, and the rest copied. */
    for (size_t i = 0; i < EDGE_LIBRARY_PROTOCOLS; i++)
        self->protocols[i] = (struct lws_protocols){.name = protocols[i].name,
                                                    .callback = protocols[i].callback,
                                                    .tx_packet_size = EDGE_WRITE_BYTES};
    lws_log_open();
    self->context = lws_create_context(&info);
    if (self->context != NULL)
        self->plain = lws_create_vhost(self->context, &info);
    if (self->plain == NULL) {
        log_error("libwebsockets_failed",
                  "text=\"can't start libwebsockets; is its libev plugin installed?\"");
        return -1;
    }
    return tls ? start_tls(self, &info) : 0;
}

void edge_library_stop(struct edge_library *self) {
    if (self->context != NULL)
        lws_context_destroy(self->context);
    self->context = NULL;
    if (self->ev == NULL)
        return;
    ev_timer_stop(self->ev, &self->timer);
    ev_clear_pending(self->ev, &self->closer);
}

void edge_library_adopt(struct edge_library *self, size_t protocol, bool tls, int fd,
                        const struct edge_remote *remote) {
    struct edge_socket *socket = calloc(1, sizeof *socket);
    if (socket == NULL) {
        edge_addresses_release(&self->addresses, remote->counted);
        close(fd);
        return;
    }
    *socket = (struct edge_socket){.remote = *remote, .tls = tls};
    give(self, protocol, fd, socket);
    if (!ev_is_active(&self->timer) && self->sockets != self->connected)
        ev_timer_again(self->ev, &self->timer);
}

void edge_library_created(struct edge_library *self) { self->sockets++; }

void edge_library_destroyed(struct edge_library *self, struct lws *wsi) {
    struct edge_socket *socket = lws_get_opaque_user_data(wsi);
    if (socket == self->adopted)
        self->adopted = NULL;
    free_socket(self, socket);
    self->sockets--;
}

/* --- handshakes --- */

bool edge_library_shakes(struct edge_library *self, struct lws *wsi,
                         const struct lws_ssl_info *info) {
    struct edge_socket *socket = lws_get_opaque_user_data(wsi);
    if ((info->where & SSL_CB_ALERT) != 0)
        socket->alert = info->ret;
    if ((info->where & SSL_CB_HANDSHAKE_DONE) != 0 && !socket->shaken) {
        socket->shaken = true;
        lws_callback_on_writable(wsi); /* of nothing else is a raw transport told */
        return true;
    }
    if (socket->shaken && ++socket->later > LATER_MESSAGES_MAX) {
        /* One call of OpenSSL reads such messages for as long as there are any. */
        edge_tls_stop_reading(wsi);
        edge_library_close(self, wsi);
    }
    return false;
}

bool edge_library_take(struct lws *wsi) {
    struct edge_socket *socket = lws_get_opaque_user_data(wsi);
    if (socket == NULL || !socket->tls)
        return true;
    bool now = socket->shaken && !socket->taken;
    socket->taken = socket->shaken;
    return now;
}

bool edge_library_failed_to_shake(struct lws *wsi) {
    const struct edge_socket *socket = lws_get_opaque_user_data(wsi);
    if (socket == NULL || !socket->tls || socket->shaken)
        return false;
    log_debug("tls_handshake_failed", "alert=\"%s\"",
              socket->alert == 0 ? "none" : SSL_alert_desc_string_long(socket->alert));
    return true;
}
