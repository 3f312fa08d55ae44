/* Hash tables: no memory is a result that leaves the table whole, and hashes are this process's. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How many more times uthash gets memory. */
static size_t allocations_left = SIZE_MAX;

static void *allocate(size_t size) {
    if (allocations_left == 0)
        return NULL;
    allocations_left--;
    return malloc(size);
}

#define uthash_malloc(size) allocate(size)
#include "common/hash.h"
#include "tests/support/test_list.h"

#include <sys/wait.h>
#include <unistd.h>

#define COUNT 1000

struct thing {
    uint64_t number;
    char id[24];
    UT_hash_handle hh, by_id;
};

static struct thing things[COUNT];
static struct thing *by_number, *by_id;

static int set_up(void **state) {
    (void)state;
    allocations_left = SIZE_MAX;
    by_number = by_id = NULL;
    memset(things, 0, sizeof things);
    for (size_t i = 0; i < COUNT; i++) {
        things[i].number = i;
        snprintf(things[i].id, sizeof things[i].id, "thing %zu", i);
    }
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    HASH_CLEAR(hh, by_number);
    HASH_CLEAR(by_id, by_id);
    return 0;
}

#define HASH_TEST(name_) TEST_WITH(name_, NO_FIXTURE, set_up, tear_down)

/* Exactly the first `count` things are in the table, in their order. */
static void expect_first(size_t count) {
    size_t seen = 0;
    assert_int_equal(HASH_COUNT(by_number), count);
    for (const struct thing *thing = by_number; thing != NULL; thing = thing->hh.next)
        assert_ptr_equal(thing, &things[seen++]);
    assert_int_equal(seen, count);
    for (uint64_t i = 0; i < COUNT; i++) {
        struct thing *thing = NULL;
        HASH_FIND(hh, by_number, &i, sizeof i, thing);
        assert_ptr_equal(thing, i < count ? &things[i] : NULL);
    }
}

HASH_TEST(without_memory_a_table_is_not_made) {
    for (size_t allocations = 0; allocations < 2; allocations++) {
        allocations_left = allocations; /* the table, then its buckets */
        assert_false(HASH_TRY_ADD(hh, by_number, number, &things[0]));
        assert_null(by_number);
        expect_first(0);
    }
    allocations_left = 2;
    assert_true(HASH_TRY_ADD(hh, by_number, number, &things[0]));
    expect_first(1);
}

/* Wherever growing fails, entries from before are found, the one not added isn't, and later adding
 * works again. */
HASH_TEST(without_memory_a_table_does_not_grow) {
    size_t added = 0, failures = 0;
    allocations_left = 2;
    while (added < COUNT) {
        if (HASH_TRY_ADD(hh, by_number, number, &things[added])) {
            added++;
            continue;
        }
        expect_first(added);
        failures++;
        allocations_left = 1;
        assert_true(HASH_TRY_ADD(hh, by_number, number, &things[added]));
        added++;
    }
    assert_true(failures > 2);
    expect_first(COUNT);
}

/* An element that is in one table and could not be added to another is whole in the first. */
HASH_TEST(an_element_stays_whole_in_its_other_table) {
    assert_true(HASH_TRY_ADD(hh, by_number, number, &things[0]));
    allocations_left = 0;
    assert_false(HASH_TRY_ADD(by_id, by_id, id, &things[0]));
    assert_null(by_id);
    expect_first(1);
    HASH_DEL(by_number, &things[0]);
    expect_first(0);
}

HASH_TEST(texts_are_found) {
    struct thing *found = NULL;
    for (size_t i = 0; i < COUNT; i++)
        assert_true(HASH_TRY_ADD_STR(by_number, id, &things[i]));
    for (size_t i = 0; i < COUNT; i++) {
        HASH_FIND_STR(by_number, things[i].id, found);
        assert_ptr_equal(found, &things[i]);
    }
    HASH_FIND_STR(by_number, "thing", found);
    assert_null(found);
}

/* The hash of a text that this program, started anew, prints. */
static uint32_t hash_of_another_process(void) {
    uint32_t hash = 0;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execl("/proc/self/exe", "hash_test", "print", (char *)NULL);
        _exit(1);
    }
    int status = 1;
    close(ends[1]);
    assert_int_equal(read(ends[0], &hash, sizeof hash), sizeof hash);
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    return hash;
}

TEST(another_process_has_another_key) {
    uint32_t own = hash_bytes("anna", 4);
    assert_int_equal(own, hash_bytes("anna", 4));
    assert_int_not_equal(own, hash_bytes("anne", 4));
    /* Two processes give the same once in four thousand million times; three never do. */
    assert_true(hash_of_another_process() != own || hash_of_another_process() != own);
}

int main(int argc, char **argv) {
    (void)argv;
    if (argc == 2) {
        uint32_t hash = hash_bytes("anna", 4);
        return write(STDOUT_FILENO, &hash, sizeof hash) == sizeof hash ? 0 : 1;
    }
    return test_run_all(NULL, NULL);
}
