/*
 * How much has reached a client (marks), and how much more may be on its way to it.
 *
 * A mark is answered once all that was sent before it has been taken. How long that took shows how
 * fast the client takes, so it also bounds what is sent ahead: a window of bytes that doubles while
 * marks come back at once, and shrinks to what is taken in some tenths of a second when they don't.
 * Over TCP the client's kernel takes what its program has not read. That moves cursors, but counts
 * as on its way until the end of the kernel's window shows that it is read. What does not fit waits
 * in the message log, and an answer waits behind no more than that window, however slowly the
 * client reads and however much it has missed.
 */
#ifndef PARLEY_GATEWAY_MARKS_H
#define PARLEY_GATEWAY_MARKS_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "services/gateway/cursors.h"

struct client;

struct client_marks {
    struct written *marking; /* covered by the mark that is outstanding; NULL: none is */
    size_t marking_count;
    struct written *unmarked; /* of an account that logged out: for the next mark */
    size_t unmarked_count;
    ev_timer timer; /* runs until the next mark is to be sent */
    bool overdue;   /* it ran out while one was outstanding: the next follows the answer */
    uint64_t marked_bytes, reached_bytes; /* of all that was ever sent: up to the mark that is
                                           * outstanding, and up to the last that was answered */
    uint64_t marked_ahead;                /* how much was on its way then */
    int64_t marked_ms;                    /* when that one was asked for */
    size_t window;                        /* bytes that may be on their way; 0: not known yet */
    bool slow;                            /* it has taken long for what it was sent */
    uint64_t window_end;                  /* edge_window_end at the last mark; 0: not known */
    uint64_t unread_bytes;                /* with the client's kernel then, as far as that shows */
    uint64_t batch_bytes, batch_end; /* unread at an earlier mark, and window_end then; 0: none */
    int64_t batch_ms;                /* when that mark was asked for */
};

/* A mark is to be sent after so long, or sooner if one is to be already. */
void marks_schedule(struct client *client, int64_t delay_ms);
void marks_cancel(struct client *client);
/* Sends one now, unless one is outstanding. */
void marks_send(struct client *client);
/* Takes along to the next mark how far each conversation was written since the last: the positions
 * are about to go. */
void marks_collect(struct client *client);
/* Whether something was written that no mark covers. */
bool marks_have_unmarked(const struct client *client);
/* The outstanding mark is answered: the entries that it covers move cursors. */
void marks_answered(struct client *client);
/* Whether so many bytes more may be on their way to the client: as many as it has shown to take
 * within some tenths of a second, so that an answer never waits for long behind them. */
bool marks_have_room(struct client *client, size_t bytes);
/* Whether so much is on its way that it is time to ask how far the client is. */
bool marks_are_due(const struct client *client);
/* The connection is gone. */
void marks_stop(struct client *client);

#endif
