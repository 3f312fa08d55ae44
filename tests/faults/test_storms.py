"""Many log in with passwords at once: all get in, and no hash is made for nobody."""

import asyncio
import json
import random

import pytest
from parley_stack import DEADLINE


async def register(stack):
    """The one whose hash all others have, too."""
    reader, writer = await asyncio.open_connection(stack.host, stack.ports["tcp"])
    for number in (113, 1):
        body = {"userId": "first", "loginUserId": "first", "password": "secret"}
        writer.write(json.dumps({"msgType": number, "msgBody": body}).encode())
    answer = json.loads(await reader.readline())
    assert answer["resultCode"] == "success", answer
    writer.close()


async def log_in(stack, number, told):
    """Tries again, as docs/clients.md has it (sooner, since hashes are cheap here), until it is in."""
    reader, writer = await asyncio.open_connection(stack.host, stack.ports["tcp"])
    pause = 0.2
    while True:
        login = {"msgType": 1, "msgBody": {"loginUserId": f"crowd-{number}", "password": "secret"}}
        writer.write(json.dumps(login).encode())
        answer = json.loads(await reader.readline())
        if answer["resultCode"] == "success":
            break
        assert answer["token"].endswith("try again"), answer
        told.append(number)
        await asyncio.sleep(random.uniform(pause, 2 * pause))
        pause = min(2 * pause, 2)
    writer.close()


@pytest.mark.parametrize("count", [300, 600])
def test_passwords_at_once(make_stack, show_table, count):
    stack = make_stack(password_hashers=1, password_ops=10, password_memory_kib=4096,
                       send_timeout_ms=1000)
    asyncio.run(register(stack))
    columns = "email, name, password, created_ms, disabled"
    for number in range(count):
        stack.sql(f"INSERT INTO account (number, id, {columns}) SELECT {900000000 + number}, "
                  f"'crowd-{number}', NULL, name, password, created_ms, disabled FROM account "
                  "WHERE password IS NOT NULL ORDER BY number LIMIT 1")
    before, told = stack.metric("auth", "password_hash_seconds_count"), []

    async def storm():
        await asyncio.wait_for(
            asyncio.gather(*(log_in(stack, number, told) for number in range(count))), 8 * DEADLINE)

    asyncio.run(storm())
    made = stack.metric("auth", "password_hash_seconds_count") - before
    show_table(f"{count} logins with {made:.0f} hashes, {len(told)} times told to try again later")
    assert count <= made <= 1.3 * count
