"""What is asked and set about people and groups (307 to 311, 325, 337): on all devices."""

import secrets

import pytest
from parley_client import KINDS
from parley_stack import wait_until

pytestmark = pytest.mark.parametrize("kind", KINDS, ids="-".join)


def ask(client, number, ref="r", **body):
    """The answer's fields, if there is one, and the 300's."""
    client.send(client.make(number, ref, **body))
    message = client.next()
    answer = None
    if message[client.number_key] == number + 1:
        answer = {key: value for key, value in client.body(message).items() if key != "msgType"}
        assert answer.pop("ref") == ref
        message = client.next()
    assert message[client.number_key] == 300, message
    result = {key: value for key, value in client.body(message).items() if key != "msgType"}
    assert result.pop("ref") == ref
    return answer, result


def second_device(connect, kind, client):
    device = connect(*kind, ext=True)
    device.log_in(client.account)
    return device


# --- 337


def test_quiet_is_ones_own_on_all_devices(stack, newcomer, connect, kind):
    client, friend = newcomer(*kind, ext=True), newcomer("ourchat", ext=True)
    friend.say(client.account, "hello")
    friend.hear_own(client.account, "hello")
    client.hear(friend.account, client.account, "hello")
    stack.wait_received(client.account)
    device = second_device(connect, kind, client)
    peer = {"user": client.id_of(friend.account)}
    for until_ms in (1900000000000, 0):
        client.send(client.make(337, "r", peer=peer, until_ms=until_ms))
        messages = {m[client.number_key]: m for m in (client.next(), client.next())}
        assert client.body(messages[300])["ok"] is True
        for shown in (messages[337], device.next()):
            assert client.body(shown)["peer"] == peer
            assert client.body(shown)["until_ms"] == until_ms
        stored = stack.sql("SELECT quiet_until_ms FROM `cursor` WHERE account = %s AND"
                           " conversation < 1 << 60", client.account.number)
        assert stored == ((until_ms,),)
    friend.expect_nothing()


def test_quiet_needs_a_conversation(newcomer, kind):
    client, friend = newcomer(*kind, ext=True), newcomer("youim", ext=True)
    group = friend.create_group(f"quiet-{secrets.token_hex(4)}")
    for peer, error in (({"user": client.id_of(friend.account)}, "no_message"),
                        ({"user": client.id_of(client.account)}, "to_oneself"),
                        ({"group": client.id_of(group)}, "not_member")):
        result = ask(client, 337, peer=peer, until_ms=1)[1]
        assert (result["ok"], result["error"]) == (False, error)
    client.send(client.make(337, peer={"group": client.id_of(group)}, until_ms=1))
    client.expect_error("you are not a member of group")
