"""200 people on a stack of their own, for many tests."""

from parley_load import Load
from parley_stack import Stack

# Shorter than the defaults, so that a fault of seconds is noticed within it.
QUICK = {"heartbeat_ms": 200, "peer_timeout_ms": 1000}
MORE_INSTANCES = ("delivery2", "delivery3", "session2")


class Crowd:
    """200 people on a stack of their own, made when first needed, and made anew after a test that
    has failed, since nobody knows in which state."""

    def __init__(self, database, **settings):
        self.database, self.settings = database, settings
        self.stack = self.load = None

    def get(self):
        if self.load is None:
            self.stack = Stack(
                self.database, deliveries=3, sessions=2, asleep=MORE_INSTANCES, **QUICK | self.settings
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
