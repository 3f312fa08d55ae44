"""Logins that auth asks the operator's own backend about (`auth_url`)."""

import secrets
import ssl

import pytest
from parley_backend import SECRET, Backend
from parley_client import DIALECTS
from parley_jwt import Signer
from parley_stack import wait_until
from parley_tls import Certificate

dialects = pytest.mark.parametrize("dialect", DIALECTS)

# For an answer, and for none.
PATIENCE_MS, TIMEOUT_MS = 30000, 1000
CONNECTIONS = 3


@pytest.fixture
def backend():
    with Backend() as running:
        yield running


@pytest.fixture
def stack(make_stack, backend):
    return make_stack(auth_url=backend.url, auth_url_secret=SECRET, auth_url_timeout_ms=PATIENCE_MS,
                      auth_url_connections=CONNECTIONS)


def request_of(client, user, password, **more):
    named = ({"loginUserId": user} if client.dialect == "youim" else {"account": user}) if user else {}
    secret = {"password": password} if password else {}
    return client.make(1 if client.dialect == "youim" else 6, ref="r", ext=1, **named, **secret, **more)


def resume(client, token):
    """By a 317: None, or the word of the refusal."""
    client.ext = True
    client.send(client.make(317, ref="r", token=token))
    return finish(client)


def start(client, user, password=None, **more):
    client.ext = True
    client.send(request_of(client, user, password, **more))


def finish(client):
    """None, or the word of the refusal."""
    client.expect(2 if client.dialect == "youim" else 7)
    result = client.expect_result("r")
    return None if result["ok"] else result["error"]


def log_in(client, user, password=None, **more):
    start(client, user, password, **more)
    return finish(client)


@dialects
def test_a_user_of_the_backend(stack, backend, connect, dialect):
    backend.users["secret"] = {"id": "anna", "name": "Anna", "more": [1]}
    for user in ("anna", "anna@example.org"):
        client = connect(dialect, on=stack)
        assert log_in(client, user, "secret") is None
        assert stack.account_number("anna")
        assert {"user": user, "password": "secret", "address": "127.0.0.1"} == backend.asked[-1]
        assert backend.headers[-1]["Authorization"] == f"Bearer {SECRET}"
    assert stack.sql("SELECT name FROM account WHERE id = 'anna'") == (("Anna",),)
    assert log_in(connect(dialect, on=stack), "anna", "wrong") == "bad_login"
    # Nobody enters it without the backend.
    stranger = connect("youim", on=stack)
    assert log_in(stranger, "anna") == "password_needed"


@dialects
def test_a_token_of_the_backend(stack, backend, connect, dialect):
    backend.tokens["opaque"] = {"id": "ben"}
    assert log_in(connect(dialect, on=stack), None, token="opaque") is None
    assert log_in(connect(dialect, on=stack), "ben", token="opaque") is None
    assert backend.asked[-1] == {"user": "ben", "token": "opaque", "address": "127.0.0.1"}
    assert log_in(connect(dialect, on=stack), "anna", token="opaque") == "bad_login"
    assert log_in(connect(dialect, on=stack), None, token="another") == "bad_login"


# As backends make them; one looks as parley's own do.
TOKENS = {"short": "opaque", "as ours": secrets.token_urlsafe(32), "with a dot": "opaque.token",
          "long": "x" * 65, "the longest": "y" * 8192}


@dialects
@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS)
def test_a_token_of_the_backend_in_317(stack, backend, connect, dialect, token):
    backend.tokens[token] = {"id": "ben"}
    client = connect(dialect, on=stack)
    client.ext = True
    client.send(client.make(317, ref="r", token=token))
    answer = client.body(client.expect(2 if dialect == "youim" else 7))
    assert client.expect_result("r")["ok"]
    assert backend.asked == [{"token": token, "address": "127.0.0.1"}]
    # The login's own token resumes it, and nobody is asked; also not once it has ended.
    again = connect(dialect, on=stack)
    assert answer["token"] != token and resume(again, answer["token"]) is None
    stack.sql("UPDATE token SET expires_ms = created_ms - 1")
    assert resume(connect(dialect, on=stack), answer["token"]) == "bad_token"
    assert len(backend.asked) == 1
    assert resume(connect(dialect, on=stack), token[:-1] + "z") in ("bad_token", "bad_login")
    assert len(backend.asked) == 2


def test_wrong_tokens_are_throttled(make_stack, backend, connect):
    """By address, in 317 as in a login; good ones of parley's own are not."""
    stack = make_stack(auth_url=backend.url, login_failures_per_address=4)
    backend.tokens["opaque"] = {"id": "ben"}
    client = connect("youim", on=stack)
    client.ext = True
    client.send(client.make(317, ref="r", token="opaque"))
    own = client.body(client.expect(2))["token"]
    client.expect_result("r")
    for i in range(2):
        assert resume(connect("youim", on=stack), f"wrong-{i}") == "bad_token"
        assert log_in(connect("youim", on=stack), None, token=f"wrong.{i}") == "bad_login"
    # Beyond the limit an address may try once in a second.
    words = [resume(connect("youim", on=stack), f"more-{i}") for i in range(6)]
    assert "throttled" in words and set(words) <= {"throttled", "bad_token"}
    assert len(backend.asked) == 5 + words.count("bad_token")
    assert resume(connect("youim", on=stack), own) is None


def test_jwts_beside_it(make_stack, backend, connect, tmp_path):
    signer = Signer(tmp_path)
    stack = make_stack(auth_url=backend.url, jwt_keys=signer.file)
    backend.tokens["opaque"] = {"id": "ben"}
    assert log_in(connect("youim", on=stack), None, token=signer.token("anna")) is None
    assert backend.asked == []
    assert log_in(connect("youim", on=stack), None, token="opaque") is None


@dialects
def test_accounts_with_a_password_here(stack, backend, connect, dialect):
    """They are not asked about, whatever the backend would say."""
    client = connect(dialect, on=stack)
    account = client.register_new() if dialect == "ourchat" else client.register_new(password="own")
    name = account.email or account.id
    backend.users["wrong"] = {"id": account.id}
    assert log_in(connect(dialect, on=stack), name, account.password) is None
    assert log_in(connect(dialect, on=stack), name, "wrong") == "bad_login"
    assert backend.asked == []
    # And nobody enters them by the backend's word for another name.
    assert log_in(connect(dialect, on=stack), "whoever", "wrong") == "own_login"


def replies(status, body=b"", **headers):
    return lambda handler: handler.reply(status, body, **headers)


def drops(handler):
    handler.close_connection = True


def endless_head(handler):
    handler.send_response(200)
    for i in range(100000):
        handler.send_header(f"X-{i}", "x" * 100)
        if i % 100 == 0:
            handler.flush_headers()


def endless_body(handler):
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    for _ in range(100000):
        handler.wfile.write(b"400\r\n" + b"x" * 1024 + b"\r\n")


def trickles(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    for _ in range(100000):
        handler.wfile.write(b" ")


FAULTS = {
    "500": replies(500),
    "401": replies(401),
    "204": replies(204),
    "a redirect": replies(302, b"", Location="http://127.0.0.1:1/"),
    "no JSON": replies(200, b"yes"),
    "nothing": replies(200),
    "a list": replies(200, ["anna"]),
    "no id": replies(200, {"name": "Anna"}),
    "an empty id": replies(200, {"id": ""}),
    "a number": replies(200, {"id": 7}),
    "a key twice": replies(200, b'{"id":"anna","id":"ben"}'),
    "a NUL": replies(200, b'{"id":"an\\u0000na"}'),
    "no UTF-8": replies(200, b'{"id":"\xff"}'),
    "a name that is none": replies(200, {"id": "anna", "name": "SYSTEM"}),
    "SYSTEM": replies(200, {"id": "SYSTEM"}),
    "too long an id": replies(200, {"id": "x" * 65}),
    "a huge answer": replies(200, {"id": "anna", "more": "x" * 5000}),
    "an endless head": endless_head,
    "an endless body": endless_body,
    "a trickle": trickles,
    "hanging up": drops,
}


def test_a_backend_that_is_at_fault(stack, backend, connect):
    before = stack.sql("SELECT COUNT(*) FROM account")
    for name, answer in FAULTS.items():
        backend.answer = answer
        assert log_in(connect("youim", on=stack), "anna", "secret") == "no_backend", name
    assert stack.sql("SELECT COUNT(*) FROM account") == before
    assert stack.metric("auth", "auth_url_faults_total") == len(FAULTS)
    backend.answer = replies(200, {"id": "anna", "more": "x" * 4000})
    assert log_in(connect("youim", on=stack), "anna", "secret") is None


def test_a_backend_that_is_not_there(make_stack, backend, connect):
    stack = make_stack(auth_url="http://127.0.0.1:1/login", auth_url_timeout_ms=TIMEOUT_MS)
    for dialect in DIALECTS:
        assert log_in(connect(dialect, on=stack), "anna", "secret") == "no_backend"


def test_a_backend_that_hangs(make_stack, backend, connect):
    stack = make_stack(auth_url=backend.url, auth_url_timeout_ms=TIMEOUT_MS)
    backend.answer = backend.hang
    assert log_in(connect("youim", on=stack), "anna", "secret") == "no_backend"


def test_nothing_waits_behind_a_slow_backend(make_stack, backend, connect):
    """It is asked as much at once as may be, and all else goes on."""
    stack = make_stack(auth_url=backend.url, auth_url_timeout_ms=PATIENCE_MS,
                       auth_url_connections=CONNECTIONS)
    own = connect("youim", on=stack)
    account = own.register_new(password="own")
    assert log_in(own, account.id, "own") is None
    backend.answer = backend.hang
    waiting = [connect("youim", on=stack) for _ in range(2 * CONNECTIONS)]
    for i, client in enumerate(waiting):
        start(client, f"user-{i}", "secret")
    wait_until(lambda: backend.under_way == CONNECTIONS, "all connections to be in use")
    for _ in range(3):
        assert log_in(connect("youim", on=stack), account.id, "own") is None
        connect("youim", on=stack).register_new()
    assert len(backend.asked) == CONNECTIONS
    backend.release()
    for client in waiting:
        assert finish(client) in ("bad_login", "overloaded")
    assert backend.most == CONNECTIONS
    backend.users["secret"] = {"id": "anna"}
    assert log_in(connect("youim", on=stack), "anna", "secret") is None


def test_who_has_gone_is_not_asked_about(make_stack, backend, connect):
    """One question is under way, three wait; two of these are dropped when their clients go."""
    stack = make_stack(auth_url=backend.url, auth_url_timeout_ms=PATIENCE_MS, auth_url_connections=1)
    backend.answer = backend.hang
    first, gone, resuming, staying = (connect("youim", on=stack) for _ in range(4))

    def waiting():
        return stack.metric("auth", 'queue_depth{queue="callbacks"}')

    start(first, "first", "secret")
    wait_until(lambda: backend.under_way == 1, "the first question")
    start(gone, "gone", "secret")
    resuming.send(resuming.make(317, ref="r", token="gone"))
    start(staying, "staying", "secret")
    wait_until(lambda: waiting() == 3, "three to wait")
    gone.abort()
    resuming.abort()
    wait_until(lambda: waiting() == 1, "two to be dropped")
    backend.release()
    assert [finish(client) for client in (first, staying)] == ["bad_login", "bad_login"]
    assert [question["user"] for question in backend.asked] == ["first", "staying"]


def test_what_cannot_be_asked_in_time_is_refused(make_stack, backend, connect):
    many = 40
    stack = make_stack(auth_url=backend.url, auth_url_timeout_ms=TIMEOUT_MS, auth_url_connections=1,
                       send_timeout_ms=2 * TIMEOUT_MS)
    backend.answer = backend.hang
    assert log_in(connect("youim", on=stack), "slow", "secret") == "no_backend"
    clients = [connect("youim", on=stack) for _ in range(many)]
    for i, client in enumerate(clients):
        start(client, f"user-{i}", "secret")
    words = [finish(client) for client in clients]
    assert set(words) <= {"no_backend", "overloaded", "timeout"}, words
    assert "overloaded" in words
    assert len(backend.asked) < many
    backend.release()
    backend.users["secret"] = {"id": "anna"}
    wait_until(lambda: log_in(connect("youim", on=stack), "anna", "secret") is None, "an answer in time")


def test_guesses_are_throttled(make_stack, backend, connect):
    """As those of passwords that are kept here: wrong ones count, faults of the backend do not."""
    stack = make_stack(auth_url=backend.url, login_failures=3)
    backend.users["secret"] = {"id": "anna"}
    client = connect("youim", on=stack)
    backend.answer = FAULTS["500"]
    for _ in range(5):
        assert log_in(client, "anna", "secret") == "no_backend"
    backend.answer = None
    for _ in range(3):
        assert log_in(client, "anna", secrets.token_hex(4)) == "bad_login"
    asked = len(backend.asked)
    assert log_in(client, "anna", "secret") == "throttled"
    assert len(backend.asked) == asked


def test_its_certificate_is_verified(make_stack, backend, connect, tmp_path):
    certificate = Certificate(tmp_path / "tls")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.path, certificate.key)
    backend.server.socket = context.wrap_socket(backend.server.socket, server_side=True)
    backend.users["secret"] = {"id": "anna"}
    url = backend.url.replace("http:", "https:").replace("127.0.0.1", "localhost")
    distrusting = make_stack(auth_url=url, auth_url_timeout_ms=TIMEOUT_MS)
    assert log_in(connect("youim", on=distrusting), "anna", "secret") == "no_backend"
    assert backend.asked == []
    trusting = make_stack(auth_url=url, auth_url_ca=certificate.path)
    assert log_in(connect("youim", on=trusting), "anna", "secret") is None


def test_an_address_that_is_none(stack):
    auth = stack.services["auth"]
    auth.end()
    auth.start(wait=False, auth_url="file:///etc/passwd")
    auth.wait_exit()
    assert "auth_url begins with neither https:// nor http://" in auth.said()
    auth.start()
