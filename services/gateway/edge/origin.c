/* Origins and hosts, compared without case, with the port that a scheme has of its own. */
#include "services/gateway/edge/origin.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* Any of them is empty where it is not there. */
struct place {
    struct slice scheme, host, port;
};

static bool same(struct slice a, struct slice b) {
    return a.length == b.length && strncasecmp(a.data, b.data, a.length) == 0;
}

static bool is_word(struct slice text, const char *word) { return same(text, slice_text(word)); }

static struct slice after(struct slice text, size_t length) {
    return slice_make(text.data + length, text.length - length);
}

static bool is_made_of(struct slice text, const char *others, bool letters) {
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool fits = isdigit(c) != 0 || (letters && isalpha(c) != 0) ||
                    (c != '\0' && strchr(others, c) != NULL);
        if (!fits)
            return false;
    }
    return text.length > 0;
}

/* "host", "host:port", "[2001:db8::1]:port". */
static bool read_authority(struct slice text, struct place *place) {
    const char *colon = text.length == 0 ? NULL : memrchr(text.data, ':', text.length);
    const char *bracket = text.length == 0 ? NULL : memchr(text.data, ']', text.length);
    bool numeric6 = text.length > 0 && text.data[0] == '[';
    if (colon != NULL && (bracket == NULL || colon > bracket)) {
        place->port = after(text, (size_t)(colon - text.data) + 1);
        if (place->port.length > 5 || !is_made_of(place->port, "", false))
            return false;
        text.length = (size_t)(colon - text.data);
    }
    place->host = text;
    if (numeric6)
        return text.length > 2 && text.data[text.length - 1] == ']' &&
               is_made_of(slice_make(text.data + 1, text.length - 2), ":.", true);
    return is_made_of(text, "-._", true);
}

static bool read_origin(struct slice text, struct place *place) {
    const char *end = text.length == 0 ? NULL : memmem(text.data, text.length, "://", 3);
    *place = (struct place){0};
    if (end == NULL)
        return false;
    place->scheme = slice_make(text.data, (size_t)(end - text.data));
    return is_made_of(place->scheme, "+-.", true) &&
           read_authority(after(text, place->scheme.length + 3), place);
}

static struct slice own_port(struct slice scheme) {
    return slice_text(is_word(scheme, "http") ? "80" : is_word(scheme, "https") ? "443" : "");
}

static struct slice port_of(const struct place *place) {
    return place->port.length > 0 ? place->port : own_port(place->scheme);
}

/* The header Host names no scheme: a proxy may have taken TLS off. */
static bool is_own(const struct place *origin, struct slice host) {
    struct place own = {.scheme = origin->scheme};
    return read_authority(host, &own) && same(origin->host, own.host) &&
           same(port_of(origin), port_of(&own));
}

/* Takes an item, without the spaces around it, off the front of the list. */
static struct slice take_item(const char **list) {
    *list += strspn(*list, " \t,");
    size_t length = strcspn(*list, ",");
    struct slice item = slice_make(*list, length);
    *list += length;
    while (item.length > 0 && strchr(" \t", item.data[item.length - 1]) != NULL)
        item.length--;
    return item;
}

bool edge_origins_check(const char *list, struct slice *wrong_r) {
    struct place place;
    for (struct slice item = take_item(&list); item.length > 0; item = take_item(&list)) {
        *wrong_r = item;
        if (!is_word(item, "*") && !is_word(item, "null") && !read_origin(item, &place))
            return false;
    }
    return true;
}

static bool matches(struct slice item, struct slice origin, const struct place *place) {
    struct place listed;
    if (is_word(item, "*"))
        return true;
    if (!read_origin(item, &listed))
        return same(item, origin);
    return place != NULL && same(listed.scheme, place->scheme) && same(listed.host, place->host) &&
           same(port_of(&listed), port_of(place));
}

bool edge_origin_is_allowed(const char *list, struct slice origin, struct slice host) {
    struct place place;
    bool proper = read_origin(origin, &place);
    if (proper && is_own(&place, host))
        return true;
    for (struct slice item = take_item(&list); item.length > 0; item = take_item(&list))
        if (matches(item, origin, proper ? &place : NULL))
            return true;
    return false;
}
