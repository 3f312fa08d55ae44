/* What has reached a client, and how much more may be on its way to it; see marks.c. */
#ifndef PARLEY_GATEWAY_MARKS_H
#define PARLEY_GATEWAY_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "services/gateway/cursors.h"

struct client;
struct gateway;

struct client_marks {
    struct written *marking; /* covered by the mark that is outstanding; NULL: none is */
    size_t marking_count;
    struct written *left; /* of an account that logged out: for the next mark */
    size_t left_count;
    bool mark_listed;
    int64_t mark_at_ms;
    struct client *next_mark, *prev_mark;
    uint64_t marked_bytes, reached_bytes; /* of all that was ever sent: up to the mark that is
                                           * outstanding, and up to the last that was answered */
    uint64_t marked_flight;               /* how much was on its way then */
    int64_t marked_ms;                    /* when that one was asked for */
    size_t window;                        /* bytes that may be on their way; 0: not known yet */
    bool slow;                            /* it has taken long for what it was sent */
};

/* Notes for the next mark that this was written. */
void marks_note(struct client *client, const struct written *written);
/* A mark is to be sent by then, or sooner if one is to be already. */
void marks_list(struct client *client, int64_t delay_ms);
void marks_unlist(struct client *client);
/* Sends one now, unless one is outstanding: then its answer lists the next. */
void marks_send(struct client *client);
/* Notes how far each conversation was written since the last mark. */
void marks_collect(struct client *client);
/* Whether something was written that no mark covers. */
bool marks_lack(const struct client *client);
/* The one that was outstanding is answered: what it covers moves cursors. */
void marks_answered(struct client *client);
/* Whether so many bytes more may be on their way to the client: as many as it has shown to take
 * within some tenths of a second, so that an answer never waits for long behind them. */
bool marks_have_room(struct client *client, size_t bytes);
/* Whether so much is on its way that it is time to ask how far the client is. */
bool marks_are_due(const struct client *client);
void marks_tick(struct gateway *gateway, int64_t now_ms);
/* The connection is gone. */
void marks_stop(struct client *client);

#endif
