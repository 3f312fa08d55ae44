/* The writer's memory of conversations: two bounded hash tables, emptied when full. */
#include "services/entries/head_cache.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"

struct pair_key {
    uint64_t lo, hi;
};

struct pair_entry {
    struct pair_key key;
    uint64_t conversation;
    UT_hash_handle hh;
};

struct conversation_entry {
    uint64_t conversation;
    struct head_memory memory;
    UT_hash_handle hh;
};

struct head_cache {
    struct pair_entry *pairs;
    struct conversation_entry *conversations;
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

static void clear_conversations(struct head_cache *self) {
    struct conversation_entry *entry = self->conversations, *next;
    HASH_CLEAR(hh, self->conversations);
    for (; entry != NULL; entry = next) {
        next = entry->hh.next;
        free(entry->memory.members.items);
        free(entry);
    }
    self->members = 0;
}

static void clear_pairs(struct head_cache *self) {
    struct pair_entry *entry = self->pairs, *next;
    HASH_CLEAR(hh, self->pairs);
    for (; entry != NULL; entry = next) {
        next = entry->hh.next;
        free(entry);
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

static struct conversation_entry *find(const struct head_cache *self, uint64_t conversation) {
    struct conversation_entry *entry = NULL;
    HASH_FIND(hh, self->conversations, &conversation, sizeof conversation, entry);
    return entry;
}

const struct head_memory *head_cache_find(const struct head_cache *self, uint64_t conversation) {
    const struct conversation_entry *entry = find(self, conversation);
    return entry == NULL ? NULL : &entry->memory;
}

uint64_t head_cache_find_pair(const struct head_cache *self, uint64_t lo, uint64_t hi) {
    struct pair_key key = {lo, hi};
    struct pair_entry *entry = NULL;
    /* The analyzer cannot follow uthash through the bytes of the key. */
    /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
    HASH_FIND(hh, self->pairs, &key, sizeof key, entry);
    return entry == NULL ? 0 : entry->conversation;
}

void head_cache_keep_pair(struct head_cache *self, uint64_t lo, uint64_t hi,
                          uint64_t conversation) {
    if (head_cache_find_pair(self, lo, hi) != 0)
        return;
    if (HASH_COUNT(self->pairs) >= HEAD_CACHE_CONVERSATIONS)
        clear_pairs(self);
    struct pair_entry *entry = malloc(sizeof *entry);
    if (entry == NULL)
        return;
    *entry = (struct pair_entry){.key = {lo, hi}, .conversation = conversation};
    if (!HASH_TRY_ADD(hh, self->pairs, key, entry))
        free(entry);
}

/* Replaces the remembered members; what cannot be remembered is forgotten. */
static bool keep_members(struct head_cache *self, struct head_memory *memory,
                         const struct u64_list *members) {
    self->members -= memory->members.count;
    free(memory->members.items);
    memory->members = (struct u64_list){0};
    if (members->count == 0)
        return true;
    uint64_t *items = malloc(members->count * sizeof *items);
    if (items == NULL)
        return false;
    memcpy(items, members->items, members->count * sizeof *items);
    memory->members.items = items;
    memory->members.count = members->count;
    self->members += members->count;
    return true;
}

static void forget_head(struct head_cache *self, struct conversation_entry *entry) {
    self->members -= entry->memory.members.count;
    free(entry->memory.members.items);
    HASH_DEL(self->conversations, entry);
    free(entry);
}

static void keep_head(struct head_cache *self, const struct entry_head *head) {
    struct conversation_entry *entry = find(self, head->id);
    if (entry == NULL) {
        entry = calloc(1, sizeof *entry);
        if (entry == NULL)
            return;
        entry->conversation = head->id;
        if (!HASH_TRY_ADD(hh, self->conversations, conversation, entry)) {
            free(entry);
            return;
        }
    }
    if (entry->memory.version != head->version &&
        !keep_members(self, &entry->memory, &head->members)) {
        forget_head(self, entry);
        return;
    }
    entry->memory.version = head->version;
    entry->memory.last_cid = head->last_cid;
    entry->memory.last_ms = head->last_ms;
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
        struct conversation_entry *entry = find(self, heads->items[i].id);
        if (entry != NULL)
            forget_head(self, entry);
    }
}
