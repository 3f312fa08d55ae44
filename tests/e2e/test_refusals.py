"""Refused requests: the reason names the fault, nothing is stored, nobody else receives anything."""

import secrets

import pytest
from parley_client import KINDS, TRANSPORTS, Account, Group

NOBODY = Account("youim", 8999999999999999, "8999999999999999")
NO_GROUP = Group(8999999999999999, "8999999999999999", "")

kinds = pytest.mark.parametrize("kind", KINDS, ids="-".join)
transports = pytest.mark.parametrize("transport", TRANSPORTS)


def check_silence(stack, text, *clients):
    assert stack.stored(text) == 0
    for client in clients:
        client.fence()


@kinds
def test_texts_to_nobody(stack, newcomer, kind):
    client = newcomer(*kind)
    text = secrets.token_hex(8)
    for peer, reason in (
        (client.account, "yourself"),
        (NOBODY, NOBODY.id),
        (NO_GROUP, NO_GROUP.id),
    ):
        client.say(peer, text)
        client.expect_error(reason)
    if client.dialect == "youim":
        client.say(Account("youim", 0, "no-such-person"), text)
        client.expect_error("no-such-person")
        client.say(Group(0, "no-such-group", ""), text)
        client.expect_error("no-such-group")
    check_silence(stack, text, client)


@kinds
def test_texts_to_a_group_that_one_is_not_in(stack, newcomer, kind):
    client, owner = newcomer(*kind), newcomer("youim")
    group = owner.create_group(f"private-{secrets.token_hex(4)}")
    text = secrets.token_hex(8)
    client.say(group, text)
    client.expect_error("not a member")
    check_silence(stack, text, client, owner)


@transports
def test_ourchat_acting_for_someone_else(stack, newcomer, transport):
    client, victim = newcomer("ourchat", transport), newcomer("ourchat", transport)
    friend = newcomer("youim", transport)
    text = secrets.token_hex(8)
    for actor in (victim.account, friend.account, NOBODY):
        sender = {"ocid": actor.number, "private_id": friend.account.number}
        client.send(client.make(0, sender=sender, msg=text))
        client.expect_error("another account")
        client.send(client.make(8, group_name="stolen", ocid=actor.number))
        client.expect_error("another account")
    assert stack.sql("SELECT COUNT(*) FROM conversation WHERE name = 'stolen'")[0][0] == 0
    check_silence(stack, text, client, victim, friend)


@transports
def test_youim_acting_for_someone_else(stack, newcomer, transport):
    client, victim = newcomer("youim", transport), newcomer("youim", transport)
    friend = newcomer("ourchat", transport)
    text, stolen = secrets.token_hex(8), f"stolen-{secrets.token_hex(4)}"

    def all_of(token, actor):
        body = {"token": token}
        return [
            client.make(5, **body, toUserId=friend.account.id, msg=text, fromUserId=actor),
            client.make(114, **body, ownerId=actor, groupId=stolen),
            client.make(9, **body, logoutUserId=actor),
        ]

    for actor in (victim.account.id, friend.account.id, "no-such-person"):
        for request in all_of(client.token, actor):
            client.send(request)
            client.expect_error("another account")
    for token in (victim.token, "", "1522917270570_9", client.token.swapcase()):
        for request in all_of(token, client.account.id):
            client.send(request)
            client.expect_error("token")
    for request in all_of(client.token, client.account.id):
        del request["msgBody"]["token"]
        client.send(request)
        client.expect_error("token is missing")
    assert stack.sql("SELECT COUNT(*) FROM conversation WHERE string_id = %s", stolen)[0][0] == 0
    check_silence(stack, text, client, victim, friend)


@transports
def test_before_login(stack, newcomer, connect, transport):
    friend = newcomer("youim", transport)
    text = secrets.token_hex(8)
    youim = connect("youim", transport)
    for request in (
        youim.make(5, token=friend.token, toUserId="x", msg=text, fromUserId=friend.account.id),
        youim.make(7, token=friend.token, toGroup="x", msg=text, fromUserId=friend.account.id),
        youim.make(9, token=friend.token, logoutUserId=friend.account.id),
        youim.make(114, token=friend.token, ownerId=friend.account.id, groupId="mine"),
    ):
        youim.send(request)
        youim.expect_error("log")
    ourchat = connect("ourchat", transport)
    number = friend.account.number
    for request in (
        ourchat.make(0, sender={"ocid": number, "private_id": number + 1}, msg=text),
        ourchat.make(8, group_name="mine", ocid=number),
    ):
        ourchat.send(request)
        ourchat.expect_error("log")
    check_silence(stack, text, youim, ourchat, friend)


@transports
def test_ourchat_fields_that_are_wrong(stack, newcomer, transport):
    client, friend = newcomer("ourchat", transport), newcomer("ourchat", transport)
    me, peer = client.account.number, friend.account.number
    text = secrets.token_hex(8)
    both = {"ocid": me, "private_id": peer, "group_id": 5}
    for data, reason in (
        ({"msg": text}, "sender is missing"),
        ({"sender": 5, "msg": text}, "sender must be an object"),
        ({"sender": {"ocid": me}, "msg": text}, "exactly one of group_id and private_id"),
        ({"sender": both, "msg": text}, "exactly one of group_id and private_id"),
        ({"sender": {"private_id": peer}, "msg": text}, "ocid is missing"),
        ({"sender": {"ocid": me, "private_id": -1}, "msg": text}, "private_id"),
        ({"sender": {"ocid": me, "private_id": 1.5}, "msg": text}, "private_id"),
        ({"sender": {"ocid": me, "private_id": 2**53}, "msg": text}, "private_id"),
        ({"sender": {"ocid": me, "private_id": "012"}, "msg": text}, "private_id"),
        ({"sender": {"ocid": me, "private_id": [peer]}, "msg": text}, "private_id"),
        ({"sender": {"ocid": me, "private_id": peer}}, "msg is missing"),
        ({"sender": {"ocid": me, "private_id": peer}, "msg": ""}, "msg is empty"),
        ({"sender": {"ocid": me, "private_id": peer}, "msg": 5}, "msg must be a string"),
        ({"sender": {"ocid": me, "private_id": peer}, "msg": "x" * 65001}, "longer than 65000 bytes"),
    ):
        client.send(client.make(0, **data))
        client.expect_error(reason)
    client.send({"code": 0, "time": 1, "data": [text]})
    client.expect_error("data")
    client.send({"code": 0, "time": 1})
    client.expect_error("data is missing")
    for code in (1, 2, 3):
        to = {"ocid": me, "private_id": peer}
        for file, reason in (
            (5, "file must be an object"),
            ({"name": text}, "file.id is missing"),
            ({"id": 1, "name": text}, "file.id must be a string"),
            ({"id": secrets.token_hex(8), "name": text}, "does not exist, is not uploaded to its end, or is not yours to show"),
        ):
            client.send(client.make(code, sender=to, file=file))
            client.expect_error(reason)
    check_silence(stack, text, client, friend)


@transports
def test_youim_fields_that_are_wrong(stack, newcomer, transport):
    client, friend = newcomer("youim", transport), newcomer("youim", transport)
    text = secrets.token_hex(8)
    good = client.saying(friend.account, text)["msgBody"]
    for change, reason in (
        ({"toUserId": None}, "toUserId is missing"),
        ({"toUserId": ""}, "toUserId"),
        ({"toUserId": {}}, "toUserId"),
        ({"toUserId": "x" * 65}, "toUserId"),
        ({"toUserId": "SYSTEM"}, "toUserId"),
        ({"fromUserId": None}, "fromUserId is missing"),
        ({"msg": None}, "msg is missing"),
        ({"msg": ""}, "msg is empty"),
        ({"msg": 17}, "msg must be a string"),
        ({"msg": "x" * 65001}, "msg is longer than 65000 bytes"),
        ({"token": None}, "token is missing"),
    ):
        client.send(client.make(5, **(good | change)))
        client.expect_error(reason)
    client.send({"msgType": "5"})
    client.expect_error("msgBody is missing")
    client.send({"msgType": "5", "msgBody": "text"})
    client.expect_error("msgBody must be an object")
    check_silence(stack, text, client, friend)


@kinds
def test_the_other_dialect_on_a_connection(stack, newcomer, kind):
    """The first object chose the dialect; an object of the other one is a fault."""
    client, friend = newcomer(*kind), newcomer("youim")
    text = secrets.token_hex(8)
    if client.dialect == "youim":
        sender = {"ocid": client.account.number, "private_id": friend.account.number}
        client.send({"code": 0, "time": 1, "data": {"sender": sender, "msg": text}})
        client.expect_error("msgType is missing")
    else:
        client.send({"msgType": 1, "msgBody": {"loginUserId": friend.account.id}})
        client.expect_error("code is missing")
    check_silence(stack, text, client, friend)


@kinds
def test_unmodified_clients_get_nothing_of_the_extensions(newcomer, kind):
    client, friend = newcomer(*kind), newcomer(*kind)
    client.send(client.saying(client.account, "to myself"))
    client.expect_error("yourself")
    client.say(friend.account, "without a ref")
    client.hear_own(friend.account, "without a ref")
    friend.hear(client.account, friend.account, "without a ref")
    client.fence()


@kinds
def test_a_ref_without_ext_is_a_fault(stack, newcomer, connect, kind):
    """It would wait for a 300 that is never sent. Nothing is done."""
    client, friend = newcomer(*kind), newcomer(*kind)
    text = f"with a ref {secrets.token_hex(8)}"
    client.say(friend.account, text, ref="r1")
    client.expect_error('"ext":1')
    check_silence(stack, text, client, friend)
    again = connect(*kind)
    again.send({**again.login_request(client.account), "ref": "r2"})
    again.expect_error('"ext":1')
    again.send({**client.saying(friend.account, "too early"), "ref": "r3"})
    again.expect_error("log in first")
    again.log_in(client.account)
    again.say(friend.account, "now")
    friend.hear(client.account, friend.account, "now")
