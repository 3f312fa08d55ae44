"""Texts that were sent while the recipient was away: all of them arrive, in order, once."""

import secrets

import pytest
from parley_client import DIALECTS, KINDS, TRANSPORTS
from parley_stack import wait_until

pytestmark = pytest.mark.speed


def away(newcomer, kind):
    """An account of that kind that is not connected any more."""
    client = newcomer(*kind)
    client.close()
    return client.account


def expect_nothing_again(stack, connect, kind, account):
    """Texts that have reached the account are known, and not sent a second time."""
    stack.wait_received(account)
    client = connect(*kind)
    client.log_in(account)
    client.expect_nothing()
    client.close()


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_texts_to_someone_away(stack, newcomer, connect, kind):
    account = away(newcomer, kind)
    senders = [newcomer("youim", "tcp"), newcomer("ourchat", "websocket")]
    for number in range(10):
        for sender in senders:
            sender.say(account, f"text {number}")
            sender.hear_own(account, f"text {number}")
    client = connect(*kind)
    client.log_in(account)
    heard = [client.body(client.next()) for _ in range(20)]
    for sender in senders:
        names = (sender.account.id, {"ocid": sender.account.number, "private_id": account.number})
        texts = [b["msg"] for b in heard if b.get("fromUserId", b.get("sender")) in names]
        assert texts == [f"text {number}" for number in range(10)]
    client.fence()
    # Live from here on.
    senders[0].say(account, "live")
    client.hear(senders[0].account, account, "live")
    stack.wait_received(account)
    client.close()
    expect_nothing_again(stack, connect, kind, account)


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_a_long_absence(stack, newcomer, connect, kind):
    """A thousand texts of several conversations arrive in the order of cid, right after the login."""
    account = away(newcomer, kind)
    # OurChat senders: their own copies tell the cids.
    senders = [newcomer("ourchat", TRANSPORTS[i % 2]) for i in range(4)]
    group = senders[0].create_group("everyone")
    for other in [sender.account for sender in senders[1:]] + [account]:
        stack.ctl("group", "add", group.id, other.id)
    for sender in senders[1:]:
        sender.expect_joined(group, sender.account)
    count = 200
    for index, sender in enumerate(senders):
        texts = [f"{index}:{number} {secrets.token_hex(20)}" for number in range(count)]
        sender.send(*[sender.saying(account, text) for text in texts])
        if index == 0:
            in_group = [f"g:{number}" for number in range(count)]
            sender.send(*[sender.saying(group, text) for text in in_group])
    said = {}
    for index, sender in enumerate(senders):
        private = 0
        while private < count or (index == 0 and len(said) < count + private):
            data = sender.expect(0)["data"]
            said[data["cid"]] = (data["sender"]["ocid"], data["msg"])
            private += "private_id" in data["sender"]
    assert len(said) == 5 * count

    client = connect(*kind)
    client.log_in(account)
    client.expect_joined(group, account)
    numbers = {sender.account.id: sender.account.number for sender in senders}
    heard = []
    while len(heard) < len(said):
        body = client.body(client.next())
        sender = numbers.get(body.get("fromUserId")) or body["sender"]["ocid"]
        heard.append((sender, body["msg"]))
    assert heard == [said[cid] for cid in sorted(said)]
    client.fence()
    expect_nothing_again(stack, connect, kind, account)


def test_many_conversations(stack, newcomer, connect):
    """More conversations than one reading of the log looks at: still in the order of cid."""
    account = away(newcomer, ("ourchat", "tcp"))
    count = 300
    writer = connect("youim", "websocket")
    texts = []
    for number in range(count):
        string_id = f"crowd-{number}-{secrets.token_hex(4)}"
        writer.send(writer.registration(string_id), writer.make(1, loginUserId=string_id))
        token = writer.expect(2, resultCode="success")["token"]
        writer.send(
            writer.make(5, token=token, toUserId=account.id, msg=string_id, fromUserId=string_id),
            writer.make(9, token=token, logoutUserId=string_id),
        )
        writer.expect_exactly({"msgType": 10})
        texts.append(string_id)
    client = connect("ourchat", "websocket")
    client.log_in(account)
    heard = [client.expect(0)["data"] for _ in texts]
    assert [data["cid"] for data in heard] == sorted({data["cid"] for data in heard})
    assert [data["msg"] for data in heard] == texts
    client.fence()
    expect_nothing_again(stack, connect, ("youim", "tcp"), account)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_unconfirmed_messages_are_sent_again(stack, newcomer, connect, dialect):
    """A WebSocket client that never answered a ping may not have got anything."""
    deaf = connect(dialect, "websocket", answer_pings=False)
    account = deaf.register_new()
    deaf.log_in()
    sender = newcomer("ourchat", "tcp")
    for text in ("one", "two"):
        sender.say(account, text)
        deaf.hear(sender.account, account, text)
        sender.hear_own(account, text)
    deaf.abort()
    for _ in range(2):
        again = connect(dialect, "websocket", answer_pings=False)
        again.log_in(account)
        for text in ("one", "two"):
            again.hear(sender.account, account, text)
        again.fence()
        again.abort()
    listening = connect(dialect, "websocket")
    listening.log_in(account)
    for text in ("one", "two"):
        listening.hear(sender.account, account, text)
    expect_nothing_again(stack, connect, (dialect, "websocket"), account)


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_logging_in_while_texts_flow(stack, newcomer, connect, kind):
    """Between catching up and live nothing is lost, doubled or out of order."""
    account = away(newcomer, kind)
    sender = newcomer("ourchat", "websocket")
    count = 300
    texts = [f"flow {number}" for number in range(count)]
    for start in range(0, count, 10):
        sender.send(*[sender.saying(account, text) for text in texts[start : start + 10]])
        if start == count // 3:
            client = connect(*kind)
            client.log_in(account)
    for text in texts:
        client.hear(sender.account, account, text)
    client.fence()
    expect_nothing_again(stack, connect, kind, account)


class Turns:
    """A group with a member that is removed and let in again, by the operator."""

    def __init__(self, stack, owner, account):
        self.stack, self.owner, self.account = stack, owner, account
        self.group = owner.create_group("turns")
        stack.ctl("group", "add", self.group.id, account.id)

    def say(self, text):
        self.owner.say(self.group, text)
        self.owner.hear_own(self.group, text)

    def out_and_in(self, turn):
        self.stack.ctl("group", "remove", self.group.id, self.account.id)
        self.say(f"while out {turn}")
        self.stack.ctl("group", "add", self.group.id, self.account.id)
        self.say(f"back {turn}")

    def hear(self, client, text):
        client.hear(self.owner.account, self.group, text)

    def hear_out_and_in(self, client, turn):
        """All texts but those of the absence."""
        client.expect(18 if client.dialect == "youim" else 118)
        client.expect_joined(self.group, self.account)
        self.hear(client, f"back {turn}")


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_a_member_that_returns_while_away(stack, newcomer, connect, kind):
    """Sees all until each removal, that notice last, nothing of in between, and later texts."""
    client = newcomer(*kind, ext=True)
    turns = Turns(stack, newcomer("ourchat", "tcp"), client.account)
    client.expect_joined(turns.group, client.account)
    turns.say("heard")
    turns.hear(client, "heard")
    stack.wait_received(client.account)
    client.close()
    turns.say("not heard")
    turns.say("neither")
    for turn in range(2):
        turns.out_and_in(turn)
    client = connect(*kind, ext=True)
    client.log_in(turns.account)
    turns.hear(client, "not heard")
    turns.hear(client, "neither")
    for turn in range(2):
        turns.hear_out_and_in(client, turn)
    turns.say("live")
    turns.hear(client, "live")
    client.fence()
    expect_nothing_again(stack, connect, kind, turns.account)


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_a_member_that_returns_while_connected(stack, newcomer, connect, kind):
    """The same live, and for a client that is still catching up; another connection of the account
    that is ahead takes nothing from it."""
    slow, quick = newcomer(*kind, ext=True), connect(*kind, ext=True)
    quick.log_in(slow.account)
    turns = Turns(stack, newcomer("ourchat", "tcp"), slow.account)
    for client in slow, quick:
        client.expect_joined(turns.group, client.account)
    turns.out_and_in("live")
    for client in slow, quick:
        turns.hear_out_and_in(client, "live")
    before = stack.metric("gateway", "catch_ups_total")
    slow.stop_reading()
    texts = []
    while len(texts) < 40 or stack.metric("gateway", "catch_ups_total") == before:
        texts.append(f"{len(texts)} {'x' * 60000}")
        turns.say(texts[-1])
        turns.hear(quick, texts[-1])
    stack.wait_received(turns.account)
    for turn in range(2):
        turns.out_and_in(turn)
        turns.hear_out_and_in(quick, turn)
    slow.read_on()
    for text in texts:
        turns.hear(slow, text)
    for turn in range(2):
        turns.hear_out_and_in(slow, turn)
    turns.say("live")
    for client in slow, quick:
        turns.hear(client, "live")
        client.fence()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_connections_of_one_account_catch_up_together(newcomer, connect, transport):
    account = away(newcomer, ("ourchat", transport))
    sender = newcomer("youim", transport)
    sender.send(*[sender.saying(account, f"n{number}") for number in range(50)])
    sender.fence()
    # Before the first of them has confirmed anything, each is sent all of it.
    deaf = [connect("ourchat", "websocket", answer_pings=False) for _ in range(2)]
    for client in deaf:
        client.log_in(account)
    for client in deaf:
        for number in range(50):
            client.hear(sender.account, account, f"n{number}")
    sender.say(account, "live")
    for client in deaf:
        client.hear(sender.account, account, "live")
        client.fence()


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_a_client_that_stops_reading(stack, newcomer, connect, kind):
    """Texts that do not fit into its queue wait in the log, and others are not held up."""
    slow, witness, sender = newcomer(*kind), newcomer("youim", "tcp"), newcomer("ourchat", "tcp")
    before = stack.metric("gateway", "catch_ups_total")
    slow.stop_reading()
    padding, count = "x" * 60000, 0
    while count < 40 or stack.metric("gateway", "catch_ups_total") == before:
        texts = [f"{number} {padding}" for number in range(count, count + 20)]
        sender.send(*[sender.saying(slow.account, text) for text in texts])
        for text in texts:
            sender.hear(sender.account, slow.account, text)
        count += 20
    sender.say(witness.account, "meanwhile")
    witness.hear(sender.account, witness.account, "meanwhile")
    slow.read_on()
    for number in range(count):
        slow.hear(sender.account, slow.account, f"{number} {padding}")
    slow.fence()
    expect_nothing_again(stack, connect, kind, slow.account)


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_in_many_settled_conversations(stack, newcomer, connect, kind):
    """They are more than a first page names: a text there reaches each connection once, wherever the
    account stands by then."""
    anna, ben = newcomer(*kind), newcomer("youim")
    ben.say(anna.account, "long ago")
    anna.hear(ben.account, anna.account, "long ago")
    stack.wait_received(anna.account)
    anna.close()
    first = stack.sql("SELECT COALESCE(MAX(id), 0) + 1000000 FROM conversation WHERE kind = 0")[0][0]
    stack.sql(f"INSERT INTO conversation (id, kind, lo, hi, created_ms) SELECT {first} + seq, 0,"
              f" {first} + seq, {first} + seq + 1, 1 FROM seq_1_to_150")
    stack.sql("INSERT INTO `cursor` (account, conversation)"
              f" SELECT {anna.account.number}, {first} + seq FROM seq_1_to_150")
    stack.sql("UPDATE message SET time_ms = 1 WHERE body = 'long ago'")

    def log_in():
        client = connect(*kind)
        client.log_in(anna.account)
        return client

    client = log_in()
    settled = "SELECT COUNT(*) FROM `cursor` WHERE is_settled AND account = %s"
    wait_until(lambda: stack.sql(settled, anna.account.number)[0][0] == 151, "what is settled")
    client.close()
    clients = [log_in(), log_in()]
    for text in ("new", "and another"):
        ben.say(anna.account, text)
        for client in clients:
            client.hear(ben.account, anna.account, text)
    stack.wait_received(anna.account)
    clients.append(log_in())
    ben.say(anna.account, "the last one")
    for client in clients:
        client.hear(ben.account, anna.account, "the last one")
    clients[0].expect_nothing(*clients[1:])
