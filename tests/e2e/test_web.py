"""The page that the gateway serves over HTTP, as browsers and others ask for it."""

import gzip
import http.client
import json
import signal
import socket

import pytest
from parley_stack import Service, free_port, programs, wait_until

INDEX = "<!doctype html><title>a page</title>\n"
SCRIPT = "console.log(1);\n" * 200
LONG = b"0123456789abcdef" * (3 << 16)


class Page:
    """A gateway of the stack that serves files of its own."""

    def __init__(self, stack, folder, **settings):
        self.root = folder / "web"
        (self.root / "app").mkdir(parents=True)
        (self.root / "index.html").write_text(INDEX)
        (self.root / "app/main.js").write_text("// Left out.\n" + SCRIPT)
        (self.root / "long.css").write_bytes(LONG)
        (self.root / "notes.txt").write_text("not for clients")
        (self.root.parent / "secret.html").write_text("not for clients")
        self.port = free_port()
        ports = {"HTTP": self.port} | {name: free_port() for name in ("GATEWAY", "TCP", "YOUIM")}
        environment = stack.environment | {f"PARLEY_{n}_PORT": str(p) for n, p in ports.items()}
        self.service = Service("page", programs() / "parley-gateway", environment, folder)
        self.service.start(web_root=self.root, **settings)

    def connection(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def ask(self, path, method="GET", connection=None, **headers):
        """The answer, and its body."""
        connection = connection or self.connection()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers=named)
        answer = connection.getresponse()
        return answer, answer.read()

    def raw(self, request):
        """All that is answered until the end, which the request has to ask for."""
        with socket.create_connection(("127.0.0.1", self.port), 60) as plain:
            plain.sendall(request)
            return b"".join(iter(lambda: plain.recv(65536), b""))


@pytest.fixture(scope="module")
def page(stack, tmp_path_factory):
    one = Page(stack, tmp_path_factory.mktemp("page"), server_name='The "Page" 你好', demo="true")
    yield one
    assert one.service.end() == 0


def test_headers(page):
    answer, body = page.ask("/?as=anna")
    assert answer.status == 200 and body.decode() == INDEX
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    policy = dict(
        part.strip().partition(" ")[::2]
        for part in answer.headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert page.ask("/app/main.js")[0].headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert page.ask("/long.css")[0].headers["Content-Type"] == "text/css; charset=utf-8"


def test_one_connection_for_all(page):
    """Known files are not sent again, compressed ones have the same bytes, HEAD has none."""
    connection = page.connection()
    answer, body = page.ask("/app/main.js", connection=connection)
    plain = connection.sock
    tag, length = answer.headers["ETag"], answer.headers["Content-Length"]
    assert int(length) == len(body) and body.decode() == "\n" + SCRIPT
    answer, nothing = page.ask("/app/main.js", "HEAD", connection)
    assert (answer.headers["ETag"], answer.headers["Content-Length"], nothing) == (tag, length, b"")
    answer, nothing = page.ask("/app/main.js", connection=connection, If_None_Match=tag)
    assert (answer.status, answer.headers["ETag"], nothing) == (304, tag, b"")
    answer, small = page.ask("/app/main.js", connection=connection, Accept_Encoding="gzip, br;q=0")
    assert answer.headers["Content-Encoding"] == "gzip" and answer.headers["ETag"] != tag
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert len(small) < len(body) and gzip.decompress(small) == body
    answer, smallest = page.ask("/app/main.js", connection=connection, Accept_Encoding="gzip, br")
    assert answer.headers["Content-Encoding"] == "br" and answer.headers["Vary"] == "Accept-Encoding"
    assert len(smallest) < len(small)
    tags = {tag, answer.headers["ETag"], page.ask("/app/main.js", Accept_Encoding="gzip")[0].headers["ETag"]}
    assert len(tags) == 3
    known = answer.headers["ETag"]
    answer, nothing = page.ask("/app/main.js", Accept_Encoding="br", If_None_Match=known)
    assert (answer.status, answer.headers["ETag"], nothing) == (304, known, b"")
    answer, same = page.ask("/app/main.js", connection=connection, Accept_Encoding="gzip;q=0")
    assert "Content-Encoding" not in answer.headers and same == body
    assert page.ask("/long.css", connection=connection)[1] == LONG
    assert connection.sock is plain


def test_missing_files(page):
    for path in ("/nothing", "/notes.txt", "/app", "/app/", "/app/main", "/index.html/"):
        assert page.ask(path)[0].status == 404, path
    secrets = (b"/../secret.html", b"/%2e%2e/secret.html", b"/app/..%2f../../secret.html",
               b"//../secret.html", b"/secret.html", b"/..\\secret.html", b"/notes.txt%00.html",
               b"/" + b"a" * 9000, b"/" + b"../" * 300 + b"etc/passwd")
    for path in secrets:
        got = page.raw(b"GET " + path + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert b" 200 " not in got and b"not for clients" not in got, path
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        answer, _ = page.ask("/", method)
        assert answer.status == 405 and answer.headers["Allow"] == "GET, HEAD", method
    assert page.ask("/")[0].status == 200


def test_info(page, stack):
    answer, body = page.ask("/api/info")
    info = json.loads(body)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert info["name"] == 'The "Page" 你好'
    assert (info["registration"], info["demo"]) == ("open", True)
    assert (info["recall_minutes"], info["edit_minutes"]) == (2, 15)
    assert info["version"] == stack.ctl("--version").stdout.split()[-1]
    assert info["limits"]["object_bytes"] == 65536 and info["limits"]["text_bytes"] == 65000
    plain = http.client.HTTPConnection("127.0.0.1", stack.ports["http"], timeout=60)
    info = json.loads(page.ask("/api/info", connection=plain)[1])
    assert (info["name"], info["demo"]) == ("parley", False)
    # Without a page, the answer explains what this is.
    assert page.ask("/", connection=plain)[1].startswith(b"This is parley")
    assert page.ask("/index.html", connection=plain)[0].status == 404


def test_a_slow_reader_keeps_nobody_waiting(page):
    with socket.create_connection(("127.0.0.1", page.port), 60) as slow:
        slow.sendall(b"GET /long.css HTTP/1.1\r\nHost: a\r\n\r\n" * 8)
        for _ in range(20):
            assert page.ask("/")[1].decode() == INDEX
        assert slow.recv(15) == b"HTTP/1.1 200 OK"


def test_sighup_reads_the_files_again(page):
    (page.root / "index.html").write_text("new")
    (page.root / "more.json").write_text("{}")
    assert page.ask("/")[1].decode() == INDEX
    page.service.process.send_signal(signal.SIGHUP)
    wait_until(lambda: page.ask("/")[1] == b"new", "the new page")
    assert page.ask("/more.json")[1] == b"{}"
    (page.root / "index.html").unlink()
    page.service.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "event=web_root_failed" in page.service.said(), "a line about it")
    assert page.ask("/")[1] == b"new"
    (page.root / "index.html").write_text(INDEX)
    page.service.process.send_signal(signal.SIGHUP)
    wait_until(lambda: page.ask("/")[1].decode() == INDEX, "the page from before")


def test_a_bad_folder_ends_the_start(page, tmp_path):
    service = Service("bad", page.service.program, page.service.environment, tmp_path)
    service.start(web_root=tmp_path / "nothing", wait=False)
    assert service.wait_exit() == 1
    lines = [line for line in service.said().splitlines() if "level=error" in line]
    assert len(lines) == 1 and "web_root_failed" in lines[0] and "No such file" in lines[0]
