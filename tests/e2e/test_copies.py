"""YouIM with ext: an account's text to a person reaches all of its own connections."""

import pytest
from parley_presence import log_back_in


@pytest.fixture
def devices(stack, newcomer, connect):
    """Three connections of one account: the third has not opted in."""
    phone = newcomer("youim", ext=True)
    laptop = log_back_in(connect, phone.account, ext=True)
    plain = log_back_in(connect, phone.account)
    for client in (phone, laptop):
        client.copies = True
    return phone, laptop, plain


def expect_copy(client, to, text):
    message = client.expect(6, msg=text, fromUserId=client.account.id, toUserId=to.account.id)
    assert list(message) == ["msg", "msgType", "fromUserId", "toUserId", "cid", "time_ms"]
    return message["cid"]


@pytest.mark.parametrize("dialect", ["youim", "ourchat"])
def test_the_other_device_sees_it(devices, newcomer, dialect):
    phone, laptop, plain = devices
    ben = newcomer(dialect)
    for text in ("one", "two"):  # the first makes the conversation, of the second it is known
        phone.say(ben.account, text)
        ben.hear(phone.account, ben.account, text)
        assert expect_copy(phone, ben, text) == expect_copy(laptop, ben, text)
    plain.fence()


def test_it_arrives_with_the_login(newcomer, connect):
    """Texts that another connection wrote while one that confirms was away."""
    laptop = newcomer("youim", ext=True, confirm=True)
    ben = newcomer("youim")
    laptop.close()
    plain = log_back_in(connect, laptop.account)
    plain.say(ben.account, "from the phone")
    ben.hear(plain.account, ben.account, "from the phone")
    plain.close()
    laptop = connect("youim", ext=True, confirm=True)
    laptop.copies = True
    laptop.log_in(plain.account)
    expect_copy(laptop, ben, "from the phone")
