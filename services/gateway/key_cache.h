/*
 * API keys that have been shown here lately, as auth describes them: for KEY_CACHE_MS auth is not
 * asked again, so that is how long a removed key still works at a gateway. How many calls each has
 * made is counted for as long as it is remembered.
 *
 *     struct known_key *key = key_cache_find(cache, secret, now_ms);      NULL: ask auth
 *     key_cache_remembers(cache, secret)                                  it was good lately
 *     key = key_cache_keep(cache, secret, reply, now_ms);                 it said what the key is
 *     key_cache_forget(cache, secret);                                    it said that it is none
 *     wait_s = known_key_count(key, now_us);                              one more call
 *
 * The secrets are not kept, only their hashes.
 */
#ifndef PARLEY_GATEWAY_KEY_CACHE_H
#define PARLEY_GATEWAY_KEY_CACHE_H

#include "proto/messages.h"

/* limit: gateway | how long an API key is not looked up again; keys that are remembered |
 * {KEY_CACHE_MS}; {KEY_CACHE_MAX}, of 1.3 KiB each | the one that was looked up longest ago is
 * forgotten, with the count of its calls */
#define KEY_CACHE_MS 2000
#define KEY_CACHE_MAX 1024

struct key_cache;
struct known_key;

/* NULL without memory. */
struct key_cache *key_cache_new(void);
void key_cache_destroy(struct key_cache **self);

/* A key lives until the next key_cache_keep or _forget. */
struct known_key *key_cache_find(struct key_cache *self, struct slice secret, int64_t now_ms);
/* Whether it was good when auth was asked last. */
bool key_cache_remembers(struct key_cache *self, struct slice secret);
/* NULL without memory. */
struct known_key *key_cache_keep(struct key_cache *self, struct slice secret,
                                 const struct auth_find_api_key_reply *reply, int64_t now_ms);
void key_cache_forget(struct key_cache *self, struct slice secret);

uint64_t known_key_number(const struct known_key *key);
const char *known_key_name(const struct known_key *key);
uint64_t known_key_scopes(const struct known_key *key);
uint64_t known_key_account(const struct known_key *key);
/* Whether it may be used from there. */
bool known_key_allows(const struct known_key *key, const char *host);
/* Counts a call: 0, or in how many seconds the next one may come. */
unsigned known_key_count(struct known_key *key, int64_t now_us);

#endif
