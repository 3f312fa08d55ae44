"""Who gets in, and who may turn to whom: registrations by token or none at all, requests and texts of
strangers."""

import json
import re
import secrets

import pytest
from parley_deeds import befriend, done, edit, unfriend
from parley_secrets import Secrets

OUTSIDE = re.compile(r"shown this once: ([0-9a-f]{32})\n")


@pytest.fixture
def guarded(make_stack):
    return make_stack(registration="token", log_level="debug")


def new_token(stack, *options):
    return OUTSIDE.search(stack.ctl("registration-token", "new", *options).stdout).group(1)


def tokens(stack):
    return json.loads(stack.ctl("registration-token", "list", "--json").stdout)


def a_name(stem):
    return f"{stem}-{secrets.token_hex(4)}"


def register(client, ref, **more):
    """Asks, with `ref`; the outcome."""
    if client.dialect == "youim":
        client.send(client.make(113, userId=a_name("newcomer"), ext=1, **more) | {"ref": ref})
        return client.next()
    client.send(client.make(4, email=f"{a_name('new')}@example.org", password="secret",
                            name="new", ext=1, **more) | {"ref": ref})
    state, result = client.next(), client.next()
    assert client.body(state)["state"] == (0 if client.body(result)["ok"] else 1)
    return result


def test_registration_by_token(guarded, connect):
    """Two accounts a token, each in its dialect; the same request again takes no second use."""
    stack = guarded
    token = new_token(stack, "--uses=2", "--days=3")
    for round_, dialect in enumerate(("youim", "ourchat")):
        client = connect(dialect, on=stack)
        for more in ({}, {"registration_token": "0" * 32}):
            result = client.body(register(client, "first", **more))
            assert (result["ok"], result["error"]) == (False, "registration_token"), result
            assert "operator" in result["text"]
        assert client.body(register(client, "second", registration_token=token))["ok"]
        assert tokens(stack)[0]["uses_left"] == 1 - round_
    client = connect("youim", on=stack)
    assert client.body(register(client, "third", registration_token=token))["error"] == "registration_token"
    # An unmodified client is told in a 101.
    client.send(client.make(113, userId=a_name("plain")))
    client.expect_error("registering here needs a valid registration_token: ask the server's operator for one")
    # No log has the token, nor what the database keeps of it.
    hidden = Secrets()
    hidden.add("the token", token)
    (digest,), = stack.database.rows(stack.database_name, "SELECT hash FROM registration_token")
    hidden.add("its hash", digest)
    for service in stack.services.values():
        assert "level=debug" in service.said()
        assert not hidden.found_in(service.said()), service.name


def test_the_operator_makes_and_revokes_tokens(guarded, connect):
    stack = guarded
    token = new_token(stack, "--uses=5")
    number = str(tokens(stack)[-1]["number"])
    assert token not in stack.ctl("registration-token", "list").stdout
    stack.ctl("registration-token", "revoke", number)
    assert "there is no registration token" in stack.ctl("registration-token", "revoke", number, ok=False).stderr
    client = connect("youim", on=stack)
    assert client.body(register(client, "r", registration_token=token))["error"] == "registration_token"
    audit = stack.ctl("audit", "--limit=20").stdout
    assert "registration-token new" in audit and f"registration-token revoke {number}" in audit
    assert token not in audit
    assert "account" in stack.ctl("user", "add", a_name("made")).stdout


@pytest.mark.parametrize("one, other", [("youim", "ourchat"), ("ourchat", "youim")])
def test_strangers_ask_for_friendship_first(make_stack, connect, one, other):
    stack = make_stack(strangers="request")
    anna, ben = (connect(dialect, on=stack, ext=True) for dialect in (one, other))
    for client in (anna, ben):
        client.register_new()
        client.log_in()
    sentence = f"you and {anna.id_of(ben.account)} are not friends: ask"
    anna.send(anna.saying(ben.account, "hello", ref="r1"))
    result = anna.expect_result("r1")
    assert (result["ok"], result["error"]) == (False, "strangers") and result["text"].startswith(sentence)
    assert anna.type_to(ben.account, ref="r2")["error"] == "strangers"
    # A client that has not opted in reads the sentence.
    plain = connect(one, on=stack)
    plain.log_in(anna.account)
    plain.send(plain.saying(ben.account, "hello"))
    plain.expect_error(sentence)
    plain.close()
    befriend(anna, ben)
    anna.say(ben.account, "hello")
    cid = ben.cid_of(ben.hear(anna.account, ben.account, "hello"))
    # The end of the friendship takes effect at once; texts stay readable.
    done(ben, unfriend(ben, anna.account))
    # Its notice may come behind her own copy of the text.
    while anna.next()[anna.number_key] not in (16, 116):
        pass
    assert done(anna, edit(anna, ben.account, cid, "changed"))[0]["error"] == "strangers"
    for client, peer in ((anna, ben), (ben, anna)):
        client.send(client.saying(peer.account, "still there?", ref="r3"))
        assert client.expect_result("r3")["error"] == "strangers"
    assert [message for message in anna.history(ben.account)["messages"] if "hello" in str(message)]
