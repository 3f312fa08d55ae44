/* A subscription to Web Push; see push_subscription.h. */
#include "services/hooks/push_subscription.h"

#include <stdio.h>
#include <string.h>

#include "common/base64.h"

static bool begins_with(struct slice text, const char *start) {
    const size_t length = strlen(start);
    return text.length > length && memcmp(text.data, start, length) == 0;
}

/* Whether it has that form alone: where it leads is looked at when it is connected to. */
static bool is_endpoint(struct slice endpoint, bool with_http) {
    for (size_t i = 0; i < endpoint.length; i++)
        if (endpoint.data[i] <= ' ' || endpoint.data[i] > '~' || endpoint.data[i] == '"' ||
            endpoint.data[i] == '\\')
            return false;
    return endpoint.length <= PUSH_ENDPOINT_MAX_BYTES &&
           (begins_with(endpoint, "https://") || (with_http && begins_with(endpoint, "http://")));
}

/* With or without padding; whether it is so many bytes. */
static bool decode(struct slice text, unsigned char *out, size_t bytes) {
    size_t length = 0;
    while (text.length > 0 && text.data[text.length - 1] == '=')
        text.length--;
    return base64_read(text, sodium_base64_VARIANT_URLSAFE_NO_PADDING, out, bytes, &length) &&
           length == bytes;
}

bool push_subscription_read(const struct hooks_subscribe *ask, bool with_http,
                            struct web_push_keys *keys_r) {
    return is_endpoint(ask->endpoint, with_http) &&
           decode(ask->p256dh, keys_r->p256dh, sizeof keys_r->p256dh) &&
           decode(ask->auth, keys_r->auth, sizeof keys_r->auth) &&
           web_push_key_is_valid(keys_r->p256dh);
}

/* Scheme, host and port: what an authorization is for. */
void push_subscription_origin(const char *endpoint, char out[PUSH_ORIGIN_ROOM]) {
    const char *host = strstr(endpoint, "://");
    const size_t start = host == NULL ? 0 : (size_t)(host - endpoint) + 3;
    snprintf(out, PUSH_ENDPOINT_MAX_BYTES + 1, "%.*s",
             (int)(start + strcspn(endpoint + start, "/?#")), endpoint);
}
