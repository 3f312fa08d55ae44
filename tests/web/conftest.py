"""Fixtures of the tests in a real browser."""

import contextlib
import os
import pathlib
import re

import pytest
from browser_tab import Tabs
from parley_stack import ROOT, Stack
from selenium.common.exceptions import WebDriverException

PAGE = {"web_root": ROOT / "services/web", "demo": "true"}
# An account counts as gone soon, and receipts are noted soon: tests wait for both.
QUICK = {"reach_interval_ms": 50, "cursor_flush_ms": 50, "presence_grace_ms": 200}


# What the page knows of its connection and of the conversation that is open.
KNOWS = """
const page = document.querySelector("app-shell")?.page, shown = page?.conversation, known = { state: page?.parley.state };
for (const [name, value] of Object.entries(shown ?? {}))
  if (["number", "boolean"].includes(typeof value)) known[name] = value;
if (shown) Object.assign(known, { firstNew: shown.firstNew, items: shown.items.length, loading: page.model.history.isLoading(shown) });
return JSON.stringify(known);
"""
FAILED = pathlib.Path(os.environ.get("PARLEY_BUILD", ROOT / "build")) / "web/failed"


def keep(tab, name):
    """Keeps a failed test's page, the errors of its console, and what the page knows."""
    FAILED.mkdir(parents=True, exist_ok=True)
    file = FAILED / re.sub(r"[^\w.-]+", "_", name)
    with contextlib.suppress(WebDriverException):
        tab.driver.save_screenshot(f"{file}.png")
        errors = "\n".join(tab.log())
        pathlib.Path(f"{file}.log").write_text(errors)
        print(f"{file}.png shows the tab; its console: {errors or 'no errors'}; the page knows {tab.run(KNOWS)}")


def page_of(stack):
    scheme = "https" if "PARLEY_TLS_CERTIFICATE" in stack.environment else "http"
    return f"{scheme}://{stack.host}:{stack.ports[scheme]}/"


@pytest.fixture(scope="session")
def site(database):
    """All services with the page and its demo, for tests that leave them as they found them."""
    with Stack(database, **PAGE, **QUICK) as running:
        yield running


@pytest.fixture
def own_stack(make_stack):
    """The same for one test, which may kill and stop them."""
    return make_stack(**PAGE, **QUICK)


@pytest.fixture
def friends_only(make_stack):
    """Makes the same where only friends write to each other: friends_only("request") or ("closed")."""
    return lambda strangers: make_stack(**PAGE, **QUICK, strangers=strangers)


@pytest.fixture(scope="session")
def browsers():
    """Those that no test uses."""
    idle = []
    yield idle
    for browser in idle:
        browser.quit()


@pytest.fixture
def new_tab(request, browsers):
    """Opens tabs, each in a browser of its own: new_tab(size=(320, 640)); a stack as the first argument is another
    than `site`, and `address` that of another server."""
    tabs = Tabs(browsers)

    def open_one(stack=None, address=None, **options):
        return tabs.open(address or page_of(stack or request.getfixturevalue("site")), **options)

    yield open_one
    if getattr(request.node, "failed", False):  # by tests/conftest.py
        for number, (_, tab) in enumerate(tabs.opened):
            keep(tab, f"{request.node.name}-{number}")
    tabs.close()


@pytest.fixture(scope="module")
def module_tab(site, browsers):
    """The same at `site` for tabs that all tests of a module use."""
    tabs = Tabs(browsers)
    yield lambda: tabs.open(page_of(site))
    tabs.close()


@pytest.fixture
def figure(capsys):
    """Prints the measurements, also of a test that passes."""

    def show(words):
        with capsys.disabled():
            print(f"\n  {words}", flush=True)

    return show
