/* 319 and 320; see extension_devices.h. */
#include "services/gateway/dialect/extension_devices.h"

#include <inttypes.h>
#include <stdio.h>

#include "services/gateway/dialect/json.h"

void extension_devices_read(struct reading *reading) {
    if (!field_given(reading->body, "close"))
        return;
    reading->request->close_given = true;
    reading_hex_id(reading, reading->body, "close", "the id of a device, as 320 gives it",
                   &reading->request->close);
}

static bool holds(const struct u64_list *logins, uint64_t login) {
    for (size_t i = 0; i < logins->count; i++)
        if (logins->items[i] == login)
            return true;
    return false;
}

static void write_device(const struct devices_shown *shown, const struct device *device,
                         struct buffer *out) {
    static const char *const transports[] = {
        [TRANSPORT_WEBSOCKET] = "websocket", [TRANSPORT_TCP] = "tcp", [TRANSPORT_YOUIM] = "youim"};
    json_raw(out, "{\"id\":");
    json_hex_id(out, device->id);
    json_raw(out, ",\"device\":");
    json_text(out, device->device);
    if (device->transport > TRANSPORT_UNKNOWN && device->transport <= TRANSPORT_YOUIM) {
        json_raw(out, ",\"transport\":");
        json_text(out, slice_text(transports[device->transport]));
    }
    json_raw(out, ",\"address\":");
    json_text(out, device->address);
    json_raw(out, ",\"since_ms\":");
    json_number(out, device->since_ms);
    json_raw(out, ",\"heard_ms\":");
    json_number(out, device->heard_ms);
    json_raw(out, ",\"online\":");
    json_raw(out, device->login != 0 && holds(&shown->logins, device->login) ? "true" : "false");
    json_raw(out, ",\"this\":");
    json_raw(out, device->login != 0 && device->login == shown->own ? "true}" : "false}");
}

void extension_devices_write(const struct dialect_form *form, const struct dialect_account *self,
                             const struct dialect_request *request,
                             const struct dialect_result *result, struct buffer *out) {
    const struct devices_shown *shown = result->reply;
    const struct device *devices = shown->devices->devices.items;
    (void)form;
    (void)self;
    (void)request;
    json_raw(out, "\"devices\":[");
    for (size_t i = 0; i < shown->devices->devices.count; i++) {
        json_raw(out, i == 0 ? "" : ",");
        write_device(shown, &devices[i], out);
    }
    json_raw(out, shown->devices->more ? "],\"more\":true" : "],\"more\":false");
}
