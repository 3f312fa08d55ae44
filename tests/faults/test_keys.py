"""The keys of services are changed while people talk: nobody is cut off, nothing is lost."""

import pytest
from parley_stack import SERVICES, wait_until


@pytest.mark.parametrize("name", ["delivery", "gateway"])
def test_a_key_is_changed(load, check, name):
    stack = load.stack
    load.wait_acknowledged(150)
    stack.ctl("keys", "rotate", name)
    load.wait_acknowledged(150)  # with the old key
    assert stack.services[name].terminate() == 0
    stack.services[name].start()
    load.wait_acknowledged(150)  # with the new one, which the others took in by themselves
    stack.ctl("keys", "retire", name)
    for other in SERVICES:
        wait_until(lambda other=other: stack.services[other].said().count("event=keys_read") >= 1,
                   f"{other} to read the keys again")
    load.wait_acknowledged(150)
    assert stack.ctl("keys", "show").stdout.count(f"{name} ") == 1
    load.wait_everybody()
    report = check(load)
    if name != "gateway":
        assert (report.repeated, report.reconnected) == (0, 0), report.notes()
