"""Silent connections, and those that never log in, at a gateway with short timeouts."""

import time

import pytest
from parley_client import KINDS, TRANSPORTS
from parley_stack import Stack, wait_until

PING_SECONDS = 1.5
# By default the same number of pings takes ten minutes.
PINGS = 20
LOGIN_SECONDS = 10


@pytest.fixture(scope="module")
def impatient(database):
    options = {"ping_interval_ms": 1000 * PING_SECONDS, "login_timeout_ms": 1000 * LOGIN_SECONDS}
    with Stack(database, **{name: int(value) for name, value in options.items()}) as running:
        yield running


def test_a_client_that_does_not_log_in_is_closed(impatient, connect):
    """Whether it sends nothing or only heartbeats, or logged in and out again."""
    clients = []
    for transport in TRANSPORTS:
        clients.append((time.monotonic(), connect("youim", transport, on=impatient)))
        clients.append((time.monotonic(), connect("youim", transport, on=impatient)))
        clients[-1][1].send({"msgType": "99"})
        client = connect("youim", transport, on=impatient)
        client.register_new()
        client.log_in()
        clients.append((time.monotonic(), client))
        client.log_out()
    for started, client in clients:
        how = client.expect_closed()
        assert how == "eof" if client.transport == "tcp" else how == 1008, how
        assert time.monotonic() - started >= LOGIN_SECONDS - 0.1


def test_a_silent_client_stays(impatient, connect):
    """A browser whose user reads, and a client of OurChat's over TCP, which has no sign of life."""
    kinds = [*KINDS, ("youim", "binary")]
    silent = []
    for dialect, transport in kinds:
        account = connect(dialect, "tcp", on=impatient).register_new()
        silent.append(connect(dialect, transport, on=impatient))
        silent[-1].log_in(account)
    over = time.monotonic() + PINGS * PING_SECONDS
    wait_until(lambda: time.monotonic() >= over, "ten minutes, shortened")
    writer = connect("youim", "websocket", on=impatient)
    writer.register_new()
    writer.log_in()
    for client in silent:
        writer.say(client.account, "are you there?")
        assert client.body(client.next())["msg"] == "are you there?"
