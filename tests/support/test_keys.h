/*
 * Keys for a test program: every program has one, and so has the test itself, whose key may send
 * what any program may.
 *
 *     test_keys_call(socket, "auth");          a DEALER of the test, before it connects
 *     test_keys_call_as("gateway", socket, "auth");        the same as that program
 *     test_keys_serve(socket, "session");      a ROUTER that plays session, before it is bound;
 *                                              "session (2)" is another instance
 *     test_keys_folder();                      is exported to children as keys_folder
 *
 * They are made once in a process, and removed at its end.
 */
#ifndef PARLEY_TESTS_TEST_KEYS_H
#define PARLEY_TESTS_TEST_KEYS_H

#include "common/keys.h"

/* The test's own name among the programs; `test` is the service of service_fixture.h. */
#define TEST_KEYS_SELF "tester"

const char *test_keys_folder(void);
/* The program's keys; they live as long as the process. */
struct keys *test_keys(const char *program);

void test_keys_call(void *socket, const char *program);
void test_keys_call_as(const char *self, void *socket, const char *program);
void test_keys_serve(void *socket, const char *program);

#endif
