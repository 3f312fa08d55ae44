"""Messages that are older than they are kept are gone, for whoever reads them in whatever way; those
that are left, and new ones, arrive as ever."""

import secrets

from parley_client import KINDS
from parley_deeds import done
from parley_stack import wait_until

OLD_MS = 40 * 24 * 60 * 60 * 1000


def say(client, peer, count):
    """Texts that must be stored; returns them and their cids."""
    texts, cids = [f"{i} {secrets.token_hex(4)}" for i in range(count)], []
    for text in texts:
        result, heard = done(client, client.saying(peer, text))
        assert result["ok"], result
        cids.append(result["cid"])
        if not heard:  # the own copy, where there is one, arrives before or after
            client.hear_own(peer, text)
    return texts, cids


def age(stack, cids):
    for cid in cids:
        stack.sql("UPDATE message SET time_ms = time_ms - %s WHERE cid = %s", OLD_MS, cid)


def remove_old(stack):
    """Delivery is started anew with an option that has it remove texts older than 30 days."""
    stack.services["delivery"].terminate()
    stack.sql("UPDATE retention SET conversation = 0, due_ms = 0")
    stack.services["delivery"].start(retention_days=30)
    wait_until(lambda: stack.sql("SELECT due_ms > 0 FROM retention")[0][0] == 1,
               "the pass to end")


def read(client, peer):
    page = client.history(peer)
    assert not page["more"]
    return [client.body(message)["msg"] for message in page["messages"]]


def test_texts_that_are_left(make_stack, newcomer, connect):
    stack = make_stack()
    scenes = []
    for kind in KINDS:
        anna, ben, eve = (newcomer(*kind, on=stack, ext=True) for _ in range(3))
        ben.close()
        eve.close()
        texts, cids = say(anna, ben.account, 4)
        age(stack, cids[:2])
        gone, gone_cids = say(anna, eve.account, 2)  # nothing is left of it
        age(stack, gone_cids)
        scenes.append((kind, anna, ben, eve, texts, gone_cids))
    remove_old(stack)
    for kind, anna, ben, eve, texts, gone_cids in scenes:
        assert read(anna, ben.account) == texts[2:]
        assert read(anna, eve.account) == []
        listed = anna.conversations()["conversations"]
        shown = [[anna.body(item["last"])["msg"]] if "last" in item else [] for item in listed]
        # The one that was written to last is first, also where nothing is left of it.
        assert shown == [[], texts[3:]]
        assert [item["unread"] for item in listed] == [0, 0]
        assert listed[0]["cid"] == gone_cids[-1]
        for person, expected in ((ben, texts[2:]), (eve, [])):
            again = connect(*kind, on=stack, ext=True)
            again.log_in(person.account)
            for text in expected:
                again.hear(anna.account, person.account, text)
            again.expect_nothing()
            (text,), (cid,) = say(anna, person.account, 1)
            again.hear(anna.account, person.account, text)
            assert cid > gone_cids[-1]
            assert read(again, anna.account) == [*expected, text]
