"""Services are killed while people talk: what was acknowledged arrives, once and in order."""

import pytest
from parley_load import Load

QUICK = {"heartbeat_ms": 200, "peer_timeout_ms": 1000}


def check(load, show_table):
    load.stop()
    report = load.report()
    show_table(report.table())
    assert report.acknowledged > 0
    wrong = (report.lost, report.doubled, report.out_of_order, report.stored_twice)
    assert wrong == (0, 0, 0, 0), report.table()
    return report


def check_next_login(load, connect):
    """Everything has been confirmed, so nothing comes again."""
    for person in load.people:
        client = connect(person.client.dialect, person.client.transport, on=load.stack)
        client.log_in(person.account)
        client.fence()
        client.close()


def test_a_quiet_day(make_stack, connect, show_table):
    """Without any fault nothing is repeated or refused either."""
    load = Load(make_stack(**QUICK))
    load.start()
    load.wait_acknowledged(1000)
    report = check(load, show_table)
    assert (report.repeated, report.refused, report.reconnected) == (0, 0, 0), report.table()
    assert report.acknowledged == report.sent == report.stored
    check_next_login(load, connect)


@pytest.mark.parametrize("name", ["delivery", "session", "gateway"])
def test_one_service_is_killed_again_and_again(make_stack, connect, show_table, name):
    stack = make_stack(**QUICK)
    load = Load(stack)
    load.start()
    for _ in range(4):
        load.wait_acknowledged(150)
        stack.services[name].kill()
        stack.services[name].start()
    load.wait_acknowledged(300)
    report = check(load, show_table)
    if name != "gateway":
        # No connection broke, so there is no excuse for repeating anything.
        assert (report.repeated, report.reconnected) == (0, 0), report.table()
    check_next_login(load, connect)


def test_one_service_after_the_other_is_killed(make_stack, connect, show_table):
    stack = make_stack(**QUICK)
    load = Load(stack, people=32)
    load.start()
    for name in ("delivery", "session", "gateway", "group", "auth", "session", "delivery"):
        load.wait_acknowledged(150)
        stack.services[name].kill()
        stack.services[name].start()
    load.wait_acknowledged(300)
    check(load, show_table)
    check_next_login(load, connect)


def test_everything_is_killed_at_once(make_stack, connect, show_table):
    stack = make_stack(**QUICK)
    load = Load(stack)
    load.start()
    for _ in range(2):
        load.wait_acknowledged(150)
        for service in stack.services.values():
            service.kill()
        for service in stack.services.values():
            service.start(wait=False)
        for service in stack.services.values():
            service.wait_ready()
    load.wait_acknowledged(300)
    check(load, show_table)
    check_next_login(load, connect)


def test_one_of_two_deliveries_is_killed(make_stack, connect, show_table):
    """The other takes over, also while nobody starts the first again."""
    stack = make_stack(deliveries=2, **QUICK)
    load = Load(stack)
    load.start()
    for name in ("delivery", "delivery2", "delivery"):
        load.wait_acknowledged(150)
        stack.services[name].kill()
        load.wait_acknowledged(300)
        stack.services[name].start()
    load.wait_acknowledged(300)
    report = check(load, show_table)
    assert (report.repeated, report.reconnected) == (0, 0), report.table()
    check_next_login(load, connect)


@pytest.mark.parametrize("name", ["delivery", "session"])
def test_a_service_that_stands_still_and_comes_back(make_stack, connect, show_table, name):
    """Longer than callers wait: it is taken for lost, and then carries on where it was."""
    stack = make_stack(deliveries=2, **QUICK)
    load = Load(stack)
    load.start()
    for _ in range(2):
        load.wait_acknowledged(150)
        stack.services[name].pause()
        if name == "delivery":
            load.wait_acknowledged(300)
        else:
            # Nobody is lost by it: texts are stored, and wait in the log.
            stored = stack.sql("SELECT COUNT(*) FROM message")[0][0]
            load.wait_stored(stored + 100)
        stack.services[name].resume()
    load.wait_acknowledged(300)
    check(load, show_table)
    check_next_login(load, connect)


def test_services_stop_and_start_in_order(make_stack, connect, show_table):
    """An orderly restart of each, as for an update: nothing fails but what was under way."""
    stack = make_stack(**QUICK)
    load = Load(stack)
    load.start()
    for name in ("auth", "group", "session", "delivery", "gateway"):
        load.wait_acknowledged(150)
        assert stack.services[name].terminate() == 0, name
        stack.services[name].start()
    load.wait_acknowledged(300)
    check(load, show_table)
    check_next_login(load, connect)
