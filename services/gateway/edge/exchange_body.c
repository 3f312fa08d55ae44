/* The body of a request that the owner answers; see exchange.h. */
#include <errno.h>
#include <sys/socket.h>

#include "services/gateway/edge/exchange_parts.h"
#include "services/gateway/edge/tls.h"

static void tell_to_go_on(struct edge_exchange *exchange) {
    static char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (!exchange->expects)
        return;
    exchange->expects = false;
    if (lws_write(exchange->wsi, (unsigned char *)text, sizeof text - 1, LWS_WRITE_RAW) < 0)
        edge_exchange_cut(exchange);
}

void edge_exchange_announce(struct edge_exchange *exchange, size_t bytes) {
    int least = (int)bytes;
    if (exchange->announced == bytes)
        return;
    exchange->announced = bytes;
    (void)setsockopt(exchange->readable.fd, SOL_SOCKET, SO_RCVLOWAT, &least, sizeof least);
}

/* Most clients send in small packets, and to look at one costs as much as many bytes: the kernel
 * announces a whole piece, or the rest of the body. It announces the connection's end in any case.
 * With TLS a part of a record may be in the library already, so there the last bytes are announced
 * as they come. */
static void announce_pieces(struct edge_exchange *exchange) {
    const uint64_t left = exchange->body_left;
    if (left >= 2 * EDGE_BODY_PIECE_BYTES)
        edge_exchange_announce(exchange, EDGE_BODY_PIECE_BYTES);
    else if (lws_is_ssl(exchange->wsi))
        edge_exchange_announce(exchange, 1);
    else
        edge_exchange_announce(exchange,
                               left < EDGE_BODY_PIECE_BYTES ? (size_t)left : EDGE_BODY_PIECE_BYTES);
}

void edge_exchange_read(struct edge_exchange *exchange) {
    struct ev_loop *ev = exchange->shared->ev;
    if (exchange->reading || exchange->answered || exchange->cut)
        return;
    exchange->reading = true;
    edge_exchange_wait_for_client(exchange,
                                  exchange->shared->settings->transfers.transfer_silence_ms);
    tell_to_go_on(exchange);
    if (exchange->cut)
        return;
    if (exchange->body_left > 0)
        ev_io_start(ev, &exchange->readable);
    ev_feed_event(ev, &exchange->readable, EV_READ); /* what is here already, or the end */
}

void edge_exchange_pause(struct edge_exchange *exchange) {
    if (exchange->cut || exchange->answered)
        return;
    exchange->reading = false;
    ev_io_stop(exchange->shared->ev, &exchange->readable);
    edge_exchange_wait_for_owner(exchange);
}

static void hand_over(struct edge_exchange *exchange, struct slice bytes) {
    exchange->body_left -= bytes.length;
    edge_exchange_wait_for_client(exchange,
                                  exchange->shared->settings->transfers.transfer_silence_ms);
    edge_exchange_handlers_of(exchange)->on_body(exchange, bytes);
}

/* The body's begin may have been read with the head. */
static void hand_over_ahead(struct edge_exchange *exchange) {
    struct buffer *ahead = &exchange->ahead;
    size_t length = ahead->length < exchange->body_left ? ahead->length : exchange->body_left;
    if (length == 0)
        return;
    struct buffer all = *ahead;
    *ahead = buffer_make(EDGE_HEAD_BYTES);
    (void)buffer_add(ahead, all.data + length, all.length - length);
    hand_over(exchange, slice_make(all.data, length));
    buffer_free(&all);
}

static bool takes_more(const struct edge_exchange *exchange) {
    return exchange->reading && exchange->body_left > 0 && !exchange->answered && !exchange->cut;
}

/* How many bytes were there; 0: none, or none will come. */
static size_t read_once(struct edge_exchange *exchange) {
    char bytes[EDGE_BODY_PIECE_BYTES];
    size_t room = exchange->body_left < sizeof bytes ? (size_t)exchange->body_left : sizeof bytes;
    ssize_t got = lws_is_ssl(exchange->wsi) ? edge_tls_read(exchange->wsi, bytes, room)
                                            : recv(exchange->readable.fd, bytes, room, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (got <= 0) {
        edge_exchange_cut(exchange);
        return 0;
    }
    hand_over(exchange, slice_make(bytes, (size_t)got));
    edge_exchange_moved(exchange, (size_t)got);
    return (size_t)got;
}

/* With TLS records are read to their end: the kernel does not announce what is left of one. */
static size_t read_some(struct edge_exchange *exchange) {
    size_t sum = 0, got = 1;
    if (takes_more(exchange))
        hand_over_ahead(exchange);
    while (takes_more(exchange) && got > 0) {
        sum += got = read_once(exchange);
        if (!lws_is_ssl(exchange->wsi) || !edge_tls_has_more(exchange->wsi))
            break;
    }
    return sum;
}

size_t edge_exchange_read_body(struct edge_exchange *exchange) {
    size_t sum = read_some(exchange);
    if (exchange->late && sum == 0)
        edge_exchange_cut(exchange);
    exchange->late = false;
    if (takes_more(exchange)) {
        announce_pieces(exchange);
        ev_io_start(exchange->shared->ev, &exchange->readable);
    }
    if (exchange->body_left == 0 && !exchange->cut && exchange->reading && !exchange->end_handed &&
        !exchange->answered) {
        exchange->end_handed = true;
        edge_exchange_wait_for_owner(exchange);
        edge_exchange_handlers_of(exchange)->on_body_end(exchange);
    }
    return sum;
}

void edge_exchange_look_late(struct edge_exchange *exchange) {
    exchange->late = takes_more(exchange);
    if (exchange->late)
        edge_exchange_join(exchange);
    else
        edge_exchange_cut(exchange);
}

void edge_exchange_readable(struct ev_loop *ev, ev_io *watcher, int revents) {
    (void)revents;
    ev_io_stop(ev, watcher);
    edge_exchange_join(watcher->data);
}
