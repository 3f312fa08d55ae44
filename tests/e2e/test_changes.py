"""315, 327, 329: texts are recalled, edited and reacted to, by clients of either dialect over any
transport; on several connections, offline, and beside clients without the extension."""

import secrets

import pytest
from parley_client import KINDS, Group, compact
from parley_deeds import (
    admit,
    carry_out,
    edit,
    react,
    recall,
    stored,
    wait_all_received,
    wait_for_result,
    word,
)

kinds = pytest.mark.parametrize("kind", KINDS, ids="-".join)
other_dialect = {"ourchat": "youim", "youim": "ourchat"}


def check_notice(client, message, number, peer, actor, target, **more):
    """The notice, field by field; its own cid."""
    body = {key: value for key, value in client.body(message).items() if key != "msgType"}
    expected = {"peer": client.peer_of(peer), "user": client.id_of(actor), "target": target}
    expected |= more
    for name in (("edited_ms",) if number == 327 else ()) + ("cid", "time_ms"):
        assert body[name] > target
        expected[name] = body[name]
    assert (message[client.number_key], compact(body)) == (number, compact(expected))
    return body["cid"]


def hear(client, number, peer, actor, target, **more):
    return check_notice(client, client.next(), number, peer, actor, target, **more)


@pytest.fixture
def people(newcomer, connect):
    """anna; another connection of hers; ben, of the other dialect; all with the extension."""

    def make(kind):
        anna = newcomer(*kind, ext=True)
        tablet = connect(kind[0], "websocket", ext=True)
        tablet.log_in(anna.account)
        return anna, tablet, newcomer(other_dialect[kind[0]], ext=True)

    return make


@kinds
def test_between_two(stack, people, kind):
    anna, tablet, ben = people(kind)
    was, now = f"helo {secrets.token_hex(4)}", f"hello {secrets.token_hex(4)}"
    first = stored(anna, ben.account, was)
    tablet.hear_own(ben.account, was)
    ben.hear(anna.account, ben.account, was)
    # Everything goes to everyone concerned, in one order; the actor gets its own notice, too.
    changes = [
        (anna, edit(anna, ben.account, first, now), 327, {"msg": now}),
        (ben, react(ben, anna.account, first, "\U0001f44d"), 329,
         {"emoji": "\U0001f44d", "on": True}),
        (ben, react(ben, anna.account, first, "\U0001f44d", on=False), 329,
         {"emoji": "\U0001f44d", "on": False}),
        (anna, recall(anna, ben.account, first), 315, {}),
    ]
    cids = [first]
    for actor, request, number, more in changes:
        notice = carry_out(actor, request)
        found = set()
        for client in (anna, tablet, ben):
            peer = anna.account if client is ben else ben.account
            message = notice if client is actor else client.next()
            found.add(check_notice(client, message, number, peer, actor.account, first, **more))
        assert len(found) == 1
        cids += found
    assert cids == sorted(cids)
    for client in (anna, tablet, ben):
        client.fence()
    assert stack.stored(was) == stack.stored(now) == 0


@kinds
def test_in_a_group(newcomer, people, kind):
    anna, tablet, ben = people(kind)
    club = anna.create_group(f"club-{secrets.token_hex(4)}")
    admit(anna, club, ben)
    carla = newcomer(kind[0])  # without the extension
    admit(anna, club, carla, others=[ben] if ben.dialect == "youim" else [])
    for number in (105, 4, 105, 4) if tablet.dialect == "youim" else (9, 9):
        tablet.expect(number)
    cid = stored(ben, club, "something rude")
    for client in (anna, tablet, carla):
        client.hear(ben.account, club, "something rude")
    notice = carry_out(ben, edit(ben, club, cid, "something ruder"))
    check_notice(ben, notice, 327, club, ben.account, cid, msg="something ruder")
    for client in (anna, tablet):
        hear(client, 327, club, ben.account, cid, msg="something ruder")
    # The owner may not edit texts of others, but recall them.
    assert word(anna, edit(anna, club, cid, "kind")) == "not_allowed"
    notice = carry_out(anna, recall(anna, club, cid))
    check_notice(anna, notice, 315, club, anna.account, cid)
    for client in (tablet, ben):
        hear(client, 315, club, anna.account, cid)
    for client in (anna, tablet, ben, carla):
        client.fence()


@kinds
def test_to_people_who_are_away(stack, newcomer, connect, people, kind):
    """They get the newest text, and the notices; without the extension the text alone; and nothing of
    recalled texts."""
    anna, _, ben = people(kind)
    plain = newcomer(kind[0])
    for reader in (ben, plain):
        reader.close()
        edited = stored(anna, reader.account, "one")
        gone = stored(anna, reader.account, "a secret")
        for request in (edit(anna, reader.account, edited, "two"),
                        react(anna, reader.account, edited, ":)"),
                        edit(anna, reader.account, gone, "a secret it was"),
                        react(anna, reader.account, gone, ":("),
                        recall(anna, reader.account, gone)):
            carry_out(anna, request)
        again = connect(reader.dialect, kind[1], ext=reader.ext)
        again.log_in(reader.account)
        if not reader.ext:
            again.hear(anna.account, reader.account, "two")
            again.expect_nothing()
            continue
        again.expect(0 if again.dialect == "ourchat" else 6, msg="two", cid=edited)
        hear(again, 327, anna.account, anna.account, edited, msg="two")
        hear(again, 329, anna.account, anna.account, edited, emoji=":)", on=True)
        hear(again, 315, anna.account, anna.account, gone)
        again.expect_nothing()
        wait_all_received(stack, reader.account)  # also of entries that are not shown
    assert stack.sql("SELECT COUNT(*) FROM message WHERE body LIKE '%secret%'") == ((0,),)
    assert stack.sql("SELECT COUNT(*) FROM reaction WHERE cid = %s", gone) == ((0,),)


@kinds
def test_a_text_sent_again(stack, connect, people, kind):
    """The ref of a text that was changed stands for it all the same: nobody gets the old one."""
    anna, tablet, ben = people(kind)
    cid = stored(anna, ben.account, "what it said", "r")
    tablet.hear_own(ben.account, "what it said")
    ben.hear(anna.account, ben.account, "what it said")
    for request in (edit(anna, ben.account, cid, "what it says"), recall(anna, ben.account, cid)):
        carry_out(anna, request)
        tablet.next()
        ben.next()
        for client in (anna, tablet):
            client.say(ben.account, "what it said", "r")
            assert client.expect_result("r")["cid"] == cid
    for client in (anna, tablet, ben):
        client.fence()
    assert stack.stored("what it said") == 0


@kinds
def test_refused(people, newcomer, kind):
    anna, _, ben = people(kind)
    eve = newcomer(kind[0], ext=True)
    cid = stored(anna, ben.account, "hello")
    ben.hear(anna.account, ben.account, "hello")
    assert word(ben, edit(ben, anna.account, cid, "bye")) == "not_allowed"
    assert word(ben, recall(ben, anna.account, cid)) == "not_allowed"
    for request in (recall, lambda *a: edit(*a, "x"), lambda *a: react(*a, "x")):
        assert word(eve, request(eve, anna.account, cid)) == "no_message"
        assert word(anna, request(anna, ben.account, cid + 1)) == "no_message"
        assert word(anna, request(anna, anna.account, cid)) == "no_message"
        assert word(anna, request(anna, None, cid)) == "no_message"
        assert word(anna, request(anna, Group(8999999999999998, "nothing", ""), cid)) == "no_group"
    # Without a ref as any fault.
    eve.send(recall(eve, anna.account, cid))
    eve.expect_error("there is no message with that cid")
    for client in (anna, ben, eve):
        client.fence()


@kinds
def test_a_text_and_its_changes_without_waiting(people, kind):
    """They take effect in the order in which they were sent."""
    anna, tablet, ben = people(kind)
    first = stored(anna, ben.account, "first")
    ben.hear(anna.account, ben.account, "first")
    anna.send(anna.saying(ben.account, "second"), edit(anna, ben.account, first, "1st"),
              anna.saying(ben.account, "third"), recall(anna, ben.account, first))
    ben.hear(anna.account, ben.account, "second")
    hear(ben, 327, anna.account, anna.account, first, msg="1st")
    ben.hear(anna.account, ben.account, "third")
    hear(ben, 315, anna.account, anna.account, first)


@kinds
def test_in_history(people, kind):
    """Each text has its changes; notices stand nowhere else."""
    anna, _, ben = people(kind)
    cids = [stored(anna, ben.account, text) for text in ("plain", "helo", "gone")]
    for text in ("plain", "helo", "gone"):
        ben.hear(anna.account, ben.account, text)
    carry_out(anna, edit(anna, ben.account, cids[1], "hello"))
    carry_out(anna, react(anna, ben.account, cids[1], ":)"))
    carry_out(anna, recall(anna, ben.account, cids[2]))
    for _ in range(3):
        ben.next()
    carry_out(ben, react(ben, anna.account, cids[1], ":)"))
    carry_out(ben, react(ben, anna.account, cids[1], ":("))
    for _ in range(2):
        anna.next()
    for client, peer, sad in ((anna, ben.account, False), (ben, anna.account, True)):
        answer = client.ask(303, 304, peer=client.peer_of(peer))
        plain, edited, gone = [client.body(message) for message in answer["messages"]]
        assert [body["cid"] for body in (plain, edited, gone)] == cids
        assert plain["msg"] == "plain" and not {"edited_ms", "reactions"} & plain.keys()
        assert edited["msg"] == "hello" and edited["edited_ms"] >= edited["time_ms"]
        assert edited["reactions"] == [{"emoji": ":(", "count": 1, "mine": sad},
                                       {"emoji": ":)", "count": 2, "mine": True}]
        assert gone["msg"] == "" and gone["recalled"] is True and "reactions" not in gone


@pytest.mark.parametrize("dialect", other_dialect)
def test_delivery_is_killed(make_stack, connect, dialect):
    """While it works on a change, or before it reads the request: the change is made once, the answer is
    the same under the same ref, and everybody is notified once."""
    stack = make_stack(heartbeat_ms=100)
    delivery = stack.services["delivery"]
    anna, ben = (connect(dialect, on=stack, ext=True) for _ in range(2))
    for client in (anna, ben):
        client.register_new()
        client.log_in()
    for round_number in range(4):
        text = f"text {round_number}"
        cid = stored(anna, ben.account, text)
        ben.hear(anna.account, ben.account, text)
        for number, request, more in (
            (327, edit(anna, ben.account, cid, "edited"), {"msg": "edited"}),
            (329, react(anna, ben.account, cid, ":)"), {"emoji": ":)", "on": True}),
            (315, recall(anna, ben.account, cid), {}),
        ):
            ref = f"{round_number} {number}"
            if round_number % 2 == 0:
                delivery.pause()
            anna.send(request | {"ref": ref})
            delivery.kill()
            delivery.start()
            first, notices = wait_for_result(anna, ref)
            assert first["ok"], first
            if not notices:
                notices = [anna.next()]
            again, more_notices = done_again(anna, request, ref)
            assert again == first and not more_notices
            for client, message, peer in ((anna, notices[0], ben.account),
                                          (ben, ben.next(), anna.account)):
                check_notice(client, message, number, peer, anna.account, cid, **more)
            assert len(notices) == 1
        kinds_stored = "SELECT type FROM message WHERE target = %s ORDER BY cid"
        assert stack.sql(kinds_stored, cid) == ((17,), (18,), (16,))
    for client in (anna, ben):
        client.fence()


def done_again(client, request, ref):
    client.send(request | {"ref": ref})
    return wait_for_result(client, ref)


@kinds
def test_in_search(people, kind):
    anna, _, ben = people(kind)
    edited, gone = (stored(anna, ben.account, text) for text in ("what it said", "what is gone"))
    carry_out(anna, edit(anna, ben.account, edited, "what it says"))
    carry_out(anna, recall(anna, ben.account, gone))
    for client in (anna, ben):
        client.skips = client.skips | {0, 6, 315, 327}  # messages that were pushed
        for text, found in (("said", []), ("says", [edited]), ("what", [edited]), ("gone", [])):
            answer = client.ask(331, 332, text=text)
            assert [client.body(m)["cid"] for m in answer["messages"]] == found, text


@kinds
def test_a_text_from_before_joining(people, kind):
    """A new member learns nothing of it, however it is changed, and misses nothing."""
    anna, tablet, ben = people(kind)
    tablet.close()
    club = anna.create_group(f"club-{secrets.token_hex(4)}")
    cid = stored(anna, club, "before ben")
    admit(anna, club, ben)
    for request in (edit(anna, club, cid, "to those who know"), react(anna, club, cid, ":)"),
                    recall(anna, club, cid)):
        carry_out(anna, request)
    anna.say(club, "with ben")
    ben.hear(anna.account, club, "with ben")
    ben.fence()
