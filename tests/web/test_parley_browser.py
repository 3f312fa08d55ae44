"""parley.js in a real browser: IndexedDB keeps waiting texts, and Web Locks decide which tab has the login."""

import functools
import http.server
import threading

import pytest
from parley_stack import ROOT, Stack

WEB = ROOT / "services/web"
PARLEY = "const { Parley, createStore, memoryStore } = await import('/parley.js');"


class Files(http.server.SimpleHTTPRequestHandler):
    """The files of the web client, and an empty page in place of its own."""

    extensions_map = {".js": "text/javascript", "": "text/html"}

    def do_GET(self):
        if self.path != "/":
            return super().do_GET()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        return self.wfile.write(b"<!doctype html><title>empty</title>")

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def pages():
    """The address of an empty page that can load parley.js."""
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Files, directory=str(WEB)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def stack(database, pages):
    """All services, which let pages of that server connect."""
    with Stack(database, allowed_origins=f"http://localhost:1,{pages.rstrip('/')}") as running:
        yield running


@pytest.fixture
def tab(pages, new_tab):
    tab = new_tab(address=pages)
    tab.driver.get(pages)
    return tab


def run(tab, body, *arguments):
    """The result of the body of an async function; it has `stack`, the WebSocket's address."""
    answer = tab.driver.execute_async_script(
        "const done = arguments[arguments.length - 1], [stack] = arguments;"
        f"(async () => {{ {PARLEY} {body} }})()"
        ".then((value) => done({ value: value ?? null }), (error) => done({ fault: `${error}` }))", *arguments)
    assert "fault" not in answer, answer
    return answer["value"]


def address(stack):
    return f"ws://127.0.0.1:{stack.ports['http']}/"


def test_pages_of_other_servers_cannot_connect(pages, tab, stack):
    opens = """
        const socket = new WebSocket(stack);
        return new Promise((resolve) => {
            socket.onopen = () => resolve(true);
            socket.onerror = () => resolve(false);
        });"""
    assert run(tab, opens, address(stack)) is True
    tab.driver.get(pages.replace("127.0.0.1", "localhost"))
    assert run(tab, opens, address(stack)) is False


def test_the_store_outlives_the_page(tab):
    run(tab, """
        const store = createStore();
        await store.set("text:a:1", { n: 1 });
        await store.set("text:a:2", { n: 2, of: ["any", { shape: true }] });
        await store.set("text:b:1", { n: 3 });
        await store.set("textile", { n: 4 });
        await store.delete("text:a:1");""")
    tab.driver.refresh()
    assert run(tab, 'return createStore().list("text:")') == [
        ["text:a:2", {"n": 2, "of": ["any", {"shape": True}]}], ["text:b:1", {"n": 3}]]
    assert run(tab, 'return createStore().get("textile")') == {"n": 4}
    assert run(tab, 'return createStore().get("nothing")') is None


def test_without_a_database_memory_has_to_do(tab):
    assert run(tab, """
        const refused = { open() {
            const request = {};
            setTimeout(() => request.onerror());
            return request;
        } };
        for (const store of [createStore("x", refused), createStore("x", null)]) {
            await store.set("a", { n: 1 });
            if ((await store.get("a")).n !== 1 || (await store.list("")).length !== 1) return "lost";
        }
        return "kept";""") == "kept"


def test_texts_survive_a_reload_and_are_sent_once(tab, stack):
    user = run(tab, """
        const parley = new Parley({ url: stack });
        const user = `anna-${crypto.randomUUID()}`;
        await parley.signIn({ user });
        const ben = new Parley({ url: stack, store: memoryStore() });
        await ben.signIn({ user: `ben-of-${user}`.slice(0, 60) });
        ben.close();
        // Nothing gets through any more.
        WebSocket.prototype.send = () => {};
        for (const msg of ["one", "two"]) parley.send({ user: `ben-of-${user}`.slice(0, 60) }, { msg });
        while ((await parley.store.list("text:")).length < 2) await new Promise((next) => setTimeout(next, 10));
        return user;""", address(stack))
    tab.driver.refresh()
    said = run(tab, """
        const parley = new Parley({ url: stack });
        const restored = await parley.restore();
        const waiting = parley.outbox.map(({ msg }) => msg);
        while (parley.outbox.length > 0) await new Promise((next) => setTimeout(next, 10));
        const peer = { user: `ben-of-${parley.user}`.slice(0, 60) };
        const { entries } = await parley.history(peer);
        return [restored, parley.user, waiting, entries.map(({ msg }) => msg)];""", address(stack))
    assert said == ["resumed", user, ["one", "two"], ["one", "two"]]


def test_two_tabs_hold_one_login_in_turn(tab, stack):
    driver = tab.driver
    run(tab, """
        window.parley = new Parley({ url: stack });
        await parley.signIn({ user: `anna-${crypto.randomUUID()}` });""", address(stack))
    first = driver.current_window_handle
    driver.switch_to.new_window("tab")
    driver.get(tab.address)
    assert run(tab, """
        window.parley = new Parley({ url: stack });
        return [await parley.restore(), parley.state.name];""", address(stack)) == ["held", "signed_out"]
    connected = """
        while (parley.state.name !== "connected") await new Promise((next) => setTimeout(next, 10));"""
    replaced = connected.replace("connected", "replaced")
    run(tab, "await parley.takeOver();" + connected)
    second = driver.current_window_handle
    driver.switch_to.window(first)
    run(tab, replaced)
    run(tab, "await parley.takeOver();" + connected)
    driver.switch_to.window(second)
    run(tab, replaced)
    # The tab that has the login is closed: the other page gets it when it is loaded again.
    driver.switch_to.window(first)
    driver.close()
    driver.switch_to.window(second)
    driver.refresh()
    assert run(tab, """
        window.parley = new Parley({ url: stack });
        return parley.restore();""", address(stack)) == "resumed"
    run(tab, connected)
