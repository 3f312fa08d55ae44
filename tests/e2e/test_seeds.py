"""The JSON of the two protocol documents, sent exactly as written there: white space, spelling, types.

Only values that the server allocates (tokens, OurChat numbers) replace the sample's.
"""

import json

import pytest
from parley_client import TRANSPORTS, Account, compact

YOUIM_REGISTER = """
{
  "msgType" : "113",
   "msgBody":{
     "userId" : "4564"
  }
}
"""
YOUIM_LOGIN = """
{
  "msgType" : "1",
  "msgBody":{
    "loginUserId" : "123"
  }
}
"""
YOUIM_PRIVATE = """
{
  "msgType" : "5",
  "msgBody":{
    "token" : "1522917270570_9",
    "toUserId" : "456",
    "msg" : "asdsad",
    "fromUserId" : "123"
  }
}
"""
YOUIM_CREATE_GROUP = """
{
  "msgType" : "114",
  "msgBody":{
    "token" : "1522917278993_10",
    "ownerId" : "456",
    "groupId" : "ccc"
  }
}
"""
YOUIM_GROUP = """
{
  "msgType" : "7",
  "msgBody":{
    "token" : "1522917270570_9",
     "toGroup" : "ccc",
     "msg" : "asdsad",
     "fromUserId" : "123"
  }
}
"""
YOUIM_LOGOUT = """
{
  "msgType" : "9",
  "msgBody":{
    "token" : "1522917270570_9",
    "logoutUserId" : "123"
  }
}
"""
YOUIM_HEARTBEAT = """
{
  "msgType" : "99"
}
"""

OURCHAT_REGISTER = """
{
  "code": 4,
  "time": 1700000000,
  "data": {
    "email": "%(email)s",
    "password": "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
    "name": "昵称"
  }
}
"""
OURCHAT_LOGIN = """
{
  "code": 6,
  "time": 1700000000,
  "data": {
    "account": "%(email)s",
    "password": "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"
  }
}
"""
OURCHAT_PRIVATE = """
{
  "code": 0,
  "time": 1700000000,
  "data": {
    "sender": {
      "ocid":%(ocid)s,
      "private_id":%(peer)s
    },
    "msg": "文本信息"
  }
}
"""
OURCHAT_GROUP = """
{
  "code": 0,
  "time": 1700000000,
  "data": {
    "sender": {
      "ocid":%(ocid)s,
      "group_id":%(group)s
    },
    "msg": "文本信息"
  }
}
"""
OURCHAT_CREATE_GROUP = """
{
  "code": 8,
  "time": 1700000000,
  "data": {
    "group_name": "群名",
    "ocid": %(ocid)s
  }
}
"""

# A WebSocket and a TCP client talk to each other, too: (the first's transport, the second's).
PAIRS = [(mine, theirs) for mine in TRANSPORTS for theirs in TRANSPORTS]


@pytest.fixture
def fresh(make_stack):
    """A stack of its own, where all ids of the samples are free."""
    return make_stack(reach_interval_ms=50, cursor_flush_ms=50)


def with_token(sample, token):
    """The sample with this login's token in place of its own."""
    message = json.loads(sample)
    return sample.replace(message["msgBody"]["token"], token)


def log_in_youim(client):
    answer = client.next()
    assert list(answer) == ["msgType", "resultCode", "token"]
    assert (answer["msgType"], answer["resultCode"]) == (2, "success")
    assert isinstance(answer["token"], str) and answer["token"]
    return answer["token"]


@pytest.mark.parametrize("mine, theirs", PAIRS)
def test_youim(fresh, connect, mine, theirs):
    one = connect("youim", mine, on=fresh)
    other = connect("youim", theirs, on=fresh)

    one.send(YOUIM_REGISTER, YOUIM_REGISTER.replace("4564", "123"))
    other.send(YOUIM_REGISTER.replace("4564", "456"))
    one.send(YOUIM_LOGIN)
    token = log_in_youim(one)
    other.send(YOUIM_LOGIN.replace("123", "456"))
    other_token = log_in_youim(other)
    assert token != other_token

    one.send(with_token(YOUIM_PRIVATE, token))
    assert other.next_text() == '{"msg":"asdsad","msgType":6,"fromUserId":"123"}'

    other.send(with_token(YOUIM_CREATE_GROUP, other_token))
    other.fence()
    fresh.ctl("group", "add", "ccc", "123")
    notice = '{"msgType":4,"confirmResult":true,"groupId":"ccc","toUserId":"123"}'
    assert one.next_text() == notice
    assert other.next_text() == notice

    one.send(with_token(YOUIM_GROUP, token))
    copy = '{"msg":"asdsad","msgType":8,"fromUserId":"123","toGroup":"ccc"}'
    assert one.next_text() == copy
    assert other.next_text() == copy

    # Texts that are known to have arrived are not sent again at the next login.
    one.account = Account("youim", fresh.account_number("123"), "123")
    fresh.wait_received(one.account)
    one.send(YOUIM_HEARTBEAT, with_token(YOUIM_LOGOUT, token))
    assert one.next_text() == '{"msgType":10}'
    one.send(YOUIM_LOGIN)
    assert log_in_youim(one) != token
    one.expect_nothing()


def check_ourchat(client, code, keys):
    answer = client.next()
    assert list(answer) == ["code", "time", "data"]
    assert answer["code"] == code
    assert isinstance(answer["time"], int)
    assert list(answer["data"]) == keys
    return answer["data"]


@pytest.mark.parametrize("mine, theirs", PAIRS)
def test_ourchat(fresh, connect, mine, theirs):
    clients = []
    for transport, email in ((mine, "one@example.org"), (theirs, "other@example.org")):
        client = connect("ourchat", transport, on=fresh)
        client.send(OURCHAT_REGISTER % {"email": email})
        data = check_ourchat(client, 5, ["state", "ocId"])
        assert data["state"] == 0
        client.send(OURCHAT_LOGIN % {"email": email})
        assert check_ourchat(client, 7, ["state", "ocid"]) == {"state": 0, "ocid": data["ocId"]}
        client.account = Account("ourchat", data["ocId"], str(data["ocId"]))
        clients.append((client, data["ocId"]))
    (one, number), (other, other_number) = clients
    assert number >= 100000000 and other_number >= 100000000 and number != other_number

    one.send(OURCHAT_PRIVATE % {"ocid": number, "peer": other_number})
    receipt, copy = one.next(), other.next()
    assert receipt == copy
    assert list(copy) == ["code", "time", "data"] and copy["code"] == 0
    assert list(copy["data"]) == ["cid", "sender", "msg"]
    assert compact(copy["data"]["sender"]) == f'{{"ocid":{number},"private_id":{other_number}}}'
    assert copy["data"]["msg"] == "文本信息"

    one.send(OURCHAT_CREATE_GROUP % {"ocid": number})
    data = check_ourchat(one, 10, ["group_id", "group_name", "ocid"])
    assert (data["group_name"], data["ocid"]) == ("群名", number)
    group = data["group_id"]
    fresh.ctl("group", "add", str(group), str(other_number))
    data = check_ourchat(other, 10, ["group_id", "group_name", "ocid"])
    assert data == {"group_id": group, "group_name": "群名", "ocid": other_number}

    other.send(OURCHAT_GROUP % {"ocid": other_number, "group": group})
    for client in (one, other):
        heard = check_ourchat(client, 0, ["cid", "sender", "msg"])
        assert compact(heard["sender"]) == f'{{"ocid":{other_number},"group_id":{group}}}'
        assert heard["cid"] > copy["data"]["cid"]
        assert heard["msg"] == "文本信息"
        client.fence()
