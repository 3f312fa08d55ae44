"""Files go up and down while the gateway's link to files is cut, and many at once, beside people who talk."""

import concurrent.futures
import contextlib
import hashlib
import http.client
import secrets
import threading

import pytest
from between import Between, restart
from parley_client import YouIM
from parley_files import address_of, begin_upload, fetch
from parley_stack import DEADLINE

LONG = 16_000_000
# As many as one address may have at once, with some room.
MANY, EACH = 200, 400_000


def new_client(stack):
    client = YouIM(stack, ext=True)
    client.register_new()
    client.log_in()
    return client


@pytest.fixture
def pair(load):
    """Two people beside the others."""
    with contextlib.ExitStack() as stack:
        people = [new_client(load.stack), new_client(load.stack)]
        for person in people:
            stack.callback(person.close)
        yield people


@pytest.fixture
def between(load):
    """The gateway reaches files through a link."""
    made = Between(load, "gateway", "files")
    restart(load, "gateway", files_peers=made.link.address)
    load.wait_acknowledged(100)
    yield made
    restart(load, "gateway")
    made.link.close()


@pytest.fixture
def patient(load):
    """A gateway at which the first upload of many may wait for the last."""
    restart(load, "gateway", transfer_silence_ms=60000)
    yield
    restart(load, "gateway")


def connected(stack):
    return contextlib.closing(http.client.HTTPConnection(stack.host, stack.ports["http"], timeout=DEADLINE))


def begin_put(connection, opened, size):
    connection.putrequest("PUT", opened["url"])
    connection.putheader("Content-Length", str(size))
    connection.endheaders()


def answer_of(connection):
    """201, or what was answered in its place."""
    answer = connection.getresponse()
    return answer.status if answer.status == 201 else answer.read()


def digest(content):
    return hashlib.sha256(content).hexdigest()


def parts(content, count):
    size = -(-len(content) // count)
    return [content[at : at + size] for at in range(0, len(content), size)]


def break_link(between, how):
    """From now on nothing passes, and the gateway knows; a later call of the link's brings it back."""
    between.wait_state("live")
    getattr(between.link, how)()
    between.wait_state("down")


@pytest.mark.parametrize("how", ("cut", "go_silent"))
def test_the_link_breaks_while_a_file_goes_up_and_down(load, between, pair, check, how):
    """The same requests go on over the next link; the client notices nothing."""
    content = secrets.token_bytes(LONG)
    opened = begin_upload(pair[0], LONG, "a.bin", "application/octet-stream", sha256=digest(content))
    with connected(load.stack) as connection:
        begin_put(connection, opened, LONG)
        for part in parts(content, 3):
            break_link(between, how)
            sent = concurrent.futures.ThreadPoolExecutor(1).submit(connection.send, part)
            load.wait_acknowledged(20)  # texts need no files
            between.link.restore()
            sent.result(DEADLINE)
        assert answer_of(connection) == 201
    url = address_of(*pair, opened["file"])
    with connected(load.stack) as connection:
        connection.request("GET", url)
        answer = connection.getresponse()
        got = answer.read(1_000_000)
        for _ in range(3):
            break_link(between, how)
            got += answer.read(10_000)  # the kernel's buffers have it
            between.link.restore()
            got += answer.read(4_000_000)
        got += answer.read()
    assert digest(got) == digest(content)
    load.wait_everybody()
    check(load)


def test_many_uploads_beside_texts(load, patient, pair, check):
    """All at once: each has sent its first half before any sends the second."""
    halfway = threading.Barrier(MANY)

    def put(one):
        content, opened = one
        with connected(load.stack) as connection:
            begin_put(connection, opened, EACH)
            connection.send(content[: EACH // 2])
            halfway.wait(DEADLINE)
            connection.send(content[EACH // 2 :])
            return answer_of(connection)

    contents = [secrets.token_bytes(EACH) for _ in range(MANY)]
    opened = [begin_upload(pair[0], EACH, "a.bin", "application/octet-stream", sha256=digest(content))
              for content in contents]
    with concurrent.futures.ThreadPoolExecutor(MANY) as threads:
        statuses = list(threads.map(put, zip(contents, opened)))
    assert set(statuses) == {201}
    load.wait_acknowledged(100)
    for content, one in zip(contents, opened):
        status, got = fetch(load.stack, address_of(*pair, one["file"]))
        assert status == 200 and digest(got) == digest(content)
    load.wait_everybody()
    check(load)


def test_files_is_killed_under_many_uploads(load, pair, check):
    """Each request goes on behind what was safe, without its client's help."""
    contents = [secrets.token_bytes(EACH) for _ in range(20)]

    def put(content):
        opened = uploads[digest(content)]
        with connected(load.stack) as connection:
            begin_put(connection, opened, EACH)
            connection.send(content[: EACH // 2])
            halfway.wait(DEADLINE)
            killed.wait(DEADLINE)
            connection.send(content[EACH // 2 :])
            return answer_of(connection)

    halfway, killed = threading.Barrier(len(contents) + 1), threading.Event()
    uploads = {digest(content): begin_upload(pair[0], EACH, "a.bin", "application/octet-stream")
               for content in contents}
    with concurrent.futures.ThreadPoolExecutor(len(contents)) as threads:
        sent = threads.map(put, contents)
        halfway.wait(DEADLINE)
        load.stack.services["files"].kill()
        killed.set()
        load.wait_acknowledged(100)
        load.stack.services["files"].start()
        assert set(sent) == {201}
    for content in contents:
        status, got = fetch(load.stack, address_of(*pair, uploads[digest(content)]["file"]))
        assert status == 200 and digest(got) == digest(content)
    check(load)
