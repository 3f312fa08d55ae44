/* Which connections of an account give way to a new one; see room.h. */
#include "services/session/room.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/loop.h"

/* An account whose connections gateways are asked about. */
struct asking {
    uint64_t account;
    int64_t until_ms;
};

struct room {
    struct service *service;
    struct directory *directory;
    struct gateway_instances *gateways;
    uint64_t limit;
    int64_t timeout_ms; /* for gateways to tell */
    ev_timer timer;     /* until the first of the askings is over */
    size_t asking_count;
    struct asking askings[ROOM_ASKINGS]; /* in the order in which they are over */
    struct metric *resumed, *crowded, *slowed;
};

/* --- ending a connection ------------------------------------------------------------------- */

static void end(struct room *self, const struct binding *binding, enum kick_cause cause) {
    directory_stay(self->directory, binding)->leaving = true;
    gateway_instances_kick(self->gateways, self->service, binding->gateway, binding->connection,
                           (struct gateway_kick){.cause = cause});
    metric_add(cause == KICK_RESUMED ? self->resumed : self->crowded, 1);
    log_debug("gives_way", "account=%llu connection=%llu resumed=%s",
              (unsigned long long)binding->account, (unsigned long long)binding->connection,
              cause == KICK_RESUMED ? "yes" : "no");
}

/* --- one login, one connection ------------------------------------------------------------- */

static bool is_arrival(const struct binding *binding, const struct arrival *arrival) {
    return binding->gateway == arrival->gateway && binding->connection == arrival->connection;
}

/* The other connection that has the login; NULL: none has. */
static const struct binding *find_holder(const struct room *self, const struct arrival *arrival) {
    for (DIRECTORY_EACH(self->directory, arrival->account, b))
        if (arrival->login != 0 && b->stay.login == arrival->login && !b->stay.leaving &&
            !is_arrival(b, arrival))
            return b;
    return NULL;
}

/* Wraps after 49 days, which at worst has somebody wait once. 0 stands for never. */
static uint32_t now_stamp(void) { return (uint32_t)loop_now_ms() | 1; }

/* Since the login was resumed last; UINT32_MAX: never. */
static uint32_t since_resumed(const struct binding *holder) {
    return holder == NULL || holder->stay.resumed_stamp == 0
               ? UINT32_MAX
               : now_stamp() - holder->stay.resumed_stamp;
}

static uint64_t wait_after(unsigned turns) {
    uint64_t wait_ms = ROOM_WAIT_FIRST_MS;
    while (turns-- > 0 && wait_ms < ROOM_WAIT_MAX_MS)
        wait_ms *= 2;
    return wait_ms;
}

uint64_t room_wait_ms(const struct room *self, const struct arrival *arrival) {
    const struct binding *holder = find_holder(self, arrival);
    uint32_t since_ms = since_resumed(holder);
    if (!arrival->resumed || since_ms == UINT32_MAX)
        return 0;
    uint64_t wait_ms = wait_after(holder->stay.turns);
    if (!arrival->waited && since_ms >= ROOM_SOON_MS)
        return 0;
    if (arrival->waited && since_ms >= wait_ms)
        return 0;
    metric_add(self->slowed, 1);
    return arrival->waited ? wait_ms - since_ms : wait_ms;
}

static void take_login(struct room *self, const struct arrival *arrival, struct stay *stay) {
    const struct binding *holder = find_holder(self, arrival);
    stay->login = arrival->login;
    if (arrival->resumed) {
        bool soon = arrival->waited || since_resumed(holder) < ROOM_SOON_MS;
        stay->turns = soon && holder != NULL && holder->stay.turns < UINT8_MAX
                          ? (uint8_t)(holder->stay.turns + 1)
                          : 0;
        stay->resumed_stamp = now_stamp();
    }
    for (; holder != NULL; holder = find_holder(self, arrival))
        end(self, holder, KICK_RESUMED);
}

/* --- more connections than there may be ---------------------------------------------------- */

static uint64_t count_staying(const struct room *self, uint64_t account) {
    uint64_t count = 0;
    for (DIRECTORY_EACH(self->directory, account, b))
        count += !b->stay.leaving;
    return count;
}

static const struct binding *find_quietest(const struct room *self, uint64_t account) {
    const struct binding *quietest = NULL;
    for (DIRECTORY_EACH(self->directory, account, b))
        if (!b->stay.leaving && (quietest == NULL || b->stay.heard_ms < quietest->stay.heard_ms))
            quietest = b;
    return quietest;
}

static void settle(struct room *self, uint64_t account) {
    for (uint64_t count = count_staying(self, account); count > self->limit; count--)
        end(self, find_quietest(self, account), KICK_CROWDED);
}

static struct asking *find_asking(struct room *self, uint64_t account) {
    for (size_t i = 0; i < self->asking_count; i++)
        if (self->askings[i].account == account)
            return &self->askings[i];
    return NULL;
}

static void schedule(struct room *self) {
    if (self->asking_count > 0)
        loop_timer_hasten(service_loop(self->service), &self->timer,
                          self->askings[0].until_ms - loop_now_ms());
}

static void end_asking(struct room *self, struct asking *asking) {
    uint64_t account = asking->account;
    size_t at = (size_t)(asking - self->askings);
    self->asking_count--;
    memmove(asking, asking + 1, (self->asking_count - at) * sizeof *asking);
    settle(self, account);
}

static void on_timer(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    struct room *self = timer->data;
    int64_t now_ms = loop_now_ms();
    while (self->asking_count > 0 && self->askings[0].until_ms <= now_ms)
        end_asking(self, &self->askings[0]);
    schedule(self);
}

static void ask(struct room *self, const struct arrival *arrival) {
    if (self->asking_count == ROOM_ASKINGS) {
        settle(self, arrival->account);
        return;
    }
    self->askings[self->asking_count++] =
        (struct asking){arrival->account, loop_now_ms() + self->timeout_ms};
    for (DIRECTORY_EACH(self->directory, arrival->account, b)) {
        if (b->stay.leaving || is_arrival(b, arrival))
            continue;
        uint64_t connection = b->connection;
        struct gateway_heard heard = {.connections = {&connection, 1}};
        directory_stay(self->directory, b)->asked = true;
        service_send(self->service,
                     gateway_instance_id(gateway_instances_at(self->gateways, b->gateway)),
                     &message_GATEWAY_HEARD, &heard);
    }
    schedule(self);
}

void room_take(struct room *self, const struct arrival *arrival) {
    const struct binding *b =
        directory_find(self->directory, arrival->account, arrival->gateway, arrival->connection);
    struct stay *stay = directory_stay(self->directory, b);
    /* Later than anything heard while others are asked: the new connection stays. */
    stay->heard_ms = loop_now_ms() + self->timeout_ms;
    take_login(self, arrival, stay);
    if (count_staying(self, arrival->account) > self->limit &&
        find_asking(self, arrival->account) == NULL)
        ask(self, arrival);
}

/* Where a kick did not arrive, the gateway still has the connection. */
void room_take_again(struct room *self, const struct arrival *arrival) {
    const struct binding *b =
        directory_find(self->directory, arrival->account, arrival->gateway, arrival->connection);
    struct stay *stay = directory_stay(self->directory, b);
    if (arrival->login != 0)
        stay->login = arrival->login;
    if (stay->heard_ms == 0)
        stay->heard_ms = loop_now_ms();
    const struct binding *holder = find_holder(self, arrival);
    if (holder != NULL && holder->stay.resumed_stamp != 0 && stay->resumed_stamp == 0)
        end(self, b, KICK_RESUMED);
    else if (stay->leaving)
        end(self, b, KICK_CROWDED);
}

static bool is_answered(const struct room *self, uint64_t account) {
    for (DIRECTORY_EACH(self->directory, account, b))
        if (b->stay.asked)
            return false;
    return true;
}

void room_heard(struct room *self, uint16_t gateway, const struct session_heard *heard) {
    int64_t now_ms = loop_now_ms();
    for (size_t i = 0;
         i < heard->accounts.count && i < heard->connections.count && i < heard->silent_ms.count;
         i++) {
        uint64_t account = heard->accounts.items[i], silent_ms = heard->silent_ms.items[i];
        const struct binding *b =
            directory_find(self->directory, account, gateway, heard->connections.items[i]);
        if (b == NULL)
            continue;
        struct stay *stay = directory_stay(self->directory, b);
        stay->heard_ms = silent_ms < (uint64_t)now_ms ? now_ms - (int64_t)silent_ms : 0;
        stay->asked = false;
        struct asking *asking = find_asking(self, account);
        if (asking != NULL && is_answered(self, account))
            end_asking(self, asking);
    }
    schedule(self);
}

/* --- life ---------------------------------------------------------------------------------- */

struct room *room_new(struct service *service, struct directory *directory,
                      struct gateway_instances *gateways, uint64_t limit, int64_t timeout_ms) {
    struct room *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    struct metrics *metrics = service_metrics(service);
    self->service = service;
    self->directory = directory;
    self->gateways = gateways;
    self->limit = limit;
    self->timeout_ms = timeout_ms;
    self->resumed = metrics_counter(metrics, "connections_ended_total", "cause=\"resumed\"",
                                    "Connections that gave way to another of their account.");
    self->crowded = metrics_counter(metrics, "connections_ended_total", "cause=\"crowded\"",
                                    "Connections that gave way to another of their account.");
    self->slowed = metrics_counter(metrics, "resumptions_slowed_total", "",
                                   "Times that a login was resumed too soon and had to wait.");
    ev_timer_init(&self->timer, on_timer, 0, 0);
    self->timer.data = self;
    return self;
}

void room_destroy(struct room **self_p) {
    struct room *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    ev_timer_stop(service_loop(self->service), &self->timer);
    free(self);
}
