/*
 * head_cache.h: a writer's memory of conversations, and its bounds.
 */
#include "services/entries/head_cache.h"
#include "tests/support/test_list.h"

static int set_up(void **state) {
    *state = head_cache_new();
    return *state == NULL ? -1 : 0;
}

static int tear_down(void **state) {
    struct head_cache *cache = *state;
    head_cache_destroy(&cache);
    assert_null(cache);
    return 0;
}

#define HEAD_CACHE_TEST(name_) TEST_WITH(name_, struct head_cache *cache, set_up, tear_down)

static void keep(struct head_cache *cache, uint64_t id, uint64_t version, uint64_t last_cid,
                 uint64_t *members, size_t count) {
    struct entry_head head = {
        .id = id, .version = version, .last_cid = last_cid, .members = {members, count}};
    struct entry_heads heads = {.items = &head, .count = 1};
    head_cache_keep(cache, &heads);
}

HEAD_CACHE_TEST(test_keeps_and_replaces) {
    uint64_t two[] = {1, 2}, three[] = {1, 2, 3};
    assert_null(head_cache_find(cache, 5));
    keep(cache, 5, 1, 100, two, 2);
    const struct head_memory *memory = head_cache_find(cache, 5);
    assert_int_equal(memory->version, 1);
    assert_int_equal(memory->last_cid, 100);
    assert_int_equal(memory->members.count, 2);
    assert_memory_equal(memory->members.items, two, sizeof two);
    /* They are copies. */
    two[0] = 9;
    assert_int_equal(memory->members.items[0], 1);
    keep(cache, 5, 2, 101, three, 3);
    memory = head_cache_find(cache, 5);
    assert_int_equal(memory->version, 2);
    assert_int_equal(memory->last_cid, 101);
    assert_memory_equal(memory->members.items, three, sizeof three);
    keep(cache, 5, 3, 102, NULL, 0);
    assert_int_equal(head_cache_find(cache, 5)->members.count, 0);
    assert_null(head_cache_find(cache, 6));
}

/* With the members, and under the same version. */
HEAD_CACHE_TEST(test_standings) {
    uint64_t members[] = {1, 2, 3};
    struct entry_standing standings[] = {{.account = 1, .administrator = true},
                                         {.account = 3, .muted_until_ms = 77}};
    struct entry_head head = {
        .id = 5, .version = 1, .members = {members, 3}, .standings = {standings, 2}};
    struct entry_heads heads = {.items = &head, .count = 1};
    head_cache_keep(cache, &heads);
    const struct head_memory *memory = head_cache_find(cache, 5);
    assert_int_equal(memory->standings.count, 2);
    assert_true(memory->standings.items[0].administrator);
    assert_int_equal(memory->standings.items[1].muted_until_ms, 77);
    head.standings.count = 1; /* of a transaction that read nothing of them */
    head_cache_keep(cache, &heads);
    assert_int_equal(head_cache_find(cache, 5)->standings.count, 2);
    head.version = 2;
    head_cache_keep(cache, &heads);
    assert_int_equal(head_cache_find(cache, 5)->standings.count, 1);
    head_cache_forget(cache, &heads);
    assert_null(head_cache_find(cache, 5));
}

HEAD_CACHE_TEST(test_pairs) {
    assert_int_equal(head_cache_find_pair(cache, 1, 2), 0);
    head_cache_keep_pair(cache, 1, 2, 7);
    head_cache_keep_pair(cache, 1, 3, 8);
    head_cache_keep_pair(cache, 1, 2, 7);
    assert_int_equal(head_cache_find_pair(cache, 1, 2), 7);
    assert_int_equal(head_cache_find_pair(cache, 1, 3), 8);
    assert_int_equal(head_cache_find_pair(cache, 2, 1), 0);
    head_cache_clear(cache);
    assert_int_equal(head_cache_find_pair(cache, 1, 2), 0);
}

HEAD_CACHE_TEST(test_forgets_some) {
    uint64_t members[] = {1, 2};
    struct entry_head gone[] = {{.id = 6}, {.id = 7}};
    keep(cache, 5, 1, 100, NULL, 0);
    keep(cache, 6, 1, 101, members, 2);
    head_cache_keep_pair(cache, 1, 2, 6);
    head_cache_forget(cache, &(struct entry_heads){.items = gone, .count = 2});
    assert_int_equal(head_cache_find(cache, 5)->last_cid, 100);
    assert_null(head_cache_find(cache, 6));
    assert_int_equal(head_cache_find_pair(cache, 1, 2), 6);
    keep(cache, 6, 1, 102, members, 2);
    assert_int_equal(head_cache_find(cache, 6)->last_cid, 102);
    assert_int_equal(head_cache_find(cache, 6)->members.count, 2);
}

HEAD_CACHE_TEST(test_another_connection) {
    head_cache_follow(cache, 1);
    keep(cache, 5, 1, 100, NULL, 0);
    head_cache_keep_pair(cache, 1, 2, 5);
    head_cache_note_block(cache, 128);
    head_cache_follow(cache, 1);
    assert_non_null(head_cache_find(cache, 5));
    head_cache_follow(cache, 2);
    assert_null(head_cache_find(cache, 5));
    assert_int_equal(head_cache_find_pair(cache, 1, 2), 0);
    /* The block that reveals a restored database stays. */
    assert_int_equal(head_cache_newest_block(cache), 128);
}

HEAD_CACHE_TEST(test_emptied_when_full) {
    for (uint64_t id = 1; id <= HEAD_CACHE_CONVERSATIONS; id++) {
        keep(cache, id, 1, id, NULL, 0);
        head_cache_keep_pair(cache, id, id + 1, id);
    }
    assert_int_equal(head_cache_find(cache, 1)->last_cid, 1);
    assert_int_equal(head_cache_find_pair(cache, 1, 2), 1);
    const uint64_t one_more = HEAD_CACHE_CONVERSATIONS + 1;
    keep(cache, one_more, 1, 5, NULL, 0);
    head_cache_keep_pair(cache, one_more, one_more + 1, 6);
    assert_null(head_cache_find(cache, 1));
    assert_int_equal(head_cache_find_pair(cache, 1, 2), 0);
    assert_int_equal(head_cache_find(cache, one_more)->last_cid, 5);
    assert_int_equal(head_cache_find_pair(cache, one_more, one_more + 1), 6);
}

HEAD_CACHE_TEST(test_members_are_bounded) {
    enum { GROUP_MEMBERS = 50000, FULL = HEAD_CACHE_MEMBERS / GROUP_MEMBERS };
    static uint64_t members[GROUP_MEMBERS];
    for (uint64_t id = 0; id <= FULL; id++)
        keep(cache, id, 1, 1, members, GROUP_MEMBERS);
    assert_non_null(head_cache_find(cache, 0));
    /* Those that are replaced do not count twice. */
    keep(cache, FULL + 1, 1, 1, members, GROUP_MEMBERS);
    assert_null(head_cache_find(cache, 0));
    for (uint64_t version = 2; version <= FULL; version++)
        keep(cache, FULL + 1, version, 1, members, GROUP_MEMBERS);
    keep(cache, FULL + 2, 1, 1, members, GROUP_MEMBERS);
    assert_non_null(head_cache_find(cache, FULL + 1));
    /* Nor do those that are forgotten. */
    for (uint64_t id = 3; id <= 2 * FULL; id++) {
        struct entry_head head = {.id = FULL + id};
        keep(cache, head.id, 1, 1, members, GROUP_MEMBERS);
        head_cache_forget(cache, &(struct entry_heads){.items = &head, .count = 1});
    }
    assert_non_null(head_cache_find(cache, FULL + 1));
}

int main(void) { return test_run_all(NULL, NULL); }
