/* Waiting for the client and the owner of an exchange; see exchange_parts.h. */
#include "services/gateway/edge/exchange_parts.h"

#include "common/loop.h"

static void wait_for(struct edge_exchange *exchange, uint64_t ms) {
    loop_timer_start(exchange->shared->ev, &exchange->timer, (int64_t)ms);
}

void edge_exchange_wait_for_client(struct edge_exchange *exchange, uint64_t ms) {
    edge_rate_wait(&exchange->rate, loop_now_ms());
    wait_for(exchange, ms);
}

/* Somewhat longer than the owner tries. */
void edge_exchange_wait_for_owner(struct edge_exchange *exchange) {
    edge_rate_rest(&exchange->rate, loop_now_ms());
    const struct edge_settings *settings = exchange->shared->settings;
    wait_for(exchange, settings->end_timeout_ms + settings->transfers.transfer_silence_ms);
}

void edge_exchange_moved(struct edge_exchange *exchange, size_t bytes) {
    const struct edge_settings *settings = exchange->shared->settings;
    if (!edge_rate_move(&exchange->rate, bytes, loop_now_ms(),
                        settings->transfers.transfer_least_bytes,
                        (int64_t)settings->transfers.transfer_rate_ms))
        edge_exchange_cut(exchange);
}

void edge_exchange_cut(struct edge_exchange *exchange) {
    exchange->cut = true;
    edge_turns_leave(exchange->turns, &exchange->turn);
    ev_io_stop(exchange->shared->ev, &exchange->readable);
    ev_timer_stop(exchange->shared->ev, &exchange->timer);
    edge_library_close(&exchange->shared->library, exchange->wsi);
}

void edge_exchange_join(struct edge_exchange *exchange) {
    edge_turns_join(exchange->turns, &exchange->turn, exchange->work);
}
