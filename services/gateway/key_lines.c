/* Lines of calls of API keys; see key_lines.h. */
#include "services/gateway/key_lines.h"

#include <stdlib.h>

#include <utlist.h>

#include "common/hash.h"

struct key_line {
    uint64_t key;
    unsigned going;
    struct key_place *waiting;
    UT_hash_handle hh;
};

struct key_lines {
    struct key_line *lines; /* with somebody in each */
};

struct key_lines *key_lines_new(void) {
    return calloc(1, sizeof(struct key_lines));
}

void key_lines_destroy(struct key_lines **self) {
    free(*self);
    *self = NULL;
}

/* NULL without memory. */
static struct key_line *line_of(struct key_lines *self, uint64_t key) {
    struct key_line *line = NULL;
    HASH_FIND(hh, self->lines, &key, sizeof key, line);
    if (line != NULL)
        return line;
    line = calloc(1, sizeof *line);
    if (line == NULL)
        return NULL;
    line->key = key;
    if (!HASH_TRY_ADD(hh, self->lines, key, line)) {
        free(line);
        return NULL;
    }
    return line;
}

enum key_place_state key_lines_enter(struct key_lines *self, uint64_t key,
                                     struct key_place *place) {
    struct key_line *line = line_of(self, key);
    if (line == NULL)
        return KEY_PLACE_NONE;
    place->line = line;
    if (line->going < KEY_CALLS_AT_ONCE) {
        line->going++;
        place->state = KEY_PLACE_GOES;
    } else {
        DL_APPEND(line->waiting, place);
        place->state = KEY_PLACE_WAITS;
    }
    return place->state;
}

struct key_place *key_lines_leave(struct key_lines *self, struct key_place *place) {
    struct key_line *line = place->line;
    struct key_place *next = NULL;
    if (place->state == KEY_PLACE_NONE)
        return NULL;
    if (place->state == KEY_PLACE_WAITS) {
        DL_DELETE(line->waiting, place);
    } else {
        next = line->waiting;
        if (next != NULL) {
            DL_DELETE(line->waiting, next);
            next->state = KEY_PLACE_GOES;
        } else if (--line->going == 0) {
            HASH_DEL(self->lines, line);
            free(line);
        }
    }
    place->state = KEY_PLACE_NONE;
    return next;
}
