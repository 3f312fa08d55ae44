"""The link between two services is cut, or lets nothing through for a while, under load."""

import time

import pytest
from parley_link import Link
from parley_stack import wait_until

# Longer than peer_timeout_ms of these stacks, so that either side takes the other for lost.
SILENT_SECONDS = 3
LINKS = [("gateway", "delivery"), ("gateway", "session"), ("delivery", "session")]


def restart(load, name, **settings):
    assert load.stack.services[name].terminate() == 0
    load.stack.services[name].start(**settings)
    load.wait_in()


class Between:
    """The link from one service to another; `caller` logs when it takes the other for lost."""

    def __init__(self, load, caller, called):
        self.link = Link(load.stack, called)
        self.caller, self.called = load.stack.services[caller], called

    def times_lost(self):
        lines = self.caller.said().splitlines()
        return sum(f"peers={self.called} " in line and "state=down" in line for line in lines)

    def wait_lost(self, before):
        wait_until(lambda: self.times_lost() > before, f"{self.called} to be taken for lost")


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
        before = between.times_lost()
        between.link.cut()
        between.wait_lost(before)
        between.link.restore()
        load.wait_everybody()
    check(load)


def test_a_link_lets_nothing_through(load, between, check):
    before = between.times_lost()
    between.link.go_silent()
    until = time.monotonic() + SILENT_SECONDS
    between.wait_lost(before)
    wait_until(lambda: time.monotonic() >= until, "the link to have been silent long enough")
    between.link.restore()
    load.wait_everybody()
    check(load)
