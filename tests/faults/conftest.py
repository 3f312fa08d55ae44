"""The stack and the load that the faults happen to."""

import pytest
from crowd import Crowd


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
    if getattr(request.node, "failed", True):
        crowd.end()


@pytest.fixture
def check(request, show_row):
    """check(load): nobody talks any more, and the books are right; returns the Report. It is shown
    at the end of the run."""

    def judge(load):
        report = load.finish()
        show_row(report.columns(), report.notes())
        assert report.acknowledged > 0 and report.confirmed > 0
        assert report.wrong() == 0, "\n".join(report.notes())
        return report

    return judge
