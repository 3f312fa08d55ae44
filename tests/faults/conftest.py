"""The stack and the load that the faults happen to."""

import pytest
from parley_load import Load
from parley_stack import Stack

# Shorter than the defaults, so that a fault of seconds is noticed within it.
QUICK = {"heartbeat_ms": 200, "peer_timeout_ms": 1000}
MORE_INSTANCES = ("delivery2", "delivery3", "session2")


class Crowd:
    """200 people on a stack of their own, made when first needed, and made anew after a test that
    has failed, since nobody knows what it has left."""

    def __init__(self, database):
        self.database = database
        self.stack = self.load = None

    def get(self):
        if self.load is None:
            self.stack = Stack(
                self.database, deliveries=3, sessions=2, asleep=MORE_INSTANCES, **QUICK
            ).__enter__()
            try:
                self.load = Load(self.stack)
            except BaseException:
                self.end()
                raise
        return self.load

    def end(self):
        stack, self.stack = self.stack, None
        load, self.load = self.load, None
        if load is not None:
            load.leave()
        if stack is not None:
            stack.__exit__(None, None, None)


@pytest.fixture(scope="session")
def crowd(database):
    made = Crowd(database)
    yield made
    made.end()


@pytest.fixture
def load(crowd, request):
    """People who talk from the beginning to the end of the test."""
    load = crowd.get()
    load.start()
    yield load
    if request.node.failed:
        crowd.end()


@pytest.fixture
def check(request, show_row):
    """check(load): nobody talks any more, and the books are right; returns the Report. It is shown
    at the end of the run."""

    def judge(load):
        report = load.finish()
        show_row(report.columns(), report.notes())
        assert report.acknowledged > 0
        assert report.wrong() == 0, "\n".join(report.notes())
        return report

    return judge
