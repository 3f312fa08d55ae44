"""Every request that names a message by its `cid`, with each `cid` that it must not have: of another
conversation, from before joining, from an absence, from after leaving, and none at all. The answer is a
fault, nothing changes, and history shows none of it."""

import secrets

import pytest
from parley_client import KINDS, PRESENCE
from parley_deeds import edit, react, recall, wait_for_result
from test_acting import MISSING, changed, checksums

kinds = pytest.mark.parametrize("kind", KINDS, ids="-".join)
# Notices that nobody here cares for.
NOTICES = frozenset({0, 4, 6, 8, 10, 17, 18, 117, 118, 301, 302})
# Values that are no cid.
MALFORMED = (0, -1, 1.5, "x", True, None, [1], {"cid": 1}, 2**53, 2**63, 2**64, MISSING)
# 302 is as 301; both mean all up to a cid, so an earlier one of another conversation does no harm.
MARKS = (301, 302)


def replying(client, peer, cid):
    request = client.saying(peer, "to that")
    request["msgBody" if client.dialect == "youim" else "data"]["reply"] = cid
    return request


def changes(client, peer, cid):
    """(description, request) of each that names one message."""
    return [
        ("recall", recall(client, peer, cid)),
        ("edit", edit(client, peer, cid, "changed")),
        ("react", react(client, peer, cid, ":)")),
        ("reply", replying(client, peer, cid)),
    ]


def outcome(client, request):
    ref = secrets.token_hex(8)
    client.send(request | {"ref": ref})
    return wait_for_result(client, ref)[0]


class World:
    """anna's group, in which ben was, was not, and is again; anna and carla also write to ben."""

    def __init__(self, stack, newcomer, kind):
        self.stack = stack
        self.anna, self.ben = newcomer("youim", ext=True), newcomer(*kind, ext=True)
        self.carla = newcomer("youim", ext=True)
        for client in (self.anna, self.ben, self.carla):
            client.skips = PRESENCE | NOTICES
        self.club = self.anna.create_group(f"club-{secrets.token_hex(4)}")
        self.elsewhere = self.say(self.carla.account)
        self.private = self.say(self.ben.account)
        self.of_carla = self.say(self.ben.account, self.carla)
        self.before = self.say(self.club)
        self.move("add")
        self.inside = self.say(self.club)
        self.move("remove")
        self.away = self.say(self.club)
        self.move("add")
        self.again = self.say(self.club)

    def move(self, how):
        self.stack.ctl("group", how, self.club.id, self.ben.account.id)

    def say(self, peer, sender=None):
        """The sender (anna) writes a text; returns its cid."""
        sender = sender or self.anna
        result = outcome(sender, sender.saying(peer, f"to {peer}"))
        assert result["ok"], result
        return result["cid"]


def faults(world, peer, cids):
    """The results that are wrong, of each change of each of those in the conversation."""
    for name, cid in cids.items():
        for what, request in changes(world.ben, peer, cid):
            result = outcome(world.ben, request)
            if result["ok"] or result["error"] not in ("no_message", "not_member"):
                yield f"{what} of {name}: {result}"


def texts_of(client, messages):
    """The cids of the texts among them."""
    return {client.cid_of(message) for message in messages
            if message[client.number_key] in (0, 6, 8)}


def shown(client, peer, **place):
    return texts_of(client, client.history(peer, **place)["messages"])


@kinds
def test_cids_of_others(stack, newcomer, kind):
    world = World(stack, newcomer, kind)
    club, anna = world.club, world.anna.account
    before = checksums(stack)
    never = {"nothing": world.again + 1000}
    elsewhere = {"another conversation": world.elsewhere}
    hidden = {"before joining": world.before, "an absence": world.away}
    found = [
        *faults(world, club, hidden | elsewhere | never | {"a private text": world.private}),
        *faults(world, anna, hidden | elsewhere | never | {"a group's text": world.again}),
        *faults(world, world.carla.account, elsewhere | {"a private text": world.private}),
    ]
    assert checksums(stack) == before
    world.move("remove")
    late = {"after leaving": world.say(club)}
    left = checksums(stack)
    found += faults(world, club, hidden | late)
    assert not found, "\n".join(found)
    assert checksums(stack) == left


@kinds
def test_marks_go_no_further_than_the_conversation(stack, newcomer, kind):
    world = World(stack, newcomer, kind)
    world.move("remove")
    late = world.say(world.club)
    last = world.say(world.carla.account)
    for number in MARKS:
        for peer, cid in (("group", late), ("group", last), ("user", last)):
            of = world.club if peer == "group" else world.anna.account
            request = world.ben.make(number, peer={peer: world.ben.id_of(of)}, cid=cid)
            assert outcome(world.ben, request)["error"] == "no_message", (number, peer, cid)
    query = "SELECT MAX(received) FROM `cursor` WHERE account = %s"
    assert stack.sql(query, world.ben.account.number)[0][0] < late


@kinds
def test_history_shows_texts_for_the_reader(stack, newcomer, kind):
    world = World(stack, newcomer, kind)
    world.move("remove")
    late = world.say(world.club)
    own = {world.inside, world.again}
    places = (world.elsewhere, world.private, world.before, world.away, late, late + 1000)
    for cid in places:
        for name in ("before", "after", "around"):
            found = shown(world.ben, world.club, **{name: cid})
            assert found <= own, (name, cid)
        assert shown(world.ben, world.anna.account, around=cid) <= {world.private}, cid
        found = world.ben.ask(331, 332, text="to ", before=cid)["messages"]
        assert texts_of(world.ben, found) <= own | {world.private, world.of_carla}, cid
    assert shown(world.ben, world.club) == own
    found = world.ben.ask(331, 332, text="to ")["messages"]
    assert texts_of(world.ben, found) == own | {world.private, world.of_carla}


@kinds
def test_no_cids(stack, newcomer, kind):
    anna, ben = newcomer("youim"), newcomer(*kind, ext=True)
    peer = {"user": ben.id_of(anna.account)}
    bodies = [(301, {}), (302, {}), (315, {}), (327, {"msg": "x"}),
              (329, {"emoji": ":)", "on": True})]
    before = checksums(stack)
    wrong = []
    for number, more in bodies:
        for cid in MALFORMED:
            body = changed({"peer": peer, "cid": 1, **more}, "cid", cid)
            result = outcome(ben, ben.make(number, **body))
            if result["ok"] or "cid" not in result["text"]:
                wrong.append(f"{number} with {str(cid)[:20]}: {result}")
    for name in ("before", "after", "around"):
        for cid in MALFORMED[:-1]:
            if cid is None:
                continue  # as if it were absent
            result = outcome(ben, ben.make(303, peer=peer, **{name: cid}))
            if result["ok"] or name not in result["text"]:
                wrong.append(f"303 {name} {str(cid)[:20]}: {result}")
    assert not wrong, "\n".join(wrong)
    assert checksums(stack) == before
