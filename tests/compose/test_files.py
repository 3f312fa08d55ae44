"""Files through the proxy, and the example deploy/compose.s3.yaml with an S3 server beside it."""

import contextlib
import http.client
import os

import pytest
from parley_compose import docker
from parley_files import begin_upload, file_of, showing
from parley_s3 import server_program
from parley_stack import DEADLINE, wait_until

TUS = {"Tus-Resumable": "1.0.0"}
PART = TUS | {"Content-Type": "application/offset+octet-stream"}
SIZE = 3_000_001
S3 = {"PARLEY_S3_ENDPOINT": "http://s3:4568", "PARLEY_S3_BUCKET": "parley-files",
      "PARLEY_S3_ACCESS_KEY": "S3RVER", "PARLEY_S3_SECRET_KEY": "S3RVER"}


def asked(stack, method, path, body=None, **headers):
    """(status, headers, bytes) by way of the proxy."""
    link = http.client.HTTPConnection(stack.host, stack.ports["http"], timeout=DEADLINE)
    with contextlib.closing(link):
        link.request(method, path, body=body, headers=headers)
        answer = link.getresponse()
        return answer.status, answer.headers, answer.read()


def put(stack, url, content):
    assert asked(stack, "PUT", url, content)[0] == 201


def send_by_tus(stack, url, content):
    """In two parts, the second from where the server says."""
    half = len(content) // 2
    assert asked(stack, "PATCH", url, content[:half], **PART, **{"Upload-Offset": "0"})[0] == 204
    status, headers, _ = asked(stack, "HEAD", url, **TUS)
    assert (status, headers["Upload-Offset"]) == (200, str(half))
    assert asked(stack, "PATCH", url, content[half:], **PART, **{"Upload-Offset": str(half)})[0] == 204


def show(stack, people, content, send):
    """Anna sends a file of these bytes. Its id, and where ben finds it."""
    anna, ben = people
    opened = begin_upload(anna, len(content), "a.bin", "application/octet-stream")
    send(stack, opened["url"], content)
    anna.send(showing(anna, ben.account, opened["file"], "file"))
    while (shown := file_of(ben, ben.next())) is None:
        pass
    return opened["file"], shown["url"]


def assert_served(stack, url, content):
    assert asked(stack, "GET", url)[::2] == (200, content)
    status, headers, part = asked(stack, "GET", url, Range=f"bytes=1000000-{SIZE - 1}")
    assert (status, part) == (206, content[1_000_000:])
    assert headers["Content-Range"] == f"bytes 1000000-{SIZE - 1}/{SIZE}"


@pytest.fixture
def people(newcomer):
    return newcomer("youim", ext=True), newcomer("youim", ext=True)


@pytest.mark.parametrize("send", [put, send_by_tus])
def test_a_file_through_the_proxy(stack, people, send):
    content = os.urandom(SIZE)
    assert_served(stack, show(stack, people, content, send)[1], content)


@pytest.fixture
def bucket(stack):
    """Files keeps its bytes in the bucket meanwhile. Yields the files that are in the volume."""
    before = {f"{row[0]:016x}" for row in stack.sql("SELECT id FROM file WHERE finished_ms IS NOT NULL")}
    program = server_program().parents[3]
    more = ("deploy/compose.s3.yaml", "tests/compose/s3.yaml")
    try:
        with stack.extended("files", "s3", *more, **S3, PARLEY_TEST_S3=program):
            wait_until(lambda: stack.one("s3").reaches("127.0.0.1", 4568), "the S3 server to listen")
            yield before
    finally:
        docker("image", "rm", f"parley-s3:{stack.name}", ok=False)


def missing(stack):
    checked = stack.ctl("files", "check", ok=False)
    assert checked.returncode in (0, 1), checked.stderr
    return {line.split()[0] for line in checked.stdout.splitlines() if "its bytes are missing" in line}


def test_files_in_a_bucket(stack, people, bucket):
    content = os.urandom(SIZE)
    file, url = show(stack, people, content, put)
    assert_served(stack, url, content)
    assert missing(stack) == bucket
    stack.compose("restart", "--timeout", "10", "files")
    stack.wait_ready("files")
    assert_served(stack, url, content)
    assert_served(stack, show(stack, people, content, send_by_tus)[1], content)
    kept = stack.one("s3").execute("ls", "/data/parley-files/files").split()
    assert [name for name in kept if name.startswith(file)]
