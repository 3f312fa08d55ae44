"""Hooks are told of what happens: signed, in order, again until they take it, and each as it wants."""

import contextlib
import json
import re
import secrets
import time

import pytest
from parley_client import KINDS
from parley_hooks import Receiver, verify
from parley_stack import free_port, wait_until

QUICK = {"hook_look_ms": 20, "hook_retry_max_ms": 50}


@pytest.fixture(scope="module")
def told(database):
    """A stack whose hooks looks often."""
    from parley_stack import Stack

    with Stack(database, presence_grace_ms=200, **QUICK) as running:
        yield running


@pytest.fixture
def hook(told):
    """hook(...) adds one with a receiver of its own; the options are those of `hook add`."""
    with contextlib.ExitStack() as ends:
        def add(*options, answer=200):
            name = f"hook-{secrets.token_hex(4)}"
            receiver = Receiver(free_port())
            receiver.name, receiver.answer = name, answer
            ends.callback(receiver.stop)
            said = told.ctl("hook", "add", name, receiver.url, *options).stdout
            receiver.secret = re.search(r"whsec_\S+", said)[0]
            ends.callback(told.ctl, "hook", "remove", name)
            return receiver

        yield add


def shown(stack, name):
    return json.loads(stack.ctl("hook", "show", name, "--json").stdout)[0]


@pytest.fixture
def person(told, newcomer):
    return lambda *kind, **options: newcomer(*(kind or KINDS[0]), on=told, **options)


def test_messages_are_told_in_order(hook, person):
    receiver = hook()
    anna, ben = person(), person("youim", "tcp")
    sent = [f"{i} {secrets.token_hex(4)}" for i in range(300)]
    for text in sent:
        anna.say(ben.account, text)
        ben.hear(anna.account, ben.account, text)
        anna.hear_own(ben.account, text)
    receiver.wait(lambda _: len(receiver.texts()) == 300, "300 texts")
    assert receiver.texts() == sent
    messages = [event for event in receiver.events if event["type"] == "message"]
    cids = [int(event["id"]) for event in messages]
    assert cids == sorted(set(cids))
    event = messages[0]
    assert event["from"] == {"number": anna.account.number, "id": anna.account.id}
    assert event["conversation"]["kind"] == "pair"
    assert {party["id"] for party in event["conversation"]["accounts"]} == {
        anna.account.id, ben.account.id}
    made = [event["subject"]["id"] for event in receiver.events if event["type"] == "account.made"]
    assert made == [anna.account.id, ben.account.id]
    assert receiver.refused == []


def test_groups_and_friends_are_told(told, hook, person):
    receiver = hook()
    owner, other = person("youim", "tcp"), person()
    group = owner.create_group(f"club-{secrets.token_hex(4)}")
    told.ctl("group", "add", group.id, other.account.id)
    owner.say(group, "hello")
    wait_until(lambda: told.stored("hello") == 1, "the text to be stored")
    told.ctl("group", "remove", group.id, other.account.id)
    told.ctl("user", "disable", other.account.id)
    told.ctl("user", "delete", other.account.id)
    receiver.wait(lambda events: events and events[-1]["type"] == "account.deleted", "the end")
    types = [event["type"] for event in receiver.events]
    assert types[2:] == ["group.made", "group.joined", "message", "group.removed",
                         "account.disabled", "account.deleted"], types
    made, joined, message, removed = receiver.events[2:6]
    assert made["group"]["id"] == group.id and made["from"]["id"] == owner.account.id
    assert joined["subject"]["id"] == removed["subject"]["id"] == other.account.id
    assert joined["conversation"]["group"]["id"] == group.id
    assert message["text"] == "hello" and message["conversation"]["name"]


def test_each_hook_is_told_what_it_wants(told, hook, person):
    anna, ben, eve = person(), person(), person()
    of_ben = hook("--events=messages", f"--users={ben.account.id}")
    no_text = hook("--events=messages", "--kinds=system")
    accounts = hook("--events=account")
    anna.say(eve.account, "not for ben")
    anna.say(ben.account, "for ben")
    ben.hear(anna.account, ben.account, "for ben")  # the two stand in different conversations
    told.ctl("say", "--user", ben.account.id, "from the operator")
    late = person()
    of_ben.wait(lambda events: len(events) == 2, "two messages")
    assert [event["text"] for event in of_ben.events] == ["for ben", "from the operator"]
    no_text.wait(lambda events: len(events) == 1, "the operator's message")
    assert no_text.events[0]["type"] == "message.system"
    accounts.wait(lambda events: len(events) == 1, "an account")
    assert accounts.events[0]["subject"]["id"] == late.account.id


def test_presence_is_told(hook, person):
    receiver = hook("--events=presence")
    anna = person()
    number = anna.account.number
    receiver.wait(lambda events: [e for e in events if e["account"] == number], "her coming")
    anna.close()
    receiver.wait(lambda events: [e for e in events if e["account"] == number
                                  and e["type"] == "presence.offline"], "her going")


def test_a_hook_that_fails_is_told_again_and_holds_back_no_other(hook, person, told):
    failing, well = hook("--events=messages", answer=503), hook("--events=messages")
    anna, ben = person(), person()
    anna.say(ben.account, "first")
    well.wait(lambda events: len(events) == 1, "the other hook")
    failing.wait(lambda _: len(failing.requests) > 2, "attempts")
    wait_until(lambda: shown(told, failing.name)["state"] == "failing", "the state")
    assert "503" in shown(told, failing.name)["fault"]
    anna.say(ben.account, "second")
    well.wait(lambda events: len(events) == 2, "the other hook")
    failing.answer = 200
    failing.wait(lambda events: len(events) == 2, "both")
    assert failing.texts() == ["first", "second"]
    # The same bytes under the same id, signed anew.
    assert len({(identifier, body) for status, identifier, body, _ in failing.requests
                if status == 503}) == 1
    wait_until(lambda: shown(told, failing.name)["state"] == "well", "the state")
    assert shown(told, failing.name)["told"] == 2


@pytest.mark.parametrize("seconds", ["60", "99999999999"])
def test_the_receiver_says_when_it_is_asked_again(make_stack, seconds):
    stack = make_stack(hook_look_ms=20)
    busy, plain = Receiver(free_port()), Receiver(free_port())
    busy.headers = {"Retry-After": seconds}
    for name, receiver in (("busy", busy), ("plain", plain)):
        receiver.answer = 503
        stack.ctl("hook", "add", name, receiver.url, "--events=account")
    stack.ctl("user", "add", "anna")
    busy.wait(lambda _: busy.requests, "the first attempt")
    plain.wait(lambda _: len(plain.requests) > 3, "attempts")
    assert len(busy.requests) == 1
    busy.stop()
    plain.stop()


def test_a_redirect_is_not_followed(hook, person, told):
    secret_place = Receiver(free_port())
    receiver = hook("--events=messages", answer=307)
    receiver.headers = {"Location": secret_place.url}
    anna, ben = person(), person()
    anna.say(ben.account, "nowhere else")
    receiver.wait(lambda _: len(receiver.requests) > 2, "attempts")
    wait_until(lambda: "redirects" in shown(told, receiver.name)["fault"], "the reason")
    assert secret_place.requests == []
    secret_place.stop()


def test_a_hook_that_is_gone_is_parked_and_tried_again(hook, person, told):
    receiver = hook("--events=messages", answer=410)
    anna, ben = person(), person()
    anna.say(ben.account, "kept")
    wait_until(lambda: shown(told, receiver.name)["state"] == "parked", "the state")
    assert "parked" in told.ctl("hook", "list").stdout
    anna.say(ben.account, "kept, too")
    receiver.answer = 200
    assert len(receiver.requests) == 1
    told.ctl("hook", "retry", receiver.name)
    receiver.wait(lambda events: len(events) == 2, "both")
    assert receiver.texts() == ["kept", "kept, too"]


def test_a_signature_is_of_the_body_the_time_and_the_id(hook, person):
    kept = []
    receiver = hook("--events=messages")
    take = receiver.take

    def keep(path, headers, body):
        kept.append((dict(headers), body))
        return take(path, headers, body)

    receiver.take = keep
    anna, ben = person(), person()
    anna.say(ben.account, "signed")
    receiver.wait(lambda events: len(events) == 1, "the text")
    headers, body = kept[0]
    headers = {name.lower(): value for name, value in headers.items()}
    verify(receiver.secret, headers, body)
    forged = [(headers, body.replace(b"signed", b"forged")),
              (headers | {"webhook-id": "another"}, body),
              (headers | {"webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)}, body),
              (headers | {"webhook-timestamp": "1000"}, body)]
    for other_headers, other_body in forged:
        with pytest.raises(ValueError):
            verify(receiver.secret, other_headers, other_body)


@pytest.mark.parametrize("arguments, words", [
    (("hook", "add", "a b", "https://localhost/"), "malformed"),
    (("hook", "add", "name", "ftp://localhost/"), "URL"),
    (("hook", "add", "name", "http://localhost:99999/"), "URL"),
    (("hook", "add", "name", "http://[::1"), "URL"),
    (("hook", "add", "name", "https://localhost/", "--events=weather"), "--events"),
    (("hook", "add", "name", "https://localhost/", "--kinds=weather"), "--kinds"),
    (("hook", "add", "name", "https://localhost/", "--hook-secret=whsec_short"), "malformed"),
    (("hook", "add", "name", "https://localhost/", "--users=nobody-of-that-name"), "nobody"),
    (("hook", "remove", "nothing"), "no hook"),
    (("hook", "retry", "nothing"), "no hook"),
    (("hook", "show", "nothing"), "hook"),
])
def test_what_cannot_be_is_refused(told, arguments, words):
    done = told.ctl(*arguments, ok=False)
    assert done.returncode in (1, 2) and words in done.stderr, done.stderr
    assert "name" not in told.ctl("hook", "list").stdout.splitlines()[1:]


def test_without_a_hook_nothing_is_noted(told, person):
    anna, ben = person(), person()
    anna.say(ben.account, "unnoted")
    ben.hear(anna.account, ben.account, "unnoted")
    assert told.sql("SELECT COUNT(*) FROM journal")[0][0] == 0


LOOK_S = 10


def test_a_text_waits_for_no_look(make_stack, newcomer):
    """Session says that something was committed: texts one after the other take less than a look each."""
    stack = make_stack(hook_look_ms=LOOK_S * 1000)
    receiver = Receiver(free_port())
    stack.ctl("hook", "add", "app", receiver.url)
    anna, ben = (newcomer("youim", on=stack) for _ in range(2))

    def tell(text):
        anna.say(ben.account, text)
        wait_until(lambda: text in receiver.texts(), "the text to be told")

    try:
        tell("the hook is known after a look")
        began = time.monotonic()
        for i in range(6):
            tell(f"text {i}")
        assert time.monotonic() - began < 5 * LOOK_S
    finally:
        receiver.stop()


def test_without_a_hook_nobody_is_woken(make_stack, newcomer):
    """Session asks once a second whether that has changed."""
    stack = make_stack()

    def wakes():
        return stack.metric("hooks", 'requests_total{message="hooks.wake"')

    anna, ben = (newcomer("youim", on=stack) for _ in range(2))
    before, began = wakes(), time.monotonic()
    for i in range(200):
        anna.say(ben.account, f"text {i}")
        ben.hear(anna.account, ben.account, f"text {i}")
    wait_until(wakes, "session to ask")
    assert wakes() <= before + (time.monotonic() - began) + 2
