/* The memory of a call of the HTTP API; see api_call.h. */
#include "services/gateway/api_call.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include <utlist.h>

#include "services/gateway/edge/json.h"

struct api_call *api_call_new(struct gateway *gateway, struct edge_exchange *exchange) {
    struct api_call *call = calloc(1, sizeof *call);
    if (call == NULL)
        return NULL;
    call->owner = gateway->api_calls;
    call->gateway = gateway;
    call->exchange = exchange;
    call->begun_us = loop_now_us();
    call->body = buffer_make(EDGE_MAX_OBJECT);
    call->answer = buffer_make(API_ANSWER_MAX_BYTES);
    randombytes_buf(&call->trace, sizeof call->trace);
    snprintf(call->host, sizeof call->host, "%s", edge_exchange_host(exchange));
    DL_APPEND(call->owner->calls, call);
    return call;
}

/* The next one begins from the loop: it may end at once, and so may the one behind it. */
void api_call_end_turn(struct api_call *call) {
    struct key_place *place = key_lines_leave(call->owner->lines, &call->place);
    if (place == NULL)
        return;
    struct api_call *next = place->owner;
    loop_timer_start(service_loop(call->gateway->service), &next->timer, 0);
}

void api_call_free(struct api_call *call) {
    api_call_end_turn(call);
    DL_DELETE(call->owner->calls, call);
    ev_timer_stop(service_loop(call->gateway->service), &call->timer);
    free(call->listed.accounts);
    if (call->is_read)
        api_request_free(&call->request);
    sodium_memzero(call->secret, sizeof call->secret);
    buffer_free(&call->body);
    buffer_free(&call->answer);
    free(call);
}

/* Its client may still be reading the answer. */
void api_call_free_if_idle(struct api_call *call) {
    if (call->exchange == NULL && !call->asking && call->over)
        api_call_free(call);
}
