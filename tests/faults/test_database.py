"""MariaDB is killed, or away for 20 seconds, while people talk."""

import time

import pytest
from crowd import Crowd
from parley_stack import Database, wait_until

AWAY_SECONDS = 20


@pytest.fixture(scope="module")
def crowd():
    """On a MariaDB of their own, so that no other test misses it."""
    with Database() as database:
        made = Crowd(database)
        yield made
        made.end()


def test_mariadb_is_killed_and_restarted(load, check):
    database = load.stack.database
    for _ in range(2):
        load.wait_acknowledged(150)
        database.kill()
        database.start()
    load.wait_everybody()
    report = check(load)
    assert (report.repeated, report.reconnected) == (0, 0), report.notes()


@pytest.mark.parametrize("how", ["stands still", "is shut down"])
def test_mariadb_is_away_for_20_seconds(load, check, how):
    database = load.stack.database
    load.wait_acknowledged(150)
    database.pause() if how == "stands still" else database.stop()
    until = time.monotonic() + AWAY_SECONDS
    wait_until(lambda: time.monotonic() >= until, "MariaDB to have been away long enough")
    database.resume() if how == "stands still" else database.start()
    load.wait_everybody()
    report = check(load)
    assert (report.repeated, report.reconnected) == (0, 0), report.notes()
