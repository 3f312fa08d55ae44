"""An account's conversations (305): the newest first, with the last message and the unread count, which
is right on every device, whatever happened."""

import secrets

import pytest
from parley_client import KINDS

kinds = pytest.mark.parametrize("kind", KINDS, ids="-".join)


def tell(sender, reader, text):
    """A text; its cid, as the reader has it."""
    sender.say(reader.account, text)
    sender.hear_own(reader.account, text)
    return reader.cid_of(reader.hear(sender.account, reader.account, text))


def of(client, peer, **more):
    """The conversation with this peer; all of them have the fields that are always there."""
    listed = client.conversations(**more)["conversations"]
    for item in listed:
        assert {"peer", "cid", "unread", "mentions", "received", "read", "muted_until"} <= set(item)
    return next((item for item in listed if item["peer"] == client.peer_of(peer)), None)


def unread(client, peer):
    return of(client, peer)["unread"]


@kinds
def test_newest_first(newcomer, kind):
    anna, ben, carl = newcomer(*kind, ext=True), newcomer("youim", ext=True), newcomer("ourchat")
    group = ben.create_group(f"club-{secrets.token_hex(4)}")
    ben.say(group, "nobody else is here")
    assert anna.conversations() == {"conversations": [], "more": False}
    first = tell(ben, anna, "one")
    carl.say(anna.account, "two")
    carl.hear_own(anna.account, "two")
    heard = anna.hear(carl.account, anna.account, "two")
    page = anna.conversations()
    assert [item["peer"] for item in page["conversations"]] == [
        anna.peer_of(carl.account), anna.peer_of(ben.account)]
    assert page["conversations"][0]["last"] == heard
    assert [item["unread"] for item in page["conversations"]] == [1, 1]
    assert not page["more"]
    page = anna.conversations(limit=1)
    assert page["more"] and len(page["conversations"]) == 1
    page = anna.conversations(before=page["conversations"][0]["cid"])
    assert [item["cid"] for item in page["conversations"]] == [first]
    second = tell(ben, anna, "three")
    page = anna.conversations()
    assert [item["cid"] for item in page["conversations"]] == [second, anna.cid_of(heard)]
    assert page["conversations"][0]["name"]


@kinds
def test_of_a_group(newcomer, stack, kind):
    """Texts before joining, while out and after leaving are neither shown nor counted."""
    anna, ben = newcomer("youim", ext=True), newcomer(*kind, ext=True)
    for client in (anna, ben):
        client.skips = client.skips | {0, 4, 8, 10, 18, 112, 118, 212}
    group = anna.create_group(f"club-{secrets.token_hex(4)}")

    def say(text):
        anna.say(group, text, ref=text)
        return anna.expect_result(text)["cid"]

    say("before")
    assert of(ben, group) is None
    stack.ctl("group", "add", group.id, ben.account.id)
    assert unread(ben, group) == 0
    say("while there")
    assert unread(ben, group) == 1
    assert ben.body(of(ben, group)["last"])["msg"] == "while there"
    stack.ctl("group", "remove", group.id, ben.account.id)
    say("after")
    assert unread(ben, group) == 1
    stack.ctl("group", "add", group.id, ben.account.id)
    last = say("again there")
    assert unread(ben, group) == 2
    assert of(ben, group)["cid"] == last
    assert of(anna, group)["unread"] == 0


def passing_over(*clients):
    """Texts, and their changes and receipts, are not looked at."""
    for client in clients:
        client.skips = client.skips | {0, 6, 302, 315, 337}


def cid_of_text(sender, reader, text):
    sender.say(reader.account, text, ref=text)
    return sender.expect_result(text)["cid"]


@kinds
def test_unread_on_two_devices(newcomer, connect, kind):
    anna, ben, other = newcomer(*kind, ext=True), newcomer("youim", ext=True), connect(*kind, ext=True)
    other.log_in(anna.account)
    passing_over(anna, ben, other)
    cids = [cid_of_text(ben, anna, text) for text in ("one", "two", "three")]
    assert unread(anna, ben.account) == unread(other, ben.account) == 3
    assert other.read(ben.account, cids[1], "r") == {"ok": True}
    assert unread(anna, ben.account) == unread(other, ben.account) == 1
    assert of(anna, ben.account)["read"] == cids[1]
    # Her own text of the other device is not unread on this one.
    cid = cid_of_text(other, ben, "mine")
    assert unread(anna, ben.account) == unread(other, ben.account) == 1
    assert of(anna, ben.account)["cid"] == cid
    anna.close()
    other.close()
    cid_of_text(ben, anna, "while away")
    back = connect(*kind, ext=True)
    passing_over(back)
    back.log_in(anna.account)
    assert unread(back, ben.account) == 2


@kinds
def test_recalled_ones_are_not_unread(newcomer, kind):
    anna, ben = newcomer(*kind, ext=True), newcomer("youim", ext=True)
    passing_over(anna, ben)
    cid_of_text(ben, anna, "one")
    cid = cid_of_text(ben, anna, "two")
    ben.send(ben.make(315, "r", peer=ben.peer_of(anna.account), cid=cid))
    assert ben.expect_result("r")["ok"]
    item = of(anna, ben.account)
    assert item["unread"] == 1
    assert anna.body(item["last"])["recalled"] is True
    assert anna.body(item["last"])["msg"] == ""


@kinds
def test_mentions(newcomer, stack, kind):
    anna, ben = newcomer("youim", ext=True), newcomer(*kind, ext=True)
    group = anna.create_group(f"club-{secrets.token_hex(4)}")
    stack.ctl("group", "add", group.id, ben.account.id)
    for client in (anna, ben):
        client.skips = client.skips | {4, 8, 10, 0}
    for text, mentions in (("nobody", []), ("ben", [ben.account.id]), ("all", "all")):
        anna.send(anna.make(7, text, token=anna.token, toGroup=group.id, msg=text,
                            fromUserId=anna.account.id, **({"mentions": mentions} if mentions else {})))
        assert anna.expect_result(text)["ok"]
    item = of(ben, group)
    assert (item["unread"], item["mentions"]) == (3, 2)
    assert of(anna, group)["mentions"] == 0


@kinds
def test_quiet(newcomer, kind):
    anna, ben = newcomer(*kind, ext=True), newcomer("youim", ext=True)
    tell(ben, anna, "one")
    passing_over(anna)
    assert of(anna, ben.account)["muted_until"] == 0
    anna.send(anna.make(337, "q", peer=anna.peer_of(ben.account), until_ms=1900000000000))
    assert anna.expect_result("q") == {"ok": True}
    assert of(anna, ben.account)["muted_until"] == 1900000000000
    assert of(ben, anna.account)["muted_until"] == 0


@kinds
def test_faults(newcomer, kind):
    anna = newcomer(*kind, ext=True)
    for name, value, text in (("limit", 201, "from 1 to 200"), ("limit", 0, "from 1 to 200"),
                              ("before", 0, "from 1 to 9007199254740991")):
        anna.send(anna.make(305, name, **{name: value}))
        result = anna.expect_result(name)
        assert result["error"] == "bad_request"
        assert text in result["text"]
