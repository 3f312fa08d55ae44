/* Work in turns; see turns.h. */
#include "services/gateway/edge/turns.h"

static void on_idle(struct ev_loop *ev, ev_idle *watcher, int revents) {
    (void)ev;
    (void)watcher;
    (void)revents;
}

static void on_prepare(struct ev_loop *ev, ev_prepare *watcher, int revents) {
    struct edge_turns *self = watcher->data;
    struct edge_turn *turn;
    (void)ev;
    (void)revents;
    for (size_t done = 0; done < EDGE_TURN_BYTES && (turn = TAILQ_FIRST(&self->row)) != NULL;) {
        edge_turns_leave(self, turn);
        done += EDGE_TURN_COST_BYTES + turn->work(turn);
    }
}

void edge_turns_start(struct edge_turns *self, struct ev_loop *ev) {
    self->ev = ev;
    TAILQ_INIT(&self->row);
    ev_prepare_init(&self->prepare, on_prepare);
    ev_idle_init(&self->idle, on_idle);
    self->prepare.data = self;
    ev_prepare_start(ev, &self->prepare);
}

void edge_turns_stop(struct edge_turns *self) {
    ev_prepare_stop(self->ev, &self->prepare);
    ev_idle_stop(self->ev, &self->idle);
}

void edge_turns_join(struct edge_turns *self, struct edge_turn *turn, edge_turn_work *work) {
    if (turn->waits)
        return;
    turn->waits = true;
    turn->work = work;
    TAILQ_INSERT_TAIL(&self->row, turn, row);
    ev_idle_start(self->ev, &self->idle);
}

void edge_turns_leave(struct edge_turns *self, struct edge_turn *turn) {
    if (!turn->waits)
        return;
    turn->waits = false;
    TAILQ_REMOVE(&self->row, turn, row);
    if (TAILQ_EMPTY(&self->row))
        ev_idle_stop(self->ev, &self->idle);
}
