"""A stack of the release before, whose services are replaced one after the other."""

import os
import pathlib

import pytest
from parley_stack import SERVICES, Stack, programs

FORMER = pathlib.Path(os.environ["PARLEY_FORMER_BIN"]).resolve()


class RollingStack(Stack):
    """Everything is of the release before at first."""

    def __init__(self, database, **settings):
        self.bin = FORMER
        super().__init__(database, **settings)

    def use_new_tools(self):
        """From here on parleyctl, and what is started, is of this release."""
        self.bin = None
        for name in SERVICES:
            self.services[name].program = programs() / f"parley-{name}"

    def replace(self, name):
        assert self.services[name].terminate() == 0
        self.services[name].start()


@pytest.fixture
def rolling(database):
    with RollingStack(database) as running:
        yield running
