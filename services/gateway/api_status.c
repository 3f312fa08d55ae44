/* How all services are: the operation listServices of the HTTP API; see api_call.h. */
#include "common/messages.h"
#include "common/peers.h"
#include "common/service_status.h"
#include "services/gateway/api_call.h"
#include "services/gateway/dialect/api_schemas.h"
#include "services/gateway/dialect/json.h"

/* limit: gateway | an instance's answer to `GET /services` of the HTTP API | {STATUS_TIMEOUT_MS} ms
 * | it is shown as not ready */
#define STATUS_TIMEOUT_MS 1000
#define STATUS_SERVICES 6

static struct peers *service_at(const struct gateway *gateway, size_t i, const char **name_r) {
    const struct {
        const char *name;
        struct peers *peers;
    } services[STATUS_SERVICES] = {{"auth", gateway->auth},       {"group", gateway->group},
                                   {"session", gateway->session}, {"delivery", gateway->delivery},
                                   {"files", gateway->files},     {"hooks", gateway->hooks}};
    *name_r = services[i].name;
    return services[i].peers;
}

static void go_on(struct api_call *call);

static void add(struct api_call *call, const struct service_status *status) {
    json_raw(&call->answer, ",");
    api_write(&api_instance, status, 0, NULL, &call->answer);
}

static void add_absent(struct api_call *call, const char *service, const char *lacks) {
    const struct service_status status = {.service = slice_text(service),
                                          .lacks = slice_text(lacks)};
    add(call, &status);
}

static void add_own(struct api_call *call) {
    struct service_status_room room;
    struct service_status status;
    service_describe(call->gateway->service, &room, &status);
    api_write(&api_instance, &status, 0, NULL, &call->answer);
}

static void on_status(void *argument, enum err err, const void *reply, const char *text) {
    struct api_call *call = argument;
    const char *name;
    (void)text;
    call->asking = false;
    (void)service_at(call->gateway, call->service, &name);
    if (err == ERR_OK)
        add(call, reply);
    else
        add_absent(call, name, "an instance does not answer");
    call->instance++;
    go_on(call);
}

/* false: the instance cannot be asked. */
static bool ask(struct api_call *call, struct peers *peers) {
    const struct service_ping body = {0};
    if (call->exchange != NULL)
        edge_exchange_pause(call->exchange); /* its client is to wait */
    enum err err = peers_ask(peers, peers_live(peers, call->instance),
                             &(struct peers_request){.message = &message_SERVICE_STATUS,
                                                     .body = &body,
                                                     .timeout_ms = STATUS_TIMEOUT_MS,
                                                     .trace = call->trace,
                                                     .done = on_status,
                                                     .argument = call});
    call->asking = err == ERR_OK;
    return call->asking;
}

static void go_on(struct api_call *call) {
    for (; call->service < STATUS_SERVICES; call->service++, call->instance = 0) {
        const char *name;
        struct peers *peers = service_at(call->gateway, call->service, &name);
        if (peers == NULL)
            continue; /* hooks that this gateway was not told of */
        size_t count = peers_live_count(peers);
        if (count == 0)
            add_absent(call, name, "no instance answers");
        for (; call->instance < count; call->instance++) {
            if (ask(call, peers))
                return;
            add_absent(call, name, "an instance is too busy");
        }
    }
    json_raw(&call->answer, "]}");
    api_answer_json(call, call->operation->status);
}

void api_status_begin(struct api_call *call) {
    json_raw(&call->answer, "{\"services\":[");
    add_own(call);
    go_on(call);
}
