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
