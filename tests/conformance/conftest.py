"""The server under test: the one of --server, or a private one."""

import dataclasses
import shlex
import subprocess

import pytest
from parley_presence import wait_sent
from parley_stack import Stack
from parley_tls import Certificate

# Accounts of these tests are worthless, so hashing their passwords may be cheap.
CHEAP_PASSWORDS = {"password_ops": 1, "password_memory_kib": 8}
# OurChat over TCP is paced as it is by default, only faster.
QUICK = {"reach_interval_ms": 50, "cursor_flush_ms": 50, "ourchat_tcp_pace_ms": 10,
         "presence_grace_ms": 200}
PORTS = ("http", "tcp", "youim", "https", "tls_tcp", "tls_youim")
# Whether a server has TLS is not to be seen: its ports have to be given.
DEFAULT_PORTS = (5999, 54088, 5566)
CTL_SECONDS = 60


@dataclasses.dataclass
class Server:
    """One that runs already: where its WebSocket, TCP and binary clients connect, and those with TLS if
    it has that; and the words that run its parleyctl, if that can be run from here."""

    host: str
    ports: dict
    parleyctl: list = dataclasses.field(default_factory=list)

    def ctl(self, *arguments, ok=True):
        done = subprocess.run([*self.parleyctl, *arguments], capture_output=True, text=True,
                              timeout=CTL_SECONDS, check=False)
        assert not ok or done.returncode == 0, f"{arguments}: {done.stderr}{done.stdout}"
        return done

    def __str__(self):
        return f"{self.host} " + ", ".join(f"{name} {port}" for name, port in self.ports.items())


def parse_server(text):
    """host, host:http, host:http,tcp and so on; of the first three a left-out part is the default."""
    host, _, numbers = text.rpartition(":") if ":" in text else (text, "", "")
    given = [int(number) for number in numbers.split(",") if number]
    return Server(host, dict(zip(PORTS, (*given, *DEFAULT_PORTS[len(given):]))))


def pytest_addoption(parser):
    parser.addoption("--server", metavar="HOST:PORT[,TCPPORT[,YOUIMPORT[,HTTPSPORT,TLSTCPPORT,TLSYOUIMPORT]]]",
                     help="test this server; without it a private one is started")
    parser.addoption("--parleyctl", metavar="COMMAND", default="",
                     help="how to run parleyctl for the server, with its options")


def chosen_server(config):
    text = config.getoption("--server", default=None)
    if not text:
        return None
    chosen = parse_server(text)
    chosen.parleyctl = shlex.split(config.getoption("--parleyctl"))
    return chosen


def pytest_configure(config):
    config.addinivalue_line("markers", "operator: needs parleyctl")
    config.addinivalue_line("markers", "tls: needs a server with TLS")


def pytest_report_header(config):
    chosen = chosen_server(config)
    if chosen is None:
        return "conformance: a private server"
    header = [f"conformance: the server at {chosen}"]
    if not chosen.parleyctl:
        header.append("conformance: cases that need the operator's tool are deselected")
    if PORTS[-1] not in chosen.ports:
        header.append("conformance: runs with TLS are deselected")
    return header


def pytest_collection_modifyitems(config, items):
    chosen = chosen_server(config)
    if chosen is None:
        return
    marks = [] if chosen.parleyctl else ["operator"]
    marks += [] if PORTS[-1] in chosen.ports else ["tls"]
    left_out = [item for item in items if any(map(item.get_closest_marker, marks))]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


@pytest.fixture(scope="session")
def server(request, tmp_path_factory):
    chosen = chosen_server(request.config)
    if chosen is not None:
        yield chosen
        return
    database = request.getfixturevalue("database")
    certificate = Certificate(tmp_path_factory.mktemp("tls") / "first")
    with Stack(database, **QUICK, **CHEAP_PASSWORDS, **certificate.settings()) as stack:
        yield stack


@pytest.fixture
def operator(server):
    """Runs parleyctl; None where that cannot be done."""
    return server.ctl if isinstance(server, Stack) or server.parleyctl else None


@pytest.fixture
def settle(server, operator):
    """Returns when all news of presence has been sent; at once for a server that cannot be asked, where
    no case depends on it."""
    return lambda: wait_sent(server) if operator else None
