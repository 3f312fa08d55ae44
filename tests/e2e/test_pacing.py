"""OurChat's own client, which takes one read for one object: over TCP, without `ext`, it gets one
object at a time."""

import time

import pytest
from parley_stack import Stack, wait_until
from seed_client import SeedClient

pytestmark = pytest.mark.speed

PACE_MS = 150


@pytest.fixture(scope="module")
def paced(database):
    with Stack(database, ourchat_tcp_pace_ms=PACE_MS) as running:
        yield running


@pytest.fixture
def seed_client(paced):
    opened = []

    def open_one():
        opened.append(SeedClient(paced))
        return opened[-1]

    yield open_one
    for client in opened:
        client.close()


def away(connect, paced, count=1):
    """OurChat accounts that are not connected."""
    client = connect("ourchat", on=paced)
    return [client.register_new() for _ in range(count)]


def wait_heard(client, condition, what):
    def heard():
        assert client.fault is None, client.fault
        return condition()

    wait_until(heard, what)


def test_missed_texts_follow_the_login_one_by_one(connect, paced, seed_client):
    (someone,) = away(connect, paced)
    ben = connect("youim", on=paced)
    ben.register_new()
    ben.log_in()
    texts = [f"missed {i}: " + "x" * (37 * i % 700) for i in range(20)]
    for text in texts:
        ben.say(someone, text)
    ben.fence()
    wait_until(lambda: paced.stored(texts[-1]) == 1, "the texts to be stored")
    client = seed_client()
    client.log_in(someone)
    wait_heard(client, lambda: len(client.heard) > len(texts), "what was missed")
    assert [message["code"] for message in client.heard] == [7] + [0] * len(texts)
    assert client.texts() == texts
    # Nothing of it is sent again.
    paced.wait_received(someone)


def test_bursts_and_a_groups_noise_arrive_one_by_one(connect, paced, seed_client):
    """Two clients side by side, to save time: one gets fifty texts at once, the other a group's
    texts, its own copies and faults in between. A third, with `ext`, does not wait."""
    someone, member = away(connect, paced, 2)
    ben = connect("youim", on=paced)
    ben.register_new()
    ben.log_in()
    quick = connect("ourchat", "tcp", on=paced, ext=True)
    quick.register_new()
    quick.log_in()
    group = f"noise-{ben.account.number}"
    ben.send(ben.acting(114, ownerId=ben.account.id, groupId=group))
    ben.fence()
    paced.ctl("group", "add", group, str(member.number))
    clients = {account.number: seed_client() for account in (someone, member)}
    for account in (someone, member):
        clients[account.number].log_in(account)
    listener, noisy = clients[someone.number], clients[member.number]
    wait_heard(listener, lambda: listener.heard, "the login")
    wait_heard(noisy, lambda: len(noisy.heard) == 2, "the login, and the notice")

    began = time.monotonic()
    burst = [f"live {i}" for i in range(50)]
    for text in burst:
        ben.say(someone, text)
        ben.say(quick.account, text)
    number = paced.group_number(group)
    noise = [f"noise {i}" for i in range(12)]
    for i, text in enumerate(noise):
        ben.send(ben.acting(7, toGroup=group, msg=text, fromUserId=ben.account.id))
        if i % 4 == 0:
            # Only YouIM clients receive presence, and it delays nobody.
            visitor = connect("youim", on=paced)
            visitor.log_in(ben.account)
            visitor.close()
    own = {"ocid": member.number, "group_id": number}
    noisy.send(
        {"code": 0, "time": 0, "data": {"sender": own, "msg": "quiet, please"}},
        {"code": 77, "time": 0, "data": {}},
        {"code": 12, "time": 0, "data": {"ocid": member.number, "name": "Nora"}},
    )
    gaps = []
    for text in burst:
        before = time.monotonic()
        assert quick.expect(0)["data"]["msg"] == text
        gaps.append(time.monotonic() - before)
    assert min(gaps) < PACE_MS / 2000, "a client with ext waits as well"

    wait_heard(listener, lambda: len(listener.texts()) == len(burst), "the burst")
    assert listener.texts() == burst
    # The pauses alone take so long.
    assert time.monotonic() - began > (len(burst) - 1) * PACE_MS / 1000

    expected = len(noise) + 2
    wait_heard(noisy, lambda: len(noisy.texts()) == expected, "the noise")
    wait_heard(noisy, lambda: any(m["code"] == 12 for m in noisy.heard), "the new name")
    said = [m["data"] for m in noisy.heard if m["code"] == 0]
    stored = [data for data in said if data["cid"] != 0]
    assert [data["cid"] for data in stored] == sorted(data["cid"] for data in stored)
    assert [data["msg"] for data in stored if data["msg"] in noise] == noise
    assert "quiet, please" in (data["msg"] for data in stored)
    assert [data["msg"] for data in said if data["cid"] == 0] == ["code 77 is not known"]
