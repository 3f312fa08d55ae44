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
