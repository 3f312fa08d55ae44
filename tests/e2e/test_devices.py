"""The logins of an account (319), and ending one from another device."""

import pytest
from parley_client import KINDS
from parley_stack import wait_until

kinds = pytest.mark.parametrize("kind", KINDS, ids="-".join)


def devices_of(client, **body):
    answer = client.ask(319, 320, **body)
    assert answer["more"] is False
    return answer["devices"]


def by_this(devices):
    """The own one, and the others."""
    own = [device for device in devices if device["this"]]
    assert len(own) == 1, devices
    return own[0], [device for device in devices if not device["this"]]


@kinds
def test_each_login_is_listed(newcomer, connect, kind):
    client = newcomer(*kind, ext=True)
    other = connect(*kind, ext=True)
    other.device = "my phone"
    other.log_in(client.account)
    own, others = by_this(devices_of(client))
    assert own["transport"] == client.transport and own["address"] == "127.0.0.1"
    assert own["online"] is True and own["device"] == ""
    assert own["since_ms"] <= own["heard_ms"]
    assert [(device["device"], device["online"]) for device in others] == [("my phone", True)]
    other.close()
    wait_until(lambda: not by_this(devices_of(client))[1][0]["online"], "the phone to be offline")
    again = connect(*kind)
    again.resume(client.account, other.token)
    assert by_this(devices_of(again))[0]["id"] == others[0]["id"]


@kinds
def test_one_is_ended(newcomer, connect, kind):
    """Its connection at once, with a reason; its token for good."""
    client, friend = newcomer(*kind, ext=True), newcomer("youim", "tcp")
    lost = connect(*kind, ext=True)
    lost.log_in(client.account)
    lost_id = by_this(devices_of(client))[1][0]["id"]
    own, others = by_this(devices_of(client, close=lost_id))
    assert others == [] and own["online"]
    lost.expect_error("this login was ended from another device")
    assert lost.expect_closed() == (1008 if lost.transport == "websocket" else "eof")
    again = connect(*kind, ext=True)
    again.send(again.resumption(lost.token))
    again.expect(2 if again.dialect == "youim" else 7)
    assert len(devices_of(client, close=lost_id)) == 1  # once more is no fault
    friend.say(client.account, "still there")
    client.hear(friend.account, client.account, "still there")


@kinds
def test_of_others_nothing_is_listed_nor_ended(newcomer, kind):
    client, other = newcomer(*kind, ext=True), newcomer(*kind, ext=True)
    theirs = devices_of(other)[0]["id"]
    own = devices_of(client, close=theirs)
    assert len(own) == 1 and own[0]["id"] != theirs
    other.fence()
    assert devices_of(other)[0]["id"] == theirs


@kinds
def test_only_for_clients_that_opted_in(newcomer, kind):
    client = newcomer(*kind)
    client.send(client.make(319))
    client.expect_error("319 is not known")
