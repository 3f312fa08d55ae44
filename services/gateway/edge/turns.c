/* Work in turns; see turns.h. */
#include "services/gateway/edge/turns.h"

#include "common/loop.h"

static void on_idle(struct ev_loop *ev, ev_idle *watcher, int revents) {
    (void)ev;
    (void)watcher;
    (void)revents;
}

/* Whether the work has to wait; then the loop may wait, too. */
static bool is_spent(struct edge_turns *self) {
    const int64_t wait_us =
        self->budget == NULL ? 0 : edge_budget_wait_us(self->budget, loop_wall_us());
    if (wait_us == 0)
        return false;
    ev_idle_stop(self->ev, &self->idle);
    ev_timer_set(&self->timer, (double)wait_us / 1e6, 0);
    ev_timer_start(self->ev, &self->timer);
    return true;
}

static void on_timer(struct ev_loop *ev, ev_timer *watcher, int revents) {
    struct edge_turns *self = watcher->data;
    (void)revents;
    ev_idle_start(ev, &self->idle);
}

static void on_prepare(struct ev_loop *ev, ev_prepare *watcher, int revents) {
    struct edge_turns *self = watcher->data;
    struct edge_turn *turn;
    (void)ev;
    (void)revents;
    for (size_t done = 0; done < EDGE_TURN_BYTES && (turn = TAILQ_FIRST(&self->row)) != NULL;) {
        if (ev_is_active(&self->timer) || is_spent(self))
            return;
        edge_turns_leave(self, turn);
        const size_t cost = EDGE_TURN_COST_BYTES + turn->work(turn);
        done += cost;
        if (self->budget != NULL)
            edge_budget_moved(self->budget, cost, loop_wall_us());
    }
}

void edge_turns_start(struct edge_turns *self, struct ev_loop *ev, struct edge_budget *budget) {
    self->ev = ev;
    self->budget = budget;
    TAILQ_INIT(&self->row);
    ev_prepare_init(&self->prepare, on_prepare);
    ev_idle_init(&self->idle, on_idle);
    ev_timer_init(&self->timer, on_timer, 0, 0);
    self->prepare.data = self->timer.data = self;
    ev_prepare_start(ev, &self->prepare);
}

void edge_turns_stop(struct edge_turns *self) {
    ev_prepare_stop(self->ev, &self->prepare);
    ev_idle_stop(self->ev, &self->idle);
    ev_timer_stop(self->ev, &self->timer);
}

void edge_turns_join(struct edge_turns *self, struct edge_turn *turn, edge_turn_work *work) {
    if (turn->waits)
        return;
    turn->waits = true;
    turn->work = work;
    TAILQ_INSERT_TAIL(&self->row, turn, row);
    if (!ev_is_active(&self->timer))
        ev_idle_start(self->ev, &self->idle);
}

void edge_turns_leave(struct edge_turns *self, struct edge_turn *turn) {
    if (!turn->waits)
        return;
    turn->waits = false;
    TAILQ_REMOVE(&self->row, turn, row);
    if (TAILQ_EMPTY(&self->row)) {
        ev_idle_stop(self->ev, &self->idle);
        ev_timer_stop(self->ev, &self->timer);
    }
}
