"""Logins that are resumed by their token (317), on a new connection."""

import time

import pytest
from parley_client import DIALECTS, KINDS, TRANSPORTS

kinds = pytest.mark.parametrize("kind", KINDS, ids="-".join)


RESUMED = "resumed on another connection"


def refused(client, token, word):
    """A resuming with a ref that fails: the dialect's own answer, then the 300."""
    client.ext = True
    client.send(client.make(317, ref="r", token=token))
    client.expect(2 if client.dialect == "youim" else 7)
    assert client.expect_result("r")["error"] == word


@kinds
def test_a_resumed_connection_is_like_any(newcomer, connect, kind):
    client, friend = newcomer(*kind, ext=True), newcomer("youim", "websocket")
    client.close()
    friend.say(client.account, "missed")
    friend.fence()
    for _ in range(2):
        again = connect(*kind, confirm=True)
        again.resume(client.account, client.token)
        again.hear(friend.account, client.account, "missed")
        again.say(friend.account, "and back")
        again.hear_own(friend.account, "and back")
        friend.hear(client.account, friend.account, "and back")
        again.close()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_token_is_good_in_the_other_dialect(newcomer, connect, dialect):
    client = newcomer(dialect, "tcp", ext=True)
    other = connect("youim" if dialect == "ourchat" else "ourchat", "websocket")
    other.resume(client.account, client.token)
    client.expect_error(RESUMED)
    assert client.expect_closed() == "eof"
    other.fence()


@kinds
def test_the_connection_before_is_closed(newcomer, connect, kind):
    client, friend = newcomer(*kind, ext=True), newcomer("ourchat", "tcp")
    sibling = connect(*kind, ext=True)
    sibling.log_in(client.account)
    after = connect(*kind)
    after.resume(client.account, client.token)
    client.expect_error(RESUMED)
    assert client.expect_closed() == (1008 if client.transport == "websocket" else "eof")
    friend.say(client.account, "hello")
    for one in (after, sibling):
        one.hear(friend.account, client.account, "hello")


def test_it_takes_no_further_place(newcomer, connect):
    """With as many connections as there may be, one that is resumed takes its own place."""
    clients = [newcomer("ourchat", "tcp", ext=True)]
    account = clients[0].account
    for _ in range(7):
        clients.append(connect("ourchat", "websocket", ext=True))
        clients[-1].log_in(account)
    after = connect("ourchat", "websocket")
    after.resume(account, clients[0].token)
    clients[0].expect_error(RESUMED)
    assert clients[0].expect_closed() == "eof"
    for client in (after, *clients[1:]):
        client.fence()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_one_more_is_let_in(make_stack, newcomer, connect, transport):
    """The least recently active one gives way, and receives the reason."""
    stack = make_stack(heard_timeout_ms=30000)
    clients = [newcomer("youim", transport, on=stack)]
    for _ in range(7):
        clients.append(connect("youim", transport, on=stack))
        clients[-1].log_in(clients[0].account)
    quiet = clients.pop(3)
    for client in clients:
        client.fence()
    ninth = connect("youim", transport, on=stack)
    ninth.log_in(quiet.account)
    quiet.expect_error("another connection of the account has taken its place")
    assert quiet.expect_closed() == (1008 if transport == "websocket" else "eof")
    for client in (ninth, *clients):
        client.fence()


def test_ghosts_keep_nobody_out(make_stack, second_gateway, newcomer, connect):
    """Phones that vanished without a word give way; live connections stay."""
    stack = make_stack()
    view = second_gateway(stack)
    friend = newcomer("ourchat", "websocket", on=stack)
    ghosts = [newcomer("youim", "tcp", on=stack)]
    account = ghosts[0].account
    for number in range(6):
        ghosts.append(connect("youim", TRANSPORTS[number % 2], on=stack))
        ghosts[-1].log_in(account)
    for ghost in ghosts:
        ghost.vanish()
    there = connect("youim", "websocket", on=stack)
    there.log_in(account)
    for _ in range(3):  # with those from before, as many as there may be, and more
        there.fence()
        comer = connect("youim", "websocket", on=view)
        comer.log_in(account)
        friend.say(account, "hello")
        friend.hear_own(account, "hello")
        for client in (there, comer):
            client.hear(friend.account, account, "hello")
        comer.close()


def test_resumed_at_another_gateway(make_stack, second_gateway, newcomer, connect):
    """It ends there at once. Only a client that is thrown out and resumes at once anyway waits longer
    each time."""
    stack = make_stack()
    gateways = [second_gateway(stack), stack]
    client = newcomer("youim", "websocket", ext=True, on=stack)
    other = newcomer("ourchat", "websocket", on=stack)
    friend = newcomer("youim", "tcp", on=stack)
    account, token = client.account, client.token
    started = time.monotonic()
    for turn in range(5):
        after = connect("youim", TRANSPORTS[turn % 2], on=gateways[turn % 2])
        after.ext = True
        after.send(after.resumption(token))
        other.say(friend.account, "meanwhile")
        other.hear_own(friend.account, "meanwhile")
        friend.hear(other.account, friend.account, "meanwhile")
        after.account = account
        after.expect(2, resultCode="success")
        client.expect_error(RESUMED)
        client.expect_closed()
        client = after
    assert time.monotonic() - started >= 0.5 + 1 + 2
    client.token = token
    other.say(account, "hello")
    assert client.body(client.next())["msg"] == "hello"


@kinds
def test_tokens_that_are_no_more(stack, newcomer, connect, kind):
    client = newcomer(*kind, ext=True)
    other = connect(*kind)
    refused(other, "no such token", "bad_token")
    refused(other, client.token[:-1], "bad_token")
    client.fence()
    stack.sql("UPDATE token SET expires_ms = 1 WHERE account = %s", client.account.number)
    refused(other, client.token, "bad_token")
    other.log_in(client.account)  # on the same connection
    refused(other, other.token, "not_allowed")
    stack.ctl("user", "disable", client.account.id)
    third = connect(*kind)
    refused(third, other.token, "bad_token")


def test_a_logout_ends_the_token(newcomer, connect):
    client = newcomer("youim", "tcp", ext=True)
    token = client.token
    client.log_out()
    refused(connect("ourchat", "tcp"), token, "bad_token")
    refused(client, token, "bad_token")


def test_tokens_outlive_all_services(make_stack, connect):
    stack = make_stack()
    client = connect("ourchat", "websocket", on=stack, ext=True)
    client.register_new()
    client.log_in()
    for name in ("gateway", "auth", "session"):
        stack.services[name].kill()
    for name in ("session", "auth", "gateway"):
        stack.services[name].start()
    again = connect("ourchat", "tcp", on=stack)
    again.resume(client.account, client.token)
    again.fence()
