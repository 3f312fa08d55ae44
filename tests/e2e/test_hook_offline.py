"""The event `offline`: who is away is woken, once, unless the conversation is muted."""

import contextlib
import json
import os
import subprocess
import re
import secrets

import pytest
from parley_client import KINDS
from parley_deeds import done
from parley_hooks import Receiver
from parley_stack import DEADLINE, ROOT, Stack, free_port, wait_until

QUICK = {"hook_look_ms": 20, "hook_retry_max_ms": 50, "presence_grace_ms": 100,
         "reach_interval_ms": 50, "cursor_flush_ms": 50}


@contextlib.contextmanager
def woken_by(stack, *options):
    receiver = Receiver(free_port())
    said = stack.ctl("hook", "add", f"h-{secrets.token_hex(4)}", receiver.url, "--events=offline",
                     *options).stdout
    receiver.secret = re.search(r"whsec_\S+", said)[0]
    try:
        yield receiver
    finally:
        stack.ctl("hook", "remove", re.search(r"hook (\S+) is told", said)[1])
        receiver.stop()


@pytest.fixture(scope="module")
def quick(database):
    with Stack(database, push_delay_ms=300, push_again_ms=3600000, push_text="true",
               **QUICK) as running:
        yield running


@pytest.fixture
def person(quick, newcomer):
    return lambda *kind, **options: newcomer(*(kind or KINDS[0]), on=quick, **options)


def away(stack, client):
    """It has gone, and everything that was said to it has arrived before."""
    stack.wait_received(client.account)
    client.close()
    wait_until(lambda: client.account.number not in connected(stack), "it to be gone")


def connected(stack):
    return {int(one["account"]) for one in json.loads(stack.ctl("sessions", "--json").stdout)}


def of(receiver, client):
    return [event for event in receiver.events if event["account"]["number"] == client.account.number]


def test_who_is_away_is_woken_once(quick, person):
    anna, ben = person(), person()
    with woken_by(quick) as receiver:
        anna.say(ben.account, "you are here")
        ben.hear(anna.account, ben.account, "you are here")
        away(quick, ben)
        anna.say(ben.account, "you are away")
        receiver.wait(lambda _: of(receiver, ben), "the first")
        event, = of(receiver, ben)
        assert event["type"] == "offline" and event["unread"] == 1
        assert event["text"] == "you are away" and event["from"]["id"] == anna.account.id
        assert event["account"]["id"] == ben.account.id and event["conversation"]["kind"] == "pair"
        # Until he comes back, or some time has passed, that is enough.
        eve = person()
        anna.say(ben.account, "still away?")
        anna.say(eve.account, "and you")
        away(quick, eve)
        anna.say(eve.account, "and you?")
        receiver.wait(lambda _: of(receiver, eve), "another one")
        assert len(of(receiver, ben)) == 1


def test_who_comes_back_is_woken_again(quick, person, connect):
    anna, ben = person(), person()
    with woken_by(quick) as receiver:
        away(quick, ben)
        anna.say(ben.account, "one")
        receiver.wait(lambda _: len(of(receiver, ben)) == 1, "the first")
        again = connect(*KINDS[0], on=quick)
        again.log_in(ben.account)
        again.hear(anna.account, ben.account, "one")
        again.account = ben.account
        away(quick, again)
        anna.say(ben.account, "two")
        receiver.wait(lambda _: len(of(receiver, ben)) == 2, "the second")
        assert of(receiver, ben)[1]["text"] == "two"


def test_who_is_here_is_not_woken(quick, person):
    anna, ben, eve = person(), person(), person()
    with woken_by(quick) as receiver:
        away(quick, eve)
        for text in ("one", "two"):
            anna.say(ben.account, text)
            ben.hear(anna.account, ben.account, text)
        anna.say(eve.account, "you are away")
        receiver.wait(lambda _: of(receiver, eve), "who is away")
        assert of(receiver, ben) == [] and of(receiver, anna) == []


def test_what_is_muted_wakes_nobody(quick, person):
    anna, ben, eve = person(), person("youim", "websocket", ext=True), person()
    anna.say(ben.account, "first")
    ben.hear(anna.account, ben.account, "first")
    result, _ = done(ben, ben.make(
        337, "q", peer=ben.peer_of(anna.account), until_ms=9_000_000_000_000))
    assert result["ok"], result
    with woken_by(quick) as receiver:
        away(quick, ben)
        away(quick, eve)
        anna.say(ben.account, "muted")
        anna.say(eve.account, "not muted")
        receiver.wait(lambda _: of(receiver, eve), "the other one")
        assert of(receiver, ben) == []


def test_members_of_a_group_are_woken(quick, person):
    owner, other, third = person("youim", "tcp"), person(), person()
    group = owner.create_group(f"club-{secrets.token_hex(4)}")
    for one in (other, third):
        quick.ctl("group", "add", group.id, one.account.id)
    with woken_by(quick, f"--groups={group.id}") as receiver:
        away(quick, other)
        owner.say(group, "hello")
        receiver.wait(lambda _: of(receiver, other), "the member")
        event, = of(receiver, other)
        assert event["conversation"]["group"]["id"] == group.id
        assert of(receiver, third) == [] and of(receiver, owner) == []


def test_it_is_woken_again_after_a_while_and_after_a_crash(make_stack, newcomer):
    stack = make_stack(push_delay_ms=100, push_again_ms=1000, **QUICK)
    anna, ben = newcomer(*KINDS[0], on=stack), newcomer(*KINDS[0], on=stack)
    with woken_by(stack) as receiver:
        away(stack, ben)
        anna.say(ben.account, "one")
        receiver.wait(lambda _: len(of(receiver, ben)) == 1, "the first")
        assert "text" not in of(receiver, ben)[0]
        numbered = stack.sql("SELECT seq FROM hook_state")
        anna.say(ben.account, "two")
        wait_until(lambda: stack.sql("SELECT seq FROM hook_state") > numbered, "the second to be seen")
        stack.services["hooks"].kill()
        stack.services["hooks"].start()
        # The first may be told again.
        receiver.wait(lambda _: len({event["id"] for event in of(receiver, ben)}) == 2, "the second")
        assert of(receiver, ben)[-1]["unread"] == 2


def test_the_example_wakes_phones(quick, person, tmp_path):
    """docs/examples/wake_ntfy.py, with a server that answers as ntfy does: one endpoint is gone, one away at first."""
    anna, ben = person(), person()
    ntfy, port, statuses = Receiver(free_port()), free_port(), iter((503, 200, 200, 200))
    taken = []

    def take(path, _, body):
        status = 410 if path == "/gone" else next(statuses)
        if status == 200:
            taken.append((path, json.loads(body)))
        with ntfy._changed:
            ntfy._changed.notify_all()
        return status, {}

    ntfy.take = take
    where = f"http://127.0.0.1:{ntfy.port}"
    (tmp_path / "endpoints").write_text(json.dumps({ben.account.id: [f"{where}/gone", f"{where}/up1"]}))
    name = f"phones-{secrets.token_hex(4)}"
    said = quick.ctl("hook", "add", name, f"http://127.0.0.1:{port}/", "--events=offline").stdout
    environment = os.environ | {"PARLEY_HOOK_SECRET": re.search(r"whsec_\S+", said)[0]}
    program = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", ROOT / "docs/examples/wake_ntfy.py", str(port),
         tmp_path / "endpoints"], env=environment)
    try:
        away(quick, ben)
        anna.say(ben.account, "wake up")
        ntfy.wait(lambda _: taken, "the phone to be woken")
        assert taken[0] == ("/up1", {"from": anna.account.id, "unread": 1, "text": "wake up"})
    finally:
        program.kill()
        program.wait(DEADLINE)
        quick.ctl("hook", "remove", name)
        ntfy.stop()
