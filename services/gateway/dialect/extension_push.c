/* 345 and 346; see extension_push.h. */
#include "services/gateway/dialect/extension_push.h"

#include "services/gateway/dialect/json.h"

void extension_read_push(struct reading *reading) {
    struct dialect_push *push = &reading->request->push;
    if (field_given(reading->body, "off"))
        reading_flag(reading, reading->body, "off", &push->off);
    if (push->off || !field_given(reading->body, "endpoint"))
        return;
    reading_text(reading, reading->body, "endpoint", PUSH_ENDPOINT_MAX_BYTES, &push->endpoint);
    reading_text(reading, reading->body, "p256dh", PUSH_KEY_MAX_BYTES, &push->p256dh);
    reading_text(reading, reading->body, "auth", PUSH_KEY_MAX_BYTES, &push->auth);
}

void extension_write_push(const struct dialect_form *form, const struct dialect_account *self,
                          const struct dialect_request *request,
                          const struct dialect_result *result, struct buffer *out) {
    const struct hooks_subscribe_reply *reply = result->reply;
    (void)form;
    (void)self;
    (void)request;
    json_raw(out, "\"key\":");
    json_text(out, reply->key);
    json_raw(out, reply->on ? ",\"on\":true" : ",\"on\":false");
}
