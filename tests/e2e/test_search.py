"""Texts can be searched (331), and nothing is found that was not for the reader."""

import secrets

import pytest
from parley_client import KINDS

kinds = pytest.mark.parametrize("kind", KINDS, ids="-".join)


def search(client, text, peer=None, **more):
    """The body of the 332."""
    if peer is not None:
        more["peer"] = client.peer_of(peer)
    return client.ask(331, 332, text=text, **more)


def texts_of(client, page):
    return [client.body(message)["msg"] for message in page["messages"]]


@kinds
def test_words(newcomer, kind):
    anna, ben = newcomer(*kind, ext=True), newcomer("youim", ext=True)
    cleo = newcomer("youim", ext=True)
    cids = {}
    for sender, text in ((ben, "Hello World"), (cleo, "hello, too"), (ben, "今天天气很好")):
        sender.say(anna.account, text)
        cids[text] = anna.cid_of(anna.hear(sender.account, anna.account, text))
    assert texts_of(anna, search(anna, "HELLO")) == ["hello, too", "Hello World"]
    assert texts_of(anna, search(anna, "HELLO", ben.account)) == ["Hello World"]
    assert texts_of(anna, search(anna, "天气")) == ["今天天气很好"]
    page = search(anna, "hello", before=cids["hello, too"])
    assert texts_of(anna, page) == ["Hello World"]
    assert page["more"] is False and "before" not in page
    assert texts_of(ben, search(ben, "hello")) == ["Hello World"]  # cleo's is not for him
    assert search(ben, "no such words")["messages"] == []


@kinds
def test_pages(newcomer, kind):
    anna, ben = newcomer(*kind, ext=True), newcomer("youim", ext=True)
    texts = [f"needle {number}" for number in range(70)]
    for text in texts:
        ben.say(anna.account, text)
        anna.hear(ben.account, anna.account, text)
    page = search(anna, "needle", ben.account)
    assert page["more"] and len(page["messages"]) == 50
    rest = search(anna, "needle", ben.account, before=page["before"])
    assert not rest["more"]
    assert texts_of(anna, page) + texts_of(anna, rest) == texts[::-1]


@kinds
def test_refusals(newcomer, kind):
    anna, ben = newcomer(*kind, ext=True), newcomer("youim")
    foreign = ben.create_group(f"foreign-{secrets.token_hex(4)}")
    anna.send(anna.make(331, "1", text="a"))
    assert anna.expect_result("1")["text"] == "text must have 2 to 64 characters"
    anna.send(anna.make(331, "2", text="words", peer=anna.peer_of(foreign)))
    assert anna.expect_result("2")["error"] == "not_member"
    anna.send(anna.make(331, text="words"))  # without a ref there is only the answer
    assert anna.body(anna.expect(332))["messages"] == []
    anna.fence()
