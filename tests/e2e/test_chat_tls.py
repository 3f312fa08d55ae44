"""parleyctl chat over TLS: whom it trusts, and what it says where it does not."""

import secrets

import pytest
from parley_chat import Chat
from parley_stack import Stack
from parley_tls import FAKETIME, Certificate


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return Certificate(tmp_path_factory.mktemp("chat") / "first")


@pytest.fixture(scope="module")
def stack(database, certificate):
    """In place of the run's, with a certificate."""
    quick = {"reach_interval_ms": 50, "cursor_flush_ms": 50, "presence_grace_ms": 200}
    with Stack(database, **quick, **certificate.settings()) as running:
        yield running


@pytest.fixture
def chat(certificate):
    started = []

    def start(stack, name, *options, trusts=certificate, **more):
        trust = ["--cacert", str(trusts.path)] if trusts is not None else []
        started.append(Chat(stack, name, *trust, *options, **more).__enter__())
        return started[-1]

    yield start
    for one in started:
        one.__exit__(None, None, None)


def name():
    return f"chat-{secrets.token_hex(6)}"


def server(stack, host="localhost"):
    return f"{host}:{stack.ports['tls_tcp']}"


@pytest.mark.parametrize("where", (
    [], ["--server", "tls://localhost"], ["--server", "127.0.0.1:{port}"],
    ["--server", "tls://[::1]:{port}"]), ids=("default", "scheme", "address", "IPv6"))
def test_people_talk(stack, chat, where):
    where = [word.format(port=stack.ports["tls_tcp"]) for word in where]
    anna = chat(stack, name(), "--register", *where)
    ben = chat(stack, name(), "--register", "--to", anna.name, *where)
    anna.expect(rf"^-- connected to .*:{stack.ports['tls_tcp']} as {anna.name}: /help lists")
    ben.expect("/help lists")
    for length in (5, 5000, 40000):  # within a record, over several
        text = secrets.token_hex(length // 2)
        ben.type(text)
        anna.expect(f"{ben.name}: {text}$")
        ben.expect(f"{ben.name} -> {anna.name}: {text}$")
    many = [secrets.token_hex(300) for _ in range(20)]
    ben.type(*many)
    for text in many:
        anna.expect(f"{ben.name}: {text}$")
    assert ben.leave() == 0 and anna.leave() == 0


def refused(chat, stack, *options, trusts):
    anna = chat(stack, name(), *options, trusts=trusts)
    assert anna.wait() == 1
    return anna.error()


def test_untrusted_certificates(stack, chat, second_gateway, tmp_path):
    other = Certificate(tmp_path / "other")
    trusted = "its certificate is not trusted: "
    hint = " (--cacert names a file of issuers to trust)\n"
    where = ("--server", f"tls://{server(stack)}")
    said = f"parleyctl: cannot connect to {server(stack)}: {trusted}"
    assert refused(chat, stack, *where, trusts=None) == f"{said}self-signed certificate{hint}"
    assert refused(chat, stack, *where, trusts=other).startswith(said)
    elsewhere = Certificate(tmp_path / "elsewhere", names="DNS:chat.example.org")
    view = second_gateway(stack, **elsewhere.settings())
    assert refused(chat, stack, "--server", server(view),
                   trusts=elsewhere).endswith(f"{trusted}hostname mismatch{hint}")
    assert refused(chat, stack, "--server", server(view, "127.0.0.1"),
                   trusts=elsewhere).endswith(f"{trusted}IP address mismatch{hint}")
    old = Certificate(tmp_path / "old", days=1, LD_PRELOAD=FAKETIME, FAKETIME="-3d")
    view = second_gateway(stack, **old.settings())
    assert refused(chat, stack, "--server", server(view),
                   trusts=old).endswith(f"{trusted}certificate has expired{hint}")
    anna = chat(stack, name(), "--register", "--insecure", *where, trusts=None)
    anna.expect("/help lists")
    assert anna.leave() == 0


def test_a_plain_port(stack, chat, certificate):
    where = f"localhost:{stack.ports['tcp']}"
    said = refused(chat, stack, "--server", where, trusts=certificate)
    assert said == f"parleyctl: cannot connect to {where}: there is no TLS at that port\n"
    said = refused(chat, stack, "--server", server(stack), trusts=None)
    assert said.startswith(f"parleyctl: cannot connect to {server(stack)}: ")


def test_a_server_without_plain_ports(stack, chat):
    """It is found without an option that says TLS."""
    anna = chat(stack, name(), "--register", "--insecure", trusts=None, tcp_port=0)
    anna.expect("/help lists")
    assert anna.leave() == 0
    none = chat(stack, name(), trusts=None, tcp_port=0, tls_tcp_port=0)
    assert none.wait() == 2
    assert none.error() == "parleyctl: tls_tcp_port is 0: give --server ADDRESS:PORT\n"


def test_gateway_killed(make_stack, chat, certificate):
    """It connects again, and nothing is lost."""
    stack = make_stack(**certificate.settings())
    anna = chat(stack, name(), "--register")
    ben = chat(stack, name(), "--register", "--to", anna.name)
    anna.expect("/help lists")
    ben.expect("/help lists")
    stack.services["gateway"].kill()
    ben.type("while it is away")
    stack.services["gateway"].start()
    anna.expect(f"{ben.name}: while it is away")
    ben.expect(f"{ben.name} -> {anna.name}: while it is away")
    assert ben.leave() == 0 and anna.leave() == 0
