"""Every case of cases/, over every transport, with every choice of dialects, and once over TLS; see
README.md."""

import itertools

import pytest
from case import cases
from play import Play


WITH_TLS = {"websocket": "wss", "tcp": "tls", "binary": "tls_binary"}


def all_runs():
    """All choices of dialects over WebSocket; over the others, those with one for all observers.
    (case, dialects, transport, whether all observers have the same dialect)"""
    for case in cases():
        open_ones = [name for name, who in case.people.items() if who.dialect == "either"]
        for dialects in case.variants():
            mixed = len({dialects[name] for name in open_ones}) > 1
            for transport in case.transports:
                if transport != "websocket" and mixed:
                    continue
                if transport == "binary" and "youim" not in dialects.values():
                    continue  # OurChat has no binary framing
                yield case, dialects, transport, open_ones


def with_tls(number, plain):
    """One of a case's runs, over TLS: of the next transport and other dialects than the case before
    it had, so that all of them have their turn and none costs a run of every case."""
    transports = sorted({transport for _, _, transport, _ in plain})
    wanted = transports[number % len(transports)]
    fitting = [run for run in plain if run[2] == wanted]
    case, dialects, transport, open_ones = fitting[number // len(transports) % len(fitting)]
    return case, dialects, WITH_TLS[transport], open_ones


def runs():
    for number, (_, group) in enumerate(itertools.groupby(all_runs(), lambda run: run[0].name)):
        plain = list(group)
        for case, dialects, transport, open_ones in [*plain, with_tls(number, plain)]:
            chosen = [f"{name}={dialects[name]}" for name in open_ones]
            marks = [pytest.mark.operator] if case.needs_operator else []
            marks += [pytest.mark.tls] if transport in WITH_TLS.values() else []
            yield pytest.param(case, dialects, transport, marks=marks,
                               id="-".join([case.name, *chosen, transport]))


def test_each_transport_has_tls():
    """In the runs above: no transport is left out, in either dialect that it has."""
    tls = {(transport, dialect) for run in runs() for case, dialects, transport in [run.values]
           if transport in WITH_TLS.values() for dialect in dialects.values()}
    assert tls >= {("wss", "ourchat"), ("wss", "youim"), ("tls", "ourchat"), ("tls", "youim"),
                   ("tls_binary", "youim")}


@pytest.mark.parametrize("case, dialects, transport", runs())
def test_case(server, settle, operator, case, dialects, transport):
    Play(server, case, dialects, transport, settle, operator).run()
