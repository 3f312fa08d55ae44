"""Connections that say nothing, or never log in, at a gateway that is set to be impatient."""

import time

import pytest
from parley_client import TRANSPORTS
from parley_stack import Stack

pytestmark = pytest.mark.parametrize("transport", TRANSPORTS)


@pytest.fixture(scope="module")
def impatient(database):
    with Stack(database, idle_timeout_ms=700, login_timeout_ms=1500) as running:
        yield running


def closed_after(client, started):
    how = client.expect_closed()
    assert how == "eof" if client.transport == "tcp" else how in (1001, 1008), how
    return time.monotonic() - started


def test_silence_before_login(impatient, connect, transport):
    started = time.monotonic()
    client = connect("youim", transport, on=impatient)
    assert closed_after(client, started) >= 0.7


def test_silence_after_login(impatient, newcomer, transport):
    client = newcomer("youim", transport, on=impatient)
    started = time.monotonic()
    assert closed_after(client, started) >= 0.6


def test_whoever_never_logs_in(impatient, connect, transport):
    """Heartbeats keep a connection from being idle, but not from having to log in."""
    started = time.monotonic()
    client = connect("youim", transport, on=impatient)
    with pytest.raises(AssertionError, match="closed"):
        while time.monotonic() < started + 30:
            client.send(client.make(99))
            client.fence()
    assert time.monotonic() - started >= 1.4


def test_heartbeats_keep_a_login_open(impatient, newcomer, transport):
    client = newcomer("youim", transport, on=impatient)
    until = time.monotonic() + 2
    while time.monotonic() < until:
        client.send({"msgType": "99"})
        client.fence()
    # An orderly logout starts the wait for a login again.
    client.log_out()
    started = time.monotonic()
    assert closed_after(client, started) >= 0.6
