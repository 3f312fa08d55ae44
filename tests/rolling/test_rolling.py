"""Services of two releases understand each other, in every mixture that an upgrade passes through."""

import secrets

import pytest
from parley_client import KINDS
from parley_deeds import admit, befriend, leave, next_deed, succeed, wait_all_received
from parley_stack import SERVICES

# That of docs/upgrading.md, and the same from the other end.
ORDER = ("auth", "delivery", "files", "group", "hooks", "session", "gateway")


def come_back(connect, stack, client):
    again = connect(client.dialect, client.transport, on=stack, ext=client.ext)
    again.log_in(client.account)
    return again


def talk(one, other):
    """A text each way, one of them under a `ref` that is used twice."""
    text, ref = secrets.token_hex(8), secrets.token_hex(8)
    one.say(other.account, text)
    one.hear_own(other.account, text)
    other.hear(one.account, other.account, text)
    if not other.ext:
        return
    other.say(one.account, text, ref=ref)
    one.hear(other.account, one.account, text)
    first = None
    for _ in range(2):
        while True:
            message = other.next()
            if message[other.number_key] == 300:
                break
        first = first or other.body(message)
        assert other.body(message) == first and first["ok"] is True, message
        other.send(other.saying(one.account, text, ref))
    while other.next()[other.number_key] != 300:
        pass


def everything(newcomer, connect, stack):
    """The features that both releases know, with new people."""
    people = [newcomer(*kind, on=stack, ext=True) for kind in KINDS]
    plain = newcomer("ourchat", "tcp", on=stack)
    for one, other in zip(people, people[1:]):
        talk(one, other)
    talk(plain, people[0])
    owner, member = (people[i] for i in range(len(people)) if people[i].transport == "tcp")
    befriend(owner, plain)
    owner_id = f"group-{secrets.token_hex(4)}"
    group = owner.create_group(owner_id)
    admit(owner, group, member, [owner] if owner.dialect == "youim" else [])
    owner.say(group, "to the group")
    for client in (owner, member):
        client.hear(owner.account, group, "to the group")
    succeed(member, leave(member, group))
    while next_deed(owner)[owner.number_key] not in (12, 112):
        pass
    # Missed, and received once.
    away = people[0]
    wait_all_received(stack, away.account)
    away.close()
    plain.say(away.account, "missed")
    plain.hear_own(away.account, "missed")
    away = connect(away.dialect, away.transport, on=stack)
    away.resume(people[0].account, people[0].token)
    heard = away.hear(plain.account, people[0].account, "missed")
    assert away.received(plain.account, away.cid_of(heard), ref="r")["ok"] is True


@pytest.mark.parametrize("order", [ORDER, ORDER[::-1]], ids=["as-documented", "reversed"])
def test_one_service_after_the_other(rolling, newcomer, connect, order):
    stack = rolling
    everything(newcomer, connect, stack)
    waiting = newcomer("youim", "websocket", on=stack, ext=True)
    writer = newcomer("ourchat", "websocket", on=stack)
    waiting.close()
    stack.use_new_tools()
    stack.ctl("migrate")
    texts = []

    def say_to_the_one_who_is_away():
        """Each is stored by one mixture and read by another."""
        texts.append(f"text {len(texts)}")
        writer.say(waiting.account, texts[-1])
        writer.hear_own(waiting.account, texts[-1])

    for name in order:
        say_to_the_one_who_is_away()
        wait_all_received(stack, writer.account)
        stack.replace(name)
        if name == "gateway":
            writer = come_back(connect, stack, writer)
        say_to_the_one_who_is_away()
        everything(newcomer, connect, stack)
    assert set(order) == set(SERVICES)
    again = come_back(connect, stack, waiting)
    for text in texts:
        again.hear(writer.account, waiting.account, text)
    again.fence()
