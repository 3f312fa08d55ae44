"""Who comes and who goes is told to friends and to fellow members who are there: types 107 to 110.

Clients come in a known order, friends before them, so that each piece of news is expected.
"""

import copy
import json
import secrets

import pytest
from parley_client import DIALECTS
from parley_deeds import admit, befriend, wait_all_received
from parley_stack import Service, free_port, programs, wait_until

NEWS = (107, 108, 109, 110)

dialects = pytest.mark.parametrize("dialect", DIALECTS)


def news(client, kind, account, group=None):
    """107 to 110 in the client's dialect."""
    if client.dialect == "youim":
        body = {"groupId": group.id, "userId": account.id} if group else {"friendId": account.id}
        return {"msgType": kind, **body}
    ids = {"group_id": group.number} if group else {}
    return {"code": kind + 100, **ids, "ocid": account.number}


def hear_news(client, kind, account, group=None):
    """The very next message is this piece of news."""
    message = client.next()
    expected = news(client, kind, account, group)
    body = client.body(message)
    if client.ext:
        assert body.pop("time_ms") > 0
    given = {client.number_key: message[client.number_key], **body}
    if list(given.items()) != list(expected.items()):
        client.fail(f"expected {expected}, got {message}")


def connections(stack, account):
    """How many connections of the account the sessions know of."""
    rows = json.loads(stack.ctl("sessions", "--json").stdout)
    return sum(row["connections"] for row in rows if row["account"] == account.number)


def gone(stack, *clients):
    """Ends their connections, and waits until that is known and what they heard is stored."""
    for client in clients:
        drain(client)
        wait_all_received(stack, client.account)
        client.close()
    for client in clients:
        wait_until(lambda: connections(stack, client.account) == 0, f"{client.account} to be gone")


@pytest.fixture
def back(connect):
    """Opens a connection of an account that exists."""

    def log_in(account, on=None, ext=False, transport="websocket", skips=()):
        client = connect(account.dialect, transport, on=on, ext=ext)
        client.skips = frozenset(skips)
        client.log_in(account)
        return client

    return log_in


def drain(client):
    """Takes everything up to the answer to what is sent now."""
    number = 5000000 + secrets.randbelow(1000000)
    client.send({client.number_key: number})
    while f"{number} is not known" not in str(client.body(client.next()).get("msg")):
        pass


def make_friends(stack, newcomer, *dialects, transport="websocket"):
    """Accounts that are all each other's friends, and offline."""
    people = [newcomer(dialect, transport, on=stack) for dialect in dialects]
    for i, one in enumerate(people):
        for other in people[:i]:
            befriend(one, other)
    gone(stack, *people)
    return [client.account for client in people]


@dialects
def test_first_and_last_connection(stack, newcomer, back, dialect):
    anna, ben = make_friends(stack, newcomer, "youim", dialect)
    watcher = back(anna)
    # News are told a moment later, so one that comes may hear of one that came just before.
    first = back(ben, skips=NEWS)
    hear_news(watcher, 107, ben)
    second = back(ben, transport="tcp", skips=NEWS)
    gone_one, stays = first, second
    gone_one.close()
    wait_until(lambda: connections(stack, ben) == 1, "one connection to be gone")
    watcher.fence()
    stays.fence()
    stays.close()
    hear_news(watcher, 108, ben)
    third = back(ben)
    hear_news(watcher, 107, ben)
    third.abort()
    hear_news(watcher, 108, ben)
    watcher.fence()


def test_logging_out_is_going(stack, newcomer, back):
    anna, ben = make_friends(stack, newcomer, "youim", "youim")
    watcher = back(anna)
    other = back(ben, skips=NEWS)
    hear_news(watcher, 107, ben)
    other.log_out()
    hear_news(watcher, 108, ben)
    other.log_in(ben)
    hear_news(watcher, 107, ben)
    watcher.fence()


@dialects
def test_members_of_shared_groups(stack, newcomer, back, dialect):
    """One piece of news for each shared group, and one for the friendship."""
    owner, ben = newcomer("youim"), newcomer(dialect)
    stranger = newcomer("youim")
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
    watcher.fence()
    stranger.fence()


def test_ourchat_hears_of_presence_with_the_extension_only(stack, newcomer, back):
    anna, ben = make_friends(stack, newcomer, "ourchat", "youim")
    plain, extended = back(anna), back(anna, ext=True)
    other = back(ben)
    hear_news(extended, 107, ben)
    other.close()
    hear_news(extended, 108, ben)
    plain.fence()
    extended.fence()


def test_nobody_hears_of_oneself(stack, newcomer, back):
    anna, ben = make_friends(stack, newcomer, "youim", "youim")
    watcher, own = back(ben), back(anna, skips=[107])
    hear_news(watcher, 107, anna)
    second = back(anna, transport="tcp", skips=[107])
    gone(stack, watcher)
    hear_news(own, 108, ben)
    hear_news(second, 108, ben)
    second.close()
    wait_until(lambda: connections(stack, anna) == 1, "one connection to be gone")
    own.fence()


# --- processes that die


QUICK = {
    "heartbeat_ms": 50,
    "peer_timeout_ms": 500,
    "gateway_timeout_ms": 1000,
    "reach_interval_ms": 50,
    "cursor_flush_ms": 50,
}


@pytest.fixture
def second_gateway(tmp_path):
    """Starts another gateway of a stack; clients connect to it `on` what is returned."""
    started = []

    def start(stack):
        view = copy.copy(stack)
        names = ("gateway", "http", "tcp", "youim")
        view.ports = stack.ports | {name: free_port() for name in names}
        environment = stack.environment | {
            f"PARLEY_{name.upper()}_PORT": str(view.ports[name]) for name in names}
        started.append(Service("gateway2", programs() / "parley-gateway", environment, tmp_path))
        started[-1].start()
        return view

    yield start
    for service in started:
        service.end()


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
    watcher.fence()
    stack.services["gateway"].start()
    back(ben, on=stack)
    hear_news(watcher, 107, ben)
    watcher.fence()
    hear_news(elsewhere, 108, ben)
    hear_news(elsewhere, 107, ben)
    elsewhere.fence()


def test_a_session_that_is_restarted(make_stack, newcomer, back):
    """Who stays connected neither comes nor goes."""
    stack = make_stack(**QUICK)
    anna, ben, cora = make_friends(stack, newcomer, "youim", "youim", "youim")
    watcher = back(anna, on=stack)
    stays = back(ben, on=stack)
    hear_news(watcher, 107, ben)
    stack.services["session"].kill()
    stack.services["session"].start()
    for account in (anna, ben):
        wait_until(lambda: connections(stack, account) == 1, f"{account} to be known again")
    heard = []

    def news_come_again():
        """Not before all have found the new session; what is not stored is lost until then."""
        third = back(cora, on=stack)
        third.say(anna, "a mark")
        while (message := watcher.next())["msgType"] != 6:
            heard.append(message)
        third.close()
        return heard

    wait_until(news_come_again, "news of somebody who comes and goes")
    stays.close()
    while (message := watcher.next())["friendId"] == cora.id:
        heard.append(message)
    assert message == news(watcher, 108, ben)
    assert all(message["friendId"] == cora.id for message in heard), heard
