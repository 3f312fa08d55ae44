/*
 * A test program whose test fails ends at once, whatever the test left open.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <czmq.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/support/service_process.h"
#include "tests/support/until.h"

/* Its message has no receiver, and may wait for ever. */
static void fails_and_leaves_a_socket(void **state) {
    (void)state;
    zsock_t *socket = zsock_new(ZMQ_DEALER);
    assert_non_null(socket);
    zsock_set_linger(socket, -1);
    assert_int_equal(zsock_connect(socket, "tcp://127.0.0.1:1"), 0);
    assert_int_equal(zstr_send(socket, "stays"), 0);
    fail_msg("as it should");
}

static void be_the_program(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(fails_and_leaves_a_socket)};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(nowhere, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
    exit(cmocka_run_group_tests(tests, NULL, NULL));
}

static void a_failed_program_ends(void **state) {
    (void)state;
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        be_the_program();
    TEST_UNTIL(waitpid(child, &status, WNOHANG) == child, "the program does not end");
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_FAILURE);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_failed_program_ends)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
