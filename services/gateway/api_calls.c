/* The begin and end of calls of the HTTP API; see api_calls.h. */
#include "services/gateway/api_calls.h"

#include <ctype.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <utlist.h>

#include "common/log.h"
#include "common/peers.h"
#include "common/scope.h"
#include "services/gateway/api_call.h"
#include "services/gateway/edge/http_header.h"
#include "services/gateway/edge/json.h"
#include "services/gateway/key_cache.h"
#include "services/gateway/nonces.h"

#define ALLOWED_BYTES 64

/* --- life ------------------------------------------------------------------------------------ */

struct api_calls *api_calls_new(struct gateway *gateway) {
    struct metrics *metrics = service_metrics(gateway->service);
    struct api_calls *self = calloc(1, sizeof *self);
    const char *help = "Calls of the HTTP API.";
    if (self == NULL)
        return NULL;
    self->gateway = gateway;
    self->openapi = buffer_make(API_OPENAPI_BYTES);
    self->keys = key_cache_new();
    self->lines = key_lines_new();
    self->done = metrics_counter(metrics, "api_calls_total", "outcome=\"done\"", help);
    self->refused = metrics_counter(metrics, "api_calls_total", "outcome=\"refused\"", help);
    self->failed = metrics_counter(metrics, "api_calls_total", "outcome=\"failed\"", help);
    self->seconds = metrics_histogram(metrics, "api_call_seconds", "", HISTOGRAM_SECONDS,
                                      "Time from a call of the HTTP API to its answer.");
    if (self->keys == NULL || self->lines == NULL)
        api_calls_destroy(&self);
    return self;
}

void api_calls_destroy(struct api_calls **self_p) {
    struct api_calls *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    while (self->calls != NULL)
        api_call_free(self->calls);
    key_cache_destroy(&self->keys);
    key_lines_destroy(&self->lines);
    buffer_free(&self->openapi);
    free(self);
}

/* --- the request ---------------------------------------------------------------------------------
 */

static void refuse_body(struct api_call *call, int status, const char *detail) {
    api_answer_refusal(call, status, ERR_BAD_REQUEST, detail, "");
}

static void on_whole_body(struct api_call *call) {
    char fault[DIALECT_FAULT_BYTES] = "";
    struct slice body = slice_make(call->body.data, call->body.length);
    if (body.length > 0) {
        const char *wrong = edge_json_check(body, &call->asked.body);
        if (wrong != NULL) {
            api_answer_fault(call, ERR_BAD_REQUEST, wrong);
            return;
        }
    }
    call->is_read = true;
    enum err err = api_read(call->operation, &call->asked, &call->request, fault);
    if (err != ERR_OK)
        api_answer_fault(call, err, fault);
    else
        api_steps_begin(call);
}

static bool is_json(struct slice type) {
    static const char json[] = "application/json";
    size_t length = sizeof json - 1;
    return type.length >= length && strncasecmp(type.data, json, length) == 0 &&
           (type.length == length || type.data[length] == ';' || type.data[length] == ' ');
}

/* false: the header is none, and the call was answered. */
static bool make_nonce(struct api_call *call) {
    struct slice ref = edge_exchange_header(call->exchange, "Idempotency-Key");
    bool good = ref.data == NULL || (ref.length > 0 && ref.length <= API_REF_MAX_BYTES);
    for (size_t i = 0; ref.data != NULL && i < ref.length; i++)
        good = good && isprint((unsigned char)ref.data[i]);
    if (good)
        nonce_make_of_key(call->gateway, call->key, ref, call->nonce);
    else
        api_answer_fault(call, ERR_BAD_REQUEST,
                         "Idempotency-Key must be 1 to 64 characters of ASCII");
    return good;
}

/* The key is good: what is asked, and with what. */
static void on_admitted(struct api_call *call) {
    struct edge_exchange *exchange = call->exchange;
    uint64_t length = edge_exchange_length(exchange);
    if (!make_nonce(call))
        return;
    if (length == 0 || length == EDGE_NO_LENGTH) {
        on_whole_body(call);
        return;
    }
    if (!is_json(edge_exchange_header(exchange, "Content-Type")))
        refuse_body(call, 415, "the Content-Type of a body is application/json");
    else if (length > EDGE_MAX_OBJECT)
        refuse_body(call, 413, "a body has at most 65536 bytes");
    else
        edge_exchange_read(exchange);
}

/* --- the key -------------------------------------------------------------------------------------
 */

static void refuse_scope(struct api_call *call) {
    char detail[128];
    snprintf(detail, sizeof detail, "the API key does not have the scope %s",
             scope_word(call->operation->scope));
    api_answer_fault(call, ERR_FORBIDDEN, detail);
}

static void judge_key(struct api_call *call, struct known_key *key) {
    char retry_after[64];
    call->key = known_key_number(key);
    call->account = known_key_account(key);
    if (!known_key_allows(key, call->host)) {
        api_answer_fault(call, ERR_FORBIDDEN, "the API key may not be used from your address");
        return;
    }
    unsigned wait_s = known_key_count(key, loop_now_us());
    if (wait_s > 0) {
        snprintf(retry_after, sizeof retry_after, "Retry-After: %u\r\n", wait_s);
        api_answer_refusal(call, 429, ERR_THROTTLED, "too many calls of this API key", retry_after);
    } else if ((known_key_scopes(key) & call->operation->scope) == 0) {
        refuse_scope(call);
    } else {
        on_admitted(call);
    }
}

static void on_key(void *argument, enum err err, const void *reply, const char *text) {
    struct api_call *call = argument;
    struct slice secret = slice_text(call->secret);
    struct known_key *key = NULL;
    (void)text;
    call->asking = false;
    if (err == ERR_OK)
        key = key_cache_keep(call->owner->keys, secret, reply, loop_now_ms());
    else if (err == ERR_BAD_API_KEY)
        key_cache_forget(call->owner->keys, secret);
    if (call->exchange == NULL) {
        call->over = true;
        api_call_free_if_idle(call);
    } else if (err != ERR_OK) {
        api_answer_fault(call, err == ERR_UNKNOWN_OUTCOME ? ERR_UNAVAILABLE : err,
                         err == ERR_THROTTLED ? "too many wrong API keys from your address" : NULL);
    } else if (key == NULL) {
        api_answer_fault(call, ERR_OVERLOADED, NULL);
    } else {
        judge_key(call, key);
    }
}

static void ask_key(struct api_call *call) {
    struct slice secret = slice_text(call->secret);
    const struct auth_find_api_key body = {.key = secret,
                                           .address = slice_text(call->host),
                                           .known = key_cache_remembers(call->owner->keys, secret)};
    struct peers *auth = call->gateway->auth;
    call->asking = true;
    enum err err = peers_ask(auth, peers_next(auth),
                             &(struct peers_request){.message = &message_AUTH_FIND_API_KEY,
                                                     .body = &body,
                                                     .trace = call->trace,
                                                     .done = on_key,
                                                     .argument = call});
    if (err != ERR_OK)
        on_key(call, err, NULL, NULL);
}

/* `Authorization: Bearer KEY`; false: there is none. */
static bool read_secret(struct api_call *call) {
    static const char scheme[] = "Bearer ";
    size_t length = sizeof scheme - 1;
    struct slice header = edge_exchange_header(call->exchange, "Authorization");
    if (header.length <= length || strncasecmp(header.data, scheme, length) != 0)
        return false;
    struct slice secret = slice_make(header.data + length, header.length - length);
    while (secret.length > 0 && secret.data[0] == ' ')
        secret = slice_make(secret.data + 1, secret.length - 1);
    if (secret.length == 0 || secret.length >= sizeof call->secret)
        return false;
    memcpy(call->secret, secret.data, secret.length);
    for (size_t i = 0; i < secret.length; i++)
        if (!isgraph((unsigned char)secret.data[i]))
            return false;
    return true;
}

static void admit(struct api_call *call) {
    if (!read_secret(call)) {
        api_answer_fault(call, ERR_BAD_API_KEY, "an API key is needed: Authorization: Bearer KEY");
        return;
    }
    struct known_key *key =
        key_cache_find(call->owner->keys, slice_text(call->secret), loop_now_ms());
    if (key != NULL)
        judge_key(call, key);
    else
        ask_key(call);
}

/* --- what is asked -------------------------------------------------------------------------------
 */

static void answer_openapi(struct api_call *call) {
    struct buffer *openapi = &call->owner->openapi;
    if (openapi->length == 0)
        api_write_openapi(openapi);
    (void)buffer_add(&call->answer, openapi->data, openapi->length);
    call->answer.failed = call->answer.failed || openapi->failed;
    api_answer_json(call, 200);
}

static void answer_allowed(struct api_call *call, enum api_found found, const char *allowed) {
    char headers[ALLOWED_BYTES + 16];
    snprintf(headers, sizeof headers, "Allow: %s\r\n", allowed);
    bool asks = edge_exchange_method(call->exchange) == EDGE_OPTIONS;
    if (found == API_NO_PATH)
        api_answer_refusal(call, 404, ERR_BAD_REQUEST, "there is nothing at this address", "");
    else if (asks)
        api_answer_options(call, headers);
    else
        api_answer_refusal(call, 405, ERR_BAD_REQUEST, "this address takes other methods", headers);
}

/* API_METHOD_COUNT: one that the API has not. */
static enum api_method method_of(const struct edge_exchange *exchange) {
    switch (edge_exchange_method(exchange)) {
    case EDGE_GET:
    case EDGE_HEAD:
        return API_GET;
    case EDGE_POST:
        return API_POST;
    case EDGE_PUT:
        return API_PUT;
    case EDGE_PATCH:
        return API_PATCH;
    case EDGE_DELETE:
        return API_DELETE;
    default:
        return API_METHOD_COUNT;
    }
}

static void begin(struct api_call *call) {
    struct slice path = edge_exchange_raw_path(call->exchange);
    enum api_method method = method_of(call->exchange);
    size_t base = sizeof API_BASE - 1;
    path = slice_make(path.data + base, path.length - base);
    if (slice_equal(path, slice_text("/openapi.json"))) {
        if (method == API_GET)
            answer_openapi(call);
        else
            answer_allowed(call, API_NO_METHOD, "GET, HEAD, OPTIONS");
        return;
    }
    enum api_found found = api_split(path, &call->asked)
                               ? api_find(&call->asked, method, &call->operation)
                               : API_NO_PATH;
    if (found != API_FOUND) {
        char allowed[ALLOWED_BYTES];
        api_allowed(&call->asked, allowed, sizeof allowed);
        call->operation = NULL;
        answer_allowed(call, found, allowed);
        return;
    }
    call->asked.query = edge_exchange_query(call->exchange);
    admit(call);
}

/* --- the edge's --------------------------------------------------------------------------------
 */

static bool is_mine(void *argument, struct slice path) {
    size_t base = sizeof API_BASE - 1;
    (void)argument;
    return path.length >= base && memcmp(path.data, API_BASE, base) == 0 &&
           (path.length == base || path.data[base] == '/');
}

static void on_request(void *argument, struct edge_exchange *exchange) {
    struct gateway *gateway = argument;
    struct api_call *call = api_call_new(gateway, exchange);
    if (call == NULL) {
        edge_exchange_cut(exchange);
        return;
    }
    edge_exchange_set_owner(exchange, call);
    begin(call);
}

static void on_body(struct edge_exchange *exchange, struct slice bytes) {
    struct api_call *call = edge_exchange_owner(exchange);
    if (buffer_add(&call->body, bytes.data, bytes.length) != 0)
        refuse_body(call, 413, "a body has at most 65536 bytes");
}

static void on_body_end(struct edge_exchange *exchange) {
    struct api_call *call = edge_exchange_owner(exchange);
    if (!call->over)
        on_whole_body(call);
}

static void on_taken(struct edge_exchange *exchange) { (void)exchange; }

static void on_end(struct edge_exchange *exchange, bool complete) {
    struct api_call *call = edge_exchange_owner(exchange);
    (void)complete;
    if (call == NULL)
        return;
    call->exchange = NULL;
    /* What is not under way does not begin. */
    if (!call->asking && (!call->is_read || call->gateway->stopping))
        call->over = true;
    api_call_free_if_idle(call);
}

const struct edge_exchange_handlers api_exchange_handlers = {.is_mine = is_mine,
                                                             .on_request = on_request,
                                                             .on_body = on_body,
                                                             .on_body_end = on_body_end,
                                                             .on_taken = on_taken,
                                                             .on_end = on_end};
