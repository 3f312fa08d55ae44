"""Every request of both dialects under the same `ref` again, on the same connection and on a new
one: it is done once, its notice is sent once, the answer is the same."""

import secrets

import pytest
from parley_client import DIALECTS, compact
from parley_deeds import (
    add_admin,
    admit,
    answer_friend,
    answer_join,
    ask_friend,
    befriend,
    dissolve,
    edit,
    join,
    leave,
    react,
    recall,
    remove,
    remove_admin,
    rename,
    unfriend,
    wait_for_result,
)

pytestmark = pytest.mark.speed

dialects = pytest.mark.parametrize("dialect", DIALECTS)

# All that requests change, but for cursors, which change with receipts.
TABLES = ("account", "friendship", "block", "request", "conversation", "member", "message", "done")


def checksums(stack):
    return stack.sql(f"CHECKSUM TABLE {', '.join(f'`{table}`' for table in TABLES)}")


def ask(client, request, ref):
    """The result under that ref, and the messages before it."""
    client.send({**request, "ref": ref})
    return wait_for_result(client, ref)


def create(client, name):
    me = client.account
    if client.dialect == "youim":
        return client.acting(114, ownerId=me.id, groupId=name)
    return client.make(8, group_name=name, ocid=me.number)


def rename_oneself(client, name):
    """YouIM has no request for it."""
    return client.make(12, ocid=client.account.number, name=name)


class World:
    """`me` of the dialect under test owns `club`, is a member of `other_club`, has the friend
    `friend`; people of either dialect have asked for this and that."""

    def __init__(self, newcomer, dialect):
        self.me = me = newcomer(dialect, ext=True)
        self.people = [newcomer(d, ext=True) for d in ("youim", "ourchat", "youim", "ourchat")]
        self.friend, self.member, self.asker, self.boss = self.people
        self.stranger = newcomer("youim", ext=True)
        self.club = me.create_group(f"club-{secrets.token_hex(4)}")
        self.other_club = self.boss.create_group(f"other-{secrets.token_hex(4)}")
        self.third_club = self.boss.create_group(f"third-{secrets.token_hex(4)}")
        befriend(me, self.friend)
        admit(me, self.club, self.member)
        admit(self.boss, self.other_club, me)
        self.asker.send(ask_friend(self.asker, me.account), join(self.asker, self.club))
        self.boss.send(join(self.boss, self.club))
        for _ in range(3):
            assert me.next()[me.number_key] in (9, 103, 105)
        self.said = ask(me, me.saying(self.friend.account, "helo"), "said")[0]["cid"]

    def deeds(self):
        """(description, client -> request), in an order in which each can be carried out."""
        w, fresh = self, f"made-{secrets.token_hex(4)}"
        ourchat = w.me.dialect == "ourchat"
        # Before the text: its writer claims the conversation, and then knows it.
        yield "react", lambda c: react(c, w.friend.account, w.said, ":)")
        yield "edit", lambda c: edit(c, w.friend.account, w.said, "hello")
        yield "recall", lambda c: recall(c, w.friend.account, w.said)
        yield "a text", lambda c: c.saying(w.friend.account, "to a friend")
        yield "a text to a group", lambda c: c.saying(w.club, "to the club")
        yield "create", lambda c: create(c, fresh)
        yield "befriend", lambda c: ask_friend(c, w.stranger.account)
        yield "answer_friend", lambda c: answer_friend(c, w.asker.account, True)
        yield "join", lambda c: join(c, w.third_club)
        yield "accept", lambda c: answer_join(c, w.club, w.asker.account, True)
        yield "refuse", lambda c: answer_join(c, w.club, w.boss.account, False)
        yield "add_admin", lambda c: add_admin(c, w.club, w.member.account)
        yield "remove_admin", lambda c: remove_admin(c, w.club, w.member.account)
        if ourchat:
            yield "pull in", lambda c: answer_join(c, w.club, w.friend.account, True)
            yield "rename", lambda c: rename(c, w.club, "a new name")
            yield "rename oneself", lambda c: rename_oneself(c, "a new name")
        yield "unfriend", lambda c: unfriend(c, w.friend.account)
        yield "remove", lambda c: remove(c, w.club, w.member.account)
        yield "leave", lambda c: leave(c, w.other_club)
        yield "dissolve", lambda c: dissolve(c, w.club)


def answers(heard):
    """OurChat's own answers to a creation among the received messages; notices have a cid."""
    return [compact(m["data"]) for m in heard if m.get("code") == 10 and "cid" not in m["data"]]


@dialects
def test_every_request_twice(stack, newcomer, connect, dialect):
    world = World(newcomer, dialect)
    again = connect(dialect, "tcp", ext=True)
    again.log_in(world.me.account)
    done = []
    for what, request in world.deeds():
        ref = secrets.token_hex(8)
        before = checksums(stack)
        first, heard = ask(world.me, request(world.me), ref)
        assert first["ok"], f"{what}: {first}"
        after = checksums(stack)
        assert after != before, what
        done.append((what, request, ref, first, answers(heard)))
        for connection in (world.me, again):
            result, heard = ask(connection, request(connection), ref)
            assert result == first, what
            assert answers(heard) == done[-1][-1], what
        assert checksums(stack) == after, what
    # Long after, when much of it could not be done any more, and on a connection of its own.
    world.me.close()
    later = connect(dialect, ext=True)
    later.log_in(world.me.account)
    after = checksums(stack)
    for what, request, ref, first, first_answers in done:
        result, heard = ask(later, request(later), ref)
        assert result == first, what
        assert answers(heard) == first_answers, what
    assert checksums(stack) == after
    for client in (*world.people, world.stranger):
        assert_reported_once(client)


def assert_reported_once(client):
    """Nothing that was stored arrived twice."""
    number = 7777
    client.send({client.number_key: number})
    cids = []
    while True:
        message = client.next()
        body = client.body(message)
        if str(number) in str(body.get("msg")):
            break
        cids.append(body["cid"])
    assert len(set(cids)) == len(cids), cids
    assert cids


@dialects
def test_a_ref_stands_for_one_request(stack, newcomer, dialect):
    me, other = newcomer(dialect, ext=True), newcomer("youim", ext=True)
    club = me.create_group(f"club-{secrets.token_hex(4)}")
    assert ask(me, ask_friend(me, other.account), "r")[0]["ok"]
    before = checksums(stack)
    for request in (unfriend(me, other.account), dissolve(me, club), create(me, "x"),
                    ask_friend(me, me.account)):
        result, _ = ask(me, request, "r")
        assert (result["ok"], result["error"]) == (False, "ref_used"), request
    assert checksums(stack) == before
    # A failed request was not carried out, and may be tried again.
    assert ask(me, unfriend(me, other.account), "s")[0]["error"] == "not_friends"
    other.send(answer_friend(other, me.account, True))
    while me.next()[me.number_key] not in (10, 14):
        pass
    assert ask(me, unfriend(me, other.account), "s")[0]["ok"]


@dialects
def test_a_registration_twice(stack, connect, dialect):
    name = f"twice-{secrets.token_hex(4)}"

    def register(ref, password="p" * 64):
        client = connect(dialect, "tcp")
        if dialect == "youim":
            request = client.registration(name, password=password, ext=1)
        else:
            request = client.make(4, email=f"{name}@example.org", password=password, name=name,
                                  ext=1)
        return ask(client, request, ref)

    first, heard = register("r")
    assert first["ok"]
    before = stack.sql("SELECT COUNT(*) FROM account")
    result, heard_again = register("r")
    assert result == first
    assert [m["data"] for m in heard] == [m["data"] for m in heard_again]
    for wrong in (register("s"), register("r", "q" * 64)):
        assert wrong[0]["error"] in ("taken", "email_taken")
    assert stack.sql("SELECT COUNT(*) FROM account") == before


@dialects
def test_group_is_killed(make_stack, newcomer, connect, dialect):
    stack = make_stack(heartbeat_ms=100)
    group = stack.services["group"]
    me, other = connect(dialect, on=stack, ext=True), connect("youim", on=stack, ext=True)
    for client in (me, other):
        client.register_new()
        client.log_in()
    # Behind the answer,
    first, _ = ask(me, ask_friend(me, other.account), "r")
    assert first["ok"]
    group.kill()
    group.start()
    assert ask(me, ask_friend(me, other.account), "r")[0] == first
    # and before it: nobody knows how far it has got. The client waits.
    for round_number in range(3):
        name = f"club-{round_number}-{secrets.token_hex(4)}"
        ref = f"c{round_number}"
        if round_number == 0:
            group.pause()
        me.send({**create(me, name), "ref": ref})
        group.kill()
        group.start()
        result, heard = wait_for_result(me, ref)
        assert result["ok"], result
        again, heard_again = ask(me, create(me, name), ref)
        assert again == result
        assert answers(heard_again) == answers(heard)
    groups = stack.sql("SELECT COUNT(*) FROM conversation WHERE kind = 1")
    assert groups == ((3,),)
    assert stack.sql("SELECT COUNT(*) FROM request") == ((1,),)
