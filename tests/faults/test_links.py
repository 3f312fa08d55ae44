"""The link between two services is cut, or lets nothing through for a while, under load."""

import time

import pytest
from between import Between, restart
from parley_stack import wait_until

# Longer than peer_timeout_ms of these stacks, so that either side takes the other for lost.
SILENT_SECONDS = 3
LINKS = [("gateway", "delivery"), ("gateway", "session"), ("delivery", "session")]


@pytest.fixture(params=LINKS, ids="-".join)
def between(load, request):
    """The caller reaches the other service through a link."""
    caller, called = request.param
    made = Between(load, caller, called)
    restart(load, caller, **{f"{called}_peers": made.link.address})
    load.wait_acknowledged(100)
    yield made
    restart(load, caller)
    made.link.close()


def test_a_link_is_cut_and_restored(load, between, check):
    for _ in range(3):
        between.wait_state("live")
        between.link.cut()
        between.wait_state("down")
        between.link.restore()
        load.wait_everybody()
    check(load)


def test_a_link_lets_nothing_through(load, between, check):
    between.wait_state("live")
    between.link.go_silent()
    until = time.monotonic() + SILENT_SECONDS
    between.wait_state("down")
    wait_until(lambda: time.monotonic() >= until, "the link to have been silent long enough")
    between.link.restore()
    load.wait_everybody()
    check(load)
