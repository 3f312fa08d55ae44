/* The gateway's figures for the operator: its queues, and its counters of clients. */
#ifndef PARLEY_GATEWAY_WATCH_H
#define PARLEY_GATEWAY_WATCH_H

struct gateway;

/* At start: before anything counts; and once the edge is there. */
void watch_metrics(struct gateway *self);
void watch_queues(struct gateway *self);

#endif
