"""The sample app in docs/examples/app.py: its users log in by its JWTs, its bot hears by webhooks and answers by the
HTTP API."""

import base64
import hashlib
import hmac
import json
import time

import pytest
from parley_api import Api
from parley_app import SCRIPT, App
from parley_client import Account
from parley_jwt import Signer
from parley_stack import wait_until


@pytest.fixture
def stack(make_stack, tmp_path):
    return make_stack(jwt_keys=Signer(tmp_path).file, jwt_audience="chat", registration="closed",
                      hook_look_ms=50)


@pytest.fixture
def app(stack, tmp_path):
    with App(stack, next(tmp_path.glob("keys-*")), tmp_path) as running:
        yield running


def enter(connect, stack, app, user):
    client = connect("youim", "websocket", on=stack, ext=True)
    client.send(client.make(1, token=app.token(user), ext=1))
    answer = client.expect(2, resultCode="success")
    assert answer["user"] == user
    client.token, client.account = answer["token"], Account("youim", stack.account_number(user), user)
    return client


def answers(api, user):
    page = api.expect(200, "GET", "/messages", **{"as": user, "user": "help"})
    return [message["text"] for message in page["messages"] if message["from"] == "help"]


def say(client, stack, text):
    client.say(Account("youim", stack.account_number("help"), "help"), text)


def test_a_user_talks_with_the_bot(stack, app, connect):
    anna, api = enter(connect, stack, app, "anna"), Api(stack, "messages")
    assert stack.sql("SELECT name FROM account WHERE id = 'anna'") == (("Anna",),)
    say(anna, stack, "hello")
    wait_until(lambda: answers(api, "anna") == ["You wrote “hello”. Somebody will look at it soon."], "the answer")


def test_nothing_is_lost_or_answered_twice_when_it_is_killed(stack, app, connect):
    anna, api = enter(connect, stack, app, "anna"), Api(stack, "messages")
    app.kill()
    for i in range(5):
        say(anna, stack, f"text {i}")
    app.start()
    wait_until(lambda: len(answers(api, "anna")) >= 2, "the first answers")
    app.kill()
    (app.folder / "app.db").unlink()  # it has forgotten all that it had
    app.start()
    stack.ctl("hook", "retry", stack.ctl("hook", "list").stdout.split("\n")[1].split()[0])
    say(anna, stack, "the last")
    wait_until(lambda: answers(api, "anna")[-1:] == ["You wrote “the last”. Somebody will look at it soon."],
               "the last answer")
    assert answers(api, "anna") == [f"You wrote “{text}”. Somebody will look at it soon."
                                    for text in [*(f"text {i}" for i in range(5)), "the last"]]


def test_users_that_are_none(app):
    for user, password in (("anna", "wrong"), ("nobody", "anna's password"), ("nobody", ""), ("", "")):
        assert app.token(user, password or " ") is None


def signed(app, body, age=0, secret=None):
    key = base64.b64decode((secret or app.secret).removeprefix("whsec_"))
    seconds = str(int(time.time()) - age)
    signature = base64.b64encode(hmac.digest(key, f"w1.{seconds}.".encode() + body, hashlib.sha256)).decode()
    return {"webhook_id": "w1", "webhook_timestamp": seconds, "webhook_signature": f"v1,{signature}"}


def test_webhooks_of_others(stack, app, connect):
    enter(connect, stack, app, "anna")
    event = {"id": "99999", "type": "message", "conversation": {"kind": "pair"}, "from": {"id": "anna"},
             "text": "forged"}
    body = json.dumps({"events": [event]}).encode()
    wrong = "whsec_" + base64.b64encode(b"x" * 24).decode()
    for headers in ({}, signed(app, body + b" "), signed(app, body, age=3600), signed(app, body, secret=wrong)):
        assert app.ask("POST", "/hook", body, **headers)[0] == 401
    api = Api(stack, "messages")
    assert api("GET", "/messages", **{"as": "anna", "user": "help"}).status == 200
    assert answers(api, "anna") == []
    for _ in range(2):
        assert app.ask("POST", "/hook", body, **signed(app, body))[0] == 204
    assert len(answers(api, "anna")) == 1


def test_it_is_short():
    assert len(SCRIPT.read_text(encoding="utf-8").splitlines()) < 200
