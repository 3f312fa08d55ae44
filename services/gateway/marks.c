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
/* Noted for the next mark: entries that one login may have been sent, and some of those before
 * it. */
#define UNMARKED_MAX (POSITIONS_MAX + 256)

/*
 * limit: gateway | bytes of entries that are on their way to a client: queued, with the
 * kernels, on the line, and over WebSocket not yet read by its stack | 32 KiB of missed
 * entries, 256 KiB of new ones; then as much as it has taken in 0.3 s, from 8 KiB to 256 KiB; a
 * larger entry alone {WINDOW_FIRST:} {WINDOW_LEAST:} {WINDOW_MOST:} {SLOW_MS:} {TARGET_MS:} |
 * back to catching up, the rest waits in the message log; so an answer waits for well under a
 * second behind entries, down to 16 KiB/s. Behind the first 32 KiB it waits as
 * long as the client takes for them
 */
/* The window: of a new connection, at least, at most. */
#define WINDOW_FIRST ((size_t)32 << 10)
#define WINDOW_LEAST ((size_t)8 << 10)
#define WINDOW_MOST ((size_t)256 << 10)
/* A mark that took longer makes the window smaller, until its bytes take about TARGET_MS. */
#define SLOW_MS 400
#define TARGET_MS 300
/* A reader that has read the first window so soon gets four times as much. */
#define QUICK_MS 250
/*
 * limit: gateway | wait for a TCP client to read what its kernel has | {UNREAD_EXTRA_MS}, and a
 * second for each {SLOWEST_BYTES} of it | it is sent more: its kernel has made its buffer smaller,
 * or it reads nothing
 */
#define SLOWEST_BYTES (16 << 10)
#define UNREAD_EXTRA_MS 200

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
        note(client, &(struct written){.account = client->account,
                                       .conversation = touched.conversation,
                                       .cid = touched.sent,
                                       .from_others = touched.from_others});
}

bool marks_have_unmarked(const struct client *client) {
    return client->marks->unmarked_count > 0 || client->positions->touched_count > 0;
}

/* --- the window ------------------------------------------------------------------------------ */

static uint64_t on_its_way(const struct client *client) {
    return edge_sent_bytes(client->edge) - client->marks->reached_bytes;
}

static size_t known_window(const struct client_marks *marks) {
    return marks->window == 0 ? WINDOW_FIRST : marks->window;
}

/* While nothing is known of a client, new entries are sent at once, and only a few of those that it
 * has missed. */
static bool is_fast(const struct client *client) {
    return !client->marks->slow &&
           (client->state == CLIENT_LIVE || client->marks->window == WINDOW_MOST);
}

static size_t window_of(const struct client *client) {
    return is_fast(client) ? WINDOW_MOST : known_window(client->marks);
}

/* A text longer than the window is sent when next to nothing else is on its way. So is one entry
 * when all is with the client's kernel: the kernel reports how far its program has read only when
 * something arrives. */
static bool has_room(const struct client *client, size_t bytes) {
    uint64_t ahead = on_its_way(client);
    uint64_t unread = is_fast(client) ? 0 : client->marks->unread_bytes;
    return ahead + unread <= WINDOW_LEAST / 2 || ahead + unread + bytes <= window_of(client) ||
           (ahead == 0 && unread <= client->marks->batch_bytes + WINDOW_LEAST);
}

bool marks_have_room(struct client *client, size_t bytes) {
    if (edge_is_paced(client->edge) && edge_queued_bytes(client->edge) > GATEWAY_PACED_BYTES)
        return false;
    if (has_room(client, bytes))
        return true;
    if (!is_fast(client))
        return false; /* bytes in its kernel may be unread: the next mark shows it */
    uint64_t acknowledged = edge_acknowledged_bytes(client->edge);
    if (acknowledged > client->marks->reached_bytes)
        client->marks->reached_bytes = acknowledged;
    return has_room(client, bytes);
}

bool marks_are_due(const struct client *client) {
    return on_its_way(client) >= window_of(client) / 2;
}

/* The client has taken so many bytes in so long. */
static void fit_window(struct client *client, uint64_t bytes, int64_t took_ms) {
    struct client_marks *marks = client->marks;
    uint64_t window = known_window(marks);
    bool quick = marks->window == 0 && marks->window_end != 0 && took_ms <= QUICK_MS;
    if (took_ms > SLOW_MS) /* else it does not matter how far away it is */
        took_ms -= edge_round_trip_ms(client->edge);
    if (took_ms > SLOW_MS)
        window = bytes * TARGET_MS / (uint64_t)took_ms;
    else if (bytes >= window / 2)
        window *= quick ? 4 : 2;
    else
        return;
    marks->slow = took_ms > SLOW_MS || (marks->slow && window < WINDOW_MOST);
    marks->window = window < WINDOW_LEAST  ? WINDOW_LEAST
                    : window > WINDOW_MOST ? WINDOW_MOST
                                           : (size_t)window;
}

/* --- the reader ------------------------------------------------------------------------------ */

static uint64_t less(uint64_t bytes, uint64_t by) { return bytes > by ? bytes - by : 0; }

/* The bytes that the mark covered are with the client's kernel; as many are read as the end of its
 * window has moved by since the last mark. The first mark shows nothing of this, since kernels
 * enlarge their windows while the first bytes arrive. */
static void note_unread(struct client_marks *marks, uint64_t end) {
    uint64_t read = marks->window_end == 0 ? 0 : less(end, marks->window_end);
    marks->unread_bytes = less(marks->unread_bytes + marks->marked_ahead, read);
    marks->window_end = end;
}

/* Bytes that were unread at an earlier mark show, once they are read, how fast the client reads. */
static void fit_to_reader(struct client *client) {
    struct client_marks *marks = client->marks;
    int64_t now_ms = loop_now_ms(), took_ms = now_ms - marks->batch_ms;
    uint64_t read = less(marks->window_end, marks->batch_end), batch = marks->batch_bytes;
    int64_t most_ms = (int64_t)(batch * 1000 / SLOWEST_BYTES) + UNREAD_EXTRA_MS;
    if (batch > 0 && took_ms > most_ms)
        marks->unread_bytes = 0;
    if (batch == 0 && marks->unread_bytes == 0) {
        fit_window(client, marks->marked_ahead, now_ms - marks->marked_ms);
    } else if (batch > 0 && (read >= batch - batch / 8 || took_ms > most_ms)) {
        fit_window(client, read, took_ms);
        marks->batch_bytes = 0;
    }
    if (marks->batch_bytes == 0) {
        marks->batch_bytes = marks->unread_bytes;
        marks->batch_end = marks->window_end;
        marks->batch_ms = marks->marked_ms;
    }
}

static void watch_reader(struct client *client) {
    struct client_marks *marks = client->marks;
    int64_t took_ms = loop_now_ms() - marks->marked_ms;
    note_unread(marks, edge_window_end(client->edge));
    if (marks->window_end != 0 && took_ms <= SLOW_MS) {
        fit_to_reader(client);
        return;
    }
    marks->batch_bytes = 0;
    if (marks->window_end == 0)
        marks->unread_bytes = 0;
    fit_window(client, marks->marked_ahead, took_ms);
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
    watch_reader(client);
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
