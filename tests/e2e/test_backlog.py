"""A login that asks for only a part of its backlog, and how much a login repeats at most."""

import json
import socket
import time

import pytest
from binary_wire import HEAD, frame
from parley_client import KINDS, YouIM, compact
from parley_stack import DEADLINE, wait_until

kinds = pytest.mark.parametrize("kind", KINDS, ids="-".join)
# Entries of a conversation that a client which confirms may leave unconfirmed.
MOST_UNCONFIRMED = 500
# Bytes a second of a client that reads slowly, all the time.
SLOW_RATE = 50_000


def log_in_for(client, account, backlog):
    """A login with `ext` that wants no more than so many messages of each conversation."""
    client.account, client.ext = account, True
    request = client.login_request(account)
    request["msgBody" if client.dialect == "youim" else "data"]["backlog"] = backlog
    client.send(request)
    client._expect_login()


def expect_left_out(client, peer, skipped):
    """The count that is left out of the conversation with that account, and the cid up to which."""
    body = client.body(client.expect(318))
    assert body["peer"] == {"user": client.id_of(peer)}
    assert body["skipped"] == skipped
    return body["cid"]


@pytest.fixture
def texts(newcomer):
    """Says so many texts to an account or group and waits until they are stored; the sender."""

    def say(peer, count, sender=None):
        sender = sender or newcomer("ourchat", "tcp")
        for number in range(count):
            sender.say(peer, f"text {number}")
            sender.hear_own(peer, f"text {number}")
        return sender

    return say


@kinds
@pytest.mark.parametrize("confirm", [False, True])
def test_the_newest_of_each_conversation(newcomer, connect, texts, stack, kind, confirm):
    client = newcomer(*kind)
    account = client.account
    client.close()
    many, few = texts(account, 12), texts(account, 2)
    back = connect(*kind, confirm=confirm)
    log_in_for(back, account, 3)
    left_out = expect_left_out(back, many.account, 9)
    for number in (9, 10, 11):
        back.hear(many.account, account, f"text {number}")
    for number in (0, 1):
        back.hear(few.account, account, f"text {number}")
    # Texts from then on are sent whole.
    texts(account, 5, few)
    cids = [
        back.cid_of(back.hear(few.account, account, f"text {number}")) for number in range(5)
    ]
    # Left-out texts count as received, also where nothing was confirmed.
    query = "SELECT COUNT(*) FROM `cursor` WHERE account = %s AND received = %s"
    up_to = left_out if confirm else cids[-1]
    wait_until(lambda: stack.sql(query, account.number, up_to)[0][0] == 1, "the cursor to move")
    back.close()
    again = connect(*kind, confirm=confirm, ext=True)
    again.log_in(account)
    if confirm:
        for number in (9, 10, 11):
            again.hear(many.account, account, f"text {number}")
        for number in (0, 1, *range(5)):
            again.hear(few.account, account, f"text {number}")
    again.expect_nothing()


def test_a_resumed_login_may_ask_too(newcomer, connect, texts):
    client = connect("youim", "websocket", ext=True)
    account = client.register_new()
    client.log_in()
    token = client.token
    client.close()
    sender = texts(account, 4)
    back = connect("youim", "tcp", ext=True)
    back.account = account
    request = back.resumption(token)
    request["msgBody"]["backlog"] = 1
    back.send(request)
    back._expect_login()
    expect_left_out(back, sender.account, 3)
    back.hear(sender.account, account, "text 3")


def test_without_ext_it_means_nothing(newcomer, connect, texts):
    client = newcomer("youim", "tcp")
    account = client.account
    client.close()
    sender = texts(account, 4)
    back = connect("youim", "tcp")
    back.account = account
    request = back.login_request(account)
    request["msgBody"]["backlog"] = 1
    back.send(request)
    back._expect_login()
    for number in range(4):
        back.hear(sender.account, account, f"text {number}")


def test_a_login_repeats_no_more_than_that_of_a_conversation(stack, newcomer, connect):
    client, friend = newcomer("youim", "tcp"), newcomer("ourchat", "tcp")
    account = client.account
    client.close()
    count = 3 * MOST_UNCONFIRMED
    bodies = [{"to_account": account.number, "text": f"notice {number}"} for number in range(count)]
    stack.ask("group", "group.say", bodies)
    repeated = []
    for _ in range(2):
        back = connect("youim", "websocket", confirm=True)
        back.log_in(account)
        repeated.append([back.expect(101)["msg"] for _ in range(MOST_UNCONFIRMED)])
        friend.say(account, "others go on")
        message = back.hear(friend.account, account, "others go on")
        friend.hear_own(account, "others go on")
        back.received(friend.account, back.cid_of(message), "r")
        back.close()
    assert repeated[0] == repeated[1]
    back = connect("youim", "tcp", confirm=True)
    back.log_in(account)
    heard = []
    for number in range(1, count + 1):
        message = back.expect(101)
        heard.append(message["msg"])
        if number % 100 == 0:
            back.received(account, back.cid_of(message))
    assert heard[:MOST_UNCONFIRMED] == repeated[0]
    assert sorted(heard) == sorted(body["text"] for body in bodies)
    back.received(account, back.cid_of(message), "last")
    back.close()
    back = connect("youim", "tcp", confirm=True)
    back.log_in(account)
    back.expect_nothing()


@pytest.mark.parametrize("transport", ["websocket", "tcp"])
def test_an_answer_does_not_wait_behind_a_backlog(stack, newcomer, connect, transport):
    """A client that takes nothing for a while has little before it when it asks for something."""
    count, most_before = 600, 150
    client, sender = newcomer("ourchat", transport), newcomer("ourchat", "websocket")
    account = client.account
    client.close()
    for start in range(0, count, 50):
        texts = [f"{number:01000}" for number in range(start, start + 50)]
        sender.send(*[sender.saying(account, text) for text in texts])
        for text in texts:
            sender.hear_own(account, text)
    back = connect("ourchat", transport, ext=True)
    back.account = account
    written = stack.metric("gateway", "entries_written_total")
    back.stop_reading()
    back.send(back.login_request(account))
    wait_until(
        lambda: stack.metric("gateway", "entries_written_total") > written, "the first page"
    )
    back.say(sender.account, "asked for", "r")
    query = "SELECT COUNT(*) FROM message WHERE body = %s AND sender = %s"
    wait_until(lambda: stack.sql(query, "asked for", account.number)[0][0] == 1, "the text")
    sender.hear(account, sender.account, "asked for")
    back.read_on()
    back._expect_login()
    before = 0
    while (message := back.next())["code"] != 300:
        assert message["data"]["msg"] == f"{before:01000}"
        before += 1
    assert message["data"]["ok"]
    assert before <= most_before
    for number in range(before, count):
        back.hear(sender.account, account, f"{number:01000}")
    back.hear_own(sender.account, "asked for")


class SlowReader:
    """A YouIM client over TCP whose program reads its socket at SLOW_RATE, and whose kernel buffers
    as much as it can."""

    def __init__(self, stack, framing):
        self.binary = framing == "binary"
        port = stack.ports["youim" if self.binary else "tcp"]
        self.socket = socket.create_connection((stack.host, port), DEADLINE)
        self.taken, self.input = 0, b""

    def send(self, *messages):
        encode = frame if self.binary else str.encode
        self.socket.sendall(b"".join(encode(compact(message)) for message in messages))

    def messages(self):
        """One message after the other, each with the count of bytes up to its end."""
        while True:
            while (length := self._first_length()) is not None:
                message, self.input = self.input[:length], self.input[length:]
                self.taken += length
                yield self.taken, self._decode(message)
            part = self.socket.recv(SLOW_RATE // 20)
            assert part, "the connection was closed"
            self.input += part
            time.sleep(len(part) / SLOW_RATE)

    def _first_length(self):
        if not self.binary:
            return self.input.index(b"\n") + 1 if b"\n" in self.input else None
        if len(self.input) < HEAD.size:
            return None
        length = HEAD.size + HEAD.unpack(self.input[: HEAD.size])[1]
        return length if length <= len(self.input) else None

    def _decode(self, message):
        return json.loads(message[HEAD.size if self.binary else 0 :] or b"{}")


@pytest.mark.parametrize("framing", ["lines", "binary"])
def test_a_slow_program_gets_answers_within_a_second(stack, newcomer, framing):
    """Whatever its kernel takes, less is sent ahead than it reads in a second. So it goes on: at the
    start, where nothing is known of it yet, and later."""
    count, asking_at = 400, (5_000, 60_000, 120_000, 200_000)
    friend, client = newcomer("youim", "tcp"), newcomer("youim", "tcp")
    account, maker = client.account, YouIM(stack, transport=None)
    client.close()
    bodies = [{"to_account": account.number, "text": f"{n:01000}"} for n in range(count)]
    stack.ask("group", "group.say", bodies)
    reader, asked, waits = SlowReader(stack, framing), 0, []
    maker.account = account
    reader.send(maker.login_request(account))
    for taken, message in reader.messages():
        maker.token = message.get("token", maker.token)
        if "is not known" in message.get("msg", ""):
            waits.append(taken - asked)
            asked = 0
        if len(waits) == len(asking_at):
            break
        if not asked and taken >= asking_at[len(waits)]:
            asked = taken
            reader.send(maker.saying(friend.account, "and then"), maker.make(250))
            friend.hear(account, friend.account, "and then")
    reader.socket.close()
    assert max(waits) <= SLOW_RATE, waits
