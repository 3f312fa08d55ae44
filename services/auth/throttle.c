/* Counters of failed logins in a table of fixed size. */
#include "services/auth/throttle.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESS_BYTES 64

/* What a count is of; each kind has keys of its own. */
enum kind { OF_BOTH, OF_ACCOUNT, OF_ADDRESS, KINDS };

struct slot {
    uint64_t key;
    uint64_t failures;
    int64_t since_ms;
    int64_t slow_ms; /* of an address at its limit: when it may try again */
};

struct throttle {
    uint64_t limits[KINDS];
    /* Random, so that nobody can choose names that share a slot. */
    unsigned char seeds[KINDS][crypto_shorthash_KEYBYTES];
    pthread_mutex_t lock;
    struct slot slots[THROTTLE_SLOTS]; /* under `lock` */
};

struct throttle *throttle_new(const struct throttle_limits *limits) {
    struct throttle *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->limits[OF_BOTH] = limits->per_account_and_address;
    self->limits[OF_ACCOUNT] = limits->per_account;
    self->limits[OF_ADDRESS] = limits->per_address;
    for (size_t i = 0; i < KINDS; i++)
        crypto_shorthash_keygen(self->seeds[i]);
    pthread_mutex_init(&self->lock, NULL);
    return self;
}

void throttle_destroy(struct throttle **self_p) {
    if (*self_p != NULL)
        pthread_mutex_destroy(&(*self_p)->lock);
    free(*self_p);
    *self_p = NULL;
}

/* --- the table ----------------------------------------------------------------------------- */

/* Whether this kind of count has a limit and is of something here. */
static bool counts(const struct throttle *self, enum kind kind,
                   const struct throttle_try *attempt) {
    switch (kind) {
    case OF_BOTH:
        return self->limits[kind] != 0 && attempt->account.length > 0;
    case OF_ACCOUNT:
        return self->limits[kind] != 0 && attempt->account.length > 0 && !attempt->known;
    default:
        return self->limits[kind] != 0 && attempt->address.length > 0;
    }
}

static size_t add_bytes(char *bytes, size_t length, struct slice text, size_t most) {
    size_t taken = text.length < most ? text.length : most;
    if (taken > 0)
        memcpy(bytes + length, text.data, taken);
    return length + taken;
}

/* An address has the same length whenever there is one, so that the two don't run together. */
static uint64_t key_of(const struct throttle *self, enum kind kind,
                       const struct throttle_try *attempt) {
    char bytes[ADDRESS_BYTES + THROTTLE_NAME_BYTES];
    size_t length = 0;
    uint64_t key;
    if (kind != OF_ACCOUNT)
        length = add_bytes(bytes, length, attempt->address, ADDRESS_BYTES);
    if (kind != OF_ADDRESS)
        length = add_bytes(bytes, length, attempt->account, THROTTLE_NAME_BYTES);
    crypto_shorthash((unsigned char *)&key, (const unsigned char *)bytes, length,
                     self->seeds[kind]);
    return key;
}

static bool is_over(const struct slot *slot, int64_t now_ms) {
    return slot->failures == 0 || now_ms - slot->since_ms >= THROTTLE_WINDOW_MS;
}

static struct slot *first_way(struct throttle *self, uint64_t key) {
    return &self->slots[key % (THROTTLE_SLOTS / THROTTLE_WAYS) * THROTTLE_WAYS];
}

/* NULL when there is no such count, or it is over. */
static struct slot *find(struct throttle *self, uint64_t key, int64_t now_ms) {
    struct slot *slot = first_way(self, key);
    for (size_t i = 0; i < THROTTLE_WAYS; i++)
        if (slot[i].key == key && !is_over(&slot[i], now_ms))
            return &slot[i];
    return NULL;
}

static struct slot *find_or_make(struct throttle *self, uint64_t key, int64_t now_ms) {
    struct slot *slot = find(self, key, now_ms);
    if (slot != NULL)
        return slot;
    struct slot *ways = first_way(self, key);
    slot = ways;
    for (size_t i = 0; i < THROTTLE_WAYS && !is_over(slot, now_ms); i++)
        if (is_over(&ways[i], now_ms) || ways[i].failures < slot->failures)
            slot = &ways[i];
    *slot = (struct slot){.key = key, .since_ms = now_ms};
    return slot;
}

/* --- tries --------------------------------------------------------------------------------- */

static bool is_refused(struct throttle *self, enum kind kind, const struct throttle_try *attempt,
                       int64_t now_ms) {
    const struct slot *slot =
        counts(self, kind, attempt) ? find(self, key_of(self, kind, attempt), now_ms) : NULL;
    if (slot == NULL || slot->failures < self->limits[kind])
        return false;
    return kind != OF_ADDRESS || (!attempt->known && now_ms < slot->slow_ms);
}

static bool is_allowed(struct throttle *self, const struct throttle_try *attempt, int64_t now_ms) {
    for (enum kind kind = OF_BOTH; kind < KINDS; kind++)
        if (is_refused(self, kind, attempt, now_ms))
            return false;
    return true;
}

static void count(struct throttle *self, enum kind kind, const struct throttle_try *attempt,
                  int64_t now_ms) {
    if (!counts(self, kind, attempt))
        return;
    struct slot *slot = find_or_make(self, key_of(self, kind, attempt), now_ms);
    slot->failures++;
    if (slot->failures > self->limits[kind] && !attempt->known)
        slot->slow_ms = now_ms + THROTTLE_SLOW_MS;
}

bool throttle_allows(struct throttle *self, const struct throttle_try *attempt, int64_t now_ms) {
    pthread_mutex_lock(&self->lock);
    bool allowed = is_allowed(self, attempt, now_ms);
    pthread_mutex_unlock(&self->lock);
    return allowed;
}

bool throttle_take(struct throttle *self, const struct throttle_try *attempt, int64_t now_ms) {
    pthread_mutex_lock(&self->lock);
    bool allowed = is_allowed(self, attempt, now_ms);
    for (enum kind kind = OF_BOTH; allowed && kind < KINDS; kind++)
        count(self, kind, attempt, now_ms);
    pthread_mutex_unlock(&self->lock);
    return allowed;
}

void throttle_give_back(struct throttle *self, const struct throttle_try *attempt, bool passed,
                        int64_t now_ms) {
    pthread_mutex_lock(&self->lock);
    for (enum kind kind = OF_BOTH; kind < KINDS; kind++) {
        struct slot *slot =
            counts(self, kind, attempt) ? find(self, key_of(self, kind, attempt), now_ms) : NULL;
        if (slot != NULL)
            slot->failures = passed && kind == OF_BOTH ? 0 : slot->failures - 1;
    }
    pthread_mutex_unlock(&self->lock);
}
