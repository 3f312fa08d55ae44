"""TLS on the clients' ports: what is accepted and refused, certificates, and that nothing is lost."""

import contextlib
import ctypes
import fcntl
import json
import re
import secrets
import signal
import socket
import ssl
import struct
import subprocess
import termios
import time
from pathlib import Path

import pytest
from parley_client import SO_ATTACH_FILTER
from parley_stack import DEADLINE, Stack, wait_until
from parley_tls import FAKETIME, Certificate, openssl

tls_ports = pytest.mark.parametrize("port", ("https", "tls_tcp", "tls_youim"))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return Certificate(tmp_path_factory.mktemp("tls") / "first")


@pytest.fixture(scope="module")
def stack(database, certificate):
    """In place of the run's, with a certificate."""
    quick = {"reach_interval_ms": 50, "cursor_flush_ms": 50, "presence_grace_ms": 200}
    with Stack(database, login_timeout_ms=6000, log_level="debug", **quick,
               **certificate.settings()) as running:
        yield running


def handshake(stack, port, *options, text="", host="127.0.0.1"):
    """openssl s_client, which closes at the end of the text."""
    return openssl("s_client", "-connect", f"{host}:{stack.ports[port]}", *options, text=text)


def presented(stack, port="https"):
    """The name in the certificate that new connections get."""
    shown = handshake(stack, port)
    assert shown.returncode == 0, shown.stderr
    return re.search(r"subject=CN = (.*)", shown.stdout)[1]


def metric(stack, name):
    _, pages = stack.page("gateway", "/metrics")
    return float(re.search(rf"^parley_{re.escape(name)} (\S+)$", pages, re.M)[1])


@pytest.mark.parametrize(
    "dialect, transport",
    (("ourchat", "wss"), ("ourchat", "tls"), ("youim", "wss"), ("youim", "tls_binary")))
def test_people_talk(stack, connect, newcomer, dialect, transport):
    ben, anna = newcomer("youim", "tls"), newcomer(dialect, "tls")
    account = anna.account
    anna.close()
    anna = connect(dialect, transport)
    anna.log_in(account)
    for length in (5, 5000, 40000):  # within a record, over several
        text = secrets.token_hex(length // 2)
        anna.say(ben.account, text)
        ben.hear(account, ben.account, text)
        anna.hear_own(ben.account, text)
        ben.say(account, text + "!")
        assert anna.body(anna.next())["msg"] == text + "!"


@pytest.mark.parametrize("says_so", (True, False), ids=("close_notify", "FIN"))
def test_a_client_that_closes_its_half_gets_its_answers(stack, certificate, newcomer, says_so):
    """Be it in TLS' words or TCP's alone; then the server closes."""
    anna = newcomer("youim", "tls")
    texts = [f"{i} {secrets.token_hex(300)}" for i in range(5)]
    requests = [{"msgType": "1", "msgBody": {"loginUserId": anna.account.id}}]
    requests += [anna.make(7, token="none", toGroup="nobody", msg=text, fromUserId="x")
                 for text in texts]
    context = ssl.create_default_context(cafile=certificate.path)
    inside, outside = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(inside, outside, server_hostname="localhost")
    with socket.create_connection((stack.host, stack.ports["tls_tcp"]), DEADLINE) as raw:
        def finish(step):
            """Does it, and whatever has to be read or written for it."""
            while True:
                try:
                    return step()
                except ssl.SSLWantReadError:
                    if outside.pending:
                        raw.sendall(outside.read())
                    got = raw.recv(65536)
                    inside.write(got) if got else inside.write_eof()

        finish(tls.do_handshake)
        tls.write("".join(map(json.dumps, requests)).encode())
        if says_so:
            with contextlib.suppress(ssl.SSLWantReadError):
                tls.unwrap()
        raw.sendall(outside.read())
        raw.shutdown(socket.SHUT_WR)
        got = b""
        with contextlib.suppress(ssl.SSLZeroReturnError):
            while part := finish(lambda: tls.read(65536)):
                got += part
    assert [json.loads(line)["msgType"] for line in got.splitlines()] == [2, *5 * [101]]


@tls_ports
def test_versions_and_ciphers(stack, port):
    old = ("-cipher", "ALL:@SECLEVEL=0")
    for version in ("-tls1", "-tls1_1"):
        refused = handshake(stack, port, version, *old)
        assert refused.returncode != 0 and "protocol version" in refused.stderr
    for version, name in (("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")):
        taken = handshake(stack, port, version)
        assert taken.returncode == 0, taken.stderr
        assert f"New, {name}, Cipher is" in taken.stdout and "Compression: NONE" in taken.stdout
    for cipher in ("AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES128-SHA"):
        refused = handshake(stack, port, "-tls1_2", "-cipher", cipher)
        assert refused.returncode != 0 and "handshake failure" in refused.stderr
    asked = handshake(stack, port, "-tls1_2", text="R\n")
    assert "no renegotiation" in asked.stderr
    resumed = handshake(stack, port, "-tls1_2", "-reconnect")
    assert resumed.stdout.count("Reused, TLSv1.2") == 5


@tls_ports
def test_ipv6(stack, certificate, port):
    shown = handshake(stack, port, "-verify_return_error", "-CAfile", certificate.path,
                      "-verify_ip", "::1", host="[::1]")
    assert shown.returncode == 0, shown.stderr
    assert "Verification: OK" in shown.stdout


def test_an_ipv6_client_is_known_by_its_own_address(stack, certificate):
    context = ssl.create_default_context(cafile=certificate.path)
    with socket.create_connection(("::1", stack.ports["tls_tcp"]), DEADLINE) as raw, \
            context.wrap_socket(raw, server_hostname="::1") as client:
        client.sendall(b'{"msgType":"113","msgBody":{"userId":""}}\n')
        assert client.recv(65536)
        address = f"[::1]:{client.getsockname()[1]}"
        wait_until(lambda: f"address={address}" in stack.services["gateway"].said(), address)


def changes_of_keys(port, count):
    """A connection whose handshake is done, and `count` records with which a client changes its keys."""
    lib = ctypes.CDLL("libssl.so.3")
    for name in ("TLS_client_method", "SSL_CTX_new", "SSL_new", "BIO_new"):
        getattr(lib, name).restype = ctypes.c_void_p
    lib.BIO_s_mem.restype = ctypes.c_void_p
    context = ctypes.c_void_p(lib.SSL_CTX_new(ctypes.c_void_p(lib.TLS_client_method())))
    tls = ctypes.c_void_p(lib.SSL_new(context))
    client = socket.create_connection(("127.0.0.1", port), DEADLINE)
    client.settimeout(None)  # OpenSSL reads it
    assert lib.SSL_set_fd(tls, client.fileno()) == 1 and lib.SSL_connect(tls) == 1
    client.settimeout(DEADLINE)
    written = ctypes.c_void_p(lib.BIO_new(ctypes.c_void_p(lib.BIO_s_mem())))
    lib.SSL_set0_wbio(tls, written)
    for _ in range(count):
        assert lib.SSL_key_update(tls, 0) == 1 and lib.SSL_do_handshake(tls) == 1
    records = ctypes.create_string_buffer(32 * count)
    got = lib.BIO_read(written, records, len(records))
    lib.SSL_free(tls)
    lib.SSL_CTX_free(context)
    return client, memoryview(records)[:got]


@tls_ports
def test_nobody_waits_for_keys_that_change(stack, port):
    """The server reads the first few of very many: the kernel says so when a socket is closed unread."""
    client, records = changes_of_keys(stack.ports[port], 2000)
    stack.services["gateway"].pause()
    try:
        client.sendall(records)
    finally:
        stack.services["gateway"].resume()
    with client, pytest.raises(ConnectionResetError):
        while client.recv(65536):
            pass


@tls_ports
def test_keys_may_change_so_often(stack, port):
    """A few times, as TLS 1.3 has it. A client that does nothing else is closed."""
    changes, until = 0, time.monotonic() + DEADLINE
    with subprocess.Popen(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{stack.ports[port]}", "-tls1_3"],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True) as client:
        with contextlib.suppress(BrokenPipeError):
            while time.monotonic() < until:
                client.stdin.write("K\n")  # new keys for both directions
                client.stdin.flush()
                if not any("KEYUPDATE" in line for line in iter(client.stderr.readline, "")):
                    break
                changes += 1
        client.kill()
    assert changes >= 10 and time.monotonic() < until


def test_https(stack, certificate):
    def curl(path, *options):
        return subprocess.run(
            ["curl", "-sS", "-m", str(DEADLINE), *options,
             f"https://localhost:{stack.ports['https']}{path}"],
            capture_output=True, text=True, check=False)

    trusted = ("--cacert", str(certificate.path))
    assert curl("/healthz", *trusted).stdout == "ok\n"
    assert json.loads(curl("/api/info", *trusted).stdout)["name"] == "parley"
    assert "self-signed certificate" in curl("/healthz").stderr
    head = curl("/healthz", "-I", "--http2", *trusted).stdout
    assert head.startswith("HTTP/1.1 200") and "Strict-Transport-Security" not in head


def ends(sent, stack, port):
    """What a client reads that sends this, until the server closes."""
    with socket.create_connection(("127.0.0.1", stack.ports[port]), DEADLINE) as client:
        client.sendall(sent)
        got = b""
        with contextlib.suppress(ConnectionResetError):
            while part := client.recv(65536):
                got += part
        return got


@tls_ports
def test_a_plain_client_is_closed_at_once(stack, port):
    failed = metric(stack, 'tls_handshakes_total{result="failed"}')
    ends(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", stack, port)
    ends(b'{"msgType":"1","msgBody":{"loginUserId":"42"}}\n', stack, port)
    wait_until(lambda: metric(stack, 'tls_handshakes_total{result="failed"}') == failed + 2,
               "both to be counted")


@pytest.mark.parametrize("port", ("http", "tcp", "youim"))
def test_tls_on_a_plain_port_fails(stack, port):
    refused = handshake(stack, port)
    assert refused.returncode != 0


def test_handshakes_that_do_not_go_on_end(stack):
    """After the time for a login, however much of them has arrived."""
    with contextlib.ExitStack() as opened:
        clients = []
        for port in ("https", "tls_tcp", "tls_youim"):
            for sent in (b"", b"\x16\x03\x01"):
                client = socket.create_connection((stack.host, stack.ports[port]), DEADLINE)
                clients.append(opened.enter_context(client))
                client.sendall(sent)
        assert [client.recv(1) for client in clients] == 6 * [b""]


# --- nothing is lost


def read_what_is_there(reader):
    """All whole records that the client's kernel has got, and not a byte more: from now on it drops
    what arrives."""
    nothing = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))
    program = struct.pack("HL", 1, ctypes.addressof(nothing))
    reader.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
    reader.setblocking(False)
    got = b""
    with contextlib.suppress(ssl.SSLWantReadError):
        while part := reader.recv(65536):
            got += part
    return [json.loads(line)["msg"] for line in got.split(b"\n")[:-1] if b'"msg"' in line]


def unread_bytes(reader):
    return struct.unpack("i", fcntl.ioctl(reader.fileno(), termios.FIONREAD, b"\0" * 4))[0]


def test_what_has_not_reached_a_client_comes_again(stack, certificate, connect, newcomer):
    """Its kernel takes a few records, of the last one only a part, which nobody can ever read."""
    anna, ben = newcomer("youim", "tls", on=stack), newcomer("youim", "tls", on=stack)
    account = ben.account
    ben.close()
    texts = [f"{i} {secrets.token_hex(500 + 37 * i)}" for i in range(100)]
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 20000)
    raw.connect((stack.host, stack.ports["tls_tcp"]))
    context = ssl.create_default_context(cafile=certificate.path)
    with context.wrap_socket(raw, server_hostname="localhost") as reader:
        login = {"msgType": "1", "msgBody": {"loginUserId": account.id}}
        reader.sendall(json.dumps(login).encode() + b"\n")
        anna.say(account, texts[0])
        query = "SELECT MAX(received) FROM `cursor` WHERE account = %s AND received > 0"
        wait_until(lambda: stack.sql(query, account.number)[0][0], "a text to have reached it")
        anna.send(*(anna.saying(account, text) for text in texts[1:]))
        wait_until(lambda: stored(stack, anna.account) == len(texts), "all texts to be stored")
        wait_until(lambda: unread_bytes(reader) > 8000, "its kernel to take some")
        got = read_what_is_there(reader)
        raw.close()
    assert got == texts[: len(got)]
    again = connect("youim", "tls", on=stack)
    again.log_in(account)
    more = []
    while not more or more[-1] != texts[-1]:
        more.append(again.next()["msg"])
    assert more == texts[-len(more) :]
    assert len(got) + len(more) >= len(texts), f"{len(got)} got, {len(more)} sent again"


def stored(stack, account):
    return stack.sql("SELECT COUNT(*) FROM message WHERE sender = %s", account.number)[0][0]


# --- certificates


def refusal(stack, **settings):
    """The one line in which a gateway says why it doesn't start."""
    gateway = stack.services["gateway"]
    done = subprocess.run(
        [gateway.program, *(f"--{name}={value}" for name, value in settings.items())],
        env=gateway.environment, capture_output=True, text=True, timeout=DEADLINE,
        check=False)
    errors = [line for line in done.stderr.splitlines() if "level=error" in line]
    assert done.returncode == 1 and len(errors) == 1, done.stderr
    return errors[0]


def test_bad_certificates_at_the_start(stack, certificate, tmp_path):
    other = Certificate(tmp_path / "other")
    weak = Certificate(tmp_path / "weak", key=("rsa", "rsa_keygen_bits:1024"))
    empty, secret = tmp_path / "empty.pem", tmp_path / "secret.pem"
    empty.write_text("nothing\n")
    assert openssl("pkey", "-in", certificate.key, "-aes256", "-passout", "pass:x", "-out",
                   secret).returncode == 0
    half = tmp_path / "half.pem"
    half.write_text(certificate.path.read_text() + certificate.path.read_text()[:300])
    for path, key, reason in (
        (tmp_path / "none", certificate.key, "No such file or directory"),
        (certificate.path, tmp_path / "none", "No such file or directory"),
        (empty, certificate.key, "has no certificate"),
        (certificate.path, empty, "has no private key"),
        (certificate.path, secret, "has a passphrase"),
        (certificate.path, other.key, "is not the key of"),
        (weak.path, weak.key, "too small"),
        (half, certificate.key, "a faulty certificate behind the first"),
        (certificate.path, "", "tls_certificate is set and tls_key is not"),
        ("", certificate.key, "tls_key is set and tls_certificate is not"),
    ):
        said = refusal(stack, tls_certificate=path, tls_key=key)
        assert "event=start_failed" in said and reason in said


def test_a_gateway_needs_a_port(stack):
    off = {name: 0 for name in ("http_port", "tcp_port", "youim_port")}
    assert "no port is left" in refusal(stack, **off, tls_certificate="", tls_key="")
    assert "no port is left" in refusal(stack, **off, https_port=0, tls_tcp_port=0,
                                        tls_youim_port=0)


def test_plain_ports_are_off(stack, second_gateway):
    view = second_gateway(stack, http_port=0, tcp_port=0, youim_port=0)
    for port in ("https", "tls_tcp", "tls_youim"):
        assert presented(view, port) == "localhost"
    for port in ("http", "tcp", "youim"):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((view.host, view.ports[port]), DEADLINE)


def test_renewal(make_stack, connect, tmp_path):
    """Connections stay; new ones get the new certificate; a faulty one changes nothing."""
    used = Certificate(tmp_path / "used", "first")
    soon = Certificate(tmp_path / "soon", "second", days=10)
    stack = make_stack(**used.settings())
    gateway = stack.services["gateway"]
    anna, ben = (connect("youim", transport, on=stack) for transport in ("wss", "tls"))
    for client in (anna, ben):
        client.register_new()
        client.log_in()
    assert presented(stack) == "first" and "certificate_expires" not in gateway.said()
    expires = metric(stack, "tls_certificate_expires_seconds")

    def renew(event):
        before = gateway.said().count(event)
        gateway.process.send_signal(signal.SIGHUP)
        wait_until(lambda: gateway.said().count(event) > before, event)

    used.replace(soon)
    renew("event=certificate_renewed")
    for port in ("https", "tls_tcp", "tls_youim"):
        assert presented(stack, port) == "second"
    assert re.search(r"level=warn .*event=certificate_expires .*days=(9|10)", gateway.said())
    assert metric(stack, "tls_certificate_expires_seconds") < expires - 70 * 86400
    used.key.write_text("nothing")
    renew("event=certificate_refused")
    used.path.unlink()
    renew("event=certificate_refused")
    assert presented(stack) == "second"
    anna.say(ben.account, "still here")
    ben.hear(anna.account, ben.account, "still here")


def test_renewal_under_load(make_stack, connect, tmp_path):
    """People talk on connections of every kind while certificates change: nothing of theirs is lost,
    and each new connection gets the newest certificate."""
    used = Certificate(tmp_path / "used", "number 0")
    others = [Certificate(tmp_path / f"next{i}", f"number {i}") for i in range(1, 5)]
    stack = make_stack(**used.settings())
    gateway = stack.services["gateway"]

    def enter(transport):
        newcomer = connect("youim", "tls", on=stack)
        account = newcomer.register_new()
        newcomer.close()
        client = connect("youim", transport, on=stack)
        client.log_in(account)
        return client

    pairs = [tuple(map(enter, both))
             for both in (("wss", "tls"), ("tls_binary", "wss"), ("tls", "tls_binary"))]
    for other in others:
        texts = [f"{i} {secrets.token_hex(400)}" for i in range(60)]
        for anna, ben in pairs:
            anna.send(*(anna.saying(ben.account, text) for text in texts[:30]))
        used.replace(other)
        before = gateway.said().count("event=certificate_renewed")
        gateway.process.send_signal(signal.SIGHUP)
        for anna, ben in pairs:
            anna.send(*(anna.saying(ben.account, text) for text in texts[30:]))
        wait_until(lambda: gateway.said().count("event=certificate_renewed") > before, "renewal")
        for port in ("https", "tls_tcp", "tls_youim"):
            assert presented(stack, port) == other.name
        for anna, ben in pairs:
            assert [ben.body(ben.next())["msg"] for _ in texts] == texts


def test_an_expired_certificate_is_used_and_warned_of(stack, second_gateway, tmp_path):
    old = Certificate(tmp_path / "old", "old", days=1, LD_PRELOAD=FAKETIME, FAKETIME="-3d")
    view = second_gateway(stack, **old.settings())
    assert presented(view) == "old"


# --- behind a proxy


def test_the_proxys_line_comes_before_tls(stack, second_gateway, certificate, tmp_path):
    view = second_gateway(stack, proxy_protocol="true")
    context = ssl.create_default_context(cafile=certificate.path)
    with socket.create_connection((view.host, view.ports["tls_tcp"]), DEADLINE) as raw:
        raw.sendall(b"PROXY TCP4 192.0.2.7 192.0.2.1 56324 54089\r\n")
        with context.wrap_socket(raw, server_hostname="localhost") as client:
            client.sendall(b'{"msgType":"113","msgBody":{"userId":""}}\n')
            assert client.recv(65536)
            said = next(tmp_path.glob("gateway2.log")).read_text()
            assert re.search(r"event=connection_open .*tls=TLSv1.3 address=192.0.2.7:56324", said)
