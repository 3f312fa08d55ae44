"""Every case of cases/, over every transport, with every choice of dialects; see README.md."""

import pytest
from case import cases
from play import Play


def runs():
    """All choices of dialects over WebSocket; over the others, those with one for all observers."""
    for case in cases():
        open_ones = [name for name, who in case.people.items() if who.dialect == "either"]
        for dialects in case.variants():
            mixed = len({dialects[name] for name in open_ones}) > 1
            for transport in case.transports:
                if transport != "websocket" and mixed:
                    continue
                if transport == "binary" and "youim" not in dialects.values():
                    continue  # OurChat has no binary framing
                chosen = [f"{name}={dialects[name]}" for name in open_ones]
                marks = [pytest.mark.operator] if case.needs_operator else []
                yield pytest.param(case, dialects, transport, marks=marks,
                                   id="-".join([case.name, *chosen, transport]))


@pytest.mark.parametrize("case, dialects, transport", runs())
def test_case(server, settle, operator, case, dialects, transport):
    Play(server, case, dialects, transport, settle, operator).run()
