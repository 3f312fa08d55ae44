/* The option that a misspelt name is nearest to; see config_names.h. */
#include "common/config_names.h"

#include <string.h>

bool config_name_is_known(const char *name) {
    for (const char *const *known = config_names; *known != NULL; known++)
        if (strcmp(*known, name) == 0)
            return true;
    return false;
}

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* How many letters have to be put in, left out, replaced or swapped with their neighbour. Both
 * names have at most CONFIG_NAME_BYTES. */
static size_t distance(const char *a, const char *b) {
    size_t rows[3][CONFIG_NAME_BYTES + 1], width = strlen(b);
    for (size_t j = 0; j <= width; j++)
        rows[0][j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t *now = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= width; j++) {
            now[j] = least(least(above[j], now[j - 1]) + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = least(now[j], before[j - 2] + 1);
        }
    }
    return rows[strlen(a) % 3][width];
}

static void consider(struct config_near *near, const char *name) {
    size_t length = strlen(near->wanted);
    if (length > CONFIG_NAME_BYTES || strlen(name) > CONFIG_NAME_BYTES)
        return;
    size_t found = distance(near->wanted, name);
    if (found > length / 2 || (near->name != NULL && found >= near->distance))
        return;
    near->name = name;
    near->distance = found;
}

static bool visit_consider(const struct config_option *option, void *member, void *argument) {
    (void)member;
    consider(argument, option->name);
    return true;
}

void config_near_options(struct config_near *near, const struct config_option *options,
                         void *settings) {
    config_walk(options, settings, visit_consider, near);
}

void config_near_all(struct config_near *near) {
    for (const char *const *name = config_names; *name != NULL; name++)
        consider(near, *name);
}
