"""Many clients log in or register with passwords at once: all succeed, hardly a hash is made in vain,
and requests that need no hash do not wait."""

import asyncio
import contextlib
import itertools
import json
import random
import re
import threading

import pytest
from parley_client import Account
from parley_stack import DEADLINE, wait_until

# A hash takes some 20 ms then, and callers give up after a second.
COSTLY = {"password_hashers": 1, "password_ops": 10, "password_memory_kib": 4096,
          "send_timeout_ms": 1000}
REGISTERING, LOGGING_IN = 60, 4


async def register(stack):
    """The one whose hash all others have, too."""
    reader, writer = await asyncio.open_connection(stack.host, stack.ports["tcp"])
    for number in (113, 1):
        body = {"userId": "first", "loginUserId": "first", "password": "secret"}
        writer.write(json.dumps({"msgType": number, "msgBody": body}).encode())
    answer = json.loads(await reader.readline())
    assert answer["resultCode"] == "success", answer
    writer.close()


async def log_in(stack, name, postponed):
    """Tries again, as docs/clients.md has it (sooner, since hashes are cheap here), until it is in."""
    reader, writer = await asyncio.open_connection(stack.host, stack.ports["tcp"])
    pause = 0.2
    while True:
        login = {"msgType": 1, "msgBody": {"loginUserId": name, "password": "secret"}}
        writer.write(json.dumps(login).encode())
        answer = json.loads(await reader.readline())
        if answer["resultCode"] == "success":
            break
        assert answer["token"].endswith("try again"), answer
        postponed.append(name)
        await asyncio.sleep(random.uniform(pause, 2 * pause))
        pause = min(2 * pause, 2)
    writer.close()


@pytest.mark.parametrize("count", [300, 600])
def test_passwords_at_once(make_stack, show_table, count):
    stack = make_stack(**COSTLY)
    asyncio.run(register(stack))
    columns = "email, name, password, created_ms, disabled"
    for number in range(count):
        stack.sql(f"INSERT INTO account (number, id, {columns}) SELECT {900000000 + number}, "
                  f"'crowd-{number}', NULL, name, password, created_ms, disabled FROM account "
                  "WHERE password IS NOT NULL ORDER BY number LIMIT 1")
    before, postponed = stack.metric("auth", "password_hash_seconds_count"), []

    async def storm():
        await asyncio.wait_for(
            asyncio.gather(*(log_in(stack, f"crowd-{number}", postponed) for number in range(count))), 8 * DEADLINE)

    asyncio.run(storm())
    made = stack.metric("auth", "password_hash_seconds_count") - before
    show_table(f"{count} logins with {made:.0f} hashes, {len(postponed)} times asked to try again later")
    assert count <= made <= 1.3 * count


async def register_without_end(stack, number, counts):
    """New ids all the time, and hardly a pause when asked to try later."""
    for life in itertools.count():
        reader, writer = await asyncio.open_connection(stack.host, stack.ports["tcp"])
        with contextlib.closing(writer):
            for attempt in itertools.count():
                body = {"userId": f"flood-{number}-{life}-{attempt}", "password": "secret", "ext": 1}
                writer.write(json.dumps({"msgType": 113, "ref": "r", "msgBody": body}).encode())
                line = await reader.readline()
                if not line:
                    break  # nobody may stay so long without a login
                answer = json.loads(line)
                word = "ok" if answer["ok"] else answer["error"]
                counts[word] = counts.get(word, 0) + 1
                await asyncio.sleep(0 if word == "ok" else 0.1)


@contextlib.contextmanager
def flood_of_registrations(stack, counts):
    loop = asyncio.new_event_loop()

    async def flood():
        await asyncio.gather(*(register_without_end(stack, n, counts) for n in range(REGISTERING)))

    task = loop.create_task(flood())

    def run():
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
        assert not task.done(), task
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(DEADLINE)


def hashing(stack):
    """How many wait for a hash, and how many hashes were made."""
    text = stack.page("auth", "/metrics")[1]
    return [int(float(re.search(rf"^parley_{name} (.*)$", text, re.MULTILINE)[1]))
            for name in (r'queue_depth\{.*queue="hashes".*\}', r"password_hash_seconds_count.*?")]


def test_a_flood_of_registrations(make_stack, connect, show_table):
    """Logins that need no hash are served before those that wait for one; those get theirs, too."""
    # Each deed is to be done at its first try, however slow this machine is.
    stack, counts, postponed = make_stack(**COSTLY | {"send_timeout_ms": 10000}), {}, []
    writer = connect("youim", "tcp", on=stack, ext=True)
    writer.register_new()
    writer.log_in()
    names = (f"stranger-{number}" for number in itertools.count())

    def log_in_without_password():
        one = connect("youim", "websocket", on=stack)
        one.register_new()
        one.log_in()

    def resume():
        nonlocal writer
        account, token = writer.account, writer.token
        writer.close()
        writer = connect("youim", "tcp", on=stack, ext=True)
        writer.resume(account, token)

    def look_up():
        name = next(names)
        stack.ask("auth", "auth.register", [{"id": name}])
        writer.say(Account("youim", 0, name), f"to {name}", "r")
        assert writer.expect_result("r")["ok"]

    def overtakes(deed):
        """Whether it was done before all that had been waiting for a hash."""
        waiting, before = hashing(stack)
        deed()
        return hashing(stack)[1] - before < waiting

    async def passwords():
        await asyncio.wait_for(
            asyncio.gather(*(log_in(stack, f"known-{n}", postponed) for n in range(LOGGING_IN))),
            4 * DEADLINE)

    for number in range(LOGGING_IN):
        stack.ask("auth", "auth.register", [{"id": f"known-{number}", "password": "secret"}])
    with flood_of_registrations(stack, counts):
        wait_until(lambda: hashing(stack)[0] > REGISTERING // 4, "a queue")
        for deed in (log_in_without_password, resume, look_up):
            wait_until(lambda deed=deed: overtakes(deed), f"{deed.__name__} to overtake hashes")
        asyncio.run(passwords())
    # Nobody waits for these hashes any more.
    wait_until(lambda: hashing(stack)[0] == 0, "the queue to be empty")
    show_table(f"registrations: {counts}; {LOGGING_IN} logins, {len(postponed)} times asked to try later")
