"""Connections that say nothing, or never log in, at a gateway that is set to be impatient.

It is impatient, too, with a client that this machine has stopped for a moment: see `unless_still`.
"""

import time

import pytest
from parley_client import TRANSPORTS
from parley_stack import Stack, wait_until

pytestmark = pytest.mark.parametrize("transport", TRANSPORTS)

IDLE_SECONDS = 0.7


@pytest.fixture(scope="module")
def impatient(database):
    with Stack(database, idle_timeout_ms=700, login_timeout_ms=1500) as running:
        yield running


def unless_still(attempt):
    """What it returns. It calls `tick` whenever it has been answered. Where it fails and more than
    the idle time has passed since, it may have been taken for idle, and is made again."""

    def once():
        heard = time.monotonic()

        def tick():
            nonlocal heard
            heard = time.monotonic()

        try:
            return attempt(tick)
        except Exception:
            if time.monotonic() - heard < IDLE_SECONDS:
                raise
            return None

    return wait_until(once, "an attempt that does not stand still")


def log_in(client):
    """Returns when it last said something, at the latest."""
    client.register_new()
    started = time.monotonic()
    client.log_in()
    return started


def closed_after(client, started):
    how = client.expect_closed()
    assert how == "eof" if client.transport == "tcp" else how in (1001, 1008), how
    return time.monotonic() - started


def test_silence_before_login(impatient, connect, transport):
    def attempt(_):
        return time.monotonic(), connect("youim", transport, on=impatient)

    started, client = unless_still(attempt)
    assert closed_after(client, started) >= 0.7


def test_silence_after_login(impatient, connect, transport):
    def attempt(_):
        client = connect("youim", transport, on=impatient)
        return client, log_in(client)

    assert closed_after(*unless_still(attempt)) >= 0.6


def test_whoever_never_logs_in(impatient, connect, transport):
    """Heartbeats keep a connection from being idle, but not from having to log in."""

    def attempt(tick):
        started = time.monotonic()
        client = connect("youim", transport, on=impatient)
        with pytest.raises(AssertionError, match="closed"):
            while time.monotonic() < started + 30:
                client.send(client.make(99))
                client.fence()
                tick()
        assert time.monotonic() - started >= 1.4
        return True

    unless_still(attempt)


def test_heartbeats_keep_a_login_open(impatient, connect, transport):
    def attempt(tick):
        client = connect("youim", transport, on=impatient)
        log_in(client)
        tick()
        until = time.monotonic() + 2
        while time.monotonic() < until:
            client.send({"msgType": "99"})
            client.fence()
            tick()
        # An orderly logout starts the wait for a login again.
        started = time.monotonic()
        client.log_out()
        return client, started

    assert closed_after(*unless_still(attempt)) >= 0.6
