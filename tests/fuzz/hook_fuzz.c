/*
 * Any bytes as what the operator gives for a hook, a line each for its name, address and secret.
 * What is taken is printable ASCII, and a secret signs.
 */
#include "services/hooks/hook_row.h"
#include "services/webhook/signature.h"
#include "tests/fuzz/fuzz.h"

static bool is_printable(struct slice text) {
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct slice rest = slice_make((const char *)data, size);
    const struct slice name = take_line(&rest), url = take_line(&rest), secret = take_line(&rest);
    char signature[SIGNATURE_ROOM];
    require(!hook_name_is_valid(name) || (is_printable(name) && name.length < HOOK_NAME_ROOM));
    require(!hook_url_is_valid(url) || (is_printable(url) && url.length < HOOK_URL_ROOM));
    if (!signature_secret_is_valid(secret))
        return 0;
    require(is_printable(secret) && secret.length < SIGNATURE_SECRET_ROOM);
    signature_make(secret, "msg_1", 1700000000, rest, signature);
    require(strncmp(signature, "v1,", 3) == 0 && strlen(signature) == SIGNATURE_ROOM - 1);
    return 0;
}
