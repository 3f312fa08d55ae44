"""Instances start and stop while people talk, and one of several is lost."""

from parley_stack import wait_until


def stored_by(stack, name):
    return stack.metric(name, "messages_total")


def test_delivery_from_one_to_three_and_back(load, check):
    """One leaves in order, the other is killed."""
    stack = load.stack
    more = ("delivery2", "delivery3")
    load.wait_acknowledged(150)
    for name in more:
        stack.services[name].start()
    load.wait_acknowledged(600)
    wait_until(lambda: all(stored_by(stack, name) > 0 for name in more), "each to store some",
               every=0.1)
    assert stack.services["delivery2"].terminate() == 0
    load.wait_acknowledged(200)
    stack.services["delivery3"].kill()
    load.wait_acknowledged(200)
    load.wait_everybody()
    report = check(load)
    wrong = (report.refused, report.repeated, report.reconnected, report.false_presence)
    assert wrong == (0, 0, 0, 0), report.notes()


def test_one_of_two_deliveries_is_killed(load, check):
    """The other takes over, also while nobody starts the first again."""
    services = load.stack.services
    services["delivery2"].start()
    for name in ("delivery", "delivery2", "delivery"):
        load.wait_acknowledged(150)
        services[name].kill()
        load.wait_acknowledged(300)
        services[name].start()
    assert services["delivery2"].terminate() == 0
    load.wait_everybody()
    report = check(load)
    assert (report.repeated, report.reconnected) == (0, 0), report.notes()


def test_session_from_one_to_two_and_back(load, check):
    """Accounts move to the other instance and back, first in order, then as it is killed: there
    is no news of anybody."""
    second = load.stack.services["session2"]
    for end in (second.terminate, second.kill):
        load.wait_acknowledged(150)
        second.start()
        load.wait_acknowledged(300)
        wait_until(lambda: load.stack.metric("session2", "routed_items_total") > 0,
                   "the other to route some", every=0.1)
        end()
        load.wait_acknowledged(300)
    load.wait_everybody()
    report = check(load)
    wrong = (report.repeated, report.reconnected, report.false_presence)
    assert wrong == (0, 0, 0), report.notes()
