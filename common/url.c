/* URLs of others; see url.h. */
#include "common/url.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#define HIDDEN "***"

/* Where the authority begins; the length: there is none. */
static size_t authority_of(struct slice text) {
    for (size_t i = 0; i + 3 <= text.length; i++)
        if (memcmp(text.data + i, "://", 3) == 0)
            return i + 3;
    return text.length;
}

struct slice url_without_password(struct slice text, char room[URL_ROOM]) {
    size_t begin = authority_of(text), at = begin;
    for (size_t i = begin; i < text.length && strchr("/?#", text.data[i]) == NULL; i++)
        if (text.data[i] == '@')
            at = i;
    if (at == begin)
        return text;
    if (text.length + sizeof HIDDEN > URL_ROOM)
        return slice_text(HIDDEN);
    int length = snprintf(room, URL_ROOM, "%.*s" HIDDEN "%.*s", (int)begin, text.data,
                          (int)(text.length - at), text.data + at);
    return slice_make(room, (size_t)length);
}

static bool is_visible(struct slice text) {
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return false;
    return true;
}

bool url_is_http(struct slice text) {
    char copy[URL_ROOM], *scheme = NULL;
    CURLU *url = curl_url();
    if (url == NULL || text.length >= sizeof copy || !is_visible(text)) {
        curl_url_cleanup(url);
        return false;
    }
    snprintf(copy, sizeof copy, "%.*s", (int)text.length, text.data);
    bool good = curl_url_set(url, CURLUPART_URL, copy, 0) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    curl_free(scheme);
    curl_url_cleanup(url);
    return good;
}
