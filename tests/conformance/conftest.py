"""The server under test: the one of --server, or a private one."""

import dataclasses

import pytest
from parley_presence import wait_told
from parley_stack import Stack

# What these tests register is worthless, so hashing their passwords may be cheap.
CHEAP_PASSWORDS = {"password_ops": 1, "password_memory_kib": 8}
# OurChat over TCP is paced as it is by default, only faster.
QUICK = {"reach_interval_ms": 50, "cursor_flush_ms": 50, "ourchat_tcp_pace_ms": 10}
PORTS = ("http", "tcp", "youim")
DEFAULT_PORTS = (5999, 54088, 5566)


@dataclasses.dataclass
class Server:
    """One that runs already: where its WebSocket, TCP and binary clients connect."""

    host: str
    ports: dict

    def __str__(self):
        return f"{self.host} " + ", ".join(f"{name} {port}" for name, port in self.ports.items())


def parse_server(text):
    """host, host:http, host:http,tcp or host:http,tcp,youim; what is left out is the default."""
    host, _, numbers = text.rpartition(":") if ":" in text else (text, "", "")
    given = [int(number) for number in numbers.split(",") if number]
    return Server(host, dict(zip(PORTS, (*given, *DEFAULT_PORTS[len(given):]))))


def pytest_addoption(parser):
    parser.addoption("--server", metavar="HOST:PORT[,TCPPORT[,YOUIMPORT]]",
                     help="test this server; without it a private one is started")


def chosen_server(config):
    text = config.getoption("--server", default=None)
    return parse_server(text) if text else None


def pytest_configure(config):
    config.addinivalue_line("markers", "operator: needs parleyctl, so a server of one's own")


def pytest_report_header(config):
    chosen = chosen_server(config)
    if chosen is None:
        return "conformance: a private server"
    return [f"conformance: the server at {chosen}",
            "conformance: cases that need the operator's tool are deselected"]


def pytest_collection_modifyitems(config, items):
    if chosen_server(config) is None:
        return
    left_out = [item for item in items if item.get_closest_marker("operator")]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


@pytest.fixture(scope="session")
def server(request):
    chosen = chosen_server(request.config)
    if chosen is not None:
        yield chosen
        return
    database = request.getfixturevalue("database")
    with Stack(database, **QUICK, **CHEAP_PASSWORDS) as stack:
        yield stack


@pytest.fixture
def settle(server):
    """Returns when all news of presence has been told; where that cannot be asked for, at once."""
    return lambda: wait_told(server) if isinstance(server, Stack) else None


@pytest.fixture
def operator(server):
    """Runs parleyctl; None where there is none."""
    return getattr(server, "ctl", None)
