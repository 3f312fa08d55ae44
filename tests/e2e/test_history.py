"""Texts can be read again (303), all or from any place, and nothing that was not for the
reader."""

import json
import secrets

import pytest
from parley_client import KINDS, PRESENCE

kinds = pytest.mark.parametrize("kind", KINDS, ids="-".join)


def text_of(client, message):
    return client.body(message)["msg"]


def texts_of(client, page):
    return [text_of(client, message) for message in page["messages"]]


def cids_of(client, page):
    return [client.cid_of(message) for message in page["messages"]]


def talk(anna, ben, count):
    """Texts in turns; returns them and their cids."""
    texts, cids = [f"{i} {secrets.token_hex(4)}" for i in range(count)], []
    for i, text in enumerate(texts):
        says, hears = (anna, ben) if i % 2 == 0 else (ben, anna)
        says.say(hears.account, text)
        says.hear_own(hears.account, text)
        cids.append(hears.cid_of(hears.hear(says.account, hears.account, text)))
    return texts, cids


@kinds
def test_pages(newcomer, kind):
    anna, ben = newcomer(*kind, ext=True), newcomer("youim", ext=True)
    texts, cids = talk(anna, ben, 7)
    page = anna.history(ben.account)
    assert texts_of(anna, page) == texts
    assert cids_of(anna, page) == cids
    assert (page["from"], page["to"], page["more"]) == (cids[0], cids[-1], False)
    assert page["peer"] == {"user": anna.id_of(ben.account)}
    page = anna.history(ben.account, limit=3)
    assert (cids_of(anna, page), page["more"]) == (cids[4:], True)
    page = anna.history(ben.account, before=page["from"], limit=3)
    assert (cids_of(anna, page), page["more"]) == (cids[1:4], True)
    page = anna.history(ben.account, before=page["from"], limit=3)
    assert (cids_of(anna, page), page["more"]) == (cids[:1], False)
    page = anna.history(ben.account, after=cids[2], limit=2)
    assert (cids_of(anna, page), page["more"]) == (cids[3:5], True)
    page = anna.history(ben.account, around=cids[3], limit=3)
    assert (cids_of(anna, page), page["more"]) == (cids[2:5], True)
    page = anna.history(ben.account, after=cids[-1])
    assert (page["messages"], page["more"]) == ([], False)
    assert "from" not in page and "to" not in page


@kinds
def test_messages_look_as_they_did(newcomer, kind):
    """But for YouIM's own texts to a person, which have no copy: these name whom they are to."""
    anna, ben = newcomer(*kind, ext=True), newcomer("ourchat", ext=True)
    group = anna.create_group(f"club-{secrets.token_hex(4)}")
    anna.say(group, "in the group")
    copy = anna.hear(anna.account, group, "in the group")
    assert copy in anna.history(group)["messages"]
    ben.say(anna.account, "to anna")
    ben.hear_own(anna.account, "to anna")
    heard = anna.hear(ben.account, anna.account, "to anna")
    if anna.gets_own(ben.account):
        anna.say(ben.account, "to ben")
        own = anna.hear_own(ben.account, "to ben")
    else:
        anna.say(ben.account, "to ben", ref="1")
        result = anna.expect_result("1")
        own = {"msg": "to ben", "msgType": 6, "fromUserId": anna.account.id,
               "toUserId": ben.account.id, "cid": result["cid"], "time_ms": result["time_ms"]}
    assert anna.history(ben.account)["messages"] == [heard, own]


@kinds
def test_from_joining_to_leaving(newcomer, stack, kind):
    anna, ben = newcomer("youim", ext=True), newcomer(*kind, ext=True)
    group = anna.create_group(f"club-{secrets.token_hex(4)}")
    anna.skips = ben.skips = PRESENCE | {0, 4, 8, 10, 18, 112, 118, 212}

    def say(text):
        anna.say(group, text, ref=text)
        return anna.expect_result(text)["cid"]

    say("before")
    stack.ctl("group", "add", group.id, ben.account.id)
    say("while there")
    stack.ctl("group", "remove", group.id, ben.account.id)
    say("after")
    stack.ctl("group", "add", group.id, ben.account.id)
    last = say("again there")

    def texts(client, **more):
        messages = [client.body(message) for message in client.history(group, **more)["messages"]]
        return [message["msg"] for message in messages if "msg" in message]

    assert texts(ben) == ["while there", "again there"]
    assert texts(ben, before=last) == ["while there"]
    assert texts(anna) == ["before", "while there", "after", "again there"]
    anna.send(anna.acting(111, "gone", groupId=group.id, ownerId=anna.account.id))
    assert anna.expect_result("gone") == {"ok": True}
    assert texts(ben) == ["while there", "again there"]
    assert texts(anna) == ["before", "while there", "after", "again there"]


@kinds
def test_refusals(newcomer, kind):
    anna, ben = newcomer(*kind, ext=True), newcomer("youim")
    foreign = ben.create_group(f"foreign-{secrets.token_hex(4)}")
    anna.send(anna.asking_history(foreign, ref="1"))
    assert anna.expect_result("1")["error"] == "not_member"
    anna.send(anna.asking_history(foreign))
    anna.expect_error("you are not a member of group")
    anna.send(anna.asking_history(ben.account, ref="2", limit=201))
    assert anna.expect_result("2")["text"] == "limit must be a whole number from 1 to 200"
    assert anna.history(ben.account)["messages"] == []
    anna.send(anna.asking_history(ben.account))  # without a ref there is only the answer
    assert anna.body(anna.expect(304))["messages"] == []
    anna.fence()


@kinds
def test_texts_that_swell(newcomer, kind):
    """A text six times as long as JSON: an answer holds as many as fit, and the next goes on behind it."""
    anna, ben = newcomer(*kind, ext=True), newcomer("youim", ext=True)
    texts = [chr(1 + i) * 8_000 for i in range(12)]  # 48 KB each as JSON
    for text in texts:
        ben.say(anna.account, text)
        anna.hear(ben.account, anna.account, text)
    found, more = [], {}
    while not more or more["before"]:
        anna.send(anna.asking_history(ben.account, **more))
        answer = anna.next_text()
        assert len(answer.encode()) <= 256 * 1024
        page = anna.body(json.loads(answer))
        found = texts_of(anna, page) + found
        more = {"before": page["from"] if page["more"] else None}
    assert found == texts
