/* API keys that a gateway remembers: for how long, how many, and how many calls each has made. */
#include "services/gateway/key_cache.h"

#include "tests/support/service_process.h"
#include "tests/support/test_list.h"

static struct known_key *keep(struct key_cache *cache, const char *secret, uint64_t per_minute,
                              const char *addresses, int64_t now_ms) {
    const struct auth_find_api_key_reply reply = {.number = 7,
                                                  .name = slice_text("shop"),
                                                  .scopes = 3,
                                                  .addresses = slice_text(addresses),
                                                  .account = 9,
                                                  .per_minute = per_minute};
    struct known_key *key = key_cache_keep(cache, slice_text(secret), &reply, now_ms);
    assert_non_null(key);
    return key;
}

static bool is_known(struct key_cache *cache, const char *secret, int64_t now_ms) {
    return key_cache_find(cache, slice_text(secret), now_ms) != NULL;
}

TEST(a_key_is_remembered_for_a_while) {
    struct key_cache *cache = key_cache_new();
    assert_false(is_known(cache, "a", 100));
    struct known_key *key = keep(cache, "a", 10, "", 100);
    assert_ptr_equal(key_cache_find(cache, slice_text("a"), 100 + KEY_CACHE_MS - 1), key);
    assert_int_equal(known_key_number(key), 7);
    assert_string_equal(known_key_name(key), "shop");
    assert_int_equal(known_key_scopes(key), 3);
    assert_int_equal(known_key_account(key), 9);
    assert_false(is_known(cache, "a", 100 + KEY_CACHE_MS));
    assert_true(key_cache_remembers(cache, slice_text("a")));
    assert_false(key_cache_remembers(cache, slice_text("b")));
    assert_false(is_known(cache, "b", 100));
    keep(cache, "a", 10, "", 5000);
    assert_true(is_known(cache, "a", 5000));
    key_cache_forget(cache, slice_text("a"));
    key_cache_forget(cache, slice_text("a"));
    assert_false(is_known(cache, "a", 5000));
    assert_false(key_cache_remembers(cache, slice_text("a")));
    key_cache_destroy(&cache);
}

TEST(its_calls_are_counted_on_when_it_was_looked_up_again) {
    struct key_cache *cache = key_cache_new();
    struct known_key *key = keep(cache, "a", 2, "", 0);
    assert_int_equal(known_key_count(key, 0), 0);
    assert_int_equal(known_key_count(key, 0), 0);
    key = keep(cache, "a", 2, "", 3000);
    assert_in_range(known_key_count(key, 1), 1, 60);
    /* The operator allowed more; what it had to wait for is over by then. */
    key = keep(cache, "a", 6000, "", 6000);
    assert_int_equal(known_key_count(key, (int64_t)61 * 1000000), 0);
    key_cache_destroy(&cache);
}

TEST(its_networks) {
    struct key_cache *cache = key_cache_new();
    struct known_key *key = keep(cache, "a", 1, "192.0.2.0/24,::1", 0);
    assert_true(known_key_allows(key, "192.0.2.9"));
    assert_true(known_key_allows(key, "::1"));
    assert_false(known_key_allows(key, "192.0.3.9"));
    assert_false(known_key_allows(key, "?"));
    assert_true(known_key_allows(keep(cache, "b", 1, "", 0), "?"));
    key_cache_destroy(&cache);
}

TEST(the_one_that_was_looked_up_longest_ago_gives_way) {
    struct key_cache *cache = key_cache_new();
    for (int i = 0; i < KEY_CACHE_MAX; i++)
        keep(cache, test_text("key %d", i), 1, "", 0);
    keep(cache, "key 0", 1, "", 0);
    keep(cache, "one more", 1, "", 0);
    assert_true(is_known(cache, "key 0", 0));
    assert_false(is_known(cache, "key 1", 0));
    assert_true(is_known(cache, "key 2", 0));
    assert_true(is_known(cache, "one more", 0));
    key_cache_destroy(&cache);
}

int main(void) { return test_run_all(NULL, NULL); }
