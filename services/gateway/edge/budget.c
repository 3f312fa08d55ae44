/* The budget of transfers beside texts; see budget.h. */
#include "services/gateway/edge/budget.h"

#include <stdbool.h>

#define SECOND_US 1000000
/* How far a single text moves what is taken for slow, as a part of it. */
#define PULL 0.01
#define SLOW_SHARE 0.1
/* Fewer texts beside transfers tell nothing yet. */
#define BESIDE_LEAST 20
/* How a second changes the budget, as a part of it: by what lacks of slow texts, or is too much. */
#define GAIN 2.0
#define UP 0.125
#define DOWN 0.5
/* It grows only where so much of it was used. */
#define USED 0.75

void edge_budget_start(struct edge_budget *self) {
    *self = (struct edge_budget){.bytes_s = EDGE_BESIDE_FIRST_BYTES};
}

static void adapt(struct edge_budget *self) {
    if (self->beside < BESIDE_LEAST)
        return;
    const double bytes_s = (double)self->bytes_s;
    const bool used = (double)self->moved >= USED * bytes_s;
    const double change = GAIN * (EDGE_BESIDE_SLOW - (double)self->slow / self->beside);
    const double next_s = bytes_s * (1 + (change < -DOWN        ? -DOWN
                                          : change > UP         ? UP
                                          : change > 0 && !used ? 0
                                                                : change));
    self->bytes_s = next_s < (double)EDGE_BESIDE_LEAST_BYTES ? EDGE_BESIDE_LEAST_BYTES
                    : next_s > (double)EDGE_BESIDE_TOP_BYTES ? EDGE_BESIDE_TOP_BYTES
                                                             : (uint64_t)next_s;
    self->beside = self->slow = 0;
}

static void see_second(struct edge_budget *self, int64_t now_us) {
    const int64_t second = now_us / SECOND_US;
    if (second == self->second)
        return;
    adapt(self);
    const bool next = second == self->second + 1;
    self->texts_before = next ? self->texts : 0;
    self->moved_before = next ? self->moved : 0;
    self->second = second;
    self->texts = self->moved = 0;
}

/* Moves slow_us until a tenth of texts is above it. */
static void learn(struct edge_budget *self, double took_us) {
    const double step_us = self->slow_us * PULL;
    if (self->slow_us <= 0)
        self->slow_us = took_us;
    else if (took_us > self->slow_us)
        self->slow_us += step_us * (1 - SLOW_SHARE);
    else
        self->slow_us -= step_us * SLOW_SHARE;
}

void edge_budget_text(struct edge_budget *self, int64_t took_us, int64_t now_us) {
    see_second(self, now_us);
    self->texts++;
    if (now_us - took_us >= self->moved_us + EDGE_BESIDE_SETTLE_US) {
        learn(self, (double)took_us);
    } else if (self->slow_us > 0) {
        self->beside++;
        self->slow += (double)took_us > self->slow_us;
    }
}

int64_t edge_budget_wait_us(struct edge_budget *self, int64_t now_us) {
    see_second(self, now_us);
    if (self->texts < EDGE_BESIDE_TEXTS && self->texts_before < EDGE_BESIDE_TEXTS)
        return 0;
    const int64_t quiet_us = self->moved_before < EDGE_BESIDE_LEAST_BYTES / 2
                                 ? 0
                                 : EDGE_BESIDE_QUIET_US - now_us % SECOND_US;
    const int64_t spent_us = self->free_us - now_us;
    const int64_t wait_us = quiet_us > spent_us ? quiet_us : spent_us;
    return wait_us > 0 && wait_us <= SECOND_US ? wait_us : 0;
}

void edge_budget_moved(struct edge_budget *self, size_t bytes, int64_t now_us) {
    see_second(self, now_us);
    const int64_t takes_us = (int64_t)((uint64_t)bytes * SECOND_US / self->bytes_s);
    self->moved += bytes;
    self->moved_us = now_us;
    self->free_us =
        (self->free_us > now_us && self->free_us - now_us <= SECOND_US ? self->free_us : now_us) +
        takes_us;
}
