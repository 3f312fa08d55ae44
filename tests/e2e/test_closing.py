"""The server carries out all requests from before an orderly close, in their order."""

import json
import secrets

import pytest
from parley_client import TRANSPORTS, Group
from parley_stack import wait_until

# Where a client can close its own half alone.
HALVES = ("tcp", "binary")


@pytest.mark.parametrize("count, filling", ((20, 4), (300, 64)), ids=("few", "many"))
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_texts_before_a_close_are_all_stored(newcomer, transport, count, filling):
    """Many are more than is read at once: the server reads on only as texts are stored, and most of
    them wait in the kernels."""
    ben = newcomer("youim")
    anna = newcomer("youim", transport)
    texts = [f"{i} {secrets.token_hex(filling)}" for i in range(count)]
    anna.send(*(anna.saying(ben.account, text) for text in texts))
    anna.close()
    for text in texts:
        ben.hear(anna.account, ben.account, text)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_requests_before_a_close_are_done_in_order(newcomer, stack, transport):
    anna = newcomer("youim", transport)
    group = Group(0, f"late-{secrets.token_hex(4)}", "")
    texts = [f"{i} {group.id}" for i in range(3)]
    anna.send(
        anna.acting(114, ownerId=anna.account.id, groupId=group.id),
        *(anna.saying(group, text) for text in texts),
    )
    anna.close()
    wait_until(lambda: all(stack.stored(text) for text in texts), "the texts to be stored")
    rows = stack.sql("SELECT CONVERT(body USING utf8mb4) FROM message WHERE body LIKE %s ORDER BY cid", f"%{group.id}")
    assert [text for (text,) in rows] == texts


def all_until_the_end(client):
    """All messages that arrive before the server closes."""
    messages = []
    while (text := client.take()) is not None:
        messages.append(json.loads(text))
    assert client.expect_closed() == "eof"
    return messages


@pytest.mark.parametrize("transport", HALVES)
def test_a_client_that_closed_its_half_gets_its_answers(newcomer, connect, transport):
    before = newcomer("youim")
    group = before.create_group(f"half-{secrets.token_hex(4)}")
    before.close()
    anna = connect("youim", transport)
    anna.log_in(before.account)
    texts = [f"{i} {secrets.token_hex(4)}" for i in range(20)]
    anna.send(
        anna.acting(7, toGroup="nobody-has-this", msg="lost", fromUserId=anna.account.id),
        *(anna.saying(group, text) for text in texts),
        anna.make(9, token=anna.token, logoutUserId="somebody else"),
    )
    anna.finish_writing()
    messages = all_until_the_end(anna)
    assert [m["msg"] for m in messages if m["msgType"] == 8] == texts
    faults = [m["msg"] for m in messages if m["msgType"] == 101]
    assert len(faults) == 2 and "nobody-has-this" in faults[0] and "another account" in faults[1]


@pytest.mark.parametrize("ext", (False, True), ids=("plain", "ext"))
def test_a_scripts_requests_in_one_go_are_answered(newcomer, connect, ext):
    """Its login included, as `nc` does with a file. Without `ext` the answers are paced."""
    ben = newcomer("ourchat")
    anna = newcomer("ourchat")
    count = 20 if ext else 5
    texts = [f"{i} {secrets.token_hex(4)}" for i in range(count)]
    again = connect("ourchat", "tcp", ext=ext)
    again.account = anna.account
    again.send(
        again.login_request(anna.account),
        *(
            again.saying(ben.account, text, str(i) if ext else None)
            for i, text in enumerate(texts)
        ),
    )
    again.finish_writing()
    messages = all_until_the_end(again)
    assert messages[0]["code"] == 7 and messages[0]["data"]["state"] == 0
    assert [m["data"]["msg"] for m in messages if m["code"] == 0] == texts
    results = [(m["data"]["ref"], m["data"]["ok"]) for m in messages if m["code"] == 300]
    assert results == ([(str(i), True) for i in range(count)] if ext else [])
    for text in texts:
        ben.hear(anna.account, ben.account, text)
