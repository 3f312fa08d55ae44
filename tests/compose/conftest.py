"""One stack of containers for all tests here, and one crowd that talks through it."""

import signal

import pytest
from parley_compose import SERVICES, Compose
from parley_load import Load

PEOPLE = 50


def _end(*_):
    raise KeyboardInterrupt


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    signal.signal(signal.SIGTERM, _end)  # it, too, leaves nothing running
    with Compose(tmp_path_factory.mktemp("compose")) as running:
        yield running


@pytest.fixture(scope="session")
def crowd(stack):
    """A list of one load, or of none: a failed test leaves none, since nobody knows what state it is
    in."""
    loads = []
    yield loads
    for load in loads:
        load.leave()


@pytest.fixture
def load(stack, crowd, request):
    """People who talk from the beginning to the end of the test."""
    if not crowd:
        crowd.append(Load(stack, people=PEOPLE))
    crowd[0].start()
    yield crowd[0]
    if getattr(request.node, "failed", True):
        crowd.pop().leave()


@pytest.fixture
def back_to_one(stack):
    """For tests that change how many there are of a service."""
    yield
    many = [service for service in SERVICES if len(stack.instances(service)) != 1]
    if many:
        stack.scale(1, *many)
