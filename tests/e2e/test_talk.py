"""Private and group texts between all kinds of clients, while everyone is online."""

import secrets

import pytest
from parley_client import KINDS, compact


@pytest.mark.parametrize("theirs", KINDS, ids="-".join)
@pytest.mark.parametrize("mine", KINDS, ids="-".join)
def test_private(newcomer, mine, theirs):
    one, other = newcomer(*mine), newcomer(*theirs)
    copies = []
    for text in ("first", "second", "first"):
        one.say(other.account, text)
        copies.append(other.hear(one.account, other.account, text))
        receipt = one.hear_own(other.account, text)
        # All OurChat clients see the same: one cid, one time, the recipient's number.
        assert receipt is None or other.dialect == "youim" or receipt == copies[-1]
    other.say(one.account, "an answer")
    copies.append(one.hear(other.account, one.account, "an answer"))
    other.hear_own(one.account, "an answer")
    cids = [message["data"]["cid"] for message in copies if "code" in message]
    assert cids == sorted(set(cids))
    one.fence()
    other.fence()


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_group_with_members_of_all_kinds(stack, newcomer, kind):
    owner = newcomer(*kind)
    group = owner.create_group(f"club-{secrets.token_hex(4)}")
    members = [owner]
    for other in KINDS:
        member = newcomer(*other)
        stack.ctl("group", "add", group.id, member.account.id)
        members.append(member)
        for one in members:
            one.expect_joined(group, member.account)
    stranger = newcomer(*kind)
    for speaker in members:
        text = f"{speaker.account.id} speaks"
        speaker.say(group, text)
        copies = [member.hear(speaker.account, group, text) for member in members]
        ourchat = [compact(copy) for copy in copies if "code" in copy]
        assert len(set(ourchat)) == 1
    stranger.say(group, "may I?")
    stranger.expect_error("not a member")
    assert stack.stored("may I?") == 0
    for member in members:
        member.fence()


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_a_new_member_receives_all_from_then_on(stack, newcomer, connect, kind):
    owner = newcomer("youim", "tcp")
    group = owner.create_group(f"late-{secrets.token_hex(4)}")
    owner.say(group, "before")
    owner.hear(owner.account, group, "before")
    late = newcomer(*kind)
    stack.ctl("group", "add", group.id, late.account.id)
    late.expect_joined(group, late.account)
    owner.expect_joined(group, late.account)
    owner.say(group, "after")
    late.hear(owner.account, group, "after")
    owner.hear(owner.account, group, "after")
    stack.wait_received(late.account)
    late.close()
    again = connect(*kind)
    again.log_in(late.account)
    again.expect_nothing()


def test_adding_a_member_names_the_fault(stack, newcomer):
    owner = newcomer("youim")
    group = owner.create_group(f"strict-{secrets.token_hex(4)}")
    for arguments in (
        ["no-such-group", owner.account.id],
        [group.id, "no-such-account"],
        [group.id, owner.account.id],
    ):
        done = stack.ctl("group", "add", *arguments, ok=False)
        assert done.returncode == 1, arguments
        assert len(done.stderr.splitlines()) == 1, done.stderr
    owner.fence()


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_group_ids(newcomer, kind):
    client = newcomer(*kind)
    first = client.create_group(f"ids-{secrets.token_hex(4)}")
    if client.dialect == "ourchat":
        # Names are no ids: two groups may have one name.
        second = client.create_group(first.name)
        assert second.number != first.number
        return
    client.send(client.acting(114, ownerId=client.account.id, groupId=first.id))
    client.expect_error("taken")
    number = str(10**9 + secrets.randbelow(10**12))
    assert client.create_group(number).number == int(number)
    client.send(client.acting(114, ownerId=client.account.id, groupId=int(number)))
    client.expect_error("taken")
    for bad in ("", "SYSTEM", "a\tb", "x" * 65):
        client.send(client.acting(114, ownerId=client.account.id, groupId=bad))
        client.expect_error("groupId")


def test_two_friends_of_one_group_by_number_and_by_name(stack, newcomer):
    """An OurChat client writes to a group that was made under a name; YouIM to one by number."""
    youim, ourchat = newcomer("youim"), newcomer("ourchat")
    named = youim.create_group(f"named-{secrets.token_hex(4)}")
    numbered = ourchat.create_group("数")
    for group, owner, guest in ((named, youim, ourchat), (numbered, ourchat, youim)):
        stack.ctl("group", "add", group.id, guest.account.id)
        guest.expect_joined(group, guest.account)
        owner.expect_joined(group, guest.account)
        for speaker in (owner, guest):
            speaker.say(group, "hello group")
            owner.hear(speaker.account, group, "hello group")
            guest.hear(speaker.account, group, "hello group")
