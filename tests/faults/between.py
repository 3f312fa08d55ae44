"""A link between two services that can be cut, under load."""

from parley_link import Link
from parley_stack import wait_until


def restart(load, name, **settings):
    assert load.stack.services[name].terminate() == 0
    load.stack.services[name].start(**settings)
    load.wait_in()


class Between:
    """The link from one service to another; the caller logs when the other is live, and lost."""

    def __init__(self, load, caller, called):
        self.link = Link(load.stack, called)
        self.caller = load.stack.services[caller]
        self.of_called = f"event=peer peers={called} "

    def wait_state(self, state):
        """Returns when `state` (live, down) is the caller's last logged state of the other."""

        def reached():
            lines = [line for line in self.caller.said().splitlines() if self.of_called in line]
            return lines and lines[-1].endswith(f"state={state}")

        wait_until(reached, f"{self.of_called} to be {state}")
