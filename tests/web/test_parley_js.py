"""parley.js against real services: every method, the example of its page, and bad days."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import threading
import time

from parley_files import png
from parley_stack import DEADLINE, ROOT

SCRIPTS = ROOT / "tests/web/stack"
PAGE = ROOT / "docs/parley.js.md"


def address(stack):
    return f"ws://{stack.host}:{stack.ports['http']}/"


def run_node(*arguments, **environment):
    done = subprocess.run(["node", *map(str, arguments)], env=os.environ | environment, cwd=ROOT, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=5 * DEADLINE)
    assert done.returncode == 0, done.stdout
    return done.stdout


class Flood:
    """Two clients, of which one writes `count` numbered texts to each of two conversations."""

    def __init__(self, url, count):
        self._program = subprocess.Popen(
            ["node", str(SCRIPTS / "flood.mjs"), url, str(count)], cwd=ROOT, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._watchdog = threading.Timer(5 * DEADLINE, self._program.kill)
        self._watchdog.start()
        self._lines = []

    def wait_stored(self, number):
        """Until so many are stored."""
        for line in self._program.stdout:
            self._lines.append(line)
            if line.startswith("stored") and int(line.split()[1]) >= number:
                return
        raise AssertionError("".join(self._lines))

    def wait_end(self):
        """How many breaks the writer saw; every text arrived once."""
        self._lines += self._program.stdout.readlines()
        assert self._program.wait() == 0, "".join(self._lines)
        return int(re.search(r"all arrived, (\d+) breaks", self._lines[-1]).group(1))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._watchdog.cancel()
        if self._program.poll() is None:
            self._program.send_signal(signal.SIGKILL)
        self._program.wait()
        self._program.stdout.close()


class RoughLine:
    """A TCP proxy in front of the gateway whose links can be cut, or go silent without an end."""

    def __init__(self, host, port):
        self._far = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._links = []
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                link = {"ends": (near, socket.create_connection(self._far)), "silent": False}
                self._links.append(link)
                for one, other in (link["ends"], link["ends"][::-1]):
                    threading.Thread(target=self._pass_on, args=(link, one, other), daemon=True).start()

    @staticmethod
    def _pass_on(link, one, other):
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                if not link["silent"]:
                    other.sendall(data)
        for end in link["ends"]:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self):
        links, self._links = self._links, []
        for link in links:
            for end in link["ends"]:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def silence(self):
        links, self._links = self._links, []
        for link in links:
            link["silent"] = True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.close()
        self.cut()


def test_every_method(stack):
    run_node("--test", SCRIPTS / "talk.mjs", PARLEY_URL=address(stack))


def test_files(stack, tmp_path):
    picture = tmp_path / "sea.png"
    picture.write_bytes(png(640, 480))
    run_node("--test", SCRIPTS / "files.mjs", PARLEY_URL=address(stack), PARLEY_PICTURE=str(picture))


def test_an_upload_goes_on_after_breaks(stack):
    size, cuts = 24 << 20, 0
    with RoughLine(stack.host, stack.ports["http"]) as line:
        with subprocess.Popen(
                ["node", str(SCRIPTS / "upload.mjs"), f"ws://127.0.0.1:{line.port}/", address(stack), str(size)],
                cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as program:
            watchdog = threading.Timer(5 * DEADLINE, program.kill)
            watchdog.start()
            said = []
            for words in program.stdout:
                said.append(words)
                sent = re.match(r"sent (\d+)", words)
                if sent and int(sent.group(1)) > size * (cuts + 1) / 4 and cuts < 2:
                    cuts += 1
                    line.cut()
            watchdog.cancel()
    assert re.fullmatch(r"the same bytes after [1-9]\d* breaks\n", said[-1]), "".join(said)


def test_the_example_of_the_page(make_stack, tmp_path):
    [example] = re.findall(r"^```js\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert len([line for line in example.splitlines() if line]) <= 30
    script = tmp_path / "hello.mjs"
    script.write_text(example.replace("./services/web/parley.js", str(ROOT / "services/web/parley.js"))
                      .replace("ws://127.0.0.1:5999/", address(make_stack())))
    assert set(run_node(script).splitlines()) == {
        '"Hello Emil" is waiting', '"Hello Emil" is stored', "emma says: Hello Emil", "emil says: Hello Emma", "2 texts"}


def test_killed_services_lose_and_double_nothing(make_stack):
    stack = make_stack()
    with Flood(address(stack), 1000) as flood:
        for stored, name in ((60, "gateway"), (140, "delivery"), (220, "gateway"), (300, "session")):
            flood.wait_stored(stored)
            stack.services[name].kill()
            stack.services[name].start()
        assert flood.wait_end() >= 2


def test_links_that_are_cut_lose_and_double_nothing(stack):
    with RoughLine(stack.host, stack.ports["http"]) as line, \
            Flood(f"ws://127.0.0.1:{line.port}/", 100) as flood:
        for stored in range(40, 200, 40):
            flood.wait_stored(stored)
            line.cut()
        assert flood.wait_end() >= 3


def test_a_link_that_goes_silent_is_given_up(stack):
    """Neither side learns of it: a sign of life without an answer does."""
    with RoughLine(stack.host, stack.ports["http"]) as line, \
            Flood(f"ws://127.0.0.1:{line.port}/", 50) as flood:
        flood.wait_stored(40)
        line.silence()
        before = time.monotonic()
        assert flood.wait_end() >= 1
        assert time.monotonic() - before > 10
