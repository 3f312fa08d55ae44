/* The message log on its way to a client; see feed.c. */
#ifndef PARLEY_GATEWAY_FEED_H
#define PARLEY_GATEWAY_FEED_H

#include "proto/messages.h"
#include "services/gateway/positions.h"

struct client;
struct gateway;

/* Pulls in progress at once; further clients wait their turn. */
#define GATEWAY_MAX_PULLS 64

struct client_feed {
    uint64_t reading;       /* changes when a page that is on its way is of no use any more */
    uint64_t backlog;       /* until then: entries that are wanted of a conversation; 0: all */
    bool placed;            /* delivery has reported where the account stands */
    bool whole;             /* the positions hold all conversations: one that is missing is new */
    bool full;              /* each of the positions waits for a 301: nothing else is read */
    struct positions early; /* while not: behind what the first push of a conversation comes */
    bool dirty;             /* something was pushed since the last page was asked for */
    bool pulling;           /* a page is asked for */
    bool queued;            /* waits in gateway->pull_queue */
    bool wait_reached;      /* the next page waits until the client has taken the last */
    uint64_t after_moves;   /* the first page waits until so many cursors' moves are stored */
    bool await_moves;
    int64_t pull_at_ms; /* the next page: not before */
    struct client *next_pull, *prev_pull;
};

int feed_open(struct gateway *gateway) __attribute__((warn_unused_result));
void feed_close(struct gateway *gateway);
/* From login on. */
void feed_start(struct client *client);
/* A page that is on its way may hold what must not be written any more: it is read again. */
void feed_reread(struct client *client);
/* Back to reading the log: something may have been missed. */
void feed_catch_up(struct client *client);
void feed_catch_up_all(struct gateway *gateway, const char *reason);
/* One entry that was pushed, to these connections. */
void feed_push(struct gateway *gateway, struct slice packed, const struct u64_list *connections);
void feed_tick(struct gateway *gateway, int64_t now_ms);
void feed_reached(struct client *client);
/* From now on the client confirms; what was written before moves cursors as it did. */
void feed_confirms(struct client *client);
/* Something that could not be written before others were confirmed can be now. */
void feed_confirmed(struct client *client);
/* The account logs out; what was written for it may still be confirmed. */
void feed_leave(struct client *client);
/* The connection is gone. */
void feed_stop(struct client *client);

#endif
