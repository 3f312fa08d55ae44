/* One text at a time. */
#include "services/gateway/edge/pace.h"

#include <string.h>

#include "services/gateway/edge/kernel.h"

/* How often a text that was not acknowledged in time is looked at. */
#define LOOK_S 0.05

static void again_in(struct edge_pace *self, double seconds) {
    ev_now_update(self->ev); /* never early, however long this turn of the loop has taken */
    ev_timer_stop(self->ev, &self->timer);
    ev_timer_set(&self->timer, seconds, 0);
    ev_timer_start(self->ev, &self->timer);
}

void edge_pace_init(struct edge_pace *self, struct ev_loop *ev,
                    void (*on_pace)(struct ev_loop *, ev_timer *, int), void *data) {
    *self = (struct edge_pace){.ev = ev};
    ev_timer_init(&self->timer, on_pace, 0, 0);
    self->timer.data = data;
}

void edge_pace_stop(struct edge_pace *self) { ev_timer_stop(self->ev, &self->timer); }

void edge_pace_set(struct edge_pace *self, uint64_t ms) {
    self->ms = ms;
    if (ms == 0)
        edge_pace_stop(self);
}

bool edge_pace_holds(const struct edge_pace *self) { return ev_is_active(&self->timer); }

size_t edge_pace_limit(const struct edge_pace *self, struct slice queued) {
    if (self->ms == 0)
        return queued.length;
    if (edge_pace_holds(self))
        return 0;
    /* Within a text every line feed is escaped. */
    const char *end = memchr(queued.data, '\n', queued.length);
    return end == NULL ? queued.length : (size_t)(end - queued.data) + 1;
}

void edge_pace_wrote(struct edge_pace *self, struct slice bytes) {
    if (self->ms == 0 || bytes.data[bytes.length - 1] != '\n')
        return;
    self->known = false;
    again_in(self, (double)self->ms / 1000);
}

bool edge_pace_is_over(struct edge_pace *self, bool acknowledged, int fd) {
    if (!acknowledged) {
        again_in(self, LOOK_S);
        return false;
    }
    double left_s = 0;
    if (!self->known) {
        /* If the client goes on sending, this is the age of its last packet. */
        struct edge_kernel_info info;
        double quiet_ms = edge_kernel_ask(fd, &info) ? info.acknowledge_age_ms : 0;
        left_s = ((double)self->ms - quiet_ms) / 1000;
    }
    self->known = true; /* so a client that never stops sending does not hold it up */
    if (left_s > 0)
        again_in(self, left_s);
    return left_s <= 0;
}
