/* Reads a list of objects; see s3_list.h. */
#include "services/files/s3_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/files/disk.h"

#define KEY_BYTES 64
#define TAG_BYTES 32

/* The text of the first element of this name, and what follows it; false: there is none. */
static bool find(struct slice xml, const char *name, struct slice *text_r, struct slice *rest_r) {
    char begin[TAG_BYTES], end[TAG_BYTES];
    snprintf(begin, sizeof begin, "<%s>", name);
    snprintf(end, sizeof end, "</%s>", name);
    const char *from = memmem(xml.data, xml.length, begin, strlen(begin));
    if (from == NULL)
        return false;
    from += strlen(begin);
    const size_t left = xml.length - (size_t)(from - xml.data);
    const char *to = memmem(from, left, end, strlen(end));
    if (to == NULL)
        return false;
    *text_r = slice_make(from, (size_t)(to - from));
    *rest_r = slice_make(to + strlen(end), left - (size_t)(to - from) - strlen(end));
    return true;
}

/* Of an object that is no file of ours, or of no number: false. */
static bool read_object(struct slice object, const char *prefix, struct store_item *item_r) {
    struct slice key, size, rest;
    char text[KEY_BYTES];
    const char *suffix;
    const size_t before = strlen(prefix);
    *item_r = (struct store_item){0};
    if (!find(object, "Key", &key, &rest) || !find(object, "Size", &size, &rest) ||
        key.length <= before || key.length - before >= sizeof text ||
        memcmp(key.data, prefix, before) != 0)
        return false;
    snprintf(text, sizeof text, "%.*s", (int)(key.length - before), key.data + before);
    if (!disk_parse_name(text, &item_r->id, &suffix))
        return false;
    snprintf(text, sizeof text, "%.*s", (int)(size.length < 20 ? size.length : 20), size.data);
    item_r->size = suffix[0] == '\0' ? strtoull(text, NULL, 10) : 0;
    return true;
}

bool s3_list_read(struct slice xml, const char *prefix, struct store_item *items, size_t most,
                  size_t *count, uint64_t *last_r, bool *more_r) {
    struct slice truncated, object, rest;
    if (!find(xml, "IsTruncated", &truncated, &rest))
        return false;
    *more_r = slice_equal(truncated, slice_text("true"));
    while (find(xml, "Contents", &object, &rest)) {
        struct store_item item;
        xml = rest;
        if (!read_object(object, prefix, &item))
            continue;
        *last_r = item.id;
        if (*count > 0 && items[*count - 1].id == item.id)
            items[*count - 1].size += item.size;
        else if (*count < most)
            items[(*count)++] = item;
        else
            break;
    }
    return true;
}
