/* Listening on 127.0.0.1 for services that a test plays. */
#ifndef PARLEY_TESTS_TEST_LISTEN_H
#define PARLEY_TESTS_TEST_LISTEN_H

#include <stdint.h>

#include <czmq.h>

/* The port may be one that another has just given up: waits until it is free. */
void test_listen(zsock_t *router, uint16_t port);

#endif
