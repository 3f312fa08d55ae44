/* See test_listen.h. */
#include "tests/support/test_listen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/loop.h"
#include "tests/support/service_process.h"

void test_listen(zsock_t *router, uint16_t port) {
    int64_t deadline_ms = loop_now_ms() + TEST_DEADLINE_MS;
    while (zsock_bind(router, "tcp://127.0.0.1:%u", (unsigned)port) < 0) {
        if (errno != EADDRINUSE || loop_now_ms() >= deadline_ms)
            fail_msg("cannot listen on port %u: %s", (unsigned)port, zmq_strerror(errno));
        zclock_sleep(5);
    }
}
