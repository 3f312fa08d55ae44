"""Friends and groups: the notices of each change and their readers, also those that were away; and the
rights of roles."""

import itertools
import secrets

import pytest
from parley_client import DIALECTS
from parley_deeds import (
    add_admin,
    admit,
    answer_friend,
    answer_join,
    ask_friend,
    befriend,
    dissolve,
    done,
    join,
    leave,
    next_deed,
    remove,
    remove_admin,
    rename,
    succeed,
    unfriend,
    wait_all_received,
    word,
)

PAIRS = list(itertools.product(DIALECTS, DIALECTS))

dialects = pytest.mark.parametrize("dialect", DIALECTS)
pairs = pytest.mark.parametrize("mine, theirs", PAIRS)

ROLE_TABLES = ("member", "request", "conversation", "message", "friendship")


def new_group_id():
    return f"group-{secrets.token_hex(5)}"


def come_back(connect, stack, client):
    """Logs in again as this client's account, on a new connection."""
    again = connect(client.dialect, client.transport, ext=client.ext)
    again.log_in(client.account)
    return again


def numbers(client, count):
    """The numbers of the next messages, without news of presence."""
    return [next_deed(client)[client.number_key] for _ in range(count)]


# --- away


@pairs
def test_friends_notices_wait_for_absent_accounts(stack, connect, newcomer, mine, theirs):
    """All of them arrive at the login, in order, and once."""
    anna, ben = newcomer(mine, ext=True), newcomer(theirs, ext=True)
    ben.close()
    succeed(anna, ask_friend(anna, ben.account))
    succeed(anna, ask_friend(anna, ben.account))
    ben = come_back(connect, stack, ben)
    assert numbers(ben, 1) == [103 if theirs == "youim" else 9]
    wait_all_received(stack, ben.account)
    anna.close()
    succeed(ben, answer_friend(ben, anna.account, False))
    anna = come_back(connect, stack, anna)
    assert numbers(anna, 1) == [14 if mine == "youim" else 11]
    wait_all_received(stack, anna.account)
    anna.close()
    ben.close()
    for client, wanted in ((anna, 0), (ben, 0)):
        again = come_back(connect, stack, client)
        assert numbers(again, wanted) == []
        again.expect_nothing()


@pairs
def test_groups_notices_wait_for_absent_accounts(stack, connect, newcomer, mine, theirs):
    owner, ben = newcomer(mine, ext=True), newcomer(theirs, ext=True)
    witness = newcomer("youim")
    group = owner.create_group(new_group_id())
    admit(owner, group, witness)
    succeed(ben, join(ben, group))
    wanted = 105 if mine == "youim" else 9
    assert numbers(owner, 1) == [wanted]
    ben.close()
    succeed(owner, answer_join(owner, group, ben.account, True))
    assert next_deed(witness)["msgType"] == 4
    owner.say(group, "welcome")
    succeed(owner, add_admin(owner, group, ben.account))
    succeed(owner, remove_admin(owner, group, ben.account))
    succeed(owner, remove(owner, group, ben.account))
    owner.say(group, "he is gone")
    assert numbers(witness, 3) == [8, 18, 8]
    ben = come_back(connect, stack, ben)
    own, inside = ([20, 22], [4, 8, 18]) if theirs == "youim" else ([120, 122], [10, 0, 118])
    heard = numbers(ben, 5)
    assert [n for n in heard if n in own] == own
    assert [n for n in heard if n in inside] == inside
    ben.fence()
    wait_all_received(stack, ben.account)
    ben.close()
    come_back(connect, stack, ben).expect_nothing()


@dialects
def test_absent_members_receive_a_dissolution(stack, connect, newcomer, dialect):
    owner, ben = newcomer(dialect, ext=True), newcomer(dialect, ext=True)
    group = owner.create_group(new_group_id())
    admit(owner, group, ben)
    wait_all_received(stack, ben.account)
    ben.close()
    owner.say(group, "the last words")
    succeed(owner, dissolve(owner, group))
    ben = come_back(connect, stack, ben)
    assert numbers(ben, 2) == ([8, 112] if dialect == "youim" else [0, 212])
    assert word(ben, ben.saying(group, "too late")) in ("no_group", "not_member")
    assert word(owner, owner.saying(group, "too late")) in ("no_group", "not_member")
    assert word(ben, join(ben, group)) == "no_group"
    assert word(owner, dissolve(owner, group)) == "no_group"
    assert stack.stored("too late") == 0


# --- requests and answers


@pairs
def test_a_mutual_request_befriends_at_once(stack, newcomer, mine, theirs):
    anna, ben = newcomer(mine, ext=True), newcomer(theirs, ext=True)
    succeed(anna, ask_friend(anna, ben.account))
    assert numbers(ben, 1) == [103 if theirs == "youim" else 9]
    heard = succeed(ben, ask_friend(ben, anna.account))
    for client, other in ((anna, ben), (ben, anna)):
        early = [m for m in heard if client is ben and m[client.number_key] in (10, 14)]
        message = early[0] if early else next_deed(client)
        body = client.body(message)
        if client.dialect == "youim":
            assert (message["msgType"], body["fromUserId"]) == (14, other.account.id)
            assert (body["toUserId"], body["confirmResult"]) == (client.account.id, True)
        else:
            assert (message["code"], body["add_ocid"]) == (10, other.account.number)
            assert body["ocid"] == client.account.number
    pair = sorted((anna.account.number, ben.account.number))
    count = "SELECT COUNT(*) FROM friendship WHERE lo = %s AND hi = %s"
    assert stack.sql(count, *pair)[0][0] == 1
    assert word(anna, ask_friend(anna, ben.account)) == "already_friends"
    assert word(ben, answer_friend(ben, anna.account, True)) == "no_request"
    succeed(anna, unfriend(anna, ben.account))
    assert numbers(ben, 1) == [16 if theirs == "youim" else 116]
    assert word(ben, unfriend(ben, anna.account)) == "not_friends"
    assert stack.sql(count, *pair)[0][0] == 0


@pairs
def test_the_first_administrators_answer_wins(stack, newcomer, mine, theirs):
    owner = newcomer(mine, ext=True)
    admin, applicant = newcomer(theirs, ext=True), newcomer("youim", ext=True)
    group = owner.create_group(new_group_id())
    admit(owner, group, admin)
    succeed(owner, add_admin(owner, group, admin.account))
    assert numbers(admin, 1) == [20 if theirs == "youim" else 120]
    for first, second, yes in ((admin, owner, False), (owner, admin, True)):
        succeed(applicant, join(applicant, group))
        succeed(applicant, join(applicant, group))
        for client in (owner, admin):
            assert numbers(client, 1) == [105 if client.dialect == "youim" else 9]
        succeed(first, answer_join(first, group, applicant.account, yes))
        answer = next_deed(applicant)
        assert (answer["msgType"], answer["confirmResult"]) == (4, yes)
        # A yes to an account that has not asked, or has joined, would pull it in.
        late = word(second, answer_join(second, group, applicant.account, not yes))
        assert late in ("no_request", "not_friends")
    assert word(applicant, join(applicant, group)) == "already_member"


@dialects
def test_answers_at_the_same_time(stack, newcomer, dialect):
    """Owner and administrator answer at once: one of them wins, and the applicant is notified once."""
    owner, admin = newcomer(dialect, ext=True), newcomer(dialect, ext=True)
    applicant = newcomer("youim", ext=True)
    group = owner.create_group(new_group_id())
    admit(owner, group, admin)
    succeed(owner, add_admin(owner, group, admin.account))
    for race in range(5):
        succeed(applicant, join(applicant, group))
        for client in (owner, admin):
            answer = answer_join(client, group, applicant.account, False)
            client.send({**answer, "ref": f"race {race}"})
        words = []
        for client in (owner, admin):
            while (message := client.next())[client.number_key] != 300:
                pass
            words.append(client.body(message).get("error", "ok"))
        assert sorted(words) == ["no_request", "ok"]
        assert next_deed(applicant)["confirmResult"] is False
    applicant.fence()


# --- roles


def make_roles(newcomer, dialect):
    """A group with people in each role, who have no friends."""
    people = {name: newcomer(dialect, ext=True)
              for name in ("owner", "admin", "admin2", "member", "member2", "stranger")}
    owner = people["owner"]
    group = owner.create_group(new_group_id())
    inside = []
    for name in ("admin", "admin2", "member", "member2"):
        admit(owner, group, people[name], inside)
        inside.append(people[name])
    for name in ("admin", "admin2"):
        succeed(owner, add_admin(owner, group, people[name].account))
        next_deed(people[name])
    return people, group


# (what, to whom): the word for owner, admin, member and stranger; None where it makes no sense.
REFUSALS = [
    (remove, "owner", ("to_oneself", "not_allowed", "not_allowed", "not_allowed")),
    (remove, "admin2", (None, "not_allowed", "not_allowed", "not_allowed")),
    (remove, "member2", (None, None, "not_allowed", "not_allowed")),
    (remove, "stranger", ("not_member", "not_member", "not_allowed", "to_oneself")),
    (add_admin, "owner", ("to_oneself", "not_allowed", "not_allowed", "not_allowed")),
    (add_admin, "admin2", ("already_admin", "not_allowed", "not_allowed", "not_allowed")),
    (add_admin, "member2", (None, "not_allowed", "not_allowed", "not_allowed")),
    (add_admin, "stranger", ("not_member", "not_allowed", "not_allowed", "not_allowed")),
    (remove_admin, "admin2", (None, "not_allowed", "not_allowed", "not_allowed")),
    (remove_admin, "member2", ("not_admin", "not_allowed", "not_allowed", "not_allowed")),
    (remove_admin, "stranger", ("not_member", "not_allowed", "not_allowed", "not_allowed")),
    (dissolve, None, (None, "not_allowed", "not_allowed", "not_allowed")),
    (leave, None, ("owner_stays", None, None, "not_member")),
    (join, None, ("already_member", "already_member", "already_member", None)),
]


def ask(client, deed, group, people, target):
    return deed(client, group, *([people[target].account] if target else []))


@dialects
def test_requests_that_roles_may_not_make(stack, newcomer, dialect):
    people, group = make_roles(newcomer, dialect)
    tables = ", ".join(ROLE_TABLES)
    before = stack.sql(f"CHECKSUM TABLE {tables}")
    wrong = []
    for deed, target, words in REFUSALS:
        for role, expected in zip(("owner", "admin", "member", "stranger"), words):
            if expected is None:
                continue
            got = word(people[role], ask(people[role], deed, group, people, target))
            if got != expected:
                wrong.append(f"{role}: {deed.__name__} {target}: {got}, not {expected}")
    for role in ("member", "stranger"):
        client = people[role]
        for yes in (True, False):
            got = word(client, answer_join(client, group, people["stranger"].account, yes))
            if got != "not_allowed":
                wrong.append(f"{role}: answer_join {yes}: {got}")
        if dialect == "ourchat" and word(client, rename(client, group, "n")) != "not_allowed":
            wrong.append(f"{role}: rename")
    assert not wrong, "\n".join(wrong)
    assert stack.sql(f"CHECKSUM TABLE {tables}") == before


@dialects
def test_requests_that_roles_may_make(stack, newcomer, dialect):
    people, group = make_roles(newcomer, dialect)
    owner, admin, member = people["owner"], people["admin"], people["member"]
    if dialect == "ourchat":
        succeed(owner, rename(owner, group, "one"))
        succeed(admin, rename(admin, group, "two"))
    succeed(admin, remove(admin, group, people["member2"].account))
    succeed(owner, remove_admin(owner, group, people["admin2"].account))
    succeed(admin, remove(admin, group, people["admin2"].account))
    succeed(owner, add_admin(owner, group, member.account))
    # An administrator accepts an account that asked, and pulls in a friend.
    succeed(people["admin2"], join(people["admin2"], group))
    succeed(member, answer_join(member, group, people["admin2"].account, True))
    succeed(member, leave(member, group))
    succeed(owner, remove(owner, group, admin.account))
    roles = "SELECT account, role FROM member WHERE conversation = %s ORDER BY role"
    rows = stack.sql(roles, (1 << 60) | group.number)
    assert rows == ((people["admin2"].account.number, 1), (owner.account.number, 3))
    succeed(owner, dissolve(owner, group))
    assert stack.sql(roles, (1 << 60) | group.number) == ()


@pairs
def test_pulling_in(stack, newcomer, mine, theirs):
    """OurChat's 10; it adds friends without a request, and others only if they asked."""
    owner, friend = newcomer("ourchat", ext=True), newcomer(theirs, ext=True)
    stranger = newcomer(mine, ext=True)
    group = owner.create_group("a group")
    befriend(owner, friend)
    assert word(owner, answer_join(owner, group, stranger.account, True)) == "not_friends"
    succeed(owner, answer_join(owner, group, friend.account, True))
    assert numbers(friend, 1) == [4 if theirs == "youim" else 10]
    assert word(owner, answer_join(owner, group, friend.account, True)) == "already_member"
    assert word(friend, answer_join(friend, group, stranger.account, True)) == "not_allowed"
    succeed(stranger, join(stranger, group))
    succeed(owner, answer_join(owner, group, stranger.account, True))
    assert numbers(stranger, 1) == [4 if mine == "youim" else 10]


# --- rights to read and write


@pairs
def test_members_see_messages_of_their_time(stack, connect, newcomer, mine, theirs):
    """Nothing from before joining, nothing from after leaving, also after coming back."""
    owner, ben = newcomer(mine, ext=True), newcomer(theirs, ext=True)
    group = owner.create_group(new_group_id())

    def say(text):
        owner.say(group, text)
        texts(owner, text)

    def texts(client, last):
        heard = []
        while not heard or heard[-1] != last:
            text = client.body(next_deed(client)).get("msg")
            heard += [text] if text is not None else []
        return heard

    say("before")
    admit(owner, group, ben)
    say("first")
    assert texts(ben, "first") == ["first"]
    succeed(ben, leave(ben, group))
    say("between")
    assert word(ben, ben.saying(group, "from outside")) == "not_member"
    wait_all_received(stack, ben.account)
    ben.close()
    ben = come_back(connect, stack, ben)
    ben.expect_nothing()
    succeed(ben, join(ben, group))
    done(owner, answer_join(owner, group, ben.account, True))
    say("again")
    assert texts(ben, "again") == ["again"]
    succeed(owner, remove(owner, group, ben.account))
    say("after")
    wait_all_received(stack, ben.account)
    ben.close()
    come_back(connect, stack, ben).expect_nothing()
    assert stack.stored("from outside") == 0
