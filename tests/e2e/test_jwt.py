"""Logins with the operator's own users: JWTs in 1, 6 and 317."""

import json
import secrets
import time

import pytest
from parley_client import DIALECTS, KINDS, Account
from parley_jwt import ALGORITHMS, Signer, encode, replace

kinds = pytest.mark.parametrize("kind", KINDS, ids="-".join)
dialects = pytest.mark.parametrize("dialect", DIALECTS)


@pytest.fixture(scope="module")
def signer(tmp_path_factory):
    return Signer(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def own(database, signer):
    """A stack whose users are those of a backend of the operator's."""
    from parley_stack import Stack

    with Stack(database, jwt_keys=signer.file, jwt_audience="chat", jwt_issuer="app",
               registration="closed") as running:
        yield running


def good(signer, sub=None, **claims):
    sub = f"user-{secrets.token_hex(4)}" if sub is None else sub
    return signer.token(sub, **{"aud": "chat", "iss": "app"} | claims)


def login_number(client):
    return 1 if client.dialect == "youim" else 6


def answer_of(client):
    return client.expect(2 if client.dialect == "youim" else 7)


def enter(client, number, token, **more):
    """The account of a login by a JWT, which succeeds."""
    client.ext = True
    client.send(client.make(number, ref="enter", token=token, ext=1, **more))
    answer = answer_of(client)
    assert client.expect_result("enter")["ok"]
    body = answer if client.dialect == "youim" else answer["data"]
    client.token = body["token"]
    return answer


def refuse(client, number, token, **more):
    """The word of a login that is refused, which the client stays without."""
    client.ext = True
    client.send(client.make(number, ref="enter", token=token, ext=1, **more))
    answer = answer_of(client)
    if client.dialect == "youim":
        assert answer["resultCode"] == "fail" and answer["token"]
    else:
        assert answer["data"]["state"] in (1, 2)
    return client.expect_result("enter")["error"]


@kinds
@pytest.mark.parametrize("resuming", [False, True], ids=["login", "317"])
def test_first_sight_and_again(own, signer, connect, kind, resuming):
    sub = f"user-{secrets.token_hex(4)}"
    numbers = set()
    for name in ("Anna", "Another name"):
        client = connect(*kind, on=own)
        number = 317 if resuming else login_number(client)
        enter(client, number, good(signer, sub, name=name))
        numbers.add(own.account_number(sub))
    assert len(numbers) == 1
    assert own.sql("SELECT name FROM account WHERE id = %s", sub) == (("Anna",),)


@kinds
def test_the_login_is_like_any(own, signer, connect, kind):
    """It hears, is heard, has a device, is resumed by its token, and logs out."""
    one, other = connect(*kind, on=own), connect("youim", "tcp", on=own)
    sub, peer = f"user-{secrets.token_hex(4)}", f"user-{secrets.token_hex(4)}"
    enter(one, login_number(one), good(signer, sub), device="my phone")
    enter(other, 1, good(signer, peer))
    one.account = Account(one.dialect, own.account_number(sub), sub)
    other.account = Account(other.dialect, own.account_number(peer), peer)
    one.say(other.account, "hello")
    one.hear_own(other.account, "hello")
    other.hear(one.account, other.account, "hello")
    devices = one.ask(319, 320)["devices"]
    assert [device["device"] for device in devices] == ["my phone"]
    own.wait_received(one.account)
    again = connect(*kind, on=own)
    again.resume(one.account, one.token)
    other.say(one.account, "and back")
    again.hear(other.account, one.account, "and back")


@dialects
def test_unmodified_clients(own, signer, connect, dialect):
    """Without `ext` the answer has the fields of the dialect's document alone."""
    client = connect(dialect, "tcp", on=own)
    sub = f"user-{secrets.token_hex(4)}"
    named = {"loginUserId": sub} if dialect == "youim" else {"account": sub}
    client.send(client.make(login_number(client), token=good(signer, sub), **named))
    answer = answer_of(client)
    if dialect == "youim":
        assert list(answer) == ["msgType", "resultCode", "token"]
    else:
        assert answer["data"] == {"state": 0, "ocid": own.account_number(sub)}


def of(**claims):
    return lambda signer: good(signer, **claims)


def headed(**header):
    return lambda signer: good(signer, header=header)


def unsigned(signer):
    text = good(signer, header={"alg": "none"})
    return text[:text.rindex(".") + 1]


def changed(signer):
    """Another's claims under this signature."""
    head, _, signature = good(signer).split(".")
    claims = {"sub": "admin", "exp": int(time.time()) + 60, "aud": "chat", "iss": "app"}
    return ".".join((head, encode(json.dumps(claims).encode()), signature))


def twice(signer):
    text = ".".join(map(encode, (b'{"alg":"HS256"}', b'{"sub":"a","sub":"b","exp":4000000000}')))
    return f"{text}.{encode(signer.sign(text.encode()))}"


BAD = {
    "none": (unsigned, "jwt_algorithm"),
    "another algorithm": (headed(alg="RS256"), "jwt_algorithm"),
    "an unknown algorithm": (headed(alg="HS512"), "jwt_algorithm"),
    "a critical header": (headed(alg="HS256", crit=["exp"]), "jwt_malformed"),
    "changed": (changed, "jwt_signature"),
    "expired": (of(exp=int(time.time()) - 3600), "jwt_expired"),
    "without exp": (of(exp=None), "jwt_claims"),
    "with exp as text": (of(exp="4000000000"), "jwt_claims"),
    "future": (of(nbf=4000000000), "jwt_early"),
    "for another server": (of(aud="mail"), "jwt_audience"),
    "for nobody": (of(aud=None), "jwt_audience"),
    "of another issuer": (of(iss="another"), "jwt_issuer"),
    "a key twice": (twice, "jwt_malformed"),
    "no base64url": (lambda signer: good(signer) + "=", "jwt_malformed"),
    "of SYSTEM": (of(sub="SYSTEM"), "jwt_subject"),
    "of nobody": (of(sub=""), "jwt_claims"),
    "of too long an id": (of(sub="x" * 65), "jwt_subject"),
    "of an invisible id": (of(sub="an\u200bna"), "jwt_subject"),
    "of a name that is none": (of(name="SYSTEM"), "jwt_subject"),
    "as long as may be": (of(more="x" * 5900), None),
    "huge": (of(more="x" * 6200), "bad_request"),
}


@dialects
@pytest.mark.parametrize("resuming", [False, True], ids=["login", "317"])
@pytest.mark.parametrize("token, word", BAD.values(), ids=BAD)
def test_bad_tokens(own, signer, connect, dialect, resuming, token, word):
    client = connect(dialect, "websocket", on=own)
    number = 317 if resuming else login_number(client)
    before = own.sql("SELECT COUNT(*) FROM account")
    if word is not None:
        assert refuse(client, number, token(signer)) == word
        assert own.sql("SELECT COUNT(*) FROM account") == before
    enter(client, number, good(signer))


@dialects
def test_another_account_than_the_login_names(own, signer, connect, dialect):
    client = connect(dialect, "tcp", on=own)
    named = {"loginUserId": "ben"} if dialect == "youim" else {"account": "ben"}
    assert refuse(client, login_number(client), good(signer, "anna-1"), **named) == "jwt_subject"


def test_the_account_is_entered_by_jwt_alone(own, signer, connect):
    """Not by its id, which YouIM's open logins would let in, and no password is right."""
    client, sub = connect("youim", "tcp", on=own), f"user-{secrets.token_hex(4)}"
    enter(client, 1, good(signer, sub))
    stranger = connect("youim", "tcp", on=own)
    for more in ({}, {"password": "!"}, {"password": "secret"}):
        stranger.send(stranger.make(1, loginUserId=sub, **more))
        assert stranger.expect(2)["resultCode"] == "fail"


@dialects
def test_disabled_stays_disabled(own, signer, connect, dialect):
    client, sub = connect(dialect, "tcp", on=own), f"user-{secrets.token_hex(4)}"
    enter(client, login_number(client), good(signer, sub))
    client.account = Account(dialect, own.account_number(sub), sub)
    own.ctl("user", "disable", sub)
    client.expect_error("the account is disabled")
    again = connect(dialect, "tcp", on=own)
    assert refuse(again, login_number(again), good(signer, sub)) == "disabled"
    assert refuse(again, 317, client.token) in ("disabled", "bad_token")
    own.ctl("user", "enable", sub)
    enter(again, login_number(again), good(signer, sub))


def test_the_end_of_the_account(own, signer, connect):
    """339 needs no password, since there is none; the JWT brings it not back."""
    client, sub = connect("youim", "websocket", on=own), f"user-{secrets.token_hex(4)}"
    enter(client, 1, good(signer, sub))
    client.send(client.make(339, ref="end", token=client.token, confirm=True))
    assert client.expect_result("end")["ok"]
    again = connect("youim", "websocket", on=own)
    assert refuse(again, 1, good(signer, sub)) == "disabled"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_algorithms_and_rotation(database, make_stack, connect, tmp_path, algorithm):
    """Of each kind of key; the file is changed while everything runs, and clients stay."""
    first, second = (Signer(tmp_path, algorithm) for _ in range(2))
    stack = make_stack(jwt_keys=first.file)
    client = connect("youim", "tcp", on=stack)
    enter(client, 1, first.token("anna"))
    other = connect("ourchat", "tcp", on=stack)
    assert refuse(other, 6, second.token("anna")) == "jwt_signature"
    replace(first.file, second.public)
    enter(other, 6, second.token("anna"))
    again = connect("ourchat", "tcp", on=stack)
    assert refuse(again, 6, first.token("anna")) == "jwt_signature"
    client.fence()
    # The confusion that has broken others: HMAC with the public key as its secret.
    if algorithm != "HS256":
        confused = Signer(tmp_path)
        confused.secret = second.public
        assert refuse(again, 6, confused.token("anna")) == "jwt_algorithm"


def test_names_of_keys(make_stack, connect, tmp_path):
    """JWKS: a token's `kid` chooses; another one is unknown, until the file has it."""
    keys = [Signer(tmp_path, kid=kid) for kid in ("k1", "k2")]
    file = tmp_path / "jwks.json"
    replace(file, json.dumps({"keys": [keys[0].jwk()]}))
    stack = make_stack(jwt_keys=file)
    client = connect("youim", "tcp", on=stack)
    assert refuse(client, 1, keys[1].token("anna")) == "jwt_key"
    replace(file, json.dumps({"keys": [key.jwk() for key in keys]}))
    enter(client, 1, keys[1].token("anna"))
    replace(file, json.dumps({"keys": "none"}))
    enter(connect("youim", "tcp", on=stack), 1, keys[0].token("ben"))


def test_accounts_that_people_registered(make_stack, connect, tmp_path):
    """Whoever took an id beforehand does not share it with the one who is vouched for."""
    signer = Signer(tmp_path)
    stack = make_stack(jwt_keys=signer.file)
    squatter = connect("youim", "tcp", on=stack)
    squatter.send(squatter.registration("anna", password="secret"))
    squatter.send(squatter.registration("ben"))
    squatter.fence()
    client = connect("youim", "tcp", on=stack)
    for sub in ("anna", "ben"):
        assert refuse(client, 1, signer.token(sub)) == "own_login"


@dialects
def test_a_server_without_keys(connect, signer, dialect):
    client = connect(dialect, "tcp")
    assert refuse(client, login_number(client), good(signer)) == "jwt_off"
    assert refuse(client, 317, good(signer)) == "jwt_off"


def test_accounts_that_the_operator_makes(own, signer, connect, stack):
    """Without a password they are the backend's users', and not open to whoever knows their ids."""
    sub = f"user-{secrets.token_hex(4)}"
    assert "ANYBODY" not in own.ctl("user", "add", sub).stderr
    stranger = connect("youim", "tcp", on=own)
    stranger.send(stranger.make(1, loginUserId=sub))
    assert stranger.expect(2)["resultCode"] == "fail"
    enter(connect("youim", "tcp", on=own), 1, good(signer, sub))
    assert "ANYBODY" in stack.ctl("user", "add", sub).stderr
