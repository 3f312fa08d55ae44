/*
 * The directory: a pool of bindings, each in a list of its account and in a list of its gateway,
 * and two hash tables into the pool: by account (the head of its list) and by connection.
 *
 * Both tables probe linearly and keep no tombstones: a removal moves later entries back. A slot
 * holds half of the hash, so that probing, growing and moving need not touch the pool.
 */
#include "services/session/directory.h"

#include <assert.h>
#include <stdlib.h>

#include "common/hash.h"

#define FIRST_SLOTS 64
#define FIRST_POOL 64

/* Index 0 of the pool is never used: it stands for none. */
#define NONE 0

struct slot {
    uint32_t hash;
    uint32_t binding; /* NONE: the slot is free */
};

struct table {
    struct slot *slots;
    uint32_t mask; /* number of slots, a power of two, less 1 */
    uint32_t used;
};

struct directory {
    struct binding *pool;
    uint32_t pool_size;  /* bindings that there is memory for, with the unused first */
    uint32_t pool_fresh; /* those from here on were never used */
    uint32_t free_first; /* list through account_next */
    uint32_t count, max;
    struct table accounts, connections;
    size_t gateways;
    uint32_t gateway_first[];
};

/* The finalizer of splitmix64: every bit of the key reaches every bit of the hash. */
static uint32_t mix(uint64_t key) {
    key = (key ^ key >> 30) * 0xbf58476d1ce4e5b9u;
    key = (key ^ key >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)(key >> 32);
}

/* Keyed: clients choose the numbers of accounts, as decimal ids. */
static uint32_t hash_account(uint64_t account) { return hash_bytes(&account, sizeof account); }

static uint32_t hash_connection(uint16_t gateway, uint64_t connection) {
    return mix(connection + gateway * 0x9e3779b97f4a7c15u);
}

/* --- tables -------------------------------------------------------------------------------- */

static int table_init(struct table *table, uint32_t slots) {
    table->slots = calloc(slots, sizeof *table->slots);
    table->mask = slots - 1;
    table->used = 0;
    return table->slots == NULL ? -1 : 0;
}

/* Into the first free slot behind its own place; there is one, since table_reserve saw to it. */
static void table_add(struct table *table, uint32_t hash, uint32_t binding) {
    uint32_t at = hash & table->mask;
    while (table->slots[at].binding != NONE)
        at = (at + 1) & table->mask;
    table->slots[at] = (struct slot){hash, binding};
    table->used++;
}

/* Makes room for one more at a load of at most three quarters. */
static int table_reserve(struct table *table) {
    uint64_t slots = (uint64_t)table->mask + 1;
    if (((uint64_t)table->used + 1) * 4 <= slots * 3)
        return 0;
    struct table larger;
    if (table_init(&larger, (uint32_t)slots * 2) != 0)
        return -1;
    for (uint64_t i = 0; i < slots; i++)
        if (table->slots[i].binding != NONE)
            table_add(&larger, table->slots[i].hash, table->slots[i].binding);
    free(table->slots);
    *table = larger;
    return 0;
}

/* Frees the slot and moves back what was pushed beyond its own place because of it. */
static void table_remove(struct table *table, uint32_t at) {
    uint32_t next = at;
    for (;;) {
        next = (next + 1) & table->mask;
        if (table->slots[next].binding == NONE)
            break;
        uint32_t wanted = table->slots[next].hash & table->mask;
        /* May move to `at` unless its place lies behind `at`, seen in a circle. */
        if (((next - wanted) & table->mask) >= ((next - at) & table->mask)) {
            table->slots[at] = table->slots[next];
            at = next;
        }
    }
    table->slots[at].binding = NONE;
    table->used--;
}

/* The slot of the account's first binding; NULL when it has none. */
static struct slot *find_account(const struct directory *self, uint64_t account) {
    const struct table *table = &self->accounts;
    uint32_t hash = hash_account(account);
    for (uint32_t at = hash & table->mask;; at = (at + 1) & table->mask) {
        struct slot *slot = &table->slots[at];
        if (slot->binding == NONE)
            return NULL;
        if (slot->hash == hash && self->pool[slot->binding].account == account)
            return slot;
    }
}

static struct slot *find_connection(const struct directory *self, uint16_t gateway,
                                    uint64_t connection) {
    const struct table *table = &self->connections;
    uint32_t hash = hash_connection(gateway, connection);
    for (uint32_t at = hash & table->mask;; at = (at + 1) & table->mask) {
        struct slot *slot = &table->slots[at];
        if (slot->binding == NONE)
            return NULL;
        const struct binding *binding = &self->pool[slot->binding];
        if (slot->hash == hash && binding->connection == connection && binding->gateway == gateway)
            return slot;
    }
}

/* --- bindings ------------------------------------------------------------------------------ */

static int pool_reserve(struct directory *self) {
    if (self->free_first != NONE || self->pool_fresh < self->pool_size)
        return 0;
    uint32_t size = self->pool_size > self->max / 2 ? self->max + 1 : self->pool_size * 2;
    struct binding *pool = realloc(self->pool, size * sizeof *pool);
    if (pool == NULL)
        return -1;
    self->pool = pool;
    self->pool_size = size;
    return 0;
}

static uint32_t pool_take(struct directory *self) {
    uint32_t index = self->free_first;
    if (index == NONE)
        return self->pool_fresh++;
    self->free_first = self->pool[index].account_next;
    return index;
}

/* Takes the binding out of its account's list, whose slot is that of its head. */
static void leave_account(struct directory *self, uint32_t index) {
    const struct binding *binding = &self->pool[index];
    struct slot *slot = find_account(self, binding->account);
    if (slot->binding != index) {
        struct binding *before = &self->pool[slot->binding];
        while (before->account_next != index)
            before = &self->pool[before->account_next];
        before->account_next = binding->account_next;
    } else if (binding->account_next != NONE) {
        slot->binding = binding->account_next;
    } else {
        table_remove(&self->accounts, (uint32_t)(slot - self->accounts.slots));
    }
}

static void leave_gateway(struct directory *self, const struct binding *binding) {
    if (binding->gateway_previous != NONE)
        self->pool[binding->gateway_previous].gateway_next = binding->gateway_next;
    else
        self->gateway_first[binding->gateway] = binding->gateway_next;
    if (binding->gateway_next != NONE)
        self->pool[binding->gateway_next].gateway_previous = binding->gateway_previous;
}

/* `slot` is that of the connection. */
static void remove_binding(struct directory *self, const struct slot *slot) {
    uint32_t index = slot->binding;
    leave_account(self, index);
    leave_gateway(self, &self->pool[index]);
    table_remove(&self->connections, (uint32_t)(slot - self->connections.slots));
    self->pool[index].account_next = self->free_first;
    self->free_first = index;
    self->count--;
}

static bool account_is_full(const struct directory *self, uint64_t account) {
    size_t count = 0;
    for (DIRECTORY_EACH(self, account, b))
        count++;
    return count >= DIRECTORY_MAX_PER_ACCOUNT;
}

/* Room has been reserved; the connection is not bound. */
static void add_binding(struct directory *self, uint64_t account, uint16_t gateway,
                        uint64_t connection) {
    uint32_t index = pool_take(self);
    struct binding *binding = &self->pool[index];
    *binding = (struct binding){.account = account,
                                .connection = connection,
                                .gateway = gateway,
                                .gateway_next = self->gateway_first[gateway]};
    if (binding->gateway_next != NONE)
        self->pool[binding->gateway_next].gateway_previous = index;
    self->gateway_first[gateway] = index;
    struct slot *slot = find_account(self, account);
    if (slot != NULL) {
        binding->account_next = slot->binding;
        slot->binding = index;
    } else {
        table_add(&self->accounts, hash_account(account), index);
    }
    table_add(&self->connections, hash_connection(gateway, connection), index);
    self->count++;
}

enum err directory_bind(struct directory *self, uint64_t account, uint16_t gateway,
                        uint64_t connection) {
    assert(gateway < self->gateways);
    const struct slot *slot = find_connection(self, gateway, connection);
    if (slot != NULL && self->pool[slot->binding].account == account) {
        self->pool[slot->binding].unconfirmed = false;
        return ERR_OK;
    }
    if (slot != NULL)
        remove_binding(self, slot);
    if (self->count >= self->max || account_is_full(self, account))
        return ERR_TOO_MANY;
    if (pool_reserve(self) != 0 || table_reserve(&self->accounts) != 0 ||
        table_reserve(&self->connections) != 0)
        return ERR_UNAVAILABLE;
    add_binding(self, account, gateway, connection);
    return ERR_OK;
}

bool directory_unbind(struct directory *self, uint64_t account, uint16_t gateway,
                      uint64_t connection) {
    const struct slot *slot = find_connection(self, gateway, connection);
    if (slot == NULL || self->pool[slot->binding].account != account)
        return false;
    remove_binding(self, slot);
    return true;
}

const struct binding *directory_find(const struct directory *self, uint64_t account,
                                     uint16_t gateway, uint64_t connection) {
    const struct slot *slot = find_connection(self, gateway, connection);
    return slot == NULL || self->pool[slot->binding].account != account
               ? NULL
               : &self->pool[slot->binding];
}

struct stay *directory_stay(struct directory *self, const struct binding *binding) {
    return &self->pool[binding - self->pool].stay;
}

void directory_unconfirm(struct directory *self, uint16_t gateway) {
    uint32_t index = self->gateway_first[gateway];
    for (; index != NONE; index = self->pool[index].gateway_next)
        self->pool[index].unconfirmed = true;
}

size_t directory_drop_gateway(struct directory *self, uint16_t gateway, bool unconfirmed_only,
                              void (*gone)(void *argument, uint64_t account), void *argument) {
    size_t dropped = 0;
    uint32_t next;
    for (uint32_t index = self->gateway_first[gateway]; index != NONE; index = next) {
        const struct binding binding = self->pool[index];
        next = binding.gateway_next;
        if (unconfirmed_only && !binding.unconfirmed)
            continue;
        remove_binding(self, find_connection(self, gateway, binding.connection));
        if (gone != NULL && !binding.unconfirmed && find_account(self, binding.account) == NULL)
            gone(argument, binding.account);
        dropped++;
    }
    return dropped;
}

const struct binding *directory_walk(const struct directory *self, uint64_t *position) {
    while (*position <= self->connections.mask) {
        const struct slot *slot = &self->connections.slots[(*position)++];
        if (slot->binding != NONE)
            return &self->pool[slot->binding];
    }
    return NULL;
}

const struct binding *directory_first(const struct directory *self, uint64_t account) {
    const struct slot *slot = find_account(self, account);
    return slot == NULL ? NULL : &self->pool[slot->binding];
}

const struct binding *directory_next(const struct directory *self, const struct binding *binding) {
    return binding->account_next == NONE ? NULL : &self->pool[binding->account_next];
}

size_t directory_count(const struct directory *self) { return self->count; }

/* --- life ---------------------------------------------------------------------------------- */

struct directory *directory_new(size_t max_bindings, size_t gateways) {
    struct directory *self = calloc(1, sizeof *self + gateways * sizeof self->gateway_first[0]);
    if (self == NULL)
        return NULL;
    self->max = (uint32_t)max_bindings;
    self->gateways = gateways;
    self->pool_fresh = NONE + 1;
    self->pool_size = FIRST_POOL;
    self->pool = malloc(self->pool_size * sizeof *self->pool);
    if (self->pool == NULL || table_init(&self->accounts, FIRST_SLOTS) != 0 ||
        table_init(&self->connections, FIRST_SLOTS) != 0)
        directory_destroy(&self);
    return self;
}

void directory_destroy(struct directory **self_p) {
    struct directory *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    free(self->pool);
    free(self->accounts.slots);
    free(self->connections.slots);
    free(self);
}
