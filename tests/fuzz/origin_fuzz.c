/*
 * Fuzz target of origins: a page is of this server only if its origin ends with the host that the
 * client named, what a list that passes the check has is allowed, and nothing else is.
 */
#include "services/gateway/edge/origin.h"

#include "tests/fuzz/fuzz.h"

/* Takes what stands in front of the first byte 0 (all of it where there is none), as a text. */
static char *take_text(const uint8_t **data, size_t *size) {
    const uint8_t *end = *size == 0 ? NULL : memchr(*data, 0, *size);
    size_t length = end == NULL ? *size : (size_t)(end - *data);
    char *text = malloc(length + 1);
    require(text != NULL);
    if (length > 0)
        memcpy(text, *data, length);
    text[length] = '\0';
    *data += end == NULL ? length : length + 1;
    *size -= end == NULL ? length : length + 1;
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *list = take_text(&data, &size), *host = take_text(&data, &size);
    struct slice origin = slice_make((const char *)data, size), wrong;
    bool own = edge_origin_is_allowed("", origin, slice_text(host));
    require(edge_origin_is_allowed("*", origin, slice_text(host)));
    require(!edge_origin_is_allowed("", origin, slice_text("")));
    if (own)
        require(memmem(data, size, "://", 3) != NULL && strchr(host, '/') == NULL);
    if (edge_origins_check(list, &wrong)) {
        if (strchr(list, ',') == NULL && strpbrk(list, "* \t") == NULL && list[0] != '\0')
            require(edge_origin_is_allowed(list, slice_text(list), slice_text("")));
    } else {
        require(wrong.length > 0 && wrong.data >= list && wrong.data < list + strlen(list));
    }
    free(list);
    free(host);
    return 0;
}
