"""Files go up and down over HTTP, whatever is killed meanwhile, and nothing half is ever served."""

import concurrent.futures
import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import secrets
import shutil
import socket
import ssl
import subprocess
import time

import pytest
from parley_client import YouIM
from parley_files import show
from parley_stack import DEADLINE, Stack, wait_until
from parley_tls import Certificate

TUS = {"Tus-Resumable": "1.0.0"}
PART = TUS | {"Content-Type": "application/offset+octet-stream"}
TUS_CLIENT = "4.3.1"
NODE = pathlib.Path(__file__).resolve().parents[2] / "build" / "tus"
LONG = 12_000_000


@pytest.fixture(scope="module")
def stack(database, tmp_path_factory):
    """In place of the run's: its services are killed."""
    certificate = Certificate(tmp_path_factory.mktemp("tls") / "first")
    with Stack(database, **certificate.settings()) as running:
        yield running


def client_of(stack):
    client = YouIM(stack, ext=True)
    client.register_new()
    client.log_in()
    return client


@contextlib.contextmanager
def opened(stack, content, **more):
    """The path of an upload of these bytes, and the number of its file."""
    client = client_of(stack)
    answer = client.ask(323, 324, name="a b.bin", size=len(content), **more)
    yield answer["url"], int(answer["file"], 16)
    client.close()


def web(stack, tls=False):
    if tls:
        context = ssl._create_unverified_context()
        return http.client.HTTPSConnection(stack.host, stack.ports["https"], timeout=DEADLINE, context=context)
    return http.client.HTTPConnection(stack.host, stack.ports["http"], timeout=DEADLINE)


def asked(stack, method, path, body=None, headers=None, tls=False):
    """(status, headers, body)"""
    with contextlib.closing(web(stack, tls)) as connection:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


def address(stack, file, preview=False, seconds=3600):
    """As the gateway signs it."""
    ((key,),) = stack.sql("SELECT HEX(`key`) FROM file_key ORDER BY number LIMIT 1")
    until = int(time.time()) + seconds
    text = f"{'preview' if preview else 'file'} {file:016x} {until}"
    signature = hashlib.blake2b(text.encode(), digest_size=16, key=bytes.fromhex(key)).hexdigest()
    return f"/{'preview' if preview else 'files'}/{file:016x}?until={until}&key={signature}"


def uploaded(stack, content):
    with opened(stack, content) as (url, file):
        status, _, body = asked(stack, "PUT", url, content)
        assert status == 201, body
        assert json.loads(body)["file"] == f"{file:016x}"
    return file


def offset(stack, url):
    status, headers, _ = asked(stack, "HEAD", url, headers=TUS)
    assert status == 200
    return int(headers["Upload-Offset"])


def assert_served(stack, file, content, tls=False):
    show(stack, file)
    status, _, body = asked(stack, "GET", address(stack, file), tls=tls)
    assert status == 200
    assert hashlib.sha256(body).digest() == hashlib.sha256(content).digest()


def restart(service):
    service.kill()
    service.start()
    service.wait_ready()


@pytest.mark.parametrize("tls", (False, True), ids=("plain", "tls"))
@pytest.mark.parametrize("size", (1, 70_000, LONG))
def test_what_goes_up_comes_down(stack, size, tls):
    content = os.urandom(size)
    with opened(stack, content, sha256=hashlib.sha256(content).hexdigest()) as (url, file):
        assert asked(stack, "GET", address(stack, file), tls=tls)[0] == 404  # not yet
        assert asked(stack, "PUT", url, content, tls=tls)[0] == 201
    assert_served(stack, file, content, tls)
    status, headers, body = asked(stack, "GET", address(stack, file), headers={"Range": "bytes=-1"}, tls=tls)
    assert (status, body) == (206, content[-1:])
    assert headers["Content-Range"] == f"bytes {size - 1}-{size - 1}/{size}"


def unread(stack, client_port):
    """Bytes that the gateway has in the kernel from this client, over TLS."""
    far = f":{stack.ports['https']:04X} 0100007F:{client_port:04X} "
    (line,) = (line for line in open("/proc/net/tcp", encoding="ascii") if far in line)
    return int(line.split()[4].split(":")[1], 16)


def test_the_last_record_of_tls_comes_in_parts(database, tmp_path):
    """The gateway's library has most of it when the kernel is asked to announce the rest."""
    content = os.urandom(16000)
    certificate = Certificate(tmp_path / "certificate")
    with Stack(database, **certificate.settings(), transfer_silence_ms=3_600_000) as stack, \
            opened(stack, content) as (url, file), \
            socket.create_connection((stack.host, stack.ports["https"]), DEADLINE) as line:
        come, go = ssl.MemoryBIO(), ssl.MemoryBIO()
        secured = ssl._create_unverified_context().wrap_bio(come, go)
        while True:
            with contextlib.suppress(ssl.SSLWantReadError):
                secured.do_handshake()
                break
            line.sendall(go.read())
            come.write(line.recv(65536))
        secured.write(f"PUT {url} HTTP/1.1\r\nHost: a\r\nContent-Length: 16000\r\n\r\n".encode())
        line.sendall(go.read())
        secured.write(content)
        record = go.read()
        line.sendall(record[:12000])
        wait_until(lambda: unread(stack, line.getsockname()[1]) == 0, "the gateway to take the part")
        line.sendall(record[12000:])
        answer = b""
        while not answer:
            come.write(line.recv(65536))
            with contextlib.suppress(ssl.SSLWantReadError):
                answer = secured.read(12)
        assert answer == b"HTTP/1.1 201"
        assert_served(stack, file, content, tls=True)


def test_bytes_that_were_not_announced_are_refused(stack):
    content = os.urandom(1000)
    with opened(stack, content, sha256=hashlib.sha256(content).hexdigest()) as (url, file):
        status, _, body = asked(stack, "PUT", url, b"x" * 1000)
        assert (status, json.loads(body)["error"]) == (422, "bad_file")
        assert asked(stack, "GET", address(stack, file))[0] == 404
        assert asked(stack, "PUT", url, content)[0] == 201  # it began anew
    assert_served(stack, file, content)


def test_curl_uploads_and_resumes_a_download(stack, tmp_path):
    content = os.urandom(LONG)
    (tmp_path / "up").write_bytes(content)
    base = f"http://{stack.host}:{stack.ports['http']}"
    with opened(stack, content) as (url, file):
        subprocess.run(["curl", "-sSf", "-T", tmp_path / "up", base + url], check=True, capture_output=True, timeout=DEADLINE)
    show(stack, file)
    (tmp_path / "down").write_bytes(content[:5_000_000])
    subprocess.run(["curl", "-sSf", "-C", "-", "-o", tmp_path / "down", base + address(stack, file)],
                   check=True, capture_output=True, timeout=DEADLINE)
    assert (tmp_path / "down").read_bytes() == content


def tus_client():
    """The folder with tus-js-client; a test that can't have it fails."""
    if not (NODE / "node_modules" / "tus-js-client").exists():
        NODE.mkdir(parents=True, exist_ok=True)
        (NODE / "package.json").write_text("{}")
        npm = shutil.which("npm")
        assert npm, "npm is needed for tus-js-client"
        subprocess.run([npm, "install", "--silent", "--ignore-scripts", f"tus-js-client@{TUS_CLIENT}"],
                       cwd=NODE, check=True, timeout=DEADLINE)
    return NODE


SCRIPT = """
const tus = require('tus-js-client'), fs = require('fs');
const [url, path, override] = process.argv.slice(1);
const upload = new tus.Upload(fs.readFileSync(path), {
  uploadUrl: url, chunkSize: 1000000, retryDelays: [100, 200, 400, 800, 1600, 3200, 5000, 5000],
  overridePatchMethod: override === 'override',
  onProgress: (sent) => console.log(sent),
  onError: (error) => { console.error(String(error)); process.exit(1); },
  onSuccess: () => process.exit(0)});
upload.start();
"""


@pytest.mark.parametrize("killed", (None, "files", "gateway"))
def test_the_real_tus_client_uploads(stack, tmp_path, killed):
    content = os.urandom(LONG)
    (tmp_path / "up").write_bytes(content)
    with opened(stack, content) as (url, file):
        asked(stack, "PATCH", url, content[:500_000], PART | {"Upload-Offset": "0"})  # it goes on behind
        url = f"http://{stack.host}:{stack.ports['http']}{url}"
        with subprocess.Popen(["node", "-e", SCRIPT, "--", url, tmp_path / "up", "override" if killed is None else ""],
                              cwd=tus_client(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as client:
            if killed is not None:
                client.stdout.readline()
                restart(stack.services[killed])
            said = client.communicate(timeout=DEADLINE)[0]
        assert client.returncode == 0, said
    assert_served(stack, file, content)


@pytest.mark.parametrize("killed", ("files", "gateway"))
def test_an_upload_goes_on_behind_what_is_safe(stack, killed):
    content = os.urandom(LONG)
    with opened(stack, content) as (url, file):
        connection = socket.create_connection((stack.host, stack.ports["http"]), timeout=DEADLINE)
        connection.sendall(f"PUT {url} HTTP/1.1\r\nHost: a\r\nContent-Length: {LONG}\r\n\r\n".encode())
        connection.sendall(content[:6_000_000])
        wait_until(lambda: stack.metric("gateway", 'file_bytes_total{way="up"}') > 0, "bytes at files")
        restart(stack.services[killed])
        if killed == "files":  # the same request goes on
            connection.sendall(content[6_000_000:])
            assert connection.recv(12) == b"HTTP/1.1 201"
        else:
            at = offset(stack, url)
            assert asked(stack, "GET", address(stack, file))[0] == 404
            assert asked(stack, "PATCH", url, content[at:], PART | {"Upload-Offset": str(at)})[0] == 204
        connection.close()
    assert_served(stack, file, content)


def test_what_arrived_from_a_client_that_vanished_is_kept(stack):
    content, counter = os.urandom(LONG), 'file_bytes_total{way="up"}'
    before = stack.metric("gateway", counter)
    with opened(stack, content) as (url, file):
        connection = socket.create_connection((stack.host, stack.ports["http"]), timeout=DEADLINE)
        connection.sendall(f"PUT {url} HTTP/1.1\r\nHost: a\r\nContent-Length: {LONG}\r\n\r\n".encode())
        connection.sendall(content[:7_000_000])
        connection.close()
        wait_until(lambda: stack.metric("gateway", counter) == before + 7_000_000, "all of it at files")
        assert offset(stack, url) == 7_000_000
        assert asked(stack, "PUT", url, content)[0] == 201
    assert_served(stack, file, content)


@pytest.mark.parametrize("killed", ("files", "gateway"))
def test_a_download_goes_on(stack, killed):
    content = os.urandom(4 * LONG)
    file = uploaded(stack, content)
    show(stack, file)
    with contextlib.closing(web(stack)) as connection:
        connection.request("GET", address(stack, file))
        answer = connection.getresponse()
        body = answer.read(1_000_000)
        restart(stack.services[killed])
        with contextlib.suppress(http.client.IncompleteRead, ConnectionError):
            while piece := answer.read(1_000_000):
                body += piece
    if killed == "gateway":
        assert len(body) < len(content)
        headers = {"Range": f"bytes={len(body)}-", "If-Range": f'"{file:016x}"'}
        status, _, rest = asked(stack, "GET", address(stack, file), headers=headers)
        assert status == 206
        body += rest
    assert hashlib.sha256(body).digest() == hashlib.sha256(content).digest()


def test_an_address_that_is_not_signed_or_old_gives_nothing(stack):
    file = uploaded(stack, secrets.token_bytes(100))
    assert asked(stack, "GET", address(stack, file))[0] == 404  # nothing shows it
    show(stack, file)
    good = address(stack, file)
    assert asked(stack, "GET", good)[0] == 200
    assert asked(stack, "GET", good[:-1] + ("0" if good[-1] != "0" else "1"))[0] == 403
    assert asked(stack, "GET", address(stack, file, seconds=-10))[0] == 410
    assert asked(stack, "GET", address(stack, file ^ 1))[0] == 404
    assert asked(stack, "GET", address(stack, file, preview=True))[0] == 404


def test_files_move_while_texts_flow(database):
    """Texts have them wait, but not for ever."""
    content = os.urandom(LONG)
    with Stack(database) as stack, concurrent.futures.ThreadPoolExecutor(1) as beside:
        writer, reader = client_of(stack), client_of(stack)
        upload = beside.submit(uploaded, stack, content)
        while not upload.done():
            for number in range(20):
                writer.say(reader.account, f"text {number}")
            for number in range(20):
                reader.hear(writer.account, reader.account, f"text {number}")
        assert stack.metric("gateway", "file_budget_bytes") >= 4 << 20
        writer.close()
        reader.close()
        assert_served(stack, upload.result(), content)


def test_many_uploads_at_once_lose_nothing(stack):
    """As many as one address may have at once."""
    contents = [os.urandom(300_000 + i) for i in range(40)]
    with contextlib.ExitStack() as stacked:
        client = client_of(stack)
        files = [client.ask(323, 324, name="x", size=len(content)) for content in contents]
        sockets = []
        for answer, content in zip(files, contents):
            connection = stacked.enter_context(socket.create_connection((stack.host, stack.ports["http"]), timeout=DEADLINE))
            connection.sendall(f"PUT {answer['url']} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(content)}\r\n\r\n".encode())
            sockets.append(connection)
        for connection, content in zip(sockets, contents):
            connection.sendall(content[:150_000])
        for connection, content in zip(sockets, contents):
            connection.sendall(content[150_000:])
        for connection in sockets:
            assert connection.recv(12) == b"HTTP/1.1 201"
        client.close()
    for answer, content in zip(files, contents):
        assert_served(stack, int(answer["file"], 16), content)
