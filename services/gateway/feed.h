/*
 * The message log on its way to a client.
 *
 * CATCHING_UP: pages are pulled behind the connection's positions; a push of what is stored only
 * notes that its conversation is behind. The first page looks at all conversations of the account,
 * and names those that are behind it; later ones read these alone. When none is behind, the client
 * is LIVE and pushes go straight out. Anything that may have been missed - a gap in `prev`, a full
 * queue, a lost link - does one thing: it sends the client back to catching up, in the conversation
 * that it concerns, or in all.
 */
#ifndef PARLEY_GATEWAY_FEED_H
#define PARLEY_GATEWAY_FEED_H

#include <ev.h>

#include "proto/messages.h"
#include "services/gateway/feed_behind.h"
#include "services/gateway/positions.h"

struct client;
struct feed;
struct gateway;

/* limit: gateway | pulls on their way, of all clients | {FEED_MAX_PULLS} | others wait in line */
/* Pulls in progress at once; further clients wait their turn. */
#define FEED_MAX_PULLS 64

/* The event that the next page waits for. */
enum feed_wait {
    FEED_WAITS_NOT,
    FEED_WAITS_MOVES, /* that cursors are stored, but not for long */
    FEED_WAITS_TURN,  /* that other pulls end */
};

struct client_feed {
    uint64_t reading;       /* changes when a page that is on its way is of no use any more */
    uint64_t backlog;       /* entries that the first page brings of a conversation; 0: all */
    uint64_t conversations; /* that the account is in; 0: not known */
    struct positions early; /* before the first page: where the first push follows */
    bool placed;            /* the first page is here: it brought the positions */
    bool brief;             /* ... but not those of settled conversations */
    bool pulling;           /* a page is asked for */
    bool wait_reached;      /* the next page waits until the client has taken the last */
    struct feed_behind behind;
    enum feed_wait wait;
    uint64_t after_moves;       /* FEED_WAITS_MOVES: so many moves */
    ev_timer timer;             /* the next page is not asked for before it has run out */
    struct client *next, *prev; /* that wait for the same */
};

/* NULL without memory. */
struct feed *feed_new(struct gateway *gateway);
void feed_destroy(struct feed **self);
/* Pulls in progress, and clients that wait for their turn. */
size_t feed_pulls(const struct feed *self);
size_t feed_waiting(const struct feed *self);

/* From login on. `backlog`: entries that the first page brings of a conversation; 0: all. */
void feed_start(struct client *client, uint64_t backlog);
/* A page that is on its way may hold entries that must not be written any more: it is read
 * again. */
void feed_reread(struct client *client);
/* Back to reading the message log, in all conversations: something may have been missed. */
void feed_catch_up(struct client *client);
/* The same in one of them, of which `cid` is stored. */
void feed_catch_up_to(struct client *client, uint64_t conversation, uint64_t cid);
/* One entry that was pushed, to these bindings. */
void feed_push(struct feed *self, struct slice packed, const struct u64_list *bindings);
/* Further moves of cursors are stored. */
void feed_moves_stored(struct feed *self);
/* The client has taken all that was sent before the outstanding mark. */
void feed_reached(struct client *client);
/* From now on the client confirms; entries written before move cursors as they did. */
void feed_confirms(struct client *client);
/* Further entries of this conversation could not be written before others were confirmed, and can
 * be now. */
void feed_confirmed(struct client *client, uint64_t conversation);
/* The account logs out; entries written for it may still be confirmed. */
void feed_leave(struct client *client);
/* The connection is gone. */
void feed_stop(struct client *client);

#endif
