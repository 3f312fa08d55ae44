"""Blocking (321), muting (333) and banning (335): seen by each side and by others."""

import itertools
import secrets

import pytest
from parley_client import KINDS
from parley_deeds import admit, ask_friend, befriend, join, wait_all_received

pytestmark = pytest.mark.parametrize("kind", KINDS, ids="-".join)

FAR = 32503680000000  # the year 3000
_refs = (f"moderation-{number}" for number in itertools.count(1))


def shown(client, message):
    """The fields of a message but for when it was stored."""
    fields = {key: value for key, value in client.body(message).items() if key != "msgType"}
    assert fields.pop("cid") > 0 and fields.pop("time_ms") > 0
    return fields


def done(client, number, notices=1, **body):
    """Carries a request out; the fields of the notices that its own connection gets of it, which
    arrive before the 300 or after it."""
    ref = next(_refs)
    client.send(client.make(number, ref, **body))
    messages = [client.next() for _ in range(1 + notices)]
    result = next(m for m in messages if m[client.number_key] == 300)
    assert client.body(result)["ref"] == ref and client.body(result)["ok"] is True, result
    messages.remove(result)
    assert not notices or messages[0][client.number_key] == number, messages
    return [shown(client, message) for message in messages]


def refused(client, number, error, **body):
    ref = next(_refs)
    client.send(client.make(number, ref, **body))
    result = client.expect_result(ref)
    assert (result["ok"], result["error"]) == (False, error)
    return result["text"]


def new_club(owner, *members):
    group = owner.create_group(f"club-{secrets.token_hex(4)}")
    for i, member in enumerate(members):
        admit(owner, group, member, members[:i])
    return group


# --- 321


def test_block(stack, newcomer, connect, kind):
    client, pest = newcomer(*kind, ext=True), newcomer("youim", ext=True)
    plain = connect(kind[0])  # the same account on a client without extensions
    plain.log_in(client.account)
    user = client.id_of(pest.account)
    assert done(client, 321, user=user, on=True) == [{"user": user, "on": True}]
    pest.say(client.account, "hello", ref="r")
    assert pest.expect_result("r")["error"] == "blocked"
    pest.send(ask_friend(pest, client.account))
    pest.expect_error("does not take requests")
    pest.expect_nothing()  # it was not notified
    plain.expect_nothing(client)
    # It holds for clients that log in later, and ends on all of them.
    wait_all_received(stack, client.account)
    later = connect(*kind, ext=True)
    later.log_in(client.account)
    assert done(later, 321, user=user, on=False) == [{"user": user, "on": False}]
    assert shown(client, client.expect(321)) == {"user": user, "on": False}
    pest.say(client.account, "hello again")
    for device in (client, later, plain):
        device.hear(pest.account, client.account, "hello again")


def test_a_block_is_learned_of_later(newcomer, connect, kind):
    client, pest = newcomer(*kind, ext=True, confirm=True), newcomer("youim")
    user = client.id_of(pest.account)
    device = connect(*kind, ext=True, confirm=True)
    device.log_in(client.account)
    device.close()
    done(client, 321, user=user, on=True)
    again = connect(*kind, ext=True, confirm=True)
    again.log_in(client.account)
    assert shown(again, again.expect(321)) == {"user": user, "on": True}


def test_blocked_friends_stay_friends(newcomer, kind):
    client, pest = newcomer(*kind, ext=True), newcomer("ourchat", ext=True)
    befriend(client, pest)
    group = pest.create_group(f"trap-{secrets.token_hex(4)}")
    done(client, 321, user=client.id_of(pest.account), on=True)
    pull_in = pest.make(10, "r", group_id=group.number, ocid=client.account.number)
    pest.send(pull_in)
    assert pest.expect_result("r")["error"] == "blocked"
    client.say(pest.account, "you may read this")  # the other way it is open
    client.hear_own(pest.account, "you may read this")
    pest.hear(client.account, pest.account, "you may read this")
    client.send(client.make(307))
    listed = client.body(client.expect(308))
    assert [item["user"] for item in listed["friends"]] == [client.id_of(pest.account)]
    assert [item["user"] for item in listed["blocked"]] == [client.id_of(pest.account)]
    refused(client, 321, "to_oneself", user=client.id_of(client.account), on=True)


# --- 333


def test_mute(newcomer, kind):
    owner, member = newcomer(*kind, ext=True), newcomer("ourchat", ext=True)
    other = newcomer("youim")
    club = new_club(owner, member, other)
    ids = {"group": owner.id_of(club), "user": owner.id_of(member.account)}
    seen = {"group": club.number, "by": owner.account.number, "user": member.account.number}
    member.say(club, "one")
    for client in (owner, member, other):
        client.hear(member.account, club, "one")
    notices = done(owner, 333, **ids, until_ms=FAR)
    expected = {"group": ids["group"], "by": owner.id_of(owner.account), "user": ids["user"],
                "until_ms": FAR}
    assert notices == [expected]
    assert shown(member, member.expect(333)) == seen | {"until_ms": FAR}
    member.say(club, "two", ref="r")
    result = member.expect_result("r")
    assert result["error"] == "muted"
    assert result["text"] == "you are muted in this group until 3000-01-01 00:00:00 UTC"
    # Its other conversations are open.
    member.say(other.account, "help")
    member.hear_own(other.account, "help")
    other.hear(member.account, other.account, "help")
    assert done(owner, 333, **ids, until_ms=0) == [expected | {"until_ms": 0}]
    assert shown(member, member.expect(333)) == seen | {"until_ms": 0}
    member.say(club, "three")
    for client in (owner, member, other):
        client.hear(member.account, club, "three")
    assert refused(member, 333, "not_allowed", group=club.number, user=owner.account.number,
                   until_ms=FAR).startswith("you may not mute ")
    for client in (owner, member, other):
        client.expect_nothing()


# --- slow mode


def test_slow_mode(stack, newcomer, kind):
    owner, member = newcomer("youim", ext=True), newcomer(*kind, ext=True)
    club = new_club(owner, member)
    stack.sql("UPDATE conversation SET version = version + 1, slow_s = 3600 WHERE kind = 1 AND"
              " lo = %s", club.number)
    # Of texts that are sent at once the first is stored, and each has an answer.
    member.send(member.saying(club, "one", "s1"), member.saying(club, "two", "s2"))
    answers = [member.next() for _ in range(3)]
    results = {member.body(m)["ref"]: member.body(m) for m in answers
               if m[member.number_key] == 300}
    assert results["s1"]["ok"] is True
    assert results["s2"]["error"] == "slow_mode"
    assert results["s2"]["text"].startswith("this group is in slow mode: you may write again in ")
    owner.hear(member.account, club, "one")
    for text in ("as often", "as I like"):
        owner.say(club, text)
        for client in (owner, member):
            client.hear(owner.account, club, text)
    # The same again changes nothing.
    member.send(member.saying(club, "one", "s1"))
    assert member.expect_result("s1")["cid"] == results["s1"]["cid"]


# --- 335


def test_ban(newcomer, kind):
    owner, member = newcomer(*kind, ext=True), newcomer("ourchat", ext=True)
    plain = newcomer("youim")
    club = new_club(owner, member, plain)
    ids = {"group": owner.id_of(club), "user": owner.id_of(member.account)}
    banned, removed = done(owner, 335, 2, **ids, on=True)
    assert banned == {"group": ids["group"], "by": owner.id_of(owner.account), "user": ids["user"],
                      "on": True}
    assert ids["user"] in removed.values()
    assert shown(member, member.expect(335))["on"] is True
    member.expect(118, target_ocid=member.account.number)
    plain.expect(18, toUserId=member.account.id)  # all that it sees
    member.say(club, "let me in", ref="r")
    assert member.expect_result("r")["error"] == "not_member"
    member.send(join(member, club))
    member.expect_error("you are banned from group")
    assert refused(member, 335, "not_allowed", group=club.number, user=owner.account.number,
                   on=True).startswith("you may not ban ")
    owner.send(owner.make(309, group=ids["group"]))
    assert [item["user"] for item in owner.body(owner.expect(310))["banned"]] == [ids["user"]]
    assert done(owner, 335, **ids, on=False)[0]["on"] is False
    admit(owner, club, member, (plain,))
    for client in (owner, member, plain):
        client.expect_nothing()
