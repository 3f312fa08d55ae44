"""Presence, as tests follow it: 107 to 110, and who is connected.

    anna, ben = make_friends(stack, newcomer, "youim", "ourchat")
    watcher = back(anna)
    back(ben)
    hear_news(watcher, 107, ben)
"""

import json
import secrets

from parley_client import PRESENCE
from parley_deeds import befriend, wait_all_received
from parley_stack import wait_until


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


def sessions_down(stack):
    """How many sessions of a private stack do not run; of another one all do."""
    return sum(name.startswith("session") and not service.running()
               for name, service in getattr(stack, "services", {}).items())


def listed(stack):
    """(account, connections) of every row of every session that is there."""

    def answered():
        """All that run: of each that does not answer in time, one line tells."""
        done = stack.ctl("sessions", "--json", ok=False)
        return done if len(done.stderr.splitlines()) <= sessions_down(stack) else None

    rows = json.loads(wait_until(answered, "the sessions to answer").stdout)
    return [(row["account"], row["connections"]) for row in rows]


def connections(stack, account):
    """How many connections of the account the sessions know of."""
    return sum(count for number, count in listed(stack) if number == account.number)


def wait_sent(stack):
    """Until all news so far has been sent to its receivers. The stack may be
    any server that parleyctl (`stack.ctl`) reaches."""

    queues = {"session": "presence", "group": "route_bytes"}

    def sent():
        rows = [row for row in json.loads(stack.ctl("status", "--json", ok=False).stdout)
                if row["service"] in queues]
        answered = [row for row in rows if row.get("queues")]
        return (len(rows) - len(answered) <= sessions_down(stack)
                and all(row["queues"][queues[row["service"]]]["depth"] == 0 for row in answered))

    wait_until(sent, "news to be sent")


def gone(stack, *clients):
    """Ends their connections, and waits until that is known and reported, and their receipts are
    stored."""
    for client in clients:
        drain(client)
        wait_all_received(stack, client.account)
        client.close()
    numbers = {client.account.number for client in clients}
    wait_until(lambda: not numbers & dict(listed(stack)).keys(), "clients to be gone")
    wait_sent(stack)


def drain(client):
    """Takes everything up to the answer to a request that is sent now."""
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


def log_back_in(connect, account, on=None, ext=False, transport="websocket", skips=PRESENCE):
    """A connection of an account that exists."""
    client = connect(account.dialect, transport, on=on, ext=ext)
    client.skips = frozenset(skips)
    client.log_in(account)
    return client
