"""Heads of HTTP requests, and frames of WebSockets, as no client of ours sends them: each gets an
answer, on the plain port and over TLS, from a socket's first request and from a later one."""

import contextlib
import socket
import ssl

import pytest
from parley_stack import DEADLINE, Stack
from parley_tls import Certificate

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
UPGRADE = (b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
           b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")
TOO_LARGE, BAD, FINE, OPEN = 431, 400, 200, 101

HEADS = {
    "long header": (HEALTH + b"Cookie: " + b"x" * 65536 + b"\r\n\r\n", TOO_LARGE),
    "a megabyte": (HEALTH + b"Cookie: " + b"x" * 1000000, TOO_LARGE),
    "long target": (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", TOO_LARGE),
    "many headers": (HEALTH + b"b: c\r\n" * 2000 + b"\r\n", TOO_LARGE),
    "no end": (HEALTH + b"b: " + b"x" * 8192, TOO_LARGE),
    "upgrade, long cookie": (UPGRADE + b"Cookie: " + b"x" * 20000 + b"\r\n\r\n", TOO_LARGE),
    "upgrade, cookie": (UPGRADE + b"Cookie: " + b"x" * 6000 + b"\r\n\r\n", OPEN),
    "upgrade, long subprotocol": (
        UPGRADE + b"Sec-WebSocket-Protocol: " + b"x" * 2000 + b"\r\n\r\n", OPEN),
    "upgrade, many subprotocols": (
        UPGRADE + b"Sec-WebSocket-Protocol: a" + b", bc" * 500 + b"\r\n\r\n", OPEN),
    "prefix a": (HEALTH + b"a: b\r\n\r\n", FINE),
    "prefix x": (HEALTH + b"x: b\r\n\r\n", FINE),
    "prefix acc": (HEALTH + b"acc: b\r\n\r\n", FINE),
    "prefix in an upgrade": (UPGRADE + b"sec-websocket: b\r\nx:\r\n\r\n", OPEN),
    "no request": (b"HELO localhost\r\n\r\n", BAD),
    "bare line feeds": (HEALTH + b"b: c\n\n", BAD),
    "two hosts": (HEALTH + b"host: another\r\n\r\n", BAD),
    "upgrade, two hosts": (UPGRADE + b"host: another\r\n\r\n", BAD),
    "control characters": (HEALTH + b"b: \x01\r\n\r\n", BAD),
}

ports = pytest.mark.parametrize("port", ("http", "https"))
befores = pytest.mark.parametrize("before", (0, 2), ids=("first", "later"))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return Certificate(tmp_path_factory.mktemp("heads") / "first")


@pytest.fixture(scope="module")
def stack(database, certificate):
    """In place of the run's, with a certificate."""
    with Stack(database, login_timeout_ms=6000, **certificate.settings()) as running:
        yield running


class Client:
    """A socket, be it plain or TLS."""

    def __init__(self, stack, certificate, port):
        self.socket = socket.create_connection((stack.host, stack.ports[port]), DEADLINE)
        if port == "https":
            context = ssl.create_default_context(cafile=certificate.path)
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self.got = b""

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.socket.close()

    def read(self, enough):
        while not enough(self.got):
            part = self.socket.recv(65536)
            assert part, f"closed behind {self.got[-300:]!r}"
            self.got += part

    def answer(self):
        """Its status, and what is said for it."""
        self.read(lambda got: b"\r\n\r\n" in got)
        head, _, self.got = self.got.partition(b"\r\n\r\n")
        fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
        length = int(fields.get(b"Content-Length", 0))
        self.read(lambda got: len(got) >= length)
        body, self.got = self.got[:length], self.got[length:]
        return int(head.split()[1]), body

    def warm_up(self, requests):
        for _ in range(requests):
            self.socket.sendall(HEALTH + b"\r\n")
            assert self.answer() == (FINE, b"ok\n")

    def has_ended(self):
        """Not by a reset: nothing that was sent is lost."""
        with contextlib.suppress(ssl.SSLZeroReturnError):
            return self.socket.recv(1) == b""
        return True


@ports
@befores
@pytest.mark.parametrize("name", HEADS)
def test_each_head_is_answered(stack, certificate, port, before, name):
    sent, expected = HEADS[name]
    with Client(stack, certificate, port) as client:
        client.warm_up(before)
        client.socket.sendall(sent)
        status, body = client.answer()
        assert status == expected
        if status >= 400:
            assert body.endswith(b".\n") and client.has_ended()


@ports
def test_heads_arrive_slowly(stack, certificate, port):
    """In pieces, each in a record of its own: good ones, and one that is refused at last."""
    with Client(stack, certificate, port) as client:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(2):
            for byte in HEALTH + b"x: y\r\n\r\n":
                client.socket.sendall(bytes([byte]))
            assert client.answer() == (FINE, b"ok\n")
        for _ in range(20):
            client.socket.sendall(b"GET /" + b"x" * 500 if _ == 0 else b"x" * 500)
        assert client.answer()[0] == TOO_LARGE


@ports
def test_answers_are_in_order(stack, certificate, port):
    """All at once: good requests in front of a bad one are answered first."""
    with Client(stack, certificate, port) as client:
        client.socket.sendall(3 * (HEALTH + b"a: b\r\n\r\n") + b"nonsense\r\n\r\n")
        assert [client.answer()[0] for _ in range(4)] == [FINE, FINE, FINE, BAD]
        assert client.has_ended()


@ports
def test_a_head_that_never_ends_is_answered_by_the_close(stack, certificate, port):
    """Each further request has its time, too; it does not begin anew with each byte."""
    with Client(stack, certificate, port) as client:
        client.warm_up(1)
        client.socket.sendall(HEALTH)
        assert client.has_ended()


@ports
@pytest.mark.parametrize("frame", (b"\x81\x02{}", b"\x81\x7e\x00\x7e{}", b"\x89\x00", b"\x88\x00"))
def test_frames_without_a_mask(stack, certificate, port, frame):
    """The first frame, and a later one."""
    for before in (b"", b"\x8a\x80mask"):
        with Client(stack, certificate, port) as client:
            client.socket.sendall(UPGRADE + b"\r\n")
            assert client.answer()[0] == OPEN
            client.socket.sendall(before)
            client.socket.sendall(frame)
            client.read(lambda got: len(got) >= 4 and len(got) >= 2 + got[1])
            assert client.got[0] == 0x88 and client.got[2:4] == (1002).to_bytes(2, "big")
