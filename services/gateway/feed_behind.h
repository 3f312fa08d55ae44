/* In which conversations a client is behind: there is more to read than it was sent. */
#ifndef PARLEY_GATEWAY_FEED_BEHIND_H
#define PARLEY_GATEWAY_FEED_BEHIND_H

#include "proto/messages.h"
#include "services/gateway/positions.h"

/*
 * limit: gateway | conversations without a position that one page reads | {FEED_MAX_FRESH} |
 * the page looks at all conversations of the account
 */
/* Conversations without a position that the next page reads; beyond it that looks at all. */
#define FEED_MAX_FRESH 8

/* Beside what the positions note. */
struct feed_behind {
    bool all; /* any conversation may be behind: the next page looks at all */
    uint8_t fresh_count, fresh_asked; /* of `fresh`, and those that the page on its way reads */
    uint64_t fresh[FEED_MAX_FRESH];   /* conversations behind that have no position */
};

/* One without a position begins behind the account's cursor, or, where all that were there before
 * have one, is new. */
void feed_behind_note(struct feed_behind *self, struct positions *positions, uint64_t conversation);
/* Whether a page would bring something now; conversations that are held wait for a 301. */
bool feed_behind_any(const struct feed_behind *self, const struct positions *positions);
/* Lists the conversations that the next page reads: those that are behind, or all. false: no
 * memory. The lists are the caller's to free. */
bool feed_behind_list(struct feed_behind *self, struct positions *positions, bool all,
                      struct delivery_pull *body) __attribute__((warn_unused_result));
/* The page that was on its way is here and `read`, or it failed: then all is as before. */
void feed_behind_settle(struct feed_behind *self, struct positions *positions, bool all, bool read);

#endif
