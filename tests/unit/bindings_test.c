/* Connections that ended while no session is there: so many are remembered, and no more. */
#include "services/gateway/bindings.h"

#include "services/gateway/client.h"
#include "tests/support/capture.h"
#include "tests/support/peers_fixture.h"

static void end_connection(struct gateway *gateway, uint64_t number) {
    struct client *client = calloc(1, sizeof *client);
    assert_non_null(client);
    client->gateway = gateway;
    client->account = client->binding = number;
    assert_true(HASH_TRY_ADD(by_binding, gateway->bound, binding, client));
    bindings_unbind(client, false);
    assert_null(gateway->bound);
    assert_int_equal(client->binding, 0);
    free(client);
}

PEERS_TEST(so_many_ended_connections_are_remembered_and_no_more) {
    struct gateway gateway = {.service = &f->service};
    struct capture capture;
    log_open("gateway", LOG_LEVEL_WARN);
    gateway.session = f->peers = peers_make(f, "tcp://127.0.0.1:1"); /* nobody is there */
    gateway.bindings = bindings_new(&gateway);
    assert_non_null(gateway.bindings);
    for (uint64_t number = 1; number <= ENDED_MAX; number++)
        end_connection(&gateway, number);
    assert_int_equal(bindings_waiting(gateway.bindings), ENDED_MAX);
    capture_begin(&capture, STDERR_FILENO);
    end_connection(&gateway, ENDED_MAX + 1);
    char *text = capture_end(&capture);
    assert_non_null(strstr(text, "event=unbind_dropped"));
    free(text);
    assert_int_equal(bindings_waiting(gateway.bindings), ENDED_MAX);
    bindings_destroy(&gateway.bindings);
    assert_null(gateway.bindings);
}

int main(void) { return test_run_all(NULL, NULL); }
