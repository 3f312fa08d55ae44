/* Positions: open addressing with linear probing, at most half full. */
#include "services/gateway/positions.h"

#include <stdlib.h>

#include "common/hash.h"

#define FIRST_CAPACITY 16

void positions_clear(struct positions *self) {
    free(self->slots);
    free(self->touched);
    *self = (struct positions){0};
}

/* Keyed: clients choose the numbers of groups, as decimal ids, and with them conversations'. */
static uint32_t hash_of(uint64_t conversation) {
    return hash_bytes(&conversation, sizeof conversation);
}

/* The conversation's slot, or the free one where it would stand. */
static struct position *probe(const struct positions *self, uint64_t conversation) {
    uint32_t mask = self->capacity - 1;
    uint32_t i = hash_of(conversation) & mask;
    while (self->slots[i].conversation != 0 && self->slots[i].conversation != conversation)
        i = (i + 1) & mask;
    return &self->slots[i];
}

struct position *positions_find(const struct positions *self, uint64_t conversation) {
    if (self->capacity == 0)
        return NULL;
    struct position *slot = probe(self, conversation);
    return slot->conversation == 0 ? NULL : slot;
}

bool positions_have_room(const struct positions *self, uint64_t conversation) {
    return self->count < POSITIONS_MAX || positions_find(self, conversation) != NULL;
}

/* Moves up what was put behind it only because its slot was taken. */
static void empty_slot(struct positions *self, uint32_t empty) {
    uint32_t mask = self->capacity - 1;
    for (uint32_t i = (empty + 1) & mask; self->slots[i].conversation != 0; i = (i + 1) & mask) {
        uint32_t home = hash_of(self->slots[i].conversation) & mask;
        if (((i - home) & mask) >= ((i - empty) & mask)) {
            self->slots[empty] = self->slots[i];
            empty = i;
        }
    }
    self->slots[empty] = (struct position){0};
    self->count--;
}

bool positions_forget(struct positions *self) {
    for (uint32_t i = 0; i < self->capacity; i++) {
        uint32_t at = (self->hand + i) & (self->capacity - 1);
        const struct position *slot = &self->slots[at];
        if (slot->conversation == 0 || slot->touched || slot->behind || slot->unconfirmed != 0 ||
            slot->skipped != 0)
            continue;
        self->hand = at;
        self->forgotten++;
        empty_slot(self, at);
        return true;
    }
    return false;
}

static int grow(struct positions *self) {
    struct positions larger = {.capacity =
                                   self->capacity == 0 ? FIRST_CAPACITY : self->capacity * 2};
    larger.slots = calloc(larger.capacity, sizeof *larger.slots);
    if (larger.slots == NULL)
        return -1;
    for (uint32_t i = 0; i < self->capacity; i++)
        if (self->slots[i].conversation != 0)
            *probe(&larger, self->slots[i].conversation) = self->slots[i];
    free(self->slots);
    self->slots = larger.slots;
    self->capacity = larger.capacity;
    return 0;
}

static struct position *find_or_add(struct positions *self, uint64_t conversation) {
    struct position *known = positions_find(self, conversation);
    if (known != NULL)
        return known;
    if (conversation == 0 || self->count == POSITIONS_MAX)
        return NULL;
    if (self->count * 2 >= self->capacity && grow(self) != 0)
        return NULL;
    struct position *slot = probe(self, conversation);
    slot->conversation = conversation;
    self->count++;
    return slot;
}

int positions_set(struct positions *self, uint64_t conversation, uint64_t cid) {
    struct position *position = find_or_add(self, conversation);
    if (position == NULL)
        return -1;
    if (cid > position->sent)
        position->sent = cid;
    return 0;
}

static int list_touched(struct positions *self, uint64_t conversation) {
    if (self->touched_count == self->touched_capacity) {
        uint32_t capacity = self->touched_capacity == 0 ? 4 : self->touched_capacity * 2;
        uint64_t *touched = realloc(self->touched, capacity * sizeof *touched);
        if (touched == NULL)
            return -1;
        self->touched = touched;
        self->touched_capacity = capacity;
    }
    self->touched[self->touched_count++] = conversation;
    return 0;
}

int positions_touch(struct positions *self, uint64_t conversation, uint64_t cid) {
    struct position *position = find_or_add(self, conversation);
    if (position == NULL)
        return -1;
    if (cid > position->sent)
        position->sent = cid;
    if (!position->touched && list_touched(self, conversation) == 0)
        position->touched = true;
    return 0;
}

bool positions_next_touched(struct positions *self, struct position *touched_r) {
    if (self->touched_count == 0)
        return false;
    struct position *position = positions_find(self, self->touched[--self->touched_count]);
    *touched_r = *position;
    position->touched = position->from_others = false;
    return true;
}

bool positions_note_behind(struct positions *self, uint64_t conversation) {
    struct position *position = positions_find(self, conversation);
    if (position == NULL)
        return false;
    position->behind = true;
    position->asked = false;
    return true;
}

void positions_settle_asked(struct positions *self, bool read) {
    for (uint32_t i = 0; i < self->capacity; i++) {
        struct position *position = &self->slots[i];
        if (position->asked && read)
            position->behind = false;
        position->asked = false;
    }
}
