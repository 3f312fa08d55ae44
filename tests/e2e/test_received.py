"""The server never repeats texts that a client has confirmed (301), and repeats others until they are. A mark
(301, 302) goes no further than the conversation."""

import secrets

import pytest
from parley_client import KINDS
from parley_stack import wait_until

kinds = pytest.mark.parametrize("kind", KINDS, ids="-".join)


@pytest.fixture
def confirming(connect):
    """A new account that is logged in and confirms what it receives."""

    def register(dialect, transport, on=None):
        client = connect(dialect, transport, on=on, confirm=True)
        client.register_new()
        client.log_in()
        return client

    return register


def hear_texts(client, sender, texts):
    """The next messages are these texts; the cid of each."""
    return [client.cid_of(client.hear(sender, client.account, text)) for text in texts]


def wait_confirmed(stack, account, cid):
    """Until the database knows: a confirmation without a `ref` is not answered."""
    query = "SELECT COUNT(*) FROM `cursor` WHERE account = %s AND received = %s"
    wait_until(lambda: stack.sql(query, account.number, cid)[0][0] == 1, f"{cid} to be confirmed")


def send_three(sender, account):
    texts = [f"{number} {secrets.token_hex(4)}" for number in range(3)]
    sender.send(*[sender.saying(account, text) for text in texts])
    return texts


@kinds
@pytest.mark.parametrize("ref", [None, "r1"])
def test_exactly_the_unconfirmed_messages_are_sent_again(
    stack, newcomer, connect, confirming, kind, ref
):
    client, sender = confirming(*kind), newcomer("youim", "tcp")
    texts = send_three(sender, client.account)
    cids = hear_texts(client, sender.account, texts)
    result = client.received(sender.account, cids[1], ref)
    assert result is None or result == {"ok": True}
    client.fence()
    if ref is None:
        wait_confirmed(stack, client.account, cids[1])
    client.abort()
    for _ in range(2):  # it is sent until it is confirmed
        again = connect(*kind, confirm=True)
        again.resume(client.account, client.token)
        assert hear_texts(again, sender.account, texts[2:]) == cids[2:]
        again.fence()
        again.abort()
    again = connect(*kind, confirm=True)
    again.resume(client.account, client.token)
    hear_texts(again, sender.account, texts[2:])
    again.received(sender.account, cids[2])
    again.fence()
    wait_confirmed(stack, client.account, cids[2])
    again.close()
    last = connect(*kind, confirm=True)
    last.log_in(client.account)
    last.expect_nothing()


@kinds
def test_the_gateway_is_killed_in_between(make_stack, connect, confirming, kind):
    stack = make_stack(heartbeat_ms=200, peer_timeout_ms=1000)
    client = confirming(*kind, on=stack)
    sender = connect("ourchat", "websocket", on=stack)
    sender.register_new()
    sender.log_in()
    texts = send_three(sender, client.account)
    cids = hear_texts(client, sender.account, texts)
    for confirmed in (2, 3):
        assert client.received(sender.account, cids[confirmed - 1], "r") == {"ok": True}
        stack.services["gateway"].kill()
        stack.services["gateway"].start()
        account, token = client.account, client.token
        client = connect(*kind, on=stack, confirm=True)
        client.resume(account, token)
        assert hear_texts(client, sender.account, texts[confirmed:]) == cids[confirmed:]
    client.expect_nothing()


@kinds
def test_each_peer_has_its_own_entries(make_stack, connect, confirming, kind):
    """A group's text, a notice of one's own, and the operator's message to all."""
    stack = make_stack()
    client = confirming(*kind, on=stack)
    friend = connect("youim", "websocket", on=stack)
    friend.register_new()
    friend.log_in()
    group = friend.create_group(f"group-{secrets.token_hex(4)}")
    stack.ctl("group", "add", group.id, client.account.id)
    joined = client.expect(4 if client.dialect == "youim" else 10)
    friend.send(friend.acting(13, fromUserId=friend.account.id, toUserId=client.account.id))
    asked = client.expect(103 if client.dialect == "youim" else 9)
    stack.ctl("say", "--all", "to everyone")
    said = client.expect(100 if client.dialect == "youim" else 0)
    peers = [(group, joined), (client.account, asked), (None, said)]
    for ref, (peer, message) in enumerate(peers):
        cid = client.body(message)["cid"]
        assert client.received(peer, cid, str(ref)) == {"ok": True}
    client.abort()
    again = connect(*kind, on=stack, confirm=True)
    again.resume(client.account, client.token)
    again.expect_nothing()


@kinds
@pytest.mark.parametrize("how", ["received", "read"])
def test_confirmations_that_are_refused(newcomer, confirming, kind, how):
    client, friend = confirming(*kind), newcomer("ourchat", "tcp", ext=True)
    mark = getattr(client, how)
    friend.say(client.account, "hello")
    friend.hear_own(client.account, "hello")
    last = client.cid_of(client.hear(friend.account, client.account, "hello"))
    group = friend.create_group("not yours")
    assert mark(friend.account, last + 1, "r")["error"] == "no_message"
    assert mark(client.account, last, "r")["error"] == "no_message"
    assert mark(group, last, "r")["error"] == "not_member"
    nowhere = type(group)(8000000000000001, "8000000000000001", "")
    assert mark(nowhere, last, "r")["error"] == "no_group"
    nobody = type(client.account)("youim", 8000000000000001, "8000000000000001")
    assert mark(nobody, last, "r")["error"] == "no_account"
    mark(nobody, last)
    client.expect_error("does not exist")
    assert mark(friend.account, last, "r") == {"ok": True}


@kinds
def test_one_of_two_clients_confirms(stack, newcomer, connect, confirming, kind):
    """Cursors are the account's: an unmodified client of it moves them as ever."""
    client, sender = confirming(*kind), newcomer("youim", "tcp")
    plain = connect(*kind)
    plain.log_in(client.account)
    sender.say(client.account, "hello")
    for one in (client, plain):
        one.hear(sender.account, client.account, "hello")
    stack.wait_received(client.account)
    client.abort()
    again = connect(*kind, confirm=True)
    again.resume(client.account, client.token)
    again.expect_nothing()
