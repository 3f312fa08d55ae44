/*
 * What has reached a client (marks), and how much more may be on its way to it.
 *
 * A mark is answered once all that was sent before it has been taken. How long that took tells how
 * fast the client takes, so it also bounds what is sent ahead: a window of bytes that doubles while
 * marks come back at once, and shrinks to what is taken in TARGET_MS when they don't. What does not
 * fit waits in the log, and an answer waits behind no more than that window, however slowly the
 * client reads and however much it has missed.
 */
#include <stdlib.h>
#include <utlist.h>

#include "common/log.h"
#include "services/gateway/client.h"
#include "services/gateway/cursors.h"
#include "services/gateway/gateway.h"
#include "services/gateway/marks.h"
#include "services/gateway/positions.h"

/* Noted for the next mark: what one login may have been sent, and some of those before it. */
#define LEFT_MAX (POSITIONS_MAX + 256)

/* The window: of a new connection, at least, at most. */
#define WINDOW_FIRST ((size_t)32 << 10)
#define WINDOW_LEAST ((size_t)8 << 10)
#define WINDOW_MOST ((size_t)256 << 10)
/* A mark that took longer makes the window smaller; so long is what is in it to take then. */
#define SLOW_MS 400
#define TARGET_MS 300

/* --- what was written ------------------------------------------------------------------------ */

/* Without room it is covered by no mark, and repeated some day. */
void marks_note(struct client *client, const struct written *written) {
    struct written *left = NULL;
    if (client->marks->left_count < LEFT_MAX)
        left = realloc(client->marks->left, (client->marks->left_count + 1) * sizeof *left);
    if (left == NULL) {
        log_warn("mark_forgotten", "client=%llu", (unsigned long long)client->id);
        return;
    }
    client->marks->left = left;
    client->marks->left[client->marks->left_count++] = *written;
}

void marks_collect(struct client *client) {
    struct written written = {.account = client->account};
    while (positions_next_touched(client->positions, &written.conversation, &written.cid))
        marks_note(client, &written);
}

bool marks_lack(const struct client *client) {
    return client->marks->left_count > 0 || client->positions->touched_count > 0;
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
        window = (size_t)(client->marks->marked_flight * TARGET_MS / (uint64_t)took_ms);
    else if (client->marks->marked_flight >= window / 2)
        window *= 2;
    client->marks->slow = took_ms > SLOW_MS || (client->marks->slow && window < WINDOW_MOST);
    client->marks->window = window < WINDOW_LEAST  ? WINDOW_LEAST
                            : window > WINDOW_MOST ? WINDOW_MOST
                                                   : window;
}

/* --- marks ----------------------------------------------------------------------------------- */

void marks_list(struct client *client, int64_t delay_ms) {
    struct gateway *gateway = client->gateway;
    int64_t at_ms = loop_now_ms() + delay_ms;
    if (!client->marks->mark_listed) {
        client->marks->mark_listed = true;
        client->marks->mark_at_ms = at_ms;
        DL_APPEND2(gateway->mark_queue, client, marks->prev_mark, marks->next_mark);
    } else if (at_ms < client->marks->mark_at_ms) {
        client->marks->mark_at_ms = at_ms;
    }
}

void marks_unlist(struct client *client) {
    if (client->marks->mark_listed)
        DL_DELETE2(client->gateway->mark_queue, client, marks->prev_mark, marks->next_mark);
    client->marks->mark_listed = false;
}

void marks_send(struct client *client) {
    if (client->marks->marking != NULL)
        return;
    if (!edge_mark(client->edge)) {
        marks_list(client, (int64_t)client->gateway->settings.reach_interval_ms);
        return;
    }
    client->marks->marked_bytes = edge_sent_bytes(client->edge);
    client->marks->marked_flight = client->marks->marked_bytes - client->marks->reached_bytes;
    client->marks->marked_ms = loop_now_ms();
    marks_collect(client);
    client->marks->marking = client->marks->left;
    client->marks->marking_count = client->marks->left_count;
    client->marks->left = NULL;
    client->marks->left_count = 0;
}

void marks_answered(struct client *client) {
    fit_window(client, loop_now_ms() - client->marks->marked_ms);
    if (client->marks->reached_bytes < client->marks->marked_bytes)
        client->marks->reached_bytes = client->marks->marked_bytes;
    for (size_t i = 0; i < client->marks->marking_count; i++)
        cursors_add(client->gateway, &client->marks->marking[i]);
    free(client->marks->marking);
    client->marks->marking = NULL;
    client->marks->marking_count = 0;
}

void marks_tick(struct gateway *gateway, int64_t now_ms) {
    struct client *client, *next;
    DL_FOREACH_SAFE2(gateway->mark_queue, client, next, marks->next_mark) {
        if (client->marks->mark_at_ms <= now_ms && client->marks->marking == NULL) {
            marks_unlist(client);
            marks_send(client);
        }
    }
}

void marks_stop(struct client *client) {
    marks_unlist(client);
    free(client->marks->marking);
    free(client->marks->left);
    client->marks->marking = client->marks->left = NULL;
    client->marks->marking_count = client->marks->left_count = 0;
}
