"""What ends an account's logins ends their connections at all gateways, and those under way."""

import secrets

import pytest
from parley_client import DIALECTS, KINDS
from parley_presence import connections
from parley_stack import wait_until

kinds = pytest.mark.parametrize("kind", KINDS, ids="-".join)

# Connections that log in at the moment of the end; an account may have 8.
UNDER_WAY = 6


def disable(stack, account):
    stack.ctl("user", "disable", account.id)
    return "the account is disabled"


def set_password(stack, account):
    stack.ctl("user", "password", account.id, text=secrets.token_hex(32))
    return "the account has a new password"


ENDS = [disable, set_password]
ends = pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)


@kinds
@ends
def test_connections_end_at_all_gateways(stack, second_gateway, newcomer, connect, kind, end):
    here = newcomer(*kind, ext=True)
    there = connect(*kind, on=second_gateway(stack), ext=True)
    there.log_in(here.account)
    reason = end(stack, here.account)
    for client in (here, there):
        client.expect_error(reason)
        assert client.expect_closed() == (1008 if client.transport == "websocket" else "eof")
    for token in (here.token, there.token):
        again = connect(*kind, ext=True)
        again.send(again.resumption(token))
        again.expect(2 if again.dialect == "youim" else 7)
    wait_until(lambda: connections(stack, here.account) == 0, "no connection to be left")


@pytest.mark.parametrize("dialect", DIALECTS)
@ends
def test_logins_under_way_end(stack, second_gateway, newcomer, connect, dialect, end):
    """They are refused, or closed: none stays."""
    other = second_gateway(stack)
    for _ in range(3):
        first = newcomer(dialect, "tcp", ext=True)
        clients = [connect(dialect, "tcp", on=(stack, other)[i % 2], ext=True)
                   for i in range(UNDER_WAY)]
        tokens = []
        for client in clients:
            client.log_in(first.account)
            tokens.append(client.token)
        resuming = [connect(dialect, "tcp", on=(other, stack)[i % 2], ext=True)
                    for i in range(UNDER_WAY)]
        for i, (client, token) in enumerate(zip(resuming, tokens)):
            client.send(client.resumption(token) if i % 2 else client.login_request(first.account))
        end(stack, first.account)
        wait_until(lambda: connections(stack, first.account) == 0, "no connection to be left")
        stack.ctl("user", "enable", first.account.id)


def test_an_open_account_is_warned_of(stack):
    account = f"open-{secrets.token_hex(4)}"
    done = stack.ctl("user", "add", account)
    assert "ANYBODY" in done.stderr and f"user password {account}" in done.stderr
    done = stack.ctl("user", "add", f"{account}-not", "--password-stdin", text="secret\n")
    assert done.stderr == ""
    assert "event=open_logins" in stack.services["auth"].log.read_text()
