/*
 * Work that comes in large amounts (bytes of files) and stands back behind everything else on the
 * loop: whoever has some waits in a row, and in each turn of the loop the first ones of it work,
 * together for about EDGE_TURN_BYTES. So however many transfers are under way, what else the loop
 * does waits for no more than that, and none of them for ever.
 *
 *     edge_turns_start(&turns, ev, &budget);         NULL: it gives way to nothing else
 *     edge_turns_join(&turns, &mine.turn, work);     once it has work; `work` is called once
 *     edge_turns_leave(&turns, &mine.turn);          before it is freed
 *     edge_turns_stop(&turns);
 */
#ifndef PARLEY_GATEWAY_EDGE_TURNS_H
#define PARLEY_GATEWAY_EDGE_TURNS_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "services/gateway/edge/budget.h"

/* limit: gateway | bytes of files that are read and written in a turn of the loop, of all uploads
 * and downloads together | {EDGE_TURN_BYTES}, and what the last of them does; calls of the API as
 * many again | the others are first in the next turn */
#define EDGE_TURN_BYTES ((size_t)262144)
/* What a turn costs however few bytes it moves, in bytes. */
#define EDGE_TURN_COST_BYTES ((size_t)8192)

struct edge_turn;

/* How many bytes it has moved. It may join again, and leave. */
typedef size_t edge_turn_work(struct edge_turn *turn);

struct edge_turn {
    edge_turn_work *work;
    bool waits;
    TAILQ_ENTRY(edge_turn) row;
};

TAILQ_HEAD(edge_turn_row, edge_turn);

struct edge_turns {
    struct ev_loop *ev;
    struct edge_turn_row row;
    ev_prepare prepare;
    ev_idle idle; /* while somebody waits, so that the loop does not */
    struct edge_budget *budget;
    ev_timer timer; /* while the budget is spent */
};

/* `budget` must outlive it. */
void edge_turns_start(struct edge_turns *self, struct ev_loop *ev, struct edge_budget *budget);
/* Those that still wait may only leave from then on. */
void edge_turns_stop(struct edge_turns *self);
/* At the end of the row, unless it waits already. Zero at first. */
void edge_turns_join(struct edge_turns *self, struct edge_turn *turn, edge_turn_work *work);
void edge_turns_leave(struct edge_turns *self, struct edge_turn *turn);

#endif
