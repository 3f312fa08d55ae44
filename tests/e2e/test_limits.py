"""Limits per address and per account, with real addresses: 127.0.0.x and ::1."""

import contextlib
import json
import socket
import time

import pytest
from parley_stack import wait_until

DEADLINE = 60
FULL = "there are too many connections from your address"


@pytest.fixture
def limited(make_stack):
    return make_stack(
        connections_per_address=3,
        registrations_per_address=1,
        texts_per_minute=60,
    )


class Caller:
    """A client over TCP, from an address of its own."""

    def __init__(self, stack, source="127.0.0.1", port="tcp"):
        host = "::1" if ":" in source else stack.host
        self.socket = socket.create_connection(
            (host, stack.ports[port]), DEADLINE, source_address=(source, 0)
        )
        self.lines = self.socket.makefile("rb")

    def say(self, **message):
        self.socket.sendall(json.dumps(message).encode())

    def hear(self):
        """The next object; None: the server has closed."""
        line = self.lines.readline()
        return json.loads(line) if line else None

    def log_in(self, user, **more):
        self.say(msgType=1, msgBody={"loginUserId": user, **more})
        answer = self.hear()
        assert answer["resultCode"] == "success", answer
        return answer["token"]

    def close(self):
        self.lines.close()
        self.socket.close()


@pytest.fixture
def call(limited):
    with contextlib.ExitStack() as opened:

        def one(*arguments, **options):
            caller = Caller(limited, *arguments, **options)
            opened.callback(caller.close)
            return caller

        yield one


def refusals(stack, limit):
    return stack.metric("gateway", f'limited_total{{limit="{limit}"}}')


def is_in(caller):
    """Whether the server takes it for a connection: it answers."""
    caller.say(hello=1)
    answer = caller.hear()
    return answer is not None and answer["error"] != FULL


def test_connections_of_an_address(limited, call):
    """IPv4 addresses count alone, ::1 with its /64; requests over HTTP still get through."""
    for source in ("127.0.0.2", "127.0.0.3", "::1"):
        callers = [call(source) for _ in range(3)]
        assert all(map(is_in, callers))
        refused = call(source)
        assert refused.hear() == {"error": FULL}
        assert refused.hear() is None
        # YouIM's framing: type 101, and its length.
        framed = call(source, port="youim")
        head = framed.lines.read(5)
        body = json.loads(framed.lines.read(int.from_bytes(head[1:], "big")))
        assert head[0] == 101 and body["msg"] == FULL
        # WebSocket: a close frame with 1013 and the reason.
        web = call(source, port="http")
        web.socket.sendall(
            b"GET / HTTP/1.1\r\nHost: parley\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        while web.lines.readline() != b"\r\n":
            pass
        assert web.lines.read(2)[0] == 0x88
        assert int.from_bytes(web.lines.read(2), "big") == 1013
        assert web.lines.read(len(FULL)) == FULL.encode()
        page = call(source, port="http")
        page.socket.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert b" 200 " in page.lines.readline()
        callers[0].close()
        wait_until(lambda source=source: is_in(call(source)), "a place to be free")
    assert refusals(limited, "connections_per_address") >= 9
    assert limited.metric("gateway", "connections_refused_total") == 0


def test_registrations_of_an_address(limited, call):
    """Five at least, since the limit is one a minute; other addresses go on."""

    def register(caller, user):
        caller.say(msgType=113, msgBody={"userId": user})
        caller.say(msgType=1, msgBody={"loginUserId": user})
        return caller.hear()

    for number in range(30):
        caller = call("127.0.0.4")
        answer = register(caller, f"four{number}")
        if answer["msgType"] != 2:
            break
        assert answer["resultCode"] == "success"
        caller.close()
    assert number >= 5
    assert answer["msgType"] == 101 and "too many new accounts from this address" in answer["msg"]
    assert caller.hear()["resultCode"] == "fail"  # there is no such account
    assert refusals(limited, "registrations_per_address") == 1
    assert register(call("127.0.0.5"), "five")["resultCode"] == "success"
    assert register(call("::1"), "six")["resultCode"] == "success"


def test_texts_of_an_account_keep_their_order(limited, call):
    """A client that waits as it is told, and sends what was refused again, loses nothing."""
    anna, ben = call("127.0.0.6"), call("127.0.0.6")
    for name in ("anna", "ben"):
        limited.ctl("user", "add", name)
    token = anna.log_in("anna", ext=1)
    ben.log_in("ben")
    texts = [str(number) for number in range(63)]
    waiting, throttled = texts, 0
    while waiting:
        body = {"token": token, "fromUserId": "anna", "toUserId": "ben"}
        sent = [{"msgType": 5, "ref": text, "msgBody": body | {"msg": text}} for text in waiting]
        anna.socket.sendall("".join(map(json.dumps, sent)).encode())
        answers = {}
        while len(answers) < len(waiting):
            answer = anna.hear()
            if answer["msgType"] == 300:
                answers[answer["ref"]] = answer
        refused = [text for text in waiting if not answers[text]["ok"]]
        assert {answers[text]["error"] for text in refused} <= {"throttled"}
        assert refused == waiting[len(waiting) - len(refused) :], "a later text was taken"
        waiting = refused
        throttled += len(refused)
        if refused:
            again = time.monotonic() + int(answers[refused[0]]["text"].split()[-2])
            wait_until(lambda again=again: time.monotonic() >= again, "the time that it named")
    assert throttled > 0
    assert [ben.hear()["msg"] for _ in texts] == texts
    assert refusals(limited, "texts_per_minute") == throttled
