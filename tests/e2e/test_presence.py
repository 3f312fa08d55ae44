"""Presence: friends and fellow members who are online receive types 107 to 110.

Clients log in in a known order, their friends before them, so each report is expected.
"""

import secrets

import pytest
from parley_client import DIALECTS, PRESENCE
from parley_deeds import admit, befriend
from parley_presence import (connections, drain, gone, hear_news, log_back_in, make_friends, news,
                             wait_sent)
from parley_stack import wait_until

pytestmark = pytest.mark.speed

dialects = pytest.mark.parametrize("dialect", DIALECTS)


@pytest.fixture
def back(connect):
    """Opens a connection of an existing account, which receives all news."""

    def log_in(account, skips=(), **options):
        return log_back_in(connect, account, skips=skips, **options)

    return log_in


@dialects
def test_first_and_last_connection(stack, newcomer, back, dialect):
    anna, ben = make_friends(stack, newcomer, "youim", dialect)
    watcher = back(anna)
    # News is sent a moment later, so a new client may receive that of one just before it.
    first = back(ben, skips=PRESENCE)
    hear_news(watcher, 107, ben)
    second = back(ben, transport="tcp", skips=PRESENCE)
    gone_one, stays = first, second
    gone_one.close()
    wait_until(lambda: connections(stack, ben) == 1, "one connection to be gone")
    wait_sent(stack)
    watcher.expect_nothing()
    stays.expect_nothing()
    stays.close()
    hear_news(watcher, 108, ben)
    third = back(ben)
    hear_news(watcher, 107, ben)
    third.abort()
    hear_news(watcher, 108, ben)
    watcher.expect_nothing()


def test_logging_out_is_going(stack, newcomer, back):
    anna, ben = make_friends(stack, newcomer, "youim", "youim")
    watcher = back(anna)
    other = back(ben, skips=PRESENCE)
    hear_news(watcher, 107, ben)
    other.log_out()
    hear_news(watcher, 108, ben)
    other.log_in(ben)
    hear_news(watcher, 107, ben)
    watcher.expect_nothing()


@dialects
def test_members_of_shared_groups(stack, newcomer, back, dialect):
    """One piece of news for each shared group, and one for the friendship."""
    owner, ben = newcomer("youim"), newcomer(dialect)
    stranger = newcomer("youim")
    stranger.skips = frozenset()
    befriend(owner, ben)
    groups = [owner.create_group(f"group-{secrets.token_hex(4)}") for _ in range(2)]
    for group in groups:
        admit(owner, group, ben)
    gone(stack, owner, ben)
    watcher = back(owner.account)
    for kind in (7, 8):
        other = back(ben.account) if kind == 7 else other.close()
        heard = [watcher.next() for _ in range(3)]
        expected = [news(watcher, 100 + kind, ben.account)]
        expected += [news(watcher, 102 + kind, ben.account, group) for group in groups]
        assert sorted(map(str, heard)) == sorted(map(str, expected))
    watcher.expect_nothing()
    stranger.expect_nothing()


def test_ourchat_receives_presence_with_the_extension_only(stack, newcomer, back):
    anna, ben = make_friends(stack, newcomer, "ourchat", "youim")
    plain, extended = back(anna), back(anna, ext=True)
    other = back(ben)
    hear_news(extended, 107, ben)
    other.close()
    hear_news(extended, 108, ben)
    plain.expect_nothing(extended)


def test_nobody_receives_their_own_presence(stack, newcomer, back):
    anna, ben = make_friends(stack, newcomer, "youim", "youim")
    watcher, own = back(ben), back(anna, skips=[107])
    hear_news(watcher, 107, anna)
    second = back(anna, transport="tcp", skips=[107])
    gone(stack, watcher)
    hear_news(own, 108, ben)
    hear_news(second, 108, ben)
    second.close()
    wait_until(lambda: connections(stack, anna) == 1, "one connection to be gone")
    wait_sent(stack)
    own.expect_nothing()


# --- processes that die


QUICK = {"heartbeat_ms": 50, "reach_interval_ms": 50, "cursor_flush_ms": 50}


def test_a_gateway_that_dies(make_stack, newcomer, back, second_gateway):
    """Those on it are offline within the time-out, unless they are also elsewhere."""
    stack = make_stack(**QUICK)
    view = second_gateway(stack)
    anna, ben, cora = make_friends(stack, newcomer, "youim", "youim", "youim")
    watcher = back(anna, on=view)
    back(ben, on=stack)
    hear_news(watcher, 107, ben)
    elsewhere = back(cora, on=view)
    hear_news(watcher, 107, cora)
    drain(elsewhere)
    back(cora, on=stack)
    stack.services["gateway"].kill()
    hear_news(watcher, 108, ben)
    watcher.expect_nothing()
    stack.services["gateway"].start()
    back(ben, on=stack)
    hear_news(watcher, 107, ben)
    watcher.expect_nothing()
    hear_news(elsewhere, 108, ben)
    hear_news(elsewhere, 107, ben)
    elsewhere.expect_nothing()


def test_a_session_that_is_restarted(make_stack, newcomer, back):
    """An account that stays connected is no news; one that leaves meanwhile is reported
    as gone when there is a session again."""
    stack = make_stack(**QUICK)
    anna, ben, cora = make_friends(stack, newcomer, "youim", "youim", "youim")
    watcher = back(anna, on=stack)
    stays = back(ben, on=stack)
    hear_news(watcher, 107, ben)
    leaves = back(cora, on=stack, skips=PRESENCE)
    hear_news(watcher, 107, cora)
    wait_sent(stack)
    stack.services["session"].kill()
    leaves.close()
    stack.services["session"].start()
    hear_news(watcher, 108, cora)
    for account in (anna, ben):
        wait_until(lambda: connections(stack, account) == 1, f"{account} to be bound again")
    back(cora, on=stack, skips=PRESENCE)
    hear_news(watcher, 107, cora)
    stays.close()
    hear_news(watcher, 108, ben)
    wait_sent(stack)
    watcher.expect_nothing()


def test_a_group_that_is_restarted(make_stack, newcomer, back):
    """News that could not be sent is sent when there is a group again, unless it is no longer true."""
    stack = make_stack(**QUICK)
    anna, ben, cora = make_friends(stack, newcomer, "youim", "youim", "youim")
    watcher = back(anna, on=stack)
    stays = back(ben, on=stack, skips=PRESENCE)
    hear_news(watcher, 107, ben)
    wait_sent(stack)
    stack.services["group"].kill()
    back(cora, on=stack, skips=PRESENCE).close()
    stays.close()
    for account in (ben, cora):
        wait_until(lambda: connections(stack, account) == 0, f"{account} to be gone")
    stack.services["group"].start()
    hear_news(watcher, 108, ben)
    wait_sent(stack)
    watcher.expect_nothing()
