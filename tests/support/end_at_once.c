/*
 * A test program that failed ends at once. A test that fails leaves sockets of ZeroMQ open, and
 * czmq's own end waits for these for ever. The linker puts this between main() and cmocka.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's own names for the functions that it wraps
 */
int __real__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t count,
                                   CMFixtureFunction set_up, CMFixtureFunction tear_down);
int __wrap__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t count,
                                   CMFixtureFunction set_up, CMFixtureFunction tear_down);

static void end_at_once(void) {
    fflush(NULL);
    _exit(EXIT_FAILURE);
}

/* Registered behind czmq's end, it runs before it. */
int __wrap__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t count,
                                   CMFixtureFunction set_up, CMFixtureFunction tear_down) {
    int failed = __real__cmocka_run_group_tests(name, tests, count, set_up, tear_down);
    if (failed != 0)
        atexit(end_at_once);
    return failed;
}
/* NOLINTEND(bugprone-reserved-identifier) */
