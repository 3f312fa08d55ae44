/* Requests over HTTP; see http_requests.h. */
#include "services/gateway/http_requests.h"

#include "services/gateway/api_calls.h"
#include "services/gateway/file_transfers.h"

static const struct edge_exchange_handlers *module_of(void *argument, struct slice path) {
    return api_exchange_handlers.is_mine(argument, path) ? &api_exchange_handlers
                                                         : &file_exchange_handlers;
}

static const struct edge_exchange_handlers *owner_of(const struct edge_exchange *exchange) {
    return module_of(NULL, edge_exchange_path(exchange));
}

static bool is_mine(void *argument, struct slice path) {
    return module_of(argument, path)->is_mine(argument, path);
}

static void on_request(void *argument, struct edge_exchange *exchange) {
    owner_of(exchange)->on_request(argument, exchange);
}

static void on_body(struct edge_exchange *exchange, struct slice bytes) {
    owner_of(exchange)->on_body(exchange, bytes);
}

static void on_body_end(struct edge_exchange *exchange) {
    owner_of(exchange)->on_body_end(exchange);
}

static void on_taken(struct edge_exchange *exchange) { owner_of(exchange)->on_taken(exchange); }

static void on_end(struct edge_exchange *exchange, bool complete) {
    owner_of(exchange)->on_end(exchange, complete);
}

static void on_crowded(void *argument, bool of_address) {
    file_exchange_handlers.on_crowded(argument, of_address);
}

const struct edge_exchange_handlers http_request_handlers = {.is_mine = is_mine,
                                                             .on_request = on_request,
                                                             .on_crowded = on_crowded,
                                                             .on_body = on_body,
                                                             .on_body_end = on_body_end,
                                                             .on_taken = on_taken,
                                                             .on_end = on_end};
