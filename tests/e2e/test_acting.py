"""Every request of both dialects with every id that it must not have: the answer names the fault,
the connection stays, and the database is unchanged.

Each table row is a request that would succeed (or change something) with its right ids; each of its
ids is replaced by each foreign one. All of it goes over one connection for a transport.
"""

import dataclasses
import secrets

import pytest
from parley_client import TRANSPORTS
from parley_deeds import stored

# All but cursors and tokens, which change with receipts and logins.
TABLES = ("account", "friendship", "block", "request", "conversation", "member", "message",
          "ban")
LONG = "x" * 60_000
# Longer than any object may be.
ENDLESS = "x" * 1_000_000
MISSING = object()


@dataclasses.dataclass
class World:
    """anna, who makes the requests, owns `club`; `bystander` is a member and an administrator."""

    anna: object
    bystander: object
    asker: object
    outsider: object
    club: object
    foreign: object  # bystander's group
    to_bystander: int  # anna's texts: the cid of one to bystander
    to_club: int  # and of one to club


def checksums(stack):
    """One value that changes with any row of the tables."""
    return stack.sql(f"CHECKSUM TABLE {', '.join(f'`{table}`' for table in TABLES)}")


def wrong_ids(dialect, other, others_group, is_group):
    """(description, value) of ids that are none of anna's; of numbers in OurChat, else strings.
    `other` is another user."""
    youim = dialect == "youim"
    unknown = f"nobody-{secrets.token_hex(4)}" if youim else 8999999999999998
    another = others_group if is_group else other
    return [
        ("another", another.id if youim else another.number),
        ("unknown", unknown),
        ("SYSTEM", "SYSTEM" if youim else 0),
        ("empty", ""),
        ("a list", [another.id if youim else another.number]),
        ("an object", {"id": 1}),
        ("true", True),
        ("a fraction", 1.5),
        ("negative", -1),
        ("missing", MISSING),
        ("long", LONG),
    ]


# --- the requests: (number, ids that are the actor's, ids of groups, ids of persons, the body)


def youim_requests(world):
    me, club = world.anna.account.id, world.club.id
    member, asker = world.bystander.account.id, world.asker.account.id
    outsider = world.outsider.account.id
    text = secrets.token_hex(8)
    return [
        (3, ["fromUserId"], ["groupId"], [], {"fromUserId": me, "groupId": world.foreign.id}),
        (5, ["fromUserId"], [], ["toUserId"],
         {"toUserId": member, "msg": text, "fromUserId": me}),
        (7, ["fromUserId"], ["toGroup"], [], {"toGroup": club, "msg": text, "fromUserId": me}),
        (9, ["logoutUserId"], [], [], {"logoutUserId": me}),
        (11, ["fromUserId"], ["groupId"], [], {"fromUserId": me, "groupId": club}),
        (13, ["fromUserId"], [], ["toUserId"], {"toUserId": outsider, "fromUserId": me}),
        (15, ["fromUserId"], [], ["toUserId"], {"fromUserId": me, "toUserId": member}),
        (17, ["fromAdministratorId"], ["fromGroupId"], ["toUSerId"],
         {"fromAdministratorId": me, "fromGroupId": club, "toUSerId": member}),
        (17, ["fromAdministratorId"], ["fromGroupId"], ["toUserId"],
         {"fromAdministratorId": me, "fromGroupId": club, "toUserId": member}),
        (19, ["ownerId"], ["groupId"], ["toUserId"],
         {"ownerId": me, "groupId": club, "toUserId": member}),
        (21, ["ownerId"], ["groupId"], ["fromUserId"],
         {"ownerId": me, "groupId": club, "fromUserId": member}),
        (104, ["fromUserId"], [], ["toUserId"],
         {"fromUserId": me, "toUserId": asker, "confirmResult": True}),
        (106, ["handleAdministratorId"], ["groupId"], ["toUserId"],
         {"handleAdministratorId": me, "groupId": club, "toUserId": asker, "confirmResult": True}),
        (111, ["ownerId"], ["groupId"], [], {"groupId": club, "ownerId": me}),
        (114, ["ownerId"], ["groupId"], [],
         {"ownerId": me, "groupId": f"new-{secrets.token_hex(4)}"}),
    ]


def ourchat_requests(world):
    me, club = world.anna.account.number, world.club.number
    member, asker = world.bystander.account.number, world.asker.account.number
    outsider = world.outsider.account.number
    text = secrets.token_hex(8)
    return [
        (0, ["sender.ocid"], [], ["sender.private_id"],
         {"sender": {"ocid": me, "private_id": member}, "msg": text}),
        (0, ["sender.ocid"], ["sender.group_id"], [],
         {"sender": {"ocid": me, "group_id": club}, "msg": text}),
        (8, ["ocid"], [], [], {"group_name": text, "ocid": me}),
        (9, ["ocid"], [], ["add_ocid"], {"add_ocid": outsider, "ocid": me}),
        (9, ["ocid"], ["group_id"], [], {"group_id": world.foreign.number, "ocid": me}),
        (10, ["add_ocid"], [], ["ocid"], {"add_ocid": me, "ocid": asker}),
        (10, [], ["group_id"], ["ocid"], {"group_id": club, "ocid": asker}),
        (11, ["add_ocid"], [], ["ocid"], {"add_ocid": me, "ocid": asker}),
        (11, [], ["group_id"], ["ocid"], {"group_id": club, "ocid": asker}),
        (12, ["ocid"], [], [], {"ocid": me, "name": text}),
        (12, [], ["group_id"], [], {"group_id": club, "ocid": me, "name": text}),
        (111, ["ocid"], ["group_id"], [], {"group_id": club, "ocid": me}),
        (115, ["ocid"], [], ["target_ocid"], {"ocid": me, "target_ocid": member}),
        (117, ["ocid"], ["group_id"], ["target_ocid"],
         {"group_id": club, "ocid": me, "target_ocid": member}),
        (119, ["ocid"], ["group_id"], ["target_ocid"],
         {"group_id": club, "ocid": me, "target_ocid": member}),
        (121, ["ocid"], ["group_id"], ["target_ocid"],
         {"group_id": club, "ocid": me, "target_ocid": member}),
        (211, ["ocid"], ["group_id"], [], {"group_id": club, "ocid": me}),
    ]


# Changes of a text, and their arguments.
CHANGES = ((315, {}), (327, {"msg": "changed"}), (329, {"emoji": ":)", "on": True}))


def extension_requests(world, dialect):
    """The same in both dialects, but for the form of ids."""
    def id_of(peer):
        return peer.id if dialect == "youim" else peer.number

    member, club = id_of(world.bystander.account), id_of(world.club)
    return [
        (301, [], ["peer.group"], [], {"peer": {"group": club}, "cid": 1}),
        (301, [], [], ["peer.user"], {"peer": {"user": member}, "cid": 1}),
        (302, [], ["peer.group"], [], {"peer": {"group": club}, "cid": 1}),
        (302, [], [], ["peer.user"], {"peer": {"user": member}, "cid": 1}),
        (303, [], ["peer.group"], [], {"peer": {"group": club}}),
        (303, [], [], ["peer.user"], {"peer": {"user": member}}),
        (331, [], ["peer.group"], [], {"peer": {"group": club}, "text": "words"}),
        (331, [], [], ["peer.user"], {"peer": {"user": member}, "text": "words"}),
        (313, [], ["peer.group"], [], {"peer": {"group": club}}),
        (313, [], [], ["peer.user"], {"peer": {"user": member}}),
        (309, [], ["group"], [], {"group": club}),
        (311, [], [], ["user"], {"user": member}),
        (311, [], ["group"], [], {"group": club}),
        (325, [], [], ["of.friend"], {"of": {"friend": member}, "remark": "x"}),
        (325, [], ["of.group"], [], {"of": {"group": club}, "about": "x"}),
        (325, [], ["of.member.group"], [], {"of": {"member": {"group": club}}, "nick": "x"}),
        (337, [], [], ["peer.user"], {"peer": {"user": member}, "until_ms": 1900000000000}),
        (337, [], ["peer.group"], [], {"peer": {"group": club}, "until_ms": 1900000000000}),
        (321, [], [], ["user"], {"user": member, "on": True}),
        (333, [], ["group"], ["user"],
         {"group": club, "user": member, "until_ms": 1900000000000}),
        (335, [], ["group"], ["user"], {"group": club, "user": member, "on": True}),
        *((number, [], [], ["peer.user"],
           {"peer": {"user": member}, "cid": world.to_bystander, **more})
          for number, more in CHANGES),
        *((number, [], ["peer.group"], [], {"peer": {"group": club}, "cid": world.to_club, **more})
          for number, more in CHANGES),
    ]


# Requests to `another` that would be right, or fail by nobody's fault, are left out.
RIGHT = {
    # Anybody may write to, befriend or ask anybody; ids of new groups are free to choose.
    ("youim", 5, "toUserId", "another"), ("youim", 13, "toUserId", "another"),
    ("ourchat", 0, "sender.private_id", "another"), ("ourchat", 9, "add_ocid", "another"),
    ("youim", 3, "groupId", "another"), ("ourchat", 9, "group_id", "another"),
    ("youim", 114, "groupId", "unknown"),
    # That conversation is empty yet; SYSTEM's are the operator's messages to all.
    ("youim", 303, "peer.user", "another"), ("ourchat", 303, "peer.user", "another"),
    ("youim", 303, "peer.user", "SYSTEM"), ("ourchat", 303, "peer.user", "SYSTEM"),
    ("youim", 331, "peer.user", "another"), ("ourchat", 331, "peer.user", "another"),
    ("youim", 331, "peer.user", "SYSTEM"), ("ourchat", 331, "peer.user", "SYSTEM"),
    ("youim", 301, "peer.user", "SYSTEM"), ("ourchat", 301, "peer.user", "SYSTEM"),
    ("youim", 302, "peer.user", "SYSTEM"), ("ourchat", 302, "peer.user", "SYSTEM"),
    # Anybody may type to anybody.
    ("youim", 313, "peer.user", "another"), ("ourchat", 313, "peer.user", "another"),
    # Anybody may see anybody's profile.
    ("youim", 311, "user", "another"), ("ourchat", 311, "user", "another"),
    ("youim", 311, "group", "another"), ("ourchat", 311, "group", "another"),
    # Without group_id it is a nickname; 11 needs no add_ocid.
    ("ourchat", 12, "group_id", "missing"), ("ourchat", 11, "add_ocid", "missing"),
    ("ourchat", 11, "group_id", "missing"),
    # Anybody may be blocked, and banned from one's own group.
    ("youim", 321, "user", "another"), ("ourchat", 321, "user", "another"),
    ("youim", 335, "user", "another"), ("ourchat", 335, "user", "another"),
}


def changed(body, name, value):
    """The body with the field at `name` ("sender.ocid") replaced or left out."""
    first, _, rest = name.partition(".")
    if rest:
        return body | {first: changed(body[first], rest, value)}
    copy = {key: old for key, old in body.items() if key != first}
    return copy if value is MISSING else copy | {first: value}


def make_world(newcomer, dialect, transport):
    anna, bystander = newcomer(dialect, transport, ext=True), newcomer(dialect)
    asker, outsider = newcomer("youim"), newcomer("youim")
    club = anna.create_group(f"club-{secrets.token_hex(4)}")
    foreign = newcomer(dialect).create_group(f"foreign-{secrets.token_hex(4)}")
    texts = [stored(anna, peer, "hello") for peer in (bystander.account, club)]
    bystander.next()
    world = World(anna, bystander, asker, outsider, club, foreign, *texts)
    asker.send(asker.acting(13, fromUserId=asker.account.id, toUserId=anna.account.id),
               asker.acting(3, fromUserId=asker.account.id, groupId=club.id))
    befriend(bystander, anna)
    wait_for_news(anna, 3)
    return world


def befriend(asking, asked):
    """The request alone; `asked` accepts it, and the group's owner pulls its friend in."""
    if asking.dialect == "youim":
        asking.send(asking.acting(13, fromUserId=asking.account.id, toUserId=asked.account.id))
    else:
        asking.send(asking.make(9, add_ocid=asked.account.number, ocid=asking.account.number))


def wait_for_news(client, count):
    """Takes so many requests (9, 103 or 105), in any order."""
    for _ in range(count):
        assert client.next()[client.number_key] in (9, 103, 105)


def faults_of(world, dialect):
    """(request, fault) for each field and each wrong value."""
    requests = youim_requests(world) if dialect == "youim" else ourchat_requests(world)
    requests += extension_requests(world, dialect)
    for number, actors, groups, persons, body in requests:
        for name in [*actors, *groups, *persons]:
            for kind, value in wrong_ids(dialect, world.outsider.account, world.foreign,
                                         name in groups):
                if (dialect, number, name, kind) not in RIGHT:
                    yield number, name, kind, changed(body, name, value)


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("dialect", ["youim", "ourchat"])
def test_every_wrong_id(stack, newcomer, dialect, transport):
    world = make_world(newcomer, dialect, transport)
    anna = world.anna
    before = checksums(stack)
    asked, wrong = 0, []
    for number, name, kind, body in faults_of(world, dialect):
        ref = f"{asked}"
        asked += 1
        request = anna.acting(number, ref, **body) if dialect == "youim" else anna.make(
            number, ref, **body)
        anna.send(request)
        answer = anna.body(anna.next())
        what = f"{number} with {name} {kind}"
        if answer.get("ref") != ref or answer.get("ok") is not False:
            wrong.append(f"{what}: {str(answer)[:200]}")
        elif not names_the_fault(answer, name, body):
            wrong.append(f"{what}: says only {answer['text']!r}")
        elif len(answer["text"]) > 300:
            wrong.append(f"{what}: {len(answer['text'])} bytes of reason")
    assert not wrong, f"{len(wrong)} of {asked}:\n" + "\n".join(wrong)
    assert asked > 100
    assert checksums(stack) == before
    for client in (anna, world.bystander, world.asker, world.outsider):
        client.fence()


def names_the_fault(answer, name, body):
    """The reason has the field's name, the id as it was written, or one's own id."""
    value = body
    for part in name.split("."):
        value = value.get(part, "") if isinstance(value, dict) else ""
    text = answer["text"]
    words = [name.lower(), name.partition(".")[2].lower() or name.lower(), "another account",
             "exactly one of"]
    return any(word in text.lower() for word in words) or value != "" and str(value) in text


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_every_request_with_a_wrong_token(stack, newcomer, transport):
    world = make_world(newcomer, "youim", transport)
    anna = world.anna
    other = newcomer("youim", transport)
    tokens = [other.token, "", "1522917270570_9", anna.token.swapcase(), LONG, 17, MISSING]
    before = checksums(stack)
    for number, *_, body in youim_requests(world):
        for token in tokens:
            request = anna.make(number, "r", **changed(body | {"token": ""}, "token", token))
            anna.send(request)
            answer = anna.expect_result("r")
            assert not answer["ok"] and "token" in answer["text"], f"{number}: {answer}"
    assert checksums(stack) == before
    anna.fence()


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("dialect", ["youim", "ourchat"])
def test_unmodified_clients_get_the_faults_too(stack, newcomer, dialect, transport):
    """Without a ref the same faults are sent as a 101, or as a code 0 from SYSTEM."""
    world = make_world(newcomer, dialect, transport)
    plain = newcomer(dialect, transport)
    victim = world.anna.account
    before = checksums(stack)
    requests = youim_requests(world) if dialect == "youim" else ourchat_requests(world)
    for number, actors, _, _, body in requests:
        if not actors or (dialect == "ourchat" and number > 99):
            continue  # those need the extension
        request = plain.acting(number, **body) if dialect == "youim" else plain.make(number, **body)
        plain.send(request)
        plain.expect_error("another account")
    assert plain.account.number != victim.number
    assert checksums(stack) == before
    plain.fence()


@pytest.mark.parametrize("dialect", ["youim", "ourchat"])
def test_before_the_login(stack, newcomer, connect, dialect):
    world = make_world(newcomer, dialect, "tcp")
    guest = connect(dialect, "tcp")
    before = checksums(stack)
    requests = youim_requests(world) if dialect == "youim" else ourchat_requests(world)
    for number, *_, body in requests:
        if dialect == "ourchat" and number > 99:
            continue
        body = body | {"token": world.anna.token} if dialect == "youim" else body
        guest.send(guest.make(number, **body))
        guest.expect_error("log in")
    assert checksums(stack) == before
    guest.fence()


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("dialect", ["youim", "ourchat"])
def test_every_request_with_an_endless_field(stack, newcomer, connect, dialect, transport):
    """The connection ends; nothing is done, and everybody else goes on."""
    world = make_world(newcomer, dialect, transport)
    world.anna.close()
    before = checksums(stack)
    requests = youim_requests(world) if dialect == "youim" else ourchat_requests(world)
    requests += extension_requests(world, dialect)
    without_ids = [(number, {name: ENDLESS}) for number, name in (
        (305, "before"), (307, "unknown"), (319, "close"), (325, "name"), (327, "msg"), (329, "emoji"),
        (331, "text"), (339, "password"))]
    for number, body in without_ids + [
            (number, changed(body, [*persons, *groups, *actors][0], ENDLESS))
            for number, actors, groups, persons, body in requests]:
        client = connect(dialect, transport, ext=True, confirm=True)
        client.log_in(world.anna.account)
        client.send(client.make(number, **body))
        while client.take() is not None:
            pass
        assert client.expect_closed() == (1009 if transport == "websocket" else "eof"), number
    assert checksums(stack) == before
    world.bystander.fence()
