/* A ring of what was ended lately; see endings.h. */
#include "services/session/endings.h"

#include <stdlib.h>

struct endings {
    size_t first, count; /* the oldest one's place */
    int64_t blind_until_ms;
    struct ending ring[ENDINGS_MAX];
};

struct endings *endings_new(void) {
    return calloc(1, sizeof(struct endings));
}

void endings_destroy(struct endings **self) {
    free(*self);
    *self = NULL;
}

static void forget_first(struct endings *self) {
    self->first = (self->first + 1) % ENDINGS_MAX;
    self->count--;
}

static const struct ending *at(const struct endings *self, size_t i) {
    return &self->ring[(self->first + i) % ENDINGS_MAX];
}

void endings_note(struct endings *self, const struct ending *ending) {
    while (self->count > 0 && ending->at_ms - at(self, 0)->at_ms >= ENDINGS_MS)
        forget_first(self);
    if (self->count == ENDINGS_MAX) {
        self->blind_until_ms = at(self, 0)->at_ms + ENDINGS_MS;
        forget_first(self);
    }
    self->ring[(self->first + self->count++) % ENDINGS_MAX] = *ending;
}

static const struct ending *find_within(const struct endings *self, uint64_t account,
                                        uint64_t login, int64_t since_ms) {
    for (size_t i = self->count; i-- > 0 && at(self, i)->at_ms > since_ms;)
        if (at(self, i)->account == account &&
            (at(self, i)->login == 0 || at(self, i)->login == login))
            return at(self, i);
    return NULL;
}

bool endings_may_concern(const struct endings *self, uint64_t account, uint64_t login,
                         int64_t now_ms) {
    return now_ms < self->blind_until_ms ||
           find_within(self, account, login, now_ms - ENDINGS_MS) != NULL;
}

const struct ending *endings_find(const struct endings *self, uint64_t account, uint64_t login,
                                  int64_t now_ms) {
    return find_within(self, account, login, now_ms - ENDINGS_MOVING_MS);
}
