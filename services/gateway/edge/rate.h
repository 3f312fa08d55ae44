/*
 * How fast bytes come from a client, or are taken by it, so that one that is too slow for too long
 * is found. Only the time counts in which the client is waited for.
 *
 *     edge_rate_wait(&rate, now_ms);                       from now on the client is waited for
 *     if (!edge_rate_move(&rate, bytes, now_ms, least, over_ms)) ... it is too slow ...
 *     edge_rate_rest(&rate, now_ms);                       not any more
 */
#ifndef PARLEY_GATEWAY_EDGE_RATE_H
#define PARLEY_GATEWAY_EDGE_RATE_H

#include <stdbool.h>
#include <stdint.h>

/* All zero at first. */
struct edge_rate {
    int64_t since_ms;  /* the client is waited for; 0: it is not */
    int64_t waited_ms; /* before, since the last look */
    uint64_t bytes;    /* since the last look */
};

/* Times are those of one clock, above 0. */
void edge_rate_wait(struct edge_rate *self, int64_t now_ms);
void edge_rate_rest(struct edge_rate *self, int64_t now_ms);
/* So many bytes came, or were taken. false: the client was waited for `over_ms` (at least 1), and
 * all that it moved in that time is fewer than `least` a second. */
bool edge_rate_move(struct edge_rate *self, uint64_t bytes, int64_t now_ms, uint64_t least,
                    int64_t over_ms);

#endif
