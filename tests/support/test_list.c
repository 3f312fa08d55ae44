#include "tests/support/test_list.h"

#include <errno.h>
#include <stdlib.h>

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's names for where a section begins and ends
 */
extern const struct test_entry *const __start_test_list[];
extern const struct test_entry *const __stop_test_list[];
/* NOLINTEND(bugprone-reserved-identifier) */

/* A compiler may lay out the section in another order than the file's. */
static int by_line(const void *a, const void *b) {
    const struct test_entry *one = *(const struct test_entry *const *)a;
    const struct test_entry *other = *(const struct test_entry *const *)b;
    return one->line < other->line ? -1 : one->line > other->line;
}

int test_run_all(CMFixtureFunction set_up, CMFixtureFunction tear_down) {
    /* One section, which the linker made. */
    /* cppcheck-suppress comparePointers */
    size_t count = (size_t)(__stop_test_list - __start_test_list);
    const struct test_entry **entries = calloc(count, sizeof(struct test_entry *));
    struct CMUnitTest *tests = calloc(count, sizeof *tests);
    if (entries == NULL || tests == NULL)
        abort();
    for (size_t i = 0; i < count; i++)
        entries[i] = __start_test_list[i];
    qsort(entries, count, sizeof(struct test_entry *), by_line);
    for (size_t i = 0; i < count; i++)
        tests[i] = (struct CMUnitTest){.name = entries[i]->name,
                                       .test_func = entries[i]->run,
                                       .setup_func = entries[i]->set_up,
                                       .teardown_func = entries[i]->tear_down};
    int failed =
        _cmocka_run_group_tests(program_invocation_short_name, tests, count, set_up, tear_down);
    free(tests);
    free(entries);
    return failed;
}
