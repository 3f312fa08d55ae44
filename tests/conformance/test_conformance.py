"""Every case of cases/, over every transport, with every choice of dialects; see README.md."""

import pytest
from case import cases
from play import Play


def runs():
    for case in cases():
        for dialects in case.variants():
            for transport in case.transports:
                if transport == "binary" and "youim" not in dialects.values():
                    continue  # OurChat has no binary framing
                chosen = [f"{name}={dialects[name]}" for name, person in case.people.items()
                          if person.dialect == "either"]
                marks = [pytest.mark.operator] if case.needs_operator else []
                yield pytest.param(case, dialects, transport, marks=marks,
                                   id="-".join([case.name, *chosen, transport]))


@pytest.mark.parametrize("case, dialects, transport", runs())
def test_case(server, operator, case, dialects, transport):
    Play(server, case, dialects, transport, operator).run()
