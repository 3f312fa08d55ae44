/*
 * JSON of others, as cJSON's tree: what cJSON lets pass, but other parsers read differently, is
 * refused.
 *
 *     cJSON *object = json_tree_object(text, depth);
 *     const char *twice = json_tree_twice(object);       NULL: each key stands once in its object
 *     cJSON_Delete(object);
 */
#ifndef PARLEY_COMMON_JSON_TREE_H
#define PARLEY_COMMON_JSON_TREE_H

#include <cjson/cJSON.h>

#include "common/record.h"

/* `text` is exactly one object: UTF-8, without NUL characters, none of its objects has a key twice,
 * and they and its lists are nested at most `depth` deep. NULL: it is not, or memory is short. The
 * caller deletes it. */
cJSON *json_tree_object(struct slice text, size_t depth);

/* A key that appears twice in an object of this tree, whose depth is bounded: it lives in the tree,
 * or is "" where memory is short. NULL: none does. */
const char *json_tree_twice(const cJSON *json);

#endif
