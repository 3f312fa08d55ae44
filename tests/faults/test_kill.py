"""Services are killed while people talk: acknowledged texts arrive, once and in order."""

import itertools

import pytest

SERVICES = ("gateway", "auth", "group", "session", "delivery", "files", "hooks")


def kill_and_start(stack, *names):
    for name in names:
        stack.services[name].kill()
    for name in names:
        stack.services[name].start(wait=False)
    for name in names:
        stack.services[name].wait_ready()


def test_a_quiet_run(load, check):
    """Without any fault nothing is repeated or refused either."""
    load.wait_acknowledged(2000)
    report = check(load)
    assert (report.repeated, report.refused, report.reconnected) == (0, 0, 0), report.notes()
    assert (report.stored, report.false_presence) == (report.sent, 0), report.notes()


@pytest.mark.parametrize("name", SERVICES)
def test_one_is_killed_again_and_again(load, check, name):
    for _ in range(3):
        load.wait_acknowledged(150)
        kill_and_start(load.stack, name)
    load.wait_everybody()
    report = check(load)
    if name != "gateway":
        # No connection broke, so there is no excuse for repeating anything, and nobody went.
        wrong = (report.repeated, report.reconnected, report.false_presence)
        assert wrong == (0, 0, 0), report.notes()


def test_pairs_are_killed(load, check):
    """Every pair of services, one pair after the other."""
    for pair in itertools.combinations(SERVICES, 2):
        load.wait_acknowledged(100)
        kill_and_start(load.stack, *pair)
    load.wait_everybody()
    check(load)


def test_everything_is_killed_at_once(load, check):
    for _ in range(2):
        load.wait_acknowledged(150)
        kill_and_start(load.stack, *SERVICES)
    load.wait_everybody()
    check(load)


def test_services_stop_and_start_in_order(load, check):
    """An orderly restart of each, as for an update: nothing fails but requests under way."""
    for name in SERVICES:
        load.wait_acknowledged(150)
        assert load.stack.services[name].terminate() == 0, name
        load.stack.services[name].start()
    load.wait_everybody()
    check(load)
