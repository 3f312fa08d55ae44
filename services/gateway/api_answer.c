/* Answers of the HTTP API; see api_call.h. */
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "services/gateway/api_call.h"

#define HEADERS_BYTES 512
/* What every answer has: it is for the caller alone. */
#define COMMON_HEADERS "Cache-Control: no-store\r\n"

static void count(const struct api_call *call, int status) {
    const struct api_calls *owner = call->owner;
    metric_add(status < 400 ? owner->done : status < 500 ? owner->refused : owner->failed, 1);
    histogram_observe(owner->seconds, (uint64_t)(loop_now_us() - call->begun_us));
    log_debug("api_call", "operation=%s key=%llu status=%d",
              call->operation == NULL ? "none" : call->operation->name,
              (unsigned long long)call->key, status);
}

/* The body is what `answer` holds. */
static void send_answer(struct api_call *call, int status, const char *headers) {
    struct slice body = slice_make(call->answer.data, call->answer.length);
    call->over = true;
    api_call_end_turn(call);
    count(call, status);
    if (call->exchange == NULL) {
        api_call_free_if_idle(call);
        return;
    }
    if (body.length + HEADERS_BYTES * 2 <= EDGE_ANSWER_BYTES) {
        edge_exchange_answer(call->exchange, api_status_text(status), headers, body);
        return;
    }
    edge_exchange_begin(call->exchange, api_status_text(status), headers, body.length);
    if (edge_exchange_method(call->exchange) != EDGE_HEAD)
        edge_exchange_write(call->exchange, body);
}

void api_answer_json(struct api_call *call, int status) {
    if (call->answer.failed) {
        api_answer_fault(call, ERR_OVERLOADED, NULL);
        return;
    }
    send_answer(call, status,
                call->answer.length > 0 ? COMMON_HEADERS "Content-Type: application/json\r\n"
                                        : COMMON_HEADERS);
}

void api_answer_options(struct api_call *call, const char *headers) {
    send_answer(call, 204, headers);
}

void api_answer_refusal(struct api_call *call, int status, enum err err, const char *detail,
                        const char *headers) {
    char all[HEADERS_BYTES];
    buffer_free(&call->answer);
    call->answer = buffer_make(API_ANSWER_MAX_BYTES);
    api_write_problem(status, err, slice_text(detail), &call->answer);
    snprintf(all, sizeof all, COMMON_HEADERS "Content-Type: application/problem+json\r\n%s",
             headers);
    if (!call->answer.failed) {
        send_answer(call, status, all);
        return;
    }
    call->over = true;
    if (call->exchange != NULL)
        edge_exchange_cut(call->exchange);
    else
        api_call_free_if_idle(call);
}

void api_answer_fault(struct api_call *call, enum err err, const char *detail) {
    int status = api_status_of(err);
    api_answer_refusal(call, status, err, detail,
                       status == 503   ? "Retry-After: 1\r\n"
                       : status == 429 ? "Retry-After: 5\r\n"
                       : status == 401 ? "WWW-Authenticate: Bearer\r\n"
                                       : "");
}
