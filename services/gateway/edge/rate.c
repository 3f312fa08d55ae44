/* How fast bytes come; see rate.h. */
#include "services/gateway/edge/rate.h"

void edge_rate_wait(struct edge_rate *self, int64_t now_ms) {
    if (self->since_ms == 0)
        self->since_ms = now_ms;
}

void edge_rate_rest(struct edge_rate *self, int64_t now_ms) {
    if (self->since_ms != 0)
        self->waited_ms += now_ms - self->since_ms;
    self->since_ms = 0;
}

bool edge_rate_move(struct edge_rate *self, uint64_t bytes, int64_t now_ms, uint64_t least,
                    int64_t over_ms) {
    const bool waiting = self->since_ms != 0;
    self->bytes += bytes;
    edge_rate_rest(self, now_ms);
    bool enough = true;
    if (self->waited_ms >= over_ms) {
        enough = self->bytes >= least * (uint64_t)self->waited_ms / 1000;
        *self = (struct edge_rate){0};
    }
    if (waiting)
        self->since_ms = now_ms;
    return enough;
}
