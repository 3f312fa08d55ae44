/*
 * A small service of the tests' own on the skeleton of common/service.h. The test program is the
 * service too: it starts itself again with SERVICE_TEST_CHILD in its environment.
 *
 *     int main(int argc, char **argv) { return run_or_be_child(argc, argv); }
 *     struct service_process *service = start_service((const char *[]){"--with-database", NULL});
 *     kill(service_process_pid(service), SIGUSR1);      answers the requests that test.hold keeps
 */
#ifndef PARLEY_TESTS_ISOLATION_SERVICE_FIXTURE_H
#define PARLEY_TESTS_ISOLATION_SERVICE_FIXTURE_H

#include "common/log.h"
#include "common/loop.h"
#include "common/service.h"
#include "tests/support/assertions.h"
#include "tests/support/messages.h"
#include "tests/support/test_caller.h"
#include "tests/support/test_list.h"

/* --- the child: the service --- */

#define MAX_HELD (SERVICE_MAX_CALLS + 1)
#define NEVER_MS ((uint64_t)1 << 40)

/* A test program's main(): runs the service in a child, else the tests. */
int run_or_be_child(int argc, char **argv);

/* --- the test: starting it --- */

/* With these options and no more; NULL-terminated. */
struct service_process *run_service(const char *const *options);

/* On this port, ready. */
struct service_process *start_service(uint16_t port, const char *option);

#endif
