"""How many texts are unread (305) stays right, whatever devices do: others' texts behind the last read one,
on every device of the account alike."""

import secrets

import pytest
from parley_client import KINDS
from parley_deeds import recall

kinds = pytest.mark.parametrize("kind", KINDS, ids="-".join)


@pytest.fixture
def device(connect):
    """One more connection of an account."""

    def log_in(client, kind):
        another = connect(*kind, ext=True)
        another.log_in(client.account)
        return another

    return log_in


def overview(client, peer):
    """A conversation's count in a 306; None: it is not there."""
    wanted = client.peer_of(peer)
    items = [item for item in client.conversations()["conversations"] if item["peer"] == wanted]
    return items[0] if items else None


def unread(client, peer):
    return overview(client, peer)["unread"]


def texts(sender, peer, count, *hearers):
    """So many texts, which all of these take; the cid of each."""
    cids = []
    for text in (secrets.token_hex(4) for _ in range(count)):
        sender.say(peer, text)
        sender.hear_own(peer, text)
        heard = [hearer.hear(sender.account, peer, text) for hearer in hearers]
        cids.append(hearers[0].cid_of(heard[0]))
    return cids


def come(owner, group, connections):
    """An account becomes a member, which its connections and, in YouIM, the owner see."""
    owner.stack.ctl("group", "add", group.id, connections[0].account.id)
    for client in connections:
        client.expect(4 if client.dialect == "youim" else 10)
    if owner.dialect == "youim":
        owner.expect(4)


def go(owner, group, connections):
    owner.stack.ctl("group", "remove", group.id, connections[0].account.id)
    for client in (owner, *connections):
        client.expect(18 if client.dialect == "youim" else 118)


@kinds
def test_on_two_devices(newcomer, device, kind):
    sender, phone = newcomer("youim", ext=True), newcomer(*kind, ext=True)
    laptop = device(phone, kind)
    cids = texts(sender, phone.account, 3, phone, laptop)
    assert [unread(client, sender.account) for client in (phone, laptop)] == [3, 3]
    assert phone.read(sender.account, cids[1], "r") == {"ok": True}
    laptop.expect_live(302, sender.account, cid=cids[1])
    assert [unread(client, sender.account) for client in (phone, laptop)] == [1, 1]
    assert laptop.read(sender.account, cids[0], "r") == {"ok": True}  # it never goes back
    assert [unread(client, sender.account) for client in (phone, laptop)] == [1, 1]
    assert laptop.read(sender.account, cids[2], "r") == {"ok": True}
    phone.expect_live(302, sender.account, cid=cids[2])
    assert [unread(client, sender.account) for client in (phone, laptop)] == [0, 0]
    assert overview(phone, sender.account)["read"] == cids[2]


@kinds
@pytest.mark.parametrize("confirm", [True, False])
def test_after_reconnects(stack, newcomer, connect, kind, confirm):
    """Texts that have arrived, and are not sent again, are unread until they are read."""
    sender, client = newcomer("youim", ext=True), newcomer(*kind, ext=True, confirm=confirm)
    cids = texts(sender, client.account, 2, client)
    assert client.received(sender.account, cids[1], "r") == {"ok": True}
    client.abort()
    sender.say(client.account, "while it was away")
    again = connect(*kind, ext=True)
    again.resume(client.account, client.token)
    cids.append(again.cid_of(again.hear(sender.account, client.account, "while it was away")))
    assert unread(again, sender.account) == 3
    assert again.read(sender.account, cids[0], "r") == {"ok": True}
    stack.wait_received(client.account)
    again.abort()
    last = connect(*kind, ext=True)
    last.skips |= {302}  # the report of reading just before, which may still be on its way
    last.log_in(client.account)
    last.expect_nothing()
    assert unread(last, sender.account) == 2
    assert last.read(sender.account, cids[2], "r") == {"ok": True}
    assert unread(last, sender.account) == 0


@kinds
def test_after_own_texts_from_the_other_device(newcomer, device, kind):
    """They are never unread, and earlier unread texts stay so until they are read."""
    sender, phone = newcomer("youim", ext=True), newcomer(*kind, ext=True)
    laptop = device(phone, kind)
    cids = texts(sender, phone.account, 2, phone, laptop)
    for _ in range(3):
        laptop.say(sender.account, "from the laptop")
        laptop.hear_own(sender.account, "from the laptop")
        phone.hear_own(sender.account, "from the laptop")
        sender.hear(phone.account, sender.account, "from the laptop")
    assert [unread(client, sender.account) for client in (phone, laptop)] == [2, 2]
    assert unread(sender, phone.account) == 3
    assert laptop.read(sender.account, cids[1], "r") == {"ok": True}
    phone.expect_live(302, sender.account, cid=cids[1])
    assert [unread(client, sender.account) for client in (phone, laptop)] == [0, 0]
    texts(sender, phone.account, 1, phone, laptop)
    assert [unread(client, sender.account) for client in (phone, laptop)] == [1, 1]


@kinds
def test_after_a_recall(newcomer, device, kind):
    """A recalled text is not unread, nor is the notice of it; read ones make no difference."""
    sender, phone = newcomer("youim", ext=True), newcomer(*kind, ext=True)
    laptop = device(phone, kind)
    cids = texts(sender, phone.account, 4, phone, laptop)
    assert phone.read(sender.account, cids[0], "r") == {"ok": True}
    laptop.expect_live(302, sender.account, cid=cids[0])
    sender.expect_live(302, phone.account, cid=cids[0], user=sender.id_of(phone.account))
    for cid, left in ((cids[2], 2), (cids[0], 2), (cids[3], 1)):
        sender.send(recall(sender, phone.account, cid))
        for client in (sender, phone, laptop):
            client.expect(315)
        assert [unread(client, sender.account) for client in (phone, laptop)] == [left, left]


@kinds
def test_after_leaving_and_coming_back(newcomer, device, kind):
    """Texts of the absence were not for the account; earlier unread texts are still unread."""
    owner, phone = newcomer("ourchat", ext=True), newcomer(*kind, ext=True)
    laptop = device(phone, kind)
    group = owner.create_group(f"group-{secrets.token_hex(4)}")
    owner.say(group, "before")
    owner.hear_own(group, "before")
    come(owner, group, (phone, laptop))
    assert unread(phone, group) == 0
    cids = texts(owner, group, 2, phone, laptop)
    assert phone.read(group, cids[0], "r") == {"ok": True}
    laptop.expect_live(302, group, cid=cids[0])
    assert [unread(client, group) for client in (phone, laptop)] == [1, 1]
    go(owner, group, (phone, laptop))
    for _ in range(3):
        owner.say(group, "among ourselves")
        owner.hear_own(group, "among ourselves")
    assert unread(phone, group) == 1
    come(owner, group, (phone, laptop))
    assert [unread(client, group) for client in (phone, laptop)] == [1, 1]
    cids = texts(owner, group, 2, phone, laptop)
    assert [unread(client, group) for client in (phone, laptop)] == [3, 3]
    assert laptop.read(group, cids[0], "r") == {"ok": True}
    phone.expect_live(302, group, cid=cids[0])
    assert [unread(client, group) for client in (phone, laptop)] == [1, 1]


@kinds
def test_no_more_are_counted_than_999(stack, newcomer, kind):
    sender, client = newcomer("youim", ext=True), newcomer(*kind, ext=True, confirm=True)
    cids = texts(sender, client.account, 1, client)
    stack.sql("INSERT INTO message (conversation, cid, time_ms, type, sender, body)"
              " SELECT m.conversation, m.cid * 10000 + seq, m.time_ms, 0, m.sender, 'x'"
              " FROM message m, seq_1_to_1000 WHERE m.cid = %s", cids[0])
    assert unread(client, sender.account) == 999
    assert client.read(sender.account, cids[0] * 10000 + 1, "r") == {"ok": True}
    assert unread(client, sender.account) == 999
    assert client.read(sender.account, cids[0] * 10000 + 2, "r") == {"ok": True}
    assert unread(client, sender.account) == 998
