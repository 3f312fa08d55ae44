"""A stack of the release before, whose services are replaced one after the other."""

import os
import pathlib

import pytest
from parley_stack import NO_LIMITS, SERVICES, Stack, programs

FORMER = pathlib.Path(os.environ["PARLEY_FORMER_BIN"]).resolve()


class RollingStack(Stack):
    """Everything is of the release before at first. Its links are plain: that release has no keys, and a
    program that wants them does not speak with one that has none."""

    curve = False

    def __init__(self, database, **settings):
        self.bin = FORMER
        self.limits = {}  # the release before may not know all
        # What it did not have comes later.
        new = [name for name in SERVICES if not (FORMER / f"parley-{name}").exists()]
        super().__init__(database, asleep=new, **settings)

    def use_new_tools(self):
        """From here on parleyctl, and all services that are started, are of this release."""
        self.bin = None
        self.set(**NO_LIMITS, curve="off")
        for name in SERVICES:
            service = self.services[name]
            service.program = programs() / f"parley-{name}"
            service.environment |= {f"PARLEY_{option.upper()}": "0" for option in NO_LIMITS}
            service.environment["PARLEY_CURVE"] = "off"

    def replace(self, name):
        assert not self.services[name].running() or self.services[name].terminate() == 0
        self.services[name].start()


@pytest.fixture
def rolling(database):
    with RollingStack(database) as running:
        yield running
