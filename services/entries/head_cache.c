/* The writer's memory of conversations: two bounded hash tables, emptied when full. */
#include "services/entries/head_cache.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"

struct pair_key {
    uint64_t lo, hi;
};

struct known_pair {
    struct pair_key key;
    uint64_t conversation;
    UT_hash_handle hh;
};

struct known_conversation {
    uint64_t conversation;
    struct head_memory memory;
    UT_hash_handle hh;
};

struct head_cache {
    struct known_pair *pairs;
    struct known_conversation *conversations;
    size_t members;
    uint64_t connection; /* to which all of that belongs */
    /* Of the cids that this writer, or one that it shares this with, has had; stays when all else
     * is forgotten. */
    _Atomic uint64_t own_newest_block, *newest_block;
};

struct head_cache *head_cache_new(void) {
    struct head_cache *self = calloc(1, sizeof *self);
    if (self != NULL)
        self->newest_block = &self->own_newest_block;
    return self;
}

static void forget_members(struct head_cache *self, struct head_memory *memory) {
    self->members -= memory->members.count + memory->standings.count;
    free(memory->members.items);
    free(memory->standings.items);
    memory->members = (struct u64_list){0};
    memory->standings = (struct entry_standings){0};
}

static void forget_ids(struct head_memory *memory) {
    free((char *)(uintptr_t)memory->lo_id.data);
    free((char *)(uintptr_t)memory->hi_id.data);
}

static void clear_conversations(struct head_cache *self) {
    struct known_conversation *known = self->conversations, *next;
    HASH_CLEAR(hh, self->conversations);
    for (; known != NULL; known = next) {
        next = known->hh.next;
        forget_members(self, &known->memory);
        forget_ids(&known->memory);
        free(known);
    }
}

static void clear_pairs(struct head_cache *self) {
    struct known_pair *known = self->pairs, *next;
    HASH_CLEAR(hh, self->pairs);
    for (; known != NULL; known = next) {
        next = known->hh.next;
        free(known);
    }
}

void head_cache_clear(struct head_cache *self) {
    clear_conversations(self);
    clear_pairs(self);
}

void head_cache_follow(struct head_cache *self, uint64_t connection) {
    if (self->connection != connection)
        head_cache_clear(self);
    self->connection = connection;
}

void head_cache_destroy(struct head_cache **self_p) {
    if (*self_p != NULL)
        head_cache_clear(*self_p);
    free(*self_p);
    *self_p = NULL;
}

void head_cache_share(struct head_cache *self, _Atomic uint64_t *newest_block) {
    self->newest_block = newest_block;
}

uint64_t head_cache_newest_block(const struct head_cache *self) {
    return atomic_load(self->newest_block);
}

void head_cache_note_block(struct head_cache *self, uint64_t block) {
    uint64_t newest = atomic_load(self->newest_block);
    while (block > newest && !atomic_compare_exchange_weak(self->newest_block, &newest, block))
        ;
}

static struct known_conversation *find(const struct head_cache *self, uint64_t conversation) {
    struct known_conversation *known = NULL;
    HASH_FIND(hh, self->conversations, &conversation, sizeof conversation, known);
    return known;
}

const struct head_memory *head_cache_find(const struct head_cache *self, uint64_t conversation) {
    const struct known_conversation *known = find(self, conversation);
    return known == NULL ? NULL : &known->memory;
}

uint64_t head_cache_find_pair(const struct head_cache *self, uint64_t lo, uint64_t hi) {
    struct pair_key key = {lo, hi};
    struct known_pair *known = NULL;
    /* The analyzer cannot follow uthash through the bytes of the key. */
    /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
    HASH_FIND(hh, self->pairs, &key, sizeof key, known);
    return known == NULL ? 0 : known->conversation;
}

void head_cache_keep_pair(struct head_cache *self, uint64_t lo, uint64_t hi,
                          uint64_t conversation) {
    if (head_cache_find_pair(self, lo, hi) != 0)
        return;
    if (HASH_COUNT(self->pairs) >= HEAD_CACHE_CONVERSATIONS)
        clear_pairs(self);
    struct known_pair *known = malloc(sizeof *known);
    if (known == NULL)
        return;
    *known = (struct known_pair){.key = {lo, hi}, .conversation = conversation};
    if (!HASH_TRY_ADD(hh, self->pairs, key, known))
        free(known);
}

/* A copy, or NULL without memory or without items. */
static void *copy_items(const void *items, size_t count, size_t bytes) {
    void *copy = count == 0 ? NULL : malloc(count * bytes);
    if (copy != NULL)
        memcpy(copy, items, count * bytes);
    return copy;
}

static bool copy_id(struct slice id, struct slice *copy_r) {
    *copy_r = slice_make(copy_items(id.data, id.length, 1), id.length);
    return id.length == 0 || copy_r->data != NULL;
}

/* Replaces the remembered members; those for which there is no memory are forgotten. */
static bool keep_members(struct head_cache *self, struct head_memory *memory,
                         const struct entry_head *head) {
    size_t members = head->members.count, standings = head->standings.count;
    forget_members(self, memory);
    memory->members.items = copy_items(head->members.items, members, sizeof *head->members.items);
    memory->standings.items =
        copy_items(head->standings.items, standings, sizeof *head->standings.items);
    if ((members > 0 && memory->members.items == NULL) ||
        (standings > 0 && memory->standings.items == NULL))
        return false;
    memory->members.count = members;
    memory->standings.count = standings;
    self->members += members + standings;
    return true;
}

static void forget_head(struct head_cache *self, struct known_conversation *known) {
    forget_members(self, &known->memory);
    forget_ids(&known->memory);
    HASH_DEL(self->conversations, known);
    free(known);
}

/* NULL without memory. */
static struct known_conversation *add_head(struct head_cache *self, const struct entry_head *head) {
    struct known_conversation *known = calloc(1, sizeof *known);
    if (known == NULL)
        return NULL;
    known->conversation = head->id;
    struct head_memory *memory = &known->memory;
    if (copy_id(head->lo_id, &memory->lo_id) && copy_id(head->hi_id, &memory->hi_id) &&
        HASH_TRY_ADD(hh, self->conversations, conversation, known))
        return known;
    forget_ids(memory);
    free(known);
    return NULL;
}

static void keep_head(struct head_cache *self, const struct entry_head *head) {
    struct known_conversation *known = find(self, head->id);
    if (known == NULL && (known = add_head(self, head)) == NULL)
        return;
    if (known->memory.version != head->version && !keep_members(self, &known->memory, head)) {
        forget_head(self, known);
        return;
    }
    known->memory.version = head->version;
    known->memory.last_cid = head->last_cid;
    known->memory.last_ms = head->last_ms;
}

void head_cache_keep(struct head_cache *self, const struct entry_heads *heads) {
    if (HASH_COUNT(self->conversations) + heads->count > HEAD_CACHE_CONVERSATIONS ||
        self->members > HEAD_CACHE_MEMBERS)
        clear_conversations(self);
    for (size_t i = 0; i < heads->count; i++)
        keep_head(self, &heads->items[i]);
}

void head_cache_forget(struct head_cache *self, const struct entry_heads *heads) {
    for (size_t i = 0; i < heads->count; i++) {
        struct known_conversation *known = find(self, heads->items[i].id);
        if (known != NULL)
            forget_head(self, known);
    }
}
