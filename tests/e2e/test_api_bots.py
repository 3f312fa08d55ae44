"""The bot in docs/examples/echo.py."""

import secrets
import subprocess

import pytest
from parley_api import Api
from parley_client import Account
from parley_stack import ROOT, wait_until

SCRIPT = ROOT / "docs/examples/echo.py"


@pytest.fixture
def start_bot(stack, tmp_path):
    """Starts the bot of an account; what it said ends the test where it ends."""
    running = []

    def start(identity, key):
        output = (tmp_path / "echo.log").open("a")
        running.append(subprocess.Popen(
            ["/usr/bin/python3", "-B", SCRIPT, f"127.0.0.1:{stack.ports['http']}", identity, key],
            stdout=output, stderr=output))
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.wait()


def test_echo(stack, connect, newcomer, start_bot):
    identity = f"echo-{secrets.token_hex(4)}"
    api = Api(stack)
    api.account(id=identity)
    bot = Api(stack, "messages,logins", f"--user={identity}")
    ben = newcomer("youim")
    say = {"from": ben.account.id, "user": identity}
    process = start_bot(identity, bot.key)
    api.expect(201, "POST", "/messages", {**say, "text": "hello"})
    wait_until(lambda: texts_of(api, ben, identity) == ["hello"], "the answer")
    process.kill()
    process.wait()
    api.expect(201, "POST", "/messages", {**say, "text": "are you there?"})
    start_bot(identity, bot.key)
    wait_until(lambda: texts_of(api, ben, identity) == ["hello", "are you there?"], "the answer to what it missed")


def test_what_cannot_be_answered_ends_nothing(stack, newcomer, start_bot):
    """An answer too long for the API, and one to somebody who is blocked by the bot meanwhile."""
    identity = f"echo-{secrets.token_hex(4)}"
    api = Api(stack)
    number = api.expect(201, "POST", "/accounts", {"id": identity})["number"]
    bot = Api(stack, "messages,logins", f"--user={identity}")
    ben, eve = newcomer("youim"), newcomer("youim")
    api.expect(201, "POST", "/messages", {"from": eve.account.id, "user": identity, "text": "before the block"})
    api.expect(204, "PUT", f"/accounts/{eve.account.id}/blocks/{identity}")
    ben.say(Account("youim", number, identity), '"' * 60000)
    ben.hear_own(Account("youim", number, identity), '"' * 60000)
    process = start_bot(identity, bot.key)
    api.expect(201, "POST", "/messages", {"from": ben.account.id, "user": identity, "text": "and this?"})
    wait_until(lambda: texts_of(api, ben, identity) == ["and this?"], "the answer to the text behind it")
    assert process.poll() is None
    assert texts_of(api, eve, identity) == []


def texts_of(api, ben, identity):
    page = api.expect(200, "GET", "/messages", **{"as": ben.account.id, "user": identity})
    return [one["text"] for one in page["messages"] if one["from"] == identity]


def test_it_is_short():
    assert len(SCRIPT.read_text(encoding="utf-8").splitlines()) <= 30


@pytest.fixture
def bot(stack):
    """A key of a new account's own, with all scopes that such a key may have; its name is the account's id."""
    identity = f"bot-{secrets.token_hex(4)}"
    Api(stack).account(id=identity)
    key = Api(stack, "messages,logins,groups,people,files", f"--user={identity}")
    key.name = identity
    return key


def test_a_bot_in_a_group(stack, bot):
    """It sees who is in its groups, and only in these; it answers, reacts, marks as read, and leaves."""
    api = Api(stack)
    anna = api.account()
    group, foreign = api.group(anna, bot.name), api.group(anna)
    members = bot.expect(200, "GET", f"/groups/{group}/members")["members"]
    assert {one["id"]: one["role"] for one in members} == {anna: "owner", bot.name: "member"}
    assert bot("GET", f"/groups/{foreign}/members").word == "not_member"
    assert bot("GET", f"/groups/{foreign}/members", **{"as": anna}).word == "forbidden"
    assert bot("GET", "/groups/nothing-at-all/members").word == "no_group"
    cid = api.expect(201, "POST", "/messages", {"from": anna, "group": group, "text": "hello"})["cid"]
    page = bot.expect(200, "GET", f"/accounts/{bot.name}/conversations")["conversations"]
    assert [one["peer"] for one in page if one["kind"] == "group"] == [group]
    answer = bot.expect(201, "POST", "/messages", {"group": group, "text": "yes?", "reply": cid})["cid"]
    bot.expect(204, "PATCH", f"/messages/{answer}", {"group": group, "text": "yes!"})
    bot.expect(204, "PUT", f"/messages/{cid}/reaction", {"group": group, "emoji": "+", "on": True})
    bot.expect(204, "PUT", f"/messages/{cid}/read", {"group": group})
    assert bot.expect(200, "GET", "/profile", group=group)["near"]
    assert bot.expect(200, "GET", "/profile", user=anna)["user"] == anna
    assert bot("PATCH", f"/groups/{group}", {"slow_s": 5}).word == "not_allowed"
    bot.expect(204, "POST", f"/groups/{group}/leave", {})
    assert bot("GET", f"/groups/{group}/members").word == "not_member"


def test_members_as_one_of_them_sees_them(stack):
    """Whoever asks to join, or is banned, is shown to the operator, and of these only the former to the owner."""
    api = Api(stack)
    anna, ben, carl, dora = (api.account() for _ in range(4))
    group = api.group(anna, ben)
    api.expect(204, "POST", f"/groups/{group}/requests", {"as": carl})
    api.expect(204, "PUT", f"/groups/{group}/bans/{dora}")

    def seen(**query):
        return {one["id"] for one in api.expect(200, "GET", f"/groups/{group}/members", **query)["members"]}

    assert seen() == {anna, ben, carl, dora}
    assert {anna, ben, carl} <= seen(**{"as": anna})
    assert seen(**{"as": ben}) == {anna, ben}
    assert api("GET", f"/groups/{group}/members", **{"as": carl}).word == "not_member"
