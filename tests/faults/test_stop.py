"""A service stands still for 10 seconds, longer than anyone waits for it, and continues."""

import time

import pytest
from parley_stack import wait_until

STILL_SECONDS = 10


@pytest.mark.parametrize("name", ["gateway", "auth", "group", "session", "delivery", "files", "hooks"])
def test_a_service_stands_still(load, check, name):
    stopped = load.stack.services[name]
    load.wait_acknowledged(150)
    stopped.pause()
    until = time.monotonic() + STILL_SECONDS
    if name == "session":
        load.wait_stored(200)  # texts of that time wait in the log
    elif name in ("auth", "group"):
        load.wait_acknowledged(200)  # connected clients go on
    wait_until(lambda: time.monotonic() >= until, f"{name} to have stood still long enough")
    stopped.resume()
    load.wait_everybody()
    report = check(load)
    if name != "gateway":
        assert (report.repeated, report.reconnected) == (0, 0), report.notes()
    if name in ("auth", "group"):
        assert report.longest_gap_ms < 1000 * (STILL_SECONDS - 1)
