"""Texts may reply to a message and mention members, which clients that opted in see."""

import secrets

import pytest
from parley_client import KINDS, PRESENCE

kinds = pytest.mark.parametrize("kind", KINDS, ids="-".join)


def saying(client, peer, text, ref=None, **more):
    """A text with further fields."""
    message = client.saying(peer, text, ref)
    message["msgBody" if client.dialect == "youim" else "data"] |= more
    return message


@kinds
def test_they_reach_clients_with_ext_alone(stack, newcomer, kind):
    anna = newcomer(*kind, ext=True)
    others = [newcomer(dialect, ext=True) for dialect in ("youim", "ourchat")]
    plain = newcomer(*kind)
    group = anna.create_group(f"club-{secrets.token_hex(4)}")
    for client in (*others, plain):
        stack.ctl("group", "add", group.id, client.account.id)
    everybody = (anna, *others, plain)
    for client in everybody:
        client.skips = PRESENCE | {4, 10}
    others[0].say(group, "first")
    cids = {client: client.cid_of(client.hear(others[0].account, group, "first"))
            for client in (anna, *others)}
    plain.hear(others[0].account, group, "first")
    mentioned = [others[0].account, anna.account]
    anna.send(saying(anna, group, "second", reply=cids[anna],
                     mentions=[anna.id_of(account) for account in mentioned]))
    for client in (anna, *others):
        message = client.next()
        assert client.body(message)["msg"] == "second"
        assert client.body(message)["reply"] == cids[client]
        assert client.body(message)["mentions"] == [client.id_of(a) for a in mentioned]
        assert message in client.history(group)["messages"]
    plain.hear(anna.account, group, "second")
    anna.send(saying(anna, group, "third", mentions="all"))
    for client in (anna, *others):
        assert client.body(client.next())["mentions"] == "all"
    plain.hear(anna.account, group, "third")


@kinds
def test_refusals(newcomer, kind):
    anna, ben = newcomer(*kind, ext=True), newcomer("youim")
    club = ben.create_group(f"club-{secrets.token_hex(4)}")
    nobody = f"nobody-{secrets.token_hex(4)}" if kind[0] == "youim" else 8999999999999998
    cases = [
        ({"reply": 9007199254740991}, "no_message", None),
        ({"mentions": [nobody]}, "bad_mention", None),
        ({"mentions": "all"}, "bad_mention", None),
        ({"mentions": [anna.id_of(newcomer("ourchat").account)]}, "bad_mention", None),
        ({"mentions": "some"}, "bad_request", "mentions must be a list of ids, or the string all"),
    ]
    for at, (more, error, text) in enumerate(cases):
        anna.send(saying(anna, ben.account, "hello", f"{at}", **more))
        result = anna.expect_result(f"{at}")
        assert result["error"] == error, more
        assert text in (None, result["text"])
    ben.expect_nothing()
    anna.send(saying(anna, club, "hello", "x", mentions="all"))
    assert anna.expect_result("x")["error"] == "not_member"


@kinds
def test_without_ext_they_mean_nothing(newcomer, kind):
    anna, ben = newcomer(*kind), newcomer("youim", ext=True)
    anna.send(saying(anna, ben.account, "hello", reply=1, mentions="all"))
    ben.hear(anna.account, ben.account, "hello")


def test_sent_again_it_is_the_same_or_another(newcomer):
    """As for texts: a repeat of the `ref` must be the same in all fields."""
    anna, ben = newcomer("ourchat", ext=True), newcomer("youim", ext=True)
    anna.skips = frozenset({0})
    anna.send(saying(anna, ben.account, "hello", "r", mentions=[ben.account.number]))
    first = anna.expect_result("r")
    anna.send(saying(anna, ben.account, "hello", "r", mentions=[ben.account.number]))
    assert anna.expect_result("r") == first
    anna.send(saying(anna, ben.account, "hello", "r"))
    assert anna.expect_result("r")["error"] == "ref_used"
