"""People talk through the proxy while containers start, stop and are killed: acknowledged texts
arrive, once and in order. The load and its bookkeeping are `../support/parley_load.py`."""

import pytest
from parley_compose import SERVICES
from parley_stack import wait_until

# Receipts to wait for after each step, so that texts have gone through the remaining instances.
STEP = 100


def check_nobody_noticed(report):
    """No connection broke, so nothing was repeated either."""
    assert (report.reconnected, report.repeated) == (0, 0), "\n".join(report.notes())


def wait_used(instances, metric):
    for one in instances:
        wait_until(lambda: one.metric(metric) > 0, f"{one} to be used", every=0.5)


@pytest.mark.usefixtures("back_to_one")
def test_delivery_from_one_to_three_and_back(stack, load, check):
    load.wait_acknowledged(STEP)
    wait_used(stack.scale(3, "delivery"), "parley_messages_total")
    load.wait_acknowledged(STEP)
    stack.scale(1, "delivery")
    load.wait_acknowledged(STEP)
    check_nobody_noticed(check(load))


@pytest.mark.usefixtures("back_to_one")
def test_session_auth_and_group_from_one_to_two_and_back(stack, load, check):
    """Nobody is taken for gone meanwhile."""
    for count in (2, 1):
        stack.scale(count, "session", "auth", "group")
        load.wait_acknowledged(STEP)
    load.wait_everybody()
    report = check(load)
    check_nobody_noticed(report)
    assert report.false_presence == 0


@pytest.mark.usefixtures("back_to_one")
def test_one_of_two_gateways_is_killed(stack, load, check):
    """Its people reconnect through the proxy, to the other one. Once it is there again it takes new
    ones; people at the other one keep their connections all the time."""
    first, second = stack.scale(2, "gateway")
    load.wait_acknowledged(STEP)
    first.kill()
    load.wait_everybody()
    assert second.metric("parley_connections") >= len(load.people)
    first.start()
    second.kill()
    load.wait_everybody()
    second.start()
    load.wait_acknowledged(STEP)
    assert check(load).reconnected >= 2 * len(load.people)


@pytest.mark.usefixtures("back_to_one")
def test_one_of_two_of_each_service_is_killed(stack, load, check):
    stack.scale(2, *SERVICES)
    load.wait_acknowledged(STEP)
    for service in SERVICES:
        victim, _ = stack.instances(service)
        victim.kill()
        load.wait_acknowledged(STEP)
        victim.start()
    load.wait_everybody()
    check(load)


def test_the_only_one_of_each_is_killed(stack, load, check):
    for part in (*SERVICES, "mariadb"):
        only = stack.one(part)
        only.kill()
        only.start()
        load.wait_acknowledged(STEP)
    load.wait_everybody()
    check(load)


def test_the_proxy_is_killed(stack, load, check):
    load.wait_acknowledged(STEP)
    only = stack.one("proxy")
    only.kill()
    only.start()
    load.wait_everybody()
    assert check(load).reconnected >= len(load.people)


def test_the_only_one_of_each_is_stopped_in_order(stack, load, check):
    for service in SERVICES:
        only = stack.one(service)
        assert only.stop() == 0, f"{only} had to be killed"
        only.start()
        load.wait_acknowledged(STEP)
    load.wait_everybody()
    check(load)
