/* API keys that have been shown lately; see key_cache.h. */
#include "services/gateway/key_cache.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/address_ranges.h"
#include "common/hash.h"
#include "services/gateway/bucket.h"

#define HASH_BYTES crypto_hash_sha256_BYTES

struct known_key {
    unsigned char hash[HASH_BYTES]; /* of the secret */
    uint64_t number, scopes, account, per_minute;
    char name[API_KEY_NAME_MAX + 1], addresses[API_KEY_ADDRESSES_MAX + 1];
    struct bucket_rate rate;
    struct bucket bucket;
    int64_t found_ms;
    UT_hash_handle hh; /* the one that was looked up longest ago is first */
};

struct key_cache {
    struct known_key *keys;
};

struct key_cache *key_cache_new(void) {
    return calloc(1, sizeof(struct key_cache));
}

static void drop(struct key_cache *self, struct known_key *key) {
    HASH_DEL(self->keys, key);
    free(key);
}

void key_cache_destroy(struct key_cache **self) {
    while (*self != NULL && (*self)->keys != NULL)
        drop(*self, (*self)->keys);
    free(*self);
    *self = NULL;
}

static struct known_key *find(struct key_cache *self, struct slice secret) {
    unsigned char hash[HASH_BYTES];
    struct known_key *key = NULL;
    crypto_hash_sha256(hash, (const unsigned char *)secret.data, secret.length);
    HASH_FIND(hh, self->keys, hash, sizeof hash, key);
    return key;
}

struct known_key *key_cache_find(struct key_cache *self, struct slice secret, int64_t now_ms) {
    struct known_key *key = find(self, secret);
    return key != NULL && now_ms - key->found_ms < KEY_CACHE_MS ? key : NULL;
}

bool key_cache_remembers(struct key_cache *self, struct slice secret) {
    return find(self, secret) != NULL;
}

static void describe(struct known_key *key, const struct auth_find_api_key_reply *reply) {
    key->number = reply->number;
    key->scopes = reply->scopes;
    key->account = reply->account;
    snprintf(key->name, sizeof key->name, "%.*s", (int)reply->name.length, reply->name.data);
    snprintf(key->addresses, sizeof key->addresses, "%.*s", (int)reply->addresses.length,
             reply->addresses.length == 0 ? "" : reply->addresses.data);
    if (key->per_minute != reply->per_minute) {
        key->per_minute = reply->per_minute == 0 ? 1 : reply->per_minute;
        key->rate = bucket_rate_make(key->per_minute, key->per_minute);
    }
}

struct known_key *key_cache_keep(struct key_cache *self, struct slice secret,
                                 const struct auth_find_api_key_reply *reply, int64_t now_ms) {
    struct known_key *key = find(self, secret);
    if (key != NULL) {
        HASH_DEL(self->keys, key); /* to the end of the order */
    } else {
        key = calloc(1, sizeof *key);
        if (key == NULL)
            return NULL;
        crypto_hash_sha256(key->hash, (const unsigned char *)secret.data, secret.length);
    }
    if (HASH_COUNT(self->keys) >= KEY_CACHE_MAX)
        drop(self, self->keys);
    if (!HASH_TRY_ADD(hh, self->keys, hash, key)) {
        free(key);
        return NULL;
    }
    key->found_ms = now_ms;
    describe(key, reply);
    return key;
}

void key_cache_forget(struct key_cache *self, struct slice secret) {
    struct known_key *key = find(self, secret);
    if (key != NULL)
        drop(self, key);
}

uint64_t known_key_number(const struct known_key *key) { return key->number; }
const char *known_key_name(const struct known_key *key) { return key->name; }
uint64_t known_key_scopes(const struct known_key *key) { return key->scopes; }
uint64_t known_key_account(const struct known_key *key) { return key->account; }

bool known_key_allows(const struct known_key *key, const char *host) {
    return key->addresses[0] == '\0' ||
           address_ranges_hold(slice_text(key->addresses), slice_text(host));
}

unsigned known_key_count(struct known_key *key, int64_t now_us) {
    return bucket_take(&key->bucket, &key->rate, now_us);
}
