"""How far the others are: arrivals (301), reads (302), typing (313)."""

import secrets
import time

import pytest
from parley_client import KINDS

kinds = pytest.mark.parametrize("kind", KINDS, ids="-".join)
others = pytest.mark.parametrize("other", [("youim", "websocket"), ("ourchat", "tcp")],
                                 ids="-".join)


@pytest.fixture
def with_ext(newcomer):
    """A new account of which a 301 is wanted, too."""

    def register(kind, **options):
        client = newcomer(*kind, ext=True, **options)
        client.arrivals = True
        return client

    return register


@pytest.fixture
def again(connect):
    """One more connection of an account, which sees no 301s."""

    def open_one(client, kind, **options):
        another = connect(*kind, **options)
        another.log_in(client.account)
        return another

    return open_one


def send(sender, reader, text, *more):
    """A text from one to the other, which takes it on all of its connections; returns its cid."""
    sender.say(reader.account, text)
    sender.hear_own(reader.account, text)
    for client in more:
        client.hear(sender.account, reader.account, text)
    return reader.cid_of(reader.hear(sender.account, reader.account, text))


def last_cid(stack, sender):
    """Of its texts; unmodified clients of YouIM see none."""
    return stack.sql("SELECT MAX(cid) FROM message WHERE sender = %s", sender.number)[0][0]


def add_member(owner, group, member, *connections):
    """The member and, of the owner, those that receive the notice take it."""
    owner.stack.ctl("group", "add", group.id, member.account.id)
    for client in (member, *connections):
        client.expect(4 if client.dialect == "youim" else 10)
    for client in [owner] if owner.dialect == "youim" else []:
        client.expect(4)


# --- 301


@kinds
@others
def test_the_sender_sees_arrivals(newcomer, with_ext, kind, other):
    """For a client that confirms, its confirmations count."""
    sender, reader = with_ext(kind), newcomer(*other, confirm=True)
    first, second = (send(sender, reader, text) for text in ("one", "two"))
    who = sender.id_of(reader.account)
    assert reader.received(sender.account, first, "r") == {"ok": True}
    sender.expect_live(301, reader.account, cid=first, user=who)
    assert reader.received(sender.account, first, "r") == {"ok": True}  # it is there already
    reader.received(sender.account, second)
    sender.expect_live(301, reader.account, cid=second, user=who)
    sender.expect_nothing()


@kinds
@pytest.mark.parametrize("ext", [True, False])
def test_the_sender_sees_texts_shown_by_any_client(stack, newcomer, with_ext, kind, ext):
    sender, reader = with_ext(kind), newcomer(*kind, ext=ext)
    sender.say(reader.account, "hello")
    sender.hear_own(reader.account, "hello")
    reader.hear(sender.account, reader.account, "hello")
    cid = last_cid(stack, sender.account)
    sender.expect_live(301, reader.account, cid=cid, user=sender.id_of(reader.account))
    reader.expect_nothing()  # of its own text the sender has nothing to report


@kinds
def test_it_arrives_with_the_login(stack, newcomer, connect, with_ext, kind):
    sender, reader = with_ext(kind), newcomer(*kind)
    reader.close()
    sender.say(reader.account, "while you were away")
    sender.hear_own(reader.account, "while you were away")
    sender.expect_nothing()
    back = connect(*kind)
    back.log_in(reader.account)
    back.hear(sender.account, reader.account, "while you were away")
    cid = last_cid(stack, sender.account)
    sender.expect_live(301, reader.account, cid=cid, user=sender.id_of(reader.account))


@kinds
def test_not_in_groups_and_not_to_clients_without_ext(newcomer, again, with_ext, kind):
    owner, member = with_ext(kind), newcomer("youim", confirm=True)
    plain = again(owner, kind)
    group = owner.create_group(f"group-{secrets.token_hex(4)}")
    add_member(owner, group, member, *([plain] if plain.dialect == "youim" else []))
    cids = []
    for peer, about in ((group, group), (member.account, owner.account)):
        owner.say(peer, "text")
        owner.hear_own(peer, "text")
        plain.hear_own(peer, "text")
        cids.append(member.cid_of(member.hear(owner.account, peer, "text")))
        assert member.received(about, cids[-1], "r") == {"ok": True}
    owner.expect_live(301, member.account, cid=cids[1], user=owner.id_of(member.account))
    owner.expect_nothing(plain)


# --- 302


@kinds
@others
def test_reading(newcomer, again, kind, other):
    """The reader's other connections see where, the other one sees who, as far as they have ext."""
    sender, reader = newcomer(*kind, ext=True), newcomer(*other, ext=True)
    second, plain = again(reader, other, ext=True), again(reader, other)
    cids = [send(sender, reader, text, second, plain) for text in ("one", "two")]
    assert reader.read(sender.account, cids[0], "r") == {"ok": True}
    second.expect_live(302, sender.account, cid=cids[0])
    sender.expect_live(302, reader.account, cid=cids[0], user=sender.id_of(reader.account))
    for cid in (cids[0], 1):  # never back, and nobody is bothered
        assert reader.read(sender.account, cid, "r") == {"ok": True}
    second.read(sender.account, cids[1])
    reader.expect_live(302, sender.account, cid=cids[1])
    sender.expect_live(302, reader.account, cid=cids[1], user=sender.id_of(reader.account))
    reader.expect_nothing(second, plain)
    sender.expect_nothing()


@kinds
def test_a_read_text_has_arrived(stack, newcomer, connect, kind):
    sender, reader = newcomer("youim", ext=True), newcomer(*kind, confirm=True)
    cids = [send(sender, reader, text) for text in ("one", "two")]
    assert reader.read(sender.account, cids[0], "r") == {"ok": True}
    assert stack.sql("SELECT received, seen FROM `cursor` WHERE account = %s AND seen > 0",
                     reader.account.number) == ((cids[0], cids[0]),)
    reader.abort()
    back = connect(*kind, confirm=True)
    back.resume(reader.account, reader.token)
    back.hear(sender.account, reader.account, "two")
    back.expect_nothing()


@kinds
def test_read_in_a_group(newcomer, again, kind):
    """Only the reader's own connections see it."""
    owner, reader = newcomer("ourchat", ext=True), newcomer(*kind, ext=True)
    group = owner.create_group(f"group-{secrets.token_hex(4)}")
    second = again(reader, kind, ext=True)
    add_member(owner, group, reader, second)
    owner.say(group, "text")
    owner.hear_own(group, "text")
    second.hear(owner.account, group, "text")
    cid = reader.cid_of(reader.hear(owner.account, group, "text"))
    assert reader.read(group, cid, "r") == {"ok": True}
    second.expect_live(302, group, cid=cid)
    reader.expect_nothing(second)
    owner.expect_nothing()


# --- 313


@kinds
@others
def test_typing(newcomer, again, kind, other):
    """Two accounts that have never written to each other."""
    writer, reader = newcomer(*kind, ext=True), newcomer(*other, ext=True)
    second, plain = again(writer, kind, ext=True), again(reader, other)
    assert writer.type_to(reader.account, "r") == {"ok": True}
    reader.expect_live(313, writer.account, user=reader.id_of(writer.account))
    reader.type_to(writer.account)
    for client in (writer, second):
        client.expect_live(313, reader.account, user=writer.id_of(reader.account))
    writer.expect_nothing(second)
    reader.expect_nothing(plain)


@kinds
def test_typing_in_a_group(newcomer, kind):
    writer, member = newcomer(*kind, ext=True), newcomer("youim", ext=True)
    stranger = newcomer("youim", ext=True)
    group = writer.create_group(f"group-{secrets.token_hex(4)}")
    add_member(writer, group, member)
    assert writer.type_to(group, "r") == {"ok": True}
    member.expect_live(313, group, user=member.id_of(writer.account))
    assert stranger.type_to(group, "r")["error"] == "not_member"
    assert stranger.type_to(stranger.account, "r")["error"] == "to_oneself"
    stranger.type_to(None)
    stranger.expect_error("peer.user must be an account")
    writer.expect_nothing()


@kinds
def test_more_than_one_in_a_while_is_dropped(newcomer, kind):
    """And answered with success, since there is nothing that the client has to do about it."""
    writer, reader = newcomer(*kind, ext=True), newcomer("youim", ext=True)
    began = time.monotonic()
    refs = [f"r{number}" for number in range(20)]
    writer.send(*[writer.make(313, ref, peer=writer.peer_of(reader.account)) for ref in refs])
    assert all(writer.expect_result(ref) == {"ok": True} for ref in refs)
    shown_at_most = 1 + int((time.monotonic() - began) / 3)
    writer.say(reader.account, "the end")
    shown = 0
    while (message := reader.next())["msgType"] == 313:
        shown += 1
    assert message["msg"] == "the end"
    assert 1 <= shown <= shown_at_most
