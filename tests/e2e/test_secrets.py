"""No secret gets into a log, at any level: not a password, a token, a hash of either, a private text."""

import re
import secrets as random

import pytest
from parley_chat import Chat
from parley_secrets import Secrets, forms, secret_options
from parley_tls import Certificate

LINE = re.compile(r'ts=\S+ level=\w+ service=\w+ event=\w+( \w+=("(\\.|[^"\\])*"|[^\s"]*))*$')


@pytest.fixture
def secrets():
    return Secrets()


def key_lines(file):
    """The lines of a private key in PEM, without its head and foot."""
    lines = file.read_text().splitlines()[1:-1]
    assert lines
    return lines


@pytest.fixture
def stack(make_stack, secrets, tmp_path):
    """At level debug, with a value of its own in each option that holds a secret, and keys of its own."""
    options = {name: random.token_hex(16) for name in secret_options() if name != "db_password"}
    for name, value in options.items():
        secrets.add(name, value)
    certificate = Certificate(tmp_path / "tls")
    secrets.add("the key of TLS", *key_lines(certificate.key))
    stack = make_stack(log_level="debug", **certificate.settings(), **options)
    secrets.add("db_password", stack.environment["PARLEY_DB_PASSWORD"])
    own = [file.read_text().strip() for file in stack.keys.glob("*/secret")]
    assert len(own) > len(stack.services)
    secrets.add("a key of the links", *own)
    return stack


@pytest.fixture
def talk(stack, newcomer, connect, secrets):
    """Whatever takes a secret, well and badly."""

    def password():
        secrets.add("a password", random.token_hex(16))
        return secrets.named["a password"][-1]

    def text():
        secrets.add("a private text", f"between us: {random.token_hex(8)} ä")
        return secrets.named["a private text"][-1]

    anna = newcomer("youim", on=stack, ext=True)
    ben = newcomer("ourchat", "tcp", on=stack, ext=True)
    carol = connect("youim", "tcp", on=stack)
    account = carol.register_new(password=password())
    account.password = secrets.named["a password"][-1]
    carol.log_in()
    secrets.add("a password", ben.account.password)
    secrets.add("a token", anna.token, ben.token, carol.token)
    said = text()
    anna.say(ben.account, said)
    ben.hear(anna.account, ben.account, said)
    anna.hear_own(ben.account, said)
    # A login and a resuming that fail, and requests that are faulty where a secret stands.
    stranger = connect("youim", on=stack, ext=True)
    wrong = random.token_hex(16)
    secrets.add("a wrong password", wrong)
    stranger.send(stranger.make(1, loginUserId=account.id, password=wrong))
    stranger.expect(2)
    secrets.add("a wrong token", random.token_urlsafe(32))
    stranger.send(stranger.make(317, token=secrets.named["a wrong token"][0]))
    stranger.expect(2)
    for body in ({"loginUserId": account.id, "password": [password()]},
                 {"loginUserId": {password(): 1}, "password": password()},
                 {"loginUserId": "\0" + password(), "password": password() * 20}):
        stranger.send(stranger.make(1, **body))
        stranger.next()
    stranger.send({"msgType": 99999, "password": password()})
    stranger.next()
    # A new password, by the operator; and the tool's client.
    new = password()
    done = stack.ctl("user", "password", account.id, text=new)
    assert not secrets.found_in(done.stdout + done.stderr)
    with Chat(stack, account.id, "--to", anna.account.id, password=new) as chat:
        typed = text()
        chat.type(typed)
        anna.hear(account, anna.account, typed)
        assert chat.leave() == 0
    # What the database keeps of them is nobody's business either.
    hashes = stack.database.rows(
        stack.database_name, "SELECT password FROM account WHERE password IS NOT NULL")
    secrets.add("a hash", *(row[0] for row in hashes))
    digests = stack.database.rows(stack.database_name, "SELECT hash FROM token")
    secrets.add("a token's hash", *(row[0] for row in digests))
    assert len(secrets.named["a hash"]) >= 2 and len(secrets.named["a token's hash"]) >= 2


@pytest.mark.usefixtures("talk")
def test_logs_are_logfmt_and_hold_no_secrets(stack, secrets):
    for service in stack.services.values():
        said = service.said()
        assert "level=debug" in said, f"{service.name} says nothing at debug"
        assert not secrets.found_in(said), service.name
        for text in said.splitlines():
            assert LINE.match(text), text


def test_a_secret_is_found_in_any_form():
    secrets = Secrets()
    secrets.add("one", "sesame, open the door")
    for form in forms("sesame, open the door"):
        assert secrets.found_in(b"before " + form + b" behind") == ["one"]
    for before in ("", "a", "ab"):
        import base64

        coded = base64.b64encode(f"{before}sesame, open the door!".encode())
        assert secrets.found_in(coded) == ["one"]
    assert not secrets.found_in(b"sesame, open the shop")
