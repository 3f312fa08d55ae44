"""Registering, logging in, logging out, in both dialects over both transports."""

import secrets

import pytest
from parley_client import KINDS, TRANSPORTS, Account

pytestmark = pytest.mark.parametrize("transport", TRANSPORTS)


def new_email():
    return f"{secrets.token_hex(6)}@example.org"


# --- OurChat


def test_ourchat_registration(connect, transport):
    client = connect("ourchat", transport)
    email = new_email()
    client.send(client.make(4, email=email, password="aa" * 32, name="anna"))
    data = client.expect(5, state=0)["data"]
    assert list(data) == ["state", "ocId"]
    # The address is taken now, however it is written.
    for again in (email, email.upper()):
        client.send(client.make(4, email=again, password="bb" * 32, name="ben"))
        assert client.expect(5)["data"] == {"state": 2}


@pytest.mark.parametrize(
    "change",
    [
        {"email": None},
        {"email": ""},
        {"email": "no address"},
        {"email": 5},
        {"password": None},
        {"password": ""},
        {"name": None},
        {"name": "a\u0007b"},
        {"name": "x" * 65},
    ],
    ids=str,
)
def test_ourchat_registration_with_a_bad_field(connect, transport, change):
    client = connect("ourchat", transport)
    client.send(client.make(4, **{"email": new_email(), "password": "aa", "name": "n"} | change))
    assert client.expect(5)["data"] == {"state": 1}


def test_ourchat_login(connect, transport):
    client = connect("ourchat", transport)
    account = client.register_new()
    password = account.password
    for name in (account.email, account.email.upper(), account.number, account.id):
        other = connect("ourchat", transport)
        other.send(other.make(6, account=name, password=password))
        assert other.expect(7)["data"] == {"state": 0, "ocid": account.number}
        # Logged in already.
        other.send(other.make(6, account=name, password=password))
        assert other.expect(7)["data"] == {"state": 2}
        other.close()


def test_ourchat_login_that_fails(connect, transport):
    client = connect("ourchat", transport)
    account = client.register_new()
    wrong = [
        {"account": account.email, "password": "wrong"},
        {"account": account.email, "password": ""},
        {"account": account.email},
        {"account": account.number, "password": account.password.upper()},
        {"account": new_email(), "password": account.password},
        {"account": account.number + 1000000, "password": account.password},
        {"account": "0" + account.id, "password": account.password},
        {"account": {}, "password": account.password},
        {"password": account.password},
    ]
    for fields in wrong:
        client.send(client.make(6, **fields))
        assert client.expect(7)["data"] == {"state": 1}, fields
    client.log_in()


# --- YouIM


def test_youim_registration_is_silent_and_a_taken_id_is_not(connect, transport):
    client = connect("youim", transport)
    string_id = f"carl-{secrets.token_hex(4)}"
    client.send(client.registration(string_id))
    client.fence()
    client.send(client.registration(string_id))
    client.expect_error("taken")
    # Case counts; a space at an end, or an invisible character, can't be chosen.
    client.send(client.registration(string_id.upper()))
    client.fence()
    client.send(client.registration(string_id + " "))
    client.expect_error("begins or ends with a space")
    client.send(client.registration(string_id + "\u200b"))
    client.expect_error("holds an invisible character")


def test_youim_ids_and_numbers_are_one_space(connect, transport):
    ourchat = connect("ourchat", transport)
    account = ourchat.register_new()
    client = connect("youim", transport)
    client.send(client.registration(account.id))
    client.expect_error("taken")
    # A decimal id gets its number, whether it is written as a string or as a number.
    number = 10**9 + secrets.randbelow(10**12)
    client.send(client.make(113, userId=number))
    client.fence()
    assert client.stack.account_number(str(number)) == number
    client.send(client.registration(str(number)))
    client.expect_error("taken")


@pytest.mark.parametrize(
    "string_id", ["", "SYSTEM", "sYsTeM", "a\nb", "x" * 65, "0", None, {}, [], True], ids=repr
)
def test_youim_registration_with_an_id_that_will_not_do(connect, transport, string_id):
    client = connect("youim", transport)
    client.send(client.registration(string_id))
    client.expect_error("userId")


def test_youim_login_that_fails(connect, transport):
    client = connect("youim", transport)
    unknown = Account("youim", 0, f"nobody-{secrets.token_hex(4)}")
    client.send(client.login_request(unknown))
    answer = client.expect(2, resultCode="fail")
    assert list(answer) == ["msgType", "resultCode", "token"]
    assert "account" in answer["token"]
    client.send(client.make(1))
    assert "loginUserId" in client.expect(2, resultCode="fail")["token"]


def test_youim_password(connect, transport):
    client = connect("youim", transport)
    account = client.register_new(password="secret")
    for password in ("", "wrong"):
        wrong = Account("youim", account.number, account.id, password=password)
        client.send(client.login_request(wrong))
        assert "password" in client.expect(2, resultCode="fail")["token"]
    client.log_in()


def test_youim_second_login_on_one_connection(newcomer, transport):
    client = newcomer("youim", transport)
    client.send(client.login_request(client.account))
    assert client.expect(2, resultCode="fail")["token"]
    # The first login still holds.
    client.say(client.account, "to myself")
    client.expect_error("yourself")


def test_youim_logout(newcomer, transport):
    client = newcomer("youim", transport)
    friend = newcomer("youim", transport)
    before = client.token
    client.log_out()
    client.send(client.saying(friend.account, "too late"))
    client.expect_error("log")
    client.log_in()
    assert client.token != before
    # The token of the earlier login is of no use now.
    client.token, now = before, client.token
    client.say(friend.account, "with the wrong token")
    client.expect_error("token")
    client.token = now
    client.say(friend.account, "hello")
    friend.hear(client.account, friend.account, "hello")


def test_heartbeat_is_silent(newcomer, connect, transport):
    for client in (connect("youim", transport), newcomer("youim", transport)):
        for number in ("99", 99):
            client.send({"msgType": number}, {"msgType": number, "msgBody": {}})
        client.fence()


# --- across the dialects


@pytest.mark.parametrize("first", ["ourchat", "youim"])
def test_an_account_can_be_entered_from_either_dialect(connect, transport, first):
    options = {"password": "secret"} if first == "youim" else {}
    client = connect(first, transport)
    account = client.register_new(**options)
    youim = connect("youim", transport)
    youim.log_in(account)
    ourchat = connect("ourchat", transport)
    ourchat.send(ourchat.make(6, account=account.id, password=account.password))
    ourchat.expect(7, state=0, ocid=account.number)
    # Without the password, neither lets anyone in.
    thief = connect("youim", transport)
    thief.send(thief.login_request(Account("youim", account.number, account.id)))
    thief.expect(2, resultCode="fail")


@pytest.mark.parametrize("dialect, sender_transport", KINDS)
def test_all_connections_of_an_account_receive_everything(
    newcomer, connect, transport, dialect, sender_transport
):
    hearer = newcomer("ourchat", transport)
    account = hearer.account
    second = connect("ourchat", "tcp")
    second.log_in(account)
    third = connect("youim", "websocket")
    third.log_in(account)
    sender = newcomer(dialect, sender_transport)
    sender.say(account, "to all of you")
    for client in (hearer, second, third):
        client.hear(sender.account, account, "to all of you")
    sender.hear_own(account, "to all of you")
    # The others receive a text of one of them, where their dialect has a form for it.
    second.say(sender.account, "from the second")
    sender.hear(account, sender.account, "from the second")
    for client in (hearer, second):
        client.hear(account, sender.account, "from the second")
    second.close()
    sender.say(account, "without the second")
    for client in (hearer, third):
        client.hear(sender.account, account, "without the second")
