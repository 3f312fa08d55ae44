"""Unusual input: numbers as strings, unknown fields, unusual texts, and bytes that are no JSON."""

import secrets

import pytest
from parley_client import KINDS, TRANSPORTS, compact
from websockets.frames import Frame, Opcode

kinds = pytest.mark.parametrize("kind", KINDS, ids="-".join)
transports = pytest.mark.parametrize("transport", TRANSPORTS)

MALFORMED = ["{", "[1]", "nothing", '{"code":}', '{"a":1,}', "{'code':0}", '"text"', '{"code":01}']


# --- accepted input


@transports
def test_ourchat_numbers_may_be_strings(newcomer, connect, transport):
    friend = newcomer("youim", transport)
    client = connect("ourchat", transport)
    account = client.register_new()
    login = {"account": int(account.id), "password": account.password}
    client.send({"code": "6", "time": "yesterday", "data": login})
    client.expect(7, state=0)
    sender = {"ocid": account.id, "private_id": str(friend.account.number)}
    client.send({"code": "0", "time": 1700000000.25, "data": {"sender": sender, "msg": "hello"}})
    client.hear(account, friend.account, "hello")
    friend.hear(account, friend.account, "hello")
    client.send({"code": "8", "data": {"group_name": 2024, "ocid": account.id}})
    client.expect(10, group_name="2024", ocid=account.number)


@transports
def test_youim_numbers_may_be_numbers(newcomer, transport):
    friend = newcomer("ourchat", transport)
    client = newcomer("youim", transport)
    for number in (5, "5", 5.0):
        body = client.saying(friend.account, "hello")["msgBody"]
        body["toUserId"] = friend.account.number
        client.send({"msgType": number, "msgBody": body})
        friend.hear(client.account, friend.account, "hello")


@kinds
def test_unknown_fields_are_ignored(newcomer, kind):
    client, friend = newcomer(*kind), newcomer(*kind)
    message = client.saying(friend.account, "hello")
    body = message["msgBody" if client.dialect == "youim" else "data"]
    body |= {"cid": 7, "extra": {"deep": [1, {"a": None}]}, "group_id": None, "": ""}
    client.send({"version": 3, **message, "data2": [], "ext": 1})
    client.hear_own(friend.account, "hello")
    friend.hear(client.account, friend.account, "hello")


TEXTS = [
    "😀 👩‍👩‍👧 \U0010ffff \uffff",
    "\"quotes\" and \\backslashes\\ and /slashes/",
    "control \u0001\u0008\t\n\u000b\u000c\r\u001f \u007f \u0080 \u2028",
    "{\"code\":0,\"data\":{}}",
    "  spaces  ",
    "' OR 1=1; -- %s %d %n",
    "مرحبا בְּרֵאשִׁית e\u0301",
    "0",
    "汉" * 20000,
    "x" * 60000,
]


@kinds
def test_unusual_texts(newcomer, connect, stack, kind):
    """Every character arrives as it was sent, live and from the log."""
    client, friend = newcomer("ourchat", "tcp"), newcomer(*kind)
    for text in TEXTS:
        client.say(friend.account, text)
        client.hear(client.account, friend.account, text)
        friend.hear(client.account, friend.account, text)
        friend.say(client.account, text)
        client.hear(friend.account, client.account, text)
        friend.hear_own(client.account, text)
    stack.wait_received(friend.account)
    friend.close()
    for text in TEXTS:
        client.say(friend.account, text)
        client.hear(client.account, friend.account, text)
    again = connect(*kind)
    again.log_in(friend.account)
    for text in TEXTS:
        again.hear(client.account, friend.account, text)
    again.expect_nothing()


@transports
def test_escapes_in_json(newcomer, transport):
    client, friend = newcomer("youim", transport), newcomer("youim", transport)
    request = compact(client.saying(friend.account, "MARK"))
    for escaped, text in (
        (r"\u0041\u00e9\u4e2d", "A\u00e9\u4e2d"),
        (r"\ud83d\ude00", "\U0001f600"),
        (r"\"\\\/\b\f\n\r\t", "\"\\/\b\f\n\r\t"),
    ):
        client.send(request.replace("MARK", escaped))
        friend.hear(client.account, friend.account, text)
    for escaped in (r"a\u0000b", r"\ud83d", r"\ude00", r"\ud83dx", r"\x41", "\\"):
        client.send(request.replace("MARK", escaped) + ('"}}' if escaped == "\\" else ""))
        message = client.next()
        assert message["msgType"] == 101, message
    client.fence()
    friend.fence()


@kinds
def test_nul_is_refused(stack, newcomer, kind):
    client, friend = newcomer(*kind), newcomer(*kind)
    text = secrets.token_hex(8)
    client.say(friend.account, text + "\0")
    client.expect_error("msg holds a NUL character")
    client.say(friend.account, "after")
    client.hear_own(friend.account, "after")
    friend.hear(client.account, friend.account, "after")
    assert stack.stored(text) == 0


# --- refused input


@transports
def test_errors_before_a_dialect(connect, transport):
    client = connect("youim", transport)
    for text in ('{"hello":1}', "{}", '{"msgBody":{}}', '{"error":1} '):
        client.send(text)
        answer = client.next()
        assert list(answer) == ["error"] and isinstance(answer["error"], str), answer
    # The next valid object still chooses.
    client.fence()


@kinds
def test_malformed_objects_are_answered_in_the_dialect(newcomer, kind):
    client, friend = newcomer(*kind), newcomer("youim")
    if client.transport == "websocket":
        for text in MALFORMED:
            client.send(text)
            client.expect_error("")
            client.fence()
    for text in ('{"code":0,"msgType":5,', '{"a":"\u0001"}', '{"a":[1}', '{"a":nul}'):
        client.send(text + ("}" if text.endswith(",") else ""))
        client.expect_error("")
        client.fence()
    client.say(friend.account, "still here")
    friend.hear(client.account, friend.account, "still here")


@transports
def test_ten_malformed_objects_in_a_row_end_the_connection(connect, transport):
    client = connect("youim", transport)
    for _ in range(9):
        client.send('{"a":}')
    for _ in range(9):
        assert list(client.next()) == ["error"]
    client.fence()
    for _ in range(10):
        client.send('{"a":}')
    for _ in range(10):
        client.expect_error("JSON")
    assert client.expect_closed() == (1008 if transport == "websocket" else "eof")


def nested(depth):
    """An object of that many levels, itself included, that is good but for it."""
    return '{"msgType":"1000","x":' + "[" * (depth - 1) + "]" * (depth - 1) + "}"


@kinds
def test_depth(newcomer, kind):
    client = newcomer(*kind)
    client.send(nested(16).replace("msgType", client.number_key))
    client.expect_error("1000")
    client.send(nested(17).replace("msgType", client.number_key))
    client.expect_error("deeper than 16")
    client.send('{"x":' * 400 + "1" + "}" * 400)
    client.expect_error("deeper than 16")
    client.fence()


@transports
def test_size(newcomer, transport):
    client, friend = newcomer("youim", transport), newcomer("youim", transport)
    room = 65536 - len(compact(client.saying(friend.account, "")))
    client.say(friend.account, "x" * 65000)
    friend.hear(client.account, friend.account, "x" * 65000)
    client.send(compact(client.make(1000, x="y" * (room // 2))))
    client.expect_error("1000")
    padded = compact(client.make(1001, x=""))
    padded = padded.replace('"x":""', '"x":"' + "y" * (65536 - len(padded)) + '"')
    assert len(padded) == 65536
    client.send(padded)
    client.expect_error("1001")
    client.send(padded.replace("yy", "yyy", 1))
    client.expect_error("65536 bytes")
    assert client.expect_closed() == (1009 if transport == "websocket" else "eof")
    friend.fence()


@transports
def test_endless_input_is_cut(connect, transport):
    client = connect("ourchat", transport)
    if transport == "websocket":
        head = Frame(Opcode.TEXT, b'{"code":"', fin=False).serialize(mask=True)
        more = Frame(Opcode.CONT, b"9" * 30000, fin=False).serialize(mask=True)
    else:
        head, more = b'{"code":"', b"9" * 30000
    client.send_bytes(head)
    for _ in range(3):
        client.send_bytes(more)
    assert list(client.next()) == ["error"]
    assert client.expect_closed() == (1009 if transport == "websocket" else "eof")


INVALID_UTF8 = [b"\xff", b"\xc3", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"]


@pytest.mark.parametrize("data", INVALID_UTF8, ids=repr)
def test_websocket_text_that_is_not_utf8(newcomer, data):
    client = newcomer("youim", "websocket")
    text = b'{"msgType":"5","msgBody":{"msg":"' + data + b'"}}'
    client.send_bytes(Frame(Opcode.TEXT, text).serialize(mask=True))
    client.expect_error("UTF-8")
    assert client.expect_closed() == 1007


@pytest.mark.parametrize("data", INVALID_UTF8, ids=repr)
def test_tcp_text_that_is_not_utf8(newcomer, data):
    client = newcomer("youim", "tcp")
    client.send_bytes(b'{"msgType":"5","msgBody":{"msg":"' + data + b'"}}')
    client.expect_error("UTF-8")
    client.fence()


def test_garbage_on_the_tcp_port(connect):
    client = connect("youim", "tcp")
    client.send_bytes(b"GET / HTTP/1.1\r\nHost: parley\r\n\r\n")
    assert list(client.next()) == ["error"]
    client.abort()
