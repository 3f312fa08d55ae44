/*
 * ZeroMQ sockets on a loop: the edge-triggered descriptor stalls nothing, a callback's budget
 * leaves room for others, and watchers may go from within their callbacks.
 */
#include "common/loop.h"
#include "tests/support/test_list.h"

#include <czmq.h>

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#define DEADLINE_MS 60000
#define MESSAGES 5000

static unsigned events_asked;

/* In front of ZeroMQ's own. */
int zmq_getsockopt(void *socket, int option, void *value, size_t *size) {
    static int (*real)(void *, int, void *, size_t *);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "zmq_getsockopt");
    events_asked += option == ZMQ_EVENTS;
    return real(socket, option, value, size);
}

/* Two sockets that are connected; `watched` is on the loop. */
struct pair {
    struct ev_loop *ev;
    zsock_t *sender, *watched;
    struct loop_socket *watcher;
    int budget;      /* messages per call of `ready` */
    size_t received; /* in order, or the test has failed */
    size_t calls, others;
    bool out_of_order;
    size_t destroy_at; /* messages after which the watcher goes; 0: never */
    size_t wanted;     /* messages that end the loop */
};

static void *raw(zsock_t *socket) { return zsock_resolve(socket); }

static void send_numbers(zsock_t *socket, size_t from, size_t count) {
    for (size_t i = from; i < from + count; i++)
        if (zmq_send(raw(socket), &i, sizeof i, 0) < 0)
            abort();
}

static void ready(void *argument, void *socket) {
    struct pair *pair = argument;
    pair->calls++;
    for (int i = 0; i < pair->budget && pair->watcher != NULL; i++) {
        size_t number;
        if (zmq_recv(socket, &number, sizeof number, ZMQ_DONTWAIT) < 0)
            return;
        pair->out_of_order |= number != pair->received;
        pair->received++;
        if (pair->received == pair->destroy_at)
            loop_socket_destroy(&pair->watcher);
        if (pair->received == pair->wanted)
            ev_break(pair->ev, EVBREAK_ALL);
    }
}

static int set_up(void **state) {
    static struct pair pair;
    static unsigned pairs;
    zsys_handler_set(NULL);
    pair = (struct pair){.ev = ev_loop_new(EVFLAG_AUTO), .budget = 1 << 30};
    pair.sender = zsock_new(ZMQ_PUSH);
    pair.watched = zsock_new(ZMQ_PULL);
    zsock_set_unbounded(pair.sender);
    zsock_set_unbounded(pair.watched);
    zsock_set_linger(pair.sender, 0);
    pairs++;
    if (zsock_bind(pair.sender, "inproc://loop-test-%u", pairs) != 0 ||
        zsock_connect(pair.watched, "inproc://loop-test-%u", pairs) != 0)
        return -1;
    *state = &pair;
    return 0;
}

static int tear_down(void **state) {
    struct pair *pair = *state;
    loop_socket_destroy(&pair->watcher);
    zsock_destroy(&pair->sender);
    zsock_destroy(&pair->watched);
    ev_loop_destroy(pair->ev);
    return 0;
}

#define LOOP_TEST(name_) TEST_WITH(name_, struct pair *pair, set_up, tear_down)

static void watch(struct pair *pair) {
    pair->watcher = loop_socket_new(pair->ev, raw(pair->watched), ready, pair);
    assert_non_null(pair->watcher);
}

static void give_up(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)revents;
    *(bool *)timer->data = true;
    ev_break(ev, EVBREAK_ALL);
}

/* Runs the loop until a callback breaks it; a stall fails the test. */
static void run(struct pair *pair) {
    bool late = false;
    ev_timer deadline;
    ev_timer_init(&deadline, give_up, DEADLINE_MS / 1000.0, 0);
    deadline.data = &late;
    ev_now_update(pair->ev);
    ev_timer_start(pair->ev, &deadline);
    ev_run(pair->ev, 0);
    ev_timer_stop(pair->ev, &deadline);
    if (late)
        fail_msg("stalled after %zu of %zu messages", pair->received, pair->wanted);
    assert_false(pair->out_of_order);
}

LOOP_TEST(messages_from_before_the_watcher_are_read) {
    send_numbers(pair->sender, 0, 3);
    watch(pair);
    pair->wanted = 3;
    run(pair);
    assert_int_equal(pair->received, 3);
}

LOOP_TEST(a_budget_of_one_reads_all_of_a_burst) {
    watch(pair);
    pair->budget = 1;
    pair->wanted = MESSAGES;
    send_numbers(pair->sender, 0, MESSAGES);
    run(pair);
    assert_int_equal(pair->calls, MESSAGES);
}

static void count_turn(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)revents;
    ((struct pair *)timer->data)->others++;
    ev_timer_again(ev, timer);
}

LOOP_TEST(others_have_their_turn_while_input_waits) {
    ev_timer other;
    watch(pair);
    pair->budget = 1;
    pair->wanted = MESSAGES;
    ev_timer_init(&other, count_turn, 1e-6, 1e-6);
    other.data = pair;
    ev_timer_start(pair->ev, &other);
    send_numbers(pair->sender, 0, MESSAGES);
    run(pair);
    ev_timer_stop(pair->ev, &other);
    assert_true(pair->others > MESSAGES / 10);
}

static void *send_all(void *argument) {
    send_numbers(argument, 0, MESSAGES);
    return NULL;
}

LOOP_TEST(messages_of_another_thread_wake_the_loop) {
    pthread_t thread;
    watch(pair);
    pair->budget = 7;
    pair->wanted = MESSAGES;
    assert_int_equal(pthread_create(&thread, NULL, send_all, pair->sender), 0);
    run(pair);
    pthread_join(thread, NULL);
    assert_int_equal(pair->received, MESSAGES);
}

/* Answers each message on the same socket: a send takes up the edge that the next message makes. */
struct player {
    struct ev_loop *ev;
    size_t rounds;
};

static void play(void *argument, void *socket) {
    struct player *player = argument;
    char ball;
    while (zmq_recv(socket, &ball, 1, ZMQ_DONTWAIT) == 1) {
        if (++player->rounds >= MESSAGES)
            ev_break(player->ev, EVBREAK_ALL);
        if (zmq_send(socket, &ball, 1, ZMQ_DONTWAIT) != 1)
            abort();
    }
}

LOOP_TEST(sending_from_the_callback_hides_nothing) {
    struct player players[2] = {{pair->ev, 0}, {pair->ev, 0}};
    zsock_t *one = zsock_new(ZMQ_PAIR), *other = zsock_new(ZMQ_PAIR);
    zsock_set_linger(one, 0);
    zsock_set_linger(other, 0);
    int port = zsock_bind(one, "tcp://127.0.0.1:*");
    assert_true(port > 0);
    assert_int_equal(zsock_connect(other, "tcp://127.0.0.1:%d", port), 0);
    struct loop_socket *watchers[] = {loop_socket_new(pair->ev, raw(one), play, &players[0]),
                                      loop_socket_new(pair->ev, raw(other), play, &players[1])};
    /* Several balls, so that a player finds more than the one that woke it. */
    for (int i = 0; i < 5; i++)
        assert_int_equal(zmq_send(raw(one), "o", 1, 0), 1);
    run(pair);
    assert_true(players[0].rounds >= MESSAGES || players[1].rounds >= MESSAGES);
    loop_socket_destroy(&watchers[0]);
    loop_socket_destroy(&watchers[1]);
    zsock_destroy(&one);
    zsock_destroy(&other);
}

struct turns {
    struct ev_loop *ev;
    unsigned left;
};

static void end_turn(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)revents;
    struct turns *turns = timer->data;
    if (--turns->left == 0)
        ev_break(ev, EVBREAK_ALL);
    else
        loop_timer_start(ev, timer, 0);
}

LOOP_TEST(a_socket_that_rests_is_left_alone) {
    struct turns turns = {pair->ev, 3}; /* the first ones look */
    unsigned before = 0;
    ev_timer timer;
    watch(pair);
    ev_timer_init(&timer, end_turn, 0, 0);
    timer.data = &turns;
    for (int i = 0; i < 2; i++) {
        before = events_asked;
        loop_timer_start(pair->ev, &timer, 0);
        run(pair);
        turns.left = 100;
    }
    assert_int_equal(events_asked, before);
}

/* Sends from outside the callback, which may use up the edge of arrived messages. */
LOOP_TEST(sending_from_elsewhere_hides_nothing) {
    struct player player = {pair->ev, MESSAGES - 1};
    zsock_t *one = zsock_new(ZMQ_PAIR), *other = zsock_new(ZMQ_PAIR);
    zsock_set_linger(one, 0);
    zsock_set_linger(other, 0);
    int fd, events, port = zsock_bind(one, "tcp://127.0.0.1:*");
    size_t size = sizeof fd;
    assert_int_equal(zsock_connect(other, "tcp://127.0.0.1:%d", port), 0);
    struct loop_socket *watcher = loop_socket_new(pair->ev, raw(one), play, &player);
    ev_run(pair->ev, EVRUN_NOWAIT);
    ev_run(pair->ev, EVRUN_NOWAIT);
    assert_int_equal(zmq_send(raw(other), "o", 1, 0), 1);
    do { /* a send, whenever it looks at arrived messages */
        assert_int_equal(zmq_send(raw(one), "x", 1, 0), 1);
        size = sizeof events;
        assert_int_equal(zmq_getsockopt(raw(one), ZMQ_EVENTS, &events, &size), 0);
    } while ((events & ZMQ_POLLIN) == 0);
    loop_socket_used(watcher);
    run(pair);
    assert_int_equal(player.rounds, MESSAGES);
    loop_socket_destroy(&watcher);
    zsock_destroy(&one);
    zsock_destroy(&other);
}

LOOP_TEST(a_watcher_may_go_within_its_callback) {
    watch(pair);
    pair->destroy_at = 2;
    pair->wanted = 2;
    send_numbers(pair->sender, 0, 5);
    run(pair);
    assert_int_equal(pair->received, 2);
    assert_null(pair->watcher);
    /* The rest is there for the next watcher. */
    pair->destroy_at = 0;
    pair->wanted = 5;
    watch(pair);
    run(pair);
    assert_int_equal(pair->received, 5);
}

/* Two watchers with input; whichever is called first destroys the other. */
struct rivals {
    struct ev_loop *ev;
    struct loop_socket *watchers[2];
    int calls;
};

static void destroy_all(void *argument, void *socket) {
    (void)socket;
    struct rivals *rivals = argument;
    rivals->calls++;
    loop_socket_destroy(&rivals->watchers[0]);
    loop_socket_destroy(&rivals->watchers[1]);
    ev_break(rivals->ev, EVBREAK_ALL);
}

LOOP_TEST(a_watcher_may_go_within_the_callback_of_another) {
    zsock_t *sender = zsock_new_push("@inproc://loop-test-rival");
    zsock_t *other = zsock_new_pull(">inproc://loop-test-rival");
    struct rivals rivals = {.ev = pair->ev};
    rivals.watchers[0] = loop_socket_new(pair->ev, raw(pair->watched), destroy_all, &rivals);
    rivals.watchers[1] = loop_socket_new(pair->ev, raw(other), destroy_all, &rivals);
    send_numbers(sender, 0, 1);
    send_numbers(pair->sender, 0, 1);
    run(pair);
    ev_run(pair->ev, EVRUN_NOWAIT);
    assert_int_equal(rivals.calls, 1);
    zsock_destroy(&sender);
    zsock_destroy(&other);
}

LOOP_TEST(without_watchers_the_loop_ends) {
    watch(pair);
    loop_socket_destroy(&pair->watcher);
    loop_socket_destroy(&pair->watcher);
    assert_false(ev_run(pair->ev, 0));
    assert_int_equal(pair->calls, 0);
}

LOOP_TEST(a_missing_socket_is_not_watched) {
    assert_null(loop_socket_new(pair->ev, NULL, ready, pair));
}

TEST(clocks_move_forward) {
    int64_t before = loop_now_ms();
    assert_true(before > 0);
    assert_true(loop_now_ms() >= before);
    assert_true(loop_wall_ms() / 1000 - (int64_t)time(NULL) <= 1);
    assert_true((int64_t)time(NULL) - loop_wall_ms() / 1000 <= 1);
}

static void note_time(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    *(int64_t *)timer->data = loop_now_us();
}

/* The loop's own clock stands still while a callback works. */
LOOP_TEST(a_timer_is_never_early_and_fires_once) {
    int64_t fired_us = 0, busy_until_us = loop_now_us() + 30000;
    ev_timer timer;
    ev_timer_init(&timer, note_time, 0, 0);
    timer.data = &fired_us;
    loop_timer_start(pair->ev, &timer, 3600000); /* starting it anew replaces this */
    while (loop_now_us() < busy_until_us) {
    }
    int64_t started_us = loop_now_us();
    loop_timer_start(pair->ev, &timer, 20);
    ev_run(pair->ev, 0);
    assert_true(fired_us >= started_us + 20000);
    assert_false(ev_is_active(&timer));
    loop_timer_start(pair->ev, &timer, -5);
    ev_run(pair->ev, 0);
    assert_false(ev_is_active(&timer));
}

LOOP_TEST(a_timer_is_hastened_and_never_put_off) {
    int64_t fired_us = 0, started_us = loop_now_us();
    ev_timer timer;
    ev_timer_init(&timer, note_time, 0, 0);
    timer.data = &fired_us;
    loop_timer_hasten(pair->ev, &timer, 3600000);
    loop_timer_hasten(pair->ev, &timer, 20);
    loop_timer_hasten(pair->ev, &timer, 3600000);
    ev_run(pair->ev, 0);
    assert_true(fired_us >= started_us + 20000);
    assert_false(ev_is_active(&timer));
    loop_timer_hasten(pair->ev, &timer, 3600000);
    loop_timer_hasten(pair->ev, &timer, -3600000);
    ev_run(pair->ev, 0);
    assert_false(ev_is_active(&timer));
}

int main(void) { return test_run_all(NULL, NULL); }
