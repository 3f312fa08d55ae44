/* The conversations that are behind; see feed_behind.h. */
#include "services/gateway/feed_behind.h"

#include <stdlib.h>

#include "services/gateway/unconfirmed.h"

void feed_behind_note(struct feed_behind *self, struct positions *positions,
                      uint64_t conversation) {
    if (positions_note_behind(positions, conversation))
        return;
    if (positions->whole && positions_set(positions, conversation, 0) == 0 &&
        positions_note_behind(positions, conversation))
        return;
    for (size_t i = self->fresh_asked; i < self->fresh_count; i++)
        if (self->fresh[i] == conversation)
            return;
    if (positions->whole || self->fresh_count == FEED_MAX_FRESH)
        self->all = true;
    else
        self->fresh[self->fresh_count++] = conversation;
}

static bool is_readable(const struct position *position) {
    return position->conversation != 0 && position->behind && !unconfirmed_is_full(position);
}

bool feed_behind_any(const struct feed_behind *self, const struct positions *positions) {
    if (self->all || (self->fresh_count > 0 && !positions->full))
        return true;
    for (uint32_t i = 0; i < positions->capacity; i++)
        if (is_readable(&positions->slots[i]))
            return true;
    return false;
}

static void list(struct delivery_pull *body, uint64_t conversation, uint64_t position) {
    body->conversations.items[body->conversations.count++] = conversation;
    body->positions.items[body->positions.count++] = position;
}

/* Of those that are held the last cid of all, so that nothing is read there. */
static void list_positions(struct positions *positions, bool all, struct delivery_pull *body) {
    for (uint32_t i = 0; i < positions->capacity; i++) {
        struct position *position = &positions->slots[i];
        bool readable = is_readable(position);
        if (position->conversation == 0 || (!all && !readable))
            continue;
        position->asked = readable;
        list(body, position->conversation,
             unconfirmed_is_full(position) ? RECORD_NUMBER_MOST : position->sent);
    }
}

/* Some have got a position since. */
static void list_fresh(struct feed_behind *self, struct positions *positions, bool all,
                       struct delivery_pull *body) {
    if (!all && positions->full)
        return;
    self->fresh_asked = self->fresh_count;
    for (size_t i = 0; !all && i < self->fresh_count; i++) {
        const struct position *position = positions_find(positions, self->fresh[i]);
        if (position == NULL)
            body->fresh.items[body->fresh.count++] = self->fresh[i];
        else if (!position->asked && !unconfirmed_is_full(position))
            list(body, position->conversation, position->sent);
    }
}

bool feed_behind_list(struct feed_behind *self, struct positions *positions, bool all,
                      struct delivery_pull *body) {
    size_t room = positions->count + FEED_MAX_FRESH;
    body->conversations.items = malloc(room * sizeof(uint64_t));
    body->positions.items = malloc(room * sizeof(uint64_t));
    body->fresh.items = malloc(FEED_MAX_FRESH * sizeof(uint64_t));
    if (body->conversations.items == NULL || body->positions.items == NULL ||
        body->fresh.items == NULL)
        return false;
    list_positions(positions, all, body);
    list_fresh(self, positions, all, body);
    return true;
}

void feed_behind_settle(struct feed_behind *self, struct positions *positions, bool all,
                        bool read) {
    positions_settle_asked(positions, read);
    if (read) {
        self->fresh_count = (uint8_t)(self->fresh_count - self->fresh_asked);
        for (size_t i = 0; i < self->fresh_count; i++)
            self->fresh[i] = self->fresh[i + self->fresh_asked];
    }
    self->fresh_asked = 0;
    self->all = self->all || (all && !read);
}
