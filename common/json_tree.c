/* JSON of others; see json_tree.h. */
#include "common/json_tree.h"

#include <stdlib.h>
#include <string.h>

#include "common/unicode.h"

/* Keys of one object that are compared each with each; more are sorted first. */
#define FEW_KEYS 16

/* --- keys ---------------------------------------------------------------------------------- */

static int compare_keys(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *find_twice_sorted(const cJSON *object, size_t count) {
    static const char no_memory[] = "";
    const char **keys = malloc(count * sizeof *keys), *twice = NULL;
    if (keys == NULL)
        return no_memory;
    size_t i = 0;
    for (const cJSON *child = object->child; child != NULL; child = child->next)
        keys[i++] = child->string;
    qsort(keys, count, sizeof *keys, compare_keys);
    for (i = 1; i < count && twice == NULL; i++)
        if (strcmp(keys[i - 1], keys[i]) == 0)
            twice = keys[i];
    free(keys);
    return twice;
}

/* A key that appears twice in this object; NULL: none does. */
static const char *find_twice(const cJSON *object) {
    size_t count = 0;
    for (const cJSON *child = object->child; child != NULL; child = child->next)
        count++;
    if (count > FEW_KEYS)
        return find_twice_sorted(object, count);
    for (const cJSON *child = object->child; child != NULL; child = child->next)
        for (const cJSON *other = child->next; other != NULL; other = other->next)
            if (strcmp(child->string, other->string) == 0)
                return child->string;
    return NULL;
}

const char *json_tree_twice(const cJSON *json) { // NOLINT(misc-no-recursion)
    const char *twice = cJSON_IsObject(json) ? find_twice(json) : NULL;
    for (const cJSON *child = json->child; child != NULL && twice == NULL; child = child->next)
        if (child->child != NULL)
            twice = json_tree_twice(child);
    return twice;
}

/* --- the text ------------------------------------------------------------------------------ */

static bool is_utf8(struct slice text) {
    uint32_t character;
    while (text.length > 0) {
        size_t length = unicode_read(text, &character);
        if (length == 0 || character == 0)
            return false;
        text = slice_make(text.data + length, text.length - length);
    }
    return true;
}

/* Strings apart, no bracket is within more than `depth` of them; and no string holds an escaped
 * NUL, behind which cJSON would cut it. */
static bool is_plain(struct slice text, size_t depth) {
    static const char nul[] = "u0000";
    size_t level = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        if (in_string && c == '\\') {
            i++;
            if (text.length - i >= sizeof nul - 1 &&
                memcmp(text.data + i, nul, sizeof nul - 1) == 0)
                return false;
        } else if (c == '"') {
            in_string = !in_string;
        } else if (!in_string && (c == '{' || c == '[')) {
            if (++level > depth)
                return false;
        } else if (!in_string && (c == '}' || c == ']') && level > 0) {
            level--;
        }
    }
    return true;
}

cJSON *json_tree_object(struct slice text, size_t depth) {
    const char *behind = NULL;
    if (!is_utf8(text) || !is_plain(text, depth))
        return NULL;
    cJSON *json = cJSON_ParseWithLengthOpts(text.data, text.length, &behind, 0);
    while (json != NULL && behind < text.data + text.length && strchr(" \t\r\n", *behind) != NULL)
        behind++;
    if (json != NULL && behind == text.data + text.length && cJSON_IsObject(json) &&
        json_tree_twice(json) == NULL)
        return json;
    cJSON_Delete(json);
    return NULL;
}
