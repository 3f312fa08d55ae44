"""Look-ups and changes of people and groups (307 to 311, 325, 337): on all devices."""

import secrets

import pytest
from parley_client import KINDS, PRESENCE
from parley_stack import wait_until

pytestmark = pytest.mark.parametrize("kind", KINDS, ids="-".join)


def ask(client, number, ref="r", **body):
    """The answer's fields, if there is one, and the 300's."""
    client.send(client.make(number, ref, **body))
    message = client.next()
    answer = None
    if message[client.number_key] == number + 1:
        answer = {key: value for key, value in client.body(message).items() if key != "msgType"}
        assert answer.pop("ref") == ref
        message = client.next()
    assert message[client.number_key] == 300, message
    result = {key: value for key, value in client.body(message).items() if key != "msgType"}
    assert result.pop("ref") == ref
    return answer, result


def second_device(connect, kind, client):
    device = connect(*kind, ext=True)
    device.log_in(client.account)
    return device


def befriend(stack, one, other):
    """In the database: other tests check the request and its answer."""
    lo, hi = sorted((one.account.number, other.account.number))
    stack.sql("INSERT INTO friendship VALUES (%s, %s, 1)", lo, hi)


def expect_set(client, **fields):
    """The next message is a 325 with these fields, and a place in the log."""
    shown = dict(client.body(client.expect(325)))
    shown.pop("msgType", None)
    assert shown.pop("cid") > 0 and shown.pop("time_ms") > 0
    assert shown == fields


def take_result(client, ref="r"):
    """The 300, and the messages before it (the notices of one's own change arrive in either order)."""
    others = []
    while (message := client.next())[client.number_key] != 300:
        others.append(message)
    body = client.body(message)
    assert body["ref"] == ref and body["ok"], message
    return others


# --- 307, 309


def add_member(stack, group, client):
    stack.sql("INSERT INTO member (conversation, account, role, joined_ms) VALUES"
              " (%s, %s, 1, 1)", 1 << 60 | group.number, client.account.number)


def wait_for_presence(client, number, known):
    """Asks for the list until it has this presence of the others."""
    def asked():
        shown, result = ask(client, number[0], **number[1])
        assert result == {"ok": True}
        items = shown["friends" if number[0] == 307 else "members"]
        return {item["user"]: item["online"] for item in items} == known
    wait_until(asked, f"{known}")


@pytest.fixture
def quiet_kinds(monkeypatch):
    """Presence arrives in its own time; here it is asked for."""
    monkeypatch.setattr("parley_client.Client.skips", PRESENCE)


def test_friends_and_their_presence(stack, newcomer, kind, quiet_kinds):
    client, here, away = newcomer(*kind, ext=True), newcomer("youim"), newcomer("ourchat")
    asking, asked = newcomer("youim"), newcomer("youim")
    for other in (here, away):
        befriend(stack, client, other)
    stack.sql("INSERT INTO request (kind, target, account, created_ms) VALUES (1, %s, %s, 1), (1, %s, %s, 1)", client.account.number,
              asking.account.number, asked.account.number, client.account.number)
    away.close()
    ids = [client.id_of(other.account) for other in (here, away, asking, asked)]
    wait_for_presence(client, (307, {}), {ids[0]: True, ids[1]: False})
    shown, result = ask(client, 307)
    assert result == {"ok": True} and list(shown) == ["friends", "requests", "more"]
    friend = next(item for item in shown["friends"] if item["user"] == ids[0])
    assert friend == {"user": ids[0], "name": here.account.id, "remark": "", "avatar": "",
                      "online": True}
    assert {item["user"]: item["mine"] for item in shown["requests"]} == {
        ids[2]: False, ids[3]: True}
    # The same page by page.
    found, page = [], {"more": True}
    while page["more"]:
        page, _ = ask(client, 307, limit=1, **({"after": page["after"]} if found else {}))
        found += page["friends"] + page["requests"]
    assert {item["user"] for item in found} == set(ids)


def test_members_and_their_presence(stack, newcomer, kind, quiet_kinds):
    client, here, away = newcomer(*kind, ext=True), newcomer("youim"), newcomer("ourchat")
    asker, stranger = newcomer("youim"), newcomer(*kind, ext=True)
    club = client.create_group(f"people-{secrets.token_hex(4)}")
    for other in (here, away):
        stack.ctl("group", "add", club.id, other.account.id)
        client.expect_joined(club, other.account)
    away.close()
    group = {"group": client.id_of(club)}
    ids = [client.id_of(other.account) for other in (client, here, away, asker)]
    wait_for_presence(client, (309, group), {ids[0]: True, ids[1]: True, ids[2]: False})
    asker.send(asker.acting(3, fromUserId=asker.account.id, groupId=club.id))
    client.next()
    shown, _ = ask(client, 309, **group)
    members = {item["user"]: item for item in shown["members"]}
    assert shown["group"] == group["group"] and shown["more"] is False
    assert [item["user"] for item in shown["requests"]] == [ids[3]]
    assert members[ids[0]]["role"] == "owner" and members[ids[1]]["role"] == "member"
    assert list(members[ids[1]]) == ["user", "name", "nick", "role", "online", "muted_until", "read"]
    # How far each has read: the group is small.
    client.say(club, "hello")
    cid = client.cid_of(client.hear_own(club, "hello"))
    client.send(client.make(302, "r", peer=group, cid=cid))
    take_result(client)
    shown, _ = ask(client, 309, **group)
    assert {item["user"]: item["read"] for item in shown["members"]}[ids[0]] == cid
    assert ask(stranger, 309, **group)[1]["error"] == "not_member"


def test_presence_in_large_groups_and_with_several_sessions(make_stack, newcomer, kind,
                                                            quiet_kinds):
    stack = make_stack(sessions=2, presence_group_max=2)
    client = newcomer(*kind, ext=True, on=stack)
    others = [newcomer("youim", on=stack) for _ in range(8)]
    club = client.create_group(f"people-{secrets.token_hex(4)}")
    for other in others:
        befriend(stack, client, other)
        add_member(stack, club, other)
    for other in others[::2]:
        other.close()
    known = {client.id_of(other.account): i % 2 == 1 for i, other in enumerate(others)}
    wait_for_presence(client, (307, {}), known)
    known |= {client.id_of(client.account): True}
    wait_for_presence(client, (309, {"group": client.id_of(club)}), known)


# --- 311


def test_profiles(stack, newcomer, kind):
    client, friend = newcomer(*kind, ext=True), newcomer("ourchat", ext=True)
    club = client.create_group(f"people-{secrets.token_hex(4)}")
    befriend(stack, client, friend)
    shown, result = ask(client, 311, user=client.id_of(friend.account))
    assert result == {"ok": True}
    assert shown == {"user": client.id_of(friend.account), "name": "somebody", "avatar": "",
                     "about": "", "remark": "", "friend": True}
    shown, _ = ask(client, 311, group=client.id_of(club))
    assert shown == {"group": client.id_of(club), "name": club.name, "avatar": "", "about": "",
                     "slow_s": 0, "member": True}
    shown, _ = ask(friend, 311, group=friend.id_of(club))
    assert shown["member"] is False
    nobody = "nobody here" if client.dialect == "youim" else 8999999999999998
    for body, error in (({"user": nobody}, "no_account"), ({"group": nobody}, "no_group"),
                        ({"email": friend.account.email}, "not_allowed")):
        shown, result = ask(client, 311, **body)
        assert shown is None and (result["ok"], result["error"]) == (False, error)


def test_a_profile_by_its_address(make_stack, newcomer, kind):
    other = make_stack(profile_by_email="true")
    client, friend = newcomer(*kind, ext=True, on=other), newcomer("ourchat", on=other)
    shown, _ = ask(client, 311, email=friend.account.email.upper())
    assert shown["user"] == client.id_of(friend.account)
    assert ask(client, 311, email="nobody@example.org")[1]["error"] == "no_account"


# --- 325


def test_ones_own_profile_reaches_friends_and_all_devices(stack, newcomer, connect, kind):
    client = newcomer(*kind, ext=True)
    friend, plain = newcomer(*kind, ext=True), newcomer("ourchat")
    away = newcomer(*kind, ext=True)
    device = second_device(connect, kind, client)
    for other in (friend, plain, away):
        befriend(stack, client, other)
    away.close()
    me = {"user": client.id_of(client.account)}
    client.send(client.make(325, "r", of="me", about="I fish"))
    others = take_result(client)
    if not others:
        others.append(client.next())
    assert [client.body(m)["of"] for m in others] == [me]
    expect_set(device, of=me)
    expect_set(friend, of=me)
    client.send(client.make(325, of="me", name="Fisher", about=""))
    for shown_to in (client, device, friend):
        expect_set(shown_to, of=me)
        if kind[0] == "ourchat":
            shown_to.expect(12, ocid=client.account.number, name="Fisher")
        shown_to.fence()
    # An unmodified client sees the new name alone.
    assert list(plain.expect(12, ocid=client.account.number, name="Fisher")["data"]) == [
        "ocid", "name"]
    plain.fence()
    again = connect(*kind, ext=True)
    again.log_in(away.account)
    expect_set(again, of=me)
    expect_set(again, of=me)
    shown, _ = ask(friend, 311, user=friend.id_of(client.account))
    assert (shown["name"], shown["about"]) == ("Fisher", "")


def test_a_remark_is_ones_own(stack, newcomer, connect, kind):
    client, friend = newcomer(*kind, ext=True), newcomer(*kind, ext=True)
    befriend(stack, client, friend)
    device = second_device(connect, kind, client)
    peer = client.id_of(friend.account)
    client.send(client.make(325, of={"friend": peer}, remark="钓鱼人"))
    expect_set(client, of={"user": peer})
    expect_set(device, of={"user": peer})
    assert ask(device, 311, user=peer)[0]["remark"] == "钓鱼人"
    assert ask(friend, 311, user=peer)[0]["remark"] == ""
    # The same again under a ref is done once.
    for _ in range(2):
        client.send(client.make(325, "once", of={"friend": peer}, remark="x"))
        take_result(client, "once")
    stored = stack.sql("SELECT COUNT(*) FROM message WHERE type = 19 AND sender = %s",
                       client.account.number)
    assert stored == ((2,),)
    friend.expect_nothing()


def test_a_groups_profile_and_nicks(stack, newcomer, kind):
    owner, member = newcomer(*kind, ext=True), newcomer(*kind, ext=True)
    club = owner.create_group(f"people-{secrets.token_hex(4)}")
    stack.ctl("group", "add", club.id, member.account.id)
    for client in (owner, member):
        client.expect_joined(club, member.account)
    group = {"group": owner.id_of(club)}
    owner.send(owner.make(325, of=group, about="We fish", slow_s=5))
    for client in (owner, member):
        expect_set(client, of=group, by=owner.id_of(owner.account))
    shown, _ = ask(member, 311, **group)
    assert (shown["about"], shown["slow_s"]) == ("We fish", 5)
    _, result = ask(member, 325, of=group, about="mine")
    assert (result["error"], "administrators" in result["text"]) == ("not_allowed", True)
    member.send(member.make(325, of={"member": group}, nick="Pike"))
    membership = {"member": group | {"user": member.id_of(member.account)}}
    for client in (owner, member):
        expect_set(client, of=membership, nick="Pike")
    owner.send(owner.make(325, of=group, name="Anglers"))
    for client in (owner, member):
        expect_set(client, of=group, by=owner.id_of(owner.account))
        if kind[0] == "ourchat":
            client.expect(12, group_id=club.number, name="Anglers")
        client.fence()
    _, result = ask(owner, 325, of=group, avatar="f1")
    assert "avatar must be the id of a file" in result["text"]


# --- 337


def test_quiet_is_ones_own_on_all_devices(stack, newcomer, connect, kind):
    client, friend = newcomer(*kind, ext=True), newcomer("ourchat", ext=True)
    friend.say(client.account, "hello")
    friend.hear_own(client.account, "hello")
    client.hear(friend.account, client.account, "hello")
    stack.wait_received(client.account)
    device = second_device(connect, kind, client)
    peer = {"user": client.id_of(friend.account)}
    for until_ms in (1900000000000, 0):
        assert ask(client, 337, peer=peer, until_ms=until_ms) == (None, {"ok": True})
        device.expect(337, peer=peer, until_ms=until_ms)
        stored = stack.sql("SELECT quiet_until_ms FROM `cursor` WHERE account = %s AND"
                           " conversation < 1 << 60", client.account.number)
        assert stored == ((until_ms,),)
    client.expect_nothing(device)
    friend.expect_nothing()


def test_quiet_needs_a_conversation(newcomer, kind):
    client, friend = newcomer(*kind, ext=True), newcomer("youim", ext=True)
    group = friend.create_group(f"quiet-{secrets.token_hex(4)}")
    for peer, error in (({"user": client.id_of(friend.account)}, "no_message"),
                        ({"user": client.id_of(client.account)}, "to_oneself"),
                        ({"group": client.id_of(group)}, "not_member")):
        result = ask(client, 337, peer=peer, until_ms=1)[1]
        assert (result["ok"], result["error"]) == (False, error)
    client.send(client.make(337, peer={"group": client.id_of(group)}, until_ms=1))
    client.expect_error("you are not a member of group")
