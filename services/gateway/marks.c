/* Marks and the window; see marks.h. */
#include <stdlib.h>

#include "common/log.h"
#include "services/gateway/client.h"
#include "services/gateway/cursors.h"
#include "services/gateway/gateway.h"
#include "services/gateway/marks.h"
#include "services/gateway/positions.h"

/*
 * limit: gateway | moves of earlier logins that wait for a connection's mark | {UNMARKED_MAX} |
 * the cursor stays; the entries behind it are sent again some day
 */
/* Noted for the next mark: what one login may have been sent, and some of those before it. */
#define UNMARKED_MAX (POSITIONS_MAX + 256)

/*
 * limit: gateway | bytes of entries that are on their way to a client: queued, with the
 * kernels, on the line, and over WebSocket not yet read by its stack | 32 KiB of missed
 * entries, 256 KiB of new ones; then as much as it has taken in 0.3 s, from 8 KiB to 256 KiB; a
 * larger entry alone {WINDOW_FIRST:} {WINDOW_LEAST:} {WINDOW_MOST:} {SLOW_MS:} {TARGET_MS:} |
 * back to catching up, the rest waits in the message log; so an answer waits for well under a
 * second behind entries, down to 16 KiB/s. Bytes that the kernel of a TCP client has taken and its
 * program has not read are not seen
 */
/* The window: of a new connection, at least, at most. */
#define WINDOW_FIRST ((size_t)32 << 10)
#define WINDOW_LEAST ((size_t)8 << 10)
#define WINDOW_MOST ((size_t)256 << 10)
/* A mark that took longer makes the window smaller; so long is what is in it to take then. */
#define SLOW_MS 400
#define TARGET_MS 300

/* --- what was written ------------------------------------------------------------------------ */

/* Without room it is covered by no mark, and repeated some day. */
static void note(struct client *client, const struct written *written) {
    struct written *unmarked = NULL;
    if (client->marks->unmarked_count < UNMARKED_MAX)
        unmarked = realloc(client->marks->unmarked,
                           (client->marks->unmarked_count + 1) * sizeof *unmarked);
    if (unmarked == NULL) {
        log_warn("mark_forgotten", "client=%llu", (unsigned long long)client->id);
        return;
    }
    client->marks->unmarked = unmarked;
    client->marks->unmarked[client->marks->unmarked_count++] = *written;
}

void marks_collect(struct client *client) {
    struct position touched;
    while (positions_next_touched(client->positions, &touched))
        note(client, &(struct written){client->account, touched.conversation, touched.sent,
                                       touched.from_others});
}

bool marks_have_unmarked(const struct client *client) {
    return client->marks->unmarked_count > 0 || client->positions->touched_count > 0;
}

/* --- the window ------------------------------------------------------------------------------ */

static uint64_t on_its_way(const struct client *client) {
    return edge_sent_bytes(client->edge) - client->marks->reached_bytes;
}

/* Of a client of which nothing is known: what happens now goes straight out, of what it has missed
 * only a little. */
static size_t window_of(const struct client *client) {
    size_t window = client->marks->window == 0 ? WINDOW_FIRST : client->marks->window;
    return client->state == CLIENT_LIVE && !client->marks->slow ? WINDOW_MOST : window;
}

/* What is longer than a window goes when next to nothing else is on its way. */
static bool has_room(const struct client *client, size_t bytes) {
    uint64_t ahead = on_its_way(client);
    return ahead <= WINDOW_LEAST / 2 || ahead + bytes <= window_of(client);
}

bool marks_have_room(struct client *client, size_t bytes) {
    if (edge_is_paced(client->edge) && edge_queued_bytes(client->edge) > GATEWAY_PACED_BYTES)
        return false;
    if (has_room(client, bytes))
        return true;
    uint64_t acknowledged = edge_acknowledged_bytes(client->edge);
    if (acknowledged > client->marks->reached_bytes)
        client->marks->reached_bytes = acknowledged;
    return has_room(client, bytes);
}

bool marks_are_due(const struct client *client) {
    return on_its_way(client) >= window_of(client) / 2;
}

static void fit_window(struct client *client, int64_t took_ms) {
    size_t window = client->marks->window == 0 ? WINDOW_FIRST : client->marks->window;
    if (took_ms > SLOW_MS) /* else it does not matter how far away it is */
        took_ms -= edge_round_trip_ms(client->edge);
    if (took_ms > SLOW_MS)
        window = (size_t)(client->marks->marked_ahead * TARGET_MS / (uint64_t)took_ms);
    else if (client->marks->marked_ahead >= window / 2)
        window *= 2;
    client->marks->slow = took_ms > SLOW_MS || (client->marks->slow && window < WINDOW_MOST);
    client->marks->window = window < WINDOW_LEAST  ? WINDOW_LEAST
                            : window > WINDOW_MOST ? WINDOW_MOST
                                                   : window;
}

/* --- marks ----------------------------------------------------------------------------------- */

static void on_timer(struct ev_loop *ev, ev_timer *timer, int revents) {
    (void)ev;
    (void)revents;
    struct client *client = timer->data;
    if (client->marks->marking != NULL)
        client->marks->overdue = true;
    else
        marks_send(client);
}

void marks_schedule(struct client *client, int64_t delay_ms) {
    struct ev_loop *ev = service_loop(client->gateway->service);
    ev_timer *timer = &client->marks->timer;
    if (client->marks->overdue ||
        (ev_is_active(timer) && ev_timer_remaining(ev, timer) * 1000 <= (ev_tstamp)delay_ms))
        return;
    if (timer->data == NULL) {
        ev_timer_init(timer, on_timer, 0, 0);
        timer->data = client;
    }
    loop_timer_start(ev, timer, delay_ms);
}

void marks_cancel(struct client *client) {
    ev_timer_stop(service_loop(client->gateway->service), &client->marks->timer);
    client->marks->overdue = false;
}

void marks_send(struct client *client) {
    if (client->marks->marking != NULL)
        return;
    if (!edge_mark(client->edge)) {
        marks_schedule(client, (int64_t)client->gateway->settings.reach_interval_ms);
        return;
    }
    client->marks->marked_bytes = edge_sent_bytes(client->edge);
    client->marks->marked_ahead = client->marks->marked_bytes - client->marks->reached_bytes;
    client->marks->marked_ms = loop_now_ms();
    marks_collect(client);
    client->marks->marking = client->marks->unmarked;
    client->marks->marking_count = client->marks->unmarked_count;
    client->marks->unmarked = NULL;
    client->marks->unmarked_count = 0;
}

void marks_answered(struct client *client) {
    fit_window(client, loop_now_ms() - client->marks->marked_ms);
    if (client->marks->reached_bytes < client->marks->marked_bytes)
        client->marks->reached_bytes = client->marks->marked_bytes;
    for (size_t i = 0; i < client->marks->marking_count; i++)
        cursors_add(client->gateway->cursors, &client->marks->marking[i]);
    free(client->marks->marking);
    client->marks->marking = NULL;
    client->marks->marking_count = 0;
    if (client->marks->overdue) {
        client->marks->overdue = false;
        marks_send(client);
    }
}

void marks_stop(struct client *client) {
    marks_cancel(client);
    free(client->marks->marking);
    free(client->marks->unmarked);
    client->marks->marking = client->marks->unmarked = NULL;
    client->marks->marking_count = client->marks->unmarked_count = 0;
}
