"""339: the end of an account, for its owner and for all others; the same by the operator."""

import secrets

import pytest
from parley_client import KINDS
from parley_deeds import admit, befriend, next_deed
from parley_stack import wait_until

kinds = pytest.mark.parametrize("kind", KINDS, ids="-".join)


def proof(client):
    """The proof that it is meant: OurChat's accounts have a password."""
    return {"password": client.account.password} if client.account.password else {"confirm": True}


def wait_gone(stack, account):
    """Until nothing of it is left to be removed."""
    wait_until(lambda: stack.sql("SELECT COUNT(*) FROM ending WHERE account = %s",
                                 account.number)[0][0] == 0, f"the end of {account}")


def closed_as_deleted(client):
    """The connection gets the reason and is closed; earlier messages are not of interest."""
    texts = []
    while (text := client.take()) is not None:
        texts.append(text)
    assert any("the account was deleted" in text for text in texts), texts


@kinds
def test_forget_me(stack, newcomer, connect, kind):
    client, friend = newcomer(*kind, ext=True), newcomer("youim", ext=True)
    heir = newcomer("youim", ext=True)
    account = client.account
    befriend(client, friend)
    group = client.create_group(f"legacy-{secrets.token_hex(4)}")
    admit(client, group, heir)
    device = connect(*kind, ext=True)
    device.log_in(account)
    words = f"remember me {secrets.token_hex(4)}"
    client.say(friend.account, words)
    client.hear_own(friend.account, words)
    friend.hear(account, friend.account, words)
    client.send(client.make(339, "f1", **proof(client)))
    while (message := client.next())[client.number_key] != 300:
        pass
    assert client.body(message)["ok"] is True
    for connection in (client, device):
        closed_as_deleted(connection)
    assert next_deed(friend)["msgType"] == 16
    seen = {next_deed(heir)["msgType"] for _ in range(2)}
    assert seen == {12, 20}
    wait_gone(stack, account)
    # The group has an owner, with all of an owner's rights.
    heir.send(heir.acting(111, "d1", ownerId=heir.account.id, groupId=group.id))
    assert {next_deed(heir)["msgType"] for _ in range(2)} == {300, 112}
    assert stack.sql("SELECT name, email, password FROM account WHERE number = %s",
                     account.number) == (("deleted account", None, None),)
    assert stack.stored(words) == 1
    friend.say(account, "are you there?", ref="t1")
    assert friend.expect_result("t1")["error"] in ("no_account", "blocked")
    again = connect(*kind)
    again.send(again.login_request(account))
    if kind[0] == "youim":
        again.expect(2, resultCode="fail")
        again.send(again.make(113, userId=account.id))
        again.expect_error("taken")
    else:
        again.expect(7, state=1)


@kinds
def test_texts_are_blanked(stack, newcomer, kind):
    client, friend = newcomer(*kind, ext=True), newcomer("youim", ext=True)
    words = secrets.token_hex(8)
    group = friend.create_group(f"club-{secrets.token_hex(4)}")
    admit(friend, group, client)
    for peer in (friend.account, group):
        client.say(peer, words, ref=f"r-{type(peer).__name__}")
        friend.hear(client.account, peer, words)
    assert stack.stored(words) == 2
    account = client.account
    client.send(client.make(339, "f1", texts="blank", **proof(client)))
    closed_as_deleted(client)
    wait_gone(stack, account)
    assert stack.stored(words) == 0


@kinds
def test_accounts_that_may_not(newcomer, kind):
    client = newcomer(*kind, ext=True)
    wrong = [({}, "bad_request"), ({"confirm": False}, "bad_request"),
             ({"password": "wrong"}, "bad_login"),
             ({**proof(client), "texts": "burn"}, "bad_request")]
    if client.account.password:
        wrong.append(({"confirm": True}, "password_needed"))
    for number, (body, error) in enumerate(wrong):
        client.send(client.make(339, f"w{number}", **body))
        result = client.expect_result(f"w{number}")
        assert (result["ok"], result["error"]) == (False, error), body
    client.fence()


def test_the_operator_deletes(stack, newcomer, connect):
    client, friend = newcomer("youim"), newcomer("youim", ext=True)
    words = secrets.token_hex(8)
    client.say(friend.account, words)
    friend.hear(client.account, friend.account, words)
    account = client.account
    assert "is deleted" in stack.ctl("user", "delete", account.id, "--blank").stdout
    closed_as_deleted(client)
    wait_gone(stack, account)
    assert stack.stored(words) == 0
    again = connect("youim")
    again.send(again.login_request(account))
    again.expect(2, resultCode="fail")
    assert "no such account" in stack.ctl("user", "enable", account.id, ok=False).stderr
