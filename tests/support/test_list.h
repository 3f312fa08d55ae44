/*
 * The tests of a test program. A test is in the list by being written:
 *
 *     TEST(an_empty_text_is_refused) { ... }
 *     TEST_WITH(a_pair_is_found, struct bench *bench, set_up, tear_down) { ... }
 *
 *     int main(void) { return test_run_all(NULL, NULL); }
 *
 * They run in the order they are written in. Fixtures have macros of their own for their tests,
 * such as GROUP_TEST(name), whose body finds the fixture as `f`.
 */
#ifndef PARLEY_TESTS_TEST_LIST_H
#define PARLEY_TESTS_TEST_LIST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct test_entry {
    const char *name;
    unsigned line;
    CMUnitTestFunction run;
    CMFixtureFunction set_up, tear_down;
};

/* A test with a fixture: `fixture_` is its parameter, which receives cmocka's `*state`. Set-up and
 * tear-down may be NULL. The linker gathers the entries of a program in the section. */
#define TEST_WITH(name_, fixture_, set_up_, tear_down_)                                            \
    static void name_(fixture_);                                                                   \
    static void name_##_run(void **state) { name_(*state); }                                       \
    static const struct test_entry name_##_entry = {#name_, __LINE__, name_##_run, set_up_,        \
                                                    tear_down_};                                   \
    static const struct test_entry *const name_##_listed                                           \
        __attribute__((used, section("test_list"))) = &name_##_entry;                              \
    static void name_(fixture_)

/* NOLINTNEXTLINE(bugprone-macro-parentheses): a parameter takes none */
#define NO_FIXTURE void *none_ __attribute__((unused))
#define TEST(name_) TEST_WITH(name_, NO_FIXTURE, NULL, NULL)

/* Runs the tests of this program, with a set-up and tear-down (or NULL) for all of them together.
 * Returns how many failed, for main() to return. */
int test_run_all(CMFixtureFunction set_up, CMFixtureFunction tear_down);

#endif
