/* Work in turns: together it has a limit in each turn of the loop, and everybody comes to it. */
#include "common/loop.h"
#include "services/gateway/edge/turns.h"
#include "tests/support/test_list.h"

#define WORKERS 3
#define DEADLINE_MS 60000

static struct worker {
    struct edge_turn turn; /* first */
    size_t bytes;          /* that it moves at once */
    unsigned left, done;   /* how often it still joins again; how often it has worked */
} workers[WORKERS];

static struct edge_turns turns;

static size_t work(struct edge_turn *turn) {
    struct worker *worker = (struct worker *)turn;
    worker->done++;
    if (worker->left > 0) {
        worker->left--;
        edge_turns_join(&turns, turn, work);
    }
    return worker->bytes;
}

static struct ev_loop *begin(size_t bytes, unsigned more) {
    struct ev_loop *ev = ev_loop_new(EVFLAG_AUTO);
    assert_non_null(ev);
    edge_turns_start(&turns, ev, NULL);
    for (size_t i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){.bytes = bytes, .left = more};
        edge_turns_join(&turns, &workers[i].turn, work);
    }
    return ev;
}

static void end(struct ev_loop *ev) {
    edge_turns_stop(&turns);
    ev_loop_destroy(ev);
}

/* One whose work is at the limit fills a turn; the next turn begins with the next one. */
TEST(a_turn_has_a_limit) {
    struct ev_loop *ev = begin(EDGE_TURN_BYTES, 1);
    for (unsigned turn = 1; turn <= 2 * WORKERS; turn++) {
        ev_run(ev, EVRUN_NOWAIT);
        for (unsigned i = 0; i < WORKERS; i++)
            assert_int_equal(workers[i].done, (turn + WORKERS - 1 - i) / WORKERS);
    }
    assert_false(ev_is_active(&turns.idle)); /* the loop may wait */
    end(ev);
}

/* Work that moves nothing has a price, too. */
TEST(small_work_is_limited) {
    struct ev_loop *ev = begin(0, UINT32_MAX);
    ev_run(ev, EVRUN_NOWAIT);
    assert_int_equal(workers[0].done + workers[1].done + workers[2].done,
                     EDGE_TURN_BYTES / EDGE_TURN_COST_BYTES);
    assert_true(ev_is_active(&turns.idle)); /* the loop does not wait */
    end(ev);
}

TEST(one_that_leaves_does_not_work) {
    struct ev_loop *ev = begin(1, 0);
    edge_turns_join(&turns, &workers[2].turn, work); /* it waits already */
    edge_turns_leave(&turns, &workers[0].turn);
    edge_turns_leave(&turns, &workers[0].turn);
    ev_run(ev, EVRUN_NOWAIT);
    assert_int_equal(workers[0].done, 0);
    assert_int_equal(workers[1].done, 1);
    assert_int_equal(workers[2].done, 1);
    end(ev);
}

/* Neither does the loop turn meanwhile. */
TEST(work_waits_while_its_budget_is_spent) {
    struct edge_budget budget;
    struct ev_loop *ev = ev_loop_new(EVFLAG_AUTO);
    assert_non_null(ev);
    edge_budget_start(&budget);
    edge_turns_start(&turns, ev, &budget);
    workers[0] = (struct worker){.bytes = EDGE_BESIDE_FIRST_BYTES / 2, .left = 1};
    for (int i = 0; i < EDGE_BESIDE_TEXTS; i++)
        edge_budget_text(&budget, 1000, loop_wall_us());
    edge_budget_moved(&budget, EDGE_BESIDE_FIRST_BYTES / 8 * 7, loop_wall_us());
    edge_turns_join(&turns, &workers[0].turn, work);
    ev_run(ev, EVRUN_NOWAIT);
    assert_int_equal(workers[0].done, 0);
    assert_true(ev_is_active(&turns.timer));
    assert_false(ev_is_active(&turns.idle));
    const int64_t end_ms = loop_now_ms() + DEADLINE_MS;
    while (workers[0].done < 2 && loop_now_ms() < end_ms)
        ev_run(ev, EVRUN_NOWAIT);
    assert_int_equal(workers[0].done, 2);
    assert_false(ev_is_active(&turns.timer));
    end(ev);
}

int main(void) { return test_run_all(NULL, NULL); }
