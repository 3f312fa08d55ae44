/*
 * Any bytes as a browser's subscription to Web Push, a line each for its address and its two keys,
 * then a text. A message for one that is taken can be encrypted; its authorization fits, or is
 * refused.
 */
#include "services/hooks/push_subscription.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const unsigned char secret[WEB_PUSH_SECRET_BYTES] = {1};
    struct slice rest = slice_make((const char *)data, size);
    const struct hooks_subscribe ask = {
        .endpoint = take_line(&rest), .p256dh = take_line(&rest), .auth = take_line(&rest)};
    struct web_push_keys keys;
    unsigned char message[WEB_PUSH_MESSAGE_MAX];
    char origin[PUSH_ORIGIN_ROOM], authorization[WEB_PUSH_AUTHORIZATION_ROOM];
    size_t length;
    if (!push_subscription_read(&ask, false, &keys))
        return 0;
    char *endpoint = slice_copy(ask.endpoint);
    require(endpoint != NULL && web_push_key_is_valid(keys.p256dh));
    push_subscription_origin(endpoint, origin);
    require(strncmp(origin, endpoint, strlen(origin)) == 0);
    rest.length = rest.length < WEB_PUSH_TEXT_MAX ? rest.length : WEB_PUSH_TEXT_MAX;
    require(web_push_encrypt(&keys, rest, message, &length) && length <= sizeof message);
    if (web_push_authorization(secret, origin, "", 1700000000, authorization))
        require(strncmp(authorization, "vapid t=", strlen("vapid t=")) == 0);
    free(endpoint);
    return 0;
}
