"""Requests that are sent without waiting for answers take effect in their order."""

import json
import secrets

import pytest
from parley_client import KINDS, TRANSPORTS, Account, Group, compact
from websockets.frames import Frame, Opcode

pytestmark = pytest.mark.speed


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_youim_registration_and_login_in_one_write(connect, transport):
    client = connect("youim", transport)
    for _ in range(3):
        string_id = f"quick-{secrets.token_hex(4)}"
        client.send(client.registration(string_id), client.make(1, loginUserId=string_id))
        token = client.expect(2, resultCode="success")["token"]
        client.send(
            client.make(9, token=token, logoutUserId=string_id),
            client.registration(string_id),
            client.make(1, loginUserId=string_id),
        )
        client.expect_exactly({"msgType": 10})
        client.expect_error("taken")
        token = client.expect(2, resultCode="success")["token"]
        client.send(client.make(9, token=token, logoutUserId=string_id))
        client.expect_exactly({"msgType": 10})


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_youim_group_and_text_in_one_write(newcomer, transport):
    client = newcomer("youim", transport)
    group = Group(0, f"quick-{secrets.token_hex(4)}", "")
    client.send(
        client.acting(114, ownerId=client.account.id, groupId=group.id),
        client.saying(group, "first"),
        client.saying(group, "second"),
    )
    client.hear(client.account, group, "first")
    client.hear(client.account, group, "second")
    client.fence()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_youim_everything_in_one_write(connect, transport):
    """Registering, logging in, and requests that fail for want of the token are answered in their order."""
    client = connect("youim", transport)
    string_id = f"quick-{secrets.token_hex(4)}"
    client.send(
        client.registration(string_id),
        client.make(1, loginUserId=string_id),
        client.make(114, token="guessed", ownerId=string_id, groupId=string_id),
        client.make(7, token="guessed", toGroup=string_id, msg="no", fromUserId=string_id),
        client.make(99),
        client.registration(string_id),
    )
    client.expect(2, resultCode="success")
    client.expect_error("token")
    client.expect_error("token")
    client.expect_error("taken")
    client.fence()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_ourchat_registration_login_and_group_in_one_write(connect, transport):
    client = connect("ourchat", transport)
    email, password = f"{secrets.token_hex(6)}@example.org", secrets.token_hex(32)
    client.send(
        client.make(4, email=email, password=password, name="quick"),
        client.make(6, account=email, password=password),
        client.make(6, account=email, password=password),
    )
    number = client.expect(5, state=0)["data"]["ocId"]
    client.expect(7, state=0, ocid=number)
    client.expect(7, state=2)
    client.account = Account("ourchat", number, str(number))
    client.send(client.make(8, group_name="one", ocid=number))
    client.send(client.make(8, group_name="two", ocid=number), client.make(8, ocid=number))
    client.expect(10, group_name="one", ocid=number)
    client.expect(10, group_name="two", ocid=number)
    client.expect_error("group_name is missing")


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_more_texts_than_the_window_in_one_write(newcomer, kind):
    client, friend = newcomer(*kind), newcomer("ourchat", "tcp")
    texts = [f"w{number}" for number in range(500)]
    client.send(*[client.saying(friend.account, text) for text in texts])
    for text in texts:
        friend.hear(client.account, friend.account, text)
    if client.dialect == "ourchat":
        for text in texts:
            client.hear(client.account, friend.account, text)
    client.fence()
    friend.fence()


def test_texts_and_faults_in_one_write(newcomer):
    """Faults between good texts are each answered, and hinder none of them."""
    client, friend = newcomer("youim", "tcp"), newcomer("youim", "tcp")
    messages = []
    for number in range(30):
        messages.append(client.saying(friend.account, f"t{number}"))
        messages.append(client.saying(client.account, "to myself"))
    client.send(*messages)
    for _ in range(30):
        client.expect_error("yourself")
    for number in range(30):
        friend.hear(client.account, friend.account, f"t{number}")


def test_tcp_objects_in_any_pieces(connect):
    """Objects may be cut anywhere, and stand next to each other with or without white space."""
    client = connect("youim", "tcp")
    string_id = f"pieces-{secrets.token_hex(4)}"
    stream = compact(client.registration(string_id))
    stream += json.dumps(client.make(1, loginUserId=string_id), indent=4)
    for byte in stream.encode():
        client.send_bytes(bytes([byte]))
    client.expect(2, resultCode="success")
    for separator in ("", " ", "\n", "\r\n", "\t \n\n"):
        client.send_bytes((separator + '{"msgType":"1000"}').encode())
        client.expect_error("1000")


def test_a_tcp_client_that_has_closed_its_half(connect):
    """As `nc` does at the end of its input: its requests are still answered."""
    client = connect("youim", "tcp")
    string_id = f"brief-{secrets.token_hex(4)}"
    client.send(client.registration(string_id), client.make(1, loginUserId=string_id))
    client.finish_writing()
    client.expect(2, resultCode="success")
    assert client.expect_closed() == "eof"


def test_websocket_messages_in_fragments(connect):
    client = connect("youim", "websocket")
    string_id = f"pieces-\u00e9-{secrets.token_hex(4)}"
    for message in (client.registration(string_id), client.make(1, loginUserId=string_id)):
        # Cut within a character, with a ping in between.
        text = compact(message).encode()
        cut = text.index("\u00e9".encode()) + 1
        frames = [
            Frame(Opcode.TEXT, text[:cut], fin=False),
            Frame(Opcode.PING, b"still there?"),
            Frame(Opcode.CONT, b"", fin=False),
            Frame(Opcode.CONT, text[cut:]),
        ]
        for byte in b"".join(frame.serialize(mask=True) for frame in frames):
            client.send_bytes(bytes([byte]))
    client.expect(2, resultCode="success")
