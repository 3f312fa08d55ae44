"""Fixtures of all pytest tests: one private stack for the whole run, and clients that get closed."""

import copy
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent / "support"))

from parley_client import DIALECTS, PRESENCE  # noqa: E402  (the path is set first)
from parley_stack import CLIENT_PORTS, Database, Service, Stack, free_port, programs  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "speed: also against the optimized build; see `make test-speed`")


@pytest.fixture(scope="session")
def database():
    """The run's private MariaDB."""
    with Database() as running:
        yield running


@pytest.fixture(scope="session")
def stack(database):
    """All services, for tests that leave them as they found them. Receipts are
    noted sooner than by default, and an account counts as gone sooner, since many tests wait for
    that. (Where instances appear and go, the grace is the default: others have to find them in it.)"""
    quick = {"reach_interval_ms": 50, "cursor_flush_ms": 50, "presence_grace_ms": 200}
    with Stack(database, **quick) as running:
        yield running


@pytest.fixture
def make_stack(database):
    """Makes further stacks, each with a database and ports of its own; see Stack."""
    made = []

    def make(**options):
        made.append(Stack(database, **options).__enter__())
        return made[-1]

    yield make
    for one in reversed(made):
        one.__exit__(None, None, None)


@pytest.fixture
def second_gateway(tmp_path):
    """Starts another gateway of a stack, with options of its own; clients connect to it `on` the returned object."""
    started = []

    def start(stack, **settings):
        view = copy.copy(stack)
        names = ("gateway", *CLIENT_PORTS)
        view.ports = stack.ports | {name: free_port() for name in names}
        environment = stack.environment | {
            f"PARLEY_{name.upper()}_PORT": str(view.ports[name]) for name in names}
        started.append(Service("gateway2", programs() / "parley-gateway", environment, tmp_path))
        started[-1].start(**settings)
        return view

    yield start
    for service in started:
        service.end()


@pytest.fixture
def connect(request):
    """Opens connections: connect("youim", "tcp"); `on` names another stack than `stack`. They do
    not show presence, which is not ordered with anything."""
    opened = []

    def open_one(dialect, transport="websocket", on=None, **options):
        on = on or request.getfixturevalue("stack")
        opened.append(DIALECTS[dialect](on, transport, **options))
        opened[-1].skips = PRESENCE
        return opened[-1]

    yield open_one
    for client in opened:
        client.abort()


@pytest.fixture
def newcomer(connect):
    """Opens connections of new accounts, which are logged in."""

    def register(dialect, transport="websocket", **options):
        client = connect(dialect, transport, **options)
        client.register_new()
        client.log_in()
        return client

    return register


@pytest.fixture(autouse=True)
def services_stay_healthy():
    """No service ends by itself, and no sanitizer finds anything, in any test."""
    yield
    for running in Stack.running:
        assert not running.ended(), f"ended by themselves: {running.ended()}"
        reports = running.sanitizer_reports()
        assert not reports, "\n".join(reports)


_tables = []


@pytest.fixture
def show_table(request):
    """Has a text shown in the summary at the end of the run, also of a test that passed."""
    return lambda text: _tables.append((request.node.name, text))


_rows = []


@pytest.fixture
def show_row(request):
    """Has a row of counts (a dict) shown in one table of the whole run, and notes below it. All
    rows of a run have the same columns."""
    return lambda counts, notes=(): _rows.append((request.node.name, counts, notes))


@pytest.fixture
def check(show_row):
    """check(load): nobody talks any more, and the books are right; returns the Report. It is shown
    at the end of the run."""

    def judge(load):
        report = load.finish()
        show_row(report.columns(), report.notes())
        assert report.acknowledged > 0 and report.confirmed > 0
        assert report.wrong() == 0, "\n".join(report.notes())
        return report

    return judge


def _table_of_rows():
    heads = [str(head) for head in _rows[0][1]]
    lines = [["", *heads], *([name, *map(str, counts.values())] for name, counts, _ in _rows)]
    widths = [max(map(len, column)) for column in zip(*lines)]
    for first, *others in lines:
        cells = [text.rjust(width) for text, width in zip(others, widths[1:])]
        yield "  ".join([first.ljust(widths[0]), *cells])
    for name, _, notes in _rows:
        yield from (f"{name}: {note}" for note in notes)


def pytest_terminal_summary(terminalreporter):
    if _rows:
        terminalreporter.section("what the books say", sep="-")
        for line in _table_of_rows():
            terminalreporter.write_line(line)
    for name, text in _tables:
        terminalreporter.section(name, sep="-")
        terminalreporter.write_line(text)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure shows the services' last output."""
    outcome = yield
    report = outcome.get_result()
    item.failed = getattr(item, "failed", False) or report.failed
    if report.failed:
        for running in Stack.running:
            report.sections.append((f"services of {running.database_name}", running.log_tails()))
