"""Clients vanish, stop reading, or reconnect all at once."""

import time

import pytest
from parley_client import PRESENCE
from parley_deeds import answer_friend, ask_friend
from parley_presence import listed, wait_sent
from parley_stack import wait_until

# (dialect, transport) of those to whom it happens.
KINDS = [
    ("youim", "websocket"),
    ("youim", "tcp"),
    ("youim", "binary"),
    ("ourchat", "websocket"),
    ("ourchat", "tcp"),
]
# Longer than this machine stands still.
STANDSTILL_MS = 8000
# Of the gateway in the test of clients that vanish.
PATIENCE = {"vanished_timeout_ms": STANDSTILL_MS, "ping_interval_ms": 5000}
# Requests for friendship and their answers: nobody waits until these are known to have arrived.
FRIENDSHIP = frozenset({9, 10, 14, 103})
BIG_TEXT = "x" * 16000
BIG_TEXTS = 130  # 2 MB


def register(connect, load, kind):
    """A new account; nobody is logged in."""
    dialect, transport = kind
    client = connect(dialect, "tcp" if transport == "binary" else transport, on=load.stack)
    account = client.register_new()
    client.close()
    return account


def hear(client, text):
    """The next message is this text; the place of its type in a binary frame is unknown."""
    said = client.body(client.next()).get("msg")
    assert said == text, f"expected {text[:30]}, got {said}"


def befriend(connect, load, one, others):
    """They are friends afterwards, nobody is logged in, and no news of that is still to be sent."""
    asker = connect(one.dialect, "tcp", on=load.stack)
    asker.log_in(one)
    for account in others:
        other = connect(account.dialect, "tcp", on=load.stack)
        other.log_in(account)
        asker.send(ask_friend(asker, account))
        other.expect(103 if account.dialect == "youim" else 9)
        other.send(answer_friend(other, one, True))
        asker.expect(14)
        other.close()
    asker.close()
    numbers = {account.number for account in (one, *others)}
    wait_until(lambda: not numbers & dict(listed(load.stack)).keys(), "friends to be gone")
    wait_sent(load.stack)


def test_clients_that_vanish(load, check, connect):
    """Their machines are gone without a word: no packet is answered, so TCP reports nothing. Friends
    get the news once, and texts to them of that time arrive when they return."""
    stack = load.stack
    assert stack.services["gateway"].terminate() == 0
    stack.services["gateway"].start(**PATIENCE)
    load.wait_everybody()
    lost = [register(connect, load, kind) for kind in KINDS]
    friend = register(connect, load, ("youim", "tcp"))
    befriend(connect, load, friend, lost)

    watcher = connect("youim", "websocket", on=stack)
    watcher.log_in(friend)
    # A login while others still catch up is not always reported to them.
    watcher.skips = FRIENDSHIP | {107}
    clients = []
    for account, (dialect, transport) in zip(lost, KINDS):
        clients.append(connect(dialect, transport, on=stack))
        clients[-1].log_in(account)
        clients[-1].say(friend, "hello")
        hear(watcher, "hello")
    for account in lost:
        stack.wait_received(account)  # the copy of its own texts, where it gets one
    for client in clients:
        client.vanish()
    said = [f"while you were away {number}" for number in range(3)]
    for text in said:
        for account in lost:
            watcher.say(account, text)
    wait_until(lambda: stack.stored(said[-1]) == len(lost), "the texts to be stored")
    gone = [watcher.expect(108)["friendId"] for _ in lost]
    assert sorted(gone) == sorted(account.id for account in lost)
    for account, (dialect, transport) in zip(lost, KINDS):
        client = connect(dialect, transport, on=stack)
        client.skips = PRESENCE | FRIENDSHIP
        client.log_in(account)
        for text in said:
            hear(client, text)
        wait_sent(stack)  # going online and offline at once is neither
        client.close()
        watcher.expect(108, friendId=account.id)
    watcher.fence()
    check(load)
    assert stack.services["gateway"].terminate() == 0
    stack.services["gateway"].start()


def memory_kib(service):
    status = open(f"/proc/{service.process.pid}/status", encoding="ascii").read()
    return int(status.split("VmRSS:")[1].split()[0])


def test_clients_that_stop_reading(load, check, connect, show_table):
    """2 MB for each wait in the log and not in the gateway; others notice nothing."""
    stack = load.stack
    gateway = stack.services["gateway"]
    writer = connect("youim", "tcp", on=stack)
    writer.register_new()
    writer.log_in()
    slow = []
    for dialect, transport in KINDS:
        account = register(connect, load, (dialect, transport))
        slow.append(connect(dialect, transport, on=stack))
        slow[-1].log_in(account)
        slow[-1].stop_reading()
    load.wait_acknowledged(100)
    before = memory_kib(gateway)
    texts = [f"{number} {BIG_TEXT}" for number in range(BIG_TEXTS)]
    for text in texts:
        for client in slow:
            writer.say(client.account, text)
    wait_until(lambda: stack.stored(texts[-1]) == len(slow), "the texts to be stored", every=0.1)
    load.wait_acknowledged(300)
    meanwhile = memory_kib(gateway)
    for client in slow:
        client.read_on()
    for client in slow:
        for text in texts:
            hear(client, text)
    show_table(
        f"gateway's memory: {before} KiB before, {meanwhile} KiB while {len(slow)} clients did"
        f" not read {BIG_TEXTS * len(BIG_TEXT) // 1000} kB each, {memory_kib(gateway)} KiB after"
    )
    report = check(load)
    assert report.longest_gap_ms < STANDSTILL_MS
    # The queue of each client is at most 1 MiB (send_queue_bytes), and 4 MiB pass through.
    assert meanwhile - before < len(slow) * 1024 + 4096


@pytest.mark.parametrize("how", ["in order", "kill -9"])
def test_everybody_reconnects_at_once(load, check, show_table, how):
    gateway = load.stack.services["gateway"]
    load.wait_acknowledged(300)
    if how == "in order":
        assert gateway.terminate() == 0
    else:
        gateway.kill()
    gateway.start()
    ready = time.monotonic()
    load.wait_in()
    inside = time.monotonic()
    load.wait_everybody()
    show_table(
        f"{len(load.people)} people were logged in again {1000 * (inside - ready):.0f} ms after"
        f" the gateway was ready, and had talked after {1000 * (time.monotonic() - ready):.0f} ms"
    )
    load.wait_acknowledged(300)
    check(load)
