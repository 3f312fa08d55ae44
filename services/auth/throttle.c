/* Counters of failed logins in a table of fixed size. */
#include "services/auth/throttle.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

struct slot {
    uint64_t key;
    uint64_t failures;
    int64_t since_ms;
};

struct throttle {
    uint64_t per_name, per_address;
    /* Random, so that names cannot be chosen that share a slot. */
    unsigned char name_seed[crypto_shorthash_KEYBYTES], address_seed[crypto_shorthash_KEYBYTES];
    pthread_mutex_t lock;
    struct slot slots[THROTTLE_SLOTS]; /* under `lock` */
};

struct throttle *throttle_new(uint64_t per_name, uint64_t per_address) {
    struct throttle *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->per_name = per_name;
    self->per_address = per_address;
    crypto_shorthash_keygen(self->name_seed);
    crypto_shorthash_keygen(self->address_seed);
    pthread_mutex_init(&self->lock, NULL);
    return self;
}

void throttle_destroy(struct throttle **self_p) {
    if (*self_p != NULL)
        pthread_mutex_destroy(&(*self_p)->lock);
    free(*self_p);
    *self_p = NULL;
}

static uint64_t key_of(const unsigned char *seed, struct slice text) {
    uint64_t key;
    crypto_shorthash((unsigned char *)&key, (const unsigned char *)text.data, text.length, seed);
    return key;
}

static bool exceeds(const struct throttle *self, uint64_t key, uint64_t limit, int64_t now_ms) {
    const struct slot *slot = &self->slots[key % THROTTLE_SLOTS];
    return limit != 0 && slot->key == key && now_ms - slot->since_ms < THROTTLE_WINDOW_MS &&
           slot->failures >= limit;
}

static void count(struct throttle *self, uint64_t key, int64_t now_ms) {
    struct slot *slot = &self->slots[key % THROTTLE_SLOTS];
    if (slot->key != key || now_ms - slot->since_ms >= THROTTLE_WINDOW_MS)
        *slot = (struct slot){.key = key, .since_ms = now_ms};
    slot->failures++;
}

bool throttle_allows(struct throttle *self, struct slice name, struct slice address,
                     int64_t now_ms) {
    pthread_mutex_lock(&self->lock);
    bool refused =
        (name.length > 0 && exceeds(self, key_of(self->name_seed, name), self->per_name, now_ms)) ||
        (address.length > 0 &&
         exceeds(self, key_of(self->address_seed, address), self->per_address, now_ms));
    pthread_mutex_unlock(&self->lock);
    return !refused;
}

void throttle_failed(struct throttle *self, struct slice name, struct slice address,
                     int64_t now_ms) {
    pthread_mutex_lock(&self->lock);
    if (name.length > 0)
        count(self, key_of(self->name_seed, name), now_ms);
    if (address.length > 0)
        count(self, key_of(self->address_seed, address), now_ms);
    pthread_mutex_unlock(&self->lock);
}

void throttle_passed(struct throttle *self, struct slice name) {
    uint64_t key = key_of(self->name_seed, name);
    pthread_mutex_lock(&self->lock);
    struct slot *slot = &self->slots[key % THROTTLE_SLOTS];
    if (slot->key == key)
        *slot = (struct slot){0};
    pthread_mutex_unlock(&self->lock);
}
